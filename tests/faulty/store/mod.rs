//! Faulty stores: the list store of the example `own_adapter` with one fault each.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

mod following;
mod groups;
mod limits;
mod order;
mod reading;
mod removing;
mod writing;

use std::sync::Arc;

use activity_privacy::conformance::StoreHarness;
use activity_privacy::engine::{DecidedActivity, DecidedBatch, Visibility};
use activity_privacy::forward::Offset;
use activity_privacy::governance::{AppliedRecords, NewPolicy, Recorded, Removal};
use activity_privacy::policy::PrivacyPolicy;
use activity_privacy::query::{CountBy, Counts, Position, Query};
use activity_privacy::reveal::{PagePermit, SealedPage};
use activity_privacy::store::{
    ActivityStore, AppendOutcome, PublicActivity, PublicOrder, PublicPage, RemovedGroups, RemovedGroupsUpdate,
    StoreError, StoredActivity,
};
use chrono::{DateTime, Utc};

pub(crate) use self::{following::*, groups::*, limits::*, order::*, reading::*, removing::*, writing::*};
use crate::list::{List, ListStore, page};

/// A fault of a store and its state. The default methods are correct.
pub(crate) trait Fault: Default + Send + Sync + 'static {
    fn policy(&self, right: &ListStore) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        right.policy()
    }

    fn publish(&self, right: &ListStore, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        right.publish(change)
    }

    fn applied(&self, right: &ListStore) -> Result<AppliedRecords, StoreError> {
        right.applied()
    }

    fn removed_groups(&self, right: &ListStore, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        right.removed_groups(known)
    }

    fn update_removed_groups(&self, right: &ListStore, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        right.update_removed_groups(update)
    }

    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        right.remove(removal, limit)
    }

    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        right.append(batch)
    }

    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        right.public_page(query, after, limit)
    }

    fn public_counts(&self, right: &ListStore, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        right.public_counts(query, by)
    }

    fn public_after(&self, right: &ListStore, offset: &Offset, limit: usize) -> After {
        right.public_after(offset, limit)
    }

    fn end(&self, right: &ListStore) -> Result<Offset, StoreError> {
        right.end()
    }

    fn offset_before(&self, right: &ListStore, time: DateTime<Utc>) -> Result<Offset, StoreError> {
        right.offset_before(time)
    }

    fn stored_between(&self, right: &ListStore, after: &Offset, until: &Offset) -> Result<u64, StoreError> {
        right.stored_between(after, until)
    }

    fn revealed_page(
        &self,
        right: &ListStore,
        admission: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        right.revealed_page(admission, after, limit)
    }

    fn crash(&self, _: &mut List) {}
}

pub(crate) type Public = Result<PublicPage, StoreError>;

pub(crate) type After = Result<Vec<(Offset, PublicActivity)>, StoreError>;

/// A store with a fault, as a harness and as a store.
pub(crate) struct Place<F>(Arc<(ListStore, F)>);

impl<F: Fault> StoreHarness for Place<F> {
    type Store = Self;

    fn fresh() -> Self {
        Self(Arc::default())
    }

    fn open(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    fn crash(&mut self) {
        let (right, fault) = &*self.0;
        fault.crash(&mut right.list());
    }
}

impl<F: Fault> PublicOrder for Place<F> {
    fn public_after(&self, offset: &Offset, limit: usize) -> After {
        self.0.1.public_after(&self.0.0, offset, limit)
    }

    fn end(&self) -> Result<Offset, StoreError> {
        self.0.1.end(&self.0.0)
    }

    fn offset_before(&self, time: DateTime<Utc>) -> Result<Offset, StoreError> {
        self.0.1.offset_before(&self.0.0, time)
    }

    fn stored_between(&self, after: &Offset, until: &Offset) -> Result<u64, StoreError> {
        self.0.1.stored_between(&self.0.0, after, until)
    }
}

impl<F: Fault> ActivityStore for Place<F> {
    fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        self.0.1.policy(&self.0.0)
    }

    fn publish(&self, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        self.0.1.publish(&self.0.0, change)
    }

    fn applied(&self) -> Result<AppliedRecords, StoreError> {
        self.0.1.applied(&self.0.0)
    }

    fn removed_groups(&self, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        self.0.1.removed_groups(&self.0.0, known)
    }

    fn update_removed_groups(&self, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        self.0.1.update_removed_groups(&self.0.0, update)
    }

    fn remove(&self, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        self.0.1.remove(&self.0.0, removal, limit)
    }

    fn append(&self, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        self.0.1.append(&self.0.0, batch)
    }

    fn public_page(&self, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        self.0.1.public_page(&self.0.0, query, after, limit)
    }

    fn public_counts(&self, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        self.0.1.public_counts(&self.0.0, query, by)
    }

    fn revealed_page(
        &self,
        admission: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        self.0.1.revealed_page(&self.0.0, admission, after, limit)
    }
}

fn stored(decided: &DecidedActivity<'_>) -> StoredActivity {
    StoredActivity::assertion(decided.activity().clone(), decided.decision().clone())
}

/// Returns all matching public activities after a position, newest first.
fn all_of(right: &ListStore, query: &Query, after: Option<&Position>) -> Result<Vec<PublicActivity>, StoreError> {
    Ok(right.public_page(query, after, usize::MAX)?.activities)
}

/// Returns a page that is complete or full.
fn whole(activities: impl IntoIterator<Item = PublicActivity>) -> Public {
    Ok(PublicPage { activities: activities.into_iter().collect(), stopped_at: None })
}

/// Returns a page of all matching activities, public or private.
fn page_of(
    stored: impl Iterator<Item = StoredActivity>,
    query: &Query,
    after: Option<&Position>,
    limit: usize,
) -> Vec<StoredActivity> {
    let found = stored.filter(|stored| query.matches(stored.activity(), stored.decision()));
    page(found.map(|stored| (Position::of(stored.activity()), stored)), after, limit).collect()
}

/// Returns all stored activities, public and private.
fn all(right: &ListStore) -> impl Iterator<Item = StoredActivity> + use<> {
    right.list().stored().cloned().collect::<Vec<_>>().into_iter()
}

fn is_private(stored: &StoredActivity) -> bool {
    stored.visibility() == Visibility::Private
}

/// No fault: the list store itself.
#[derive(Default)]
pub(crate) struct NoFault;

impl Fault for NoFault {}
