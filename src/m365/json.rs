//! JSON in which no object has two members of one name.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::reject::RejectReason;

/// Parses a JSON text, and refuses one in which a field is given twice, at whatever depth: a map would keep only the
/// last of them, and the other may be the one that protects.
pub(super) fn parse(text: &str) -> Result<Value, RejectReason> {
    let value = serde_json::from_str(text)?;
    // Looked for apart from the parsing, which does with numbers whatever `serde_json` was built to do.
    let Repeated(repeated) = serde_json::from_str(text)?;
    if repeated { Err(RejectReason::RepeatedField) } else { Ok(value) }
}

/// Whether a field is given twice somewhere. Nests no deeper than the parser lets it.
struct Repeated(bool);

impl<'de> Deserialize<'de> for Repeated {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Repeated;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Repeated, A::Error> {
        let (mut names, mut repeated) = (HashSet::new(), false);
        while let Some((name, Repeated(within))) = members.next_entry::<String, Repeated>()? {
            repeated |= within | !names.insert(name);
        }
        Ok(Repeated(repeated))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Repeated, A::Error> {
        let mut repeated = false;
        while let Some(Repeated(within)) = entries.next_element()? {
            repeated |= within;
        }
        Ok(Repeated(repeated))
    }

    fn visit_unit<E: Error>(self) -> Result<Repeated, E> {
        Ok(Repeated(false))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Repeated, E> {
        Ok(Repeated(false))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Repeated, E> {
        Ok(Repeated(false))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Repeated, E> {
        Ok(Repeated(false))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Repeated, E> {
        Ok(Repeated(false))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Repeated, E> {
        Ok(Repeated(false))
    }
}
