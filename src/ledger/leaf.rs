//! Leaves of the tree.

use std::fmt::Write;

use serde_json::{Map, Value};
use thiserror::Error;

use super::hash::TreeHash;
use crate::governance::RecordEntry;

/// A record in the canonical text form that is hashed: the JSON of its [`RecordEntry`] without white space, with object
/// members sorted by name, as in [RFC 8785](https://www.rfc-editor.org/rfc/rfc8785.html). An integer beyond 2^53, which
/// RFC 8785 does not cover, is written in decimal digits.
///
/// The leaf contains commitments instead of values that can be [redacted](crate::governance::Record::redact), so a
/// redacted record has the same leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf(String);

/// The error of a record without a canonical form. No record of this version has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the record has no canonical form, because it contains a number that is not an integer")]
pub struct LeafError;

impl Leaf {
    /// Returns the leaf of a record.
    ///
    /// # Errors
    /// Returns [`LeafError`] if the record has no canonical form.
    pub fn of(entry: &RecordEntry) -> Result<Self, LeafError> {
        let entry = RecordEntry { sequence: entry.sequence, record: entry.record.without_openings() };
        let mut text = String::with_capacity(512);
        write(&mut text, &serde_json::to_value(entry).map_err(|_| LeafError)?)?;
        Ok(Self(text))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the hash of the leaf.
    #[must_use]
    pub fn hash(&self) -> TreeHash {
        TreeHash::of_leaf(self.0.as_bytes())
    }
}

fn write(to: &mut String, value: &Value) -> Result<(), LeafError> {
    match value {
        Value::Null => to.push_str("null"),
        Value::Bool(true) => to.push_str("true"),
        Value::Bool(false) => to.push_str("false"),
        // The `Display` form of a number depends on the features of `serde_json`.
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => write!(to, "{number}").map_err(|_| LeafError)?,
            (None, Some(number)) => write!(to, "{number}").map_err(|_| LeafError)?,
            (None, None) => return Err(LeafError),
        },
        Value::String(text) => quote(to, text)?,
        Value::Array(entries) => {
            to.push('[');
            for (at, entry) in entries.iter().enumerate() {
                if at > 0 {
                    to.push(',');
                }
                write(to, entry)?;
            }
            to.push(']');
        }
        Value::Object(members) => write_members(to, members)?,
    }
    Ok(())
}

fn write_members(to: &mut String, members: &Map<String, Value>) -> Result<(), LeafError> {
    // Sorted here, because the order of a `serde_json` map depends on its features. RFC 8785 sorts by UTF-16 code
    // units.
    let mut members: Vec<(&String, &Value)> = members.iter().collect();
    members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
    to.push('{');
    for (at, (name, value)) in members.into_iter().enumerate() {
        if at > 0 {
            to.push(',');
        }
        quote(to, name)?;
        to.push(':');
        write(to, value)?;
    }
    to.push('}');
    Ok(())
}

/// `serde_json` escapes strings exactly as RFC 8785 does.
fn quote(to: &mut String, text: &str) -> Result<(), LeafError> {
    to.push_str(&serde_json::to_string(text).map_err(|_| LeafError)?);
    Ok(())
}
