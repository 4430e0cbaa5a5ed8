//! Keeping up with a directory that moves on: groups of the policy that vanish from it, and come back.
//!
//! No verdict waits for this. The directory itself remembers the last members of what vanished; here they are kept for
//! the next start, and put on record.

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

/// How far this filter has kept up.
#[derive(Default)]
pub(super) struct Upkeep {
    done: Option<(Revision, DirectoryRevision)>,
    /// Not before then, because it failed.
    again_at: Option<DateTime<Utc>>,
    /// The groups of which it is on record that nobody knows their members.
    unknown: BTreeSet<GroupId>,
    /// The record that the sink did not take when it was offered last.
    pending: Option<Record>,
    /// What there was nothing to do for any more.
    settled: Option<State>,
}

/// All that decides what there is to do.
#[derive(PartialEq)]
struct State {
    policy: Revision,
    /// Of what is kept.
    version: u64,
    last_members: LastMembersMark,
}

/// Why the directory was not followed. No verdict of this process is wrong for it; call again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReconcileError {
    /// The directory does not answer.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// What vanished or came back could not be recorded.
    #[error("what vanished from the directory or came back could not be recorded")]
    Unrecorded(#[from] SinkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PrivacyFilter {
    /// Follows the directory: keeps for the next start, and puts on record, which groups of the policy vanished from it
    /// or came back. Call it after each import. Opening a filter, changing the policy and ingesting do it too, but an
    /// import that another one replaced in between is then never followed: a node that starts later goes by what was
    /// kept before it.
    ///
    /// # Errors
    /// [`ReconcileError`]; the verdicts of this process do not depend on it.
    pub fn reconcile_directory(&self) -> Result<(), ReconcileError> {
        self.inner.follow_now()
    }
}

impl Inner {
    /// The directory in force. It never goes back: an adapter that answers with an older one than before is not
    /// believed.
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

    /// Follows the directory after a batch, once for each policy and directory. What fails is tried again after a
    /// while, so that a sink that hangs does not hold up every batch.
    pub(super) fn follow(&self, engine: &PolicyEngine) {
        const PAUSE: TimeDelta = TimeDelta::seconds(30);
        let (policy, Some(directory)) = engine.revisions() else { return };
        let mut upkeep = match self.upkeep.try_lock() {
            Ok(upkeep) => upkeep,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Whoever comes second has nothing to wait for.
            Err(TryLockError::WouldBlock) => return,
        };
        let paused = upkeep.again_at.is_some_and(|again_at| self.now() < again_at);
        if upkeep.done != Some((policy, directory)) && !paused && self.keep_up(&mut upkeep).is_err() {
            upkeep.again_at = self.now().checked_add_signed(PAUSE);
        }
    }

    /// Follows the directory now.
    pub(super) fn follow_now(&self) -> Result<(), ReconcileError> {
        self.keep_up(&mut self.upkeep.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep_up(&self, upkeep: &mut Upkeep) -> Result<(), ReconcileError> {
        let directory = match self.directory() {
            // There is nothing to follow yet.
            Err(DirectoryError::NeverLoaded) => return Ok(()),
            directory => directory?,
        };
        // In this order: what was kept before the policy that is silent about it cannot be kept for a later one.
        let (version, all_kept) = self.kept_groups()?;
        let policy = self.policy()?;
        let state = State { policy: policy.revision(), version, last_members: directory.last_members_mark().clone() };
        if upkeep.settled.as_ref() == Some(&state) {
            upkeep.done = Some((policy.revision(), directory.revision()));
            return Ok(());
        }
        let groups = policy.imported_groups();
        let mut followed = PolicyEngine::incomplete_groups(&policy, &directory);
        let mut kept: HashMap<&GroupId, Cow<'_, RemovedGroup>> = HashMap::new();
        for (known, mut holding) in all_kept.iter().zip(PolicyEngine::groups_containing(&policy, &directory, &all_kept))
        {
            // Once the policy is silent about a group and those that it was nested in, nobody has a reason to keep who was
            // in it.
            if !groups.contains(known.group()) && holding.is_empty() {
                self.store.update_removed_groups(RemovedGroupsUpdate::Drop {
                    group: known.group(),
                    up_to: known.removed_in(),
                })?;
                continue;
            }
            followed.entry(known.group().clone()).or_default();
            // For the time when those that it was nested in leave the policy or vanish too.
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
            followed.entry((*group).clone()).or_default();
        }
        let Upkeep { unknown, pending, .. } = upkeep;
        let mut log = Log { inner: self, policy: &policy, pending, outcome: Ok(()) };
        for (group, counts_for) in followed {
            let is_in_policy = groups.contains(&group);
            let kept = kept.get(&group).map(Cow::as_ref);
            let node = directory.group_index(&group);
            match node.filter(|node| directory.has_group(*node)).map(|node| directory.knowledge(node)) {
                Some(Knowledge::Whole) => self.is_there(&group, kept, directory.revision(), unknown, &mut log)?,
                // What was kept of it counts until an import lists it.
                Some(_) if kept.is_some() => {}
                Some(Knowledge::SinceAdded) => self.is_there(&group, None, directory.revision(), unknown, &mut log)?,
                Some(Knowledge::Unknown) => is_unknown(&group, unknown, &mut log),
                // What was nested in a group of the policy while another process saw it, and has been back.
                None if !is_in_policy && node.is_none() && kept.is_some_and(|kept| kept.was_restored()) => {}
                None => {
                    let child_groups = counts_for.into_iter().filter(|outer| *outer != group).collect();
                    self.is_gone(&group, child_groups, kept, &directory, unknown, &mut log)?;
                }
            }
        }
        log.settle();
        log.outcome?;
        let is_settled = all_kept.iter().all(|kept| kept.is_settled_by(directory.revision()));
        upkeep.settled = Some(state).filter(|_| is_settled);
        upkeep.done = Some((policy.revision(), directory.revision()));
        upkeep.again_at = None;
        Ok(())
    }

    fn keep(&self, group: &RemovedGroup) -> Result<(), StoreError> {
        self.store.update_removed_groups(RemovedGroupsUpdate::Keep(group))
    }

    /// What was kept of a group that is there does not count any more, from this directory on.
    fn is_there(
        &self,
        group: &GroupId,
        kept: Option<&RemovedGroup>,
        revision: DirectoryRevision,
        unknown: &mut BTreeSet<GroupId>,
        log: &mut Log<'_>,
    ) -> Result<(), StoreError> {
        // A node that lags brings nothing back.
        let kept = kept.filter(|kept| kept.removed_in() < revision);
        if let Some(kept) = kept {
            if kept.restored_by(revision).is_none() {
                self.keep(&kept.clone().restored(revision))?;
            }
            if kept.audit_state() < AuditState::RemovalRecorded && log.note(vanished(group, Some(kept))) {
                self.keep(&kept.clone().with_audit_state(AuditState::RemovalRecorded))?;
            }
        }
        let untold = kept.filter(|kept| kept.audit_state() < AuditState::RestorationRecorded);
        // Also when nobody knew its members: that everything is hidden must not stay the last word.
        if (untold.is_some() || unknown.contains(group)) && log.note(Event::GroupRestored { group: group.clone() }) {
            unknown.remove(group);
            if let Some(kept) = untold {
                self.keep(&kept.clone().with_audit_state(AuditState::RestorationRecorded))?;
            }
        }
        Ok(())
    }

    /// The last members of a group that is gone are kept, whether or not it can be recorded.
    fn is_gone(
        &self,
        group: &GroupId,
        child_groups: BTreeSet<GroupId>,
        before: Option<&RemovedGroup>,
        directory: &DirectorySnapshot,
        unknown: &mut BTreeSet<GroupId>,
        log: &mut Log<'_>,
    ) -> Result<(), StoreError> {
        let LastKnown { is_remembered, stored: kept } = directory.last_known(group, before);
        let remembered = directory.removed_group(group).filter(|_| is_remembered);
        let remembered = remembered.map(|remembered| remembered.with_nested_in(child_groups));
        let together = match (remembered, before) {
            (Some(remembered), Some(before)) => before.clone().merge(&remembered),
            (Some(remembered), None) => remembered,
            (None, _) => {
                if let Some(kept) = kept {
                    return self.tell(group, before, kept, log);
                }
                is_unknown(group, unknown, log);
                return Ok(());
            }
        };
        if before != Some(&together) {
            self.keep(&together)?;
        }
        self.tell(group, before, &together, log)
    }

    /// Puts on record that a group vanished, and with how many members, unless that is known.
    fn tell(
        &self,
        group: &GroupId,
        before: Option<&RemovedGroup>,
        now: &RemovedGroup,
        log: &mut Log<'_>,
    ) -> Result<(), StoreError> {
        let as_many = before.is_some_and(|before| before.members().len() == now.members().len());
        let known = now.audit_state() >= AuditState::RemovalRecorded && as_many;
        if !known && log.note(vanished(group, Some(now))) {
            self.keep(&now.clone().with_audit_state(AuditState::RemovalRecorded))?;
        }
        Ok(())
    }
}

/// Puts on record that nobody knows the members of a group, unless that is known.
fn is_unknown(group: &GroupId, unknown: &mut BTreeSet<GroupId>, log: &mut Log<'_>) {
    if !unknown.contains(group) && log.note(vanished(group, None)) {
        unknown.insert(group.clone());
    }
}

fn vanished(group: &GroupId, known: Option<&RemovedGroup>) -> Event {
    Event::GroupRemoved { group: group.clone(), members: known.map(|known| known.members().len() as u64) }
}

/// Puts on record what happened, as long as the sink goes along.
struct Log<'a> {
    inner: &'a Inner,
    policy: &'a PrivacyPolicy,
    /// The record that the sink did not take: offered again as it was, in case it became durable all the same.
    pending: &'a mut Option<Record>,
    outcome: Result<(), SinkError>,
}

impl Log<'_> {
    /// Whether it is on record now.
    fn note(&mut self, event: Event) -> bool {
        let offered_before = self.pending.as_ref().is_some_and(|record| record.event == event);
        self.settle();
        if self.outcome.is_ok() && !offered_before {
            *self.pending = Some(Record {
                id: self.inner.fresh_record(),
                at: self.inner.now(),
                initiator: Initiator::System,
                policy: Some(self.policy.revision()),
                event,
                outcome: Outcome::Observed,
            });
            self.settle();
        }
        self.outcome.is_ok()
    }

    /// Offers what the sink did not take, once.
    fn settle(&mut self) {
        if let (Ok(()), Some(record)) = (&self.outcome, &self.pending) {
            self.outcome = self.inner.sink.record(record).map(drop);
            if self.outcome.is_ok() {
                *self.pending = None;
            }
        }
    }
}
