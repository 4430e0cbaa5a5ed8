//! The fields of a record, under whatever names its shape gives them.

use std::borrow::Cow;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::DateOrder;
use super::json;
use super::reject::RejectReason;
use super::walk::plain;
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

/// The fields that name somebody who performed beside the actor, by a part of their names in lower case.
const PERFORMERS: [(&str, &str); 11] = [
    ("SendOnBehalfOfUserSmtp", "onbehalfof"),
    ("SendAsUserSmtp", "sendas"),
    ("ImpersonatedUser", "impersonat"),
    ("UserUPN", "userupn"),
    ("UserPrincipalName", "userprincipalname"),
    ("EndUser", "enduser"),
    ("ActorUserId", "actoruserid"),
    ("ActorUPN", "actorupn"),
    ("InitiatedBy", "initiatedby"),
    ("PerformedBy", "performedby"),
    ("ExecutedBy", "executedby"),
];

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

    /// Every text of a field, whatever the case of its name.
    pub(super) fn texts(&self, field: &'static str) -> Result<Vec<&str>, RejectReason> {
        let mut texts = Vec::new();
        for value in self.values(field) {
            texts.extend(text_of(Some(value), field)?);
        }
        Ok(texts)
    }

    /// The texts of the fields that name somebody who performed beside the actor, each with a name for the field.
    pub(super) fn performers(&self) -> Vec<(&'static str, &str)> {
        let mut names: Vec<(String, &str)> = Vec::new();
        for (name, value) in &self.map {
            names.extend(value.as_str().filter(|text| !text.trim().is_empty()).map(|text| (plain(name), text)));
        }
        names.sort_unstable();
        let of = |(field, part): &(&'static str, &'static str)| {
            let (field, part) = (*field, *part);
            let here = names.iter().filter(move |(name, _)| name.contains(part) && !name.ends_with("guid"));
            here.map(move |(_, text)| (field, *text)).collect::<Vec<_>>()
        };
        PERFORMERS.iter().flat_map(of).collect()
    }

    /// The texts of a field in the object, or the objects, that stand in a field.
    pub(super) fn inner_texts(&self, object: &'static str, field: &'static str) -> Result<Vec<String>, RejectReason> {
        let mut texts = Vec::new();
        for entry in self.people(object)?.iter() {
            texts.extend(text_of(entry.get(field), field)?.map(str::to_owned));
        }
        Ok(texts)
    }

    /// The entries of a list, which the flat table writes as JSON in a text. An object, or any other text, is the one
    /// entry.
    pub(super) fn entries(&self, field: &'static str) -> Result<Cow<'_, [Value]>, RejectReason> {
        match self.value(field) {
            None | Some(Value::Null) => Ok(Cow::default()),
            Some(Value::Array(entries)) => Ok(entries.into()),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(Cow::default()),
            Some(Value::String(text)) => match json::parse(text) {
                Ok(Value::Array(entries)) => Ok(entries.into()),
                Ok(entry @ Value::Object(_)) => Ok(vec![entry].into()),
                // Taken for any other text, it would name nobody whom it names by an id.
                Err(reason @ (RejectReason::RepeatedField | RejectReason::TooLarge(_))) => Err(reason),
                _ => Ok(vec![Value::String(text.trim().to_owned())].into()),
            },
            Some(entry @ Value::Object(_)) => Ok(std::slice::from_ref(entry).into()),
            Some(_) => Err(RejectReason::InvalidField { field, expected: "a list or an object" }),
        }
    }

    /// The entries of a list that says who acted. One written as a text that cannot be read to its end is refused: cut,
    /// it may name somebody by an id that is found in it no more.
    pub(super) fn people(&self, field: &'static str) -> Result<Cow<'_, [Value]>, RejectReason> {
        let entries = self.entries(field)?;
        match (self.value(field), &*entries) {
            (Some(Value::String(_)), [Value::String(text)]) if text.starts_with(['[', '{']) => {
                Err(RejectReason::InvalidField { field, expected: "a list or an object" })
            }
            _ => Ok(entries),
        }
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
