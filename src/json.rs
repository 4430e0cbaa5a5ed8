//! JSON without objects that have two members of one name.

mod canonical;
mod document;
mod numbers;

use serde_json::Value;

pub(crate) use self::canonical::{canonical, canonical_value, canonical_with};
pub(crate) use self::document::{Document, Kind, Value as DocumentValue};

/// The reason why a JSON text is rejected.
#[cfg_attr(
    not(any(feature = "import", feature = "m365")),
    expect(dead_code, reason = "the ledger reports neither the JSON error nor the number of values")
)]
pub(crate) enum Unreadable {
    /// The text is not JSON.
    NotJson(serde_json::Error),
    /// An object has two members of one name.
    Repeated,
    /// The text contains this many values, which is more than the limit.
    TooManyValues(usize),
}

/// Parses a JSON text.
///
/// # Errors
/// Returns [`Unreadable`] as [`Document::parse`] does. A map would contain only the last of two members of one name,
/// and the other could be the one that protects a person.
pub(crate) fn parse(text: &str, max_values: usize) -> Result<Value, Unreadable> {
    Document::parse(text, max_values)?;
    serde_json::from_str(text).map_err(Unreadable::NotJson)
}
