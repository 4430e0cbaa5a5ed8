//! The JSON of a record, within its limits.

use serde_json::Value;

use super::{MAX_RECORD_VALUES, RejectReason};
use crate::activity::ActivityError;
use crate::json::{self, Unreadable};

/// Parses the JSON of a record.
///
/// # Errors
/// Returns [`RejectReason`] if the text is not JSON, if an object in it has two fields of one name, or if it contains
/// more than [`MAX_RECORD_VALUES`] values.
pub(super) fn parse(text: &str) -> Result<Value, RejectReason> {
    json::parse(text, MAX_RECORD_VALUES).map_err(|unreadable| match unreadable {
        Unreadable::NotJson(error) => error.into(),
        Unreadable::Repeated => RejectReason::RepeatedField,
        Unreadable::TooManyValues(count) => {
            let (what, max) = ("values in the JSON", MAX_RECORD_VALUES);
            RejectReason::TooLarge(ActivityError::OverLimit { what, count, max })
        }
    })
}
