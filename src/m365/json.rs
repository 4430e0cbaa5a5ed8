//! JSON in which no object has two members of one name, and no more values than a record may hold.

use serde_json::Value;

use super::MAX_RECORD_VALUES;
use super::reject::RejectReason;
use crate::activity::ActivityError;
use crate::json::{self, Unreadable};

/// Parses a JSON text, and refuses one in which a field is given twice, or that holds more than [`MAX_RECORD_VALUES`].
pub(super) fn parse(text: &str) -> Result<Value, RejectReason> {
    json::parse(text, MAX_RECORD_VALUES).map_err(|unreadable| match unreadable {
        Unreadable::NotJson(error) => error.into(),
        Unreadable::Repeated => RejectReason::RepeatedField,
        Unreadable::TooManyValues(count) => {
            let (what, max) = ("values in the JSON", MAX_RECORD_VALUES);
            RejectReason::TooLarge(ActivityError::TooMany { what, count, max })
        }
    })
}
