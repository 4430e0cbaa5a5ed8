//! JSON without objects that have two members of one name.

mod canonical;
mod document;
mod numbers;

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
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
/// Values are counted before any is stored, because an object with one member takes a hundred times the memory of its
/// text.
///
/// # Errors
/// Returns [`Unreadable`] if the text is not JSON, if it contains more than `max_values` values, or if an object at any
/// depth has two members of one name. A map would contain only the last of them, and the other could be the one that
/// protects a person.
pub(crate) fn parse(text: &str, max_values: usize) -> Result<Value, Unreadable> {
    // A pass of its own, because the features that `serde_json` is built with decide how it parses numbers.
    let Structure { values, repeated } = serde_json::from_str(text).map_err(Unreadable::NotJson)?;
    if repeated {
        return Err(Unreadable::Repeated);
    }
    if values > max_values {
        return Err(Unreadable::TooManyValues(values));
    }
    serde_json::from_str(text).map_err(Unreadable::NotJson)
}

/// The structure of a JSON text, computed without storing its values. The parser limits the depth.
struct Structure {
    values: usize,
    /// Whether an object has two members of one name.
    repeated: bool,
}

impl Structure {
    const ONE_VALUE: Self = Self { values: 1, repeated: false };

    fn add(&mut self, within: Self) {
        self.values += within.values;
        self.repeated |= within.repeated;
    }
}

impl<'de> Deserialize<'de> for Structure {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StructureVisitor)
    }
}

struct StructureVisitor;

impl<'de> Visitor<'de> for StructureVisitor {
    type Value = Structure;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Structure, A::Error> {
        let (mut names, mut structure) = (HashSet::new(), Structure::ONE_VALUE);
        while let Some((name, within)) = members.next_entry::<String, Structure>()? {
            structure.add(within);
            structure.repeated |= !names.insert(name);
        }
        Ok(structure)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Structure, A::Error> {
        let mut structure = Structure::ONE_VALUE;
        while let Some(within) = entries.next_element()? {
            structure.add(within);
        }
        Ok(structure)
    }

    fn visit_unit<E: Error>(self) -> Result<Structure, E> {
        Ok(Structure::ONE_VALUE)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Structure, E> {
        Ok(Structure::ONE_VALUE)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Structure, E> {
        Ok(Structure::ONE_VALUE)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Structure, E> {
        Ok(Structure::ONE_VALUE)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Structure, E> {
        Ok(Structure::ONE_VALUE)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Structure, E> {
        Ok(Structure::ONE_VALUE)
    }
}
