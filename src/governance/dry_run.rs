//! Dry runs of policy updates.

use chrono::{DateTime, Utc};

use super::event::Event;
use super::ids::RecordId;
use super::outcome::Outcome;
use super::policy_update::{PolicyUpdateError, updated};
use super::record::{Initiator, Record};
use super::recorded::{Pending, Rejection};
use crate::directory::DirectorySnapshot;
use crate::identity::UserId;
use crate::policy::{PolicyError, PolicyUpdate, PrivacyPolicy};

/// A dry run of an update. Its result is returned to the caller only after the record of the dry run is durable.
pub(crate) struct AuthorisedDryRun {
    policy: PrivacyPolicy,
}

impl AuthorisedDryRun {
    /// Applies the update without putting it in force, if `by` may make it. Names of up to `sample` affected people are
    /// for an administrator who may also view private activities. Accepted or rejected, there is a record to write.
    ///
    /// The members of a private group can include people whom the directory does not list in it: the dry run follows
    /// nested groups and counts the last members of removed groups.
    pub(crate) fn authorise(
        policy: &PrivacyPolicy,
        update: &PolicyUpdate,
        sample: usize,
        by: &UserId,
        directory: Option<&DirectorySnapshot>,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Pending<Self>, Box<Rejection<PolicyUpdateError>>> {
        let (changes, next) = updated(policy, update, by, directory, now);
        let record = Record {
            id: record,
            at: now,
            initiator: Initiator::User(by.clone()),
            policy: Some(policy.revision()),
            event: Event::DryRun { changes, sample: sample as u64 },
            outcome: Outcome::Intended,
        };
        let next = next.and_then(|policy_after| {
            if sample > 0 {
                policy.may_view_private(by)?;
            }
            Ok(Self { policy: policy_after })
        });
        Pending::allowed_or_rejected(record, next.map_err(PolicyUpdateError::with_outcome))
    }
}

impl Pending<AuthorisedDryRun> {
    /// Returns the policy that the update would make.
    pub(crate) fn policy(&self) -> &PrivacyPolicy {
        &self.act().policy
    }

    /// Returns the record of a dry run without a result, because there is no directory to resolve people with.
    pub(crate) fn without_directory(&self) -> Record {
        Record { outcome: Outcome::Invalid(PolicyError::NoDirectory), ..self.record().clone() }
    }
}
