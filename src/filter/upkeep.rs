//! Keeping up with a directory that moves on: groups of the policy that vanish from it, and come back.
//!
//! No verdict waits for this. The directory itself remembers the last members of what vanished; here they are kept for the
//! next start, and put on record.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::Inner;
use crate::directory::{DirectoryError, DirectoryRevision, DirectorySnapshot};
use crate::governance::{Act, GovernanceSink, Initiator, Outcome, Record};
use crate::identity::GroupId;
use crate::policy::{PrivacyPolicy, Revision};
use crate::screen::Screen;

/// How far this filter has kept up.
#[derive(Default)]
pub(super) struct Upkeep {
    done: Option<(Revision, DirectoryRevision)>,
    /// Not before then, because it failed.
    again_at: Option<DateTime<Utc>>,
    /// The groups of which it is on record that nobody knows their members.
    unknown: BTreeSet<GroupId>,
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

    /// Keeps and records what vanished or came back, once for each policy and directory. What fails is tried again after
    /// a while, so that a sink that hangs does not hold up every batch.
    pub(super) fn follow(&self, screen: &Screen) {
        const PAUSE: TimeDelta = TimeDelta::seconds(30);
        let (policy, Some(directory)) = (screen.policy(), screen.directory()) else { return };
        let now = (policy.revision(), directory.revision());
        // Whoever comes second has nothing to wait for.
        let Ok(mut upkeep) = self.upkeep.try_lock() else { return };
        if upkeep.done == Some(now) || upkeep.again_at.is_some_and(|again_at| self.now() < again_at) {
            return;
        }
        match self.keep_up(policy, directory, &mut upkeep.unknown) {
            Some(()) => {
                upkeep.done = Some(now);
                upkeep.again_at = None;
            }
            None => upkeep.again_at = self.now().checked_add_signed(PAUSE),
        }
    }

    fn keep_up(
        &self,
        policy: &PrivacyPolicy,
        directory: &DirectorySnapshot,
        unknown: &mut BTreeSet<GroupId>,
    ) -> Option<()> {
        let kept = self.store.vanished_groups().ok()?;
        let groups = policy.imported_groups();
        // Once the policy is silent about a group, nobody has a reason to keep who was in it.
        for kept in kept.iter().filter(|kept| !groups.contains(kept.group())) {
            self.store.drop_vanished(kept.group(), DirectoryRevision(kept.gone_in().0.saturating_add(1))).ok()?;
        }
        for group in groups {
            let kept = kept.iter().find(|kept| kept.group() == group);
            if directory.group_name(group).is_some() {
                unknown.remove(group);
                if kept.is_some_and(|kept| kept.gone_in() < directory.revision()) {
                    self.note(policy, Act::GroupReturned { group: group.clone() })?;
                    self.store.drop_vanished(group, directory.revision()).ok()?;
                }
                continue;
            }
            match (directory.vanished_group(group), kept) {
                (Some(vanished), kept) => {
                    let together = kept.map_or_else(|| vanished.clone(), |kept| kept.clone().together_with(vanished));
                    if kept != Some(&together) {
                        let members = Some(together.members().len() as u64);
                        self.note(policy, Act::GroupVanished { group: group.clone(), members })?;
                        self.store.keep_vanished(vanished).ok()?;
                    }
                }
                (None, Some(_)) => {}
                (None, None) => {
                    if !unknown.contains(group) {
                        self.note(policy, Act::GroupVanished { group: group.clone(), members: None })?;
                        unknown.insert(group.clone());
                    }
                }
            }
        }
        Some(())
    }

    fn note(&self, policy: &PrivacyPolicy, act: Act) -> Option<()> {
        let record = Record {
            id: self.fresh_record(),
            at: self.now(),
            initiator: Initiator::System,
            policy: Some(policy.revision()),
            act,
            outcome: Outcome::Noted,
        };
        self.sink.record(&record).ok().map(drop)
    }
}
