//! Attributes, whose names are case-insensitive (RFC 7643, section 2.1).

use serde_json::{Map, Value};

use crate::import::EntryRejectReason;
use crate::import::document::{self, Object};
use crate::steps::advance;

/// The URNs that can prefix the attribute names of users and groups (RFC 7644, section 3.10).
const CORE: [&str; 2] = ["urn:ietf:params:scim:schemas:core:2.0:user:", "urn:ietf:params:scim:schemas:core:2.0:group:"];

/// Attributes that name people, and that no extension may contain.
const NAMING: [&str; 3] = ["username", "emails", "members"];

/// A JSON object with attribute names in lower case and without the URN of a core schema.
pub(super) struct Attributes(Object);

impl Attributes {
    /// Normalizes the attribute names in an object, at all depths. Two names that differ only in case are one attribute
    /// that occurs twice.
    pub(super) fn new(object: Object) -> Result<Self, EntryRejectReason> {
        match normalized(Value::Object(object))? {
            Value::Object(object) => Ok(Self(object)),
            _ => Err(EntryRejectReason::NotAnObject),
        }
    }

    /// Reads a resource from an object with normalized names. Attributes nested under the URN of a core schema become
    /// attributes of the resource; an attribute that occurs both ways must have equal values.
    pub(super) fn of_resource(value: Value) -> Result<Self, EntryRejectReason> {
        let Self(mut object) = Self::from_object(value)?;
        // A nested object can contain the URN again. The depth is limited by the parser.
        while let Some(urn) = object.keys().find(|name| is_core(name)).cloned() {
            advance(1 + object.len());
            match object.remove(&urn) {
                None | Some(Value::Null) => {}
                Some(Value::Object(nested)) => nested.into_iter().try_for_each(|(name, value)| {
                    advance(1);
                    match object.get(&name) {
                        None | Some(Value::Null) => object.insert(name, value),
                        Some(known) if value.is_null() || *known == value => None,
                        Some(_) => return Err(EntryRejectReason::DuplicateJsonKey),
                    };
                    Ok(())
                })?,
                Some(_) => {
                    let field = "urn:ietf:params:scim:schemas:core:2.0";
                    return Err(EntryRejectReason::InvalidField { field, expected: "an object of attributes" });
                }
            }
        }
        object.iter().try_for_each(|(name, value)| check_extension(name, value))?;
        Ok(Self(object))
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// Reads a whole body as a resource.
    pub(super) fn into_resource(self) -> Result<Self, EntryRejectReason> {
        Self::of_resource(Value::Object(self.0))
    }

    /// Wraps an object with normalized names.
    pub(super) fn from_object(value: Value) -> Result<Self, EntryRejectReason> {
        match value {
            Value::Object(object) => Ok(Self(object)),
            _ => Err(EntryRejectReason::NotAnObject),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(&name.to_ascii_lowercase())
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, EntryRejectReason> {
        document::text_of(self.get(name), name)
    }

    pub(super) fn list(&self, name: &'static str) -> Result<Option<&[Value]>, EntryRejectReason> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => entries(value, name).map(Some),
        }
    }

    pub(super) fn number(&self, name: &'static str) -> Result<Option<u64>, EntryRejectReason> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) if number.as_u64().is_some() => Ok(number.as_u64()),
            // Some providers write numbers as strings.
            Some(Value::String(text)) if text.trim().parse::<u64>().is_ok() => Ok(text.trim().parse().ok()),
            Some(_) => Err(EntryRejectReason::InvalidField { field: name, expected: "a non-negative number" }),
        }
    }

    /// Checks that `schemas`, if present and not empty, contains this URN.
    pub(super) fn check_schemas(&self, urn: &str, expected: &'static str) -> Result<(), EntryRejectReason> {
        match self.list("schemas")? {
            None | Some([]) => Ok(()),
            Some(schemas) if schemas.iter().any(|schema| is_text(schema, urn)) => Ok(()),
            Some(_) => Err(EntryRejectReason::InvalidField { field: "schemas", expected }),
        }
    }
}

/// Returns the elements of a list. A single object counts as a list of one.
pub(super) fn entries<'a>(value: &'a Value, field: &'static str) -> Result<&'a [Value], EntryRejectReason> {
    match value {
        Value::Array(entries) => Ok(entries),
        Value::Object(_) => Ok(std::slice::from_ref(value)),
        _ => Err(EntryRejectReason::InvalidField { field, expected: "a list of objects" }),
    }
}

/// Parses a boolean, or a string `true` or `false` in any case.
pub(super) fn boolean(value: &Value, field: &'static str) -> Result<Option<bool>, EntryRejectReason> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(holds) => Ok(Some(*holds)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        _ => Err(EntryRejectReason::InvalidField { field, expected: "true or false" }),
    }
}

/// Returns an attribute name without the URN of a core schema.
pub(super) fn unqualified(name: &str) -> &str {
    CORE.iter()
        .find_map(|urn| {
            name.get(..urn.len()).filter(|start| start.eq_ignore_ascii_case(urn)).and(name.get(urn.len()..))
        })
        .filter(|attribute| !attribute.is_empty())
        .unwrap_or(name)
}

/// Returns whether a name is exactly the URN of a core schema.
pub(super) fn is_core(name: &str) -> bool {
    let name = name.trim().trim_end_matches(':');
    CORE.iter().any(|urn| urn.trim_end_matches(':').eq_ignore_ascii_case(name))
}

/// Returns whether the name of an extension attribute is one that names people.
pub(super) fn names_people(name: &str) -> bool {
    let last = name.rsplit(':').next().unwrap_or_default();
    let last = last.split(['[', '.']).next().unwrap_or_default();
    NAMING.iter().any(|naming| naming.eq_ignore_ascii_case(last.trim()))
}

/// Rejects an extension attribute that names people, or contains an attribute that does.
pub(super) fn check_extension(name: &str, value: &Value) -> Result<(), EntryRejectReason> {
    advance(1);
    let is_extension = name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    if is_extension && (names_people(name) || holds_people(value)) {
        let expected = "`userName`, `emails` and `members` as attributes of the core schema";
        return Err(EntryRejectReason::InvalidField { field: "schemas", expected });
    }
    Ok(())
}

/// The recursion depth is limited by the parser.
fn holds_people(value: &Value) -> bool {
    advance(1);
    match value {
        Value::Object(object) => object.iter().any(|(name, value)| {
            advance(1);
            names_people(name) && !value.is_null()
        }),
        Value::Array(entries) => entries.iter().any(holds_people),
        _ => false,
    }
}

fn is_text(value: &Value, text: &str) -> bool {
    value.as_str().is_some_and(|value| value.eq_ignore_ascii_case(text))
}

/// The recursion depth is limited by the parser.
fn normalized(value: Value) -> Result<Value, EntryRejectReason> {
    advance(1);
    Ok(match value {
        Value::Object(object) => {
            let mut all = Map::new();
            for (name, value) in object {
                if all.insert(unqualified(name.trim()).to_ascii_lowercase(), normalized(value)?).is_some() {
                    return Err(EntryRejectReason::DuplicateJsonKey);
                }
            }
            Value::Object(all)
        }
        Value::Array(entries) => Value::Array(entries.into_iter().map(normalized).collect::<Result<_, _>>()?),
        plain => plain,
    })
}
