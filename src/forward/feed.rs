//! The feed of a forwarder: its batches, and the acknowledgement of them.

use std::fmt;
use std::sync::Arc;

use super::batch::{Batch, Gap};
use super::saved::SetAside;
use super::{
    BatchLimit, ForwardError, ForwarderName, ForwarderOffsets, ForwarderStatus, Offset, SavedForwarder, SetAsideItem,
};
use crate::store::StoreError;

/// The source of a feed: public activities, or governance records. Only this crate implements it.
pub trait FeedSource: Source {}

impl<S: Source> FeedSource for S {}

pub(crate) use self::source::Source;

mod source {
    use chrono::{DateTime, Utc};

    use crate::forward::{FeedKind, ForwardError, ForwarderName, Offset, SavedForwarder};

    /// The part of a source that only this crate can call.
    pub trait Source: Send + Sync + 'static {
        /// The type of an item.
        type Item: Clone + Send + Sync + 'static;

        #[doc(hidden)]
        const KIND: FeedKind;

        /// Returns the state from which a forwarder continues. Checks that there may be such a forwarder.
        #[doc(hidden)]
        fn state(&self, name: &ForwarderName, saved: Option<&SavedForwarder>) -> Result<SavedForwarder, ForwardError>;

        #[doc(hidden)]
        fn read(
            &self,
            name: &ForwarderName,
            after: &Offset,
            limit: usize,
        ) -> Result<Vec<(Offset, Self::Item)>, ForwardError>;

        #[doc(hidden)]
        fn end(&self) -> Result<Offset, ForwardError>;

        #[doc(hidden)]
        fn stored_between(&self, after: &Offset, until: &Offset) -> Result<u64, ForwardError>;

        #[doc(hidden)]
        fn now(&self) -> DateTime<Utc>;

        /// Returns the approximate size of an item in bytes.
        #[doc(hidden)]
        fn bytes(item: &Self::Item) -> usize;

        /// Returns the time at which an item was stored.
        #[doc(hidden)]
        fn stored_at(item: &Self::Item) -> DateTime<Utc>;

        /// Returns the id of an item.
        #[doc(hidden)]
        fn id(item: &Self::Item) -> String;
    }
}

/// The number of items that are read first. Further reads follow the size of the items that were read.
const FIRST_READ: usize = 8;

/// The number of times that a change of the saved state is tried while other processes change it.
const ATTEMPTS: usize = 16;

/// The feed of one forwarder or follower: what it has not acknowledged yet, in the order of storing.
///
/// Several processes can use the same forwarder. They then read the same batch, and only the first acknowledgement
/// counts: the others fail with [`ForwardError::Superseded`]. Nothing is lost, but some items are delivered twice.
pub struct Feed<S> {
    source: S,
    offsets: Arc<dyn ForwarderOffsets>,
    name: ForwarderName,
}

/// The saved state of a forwarder, and the state from which it continues.
struct Current {
    saved: Option<SavedForwarder>,
    state: SavedForwarder,
}

impl<S: FeedSource> Feed<S> {
    pub(crate) fn new(source: S, offsets: Arc<dyn ForwarderOffsets>, name: ForwarderName) -> Self {
        Self { source, offsets, name }
    }

    /// Returns the name of the forwarder.
    #[must_use]
    pub fn name(&self) -> &ForwarderName {
        &self.name
    }

    /// Returns the next batch. It stays the next one until it is acknowledged. The cost grows with the items that it
    /// contains, and is independent of the number of stored ones.
    ///
    /// If items were removed before they were read, the batch has a [gap](Batch::gap) with their number. A gap is
    /// reported together with the first item after it.
    ///
    /// # Errors
    /// Returns [`ForwardError::Unknown`] or [`ForwardError::NotInPolicy`] if there is no such forwarder any more,
    /// [`ForwardError::ForeignOffset`] if the store was restored to a state before the saved offset, and another
    /// [`ForwardError`] if the store or the log failed.
    pub fn next_batch(&self, limit: BatchLimit) -> Result<Batch<S::Item>, ForwardError> {
        let Current { saved, state } = self.current()?;
        let (mut items, mut offsets, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut part = FIRST_READ.min(limit.max_rows());
        'parts: while part > 0 {
            let after = offsets.last().unwrap_or(state.offset()).clone();
            let found = self.read(&after, part)?;
            let is_end = found.len() < part;
            for (offset, item) in found.into_iter().take(part) {
                let size = S::bytes(&item);
                if bytes + size > limit.max_bytes() && !items.is_empty() {
                    break 'parts;
                }
                bytes += size;
                items.push(item);
                offsets.push(offset);
            }
            if is_end {
                break;
            }
            let fit = (limit.max_bytes() - bytes.min(limit.max_bytes())) / (bytes / items.len().max(1)).max(1);
            part = (limit.max_rows() - items.len()).min(fit).min(4 * part);
        }
        let missed = match offsets.last() {
            Some(last) => self.missed(&state, last, items.len())?,
            None => {
                // Fails if the offset is after the end: the store lost what it had stored before that offset.
                self.stored_between(state.offset(), &self.source.end()?)?;
                0
            }
        };
        Ok(Batch { name: self.name.clone(), saved, from: state, items, offsets, gap: Gap::of(missed) })
    }

    /// Acknowledges a whole batch: the next batch begins after it. An empty batch changes nothing.
    ///
    /// # Errors
    /// Returns [`ForwardError::Superseded`] if another process acknowledged a batch of this forwarder meanwhile, and
    /// another [`ForwardError`] if the offset might not be saved. The batch can then be delivered again.
    pub fn acknowledge(&self, batch: &Batch<S::Item>) -> Result<(), ForwardError> {
        self.acknowledge_first(batch, batch.items.len())
    }

    /// Acknowledges the first items of a batch: the next batch begins after them. Zero items change nothing; a number
    /// above that of the items stands for all.
    ///
    /// # Errors
    /// Like [`acknowledge`](Self::acknowledge).
    pub fn acknowledge_first(&self, batch: &Batch<S::Item>, items: usize) -> Result<(), ForwardError> {
        self.acknowledge_counting(batch, items).map(drop)
    }

    /// Acknowledges the first items of a batch, and returns the number of items that were missed before the last of them.
    pub(super) fn acknowledge_counting(&self, batch: &Batch<S::Item>, items: usize) -> Result<u64, ForwardError> {
        let items = items.min(batch.items.len());
        let Some(offset) = items.checked_sub(1).and_then(|last| batch.offsets.get(last)) else { return Ok(0) };
        let missed = self.missed(&batch.from, offset, items)?;
        self.save(batch, &batch.from.advanced(offset.clone(), missed))?;
        Ok(missed)
    }

    /// Sets the first item of a batch aside: the next batch begins after it, and the item stays on record until it is
    /// [forgotten](Self::forget_set_aside). The saved state contains its offset and nothing else of it.
    ///
    /// # Errors
    /// Returns [`ForwardError::SetAsideFull`] if the forwarder has set aside `at_most` items already, or
    /// [`SavedForwarder::MAX_SET_ASIDE`], and otherwise like [`acknowledge`](Self::acknowledge).
    pub fn set_aside_first(&self, batch: &Batch<S::Item>, at_most: usize) -> Result<(), ForwardError> {
        let Some(at) = batch.offsets.first() else { return Ok(()) };
        let set_aside = batch.from.set_aside().len();
        if set_aside >= at_most.min(SavedForwarder::MAX_SET_ASIDE) {
            return Err(ForwardError::SetAsideFull { name: self.name.clone(), set_aside });
        }
        let missed = self.missed(&batch.from, at, 1)?;
        let item = SetAside { after: batch.from.offset().clone(), at: at.clone() };
        self.save(batch, &batch.from.advanced(at.clone(), missed).with_set_aside(item))
    }

    /// Returns the items that were set aside, in the order of storing.
    ///
    /// # Errors
    /// Returns [`ForwardError`] if they cannot be read.
    pub fn set_aside(&self) -> Result<Vec<SetAsideItem<S::Item>>, ForwardError> {
        let Current { state, .. } = self.current()?;
        let items = state.set_aside().iter().map(|SetAside { after, at }| {
            let next = self.read(after, 1)?.into_iter().next();
            let item = next.filter(|(offset, _)| offset == at).map(|(_, item)| item);
            Ok(SetAsideItem { offset: at.clone(), item })
        });
        items.collect()
    }

    /// Forgets an item that was set aside, after it was delivered by other means. Returns whether it was set aside.
    ///
    /// # Errors
    /// Returns [`ForwardError`] if the state might not be saved.
    pub fn forget_set_aside(&self, offset: &Offset) -> Result<bool, ForwardError> {
        for _ in 0..ATTEMPTS {
            let Current { saved, state } = self.current()?;
            let Some(next) = state.without_set_aside(offset) else { return Ok(false) };
            if self.offsets.replace(S::KIND, &self.name, saved.as_ref(), Some(&next))? {
                return Ok(true);
            }
        }
        Err(ForwardError::Superseded(self.name.clone()))
    }

    /// Returns the status of the forwarder.
    ///
    /// # Errors
    /// Returns [`ForwardError`] if it cannot be read.
    pub fn status(&self) -> Result<ForwarderStatus, ForwardError> {
        let Current { state, .. } = self.current()?;
        Ok(ForwarderStatus {
            feed: S::KIND,
            name: self.name.clone(),
            lag: self.lag(state.offset())?,
            missed: state.missed(),
            set_aside: state.set_aside().len(),
            offset: state.offset().clone(),
        })
    }

    /// Returns the number of items that were stored after an offset.
    pub(super) fn lag(&self, after: &Offset) -> Result<u64, ForwardError> {
        self.stored_between(after, &self.source.end()?)
    }

    pub(super) fn source(&self) -> &S {
        &self.source
    }

    fn current(&self) -> Result<Current, ForwardError> {
        let saved = self.offsets.saved(S::KIND, &self.name)?;
        let state = self.source.state(&self.name, saved.as_ref())?;
        Ok(Current { saved, state })
    }

    /// Returns the number of items that were removed among those after a state up to an offset, of which `read` were
    /// read.
    fn missed(&self, from: &SavedForwarder, until: &Offset, read: usize) -> Result<u64, ForwardError> {
        Ok(self.stored_between(from.offset(), until)?.saturating_sub(read as u64))
    }

    fn save(&self, batch: &Batch<S::Item>, next: &SavedForwarder) -> Result<(), ForwardError> {
        if batch.name != self.name {
            return Err(ForwardError::ForeignBatch(batch.name.clone()));
        }
        if self.offsets.replace(S::KIND, &self.name, batch.saved.as_ref(), Some(next))? {
            Ok(())
        } else {
            Err(ForwardError::Superseded(self.name.clone()))
        }
    }

    fn read(&self, after: &Offset, limit: usize) -> Result<Vec<(Offset, S::Item)>, ForwardError> {
        self.source.read(&self.name, after, limit).map_err(|error| self.at_offset(error))
    }

    fn stored_between(&self, after: &Offset, until: &Offset) -> Result<u64, ForwardError> {
        self.source.stored_between(after, until).map_err(|error| self.at_offset(error))
    }

    fn at_offset(&self, error: ForwardError) -> ForwardError {
        match error {
            ForwardError::Store(StoreError::UnknownOffset) => ForwardError::ForeignOffset(self.name.clone()),
            other => other,
        }
    }
}

impl<S> fmt::Debug for Feed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("name", &self.name).finish_non_exhaustive()
    }
}
