//! What each target holds to. The targets run these on whatever the fuzzer makes up, and `tests/corpora.rs` runs them on
//! the committed corpora, so that what was once found is looked at in every ordinary test run.
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
pub(crate) mod policy_document;
pub(crate) mod query;
mod reader;
pub(crate) mod scim;
mod silence;
pub(crate) mod stored_documents;
pub(crate) mod table;
