//! Activities in ordered maps.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};

use crate::activity::ActivityId;
use crate::applied::AppliedRecords;
use crate::change::RecordedChange;
use crate::directory::{DirectoryRevision, VanishedGroup};
use crate::identity::GroupId;
use crate::policy::{PrivacyPolicy, Revision};
use crate::query::{Count, CountBy, Position, Query, Tally};
use crate::removal::RecordedRemoval;
use crate::reveal::{Admission, SealedPage};
use crate::screen::{StampedBatch, Visibility};
use crate::store::{ActivityStore, Appended, StoreError};
use crate::stored::{PublicActivity, StoredActivity};
use crate::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Keeps activities and the policy until the process ends. Public and private activities are kept apart, so that no
/// public answer can be moved by a private one.
#[derive(Default)]
pub struct MemoryStore {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    policy: Option<Arc<PrivacyPolicy>>,
    applied: AppliedRecords,
    vanished: BTreeMap<GroupId, VanishedGroup>,
    vanished_version: u64,
    public: BTreeMap<Position, PublicActivity>,
    private: BTreeMap<Position, StoredActivity>,
    /// The public activities in the order of storing.
    stored: Vec<Position>,
    /// Every id that was ever stored; without a position once what stood there is removed.
    positions: HashMap<ActivityId, Option<Position>>,
}

impl MemoryStore {
    /// A store without a policy and without activities.
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

    fn append(&mut self, activity: StoredActivity) -> Appended {
        let position = Position::of(activity.activity());
        match self.positions.get(position.id()) {
            Some(Some(first)) => {
                let same = self.at(first).is_some_and(|first| first.activity() == activity.activity());
                return if same { Appended::Duplicate } else { Appended::Conflict };
            }
            Some(None) => return Appended::Duplicate,
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
        Appended::Stored
    }
}

/// Newest first, from after a position.
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

    fn publish(&self, change: &RecordedChange) -> Result<(), StoreError> {
        let mut state = self.write();
        state.fence(change.expected())?;
        state.policy = Some(Arc::new(change.policy().clone()));
        state.applied = change.applied(&state.applied);
        Ok(())
    }

    fn applied(&self) -> Result<AppliedRecords, StoreError> {
        Ok(self.read().applied.clone())
    }

    fn vanished_groups(&self) -> Result<Vec<VanishedGroup>, StoreError> {
        Ok(self.read().vanished.values().cloned().collect())
    }

    fn vanished_version(&self) -> Result<u64, StoreError> {
        Ok(self.read().vanished_version)
    }

    fn keep_vanished(&self, vanished: &VanishedGroup) -> Result<(), StoreError> {
        let mut state = self.write();
        let known = state.vanished.remove(vanished.group());
        let together = match &known {
            Some(known) => known.clone().together_with(vanished),
            None => vanished.clone(),
        };
        state.vanished_version += u64::from(known.as_ref() != Some(&together));
        state.vanished.insert(together.group().clone(), together);
        Ok(())
    }

    fn drop_vanished(&self, group: &GroupId, up_to: DirectoryRevision) -> Result<(), StoreError> {
        let mut state = self.write();
        if state.vanished.get(group).is_some_and(|vanished| vanished.gone_in() <= up_to) {
            state.vanished.remove(group);
            state.vanished_version += 1;
        }
        Ok(())
    }

    fn append(&self, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        let activities: Vec<_> = batch
            .stamped()
            .iter()
            .map(|stamped| StoredActivity::assertion(stamped.activity().clone(), stamped.stamp().clone()))
            .collect();
        let mut state = self.write();
        state.fence(Some(batch.policy()))?;
        Ok(activities.into_iter().map(|activity| state.append(activity)).collect())
    }

    fn remove(&self, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
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

    fn public_page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<PublicActivity>, StoreError> {
        let state = self.read();
        let found = newest_first(&state.public, after).map(|(_, public)| public);
        Ok(found.filter(|public| query.matches(public.activity(), public.stamp())).take(limit).cloned().collect())
    }

    fn public_activity(&self, id: &ActivityId) -> Result<Option<PublicActivity>, StoreError> {
        let state = self.read();
        let position = state.positions.get(id).and_then(Option::as_ref);
        Ok(position.and_then(|position| state.public.get(position)).cloned())
    }

    fn public_count(&self, query: &Query) -> Result<u64, StoreError> {
        let state = self.read();
        Ok(state.public.values().filter(|public| query.matches(public.activity(), public.stamp())).count() as u64)
    }

    fn public_counts(&self, query: &Query, by: CountBy) -> Result<Vec<Count>, StoreError> {
        let state = self.read();
        let mut tally = Tally::new(by);
        for public in state.public.values().filter(|public| query.matches(public.activity(), public.stamp())) {
            tally.add(public.activity());
        }
        Ok(tally.counts())
    }

    fn public_since(&self, after: u64, limit: usize) -> Result<Vec<(u64, PublicActivity)>, StoreError> {
        let state = self.read();
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        let later = (1_u64..).zip(&state.stored).skip(skip);
        let kept = later.filter_map(|(place, position)| Some((place, state.public.get(position)?.clone())));
        Ok(kept.take(limit).collect())
    }

    fn revealed_page(
        &self,
        admission: Admission<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let state = self.read();
        let mut public = newest_first(&state.public, after)
            .map(|(position, public)| (position, &**public))
            .filter(|_| !admission.private_only())
            .peekable();
        let mut private = newest_first(&state.private, after).peekable();
        let merged = std::iter::from_fn(|| match (public.peek(), private.peek()) {
            (Some((public_at, _)), Some((private_at, _))) if public_at > private_at => public.next(),
            (_, Some(_)) => private.next(),
            (_, None) => public.next(),
        });
        let query = admission.query();
        let found = merged.map(|(_, activity)| activity);
        let found = found.filter(|activity| query.matches(activity.activity(), activity.stamp()));
        let page = found.take(limit).cloned().collect();
        Ok(SealedPage::seal(admission, page))
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let policy = self.read().revision();
        f.debug_struct("MemoryStore").field("policy", &policy).finish_non_exhaustive()
    }
}
