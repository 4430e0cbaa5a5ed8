//! The saved state of a forwarder.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Offset;
use crate::text::words;

/// The content of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedKind {
    /// Public activities.
    Activities,
    /// Governance records.
    Records,
}

words!(FeedKind, "feed": Activities = "activities", Records = "records");

/// The saved state of a forwarder or a follower, as a [`ForwarderOffsets`](super::ForwarderOffsets) port stores it. It
/// contains no content of an activity or a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedForwarder {
    /// Distinguishes this forwarder from an earlier one of the same name. A batch of the earlier one cannot be
    /// acknowledged.
    run: Uuid,
    offset: Offset,
    #[serde(default, skip_serializing_if = "is_zero")]
    missed: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    set_aside: Vec<SetAside>,
}

/// An item that the destination refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetAside {
    /// The offset after which it is the next item, unless it was removed.
    pub(crate) after: Offset,
    /// Its own offset.
    pub(crate) at: Offset,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl SavedForwarder {
    /// The maximum number of items that one forwarder can set aside.
    pub const MAX_SET_ASIDE: usize = 256;

    pub(crate) fn new(run: Uuid, offset: Offset) -> Self {
        Self { run, offset, missed: 0, set_aside: Vec::new() }
    }

    /// Returns the offset of the last acknowledged item.
    #[must_use]
    pub fn offset(&self) -> &Offset {
        &self.offset
    }

    /// Returns the number of items that were removed before the forwarder read them.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    pub(crate) fn run(&self) -> Uuid {
        self.run
    }

    pub(super) fn set_aside(&self) -> &[SetAside] {
        &self.set_aside
    }

    /// Returns the state after more items were acknowledged, of which some had been missed.
    pub(crate) fn advanced(&self, offset: Offset, missed: u64) -> Self {
        Self { offset, missed: self.missed.saturating_add(missed), ..self.clone() }
    }

    pub(crate) fn with_set_aside(mut self, item: SetAside) -> Self {
        self.set_aside.push(item);
        self
    }

    /// Returns the state without an item that was set aside, and `None` if the item is not.
    pub(super) fn without_set_aside(&self, at: &Offset) -> Option<Self> {
        let left: Vec<SetAside> = self.set_aside.iter().filter(|item| item.at != *at).cloned().collect();
        (left.len() < self.set_aside.len()).then(|| Self { set_aside: left, ..self.clone() })
    }
}
