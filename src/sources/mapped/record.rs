//! The activity in a record.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::RejectReason;
use super::condition::Condition;
use super::map::Rules;
use super::node::{Node, RecordNode};
use super::objects::objects;
use super::place::first_text;
use super::principals::Principals;
use crate::activity::{Action, Activity, ActivityId};
use crate::json::{DocumentValue, Kind, canonical_value};
use crate::sources::json;
use crate::sources::reject::in_field;

/// The namespace of the ids that are computed from the content of a record (RFC 9562, section 6.5). It must never
/// change, or a record that is delivered again would no longer be a duplicate.
const CONTENT_IDS: Uuid = Uuid::from_u128(0x8e76_d7d1_90eb_467e_b042_7b13_323d_6834);

/// How many times a record may be wrapped in another.
const MAX_WRAPPING: usize = 3;

/// Returns the activity in a JSON record.
pub(super) fn activity(rules: &Rules, text: &str) -> Result<Activity, RejectReason> {
    visit_text(rules, text, MAX_WRAPPING, &|record| record.activity(rules))
}

/// Returns whether the map recognizes a JSON record as one of its source.
pub(super) fn is_recognized(rules: &Rules, text: &str) -> bool {
    let is_recognized = |record: Record<'_>| Ok(rules.recognize(Node::Record(&rules.node(record.root))));
    visit_text(rules, text, MAX_WRAPPING, &is_recognized).is_ok_and(|is_recognized| is_recognized)
}

/// A record without what a collector wrapped around it.
struct Record<'r> {
    root: DocumentValue<'r>,
    /// The text of the record, or `None` if it is a part of another text.
    text: Option<&'r str>,
}

/// Calls `visit` with the record in a text.
fn visit_text<T>(
    rules: &Rules,
    text: &str,
    wrapping: usize,
    visit: &dyn Fn(Record<'_>) -> Result<T, RejectReason>,
) -> Result<T, RejectReason> {
    if !text.starts_with('{') {
        return Err(RejectReason::NotAnObject);
    }
    let document = json::document(text)?;
    visit_record(rules, Record { root: document.root(), text: Some(text) }, wrapping, visit)
}

/// Calls `visit` with the record in a record, which can be that record itself.
fn visit_record<T>(
    rules: &Rules,
    record: Record<'_>,
    wrapping: usize,
    visit: &dyn Fn(Record<'_>) -> Result<T, RejectReason>,
) -> Result<T, RejectReason> {
    let is_record = |value: &DocumentValue<'_>| match value.kind() {
        Kind::Object => true,
        Kind::String => value.as_str().is_some_and(|text| text.trim_start().starts_with('{')),
        _ => false,
    };
    let wrapped = rules.wrappers.iter().filter_map(|wrapper| wrapper.find(record.root)).find(is_record);
    match (wrapped, wrapping.checked_sub(1)) {
        (None, _) => visit(record),
        (Some(_), None) => {
            let expected = "a record that is wrapped at most three times";
            Err(RejectReason::InvalidField { field: "wrappers".into(), expected })
        }
        (Some(inner), Some(wrapping)) => match inner.as_str() {
            Some(text) => visit_text(rules, text.trim(), wrapping, visit),
            None => visit_record(rules, Record { root: inner, text: None }, wrapping, visit),
        },
    }
}

impl Record<'_> {
    fn activity(&self, rules: &Rules) -> Result<Activity, RejectReason> {
        let record: &RecordNode<'_> = &rules.node(self.root);
        let record = Node::Record(record);
        if let Some(rejection) = rules.reject.iter().find(|rejection| Condition::all_hold(&rejection.when, record)) {
            return Err(RejectReason::NoActivity { reason: rejection.reason.clone() });
        }
        let occurred_at = occurred_at(rules, record)?;
        let action = action(rules, record)?;
        let mut principals = Principals::of(rules, record, self.root);
        let objects = objects(rules, record, self.root, &mut principals);

        let Principals { actor, on_behalf_of } = principals;
        let mut activity =
            Activity::builder(self.id(rules, record)?, actor, rules.app.app(record), action, occurred_at);
        for principal in on_behalf_of {
            activity = activity.on_behalf_of(principal);
        }
        for object in objects {
            activity = activity.object(object);
        }
        let details = self.text.map(str::to_owned).or_else(|| canonical_value(self.root));
        activity.details(details.unwrap_or_default()).build().map_err(RejectReason::TooLarge)
    }

    fn id(&self, rules: &Rules, record: Node<'_>) -> Result<ActivityId, RejectReason> {
        let named = rules.id.iter().find_map(|place| Some((place, place.first_text(record)?)));
        match named {
            Some((place, id)) => ActivityId::new(id).map_err(in_field(place.as_str().to_owned())),
            None => {
                let content = canonical_value(self.root).unwrap_or_default();
                ActivityId::new(Uuid::new_v5(&CONTENT_IDS, content.as_bytes()).to_string()).map_err(in_field("id"))
            }
        }
    }
}

/// Returns the time at the first place that has one. If it is in the format of no place of that path, the record is
/// rejected.
fn occurred_at(rules: &Rules, record: Node<'_>) -> Result<DateTime<Utc>, RejectReason> {
    let mut places = rules.time.iter();
    let found = places.find_map(|place| Some((place, place.at.first_text(record)?)));
    let Some((first, text)) = found else {
        let (field, expected) = rules.time.first().map_or(("time", ""), |place| (place.at.as_str(), place.expected()));
        return Err(RejectReason::MissingField { field: field.to_owned().into(), expected });
    };
    // The source writes this field in several formats.
    let others = places.filter(|place| place.at.as_str() == first.at.as_str());
    std::iter::once(first).chain(others).find_map(|place| place.time(&text)).ok_or_else(|| RejectReason::InvalidField {
        field: first.at.as_str().to_owned().into(),
        expected: first.expected(),
    })
}

fn action(rules: &Rules, record: Node<'_>) -> Result<Action, RejectReason> {
    let field = rules.action.first().map_or("action", |place| place.as_str()).to_owned();
    match first_text(&rules.action, record) {
        Some(action) => Action::truncated(action).map_err(in_field(field)),
        None => Err(RejectReason::MissingField { field: field.into(), expected: "the name of an action" }),
    }
}
