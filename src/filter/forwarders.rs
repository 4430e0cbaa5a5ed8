//! Forwarders and followers.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::feeds::{ActivitySource, RecordSource};
use super::{Inner, PrivacyFilter};
use crate::forward::{
    Feed, FeedKind, ForwardBatch, ForwardError, ForwarderName, ForwarderOffsets, ForwarderStatus, Gap, Offset,
    SavedForwarder, Start,
};
use crate::query::PageSize;
use crate::store::{PublicOrder, StoreError};

/// A feed of public activities. See [`Feed`].
pub type ActivityFeed = Feed<ActivitySource>;

/// A feed of governance records. See [`Feed`].
pub type RecordFeed = Feed<RecordSource>;

/// The forwarders of a filter, whose offsets a port stores.
#[derive(Clone)]
pub struct Forwarders {
    filter: PrivacyFilter,
    offsets: Arc<dyn ForwarderOffsets>,
}

/// The number of times that a forwarder is tried to be removed while other processes move it.
const ATTEMPTS: usize = 16;

impl PrivacyFilter {
    /// Returns the forwarders whose offsets `offsets` stores: usually the store of this filter, so that a backup contains
    /// both. See [`forward`](crate::forward) for an example.
    pub fn forwarders(&self, offsets: impl ForwarderOffsets + 'static) -> Forwarders {
        Forwarders { filter: self.clone(), offsets: Arc::new(offsets) }
    }

    /// Returns the next batch for a forwarder that keeps its offset itself: at most `size` activities after it. A
    /// [named forwarder](Self::forwarders) keeps its offset in a port.
    ///
    /// # Errors
    /// Returns [`StoreError::UnknownOffset`] if the offset belongs to another store, and another [`StoreError`] if the
    /// store failed.
    pub fn forward(&self, after: &Offset, size: PageSize) -> Result<ForwardBatch, StoreError> {
        self.inner.check_not_apart()?;
        let found = self.inner.store.public_after(after, size.get())?;
        let Some((next, _)) = found.last() else {
            return Ok(ForwardBatch { activities: Vec::new(), next: after.clone(), gap: None });
        };
        let next = next.clone();
        let missed = self.inner.store.stored_between(after, &next)?.saturating_sub(found.len() as u64);
        let activities = found.into_iter().map(|(_, activity)| activity).collect();
        Ok(ForwardBatch { activities, next, gap: Gap::of(missed) })
    }
}

impl Forwarders {
    /// Creates a forwarder. Creating and removing forwarders is not on record, because they receive public activities
    /// only.
    ///
    /// # Errors
    /// Returns [`ForwardError::AlreadyExists`] if there is a forwarder of this name, and another [`ForwardError`] if it
    /// might not be saved.
    pub fn create(&self, name: &ForwarderName, start: Start) -> Result<ActivityFeed, ForwardError> {
        let inner = &self.filter.inner;
        inner.check_not_apart()?;
        let offset = match start {
            Start::Beginning => Offset::START,
            Start::Now => inner.store.end()?,
            Start::Time(time) => inner.store.offset_before(time)?,
        };
        let first = SavedForwarder::new(inner.fresh_run(), offset);
        if self.offsets.replace(FeedKind::Activities, name, None, Some(&first))? {
            Ok(self.feed(name))
        } else {
            Err(ForwardError::AlreadyExists(name.clone()))
        }
    }

    /// Opens a forwarder.
    ///
    /// # Errors
    /// Returns [`ForwardError::Unknown`] if there is no forwarder of this name, and another [`ForwardError`] if that
    /// cannot be determined.
    pub fn open(&self, name: &ForwarderName) -> Result<ActivityFeed, ForwardError> {
        match self.offsets.saved(FeedKind::Activities, name)? {
            Some(_) => Ok(self.feed(name)),
            None => Err(ForwardError::Unknown(name.clone())),
        }
    }

    /// Opens a forwarder, or creates it if there is none of this name.
    ///
    /// # Errors
    /// Returns [`ForwardError`] if it might not be saved.
    pub fn open_or_create(&self, name: &ForwarderName, start: Start) -> Result<ActivityFeed, ForwardError> {
        match self.open(name) {
            Err(ForwardError::Unknown(_)) => match self.create(name, start) {
                // Another process created it meanwhile.
                Err(ForwardError::AlreadyExists(_)) => self.open(name),
                created => created,
            },
            opened => opened,
        }
    }

    /// Removes a forwarder with its offset and the list of items that it set aside. Its name can be used again.
    ///
    /// # Errors
    /// Returns [`ForwardError::Unknown`] if there is no forwarder of this name, [`ForwardError::Superseded`] if other
    /// processes moved it during every attempt, and another [`ForwardError`] if it might not be removed.
    pub fn remove(&self, name: &ForwarderName) -> Result<(), ForwardError> {
        for _ in 0..ATTEMPTS {
            let saved = self.offsets.saved(FeedKind::Activities, name)?;
            let saved = saved.ok_or_else(|| ForwardError::Unknown(name.clone()))?;
            if self.offsets.replace(FeedKind::Activities, name, Some(&saved), None)? {
                return Ok(());
            }
        }
        Err(ForwardError::Superseded(name.clone()))
    }

    /// Opens the feed of a follower that the [policy names](crate::policy::PrivacyPolicy::followers). It starts where the
    /// policy says, and continues after a restart.
    ///
    /// Reading the feed is not recorded. The policy is read for each batch: after an administrator removed the follower,
    /// its feed returns no record. A record leaves out the values that depend on private activities, unless an
    /// administrator who may view private activities [disclosed](crate::policy::PolicyChange::DiscloseToFollower) them to
    /// the follower, and still may.
    ///
    /// # Errors
    /// Returns [`ForwardError::NotInPolicy`] if the policy names no such follower, and [`ForwardError::Store`] if the
    /// policy cannot be read.
    pub fn follower(&self, name: &ForwarderName) -> Result<RecordFeed, ForwardError> {
        self.filter.inner.follower(name)?;
        Ok(Feed::new(RecordSource::new(self.filter.clone()), Arc::clone(&self.offsets), name.clone()))
    }

    /// Returns the status of every forwarder, and of every follower that the policy names and that has acknowledged a
    /// batch.
    ///
    /// # Errors
    /// Returns [`ForwardError`] if they cannot be read.
    pub fn list(&self) -> Result<Vec<ForwarderStatus>, ForwardError> {
        let mut list = Vec::new();
        for (feed, name, _) in self.offsets.all_saved()? {
            let status = match feed {
                FeedKind::Activities => self.feed(&name).status(),
                FeedKind::Records => self.follower(&name).and_then(|feed| feed.status()),
            };
            match status {
                Ok(status) => list.push(status),
                // Removed meanwhile, or no longer in the policy.
                Err(ForwardError::Unknown(_) | ForwardError::NotInPolicy(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(list)
    }

    fn feed(&self, name: &ForwarderName) -> ActivityFeed {
        Feed::new(ActivitySource::new(self.filter.clone()), Arc::clone(&self.offsets), name.clone())
    }
}

impl Inner {
    fn fresh_run(&self) -> Uuid {
        (self.runtime.fresh)()
    }
}

impl fmt::Debug for Forwarders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarders").finish_non_exhaustive()
    }
}
