//! Chapter D of the rules: deciding, at ingest.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

mod fixture;
mod forward;

mod deciding {
    mod decisions;
    mod groups;
    mod nested;
    mod people;
    mod principals;
    mod removed_groups;
    mod undecidable;
}
