//! Stores that are almost right. Each is the list store of the example `own_adapter` with one thing bent.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

mod reading;
mod removing;
mod writing;

use std::sync::Arc;

use activity_privacy::conformance::StoreHarness;
use activity_privacy::*;

pub(crate) use self::reading::*;
#[allow(unused_imports, reason = "an example uses none of them")]
pub(crate) use self::removing::*;
pub(crate) use self::writing::*;
use crate::list::{List, ListStore};

/// What a store does wrong, and what it keeps to do so. Whatever is not said here is done right.
pub(crate) trait Fault: Default + Send + Sync + 'static {
    fn policy(&self, right: &ListStore) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        right.policy()
    }

    fn publish(&self, right: &ListStore, change: &RecordedChange) -> Result<(), StoreError> {
        right.publish(change)
    }

    fn applied(&self, right: &ListStore) -> Result<AppliedRecords, StoreError> {
        right.applied()
    }

    fn vanished_version(&self, right: &ListStore) -> Result<u64, StoreError> {
        right.vanished_version()
    }

    fn keep_vanished(&self, right: &ListStore, vanished: &RemovedGroup) -> Result<(), StoreError> {
        right.keep_vanished(vanished)
    }

    fn drop_vanished(&self, right: &ListStore, group: &GroupId, up_to: DirectoryRevision) -> Result<(), StoreError> {
        right.drop_vanished(group, up_to)
    }

    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        right.remove(removal, limit)
    }

    fn append(&self, right: &ListStore, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        right.append(batch)
    }

    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        right.public_page(query, after, limit)
    }

    fn public_activity(&self, right: &ListStore, id: &ActivityId) -> Result<Option<PublicActivity>, StoreError> {
        right.public_activity(id)
    }

    fn public_count(&self, right: &ListStore, query: &Query) -> Result<u64, StoreError> {
        right.public_count(query)
    }

    fn public_counts(&self, right: &ListStore, query: &Query, by: CountBy) -> Result<Vec<Count>, StoreError> {
        right.public_counts(query, by)
    }

    fn public_since(&self, right: &ListStore, after: u64, limit: usize) -> Since {
        right.public_since(after, limit)
    }

    fn revealed_page(
        &self,
        right: &ListStore,
        admission: Admission<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        right.revealed_page(admission, after, limit)
    }

    fn crash(&self, _: &mut List) {}
}

pub(crate) type Public = Result<Vec<PublicActivity>, StoreError>;

pub(crate) type Since = Result<Vec<(u64, PublicActivity)>, StoreError>;

/// A store with a fault: an adapter, and the place where it lies.
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

impl<F: Fault> ActivityStore for Place<F> {
    fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        self.0.1.policy(&self.0.0)
    }

    fn publish(&self, change: &RecordedChange) -> Result<(), StoreError> {
        self.0.1.publish(&self.0.0, change)
    }

    fn applied(&self) -> Result<AppliedRecords, StoreError> {
        self.0.1.applied(&self.0.0)
    }

    fn vanished_groups(&self) -> Result<Vec<RemovedGroup>, StoreError> {
        self.0.0.vanished_groups()
    }

    fn vanished_version(&self) -> Result<u64, StoreError> {
        self.0.1.vanished_version(&self.0.0)
    }

    fn keep_vanished(&self, vanished: &RemovedGroup) -> Result<(), StoreError> {
        self.0.1.keep_vanished(&self.0.0, vanished)
    }

    fn drop_vanished(&self, group: &GroupId, up_to: DirectoryRevision) -> Result<(), StoreError> {
        self.0.1.drop_vanished(&self.0.0, group, up_to)
    }

    fn remove(&self, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        self.0.1.remove(&self.0.0, removal, limit)
    }

    fn append(&self, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        self.0.1.append(&self.0.0, batch)
    }

    fn public_page(&self, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        self.0.1.public_page(&self.0.0, query, after, limit)
    }

    fn public_activity(&self, id: &ActivityId) -> Result<Option<PublicActivity>, StoreError> {
        self.0.1.public_activity(&self.0.0, id)
    }

    fn public_count(&self, query: &Query) -> Result<u64, StoreError> {
        self.0.1.public_count(&self.0.0, query)
    }

    fn public_counts(&self, query: &Query, by: CountBy) -> Result<Vec<Count>, StoreError> {
        self.0.1.public_counts(&self.0.0, query, by)
    }

    fn public_since(&self, after: u64, limit: usize) -> Result<Vec<(u64, PublicActivity)>, StoreError> {
        self.0.1.public_since(&self.0.0, after, limit)
    }

    fn revealed_page(
        &self,
        admission: Admission<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        self.0.1.revealed_page(&self.0.0, admission, after, limit)
    }
}

fn stored(stamped: &Stamped<'_>) -> StoredActivity {
    StoredActivity::assertion(stamped.activity().clone(), stamped.stamp().clone())
}

fn in_public(page: Vec<StoredActivity>) -> Vec<PublicActivity> {
    page.into_iter().filter_map(StoredActivity::into_public).collect()
}

/// Nothing at all: the list store as it is.
#[derive(Default)]
pub(crate) struct NoFault;

impl Fault for NoFault {}
