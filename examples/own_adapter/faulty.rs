//! The list store with one fault, to see what the kit finds.

use std::marker::PhantomData;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use activity_privacy::conformance::StoreHarness;
use activity_privacy::engine::DecidedBatch;
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

use crate::list::{ListStore, page};

/// One fault of a store. The default methods are correct.
pub(crate) trait Fault: Send + Sync + 'static {
    fn append(store: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        store.append(batch)
    }

    fn public_page(
        store: &ListStore,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<PublicPage, StoreError> {
        store.public_page(query, after, limit)
    }
}

/// Keeps the last delivery of an id, instead of the first one.
pub(crate) struct LastDeliveryWins;

impl Fault for LastDeliveryWins {
    fn append(store: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let outcomes = store.append(batch)?;
        let mut list = store.list();
        for decided in batch.decided() {
            let is_same = |stored: &StoredActivity| stored.activity().id() == decided.activity().id();
            list.private.retain(|stored| !is_same(stored));
            list.public.iter_mut().for_each(|slot| drop(slot.take_if(|public| is_same(public))));
            list.store(StoredActivity::assertion(decided.activity().clone(), decided.decision().clone()));
        }
        Ok(outcomes)
    }
}

/// Applies the limit to all activities, and hides the private ones afterwards. Pages of a view then have gaps where
/// something is hidden.
pub(crate) struct LimitBeforeHiding;

impl Fault for LimitBeforeHiding {
    fn public_page(
        store: &ListStore,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<PublicPage, StoreError> {
        let list = store.list();
        let found = list.stored().filter(|stored| query.matches(stored.activity(), stored.decision()));
        let found = found.map(|stored| (Position::of(stored.activity()), stored));
        let activities = page(found, after, limit).cloned().filter_map(StoredActivity::into_public).collect();
        Ok(PublicPage { activities, stopped_at: None })
    }
}

/// Checks the policy, and stores the batch a moment later.
pub(crate) struct FenceBeforeCommit;

impl Fault for FenceBeforeCommit {
    fn append(store: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        store.list().fence(Some(batch.policy()))?;
        thread::sleep(Duration::from_millis(5));
        let mut list = store.list();
        Ok(batch.decided().iter().map(|decided| list.append(decided)).collect())
    }
}

/// The list store with a fault, as a harness and as a store.
pub(crate) struct Faulty<F>(Arc<ListStore>, PhantomData<F>);

impl<F: Fault> StoreHarness for Faulty<F> {
    type Store = Self;

    fn fresh() -> Self {
        Self(Arc::default(), PhantomData)
    }

    fn open(&self) -> Self {
        Self(Arc::clone(&self.0), PhantomData)
    }

    fn crash(&mut self) {}
}

impl<F: Fault> PublicOrder for Faulty<F> {
    fn public_after(&self, offset: &Offset, limit: usize) -> Result<Vec<(Offset, PublicActivity)>, StoreError> {
        self.0.public_after(offset, limit)
    }

    fn end(&self) -> Result<Offset, StoreError> {
        self.0.end()
    }

    fn offset_before(&self, time: DateTime<Utc>) -> Result<Offset, StoreError> {
        self.0.offset_before(time)
    }

    fn stored_between(&self, after: &Offset, until: &Offset) -> Result<u64, StoreError> {
        self.0.stored_between(after, until)
    }
}

impl<F: Fault> ActivityStore for Faulty<F> {
    fn append(&self, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        F::append(&self.0, batch)
    }

    fn public_page(&self, query: &Query, after: Option<&Position>, limit: usize) -> Result<PublicPage, StoreError> {
        F::public_page(&self.0, query, after, limit)
    }

    fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        self.0.policy()
    }

    fn publish(&self, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        self.0.publish(change)
    }

    fn applied(&self) -> Result<AppliedRecords, StoreError> {
        self.0.applied()
    }

    fn removed_groups(&self, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        self.0.removed_groups(known)
    }

    fn update_removed_groups(&self, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        self.0.update_removed_groups(update)
    }

    fn remove(&self, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        self.0.remove(removal, limit)
    }

    fn public_counts(&self, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        self.0.public_counts(query, by)
    }

    fn revealed_page(
        &self,
        permit: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        self.0.revealed_page(permit, after, limit)
    }
}
