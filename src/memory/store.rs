//! The store port in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, Utc};

use crate::activity::ActivityId;
use crate::directory::RemovedGroup;
use crate::engine::{DecidedBatch, Visibility};
use crate::forward::{FeedKind, ForwarderName, ForwarderOffsets, Offset, SavedForwarder};
use crate::governance::{AppliedRecords, NewPolicy, Recorded, Removal};
use crate::identity::GroupId;
use crate::policy::{PrivacyPolicy, Revision};
use crate::query::{CountBy, Counts, Position, Query, Tally};
use crate::reveal::{PagePermit, SealedPage};
use crate::store::{
    ActivityStore, AppendOutcome, PublicActivity, PublicOrder, PublicPage, RemovedGroups, RemovedGroupsUpdate,
    StoreError, StoredActivity,
};
use crate::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A store that keeps activities and the policy until the process ends. Public and private activities are in separate
/// maps, so that no private activity can influence a public answer.
#[derive(Default)]
pub struct MemoryStore {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    policy: Option<Arc<PrivacyPolicy>>,
    applied: AppliedRecords,
    removed_groups: BTreeMap<GroupId, RemovedGroup>,
    removed_groups_version: u64,
    public: BTreeMap<Position, PublicActivity>,
    private: BTreeMap<Position, StoredActivity>,
    /// The public activities in the order in which they were stored.
    stored: Vec<Position>,
    forwarders: BTreeMap<(FeedKind, ForwarderName), SavedForwarder>,
    /// Every id that was ever stored, and its position; `None` if the activity was removed.
    positions: HashMap<ActivityId, Option<Position>>,
}

impl MemoryStore {
    /// Returns a store without policy and activities.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the offset of the public activity that was stored last.
    fn end(&self) -> Offset {
        offset_of(self.stored.len() as u64)
    }

    fn revision(&self) -> Option<Revision> {
        self.policy.as_ref().map(|policy| policy.revision())
    }

    fn fence(&self, expected: Option<Revision>) -> Result<(), StoreError> {
        let in_force = self.revision();
        if in_force == expected { Ok(()) } else { Err(StoreError::Stale { in_force }) }
    }

    fn at(&self, position: &Position) -> Option<&StoredActivity> {
        self.public.get(position).map(|public| &**public).or_else(|| self.private.get(position))
    }

    /// Returns the public activities that match a query, newest first, after a position.
    fn matching<'a>(&'a self, query: &'a Query, after: Option<&Position>) -> impl Iterator<Item = &'a PublicActivity> {
        let with_ids = (!query.ids().is_empty()).then(|| self.with_ids(query.ids(), after));
        let all = with_ids.is_none().then(|| newest_first(&self.public, after).map(|(_, public)| public));
        let candidates = with_ids.into_iter().flatten().chain(all.into_iter().flatten());
        candidates.filter(|public| query.matches(public.activity(), public.decision()))
    }

    /// Returns the public activities with these ids, newest first, after a position.
    fn with_ids(&self, ids: &[ActivityId], after: Option<&Position>) -> Vec<&PublicActivity> {
        let positions = ids.iter().filter_map(|id| self.positions.get(id)?.as_ref());
        let mut positions: Vec<&Position> = positions.filter(|at| after.is_none_or(|after| *at < after)).collect();
        positions.sort_unstable_by(|one, other| other.cmp(one));
        positions.into_iter().filter_map(|position| self.public.get(position)).collect()
    }

    fn append(&mut self, activity: StoredActivity) -> AppendOutcome {
        let position = Position::of(activity.activity());
        match self.positions.get(position.id()) {
            Some(Some(first)) => {
                let same = self.at(first).is_some_and(|first| first.activity().is_same_content(activity.activity()));
                return if same { AppendOutcome::Duplicate } else { AppendOutcome::Conflict };
            }
            Some(None) => return AppendOutcome::Duplicate,
            None => {}
        }
        self.positions.insert(position.id().clone(), Some(position.clone()));
        match activity.visibility() {
            Visibility::Private => {
                self.private.insert(position, activity);
            }
            Visibility::Public => {
                if let Some(public) = activity.into_public() {
                    self.stored.push(position.clone());
                    self.public.insert(position, public);
                }
            }
        }
        AppendOutcome::Stored
    }
}

/// Returns activities newest first, after a position.
fn newest_first<'a, T>(
    activities: &'a BTreeMap<Position, T>,
    after: Option<&Position>,
) -> impl Iterator<Item = (&'a Position, &'a T)> + use<'a, T> {
    match after {
        Some(after) => activities.range(..after),
        None => activities.range::<Position, _>(..),
    }
    .rev()
}

impl ActivityStore for MemoryStore {
    fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        Ok(self.read().policy.clone())
    }

    fn publish(&self, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        let mut state = self.write();
        state.fence(change.expected())?;
        state.policy = Some(Arc::new(change.policy().clone()));
        state.applied = change.applied(&state.applied);
        Ok(())
    }

    fn applied(&self) -> Result<AppliedRecords, StoreError> {
        Ok(self.read().applied.clone())
    }

    fn removed_groups(&self, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
        let state = self.read();
        let version = state.removed_groups_version;
        let groups = || state.removed_groups.values().cloned().collect();
        Ok((known != Some(version)).then(|| RemovedGroups { version, groups: groups() }))
    }

    fn update_removed_groups(&self, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
        let mut state = self.write();
        let is_changed = match update {
            RemovedGroupsUpdate::Keep(group) => {
                let known = state.removed_groups.remove(group.group());
                let merged = known.clone().map_or_else(|| group.clone(), |known| known.merge(group));
                let is_changed = known.as_ref() != Some(&merged);
                state.removed_groups.insert(merged.group().clone(), merged);
                is_changed
            }
            RemovedGroupsUpdate::Drop { group, up_to } => {
                let is_due = state.removed_groups.get(group).is_some_and(|kept| kept.removed_in() <= up_to);
                is_due && state.removed_groups.remove(group).is_some()
            }
        };
        state.removed_groups_version += u64::from(is_changed);
        Ok(())
    }

    fn append(&self, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let activities: Vec<_> = batch
            .decided()
            .iter()
            .map(|decided| StoredActivity::assertion(decided.activity().clone(), decided.decision().clone()))
            .collect();
        let mut state = self.write();
        state.fence(Some(batch.policy()))?;
        Ok(activities.into_iter().map(|activity| state.append(activity)).collect())
    }

    fn remove(&self, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
        let mut state = self.write();
        let all = state.public.values().map(|public| &**public).chain(state.private.values());
        let covered = all.filter(|stored| removal.covers(stored)).map(|stored| Position::of(stored.activity()));
        let covered: Vec<Position> = covered.take(limit).collect();
        for position in &covered {
            state.public.remove(position);
            state.private.remove(position);
            state.positions.insert(position.id().clone(), None);
        }
        if covered.is_empty() && limit > 0 {
            state.applied = removal.applied(&state.applied);
        }
        Ok(covered.len() as u64)
    }

    fn public_page(&self, query: &Query, after: Option<&Position>, limit: usize) -> Result<PublicPage, StoreError> {
        let state = self.read();
        let activities = state.matching(query, after).take(limit).cloned().collect();
        Ok(PublicPage { activities, stopped_at: None })
    }

    fn public_counts(&self, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        let state = self.read();
        let mut tally = Tally::new(by);
        state.matching(query, None).for_each(|public| tally.add(public.activity()));
        Ok(tally.into_counts(true))
    }

    fn revealed_page(
        &self,
        permit: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let state = self.read();
        let mut public = newest_first(&state.public, after)
            .map(|(position, public)| (position, &**public))
            .filter(|_| !permit.is_private_only())
            .peekable();
        let mut private = newest_first(&state.private, after).peekable();
        let merged = std::iter::from_fn(|| match (public.peek(), private.peek()) {
            (Some((public_at, _)), Some((private_at, _))) if public_at > private_at => public.next(),
            (_, Some(_)) => private.next(),
            (_, None) => public.next(),
        });
        let query = permit.query();
        let matching = merged
            .map(|(_, activity)| activity)
            .filter(|activity| query.matches(activity.activity(), activity.decision()));
        let page = matching.take(limit).cloned().collect();
        Ok(SealedPage::seal(permit, page, None))
    }
}

impl PublicOrder for MemoryStore {
    fn public_after(&self, offset: &Offset, limit: usize) -> Result<Vec<(Offset, PublicActivity)>, StoreError> {
        let state = self.read();
        let skip = usize::try_from(offset.number()?).unwrap_or(usize::MAX);
        let later = (1_u64..).zip(&state.stored).skip(skip);
        let kept = later.filter_map(|(number, at)| Some((Offset::of_number(number), state.public.get(at)?.clone())));
        Ok(kept.take(limit).collect())
    }

    fn end(&self) -> Result<Offset, StoreError> {
        Ok(self.read().end())
    }

    fn offset_before(&self, time: DateTime<Utc>) -> Result<Offset, StoreError> {
        let state = self.read();
        let is_since =
            |at: &Position| state.public.get(at).is_some_and(|public| public.decision().decided_at() >= time);
        let first = (0_u64..).zip(&state.stored).find(|(_, at)| is_since(at));
        Ok(first.map_or_else(|| state.end(), |(before, _)| offset_of(before)))
    }

    fn stored_between(&self, after: &Offset, until: &Offset) -> Result<u64, StoreError> {
        let (after, until) = (after.number()?, until.number()?);
        if after.max(until) > self.read().stored.len() as u64 {
            return Err(StoreError::UnknownOffset);
        }
        Ok(until.saturating_sub(after))
    }
}

impl ForwarderOffsets for MemoryStore {
    fn saved(&self, feed: FeedKind, name: &ForwarderName) -> Result<Option<SavedForwarder>, StoreError> {
        Ok(self.read().forwarders.get(&(feed, name.clone())).cloned())
    }

    fn all_saved(&self) -> Result<Vec<(FeedKind, ForwarderName, SavedForwarder)>, StoreError> {
        let state = self.read();
        let all = state.forwarders.iter().map(|((feed, name), saved)| (*feed, name.clone(), saved.clone()));
        Ok(all.collect())
    }

    fn replace(
        &self,
        feed: FeedKind,
        name: &ForwarderName,
        expected: Option<&SavedForwarder>,
        next: Option<&SavedForwarder>,
    ) -> Result<bool, StoreError> {
        let mut state = self.write();
        let key = (feed, name.clone());
        if state.forwarders.get(&key) != expected {
            return Ok(false);
        }
        match next {
            Some(next) => drop(state.forwarders.insert(key, next.clone())),
            None => drop(state.forwarders.remove(&key)),
        }
        Ok(true)
    }
}

/// Returns the offset after a number of public activities.
fn offset_of(number: u64) -> Offset {
    if number == 0 { Offset::START } else { Offset::of_number(number) }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let policy = self.read().revision();
        f.debug_struct("MemoryStore").field("policy", &policy).finish_non_exhaustive()
    }
}
