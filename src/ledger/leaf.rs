//! What of a record goes into the tree.

use std::fmt::Write;

use serde_json::{Map, Value};
use thiserror::Error;

use super::hash::TreeHash;
use crate::governance::RecordEntry;

/// A record as text, in the one form in which it is hashed: the JSON of its [`RecordEntry`] without spaces, the members
/// of each object in the order of their names, as [RFC 8785](https://www.rfc-editor.org/rfc/rfc8785.html) has it. An
/// integer beyond 2^53, for which that has no form, stands in digits.
///
/// What can be [forgotten](crate::governance::Record::redact) is not in it, only the commitments to that. So a record that forgot
/// what it says of people has the same leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf(String);

/// A record that has no such form. There is none in this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the record has no canonical form, expected no other numbers than integers")]
pub struct LeafError;

impl Leaf {
    /// The leaf of a record.
    ///
    /// # Errors
    /// [`LeafError`] when there is no such form.
    pub fn of(entry: &RecordEntry) -> Result<Self, LeafError> {
        let entry = RecordEntry { sequence: entry.sequence, record: entry.record.without_openings() };
        let mut text = String::with_capacity(512);
        write(&mut text, &serde_json::to_value(entry).map_err(|_| LeafError)?)?;
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its hash.
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
        // Not as the number shows itself, which depends on how `serde_json` was built.
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
    // Sorted here, because a map keeps another order where `serde_json` was built to do so. By UTF-16, as the RFC says.
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

/// `serde_json` escapes what the RFC does, and as it does.
fn quote(to: &mut String, text: &str) -> Result<(), LeafError> {
    to.push_str(&serde_json::to_string(text).map_err(|_| LeafError)?);
    Ok(())
}
