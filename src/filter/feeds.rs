//! The two sources of feeds: public activities, and governance records.

use std::fmt::{self, Write};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Inner, PrivacyFilter};
use crate::activity::Activity;
use crate::forward::{FeedKind, ForwardError, ForwarderName, Offset, SavedForwarder, Source};
use crate::governance::{GovernanceSink, RecordEntry, RecordQuery, SinkError};
use crate::policy::{Follower, PrivacyPolicy};
use crate::store::{PublicActivity, PublicOrder, StoreError};

/// The public activities of a filter, as the source of a feed.
pub struct ActivitySource(PrivacyFilter);

impl ActivitySource {
    pub(super) fn new(filter: PrivacyFilter) -> Self {
        Self(filter)
    }
}

impl Source for ActivitySource {
    type Item = PublicActivity;

    const KIND: FeedKind = FeedKind::Activities;

    fn state(&self, name: &ForwarderName, saved: Option<&SavedForwarder>) -> Result<SavedForwarder, ForwardError> {
        self.0.inner.check_not_apart()?;
        saved.cloned().ok_or_else(|| ForwardError::Unknown(name.clone()))
    }

    fn read(&self, _: &ForwarderName, after: &Offset, limit: usize) -> Result<Vec<(Offset, Self::Item)>, ForwardError> {
        Ok(self.0.inner.store.public_after(after, limit)?)
    }

    fn end(&self) -> Result<Offset, ForwardError> {
        Ok(self.0.inner.store.end()?)
    }

    fn stored_between(&self, after: &Offset, until: &Offset) -> Result<u64, ForwardError> {
        Ok(self.0.inner.store.stored_between(after, until)?)
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.inner.now()
    }

    fn bytes(item: &Self::Item) -> usize {
        size(item.activity())
    }

    fn stored_at(item: &Self::Item) -> DateTime<Utc> {
        item.decision().decided_at()
    }

    fn id(item: &Self::Item) -> String {
        item.activity().id().to_string()
    }
}

/// Returns the approximate size of an activity: the sizes of its texts, and a fixed amount for all else.
fn size(activity: &Activity) -> usize {
    const FIXED: usize = 256;
    const ACTOR: usize = 64;
    let actors: usize = activity.principals().map(|actor| ACTOR * (1 + actor.identities().len())).sum();
    let objects: usize = activity.objects().map(str::len).sum();
    FIXED + actors + objects + activity.action().as_str().len() + activity.details().map_or(0, str::len)
}

/// The governance records of a filter, as the source of a feed.
pub struct RecordSource(PrivacyFilter);

impl RecordSource {
    pub(super) fn new(filter: PrivacyFilter) -> Self {
        Self(filter)
    }

    /// Returns the sequence number of the newest record, 0 if there is none.
    fn newest(&self) -> Result<u64, ForwardError> {
        let newest = self.0.inner.sink.newest(&RecordQuery::default())?;
        Ok(newest.map_or(0, |entry| entry.sequence))
    }
}

impl Source for RecordSource {
    type Item = RecordEntry;

    const KIND: FeedKind = FeedKind::Records;

    fn state(&self, name: &ForwarderName, saved: Option<&SavedForwarder>) -> Result<SavedForwarder, ForwardError> {
        let follower = self.0.inner.follower(name)?;
        // A follower that was removed and added again starts again.
        let run = Uuid::from_u64_pair(0, follower.added_in().number());
        if let Some(saved) = saved.filter(|saved| saved.run() == run) {
            return Ok(saved.clone());
        }
        let Some(since) = follower.since() else { return Ok(SavedForwarder::new(run, Offset::START)) };
        let query = RecordQuery { from: Some(since), ..RecordQuery::default() };
        let first = self.0.inner.sink.records(&query, 0, 1)?;
        let before = match first.first() {
            Some(first) => first.sequence.saturating_sub(1),
            None => self.newest()?,
        };
        Ok(SavedForwarder::new(run, Offset::of_number(before)))
    }

    fn read(
        &self,
        name: &ForwarderName,
        after: &Offset,
        limit: usize,
    ) -> Result<Vec<(Offset, Self::Item)>, ForwardError> {
        let inner = &self.0.inner;
        let mut last = number(after)?;
        let found = inner.sink.records(&RecordQuery::default(), last, limit)?;
        // After the records, so that no record is returned under a policy that no longer permits it.
        let policy = inner.policy()?;
        let may_view_private = in_policy(&policy, name)?.includes_openings(&policy);
        let mut entries = Vec::with_capacity(found.len());
        for entry in found {
            if entry.sequence <= last {
                return Err(SinkError::WrongRecords.into());
            }
            last = entry.sequence;
            entries.push((Offset::of_number(last), entry.visible_to_reader(may_view_private)));
        }
        Ok(entries)
    }

    fn end(&self) -> Result<Offset, ForwardError> {
        Ok(Offset::of_number(self.newest()?))
    }

    /// Sequence numbers have no gap, so the difference is the number of records.
    fn stored_between(&self, after: &Offset, until: &Offset) -> Result<u64, ForwardError> {
        let (after, until) = (number(after)?, number(until)?);
        match until.checked_sub(after) {
            Some(records) => Ok(records),
            // Only the newest record can come before an offset of this log if records were lost.
            None => Err(StoreError::UnknownOffset.into()),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.inner.now()
    }

    fn bytes(item: &Self::Item) -> usize {
        let mut length = Length(0);
        // Counting does not fail.
        let _ = write!(length, "{:?}", item.record);
        length.0
    }

    fn stored_at(item: &Self::Item) -> DateTime<Utc> {
        item.record.at
    }

    fn id(item: &Self::Item) -> String {
        item.record.id.to_string()
    }
}

fn number(offset: &Offset) -> Result<u64, ForwardError> {
    offset.number().map_err(|error| ForwardError::Store(error.into()))
}

fn in_policy<'a>(policy: &'a PrivacyPolicy, name: &ForwarderName) -> Result<&'a Follower, ForwardError> {
    policy.followers().get(name).ok_or_else(|| ForwardError::NotInPolicy(name.clone()))
}

impl Inner {
    /// Returns a follower that the policy in force names.
    pub(super) fn follower(&self, name: &ForwarderName) -> Result<Follower, ForwardError> {
        Ok(in_policy(&*self.policy()?, name)?.clone())
    }
}

/// Counts the bytes of a text without keeping it.
struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len());
        Ok(())
    }
}
