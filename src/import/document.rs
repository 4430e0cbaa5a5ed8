//! JSON documents and their fields, for the importers of JSON formats.

use std::io::Read;

use serde_json::{Map, Value};

use super::EntryRejectReason;
use super::spelling;
use crate::identity::{GroupId, UserId};
use crate::input::InputKind;
use crate::json::{self, Unreadable};
use crate::steps::advance;
use crate::text::TextError;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// Reads a whole document, which must be one JSON object of at most `max_bytes` and `max_values`.
pub(super) fn read(source: impl Read, max_bytes: usize, max_values: usize) -> Result<Object, EntryRejectReason> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    source.take(limit).read_to_end(&mut bytes).map_err(|error| EntryRejectReason::Io { kind: error.kind() })?;
    if bytes.len() > max_bytes {
        return Err(EntryRejectReason::TooLong { max: max_bytes });
    }
    advance(1 + bytes.len() / 64);
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
    if let Some(kind) = InputKind::of(bytes) {
        return Err(EntryRejectReason::OtherInput { kind });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| EntryRejectReason::NotUtf8 { at: error.valid_up_to() })?;
    match json::parse(text, max_values) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(EntryRejectReason::NotAnObject),
        Err(Unreadable::Repeated) => Err(EntryRejectReason::DuplicateJsonKey),
        Err(Unreadable::TooManyValues(count)) => Err(EntryRejectReason::TooManyValues { count, max: max_values }),
        Err(Unreadable::NotJson(error)) if error.is_eof() => {
            Err(EntryRejectReason::Truncated { expected: "one complete JSON object" })
        }
        Err(Unreadable::NotJson(error)) => {
            Err(EntryRejectReason::NotJson { line: error.line(), column: error.column() })
        }
    }
}

/// Returns a string field, or `None` if it is absent, null, empty or blank.
pub(super) fn text<'a>(object: &'a Object, field: &'static str) -> Result<Option<&'a str>, EntryRejectReason> {
    text_of(object.get(field), field)
}

/// Returns a field's value as a string, or `None` if it is absent, null, empty or blank.
pub(super) fn text_of<'a>(value: Option<&'a Value>, field: &'static str) -> Result<Option<&'a str>, EntryRejectReason> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(EntryRejectReason::InvalidField { field, expected: "a string" }),
    }
}

/// Returns the elements of an array field, or `None` if it is absent or null.
pub(super) fn list<'a>(object: &'a Object, field: &'static str) -> Result<Option<&'a [Value]>, EntryRejectReason> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(entries)) => Ok(Some(entries)),
        Some(_) => Err(EntryRejectReason::InvalidField { field, expected: "a list" }),
    }
}

/// Returns an id unchanged. It must be valid both as a user id and as a group id.
pub(super) fn id<'a>(object: &'a Object, field: &'static str) -> Result<&'a str, EntryRejectReason> {
    let id = text(object, field)?.ok_or(EntryRejectReason::MissingField { field, expected: "the id of the object" })?;
    user_id(id, field)?;
    group_id(id, field)?;
    Ok(id)
}

pub(super) fn user_id(id: &str, field: &'static str) -> Result<UserId, EntryRejectReason> {
    let id = UserId::new(id).map_err(in_field(field))?;
    spelling::check_id(id.as_str(), field)?;
    Ok(id)
}

pub(super) fn group_id(id: &str, field: &'static str) -> Result<GroupId, EntryRejectReason> {
    let id = GroupId::new(id).map_err(in_field(field))?;
    spelling::check_id(id.as_str(), field)?;
    Ok(id)
}

fn in_field(field: &'static str) -> impl Fn(TextError) -> EntryRejectReason {
    move |error| EntryRejectReason::Text { field, error }
}
