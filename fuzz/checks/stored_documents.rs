//! Checks bytes as the documents that a store reads back: a damaged document gives an error that does not quote it.

use std::fmt::Debug;

use activity_privacy::activity::{Activity, Actor};
use activity_privacy::directory::RemovedGroup;
use activity_privacy::engine::Decision;
use activity_privacy::governance::{Record, RecordQuery};
use activity_privacy::query::Position;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::json::Tree;
use super::reader::reasons;
use super::silence::repeats_nothing;

pub(crate) fn check(input: &[u8]) {
    if let Some(activity) = read::<Activity>(input) {
        // Every activity has a verdict, which is the same each time.
        assert!(reasons(&activity) == reasons(&activity));
        assert!(activity.objects().len() <= Activity::MAX_OBJECTS, "B3");
        assert!(activity.on_behalf_of().len() <= Activity::MAX_ON_BEHALF_OF, "B3");
        assert!(activity.principals().all(|actor| actor.identities().len() <= Actor::MAX_IDENTITIES), "B3");
        assert!(!activity.actor().label().is_empty());
        let position = Position::of(&activity);
        assert_eq!(position.occurred_at().timestamp_subsec_nanos() % 1_000, 0, "V3: to the microsecond");
        assert!(position.occurred_at().timestamp_subsec_nanos() < 1_000_000_000, "V3: without leap seconds");
    }
    if let Some(decision) = read::<Decision>(input) {
        assert!(!decision.explain().to_string().is_empty());
        assert!(decision.groups().count() <= decision.reasons().len());
    }
    if let Some(record) = read::<Record>(input) {
        let _ = (record.kind(), record.outcome.kind(), RecordQuery::default().matches(&record));
    }
    if let Some(removed) = read::<RemovedGroup>(input) {
        assert!(removed.clone().merge(&removed).group() == removed.group());
    }
    for actor in [read::<Actor>(input)].into_iter().flatten() {
        assert!(!actor.label().is_empty());
    }
}

/// Returns whether the input is a valid document of any kind.
pub(crate) fn is_document(input: &[u8]) -> bool {
    read::<Activity>(input).is_some()
        || read::<Decision>(input).is_some()
        || read::<Record>(input).is_some()
        || read::<RemovedGroup>(input).is_some()
        || read::<Actor>(input).is_some()
}

/// Returns the document, if it is valid. Checks that it is read back unchanged and whole, and that an error does not
/// quote it.
fn read<T: Serialize + DeserializeOwned + PartialEq + Debug>(input: &[u8]) -> Option<T> {
    match serde_json::from_slice::<T>(input) {
        Ok(value) => {
            let document = serde_json::to_string(&value).unwrap();
            let again: T = serde_json::from_str(&document).expect("an accepted document can be read back");
            assert!(again == value, "D2: a document is read back unchanged");
            assert_eq!(serde_json::to_string(&again).unwrap(), document);
            let text = std::str::from_utf8(input).expect("JSON is UTF-8");
            assert!(!Tree::of(text).unwrap().repeats_a_name(), "D2: readers could disagree on its content");
            Some(value)
        }
        Err(error) => {
            repeats_nothing(&error.to_string(), input);
            repeats_nothing(&format!("{error:?}"), input);
            None
        }
    }
}
