//! The JSON of a record, within its limits.

#[cfg(feature = "m365")]
use serde_json::Value;

use super::{MAX_RECORD_VALUES, RejectReason};
use crate::activity::ActivityError;
#[cfg(feature = "mapped")]
use crate::json::Document;
use crate::json::{self, Unreadable};

/// Parses the JSON of a record.
///
/// # Errors
/// Returns [`RejectReason`] if the text is not JSON, if an object in it has two fields of one name, or if it contains
/// more than [`MAX_RECORD_VALUES`] values.
#[cfg(feature = "m365")]
pub(super) fn parse(text: &str) -> Result<Value, RejectReason> {
    json::parse(text, MAX_RECORD_VALUES).map_err(reason)
}

/// Like [`parse`], but returns values that borrow from the text.
#[cfg(feature = "mapped")]
pub(super) fn document(text: &str) -> Result<Document<'_>, RejectReason> {
    Document::parse(text, MAX_RECORD_VALUES).map_err(reason)
}

fn reason(unreadable: Unreadable) -> RejectReason {
    match unreadable {
        Unreadable::NotJson(error) => error.into(),
        Unreadable::Repeated => RejectReason::RepeatedField,
        Unreadable::TooManyValues(count) => {
            let (what, max) = ("values in the JSON", MAX_RECORD_VALUES);
            RejectReason::TooLarge(ActivityError::OverLimit { what, count, max })
        }
    }
}
