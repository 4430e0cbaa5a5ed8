//! What a row holds as JSON.

use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::FileError;
use crate::store::{StoreError, Versioned};

/// What can be found damaged.
pub(super) const ACTIVITY: &str = "activity";
pub(super) const POLICY: &str = "policy";
pub(super) const REMOVED_GROUP: &str = "removed group";
pub(super) const APPLIED_RECORDS: &str = "record of a change";

pub(super) fn to_json<T: Serialize>(what: &'static str, value: T) -> Result<String, StoreError> {
    serde_json::to_string(&Versioned(value)).map_err(|_| damaged(what))
}

/// Takes bytes, because damaged text may not even be UTF-8. The parser's own message is dropped, because it can quote
/// what it read.
pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, text: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice::<Versioned<T>>(text).map(|Versioned(value)| value).map_err(|_| damaged(what))
}

pub(super) fn damaged(what: &'static str) -> StoreError {
    StoreError::Unreadable(Box::new(FileError::InvalidContent { what }))
}

/// For what is found where nothing of its kind belongs.
pub(super) fn corrupt() -> StoreError {
    StoreError::Unreadable(Box::new(FileError::Corrupt))
}

/// The JSON in the first column of a row, whether it is text still or damaged.
pub(super) fn document(row: &Row<'_>) -> rusqlite::Result<Vec<u8>> {
    Ok(row.get_ref(0)?.as_bytes()?.to_vec())
}
