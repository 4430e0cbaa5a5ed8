//! Keeping up with a directory that moves on: groups of the policy that vanish from it, and come back.
//!
//! No verdict waits for this. The directory itself remembers the last members of what vanished; here they are kept for
//! the next start, and put on record.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, TryLockError};

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;

use super::{Inner, PrivacyFilter};
use crate::directory::{DirectoryError, DirectoryRevision, DirectorySnapshot, LastKnown, Told, VanishedGroup};
use crate::governance::{Act, GovernanceSink, Initiator, Outcome, Record, SinkError};
use crate::identity::GroupId;
use crate::policy::{PrivacyPolicy, Revision};
use crate::screen::Screen;
use crate::store::StoreError;

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
}

/// Why the directory was not followed. No verdict of this process is wrong for it; call again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FollowError {
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
    /// [`FollowError`]; the verdicts of this process do not depend on it.
    pub fn follow_directory(&self) -> Result<(), FollowError> {
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
    pub(super) fn follow(&self, screen: &Screen) {
        const PAUSE: TimeDelta = TimeDelta::seconds(30);
        let (policy, Some(directory)) = screen.revisions() else { return };
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
    pub(super) fn follow_now(&self) -> Result<(), FollowError> {
        self.keep_up(&mut self.upkeep.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep_up(&self, upkeep: &mut Upkeep) -> Result<(), FollowError> {
        let directory = match self.directory() {
            // There is nothing to follow yet.
            Err(DirectoryError::NeverLoaded) => return Ok(()),
            directory => directory?,
        };
        // In this order: what was kept before the policy that is silent about it cannot be kept for a later one.
        let all_kept = self.store.vanished_groups()?;
        let policy = self.policy()?;
        let groups = policy.imported_groups();
        // Once the policy is silent about a group, nobody has a reason to keep who was in it.
        for kept in all_kept.iter().filter(|kept| !groups.contains(kept.group())) {
            self.store.drop_vanished(kept.group(), kept.gone_in())?;
        }
        let Upkeep { unknown, pending, .. } = upkeep;
        let mut log = Log { inner: self, policy: &policy, pending, outcome: Ok(()) };
        for group in groups {
            if directory.group_name(group).is_some() {
                let kept = all_kept.iter().find(|kept| kept.group() == group);
                self.is_there(group, kept, directory.revision(), unknown, &mut log)?;
            } else {
                self.is_gone(group, &all_kept, &directory, unknown, &mut log)?;
            }
        }
        log.settle();
        log.outcome?;
        upkeep.done = Some((policy.revision(), directory.revision()));
        upkeep.again_at = None;
        Ok(())
    }

    /// What was kept of a group that is there does not count any more, from this directory on.
    fn is_there(
        &self,
        group: &GroupId,
        kept: Option<&VanishedGroup>,
        revision: DirectoryRevision,
        unknown: &mut BTreeSet<GroupId>,
        log: &mut Log<'_>,
    ) -> Result<(), StoreError> {
        // A node that lags brings nothing back.
        let kept = kept.filter(|kept| kept.gone_in() < revision);
        if let Some(kept) = kept {
            if kept.back_by(revision).is_none() {
                self.store.keep_vanished(&kept.clone().returned(revision))?;
            }
            if kept.told() < Told::Vanished && log.note(vanished(group, Some(kept))) {
                self.store.keep_vanished(&kept.clone().telling(Told::Vanished))?;
            }
        }
        let untold = kept.filter(|kept| kept.told() < Told::Returned);
        // Also when nobody knew its members: that everything is hidden must not stay the last word.
        if (untold.is_some() || unknown.contains(group)) && log.note(Act::GroupReturned { group: group.clone() }) {
            unknown.remove(group);
            if let Some(kept) = untold {
                self.store.keep_vanished(&kept.clone().telling(Told::Returned))?;
            }
        }
        Ok(())
    }

    /// The last members of a group that is gone are kept, whether or not it can be recorded.
    fn is_gone(
        &self,
        group: &GroupId,
        all_kept: &[VanishedGroup],
        directory: &DirectorySnapshot,
        unknown: &mut BTreeSet<GroupId>,
        log: &mut Log<'_>,
    ) -> Result<(), StoreError> {
        let before = all_kept.iter().find(|kept| kept.group() == group);
        let LastKnown { remembered, kept } = directory.last_known(group, all_kept);
        let together = match (remembered, before) {
            (Some(remembered), Some(before)) => before.clone().together_with(remembered),
            (Some(known), None) => known.clone(),
            (None, _) => {
                if let Some(kept) = kept {
                    return self.tell(group, before, kept, log);
                }
                if !unknown.contains(group) && log.note(vanished(group, None)) {
                    unknown.insert(group.clone());
                }
                return Ok(());
            }
        };
        if before != Some(&together) {
            self.store.keep_vanished(&together)?;
        }
        self.tell(group, before, &together, log)
    }

    /// Puts on record that a group vanished, and with how many members, unless that is known.
    fn tell(
        &self,
        group: &GroupId,
        before: Option<&VanishedGroup>,
        now: &VanishedGroup,
        log: &mut Log<'_>,
    ) -> Result<(), StoreError> {
        let as_many = before.is_some_and(|before| before.members().len() == now.members().len());
        let known = now.told() >= Told::Vanished && as_many;
        if !known && log.note(vanished(group, Some(now))) {
            self.store.keep_vanished(&now.clone().telling(Told::Vanished))?;
        }
        Ok(())
    }
}

fn vanished(group: &GroupId, known: Option<&VanishedGroup>) -> Act {
    Act::GroupVanished { group: group.clone(), members: known.map(|known| known.members().len() as u64) }
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
    fn note(&mut self, act: Act) -> bool {
        let offered_before = self.pending.as_ref().is_some_and(|record| record.act == act);
        self.settle();
        if self.outcome.is_ok() && !offered_before {
            *self.pending = Some(Record {
                id: self.inner.fresh_record(),
                at: self.inner.now(),
                initiator: Initiator::System,
                policy: Some(self.policy.revision()),
                act,
                outcome: Outcome::Noted,
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
