//! JSON in which no object has two members of one name.

#[cfg(feature = "m365")]
mod canonical;

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

#[cfg(feature = "m365")]
pub(crate) use self::canonical::{canonical, canonical_member, canonical_with};

/// Why a JSON text is not taken.
#[cfg_attr(
    not(any(feature = "import", feature = "m365")),
    expect(dead_code, reason = "the ledger says no more than that it is no JSON")
)]
pub(crate) enum Unreadable {
    /// It is no JSON.
    NotJson(serde_json::Error),
    /// An object in it has two members of one name.
    Repeated,
    /// It holds this many values, more than allowed.
    TooManyValues(usize),
}

/// Parses a JSON text, and refuses one in which a field is given twice, at whatever depth: a map would keep only the
/// last of them, and the other may be the one that protects.
///
/// Refuses more than `max_values` too, before they are held in memory, where an object of one member takes a hundred
/// times the bytes of its text.
pub(crate) fn parse(text: &str, max_values: usize) -> Result<Value, Unreadable> {
    // Looked at apart from the parsing, which does with numbers whatever `serde_json` was built to do.
    let Seen { values, repeated } = serde_json::from_str(text).map_err(Unreadable::NotJson)?;
    if repeated {
        return Err(Unreadable::Repeated);
    }
    if values > max_values {
        return Err(Unreadable::TooManyValues(values));
    }
    serde_json::from_str(text).map_err(Unreadable::NotJson)
}

/// What was seen in a JSON text without holding it. Nests no deeper than the parser lets it.
struct Seen {
    values: usize,
    /// Whether a field is given twice somewhere.
    repeated: bool,
}

impl Seen {
    const ONE_VALUE: Self = Self { values: 1, repeated: false };

    fn add(&mut self, within: Self) {
        self.values += within.values;
        self.repeated |= within.repeated;
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Seen, A::Error> {
        let (mut names, mut seen) = (HashSet::new(), Seen::ONE_VALUE);
        while let Some((name, within)) = members.next_entry::<String, Seen>()? {
            seen.add(within);
            seen.repeated |= !names.insert(name);
        }
        Ok(seen)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Seen, A::Error> {
        let mut seen = Seen::ONE_VALUE;
        while let Some(within) = entries.next_element()? {
            seen.add(within);
        }
        Ok(seen)
    }

    fn visit_unit<E: Error>(self) -> Result<Seen, E> {
        Ok(Seen::ONE_VALUE)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Seen, E> {
        Ok(Seen::ONE_VALUE)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Seen, E> {
        Ok(Seen::ONE_VALUE)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Seen, E> {
        Ok(Seen::ONE_VALUE)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen::ONE_VALUE)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Seen, E> {
        Ok(Seen::ONE_VALUE)
    }
}
