//! The promises of the directory readers, rule by rule.
#![cfg(feature = "import")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

mod fixture;

mod imports {
    mod changes;
    mod csv;
    mod graph;
    mod hostile;
    mod ldif;
    mod ldif_members;
    mod scim;
    mod scim_bulk;
    mod scim_nested;
    mod scim_patch;
}
