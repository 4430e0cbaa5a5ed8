//! The fields of a record, under whatever names its shape gives them.

use std::borrow::Cow;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::DateOrder;
use super::json;
use super::reject::RejectReason;
use crate::text::TextError;

/// Under which names each shape keeps what every activity has, best first.
pub(super) struct Shape {
    pub(super) id: &'static [&'static str],
    pub(super) time: &'static [&'static str],
    pub(super) app: &'static str,
    pub(super) object: &'static str,
}

const COMMON: Shape = Shape { id: &["Id"], time: &["CreationTime"], app: "Workload", object: "ObjectId" };

// `Identity` is no id here: cmdlets write into it whom they changed.
pub(super) const FLAT: Shape = Shape {
    id: &["OfficeId", "SourceRecordId", "RecordId", "Id"],
    time: &["TimeGenerated", "Start_Time", "CreationTime", "CreationDate", "CreationDates"],
    app: "OfficeWorkload",
    object: "OfficeObjectId",
};

/// The fields of a record. Text is without white space around it, and empty text is no text.
pub(super) struct Fields {
    pub(super) map: Map<String, Value>,
    pub(super) shape: &'static Shape,
    /// Which of day and month comes first, where a time does not tell.
    pub(super) order: Option<DateOrder>,
}

impl Fields {
    /// Of a record as JSON, which can be a row of the flat table too.
    pub(super) fn of_json(map: Map<String, Value>, order: Option<DateOrder>) -> Self {
        let has = |names: &[&str]| names.iter().any(|name| map.keys().any(|key| key.eq_ignore_ascii_case(name)));
        let is_flat = !has(COMMON.time) && has(&["TimeGenerated", "OfficeWorkload", "OfficeId"]);
        if !is_flat {
            return Self { map, shape: &COMMON, order };
        }
        Self::flat(map.into_iter().map(|(name, value)| (without_zone(&name).to_owned(), value)).collect(), order)
    }

    /// Of a row in the flat table, ` [UTC]` taken off the names.
    pub(super) fn flat(map: Map<String, Value>, order: Option<DateOrder>) -> Self {
        Self { map, shape: &FLAT, order }
    }

    /// The value of a field, whatever the case of its name.
    pub(super) fn value(&self, field: &str) -> Option<&Value> {
        self.map.get(field).or_else(|| self.values(field).next())
    }

    /// The values of a field whose name is there in several cases: `SendOnBehalfOfUserSmtp`, `SendonBehalfOfUserSmtp`.
    fn values(&self, field: &str) -> impl Iterator<Item = &Value> {
        let mut found: Vec<_> = self.map.iter().filter(|(name, _)| name.eq_ignore_ascii_case(field)).collect();
        found.sort_unstable_by_key(|(name, _)| *name);
        found.into_iter().map(|(_, value)| value)
    }

    pub(super) fn text(&self, field: &'static str) -> Result<Option<&str>, RejectReason> {
        text_of(self.value(field), field)
    }

    /// Every text or number of a field, whatever the case of its name; what is neither names nobody by itself.
    pub(super) fn texts(&self, field: &'static str) -> Vec<Cow<'_, str>> {
        self.values(field).filter_map(lenient_text_of).collect()
    }

    /// The first text or number of a field. One that is something else is rejected.
    pub(super) fn required_text(&self, field: &'static str) -> Result<Option<Cow<'_, str>>, RejectReason> {
        let is_other = |value: &Value| matches!(value, Value::Bool(_) | Value::Array(_) | Value::Object(_));
        match self.values(field).any(is_other) {
            true => Err(RejectReason::InvalidField { field, expected: "a text" }),
            false => Ok(self.lenient_text(field)),
        }
    }

    /// The first text or number of a field.
    pub(super) fn lenient_text(&self, field: &'static str) -> Option<Cow<'_, str>> {
        self.values(field).find_map(lenient_text_of)
    }

    /// The texts of a field in the object, or the objects, that stand in a field.
    pub(super) fn inner_texts(&self, object: &'static str, field: &'static str) -> Result<Vec<String>, RejectReason> {
        let mut texts = Vec::new();
        for entry in self.people(object)? {
            let value = entry.as_object().and_then(|entry| member(entry, field));
            texts.extend(value.and_then(lenient_text_of).map(Cow::into_owned));
        }
        Ok(texts)
    }

    /// The entries of a list, which the flat table writes as JSON in a text. Whatever is no list is the one entry.
    pub(super) fn entries(&self, field: &'static str) -> Result<Vec<Value>, RejectReason> {
        let mut entries = Vec::new();
        for value in self.values(field) {
            flatten(value, MAX_LISTS, &mut entries)?;
        }
        Ok(entries)
    }

    /// The entries of a list that says who acted. One written as a text that cannot be read to its end is rejected: cut, it
    /// may name somebody by an id that is found in it no more.
    pub(super) fn people(&self, field: &'static str) -> Result<Vec<Value>, RejectReason> {
        let entries = self.entries(field)?;
        let is_cut = |entry: &Value| entry.as_str().is_some_and(|text| text.trim_start().starts_with(['[', '{']));
        if entries.iter().any(is_cut) {
            return Err(RejectReason::InvalidField { field, expected: "a list or an object" });
        }
        Ok(entries)
    }

    /// The first of some fields that holds a text, and which it is.
    pub(super) fn first(&self, fields: &[&'static str]) -> Result<Option<(&'static str, &str)>, RejectReason> {
        for field in fields {
            if let Some(text) = self.text(field)? {
                return Ok(Some((field, text)));
            }
        }
        Ok(None)
    }
}

/// How deep lists, and texts that are lists, may stand in each other.
const MAX_LISTS: usize = 8;

/// Adds the entries of a list, of the lists in it, and of texts that are lists.
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
            // Taken for any other text, it would name nobody whom it names by an id.
            Err(reason @ (RejectReason::RepeatedField | RejectReason::TooLarge(_))) => return Err(reason),
            Err(_) => entries.push(Value::String(text.trim().to_owned())),
        },
        (Value::String(text), Some(_)) => entries.push(Value::String(text.trim().to_owned())),
        (Value::Object(members), Some(depth)) => match member(members, "value") {
            Some(list @ Value::Array(_)) => flatten(list, depth, entries)?,
            _ => entries.push(value.clone()),
        },
        // Too deep to be read: as a list that is cut.
        (_, None) => entries.push(Value::String("[".to_owned())),
    }
    Ok(())
}

/// A member of an object, whatever the case of its name.
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
        Some(_) => Err(RejectReason::InvalidField { field, expected: "a text" }),
    }
}

/// Turns what is wrong with a text into what is wrong with the record that holds it.
pub(super) fn in_field(field: &'static str) -> impl Fn(TextError) -> RejectReason {
    move |error| RejectReason::Text { field, error }
}

/// The name of a column without the zone that a portal puts behind those of times.
pub(super) fn without_zone(name: &str) -> &str {
    name.strip_suffix(" [UTC]").unwrap_or(name).trim_end()
}

/// Whether this is the UUID that stands for none.
pub(super) fn is_nil(text: &str) -> bool {
    Uuid::try_parse(text).is_ok_and(|uuid| uuid.is_nil())
}
