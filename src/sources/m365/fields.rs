//! The fields of a record, by the names that its schema gives them.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{DateOrder, RejectReason};
use crate::sources::json;

/// The names of the fields that every activity has, the preferred first.
pub(super) struct Schema {
    pub(super) id: &'static [&'static str],
    pub(super) time: &'static [&'static str],
    pub(super) app: &'static str,
    pub(super) object: &'static str,
}

/// The Common schema of the Management Activity API.
const COMMON: Schema = Schema { id: &["Id"], time: &["CreationTime"], app: "Workload", object: "ObjectId" };

/// The table `OfficeActivity`. Its `Identity` is not an id: cmdlets write the object that they changed into it.
pub(super) const OFFICE_ACTIVITY: Schema = Schema {
    id: &["OfficeId", "SourceRecordId", "RecordId", "Id"],
    time: &["TimeGenerated", "Start_Time", "CreationTime", "CreationDate", "CreationDates"],
    app: "OfficeWorkload",
    object: "OfficeObjectId",
};

/// The fields of a record. Texts are returned without white space around them, and empty texts not at all.
pub(super) struct Fields {
    pub(super) map: Map<String, Value>,
    pub(super) schema: &'static Schema,
    /// The order of day and month if a time does not show it.
    pub(super) order: Option<DateOrder>,
}

impl Fields {
    /// Returns the fields of a JSON record, which can be a row of `OfficeActivity`.
    pub(super) fn of_json(map: Map<String, Value>, order: Option<DateOrder>) -> Self {
        let has = |names: &[&str]| names.iter().any(|name| map.keys().any(|key| key.eq_ignore_ascii_case(name)));
        let is_row = !has(COMMON.time) && has(&["TimeGenerated", "OfficeWorkload", "OfficeId"]);
        if !is_row {
            return Self { map, schema: &COMMON, order };
        }
        Self::of_row(map.into_iter().map(|(name, value)| (without_zone(&name).to_owned(), value)).collect(), order)
    }

    /// Returns the fields of a row of `OfficeActivity`, whose names are without ` [UTC]`.
    pub(super) fn of_row(map: Map<String, Value>, order: Option<DateOrder>) -> Self {
        Self { map, schema: &OFFICE_ACTIVITY, order }
    }

    /// Returns the value of a field. The name is compared without regard to case; the exact name comes first.
    pub(super) fn value(&self, field: &str) -> Option<&Value> {
        self.map.get(field).or_else(|| self.values(field).next())
    }

    /// Returns the values of all fields of a name without regard to case: `SendOnBehalfOfUserSmtp`,
    /// `SendonBehalfOfUserSmtp`.
    fn values(&self, field: &str) -> impl Iterator<Item = &Value> {
        let mut found: Vec<_> = self.map.iter().filter(|(name, _)| name.eq_ignore_ascii_case(field)).collect();
        found.sort_unstable_by_key(|(name, _)| *name);
        found.into_iter().map(|(_, value)| value)
    }

    /// Returns the text of a field.
    ///
    /// # Errors
    /// Returns [`RejectReason::InvalidField`] if the value is not a string.
    pub(super) fn text(&self, field: &'static str) -> Result<Option<&str>, RejectReason> {
        text_of(self.value(field), field)
    }

    /// Returns every string or number of a field, without regard to the case of its name. Skips other values, which are
    /// not names by themselves.
    pub(super) fn texts(&self, field: &'static str) -> Vec<Cow<'_, str>> {
        self.values(field).filter_map(lenient_text_of).collect()
    }

    /// Returns the first string or number of a field.
    ///
    /// # Errors
    /// Returns [`RejectReason::InvalidField`] if a value of the field is neither, nor null.
    pub(super) fn required_text(&self, field: &'static str) -> Result<Option<Cow<'_, str>>, RejectReason> {
        let is_other = |value: &Value| matches!(value, Value::Bool(_) | Value::Array(_) | Value::Object(_));
        match self.values(field).any(is_other) {
            true => Err(RejectReason::InvalidField { field: field.into(), expected: "a text" }),
            false => Ok(self.lenient_text(field)),
        }
    }

    /// Returns the first string or number of a field.
    pub(super) fn lenient_text(&self, field: &'static str) -> Option<Cow<'_, str>> {
        self.values(field).find_map(lenient_text_of)
    }

    /// Returns the texts of `field` in the objects that the field `object` contains.
    pub(super) fn inner_texts(&self, object: &'static str, field: &'static str) -> Result<Vec<String>, RejectReason> {
        let mut texts = Vec::new();
        for entry in self.people(object)? {
            let value = entry.as_object().and_then(|entry| member(entry, field));
            texts.extend(value.and_then(lenient_text_of).map(Cow::into_owned));
        }
        Ok(texts)
    }

    /// Returns the entries of a list, which `OfficeActivity` has as JSON in a string. A value that is not a list is the
    /// only entry.
    pub(super) fn entries(&self, field: &'static str) -> Result<Vec<Value>, RejectReason> {
        let mut entries = Vec::new();
        for value in self.values(field) {
            flatten(value, MAX_LISTS, &mut entries)?;
        }
        Ok(entries)
    }

    /// Returns the entries of a list that contains principals.
    ///
    /// # Errors
    /// Returns [`RejectReason::InvalidField`] if the list is a string with truncated JSON, because the missing part may
    /// contain an id.
    pub(super) fn people(&self, field: &'static str) -> Result<Vec<Value>, RejectReason> {
        let entries = self.entries(field)?;
        let is_truncated = |entry: &Value| entry.as_str().is_some_and(|text| text.trim_start().starts_with(['[', '{']));
        if entries.iter().any(is_truncated) {
            return Err(RejectReason::InvalidField { field: field.into(), expected: "a list or an object" });
        }
        Ok(entries)
    }

    /// Returns the first of these fields that has a text, with its name.
    pub(super) fn first(&self, fields: &[&'static str]) -> Result<Option<(&'static str, &str)>, RejectReason> {
        for field in fields {
            if let Some(text) = self.text(field)? {
                return Ok(Some((field, text)));
            }
        }
        Ok(None)
    }
}

/// How deep lists, and strings that contain lists, may be nested.
const MAX_LISTS: usize = 8;

/// Adds the entries of a list, of the lists in it, and of strings that contain lists.
fn flatten(value: &Value, depth: usize, entries: &mut Vec<Value>) -> Result<(), RejectReason> {
    match (value, depth.checked_sub(1)) {
        (Value::Null | Value::Bool(_) | Value::Number(_), _) => {}
        (Value::Array(list), Some(depth)) => {
            for entry in list {
                flatten(entry, depth, entries)?;
            }
        }
        (Value::String(text), _) if text.trim().is_empty() => {}
        (Value::String(text), Some(depth)) if text.trim_start().starts_with(['[', '{']) => match json::parse(text) {
            Ok(inner) => flatten(&inner, depth, entries)?,
            // As any other text, it would lose the principals that it names by an id.
            Err(reason @ (RejectReason::RepeatedField | RejectReason::TooLarge(_))) => return Err(reason),
            Err(_) => entries.push(Value::String(text.trim().to_owned())),
        },
        (Value::String(text), Some(_)) => entries.push(Value::String(text.trim().to_owned())),
        (Value::Object(members), Some(depth)) => match member(members, "value") {
            Some(list @ Value::Array(_)) => flatten(list, depth, entries)?,
            _ => entries.push(value.clone()),
        },
        // Nested too deeply: handled like a truncated list.
        (_, None) => entries.push(Value::String("[".to_owned())),
    }
    Ok(())
}

/// Returns a member of an object. The name is compared without regard to case; the exact name comes first.
pub(super) fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).or_else(|| {
        let alike = members.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        alike.min_by_key(|(known, _)| *known).map(|(_, value)| value)
    })
}

fn lenient_text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.trim().into()).filter(|text: &Cow<'_, str>| !text.is_empty()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

fn text_of<'a>(value: Option<&'a Value>, field: &'static str) -> Result<Option<&'a str>, RejectReason> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        Some(_) => Err(RejectReason::InvalidField { field: field.into(), expected: "a text" }),
    }
}

/// Returns the name of a column without the zone that the portal appends to the names of times.
pub(super) fn without_zone(name: &str) -> &str {
    name.strip_suffix(" [UTC]").unwrap_or(name).trim_end()
}
