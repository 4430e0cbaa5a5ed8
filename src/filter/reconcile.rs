//! Reconciliation with the directory: groups of the policy that are removed from it or restored.
//!
//! No decision waits for this. The directory itself remembers the last members of removed groups. Reconciliation stores
//! them for the next start, and records the event.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, TryLockError};

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;

use super::{Inner, PrivacyFilter};
use crate::directory::{
    AuditState, DirectoryError, DirectoryRevision, DirectorySnapshot, Knowledge, LastKnown, LastMembersMark,
    RemovedGroup,
};
use crate::engine::PolicyEngine;
use crate::governance::{Event, GovernanceSink, Initiator, Outcome, Record, SinkError};
use crate::identity::GroupId;
use crate::policy::{PrivacyPolicy, Revision};
use crate::store::{RemovedGroupsUpdate, StoreError};

/// The state of the reconciliation of one filter.
#[derive(Default)]
pub(super) struct ReconcileState {
    done: Option<(Revision, DirectoryRevision)>,
    /// The time of the next attempt after a failure.
    again_at: Option<DateTime<Utc>>,
    /// The groups that are recorded as removed with unknown members.
    unknown: BTreeSet<GroupId>,
    /// The record that the sink did not confirm when it was last offered.
    pending: Option<Record>,
    /// The inputs for which there was nothing left to do.
    settled: Option<Inputs>,
}

/// The inputs of a reconciliation.
#[derive(PartialEq)]
struct Inputs {
    policy: Revision,
    /// The version of the removed groups in the store.
    version: u64,
    last_members: LastMembersMark,
}

/// The reason why a reconciliation failed. The decisions of this process are right all the same. Call again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReconcileError {
    /// The directory failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The removal or restoration of a group could not be recorded.
    #[error("the removal or restoration of a group could not be recorded")]
    Unrecorded(#[from] SinkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PrivacyFilter {
    /// Reconciles with the directory: stores for the next start, and records, which groups of the policy were removed
    /// from it or restored. Call it after each import. Opening a filter, updating the policy and ingesting call it too.
    /// If another import replaces one before that, the replaced one is never reconciled: a node that starts later uses
    /// what was stored before.
    ///
    /// # Errors
    /// Returns [`ReconcileError`] if the directory, the sink or the store failed. The decisions of this process do not
    /// depend on it.
    pub fn reconcile_directory(&self) -> Result<(), ReconcileError> {
        self.inner.reconcile_now()
    }
}

impl Inner {
    /// Returns the current directory. Ignores a snapshot that is older than one that the port returned before.
    pub(super) fn directory(&self) -> Result<Arc<DirectorySnapshot>, DirectoryError> {
        let offered = self.directory.snapshot()?;
        let newer = |known: &Arc<DirectorySnapshot>| known.revision() >= offered.revision();
        if let Some(known) = self.newest.load_full().filter(newer) {
            return Ok(known);
        }
        self.newest.rcu(|known| match known {
            Some(known) if newer(known) => Some(Arc::clone(known)),
            _ => Some(Arc::clone(&offered)),
        });
        Ok(self.newest.load_full().unwrap_or(offered))
    }

    /// Reconciles after a batch, once for each policy and directory. A failure is retried after a pause, so that a sink
    /// that hangs does not delay every batch.
    pub(super) fn reconcile_with(&self, engine: &PolicyEngine) {
        const PAUSE: TimeDelta = TimeDelta::seconds(30);
        let (policy, Some(directory)) = engine.revisions() else { return };
        let mut state = match self.reconcile_state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Another thread is reconciling.
            Err(TryLockError::WouldBlock) => return,
        };
        let paused = state.again_at.is_some_and(|again_at| self.now() < again_at);
        if state.done != Some((policy, directory)) && !paused && self.reconcile(&mut state).is_err() {
            state.again_at = self.now().checked_add_signed(PAUSE);
        }
    }

    /// Reconciles with the directory now.
    pub(super) fn reconcile_now(&self) -> Result<(), ReconcileError> {
        self.reconcile(&mut self.reconcile_state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn reconcile(&self, state: &mut ReconcileState) -> Result<(), ReconcileError> {
        let directory = match self.directory() {
            // There is nothing to reconcile yet.
            Err(DirectoryError::NeverLoaded) => return Ok(()),
            directory => directory?,
        };
        // Read before the policy: a group that was stored before a policy that does not name it is not stored for a
        // later one.
        let (version, all_kept) = self.kept_groups()?;
        let policy = self.policy()?;
        let inputs = Inputs { policy: policy.revision(), version, last_members: directory.last_members_mark().clone() };
        if state.settled.as_ref() == Some(&inputs) {
            state.done = Some((policy.revision(), directory.revision()));
            return Ok(());
        }
        let groups = policy.imported_groups();
        let mut relevant = PolicyEngine::incomplete_groups(&policy, &directory);
        let mut kept: HashMap<&GroupId, Cow<'_, RemovedGroup>> = HashMap::new();
        for (known, mut holding) in all_kept.iter().zip(PolicyEngine::groups_containing(&policy, &directory, &all_kept))
        {
            // If the policy names neither a group nor the groups that it was nested in, its last members are not
            // needed.
            if !groups.contains(known.group()) && holding.is_empty() {
                self.store.update_removed_groups(RemovedGroupsUpdate::Drop {
                    group: known.group(),
                    up_to: known.removed_in(),
                })?;
                continue;
            }
            relevant.entry(known.group().clone()).or_default();
            // Needed once the groups that it was nested in leave the policy or are removed too.
            holding.retain(|outer| outer != known.group() && !known.is_nested_in(outer));
            let nested = match holding.is_empty() {
                true => Cow::Borrowed(known),
                false => Cow::Owned(known.clone().with_nested_in(holding)),
            };
            if let Cow::Owned(nested) = &nested {
                self.keep(nested)?;
            }
            kept.insert(known.group(), nested);
        }
        for group in &groups {
            relevant.entry((*group).clone()).or_default();
        }
        let ReconcileState { unknown, pending, .. } = state;
        let mut log = EventLog { inner: self, policy: &policy, pending, outcome: Ok(()) };
        for (group, counts_for) in relevant {
            let is_in_policy = groups.contains(&group);
            let kept = kept.get(&group).map(Cow::as_ref);
            let node = directory.group_index(&group);
            match node.filter(|node| directory.has_group(*node)).map(|node| directory.knowledge(node)) {
                Some(Knowledge::Whole) => self.handle_present(&group, kept, directory.revision(), unknown, &mut log)?,
                // The stored members count until an import lists the group.
                Some(_) if kept.is_some() => {}
                Some(Knowledge::SinceAdded) => {
                    self.handle_present(&group, None, directory.revision(), unknown, &mut log)?
                }
                Some(Knowledge::Unknown) => record_unknown_members(&group, unknown, &mut log),
                // Another process saw the group nested in one of the policy, and it was restored since.
                None if !is_in_policy && node.is_none() && kept.is_some_and(|kept| kept.was_restored()) => {}
                None => {
                    let child_groups = counts_for.into_iter().filter(|outer| *outer != group).collect();
                    self.handle_removed(&group, child_groups, kept, &directory, unknown, &mut log)?;
                }
            }
        }
        log.offer_pending();
        log.outcome?;
        let is_settled = all_kept.iter().all(|kept| kept.is_settled_by(directory.revision()));
        state.settled = Some(inputs).filter(|_| is_settled);
        state.done = Some((policy.revision(), directory.revision()));
        state.again_at = None;
        Ok(())
    }

    fn keep(&self, group: &RemovedGroup) -> Result<(), StoreError> {
        self.store.update_removed_groups(RemovedGroupsUpdate::Keep(group))
    }

    /// Handles a group that is in the directory: its stored last members no longer count, from this directory on.
    fn handle_present(
        &self,
        group: &GroupId,
        kept: Option<&RemovedGroup>,
        revision: DirectoryRevision,
        unknown: &mut BTreeSet<GroupId>,
        log: &mut EventLog<'_>,
    ) -> Result<(), StoreError> {
        // A node with an older directory restores nothing.
        let kept = kept.filter(|kept| kept.removed_in() < revision);
        if let Some(kept) = kept {
            if kept.restored_by(revision).is_none() {
                self.keep(&kept.clone().restored(revision))?;
            }
            if kept.audit_state() < AuditState::RemovalRecorded && log.record(removed(group, Some(kept))) {
                self.keep(&kept.clone().with_audit_state(AuditState::RemovalRecorded))?;
            }
        }
        let unrecorded = kept.filter(|kept| kept.audit_state() < AuditState::RestorationRecorded);
        // Also if its members were unknown, because the last record says that everything is hidden.
        if (unrecorded.is_some() || unknown.contains(group))
            && log.record(Event::GroupRestored { group: group.clone() })
        {
            unknown.remove(group);
            if let Some(kept) = unrecorded {
                self.keep(&kept.clone().with_audit_state(AuditState::RestorationRecorded))?;
            }
        }
        Ok(())
    }

    /// Handles a group that was removed from the directory: stores its last members, whether or not the event can be
    /// recorded.
    fn handle_removed(
        &self,
        group: &GroupId,
        child_groups: BTreeSet<GroupId>,
        before: Option<&RemovedGroup>,
        directory: &DirectorySnapshot,
        unknown: &mut BTreeSet<GroupId>,
        log: &mut EventLog<'_>,
    ) -> Result<(), StoreError> {
        let LastKnown { is_remembered, stored: kept } = directory.last_known(group, before);
        let remembered = directory.removed_group(group).filter(|_| is_remembered);
        let remembered = remembered.map(|remembered| remembered.with_nested_in(child_groups));
        let together = match (remembered, before) {
            (Some(remembered), Some(before)) => before.clone().merge(&remembered),
            (Some(remembered), None) => remembered,
            (None, _) => {
                if let Some(kept) = kept {
                    return self.record_removed(group, before, kept, log);
                }
                record_unknown_members(group, unknown, log);
                return Ok(());
            }
        };
        if before != Some(&together) {
            self.keep(&together)?;
        }
        self.record_removed(group, before, &together, log)
    }

    /// Records that a group was removed, with the number of its last members, unless that is recorded.
    fn record_removed(
        &self,
        group: &GroupId,
        before: Option<&RemovedGroup>,
        now: &RemovedGroup,
        log: &mut EventLog<'_>,
    ) -> Result<(), StoreError> {
        let as_many = before.is_some_and(|before| before.members().len() == now.members().len());
        let is_recorded = now.audit_state() >= AuditState::RemovalRecorded && as_many;
        if !is_recorded && log.record(removed(group, Some(now))) {
            self.keep(&now.clone().with_audit_state(AuditState::RemovalRecorded))?;
        }
        Ok(())
    }
}

/// Records that a group was removed and its last members are unknown, unless that is recorded.
fn record_unknown_members(group: &GroupId, unknown: &mut BTreeSet<GroupId>, log: &mut EventLog<'_>) {
    if !unknown.contains(group) && log.record(removed(group, None)) {
        unknown.insert(group.clone());
    }
}

fn removed(group: &GroupId, known: Option<&RemovedGroup>) -> Event {
    Event::GroupRemoved { group: group.clone(), members: known.map(|known| known.members().len() as u64) }
}

/// Records events until the sink fails.
struct EventLog<'a> {
    inner: &'a Inner,
    policy: &'a PrivacyPolicy,
    /// The record that the sink did not confirm. It is offered again unchanged, because it may be durable all the same.
    pending: &'a mut Option<Record>,
    outcome: Result<(), SinkError>,
}

impl EventLog<'_> {
    /// Records an event, and returns whether it is recorded.
    fn record(&mut self, event: Event) -> bool {
        let offered_before = self.pending.as_ref().is_some_and(|record| record.event == event);
        self.offer_pending();
        if self.outcome.is_ok() && !offered_before {
            *self.pending = Some(Record {
                id: self.inner.fresh_record(),
                at: self.inner.now(),
                initiator: Initiator::System,
                policy: Some(self.policy.revision()),
                event,
                outcome: Outcome::Observed,
            });
            self.offer_pending();
        }
        self.outcome.is_ok()
    }

    /// Offers the pending record once.
    fn offer_pending(&mut self) {
        if let (Ok(()), Some(record)) = (&self.outcome, &self.pending) {
            self.outcome = self.inner.sink.record(record).map(drop);
            if self.outcome.is_ok() {
                *self.pending = None;
            }
        }
    }
}
