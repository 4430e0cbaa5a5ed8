//! Chapter B of the rules, except for the readers of other formats: errors name bad input, contain no private content,
//! and bad input never panics.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

mod fixture;

mod bad_input {
    mod canaries;
    mod hostile;
    mod named;
    mod versioned;
}
