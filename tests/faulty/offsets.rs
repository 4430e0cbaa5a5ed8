//! Faulty ports of forwarders' offsets: the list store of the example `own_adapter` with one fault each.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use activity_privacy::conformance::OffsetsHarness;
use activity_privacy::forward::{FeedKind, ForwarderName, ForwarderOffsets, SavedForwarder};
use activity_privacy::store::StoreError;
use serde_json::Value;

use crate::list::ListStore;

type Saved = Result<Option<SavedForwarder>, StoreError>;

/// A fault of the port and its state. The default methods are correct.
pub(crate) trait Fault: Default + Send + Sync + 'static {
    fn saved(&self, right: &ListStore, feed: FeedKind, name: &ForwarderName) -> Saved {
        right.saved(feed, name)
    }

    fn all_saved(&self, right: &ListStore) -> Result<Vec<(FeedKind, ForwarderName, SavedForwarder)>, StoreError> {
        right.all_saved()
    }

    fn replace(
        &self,
        right: &ListStore,
        key: (FeedKind, &ForwarderName),
        expected: Option<&SavedForwarder>,
        next: Option<&SavedForwarder>,
    ) -> Result<bool, StoreError> {
        right.replace(key.0, key.1, expected, next)
    }

    fn crash(&self, _: &ListStore) {}
}

/// A port with a fault, as a harness and as a port.
pub(crate) struct Place<F>(Arc<(ListStore, F)>);

impl<F: Fault> OffsetsHarness for Place<F> {
    type Offsets = Self;

    fn fresh() -> Self {
        Self(Arc::default())
    }

    fn open(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    fn crash(&mut self) {
        self.0.1.crash(&self.0.0);
    }
}

impl<F: Fault> ForwarderOffsets for Place<F> {
    fn saved(&self, feed: FeedKind, name: &ForwarderName) -> Saved {
        self.0.1.saved(&self.0.0, feed, name)
    }

    fn all_saved(&self) -> Result<Vec<(FeedKind, ForwarderName, SavedForwarder)>, StoreError> {
        self.0.1.all_saved(&self.0.0)
    }

    fn replace(
        &self,
        feed: FeedKind,
        name: &ForwarderName,
        expected: Option<&SavedForwarder>,
        next: Option<&SavedForwarder>,
    ) -> Result<bool, StoreError> {
        self.0.1.replace(&self.0.0, (feed, name), expected, next)
    }
}

/// No fault: the list store itself.
#[derive(Default)]
pub(crate) struct NoFault;

impl Fault for NoFault {}

/// Replaces a state if the offset is the expected one.
#[derive(Default)]
pub(crate) struct ComparesOffsetOnly;

impl Fault for ComparesOffsetOnly {
    fn replace(
        &self,
        right: &ListStore,
        (feed, name): (FeedKind, &ForwarderName),
        expected: Option<&SavedForwarder>,
        next: Option<&SavedForwarder>,
    ) -> Result<bool, StoreError> {
        let saved = right.saved(feed, name)?;
        let same = saved.as_ref().map(SavedForwarder::offset) == expected.map(SavedForwarder::offset);
        if same { right.replace(feed, name, saved.as_ref(), next) } else { Ok(false) }
    }
}

/// Compares, and saves a moment later.
#[derive(Default)]
pub(crate) struct ComparesBeforeSaving;

impl Fault for ComparesBeforeSaving {
    fn replace(
        &self,
        right: &ListStore,
        (feed, name): (FeedKind, &ForwarderName),
        expected: Option<&SavedForwarder>,
        next: Option<&SavedForwarder>,
    ) -> Result<bool, StoreError> {
        if right.saved(feed, name)?.as_ref() != expected {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(2));
        let saved = right.saved(feed, name)?;
        right.replace(feed, name, saved.as_ref(), next)
    }
}

/// Saves the offset and the counts only.
#[derive(Default)]
pub(crate) struct ForgetsSetAside;

impl Fault for ForgetsSetAside {
    fn saved(&self, right: &ListStore, feed: FeedKind, name: &ForwarderName) -> Saved {
        Ok(right.saved(feed, name)?.map(|saved| without_set_aside(&saved)))
    }

    fn replace(
        &self,
        right: &ListStore,
        (feed, name): (FeedKind, &ForwarderName),
        expected: Option<&SavedForwarder>,
        next: Option<&SavedForwarder>,
    ) -> Result<bool, StoreError> {
        let (expected, next) = (expected.map(without_set_aside), next.map(without_set_aside));
        right.replace(feed, name, expected.as_ref(), next.as_ref())
    }
}

fn without_set_aside(saved: &SavedForwarder) -> SavedForwarder {
    let mut document = serde_json::to_value(saved).unwrap();
    document.as_object_mut().unwrap().remove("set_aside");
    serde_json::from_value(document).unwrap()
}

/// Loses the last state of each forwarder in a crash.
#[derive(Default)]
pub(crate) struct ForgetsLastState(Mutex<Option<LastState>>);

/// The state of a forwarder before its last replacement.
struct LastState {
    of: (FeedKind, ForwarderName),
    before: Option<SavedForwarder>,
}

impl Fault for ForgetsLastState {
    fn replace(
        &self,
        right: &ListStore,
        (feed, name): (FeedKind, &ForwarderName),
        expected: Option<&SavedForwarder>,
        next: Option<&SavedForwarder>,
    ) -> Result<bool, StoreError> {
        let before = right.saved(feed, name)?;
        let replaced = right.replace(feed, name, expected, next)?;
        if replaced {
            *self.0.lock().unwrap() = Some(LastState { of: (feed, name.clone()), before });
        }
        Ok(replaced)
    }

    fn crash(&self, right: &ListStore) {
        if let Some(LastState { of, before }) = self.0.lock().unwrap().take() {
            let mut list = right.list();
            match before {
                Some(before) => drop(list.forwarders.insert(of, before)),
                None => drop(list.forwarders.remove(&of)),
            }
        }
    }
}

/// Ignores the case of names.
#[derive(Default)]
pub(crate) struct IgnoresCaseOfNames;

impl Fault for IgnoresCaseOfNames {
    fn saved(&self, right: &ListStore, feed: FeedKind, name: &ForwarderName) -> Saved {
        right.saved(feed, &lower(name))
    }

    fn replace(
        &self,
        right: &ListStore,
        (feed, name): (FeedKind, &ForwarderName),
        expected: Option<&SavedForwarder>,
        next: Option<&SavedForwarder>,
    ) -> Result<bool, StoreError> {
        right.replace(feed, &lower(name), expected, next)
    }
}

fn lower(name: &ForwarderName) -> ForwarderName {
    name.as_str().to_lowercase().parse().unwrap()
}

/// Has one state for a forwarder and a follower of the same name.
#[derive(Default)]
pub(crate) struct IgnoresFeed;

impl Fault for IgnoresFeed {
    fn saved(&self, right: &ListStore, _: FeedKind, name: &ForwarderName) -> Saved {
        right.saved(FeedKind::Activities, name)
    }

    fn replace(
        &self,
        right: &ListStore,
        (_, name): (FeedKind, &ForwarderName),
        expected: Option<&SavedForwarder>,
        next: Option<&SavedForwarder>,
    ) -> Result<bool, StoreError> {
        right.replace(FeedKind::Activities, name, expected, next)
    }
}

/// Lists forwarders in the order of their documents.
#[derive(Default)]
pub(crate) struct ListsInAnyOrder;

impl Fault for ListsInAnyOrder {
    fn all_saved(&self, right: &ListStore) -> Result<Vec<(FeedKind, ForwarderName, SavedForwarder)>, StoreError> {
        let mut all = right.all_saved()?;
        all.sort_by_key(|(_, _, saved)| serde_json::to_value(saved).as_ref().map(Value::to_string).unwrap_or_default());
        Ok(all)
    }
}
