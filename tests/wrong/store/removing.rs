//! What can go wrong in removing.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use activity_privacy::*;

use super::Fault;
use super::writing::Gap;
use crate::list::{List, ListStore};

/// Takes what was done to somebody for theirs.
#[derive(Default)]
pub(crate) struct RemovesWhatWasDoneToThem;

impl Fault for RemovesWhatWasDoneToThem {
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        let removed = right.remove(removal, limit)?;
        let is_of = |object: &str| {
            removal.identities().iter().any(|identity| matches!(identity, Identity::Id(id) if id.as_str() == object))
        };
        right.list().activities.retain(|stored| !stored.activity().objects().any(is_of));
        Ok(removed)
    }
}

/// Finds the old ones at the beginning, as if no clock were ever wrong.
#[derive(Default)]
pub(crate) struct StopsAtTheFirstThatStays;

impl Fault for StopsAtTheFirstThatStays {
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        let Some(before) = removal.activities_before() else { return right.remove(removal, limit) };
        let old = right.list().activities.iter().take_while(|stored| stored.stamp().decided_at() < before).count();
        right.remove(removal, limit.min(old))
    }
}

/// Says that a removal is complete once it has begun.
#[derive(Default)]
pub(crate) struct KeepsARecordTooEarly;

impl Fault for KeepsARecordTooEarly {
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
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
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        right.remove(removal, if limit == 0 { 0 } else { usize::MAX })
    }
}

/// Forgets that an id was there.
#[derive(Default)]
pub(crate) struct ForgetsTheIds;

impl Fault for ForgetsTheIds {
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        let removed = right.remove(removal, limit)?;
        right.list().removed.clear();
        Ok(removed)
    }
}

/// Says of an id that was removed that it had another content, which nobody can know.
#[derive(Default)]
pub(crate) struct SaysConflict;

impl Fault for SaysConflict {
    fn append(&self, right: &ListStore, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        let mut answers = right.append(batch)?;
        let list = right.list();
        for (answer, stamped) in answers.iter_mut().zip(batch.stamped()) {
            // What was stored just now may be removed by another before this looks.
            if *answer == Appended::Duplicate && list.removed.contains(stamped.activity().id()) {
                *answer = Appended::Conflict;
            }
        }
        Ok(answers)
    }
}

/// Numbers what is left from the beginning.
#[derive(Default)]
pub(crate) struct MovesPlacesUp;

impl Fault for MovesPlacesUp {
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        let removed = right.remove(removal, limit)?;
        right.list().left.clear();
        Ok(removed)
    }
}

/// Gives the place of the newest again, once that is removed.
#[derive(Default)]
pub(crate) struct GivesPlacesAgain;

impl Fault for GivesPlacesAgain {
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        let removed = right.remove(removal, limit)?;
        let mut list = right.list();
        let greatest = list.placed().last().map_or(0, |(place, _)| place);
        list.left.retain(|place| *place < greatest);
        Ok(removed)
    }
}

/// Counts what was ever stored.
#[derive(Default)]
pub(crate) struct GoesOnCounting(Mutex<u64>);

impl Fault for GoesOnCounting {
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        let before = right.list().public().count() as u64;
        let removed = right.remove(removal, limit)?;
        // Others may be storing meanwhile.
        *self.0.lock().unwrap() += before.saturating_sub(right.list().public().count() as u64);
        Ok(removed)
    }

    fn public_count(&self, right: &ListStore, query: &Query) -> Result<u64, StoreError> {
        let gone = if *query == Query::all() { *self.0.lock().unwrap() } else { 0 };
        Ok(right.public_count(query)? + gone)
    }
}

/// Goes on finding what was removed by its id.
#[derive(Default)]
pub(crate) struct GoesOnFinding(Mutex<Vec<PublicActivity>>);

impl Fault for GoesOnFinding {
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        self.0.lock().unwrap().extend(right.list().public().filter(|public| removal.covers(public)));
        right.remove(removal, limit)
    }

    fn public_activity(&self, right: &ListStore, id: &ActivityId) -> Result<Option<PublicActivity>, StoreError> {
        let cached = self.0.lock().unwrap().iter().find(|public| public.activity().id() == id).cloned();
        Ok(right.public_activity(id)?.or(cached))
    }
}

/// Removes one after the other, and lets others look in between.
#[derive(Default)]
pub(crate) struct RemovesOneByOne;

impl Fault for RemovesOneByOne {
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
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
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        let before = right.list().activities.clone();
        let removed = right.remove(removal, limit)?;
        let list = right.list();
        *self.0.lock().unwrap() = before.into_iter().filter(|stored| !list.activities.contains(stored)).collect();
        Ok(removed)
    }

    fn crash(&self, list: &mut List) {
        list.activities.extend(self.0.lock().unwrap().drain(..));
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
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        let covered: BTreeSet<ActivityId> = {
            let list = right.list();
            let covered = list.activities.iter().filter(|stored| removal.covers(stored)).take(limit);
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

/// Counts what is hidden among the places of what was removed.
#[derive(Default)]
pub(crate) struct LeavesAPlaceForWhatWasHidden;

impl Fault for LeavesAPlaceForWhatWasHidden {
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        let hidden = |list: &List| list.activities.len() - list.public().count();
        let mut list = right.list();
        let before = hidden(&list);
        let removed = list.remove(removal, limit);
        let gone = (before - hidden(&list)) as u64;
        let next = list.placed().map(|(place, _)| place).chain(list.left.iter().copied()).max().unwrap_or(0) + 1;
        list.left.extend(next..next + gone);
        Ok(removed)
    }
}

/// Says that there is nothing left as soon as it has something hidden before it.
#[derive(Default)]
pub(crate) struct SparesWhatIsHidden;

impl Fault for SparesWhatIsHidden {
    fn remove(&self, right: &ListStore, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        let mut list = right.list();
        let hidden: Vec<StoredActivity> =
            list.activities.iter().filter(|stored| stored.visibility() == Visibility::Private).cloned().collect();
        list.activities.retain(|stored| stored.visibility() == Visibility::Public);
        let removed = list.remove(removal, limit);
        list.activities.extend(hidden);
        Ok(removed)
    }
}
