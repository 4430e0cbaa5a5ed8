//! What can go wrong in removing.

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

/// Takes what was done to somebody for theirs.
#[derive(Default)]
pub(crate) struct RemovesWhatWasDoneToThem;

impl Fault for RemovesWhatWasDoneToThem {
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

/// Finds the old ones at the beginning, as if no clock were ever wrong.
#[derive(Default)]
pub(crate) struct StopsAtTheFirstThatStays;

impl Fault for StopsAtTheFirstThatStays {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let Some(before) = removal.activities_before() else { return right.remove(removal, limit) };
        let old = right.list().stored().take_while(|stored| stored.decision().decided_at() < before).count();
        right.remove(removal, limit.min(old))
    }
}

/// Says that a removal is complete once it has begun.
#[derive(Default)]
pub(crate) struct KeepsARecordTooEarly;

impl Fault for KeepsARecordTooEarly {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let removed = right.remove(removal, limit)?;
        let mut list = right.list();
        list.applied = removal.applied(&list.applied);
        Ok(removed)
    }
}

/// Removes all at once.
#[derive(Default)]
pub(crate) struct IgnoresTheLimit;

impl Fault for IgnoresTheLimit {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        right.remove(removal, if limit == 0 { 0 } else { usize::MAX })
    }
}

/// Forgets that an id was there.
#[derive(Default)]
pub(crate) struct ForgetsTheIds;

impl Fault for ForgetsTheIds {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let removed = right.remove(removal, limit)?;
        right.list().removed.clear();
        Ok(removed)
    }
}

/// Says of an id that was removed that it had another content, which nobody can know.
#[derive(Default)]
pub(crate) struct SaysConflict;

impl Fault for SaysConflict {
    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let mut answers = right.append(batch)?;
        let list = right.list();
        for (answer, decided) in answers.iter_mut().zip(batch.decided()) {
            // What was stored just now may be removed by another before this looks.
            if *answer == AppendOutcome::Duplicate && list.removed.contains(decided.activity().id()) {
                *answer = AppendOutcome::Conflict;
            }
        }
        Ok(answers)
    }
}

/// Numbers what is left from the beginning.
#[derive(Default)]
pub(crate) struct MovesOffsetsUp;

impl Fault for MovesOffsetsUp {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let removed = right.remove(removal, limit)?;
        let mut list = right.list();
        let left: Vec<_> = list.public.drain(..).flatten().collect();
        left.into_iter().for_each(|public| list.store(public.into_stored()));
        Ok(removed)
    }
}

/// Gives the offset of the newest again, once that is removed.
#[derive(Default)]
pub(crate) struct GivesOffsetsAgain;

impl Fault for GivesOffsetsAgain {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let removed = right.remove(removal, limit)?;
        let mut list = right.list();
        while list.public.last().is_some_and(Option::is_none) {
            list.public.pop();
        }
        Ok(removed)
    }
}

/// Counts what was ever stored.
#[derive(Default)]
pub(crate) struct GoesOnCounting(Mutex<u64>);

impl Fault for GoesOnCounting {
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

/// Goes on finding what was removed by its id.
#[derive(Default)]
pub(crate) struct GoesOnFinding(Mutex<Vec<PublicActivity>>);

impl Fault for GoesOnFinding {
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

/// Removes one after the other, and lets others look in between.
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

/// Removes when it comes to it: what was removed is back after a crash.
#[derive(Default)]
pub(crate) struct ComesBackAfterACrash(Mutex<Vec<StoredActivity>>);

impl Fault for ComesBackAfterACrash {
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

/// Keeps the ids that are taken in the process.
#[derive(Default)]
pub(crate) struct ForgetsTheIdsInACrash;

impl Fault for ForgetsTheIdsInACrash {
    fn crash(&self, list: &mut List) {
        list.removed.clear();
    }
}

/// Looks what is to be removed, and then takes out as many from where they were.
#[derive(Default)]
pub(crate) struct LooksAndThenRemoves(Arc<Gap>);

impl Fault for LooksAndThenRemoves {
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

/// Counts what is hidden among the offsets of what was removed.
#[derive(Default)]
pub(crate) struct LeavesAnOffsetForWhatWasHidden;

impl Fault for LeavesAnOffsetForWhatWasHidden {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let mut list = right.list();
        let before = list.private.len();
        let removed = list.remove(removal, limit);
        let offsets = list.public.len() + before - list.private.len();
        list.public.resize(offsets, None);
        Ok(removed)
    }
}

/// Says that there is nothing left as soon as it has something hidden before it.
#[derive(Default)]
pub(crate) struct SparesWhatIsHidden;

impl Fault for SparesWhatIsHidden {
    fn remove(&self, right: &ListStore, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let mut list = right.list();
        let hidden = std::mem::take(&mut list.private);
        let removed = list.remove(removal, limit);
        list.private = hidden;
        Ok(removed)
    }
}
