//! Bytes as the documents that a store reads back: whatever is damaged is an error that repeats nothing.

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
        // Whatever it is, there is a verdict on it, and the same one each time.
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

/// The document, if it is one. Reads back as it was; nothing of it is passed over, and an error repeats nothing of it.
fn read<T: Serialize + DeserializeOwned + PartialEq + Debug>(input: &[u8]) -> Option<T> {
    match serde_json::from_slice::<T>(input) {
        Ok(value) => {
            let document = serde_json::to_string(&value).unwrap();
            let again: T = serde_json::from_str(&document).expect("what was accepted can be read back");
            assert!(again == value, "D2: a document comes back as it was");
            assert_eq!(serde_json::to_string(&again).unwrap(), document);
            let text = std::str::from_utf8(input).expect("JSON is UTF-8");
            assert!(!Tree::of(text).unwrap().repeats_a_name(), "D2: readers could disagree on what it says");
            Some(value)
        }
        Err(error) => {
            repeats_nothing(&error.to_string(), input);
            repeats_nothing(&format!("{error:?}"), input);
            None
        }
    }
}
