//! Updates of the policy.

use std::sync::Arc;

use thiserror::Error;

use super::record_then::Performed;
use super::{Inner, PrivacyFilter};
use crate::governance::{AppliedRecord, FailureReason, NewPolicy, Pending, PolicyUpdateError, Recorded, SinkError};
use crate::identity::UserId;
use crate::policy::{Denial, PolicyError, PolicyUpdate, PrivacyPolicy, Revision};
use crate::store::StoreError;

/// The reason why an update of the policy is not in force, or is not fully recorded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UpdatePolicyError {
    /// The initiator may not change the policy.
    #[error(transparent)]
    Denied(Denial),
    /// The update does not fit the policy or the directory.
    #[error(transparent)]
    Invalid(PolicyError),
    /// The update could not be recorded, so it was not made.
    #[error("the policy update could not be recorded, so it was not made")]
    Unrecorded(#[source] SinkError),
    /// The update is in force, but its outcome could not be recorded. The record of the intent exists.
    #[error("the policy update is in force as revision {revision}, but its outcome could not be recorded")]
    OutcomeUnrecorded {
        /// The revision that is now in force.
        revision: Revision,
        /// The reason why the outcome could not be recorded.
        source: SinkError,
    },
    /// Another update came first in every attempt.
    #[error("other policy updates came first in {attempts} attempts; try again")]
    Contended {
        /// The number of attempts.
        attempts: usize,
    },
    /// The store failed while it put the update in force, so the update may be in force or not.
    #[error("the policy update may be in force or not; read the policy before you repeat it")]
    OutcomeUnknown(#[source] StoreError),
    /// The store failed before the update could be in force.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PolicyUpdateError> for UpdatePolicyError {
    fn from(error: PolicyUpdateError) -> Self {
        match error {
            PolicyUpdateError::Denied(denial) => Self::Denied(denial),
            PolicyUpdateError::Invalid(error) => Self::Invalid(error),
        }
    }
}

const ATTEMPTS: usize = 16;

impl PrivacyFilter {
    /// Updates the policy in the name of `by`. Once this returns, no activity whose ingest starts later is stored under
    /// an older revision, on any node that shares the store.
    ///
    /// Several changes make one revision, with one record of the intent and one of the outcome. If another
    /// administrator updates the policy first, the changes are applied again on top of that, because each change
    /// concerns one thing only. An update that was [made for](PolicyUpdate::made_for) the earlier revision is rejected
    /// instead.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
    /// # use activity_privacy::filter::{UpdatePolicyError, PrivacyFilter};
    /// # use activity_privacy::identity::{Domain, UserId};
    /// # use activity_privacy::policy::{Administrators, GroupRef, ManagedDomain, PolicyChange, PolicyError, PolicyUpdate};
    /// # let (officer, deputy) = (UserId::new("u-1")?, UserId::new("u-2")?);
    /// # let administrators = Administrators::new(officer.clone(), deputy)?;
    /// # let builder = PrivacyFilter::builder(MemoryStore::new(), MemoryDirectory::new(), MemorySink::new());
    /// # let filter = builder.initialize(administrators)?;
    /// let seen = filter.policy()?.revision();
    /// let externals = PolicyChange::MakePrivate(GroupRef::ExternalUsers);
    /// let managed = PolicyChange::ManageDomain(ManagedDomain::exactly(Domain::new("contoso.com")?));
    /// filter.update_policy(&officer, [managed, externals])?;
    ///
    /// // Rejected, because the policy has changed since.
    /// let late = PolicyUpdate::from([PolicyChange::MakePrivate(GroupRef::Applications)]).made_for(seen);
    /// let rejected = filter.update_policy(&officer, late);
    /// assert!(matches!(rejected, Err(UpdatePolicyError::Invalid(PolicyError::MovedOn { .. }))));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`UpdatePolicyError`] if the update is not in force. The update is in force all the same with
    /// [`UpdatePolicyError::OutcomeUnrecorded`], and may be with [`UpdatePolicyError::OutcomeUnknown`].
    pub fn update_policy(&self, by: &UserId, update: impl Into<PolicyUpdate>) -> Result<Revision, UpdatePolicyError> {
        let update = update.into();
        for attempt in 0..ATTEMPTS {
            let policy = self.inner.policy()?;
            let directory = self.inner.directory().ok();
            let (record, now) = (self.inner.fresh_record(), self.inner.now());
            let requested = NewPolicy::authorise(&policy, &update, by, directory.as_deref(), record, now);
            let pending = self.inner.allowed_or_record_rejection(requested)?;
            // Once, however many attempts it takes: an attempt that is superseded has no use for its engine.
            let prepare = |next: &PrivacyPolicy| {
                if attempt == 0 {
                    self.inner.build_engine_for(next);
                }
            };
            let performed = self.inner.put_in_force(pending, prepare).map_err(UpdatePolicyError::Unrecorded)?;
            match (performed.effect, performed.outcome) {
                (Ok(revision), Ok(_)) => {
                    // A failure is retried with the next batch.
                    let _ = self.inner.reconcile_now();
                    return Ok(revision);
                }
                (Ok(revision), Err(source)) => return Err(UpdatePolicyError::OutcomeUnrecorded { revision, source }),
                (Err(StoreError::Stale { .. }), _) => {}
                (Err(error), _) => return Err(UpdatePolicyError::OutcomeUnknown(error)),
            }
        }
        Err(UpdatePolicyError::Contended { attempts: ATTEMPTS })
    }
}

impl Inner {
    /// Records a new policy, publishes it, and records the outcome. `prepare` runs once the record is durable. Returns
    /// the revision that is then in force.
    pub(super) fn put_in_force(
        &self,
        pending: Pending<NewPolicy>,
        prepare: impl FnOnce(&PrivacyPolicy),
    ) -> Result<Performed<Result<Revision, StoreError>>, SinkError> {
        self.record_then(
            pending,
            |change| {
                prepare(change.policy());
                self.publish(change)
            },
            |change, published| {
                let failure = match published {
                    Ok(_) => None,
                    Err(StoreError::Stale { .. }) => Some(FailureReason::Superseded),
                    Err(_) => Some(FailureReason::Store),
                };
                change.outcome(self.fresh_record(), self.now(), failure)
            },
        )
    }

    fn publish(&self, change: &Recorded<NewPolicy>) -> Result<Revision, StoreError> {
        match self.store.publish(change) {
            // A store can fail after it published, for example if its answer is lost. The record of its last change
            // then identifies this change: another one may have made the same policy.
            Err(_) if self.is_applied(change) => {}
            published => published?,
        }
        let revision = change.policy().revision();
        self.in_force(revision);
        Ok(revision)
    }

    /// Builds the engine for a policy before it is published, so that no batch waits for that. If it fails, the first
    /// batch builds the engine.
    fn build_engine_for(&self, next: &PrivacyPolicy) {
        if let Ok(directory) = self.directory() {
            let _ = self.prewarm(Arc::new(next.clone()), Ok(directory));
        }
    }

    fn is_applied(&self, change: &Recorded<NewPolicy>) -> bool {
        let applied = self.store.applied().ok();
        applied.is_some_and(|applied| applied.change().map(AppliedRecord::record) == Some(change.record().id))
    }
}
