//! A store that uses only the public API: two lists behind one lock, and an index of actors and apps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use activity_privacy::activity::ActivityId;
use activity_privacy::directory::RemovedGroup;
use activity_privacy::engine::{DecidedActivity, DecidedBatch, Visibility};
use activity_privacy::forward::{FeedKind, ForwarderName, ForwarderOffsets, Offset, SavedForwarder};
use activity_privacy::governance::{AppliedRecords, NewPolicy, Recorded, Removal};
use activity_privacy::identity::GroupId;
use activity_privacy::policy::{PrivacyPolicy, Revision};
use activity_privacy::query::{CountBy, Counts, Position, Query, Tally, TermField};
use activity_privacy::reveal::{PagePermit, SealedPage};
use activity_privacy::store::{
    ActivityStore, AppendOutcome, PublicActivity, PublicOrder, PublicPage, RemovedGroups, RemovedGroupsUpdate,
    StoreError, StoredActivity,
};
use chrono::{DateTime, Utc};

#[derive(Default)]
pub(crate) struct ListStore(Mutex<List>);

#[derive(Default)]
pub(crate) struct List {
    pub(crate) policy: Option<Arc<PrivacyPolicy>>,
    pub(crate) applied: AppliedRecords,
    pub(crate) removed_groups: BTreeMap<GroupId, RemovedGroup>,
    pub(crate) removed_groups_version: u64,
    /// In storage order. A removed activity leaves its slot empty, so that the offsets of the others do not change.
    pub(crate) public: Vec<Option<PublicActivity>>,
    pub(crate) private: Vec<StoredActivity>,
    pub(crate) forwarders: BTreeMap<(FeedKind, ForwarderName), SavedForwarder>,
    /// The slots of the public activities, by term.
    index: BTreeMap<(TermField, String), BTreeSet<usize>>,
    /// The ids of removed activities, which stay reserved.
    pub(crate) removed: BTreeSet<ActivityId>,
}

impl ListStore {
    /// Locks the list. Each operation runs under this one lock, so that no other operation observes a part of it.
    pub(crate) fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_indexed(field: TermField) -> bool {
    matches!(field, TermField::ActorId | TermField::ActorName | TermField::App)
}

impl List {
    pub(crate) fn fence(&self, expected: Option<Revision>) -> Result<(), StoreError> {
        let in_force = self.policy.as_ref().map(|policy| policy.revision());
        if in_force == expected { Ok(()) } else { Err(StoreError::Stale { in_force }) }
    }

    pub(crate) fn stored(&self) -> impl Iterator<Item = &StoredActivity> {
        self.public.iter().flatten().map(|public| &**public).chain(&self.private)
    }

    pub(crate) fn append(&mut self, new: &DecidedActivity<'_>) -> AppendOutcome {
        let first = self.stored().find(|stored| stored.activity().id() == new.activity().id());
        match first.map(|first| first.activity().is_same_content(new.activity())) {
            Some(true) => AppendOutcome::Duplicate,
            Some(false) => AppendOutcome::Conflict,
            // The content of a removed activity is no longer known.
            None if self.removed.contains(new.activity().id()) => AppendOutcome::Duplicate,
            None => {
                self.store(StoredActivity::assertion(new.activity().clone(), new.decision().clone()));
                AppendOutcome::Stored
            }
        }
    }

    pub(crate) fn store(&mut self, new: StoredActivity) {
        let Some(public) = new.clone().into_public() else { return self.private.push(new) };
        for term in new.activity().index_terms().filter(|term| is_indexed(term.field())) {
            let slots = self.index.entry((term.field(), term.value().to_owned())).or_default();
            slots.insert(self.public.len());
        }
        self.public.push(Some(public));
    }

    /// Removes at most `limit` of the covered activities, and their index entries. Returns their number.
    pub(crate) fn remove(&mut self, removal: &Recorded<Removal>, limit: usize) -> u64 {
        let covered = self.stored().filter(|stored| removal.covers(stored)).take(limit);
        let ids: BTreeSet<ActivityId> = covered.map(|stored| stored.activity().id().clone()).collect();
        self.private.retain(|stored| !ids.contains(stored.activity().id()));
        for (slot, public) in self.public.iter_mut().enumerate() {
            if public.take_if(|public| ids.contains(public.activity().id())).is_some() {
                self.index.retain(|_, slots| {
                    slots.remove(&slot);
                    !slots.is_empty()
                });
            }
        }
        let removed = ids.len() as u64;
        self.removed.extend(ids);
        if removed == 0 && limit > 0 {
            self.applied = removal.applied(&self.applied);
        }
        removed
    }

    /// Returns the public activities that match a query. The index selects candidates by actor and app;
    /// `Query::matches` decides.
    pub(crate) fn matching<'a>(&'a self, query: &'a Query) -> impl Iterator<Item = &'a PublicActivity> {
        let conditions = query.conditions();
        let indexed = conditions.any_of.iter().filter(|terms| terms.iter().all(|term| is_indexed(term.field())));
        let slots = indexed.map(|terms| -> BTreeSet<usize> {
            let keys = terms.iter().map(|term| (term.field(), term.value().to_owned()));
            keys.filter_map(|key| self.index.get(&key)).flatten().copied().collect()
        });
        let slots = slots.reduce(|one, other| &one & &other);
        let slots = slots.unwrap_or_else(|| (0..self.public.len()).collect());
        let found = slots.into_iter().filter_map(|slot| self.public.get(slot)?.as_ref());
        found.filter(|public| query.matches(public.activity(), public.decision()))
    }
}

/// Returns a page: newest first, after a position, and only then truncated to the limit.
pub(crate) fn page<T>(
    found: impl Iterator<Item = (Position, T)>,
    after: Option<&Position>,
    limit: usize,
) -> impl Iterator<Item = T> {
    let mut page: Vec<_> = found.filter(|(position, _)| after.is_none_or(|after| position < after)).collect();
    page.sort_by(|(one, _), (other, _)| other.cmp(one));
    page.into_iter().take(limit).map(|(_, activity)| activity)
}

impl ActivityStore for ListStore {
    fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        Ok(self.list().policy.clone())
    }

    fn publish(&self, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        let mut list = self.list();
        list.fence(change.expected())?;
        list.policy = Some(Arc::new(change.policy().clone()));
        list.applied = change.applied(&list.applied);
        Ok(())
    }

    fn applied(&self) -> Result<AppliedRecords, StoreError> {
        Ok(self.list().applied.clone())
    }

    fn removed_groups(&self, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        let list = self.list();
        let version = list.removed_groups_version;
        let groups = || list.removed_groups.values().cloned().collect();
        Ok((known != Some(version)).then(|| RemovedGroups { version, groups: groups() }))
    }

    fn update_removed_groups(&self, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        let mut list = self.list();
        let mut groups = list.removed_groups.clone();
        match update {
            RemovedGroupsUpdate::Keep(group) => {
                let known = groups.remove(group.group());
                let merged = known.map_or_else(|| group.clone(), |known| known.merge(group));
                groups.insert(merged.group().clone(), merged);
            }
            RemovedGroupsUpdate::Drop { group, up_to } => {
                groups.retain(|id, kept| id != group || kept.removed_in() > up_to);
            }
        }
        if groups != list.removed_groups {
            list.removed_groups_version += 1;
            list.removed_groups = groups;
        }
        Ok(())
    }

    fn append(&self, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let mut list = self.list();
        list.fence(Some(batch.policy()))?;
        Ok(batch.decided().iter().map(|decided| list.append(decided)).collect())
    }

    fn remove(&self, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        Ok(self.list().remove(removal, limit))
    }

    fn public_page(&self, query: &Query, after: Option<&Position>, limit: usize) -> Result<PublicPage, StoreError> {
        let list = self.list();
        let found = list.matching(query).map(|public| (Position::of(public.activity()), public));
        let activities = page(found, after, limit).cloned().collect();
        Ok(PublicPage { activities, stopped_at: None })
    }

    fn public_counts(&self, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        let mut tally = Tally::new(by);
        self.list().matching(query).for_each(|public| tally.add(public.activity()));
        Ok(tally.into_counts(true))
    }

    fn revealed_page(
        &self,
        permit: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let (list, query) = (self.list(), permit.query());
        let found = list.stored().filter(|stored| query.matches(stored.activity(), stored.decision()));
        let found = found.filter(|stored| stored.visibility() == Visibility::Private || !permit.is_private_only());
        let found = found.map(|stored| (Position::of(stored.activity()), stored));
        let page = page(found, after, limit).cloned().collect();
        Ok(SealedPage::seal(permit, page, None))
    }
}

/// The offset of an activity is the number of its slot, counted from 1.
impl PublicOrder for ListStore {
    fn public_after(&self, after: &Offset, limit: usize) -> Result<Vec<(Offset, PublicActivity)>, StoreError> {
        let (list, after) = (self.list(), after.number()?);
        let later = (1..).zip(&list.public).filter(|(number, _)| *number > after);
        let later = later.filter_map(|(number, public)| Some((number, public.clone()?))).take(limit);
        Ok(later.map(|(number, public)| (Offset::of_number(number), public)).collect())
    }

    fn end(&self) -> Result<Offset, StoreError> {
        Ok(offset_after(self.list().public.len()))
    }

    fn offset_before(&self, time: DateTime<Utc>) -> Result<Offset, StoreError> {
        let list = self.list();
        let is_since =
            |slot: &Option<PublicActivity>| slot.as_ref().is_some_and(|public| public.decision().decided_at() >= time);
        Ok(offset_after(list.public.iter().position(is_since).unwrap_or(list.public.len())))
    }

    fn stored_between(&self, after: &Offset, until: &Offset) -> Result<u64, StoreError> {
        let (after, until) = (after.number()?, until.number()?);
        // A list that lost activities must not skip those that it stores next.
        if after.max(until) > self.list().public.len() as u64 {
            return Err(StoreError::UnknownOffset);
        }
        Ok(until.saturating_sub(after))
    }
}

fn offset_after(slots: usize) -> Offset {
    if slots == 0 { Offset::START } else { Offset::of_number(slots as u64) }
}

/// One map behind the same lock, so that each comparison and its replacement are one operation.
impl ForwarderOffsets for ListStore {
    fn saved(&self, feed: FeedKind, name: &ForwarderName) -> Result<Option<SavedForwarder>, StoreError> {
        Ok(self.list().forwarders.get(&(feed, name.clone())).cloned())
    }

    fn all_saved(&self) -> Result<Vec<(FeedKind, ForwarderName, SavedForwarder)>, StoreError> {
        let list = self.list();
        let all = list.forwarders.iter().map(|((feed, name), saved)| (*feed, name.clone(), saved.clone()));
        Ok(all.collect())
    }

    fn replace(
        &self,
        feed: FeedKind,
        name: &ForwarderName,
        expected: Option<&SavedForwarder>,
        next: Option<&SavedForwarder>,
    ) -> Result<bool, StoreError> {
        let mut list = self.list();
        let key = (feed, name.clone());
        if list.forwarders.get(&key) != expected {
            return Ok(false);
        }
        match next {
            Some(next) => drop(list.forwarders.insert(key, next.clone())),
            None => drop(list.forwarders.remove(&key)),
        }
        Ok(true)
    }
}
