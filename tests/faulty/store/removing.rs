//! Faults in removing.

use activity_privacy::store::ActivityStore;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use activity_privacy::activity::ActivityId;
use activity_privacy::engine::DecidedBatch;
use activity_privacy::governance::{Recorded, Removal};
use activity_privacy::identity::Identity;
use activity_privacy::query::{CountBy, Counts, Position, Query};
use activity_privacy::store::{AppendOutcome, PublicActivity, StoreError, StoredActivity};

use super::writing::Gap;
use super::{Fault, Public, all, all_of};
use crate::list::{List, ListStore};

/// Removes activities in which the subject is an object.
#[derive(Default)]
pub(crate) struct RemovesBySubjectAsObject;

impl Fault for RemovesBySubjectAsObject {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let removed = right.remove(removal, limit)?;
        let is_of = |object: &str| {
            removal.identities().iter().any(|identity| matches!(identity, Identity::Id(id) if id.as_str() == object))
        };
        let mut list = right.list();
        list.private.retain(|stored| !stored.activity().objects().any(is_of));
        list.public.iter_mut().for_each(|slot| drop(slot.take_if(|stored| stored.activity().objects().any(is_of))));
        Ok(removed)
    }
}

/// Scans old activities from the start and stops at the first newer one.
#[derive(Default)]
pub(crate) struct StopsAtFirstKept;

impl Fault for StopsAtFirstKept {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let Some(before) = removal.activities_before() else { return right.remove(removal, limit) };
        let old = right.list().stored().take_while(|stored| stored.decision().decided_at() < before).count();
        right.remove(removal, limit.min(old))
    }
}

/// Stores the record of a removal as complete once it has begun.
#[derive(Default)]
pub(crate) struct KeepsRecordTooEarly;

impl Fault for KeepsRecordTooEarly {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let removed = right.remove(removal, limit)?;
        let mut list = right.list();
        list.applied = removal.applied(&list.applied);
        Ok(removed)
    }
}

/// Removes everything at once.
#[derive(Default)]
pub(crate) struct IgnoresLimit;

impl Fault for IgnoresLimit {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        right.remove(removal, if limit == 0 { 0 } else { usize::MAX })
    }
}

/// Forgets the ids of removed activities.
#[derive(Default)]
pub(crate) struct ForgetsIds;

impl Fault for ForgetsIds {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let removed = right.remove(removal, limit)?;
        right.list().removed.clear();
        Ok(removed)
    }
}

/// Reports a conflict for a removed id, whose content is no longer known.
#[derive(Default)]
pub(crate) struct ReportsConflict;

impl Fault for ReportsConflict {
    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let mut answers = right.append(batch)?;
        let list = right.list();
        for (answer, decided) in answers.iter_mut().zip(batch.decided()) {
            // Another call may remove the new activity before this line.
            if *answer == AppendOutcome::Duplicate && list.removed.contains(decided.activity().id()) {
                *answer = AppendOutcome::Conflict;
            }
        }
        Ok(answers)
    }
}

/// Renumbers the remaining activities.
#[derive(Default)]
pub(crate) struct RenumbersOffsets;

impl Fault for RenumbersOffsets {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let removed = right.remove(removal, limit)?;
        let mut list = right.list();
        let left: Vec<_> = list.public.drain(..).flatten().collect();
        left.into_iter().for_each(|public| list.store(public.into_stored()));
        Ok(removed)
    }
}

/// Assigns the offset of the newest activity again after its removal.
#[derive(Default)]
pub(crate) struct ReusesOffsets;

impl Fault for ReusesOffsets {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let removed = right.remove(removal, limit)?;
        let mut list = right.list();
        while list.public.last().is_some_and(Option::is_none) {
            list.public.pop();
        }
        Ok(removed)
    }
}

/// Counts removed activities too.
#[derive(Default)]
pub(crate) struct CountsRemoved(Mutex<u64>);

impl Fault for CountsRemoved {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let public = || right.list().public.iter().flatten().count() as u64;
        let before = public();
        let removed = right.remove(removal, limit)?;
        // Others may be storing meanwhile.
        *self.0.lock().unwrap() += before.saturating_sub(public());
        Ok(removed)
    }

    fn public_counts(&self, right: &ListStore, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        let mut counts = right.public_counts(query, by)?;
        if *query == Query::all() && by.is_none() {
            counts.total += *self.0.lock().unwrap();
        }
        Ok(counts)
    }
}

/// Finds a removed activity by its id.
#[derive(Default)]
pub(crate) struct FindsRemoved(Mutex<Vec<PublicActivity>>);

impl Fault for FindsRemoved {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let all = all_of(right, &Query::all(), None)?.into_iter();
        self.0.lock().unwrap().extend(all.filter(|public| removal.covers(public)));
        right.remove(removal, limit)
    }

    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let mut page = right.public_page(query, after, limit)?;
        if let ([id], []) = (query.ids(), &page.activities[..]) {
            let cached = self.0.lock().unwrap();
            page.activities.extend(cached.iter().find(|public| public.activity().id() == id).cloned());
        }
        Ok(page)
    }
}

/// Removes activities one at a time, each visible to readers.
#[derive(Default)]
pub(crate) struct RemovesOneByOne;

impl Fault for RemovesOneByOne {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let mut removed = 0;
        for _ in 0..limit.min(1_000) {
            if right.remove(removal, 1)? == 0 {
                break;
            }
            removed += 1;
            thread::sleep(Duration::from_micros(200));
        }
        Ok(removed)
    }
}

/// Does not persist a removal: a crash restores the activities.
#[derive(Default)]
pub(crate) struct RestoresRemovedInCrash(Mutex<Vec<StoredActivity>>);

impl Fault for RestoresRemovedInCrash {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let before = all(right);
        let removed = right.remove(removal, limit)?;
        let left: Vec<_> = all(right).collect();
        *self.0.lock().unwrap() = before.filter(|stored| !left.contains(stored)).collect();
        Ok(removed)
    }

    fn crash(&self, list: &mut List) {
        self.0.lock().unwrap().drain(..).for_each(|stored| list.store(stored));
    }
}

/// Does not persist the ids of removed activities.
#[derive(Default)]
pub(crate) struct LosesIdsInCrash;

impl Fault for LosesIdsInCrash {
    fn crash(&self, list: &mut List) {
        list.removed.clear();
    }
}

/// Determines the activities to remove, and then removes as many at their positions.
#[derive(Default)]
pub(crate) struct RemovesByPosition(Arc<Gap>);

impl Fault for RemovesByPosition {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let covered: BTreeSet<ActivityId> = {
            let list = right.list();
            let covered = list.stored().filter(|stored| removal.covers(stored)).take(limit);
            covered.map(|stored| stored.activity().id().clone()).collect()
        };
        if covered.len() > 1 {
            self.0.wait_for_another();
        }
        right.remove(removal, limit)?;
        self.0.pass();
        Ok(covered.len() as u64)
    }
}

/// Leaves gaps in the offsets for removed hidden activities.
#[derive(Default)]
pub(crate) struct LeavesOffsetOfHidden;

impl Fault for LeavesOffsetOfHidden {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let mut list = right.list();
        let before = list.private.len();
        let removed = list.remove(removal, limit);
        let offsets = list.public.len() + before - list.private.len();
        list.public.resize(offsets, None);
        Ok(removed)
    }
}

/// Reports completion when the next activity to remove is hidden.
#[derive(Default)]
pub(crate) struct SparesHidden;

impl Fault for SparesHidden {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let mut list = right.list();
        let hidden = std::mem::take(&mut list.private);
        let removed = list.remove(removal, limit);
        list.private = hidden;
        Ok(removed)
    }
}
