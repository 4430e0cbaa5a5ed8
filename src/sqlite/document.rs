//! JSON documents in rows.

use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::FileError;
use crate::store::{StoreError, Versioned};

/// Kinds of documents, for [`FileError::InvalidContent`].
pub(super) const ACTIVITY: &str = "activity";
pub(super) const POLICY: &str = "policy";
pub(super) const REMOVED_GROUP: &str = "removed group";
pub(super) const FORWARDER: &str = "forwarder";
pub(super) const APPLIED_RECORDS: &str = "record of a change";

pub(super) fn to_json<T: Serialize>(what: &'static str, value: T) -> Result<String, StoreError> {
    serde_json::to_string(&Versioned(value)).map_err(|_| damaged(what))
}

/// Parses a document. It accepts bytes, because damaged text may not be UTF-8. The parser's own message is dropped,
/// because it can quote the text.
pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, text: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice::<Versioned<T>>(text).map(|Versioned(value)| value).map_err(|_| damaged(what))
}

pub(super) fn damaged(what: &'static str) -> StoreError {
    StoreError::Unreadable(Box::new(FileError::InvalidContent { what }))
}

/// Returns the error for content in the wrong place.
pub(super) fn corrupt() -> StoreError {
    StoreError::Unreadable(Box::new(FileError::Corrupt))
}

/// Returns the JSON in the first column of a row, even if it is not valid UTF-8.
pub(super) fn document(row: &Row<'_>) -> rusqlite::Result<Vec<u8>> {
    Ok(row.get_ref(0)?.as_bytes()?.to_vec())
}
