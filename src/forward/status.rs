//! The status of a forwarder.

use serde::Serialize;

use super::{FeedKind, ForwarderName, Offset};

/// The status of a forwarder or a follower, as it is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForwarderStatus {
    /// The content of its feed.
    pub feed: FeedKind,
    /// Its name.
    pub name: ForwarderName,
    /// The offset of the last acknowledged item.
    pub offset: Offset,
    /// The number of items that were stored after that offset, including those that were removed since.
    pub lag: u64,
    /// The number of items that were removed before the forwarder read them.
    pub missed: u64,
    /// The number of items that it has set aside.
    pub set_aside: usize,
}

/// An item that the destination refused and that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAsideItem<T> {
    /// Its offset, by which it is [forgotten](super::Feed::forget_set_aside).
    pub offset: Offset,
    /// The item. `None` if it was removed since.
    pub item: Option<T>,
}
