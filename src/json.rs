//! JSON without objects that have two members of one name.

mod canonical;
mod document;
mod numbers;
#[cfg(feature = "mapped")]
mod unique;

#[cfg(any(feature = "import", feature = "ledger", feature = "mapped"))]
use serde_json::Value;

pub(crate) use self::canonical::canonical;
#[cfg(any(feature = "m365", feature = "mapped"))]
pub(crate) use self::canonical::canonical_value;
#[cfg(feature = "m365")]
pub(crate) use self::canonical::canonical_with;
#[cfg(any(feature = "m365", feature = "mapped"))]
pub(crate) use self::document::{Document, Kind, Value as DocumentValue};
#[cfg(feature = "mapped")]
pub(crate) use self::unique::UniqueValue;

/// The reason why a JSON text is rejected.
#[cfg_attr(
    not(any(feature = "import", feature = "m365", feature = "mapped")),
    expect(dead_code, reason = "without a reader, neither the JSON error nor the number of values is reported")
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
/// Returns [`Unreadable`] as [`document::Document::parse`] does. A map would contain only the last of two members of one name,
/// and the other could be the one that protects a person.
#[cfg(any(feature = "import", feature = "ledger", feature = "mapped"))]
pub(crate) fn parse(text: &str, max_values: usize) -> Result<Value, Unreadable> {
    document::Document::parse(text, max_values)?;
    serde_json::from_str(text).map_err(Unreadable::NotJson)
}
