//! What the readers of directories promise, rule by rule.
#![cfg(feature = "import")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

#[path = "imports/changes.rs"]
mod changes;
#[path = "imports/ldif.rs"]
mod ldif;
#[path = "imports/table.rs"]
mod table;
