//! Batches for forwarders.

use std::num::NonZeroU64;

use serde::Serialize;

use super::{ForwarderName, Offset, SavedForwarder};
use crate::stored::PublicActivity;

/// The items that a forwarder cannot receive, because retention or an erasure removed them before it read them.
///
/// The number counts public activities, or governance records. Private activities do not change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The number of items.
    pub missed: NonZeroU64,
}

impl Gap {
    pub(crate) fn of(missed: u64) -> Option<Self> {
        NonZeroU64::new(missed).map(|missed| Self { missed })
    }
}

/// The next batch for a forwarder that keeps its offset itself.
///
/// Its type cannot hold a private activity, in a replay or a reveal either. The stored decision counts, not the current
/// policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForwardBatch {
    /// The activities, in the order of storing. Empty if the forwarder has caught up.
    pub activities: Vec<PublicActivity>,
    /// The offset of the next batch, to be saved once these activities are delivered.
    pub next: Offset,
    /// The activities that were removed between the offset of this batch and its last activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
}

/// The next items of a [`Feed`](super::Feed), in the order of storing. A batch of public activities cannot hold a
/// private one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<T> {
    pub(super) name: ForwarderName,
    /// The saved state that an acknowledgement replaces.
    pub(super) saved: Option<SavedForwarder>,
    /// The state that the batch continues.
    pub(super) from: SavedForwarder,
    pub(super) items: Vec<T>,
    /// The offset of each item.
    pub(super) offsets: Vec<Offset>,
    pub(super) gap: Option<Gap>,
}

impl<T> Batch<T> {
    /// Returns the name of the forwarder.
    #[must_use]
    pub fn name(&self) -> &ForwarderName {
        &self.name
    }

    /// Returns the items.
    #[must_use]
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Returns the items with their offsets. A destination can use an offset to detect an item that it received before.
    pub fn with_offsets(&self) -> impl ExactSizeIterator<Item = (&Offset, &T)> {
        self.offsets.iter().zip(&self.items)
    }

    /// Returns whether the forwarder has caught up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the gap between the acknowledged offset and the last item of this batch, and `None` if the forwarder
    /// missed nothing. Where in this range an item is missing is not known.
    #[must_use]
    pub fn gap(&self) -> Option<Gap> {
        self.gap
    }
}
