//! The JSON of a record, within its limits.

use super::{MAX_RECORD_VALUES, RejectReason};
use crate::activity::ActivityError;
use crate::json::{Document, Unreadable};

/// Parses the JSON of a record into values that borrow from its text.
///
/// # Errors
/// Returns [`RejectReason`] if the text is not JSON, if an object in it has two fields of one name, or if it contains
/// more than [`MAX_RECORD_VALUES`] values.
pub(super) fn document(text: &str) -> Result<Document<'_>, RejectReason> {
    Document::parse(text, MAX_RECORD_VALUES).map_err(|unreadable| match unreadable {
        Unreadable::NotJson(error) => error.into(),
        Unreadable::Repeated => RejectReason::RepeatedField,
        Unreadable::TooManyValues(count) => {
            let (what, max) = ("values in the JSON", MAX_RECORD_VALUES);
            RejectReason::TooLarge(ActivityError::OverLimit { what, count, max })
        }
    })
}

/// Returns the text of JSON in a string, without white space around it, if the string has the form of an object or a
/// list.
pub(super) fn json_in(text: &str) -> Option<&str> {
    // Most texts begin with a letter or a digit.
    if text.as_bytes().first()?.is_ascii_alphanumeric() {
        return None;
    }
    let text = text.trim();
    let is_json = (text.starts_with('{') && text.ends_with('}')) || (text.starts_with('[') && text.ends_with(']'));
    is_json.then_some(text)
}
