//! Chapter D of the rules: deciding, at ingest.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

mod forward;
mod house;

mod deciding {
    mod groups;
    mod nested;
    mod people;
    mod principals;
    mod stamps;
    mod undecidable;
    mod vanished;
}
