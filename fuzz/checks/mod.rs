//! The checks of every fuzz target. The targets run them on the fuzzer's inputs, and `tests/corpora.rs` runs them on
//! the committed corpora, so that an ordinary test run repeats every finding.
#![allow(dead_code, reason = "every target uses one of them")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a check may fail")]

pub(crate) mod cursor;
mod directory;
pub(crate) mod graph;
pub(crate) mod identity;
mod import;
mod json;
pub(crate) mod ldif;
pub(crate) mod ledger;
pub(crate) mod m365_csv;
pub(crate) mod m365_json;
pub(crate) mod mapped;
pub(crate) mod policy_document;
pub(crate) mod query;
mod reader;
pub(crate) mod scim;
mod silence;
pub(crate) mod stored_documents;
pub(crate) mod table;
