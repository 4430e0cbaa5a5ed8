//! The activity in a record.

use std::cell::{OnceCell, RefCell};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::RejectReason;
use super::condition::Condition;
use super::embedded::{Embedding, visit_with_embedded};
use super::map::Rules;
use super::node::{Node, RecordNode};
use super::objects::objects;
use super::place::Place;
use super::principals::Principals;
use super::text_source::TextSource;
use super::time::TimePlace;
use crate::activity::{Action, Activity, ActivityId, Actor};
use crate::json::{DocumentValue, Kind, canonical_value};
use crate::sources::field_names::FieldNames;
use crate::sources::json;
use crate::sources::reject::in_field;
use crate::sources::texts::Texts;

/// The namespace of the ids that are computed from the content of a record (RFC 9562, section 6.5). It must never
/// change, or a record that is delivered again would no longer be a duplicate.
const CONTENT_IDS: Uuid = Uuid::from_u128(0x8e76_d7d1_90eb_467e_b042_7b13_323d_6834);

/// How many times a record may be wrapped in another.
const MAX_WRAPPING: usize = 3;

/// A record, and those that a collector wrapped around it.
struct Record<'r> {
    node: &'r RecordNode<'r>,
    /// Whether principals can be lost in embedded JSON that could not be read.
    is_incomplete: bool,
    /// The text of the record, or `None` if it is a part of another text.
    text: Option<&'r str>,
    outer: Option<&'r Record<'r>>,
}

/// Returns the activity in a JSON record. Its id begins with `source`.
pub(super) fn activity(
    rules: &Rules,
    source: &str,
    text: &str,
    names: &mut FieldNames,
) -> Result<Activity, RejectReason> {
    let names = RefCell::new(names);
    visit_text(rules, text, |record| record.activity(rules, source, &mut names.borrow_mut()))?
}

/// Returns whether the map recognizes a JSON record as one of its source.
pub(super) fn is_recognized(rules: &Rules, text: &str) -> bool {
    visit_text(rules, text, |record| rules.recognize(Node::Record(record.node)))
        .is_ok_and(|is_recognized| is_recognized)
}

/// Calls `visit` with the record in a text, without what a collector wrapped around it.
fn visit_text<T>(rules: &Rules, text: &str, visit: impl Fn(&Record<'_>) -> T) -> Result<T, RejectReason> {
    if !text.starts_with('{') {
        return Err(RejectReason::NotAnObject);
    }
    let document = json::document(text)?;
    visit_with_embedded(rules, document.root(), &|Embedding { record: part, is_incomplete }| {
        let record = Record { node: &rules.node(part), is_incomplete, text: Some(text), outer: None };
        let search = WrapperSearch { rules, visit: &visit, fault: OnceCell::new() };
        match search.find(&record, MAX_WRAPPING) {
            Some(result) => Ok(result),
            // The damaged wrapper can contain the record of the source, so that nothing else is read as it.
            None => search.fault.into_inner().map_or_else(|| Ok(visit(&record)), Err),
        }
    })
}

/// A search for the record of the source in what collectors wrapped around it.
struct WrapperSearch<'s, V> {
    rules: &'s Rules,
    visit: &'s V,
    /// The fault of the first wrapper whose text begins as an object and cannot be read.
    fault: OnceCell<RejectReason>,
}

impl<T, V: Fn(&Record<'_>) -> T> WrapperSearch<'_, V> {
    /// Calls `visit` with the record of the source in a record: that record itself, or else the first in a wrapper.
    /// Returns `None` if there is none.
    fn find(&self, record: &Record<'_>, levels: usize) -> Option<T> {
        // The same field can be a wrapper in one record, and contain something else in another.
        if self.rules.has_signs() && self.rules.recognize(Node::Record(record.node)) {
            return Some((self.visit)(record));
        }
        let levels = levels.checked_sub(1)?;
        self.rules.wrappers.iter().find_map(|wrapper| {
            let inner = wrapper.find(record.node.part(), &mut |part| Some(part.value()))?;
            match inner.kind() {
                Kind::Object => self.find_in(inner, None, record, levels),
                Kind::String => {
                    let text = inner.as_str()?.trim();
                    if !text.starts_with('{') {
                        return None;
                    }
                    match json::document(text) {
                        Ok(document) => self.find_in(document.root(), Some(text), record, levels),
                        Err(fault) => {
                            self.fault.get_or_init(|| fault);
                            None
                        }
                    }
                }
                _ => None,
            }
        })
    }

    /// Calls `visit` with the record of the source in the content of a wrapper.
    fn find_in(&self, root: DocumentValue<'_>, text: Option<&str>, outer: &Record<'_>, levels: usize) -> Option<T> {
        visit_with_embedded(self.rules, root, &|Embedding { record: part, is_incomplete }| {
            let record = Record { node: &self.rules.node(part), is_incomplete, text, outer: Some(outer) };
            let found = self.find(&record, levels);
            // Without signs, the content of the first wrapper is the record.
            let is_record = || !self.rules.has_signs() && self.fault.get().is_none();
            found.or_else(|| is_record().then(|| (self.visit)(&record)))
        })
    }
}

impl Record<'_> {
    fn activity(&self, rules: &Rules, source: &str, names: &mut FieldNames) -> Result<Activity, RejectReason> {
        let (record, root) = (Node::Record(self.node), self.node.root());
        if let Some(rejection) = rules.reject.iter().find(|rejection| Condition::all_hold(&rejection.when, record)) {
            return Err(RejectReason::NoActivity { reason: rejection.reason.clone() });
        }
        let occurred_at = occurred_at(rules, record)?;
        let action = action(rules, record)?;
        let texts = Texts::of(root, names);
        let mut principals = Principals::of(rules, record, &texts);
        let objects = objects(rules, record, &texts, &mut principals);
        if self.is_incomplete {
            principals.push(Actor::unknown());
        }

        let Principals { actor, on_behalf_of } = principals;
        let mut activity =
            Activity::builder(self.id(rules, source)?, actor, rules.app.app(record), action, occurred_at);
        for principal in on_behalf_of {
            activity = activity.on_behalf_of(principal);
        }
        for object in objects {
            activity = activity.object(object);
        }
        let details = self.text.map(str::to_owned).or_else(|| canonical_value(root));
        activity.details(details.unwrap_or_default()).build().map_err(RejectReason::TooLarge)
    }

    /// Returns the id at the first place that has one, in the record or in one around it, or the id of the content. It
    /// begins with the source, because others can use the same ids.
    fn id(&self, rules: &Rules, source: &str) -> Result<ActivityId, RejectReason> {
        let records = || std::iter::successors(Some(self), |record| record.outer);
        let named = rules.id.iter().find_map(|place| {
            let id = records().find_map(|record| place.first_text(Node::Record(record.node)))?;
            Some((place.as_str(), id))
        });
        let (field, id) = named.unwrap_or_else(|| {
            let content = canonical_value(self.node.root()).unwrap_or_default();
            ("id", Uuid::new_v5(&CONTENT_IDS, content.as_bytes()).to_string())
        });
        let id = ActivityId::new(id).and_then(|id| ActivityId::new(format!("{source}:{id}")));
        id.map_err(in_field(field.to_owned()))
    }
}

/// Returns the time at the first place that has one in its format.
fn occurred_at(rules: &Rules, record: Node<'_>) -> Result<DateTime<Utc>, RejectReason> {
    let mut invalid = None;
    for place in &rules.time {
        if let Some(text) = place.at.first_text(record) {
            match place.time(&text) {
                Some(time) => return Ok(time),
                None => invalid = invalid.or(Some(place)),
            }
        }
    }
    let field = |place: Option<&TimePlace>| place.map_or("time", |place| place.at.as_str()).to_owned().into();
    let expected = |place: Option<&TimePlace>| place.map_or("a time", TimePlace::expected);
    match invalid {
        Some(_) => Err(RejectReason::InvalidField { field: field(invalid), expected: expected(invalid) }),
        None => {
            let first = rules.time.first();
            Err(RejectReason::MissingField { field: field(first), expected: expected(first) })
        }
    }
}

fn action(rules: &Rules, record: Node<'_>) -> Result<Action, RejectReason> {
    let field = rules.action.iter().find_map(TextSource::place).map_or("action", Place::as_str).to_owned();
    match TextSource::first(&rules.action, record) {
        Some(action) => Action::truncated(action).map_err(in_field(field)),
        None => Err(RejectReason::MissingField { field: field.into(), expected: "the name of an action" }),
    }
}
