//! Keeping up with a directory that moves on: groups of the policy that vanish from it, and come back.
//!
//! No verdict waits for this. The directory itself remembers the last members of what vanished; here they are kept for the
//! next start, and put on record.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, TryLockError};

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;

use super::{Inner, PrivacyFilter};
use crate::directory::{DirectoryError, DirectoryRevision, DirectorySnapshot};
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
    /// What happened and could not be recorded yet.
    owed: Vec<Act>,
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
    /// Follows the directory: keeps for the next start, and puts on record, which groups of the policy vanished from it or
    /// came back. Call it after each import. Opening a filter, changing the policy and ingesting do it too, but an import
    /// that another one replaced in between is then never followed: a node that starts later goes by what was kept before it.
    ///
    /// # Errors
    /// [`FollowError`]; the verdicts of this process do not depend on it.
    pub fn follow_directory(&self) -> Result<(), FollowError> {
        self.inner.follow_now()
    }
}

impl Inner {
    /// The directory in force. It never goes back: an adapter that answers with an older one than before is not believed.
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

    /// Follows the directory after a batch, once for each policy and directory. What fails is tried again after a while, so
    /// that a sink that hangs does not hold up every batch.
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
        let mut noted = Ok(());
        for group in groups {
            let kept = all_kept.iter().find(|kept| kept.group() == group);
            if directory.group_name(group).is_some() {
                let over = kept.filter(|kept| kept.gone_in() < directory.revision());
                let over = over.filter(|kept| kept.back_by(directory.revision()).is_none());
                // Also when nobody knew its members: the record that everything is hidden is not the last word then.
                if upkeep.unknown.remove(group) || over.is_some() {
                    self.note(&policy, Act::GroupReturned { group: group.clone() }, upkeep, &mut noted);
                }
                if let Some(kept) = over {
                    self.store.keep_vanished(&kept.clone().returned(directory.revision()))?;
                }
                continue;
            }
            match directory.last_known(group, &all_kept) {
                [Some(vanished), _] => {
                    let together = kept.map_or_else(|| vanished.clone(), |kept| kept.clone().together_with(vanished));
                    if kept != Some(&together) {
                        let members = Some(together.members().len() as u64);
                        let act = Act::GroupVanished { group: group.clone(), members };
                        self.note(&policy, act, upkeep, &mut noted);
                        self.store.keep_vanished(vanished)?;
                    }
                }
                [None, Some(_)] => {}
                [None, None] => {
                    if upkeep.unknown.insert(group.clone()) {
                        let act = Act::GroupVanished { group: group.clone(), members: None };
                        self.note(&policy, act, upkeep, &mut noted);
                    }
                }
            }
        }
        noted.and_then(|()| self.settle(&policy, upkeep))?;
        upkeep.done = Some((policy.revision(), directory.revision()));
        upkeep.again_at = None;
        Ok(())
    }

    /// Puts on record what happened, before it is kept. Once the sink fails the rest is owed, and kept all the same: nobody is
    /// left unprotected because something cannot be recorded.
    fn note(&self, policy: &PrivacyPolicy, act: Act, upkeep: &mut Upkeep, noted: &mut Result<(), SinkError>) {
        // A store that fails brings the same act here again and again.
        if upkeep.owed.last() != Some(&act) {
            upkeep.owed.push(act);
        }
        if noted.is_ok() {
            *noted = self.settle(policy, upkeep);
        }
    }

    /// Records what is owed, in order.
    fn settle(&self, policy: &PrivacyPolicy, upkeep: &mut Upkeep) -> Result<(), SinkError> {
        while let Some(act) = upkeep.owed.first() {
            let _receipt = self.sink.record(&Record {
                id: self.fresh_record(),
                at: self.now(),
                initiator: Initiator::System,
                policy: Some(policy.revision()),
                act: act.clone(),
                outcome: Outcome::Noted,
            })?;
            upkeep.owed.remove(0);
        }
        Ok(())
    }
}
