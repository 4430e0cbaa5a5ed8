//! The order in which public activities were stored.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::StoreError;
use crate::forward::Offset;
use crate::stored::PublicActivity;

/// The public activities of a store in the order in which they were stored, for forwarders.
///
/// Each public activity has an [`Offset`] from the moment at which it is stored. Only the store can interpret it.
///
/// # Contract
/// - **Ordering.** Activities are in the order in which they were stored, and within a batch in the order of delivery.
///   No activity is later stored at or before an offset that the store returned, so that a forwarder misses none. The
///   safe wrong answer is to return an activity later, never to skip it.
/// - **Removal.** A removal changes no offset, and no offset is used again. The offset of a removed activity still
///   continues after it, and the activity still counts as stored.
/// - **Durability.** Offsets survive a crash.
/// - **Non-interference.** All answers are as if no private activity had ever been appended, unless an offset is sealed
///   by the store; then its length does not depend on private activities. The cost does not grow with the number of
///   private activities. Only activities that were decided public are returned. Anything else in their place is
///   [`StoreError::Unreadable`].
/// - **Limits.** Every limit is accepted, and 0 returns nothing. Memory and time grow with the activities that are
///   returned, not with the limit or the number of stored ones.
/// - **Offsets of others.** An offset after the [`end`](Self::end) is not one of this store: a store that was restored
///   to an older state must not skip what it stores next.
/// - **Concurrency.** Any thread may call any method, through any number of handles. Readers see whole batches.
pub trait PublicOrder: Send + Sync {
    /// Returns at most `limit` public activities after an offset, each with its own offset.
    ///
    /// # Errors
    /// Returns [`StoreError::UnknownOffset`] if this store cannot have made the offset, and another [`StoreError`] if
    /// the activities cannot be read.
    fn public_after(&self, offset: &Offset, limit: usize) -> Result<Vec<(Offset, PublicActivity)>, StoreError>;

    /// Returns the offset of the public activity that was stored last, also if it was removed since. Returns
    /// [`Offset::START`] if none was ever stored.
    ///
    /// # Errors
    /// Returns [`StoreError`] if it cannot be read.
    fn end(&self) -> Result<Offset, StoreError>;

    /// Returns the offset directly before the first remaining public activity, in the order of storing, that was
    /// decided at `time` or later. Returns the [`end`](Self::end) if there is none. The safe wrong answer is an earlier
    /// offset.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the activities cannot be read.
    fn offset_before(&self, time: DateTime<Utc>) -> Result<Offset, StoreError>;

    /// Returns the number of public activities that were stored after one offset and not after another, including those
    /// that were removed since. Returns 0 if `until` is not after `after`. The answer for two offsets never changes.
    ///
    /// A forwarder compares it with the number of activities that it read, and so learns how many it missed. The answer
    /// must therefore be cheap: neither time nor memory grows with the number.
    ///
    /// # Errors
    /// Returns [`StoreError::UnknownOffset`] if this store cannot have made one of the offsets, which includes every
    /// offset after the [`end`](Self::end), and another [`StoreError`] if the number cannot be determined.
    fn stored_between(&self, after: &Offset, until: &Offset) -> Result<u64, StoreError>;
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: PublicOrder + ?Sized> PublicOrder for $pointer {
            fn public_after(&self, offset: &Offset, limit: usize) -> Result<Vec<(Offset, PublicActivity)>, StoreError> {
                (**self).public_after(offset, limit)
            }

            fn end(&self) -> Result<Offset, StoreError> {
                (**self).end()
            }

            fn offset_before(&self, time: DateTime<Utc>) -> Result<Offset, StoreError> {
                (**self).offset_before(time)
            }

            fn stored_between(&self, after: &Offset, until: &Offset) -> Result<u64, StoreError> {
                (**self).stored_between(after, until)
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);
