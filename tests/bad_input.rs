//! Chapter B of the rules, for everything but the readers of other formats: bad input is named, told apart from
//! content, and never the end of the process.
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
