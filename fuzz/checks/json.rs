//! A parser of JSON other than that of the library.

use std::fmt;

use serde::Deserialize;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A JSON text, with its members in order and repeated ones included.
pub(crate) enum Tree {
    Object(Vec<(String, Tree)>),
    List(Vec<Tree>),
    Plain(Value),
}

impl Tree {
    pub(crate) fn of(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns whether an object has two members of one name.
    pub(crate) fn repeats_a_name(&self) -> bool {
        match self {
            Self::Object(members) => {
                let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
                names.sort_unstable();
                names.windows(2).any(|pair| pair[0] == pair[1])
                    || members.iter().any(|(_, member)| member.repeats_a_name())
            }
            Self::List(entries) => entries.iter().any(Self::repeats_a_name),
            Self::Plain(_) => false,
        }
    }

    /// Returns whether there is a number whose text printing can change.
    pub(crate) fn holds_a_fraction(&self) -> bool {
        match self {
            Self::Object(members) => members.iter().any(|(_, member)| member.holds_a_fraction()),
            Self::List(entries) => entries.iter().any(Self::holds_a_fraction),
            Self::Plain(value) => value.is_f64(),
        }
    }

    /// Returns whether this is a row of an export that contains the record.
    pub(crate) fn is_wrapped(&self) -> bool {
        let Self::Object(members) = self else { return false };
        members.iter().any(|(name, _)| name.eq_ignore_ascii_case("AuditData"))
    }

    /// Returns a member of an object.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(other, _)| other == name).map(|(_, member)| member)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        let Self::Plain(value) = self else { return None };
        value.as_str()
    }

    /// Returns the text with the members of every object in reverse order.
    pub(crate) fn reversed(&self) -> String {
        let list = |open: char, parts: Vec<String>, close: char| format!("{open}{}{close}", parts.join(" , "));
        match self {
            Self::Object(members) => {
                let name = |name: &String| serde_json::to_string(name).unwrap();
                let parts = members.iter().rev().map(|(key, member)| format!("{} : {}", name(key), member.reversed()));
                list('{', parts.collect(), '}')
            }
            Self::List(entries) => list('[', entries.iter().map(Self::reversed).collect(), ']'),
            Self::Plain(value) => value.to_string(),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_element()? {
            entries.push(entry);
        }
        Ok(Tree::List(entries))
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Plain(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Plain(value.into()))
    }
}
