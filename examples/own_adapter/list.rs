//! A store as somebody outside of this crate would write it: everything in one list, behind one lock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use activity_privacy::*;

#[derive(Default)]
pub(crate) struct ListStore(Mutex<List>);

#[derive(Default)]
pub(crate) struct List {
    pub(crate) policy: Option<Arc<PrivacyPolicy>>,
    pub(crate) applied: AppliedRecords,
    pub(crate) vanished: Vec<RemovedGroup>,
    pub(crate) vanished_version: u64,
    /// In the order of storing.
    pub(crate) activities: Vec<StoredActivity>,
    /// The ids of what was removed, which stay taken.
    pub(crate) removed: BTreeSet<ActivityId>,
    /// The places of what was removed, which are not given again.
    pub(crate) left: BTreeSet<u64>,
}

impl ListStore {
    /// Whatever is done under the lock is done whole, and nobody sees half of it.
    pub(crate) fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    pub(crate) fn fence(&self, expected: Option<Revision>) -> Result<(), StoreError> {
        let in_force = self.policy.as_ref().map(|policy| policy.revision());
        if in_force == expected { Ok(()) } else { Err(StoreError::Stale { in_force }) }
    }

    pub(crate) fn append(&mut self, new: &Stamped<'_>) -> Appended {
        let same_id = |stored: &&StoredActivity| stored.activity().id() == new.activity().id();
        match self.activities.iter().find(same_id) {
            Some(first) if first.activity() == new.activity() => Appended::Duplicate,
            Some(_) => Appended::Conflict,
            // What it was is known no more.
            None if self.removed.contains(new.activity().id()) => Appended::Duplicate,
            None => {
                self.activities.push(StoredActivity::assertion(new.activity().clone(), new.stamp().clone()));
                Appended::Stored
            }
        }
    }

    /// Takes out at most so many that are covered. All of the rest stays, and so does its place.
    pub(crate) fn remove(&mut self, removal: &RecordedRemoval, limit: usize) -> u64 {
        let covered = self.activities.iter().filter(|stored| removal.covers(stored));
        let gone: BTreeSet<ActivityId> = covered.take(limit).map(|stored| stored.activity().id().clone()).collect();
        let public = self.placed().filter(|(_, public)| gone.contains(public.activity().id()));
        let left: Vec<u64> = public.map(|(place, _)| place).collect();
        self.left.extend(left);
        self.activities.retain(|stored| !gone.contains(stored.activity().id()));
        let removed = gone.len() as u64;
        self.removed.extend(gone);
        if removed == 0 && limit > 0 {
            self.applied = removal.applied(&self.applied);
        }
        removed
    }

    pub(crate) fn placed(&self) -> impl Iterator<Item = (u64, PublicActivity)> {
        (1..).filter(|place| !self.left.contains(place)).zip(self.public())
    }

    pub(crate) fn public(&self) -> impl Iterator<Item = PublicActivity> {
        self.activities.iter().filter_map(|stored| stored.clone().into_public())
    }
}

/// What a page is made of: what matches, newest first, after a position, and only then cut to the limit.
pub(crate) fn page(
    found: impl Iterator<Item = StoredActivity>,
    query: &Query,
    after: Option<&Position>,
    limit: usize,
) -> Vec<StoredActivity> {
    let place = |stored: &StoredActivity| Position::of(stored.activity());
    let mut page: Vec<_> = found
        .filter(|stored| query.matches(stored.activity(), stored.stamp()))
        .filter(|stored| after.is_none_or(|after| place(stored) < *after))
        .collect();
    page.sort_by_key(|stored| Reverse(place(stored)));
    page.truncate(limit);
    page
}

impl ActivityStore for ListStore {
    fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        Ok(self.list().policy.clone())
    }

    fn publish(&self, change: &RecordedChange) -> Result<(), StoreError> {
        let mut list = self.list();
        list.fence(change.expected())?;
        list.policy = Some(Arc::new(change.policy().clone()));
        list.applied = change.applied(&list.applied);
        Ok(())
    }

    fn applied(&self) -> Result<AppliedRecords, StoreError> {
        Ok(self.list().applied.clone())
    }

    fn vanished_groups(&self) -> Result<Vec<RemovedGroup>, StoreError> {
        Ok(self.list().vanished.clone())
    }

    fn vanished_version(&self) -> Result<u64, StoreError> {
        Ok(self.list().vanished_version)
    }

    fn keep_vanished(&self, vanished: &RemovedGroup) -> Result<(), StoreError> {
        let mut list = self.list();
        list.vanished_version += 1;
        let kept = &mut list.vanished;
        match kept.iter_mut().find(|kept| kept.group() == vanished.group()) {
            Some(known) => *known = known.clone().merge(vanished),
            None => kept.push(vanished.clone()),
        }
        Ok(())
    }

    fn drop_vanished(&self, group: &GroupId, up_to: DirectoryRevision) -> Result<(), StoreError> {
        let mut list = self.list();
        list.vanished_version += 1;
        list.vanished.retain(|kept| kept.group() != group || kept.removed_in() > up_to);
        Ok(())
    }

    fn append(&self, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        let mut list = self.list();
        list.fence(Some(batch.policy()))?;
        Ok(batch.stamped().iter().map(|stamped| list.append(stamped)).collect())
    }

    fn remove(&self, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
        Ok(self.list().remove(removal, limit))
    }

    fn public_page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<PublicActivity>, StoreError> {
        let page = page(self.list().public().map(PublicActivity::into_stored), query, after, limit);
        Ok(page.into_iter().filter_map(StoredActivity::into_public).collect())
    }

    fn public_activity(&self, id: &ActivityId) -> Result<Option<PublicActivity>, StoreError> {
        Ok(self.list().public().find(|public| public.activity().id() == id))
    }

    fn public_count(&self, query: &Query) -> Result<u64, StoreError> {
        Ok(self.public_page(query, None, usize::MAX)?.len() as u64)
    }

    fn public_counts(&self, query: &Query, by: CountBy) -> Result<Vec<Count>, StoreError> {
        let mut counts = BTreeMap::new();
        for public in self.public_page(query, None, usize::MAX)? {
            *counts.entry(by.key(public.activity())).or_default() += 1;
        }
        Ok(counts.into_iter().map(|(key, activities)| Count { key, activities }).collect())
    }

    fn public_since(&self, after: u64, limit: usize) -> Result<Vec<(u64, PublicActivity)>, StoreError> {
        Ok(self.list().placed().filter(|(place, _)| *place > after).take(limit).collect())
    }

    fn revealed_page(
        &self,
        admission: Admission<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let shown = |stored: &&StoredActivity| stored.visibility() == Visibility::Private || !admission.private_only();
        let all = self.list().activities.iter().filter(shown).cloned().collect::<Vec<_>>();
        let page = page(all.into_iter(), admission.query(), after, limit);
        Ok(SealedPage::seal(admission, page))
    }
}
