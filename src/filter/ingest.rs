//! Activities in: decided under the policy in force, and stored under no other.

use std::sync::{Arc, PoisonError};

use thiserror::Error;

use super::{Inner, PrivacyFilter};
use crate::activity::Activity;
use crate::change::PendingChange;
use crate::directory::{DirectoryError, DirectorySnapshot};
use crate::identity::GroupId;
use crate::policy::{PrivacyPolicy, RetainedGroup, Upkeep};
use crate::screen::{Screen, Undecidable};
use crate::store::{Appended, StoreError};

/// What became of one delivered activity. For the pipeline that delivers: it tells nothing of who is private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// It is stored now.
    Stored,
    /// It was stored before. The first verdict and the first content stay.
    Duplicate,
    /// Another content was stored under its id before, and stays.
    Conflict,
    /// It is out of scope, and was neither stored nor passed on.
    NotMonitored,
}

/// What became of a delivered batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IngestReport {
    deliveries: Vec<Delivery>,
}

impl IngestReport {
    /// What became of each activity, in the order of delivery.
    #[must_use]
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// To how many activities this happened.
    #[must_use]
    pub fn count(&self, what: Delivery) -> usize {
        self.deliveries.iter().filter(|delivery| **delivery == what).count()
    }
}

/// Why a batch was not taken. Nothing of it is stored; deliver it again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IngestError {
    /// Something cannot be decided, and the policy says to refuse then.
    #[error(transparent)]
    Undecidable(#[from] Undecidable),
    /// The policy changed again and again while the batch was being decided.
    #[error("the policy changed {attempts} times while the batch was being decided")]
    Contended {
        /// How often the batch was decided.
        attempts: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const ATTEMPTS: usize = 64;

impl PrivacyFilter {
    /// Decides a batch of activities and stores it. All of it is decided under the one policy that is in force when it is
    /// stored, and against one directory; a batch is taken whole or not at all.
    ///
    /// # Errors
    /// [`IngestError`]; nothing of the batch is stored then, and it can be delivered again.
    pub fn ingest(&self, activities: &[Activity]) -> Result<IngestReport, IngestError> {
        for _ in 0..ATTEMPTS {
            let screen = self.inner.screen()?;
            let batch = match screen.screen(activities, self.inner.now()) {
                Ok(batch) => batch,
                // A stale policy must not refuse what the one in force would take.
                Err(undecidable) if self.inner.policy()?.revision() == screen.policy().revision() => {
                    return Err(undecidable.into());
                }
                Err(_) => {
                    self.inner.screen.store(None);
                    continue;
                }
            };
            match self.inner.store.append(&batch) {
                Ok(appended) => {
                    let mut appended = appended.into_iter();
                    let deliveries = batch.monitored().map(|monitored| match monitored.then(|| appended.next()) {
                        None => Delivery::NotMonitored,
                        Some(Some(Appended::Duplicate)) => Delivery::Duplicate,
                        Some(Some(Appended::Conflict)) => Delivery::Conflict,
                        Some(Some(Appended::Stored) | None) => Delivery::Stored,
                    });
                    return Ok(IngestReport { deliveries: deliveries.collect() });
                }
                Err(StoreError::Stale { .. }) => self.inner.screen.store(None),
                Err(error) => return Err(error.into()),
            }
        }
        Err(IngestError::Contended { attempts: ATTEMPTS })
    }
}

impl Inner {
    /// What to decide with now: the policy as last read, which the store checks again, and the directory in force.
    fn screen(&self) -> Result<Arc<Screen>, StoreError> {
        let directory = self.directory.snapshot();
        if let Some(screen) = self.screen.load_full().filter(|screen| is_current(screen, &directory)) {
            return Ok(screen);
        }
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(screen) = self.screen.load_full().filter(|screen| is_current(screen, &directory)) {
            return Ok(screen);
        }
        // INVARIANT: a directory never goes back.
        let directory = match (directory, &*followed) {
            (Ok(offered), Some(known)) if offered.revision() < known.revision() => Ok(Arc::clone(known)),
            (directory, _) => directory,
        };
        let mut policy = self.policy()?;
        let kept_up = match &directory {
            Ok(directory) => self.keep_up(&mut policy, followed.as_deref(), directory)?,
            Err(_) => true,
        };
        let screen = Arc::new(Screen::new(policy, directory));
        // What was not kept up is tried again with the next batch, from the same directory.
        if kept_up {
            if let Some(directory) = screen.directory() {
                *followed = Some(Arc::clone(directory));
            }
            self.screen.store(Some(Arc::clone(&screen)));
        }
        Ok(screen)
    }

    /// Lets groups of the policy that are gone from the directory keep their last members, and gives those that came back
    /// to the directory again. Tells whether all of it was done; what was not is hidden by the screen meanwhile.
    fn keep_up(
        &self,
        policy: &mut Arc<PrivacyPolicy>,
        before: Option<&DirectorySnapshot>,
        now: &DirectorySnapshot,
    ) -> Result<bool, StoreError> {
        let groups: Vec<GroupId> = policy.imported_groups().into_iter().cloned().collect();
        let mut done = true;
        for group in groups {
            let retained = policy.retained().get(&group);
            let upkeep = match (now.group_name(&group), before) {
                (Some(_), _) if retained.is_some_and(|retained| now.revision() > retained.gone_in) => {
                    Upkeep::Release(group)
                }
                (None, Some(before)) if retained.is_none() && before.group_name(&group).is_some() => {
                    let members = before.users_below(&group).cloned().collect();
                    Upkeep::Retain(group, RetainedGroup { members, gone_in: now.revision() })
                }
                _ => continue,
            };
            done &= self.publish_upkeep(policy, upkeep);
            *policy = self.policy()?;
        }
        Ok(done)
    }

    fn publish_upkeep(&self, policy: &PrivacyPolicy, upkeep: Upkeep) -> bool {
        let Some(pending) = PendingChange::upkeep(policy, upkeep, self.fresh_record(), self.now()) else {
            return true;
        };
        self.record_change(pending).is_ok_and(|change| self.publish(&change).0.is_ok())
    }
}

fn is_current(screen: &Screen, directory: &Result<Arc<DirectorySnapshot>, DirectoryError>) -> bool {
    match (screen.directory(), directory) {
        (Some(known), Ok(offered)) => offered.revision() <= known.revision(),
        _ => false,
    }
}
