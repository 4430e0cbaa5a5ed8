//! Changes of the policy.

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::applied::{AppliedRecords, OnKnownRemovals};
use super::event::{ChangeSummary, Event};
use super::ids::RecordId;
use super::outcome::{FailureReason, Outcome};
use super::record::{Initiator, Record};
use super::recorded::{Pending, Recorded, Rejection};
use crate::directory::DirectorySnapshot;
use crate::identity::UserId;
use crate::policy::{
    Administrators, Denial, PolicyChange, PolicyDraft, PolicyError, PolicyUpdate, PrivacyPolicy, Revision, person,
};

/// The policy that an update makes. A store publishes it as a [`Recorded`] act.
#[derive(Clone)]
pub struct NewPolicy {
    policy: PrivacyPolicy,
    expected: Option<Revision>,
    removals: OnKnownRemovals,
}

/// The reason why an update of the policy is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyUpdateError {
    /// The initiator may not change the policy.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The update does not fit the policy or the directory.
    #[error(transparent)]
    Invalid(#[from] PolicyError),
}

impl NewPolicy {
    /// Returns the first policy of a store. Its record lists the administrators, and names the first of them as the
    /// initiator.
    pub fn initial(administrators: &Administrators, record: RecordId, now: DateTime<Utc>) -> Pending<Self> {
        let record = Record {
            id: record,
            at: now,
            initiator: Initiator::User(administrators.first().clone()),
            policy: None,
            event: Event::InitializePolicy { administrators: administrators.users().cloned().collect() },
            outcome: Outcome::Intended,
        };
        let policy = PrivacyPolicy::initial(administrators);
        Pending::new(record, Self { policy, expected: None, removals: OnKnownRemovals::Keep })
    }

    /// Applies an update to `policy` in the name of `by`, if `by` may change the policy. Accepted or rejected, there is
    /// one record to write, and it lists every change.
    ///
    /// Without a directory, or with one that is older than the policy allows, a change cannot refer to an imported
    /// group or to a person by name. Every other change still works.
    ///
    /// # Errors
    /// Returns [`Rejection`] with the reason and the record to write. If one of several changes does not fit, the whole
    /// update is rejected with [`PolicyError::InUpdate`].
    pub fn authorise(
        policy: &PrivacyPolicy,
        update: impl Into<PolicyUpdate>,
        by: &UserId,
        directory: Option<&DirectorySnapshot>,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Pending<Self>, Box<Rejection<PolicyUpdateError>>> {
        let (changes, next) = updated(policy, &update.into(), by, directory, now);
        let (expected, event) = (Some(policy.revision()), Event::ChangePolicy(changes));
        Self::pending(next, expected, OnKnownRemovals::Keep, by, event, record, now)
    }

    /// Returns the pending act that puts `next` in force, or its rejection.
    pub(super) fn pending(
        next: Result<PrivacyPolicy, PolicyUpdateError>,
        expected: Option<Revision>,
        removals: OnKnownRemovals,
        by: &UserId,
        event: Event,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Pending<Self>, Box<Rejection<PolicyUpdateError>>> {
        let (initiator, outcome) = (Initiator::User(by.clone()), Outcome::Intended);
        let record = Record { id: record, at: now, initiator, policy: expected, event, outcome };
        let next = next.map(|policy| Self { policy, expected, removals });
        Pending::allowed_or_rejected(record, next.map_err(PolicyUpdateError::with_outcome))
    }
}

impl PolicyUpdateError {
    /// Returns the outcome in the record of the rejection, with the reason.
    pub(super) fn with_outcome(self) -> (Outcome, Self) {
        let outcome = match &self {
            Self::Denied(denial) => Outcome::Denied(*denial),
            Self::Invalid(error) => Outcome::Invalid(error.clone()),
        };
        (outcome, self)
    }
}

impl Recorded<NewPolicy> {
    /// Returns the policy to publish.
    #[must_use]
    pub fn policy(&self) -> &PrivacyPolicy {
        &self.act().policy
    }

    /// Returns the revision that must still be in force, and `None` for the first policy of a store.
    #[must_use]
    pub fn expected(&self) -> Option<Revision> {
        self.act().expected
    }

    /// Returns the records that a store keeps once it applied the change, given those that it kept before.
    #[must_use]
    pub fn applied(&self, before: &AppliedRecords) -> AppliedRecords {
        match &self.record().event {
            Event::AcceptDifference { .. } => before.clone().accepted(self.applied_record(), self.act().removals),
            _ => before.clone().with_change(self.applied_record()),
        }
    }

    /// Returns the record of the outcome.
    #[must_use]
    pub fn outcome(&self, record: RecordId, now: DateTime<Utc>, failure: Option<FailureReason>) -> Record {
        self.outcome_record(record, now, failure)
    }
}

/// Applies an update if `by` may change the policy. Returns a summary of each change, valid or not, and the new policy
/// or the reason why there is none.
pub(super) fn updated(
    policy: &PrivacyPolicy,
    update: &PolicyUpdate,
    by: &UserId,
    directory: Option<&DirectorySnapshot>,
    now: DateTime<Utc>,
) -> (Vec<ChangeSummary>, Result<PrivacyPolicy, PolicyUpdateError>) {
    match policy.may_manage_privacy(by) {
        Ok(()) => apply(policy, update, by, directory, now),
        Err(denial) => {
            let directory = directory.filter(|directory| policy.options().accepts(directory.as_of(), now));
            let changes = update.changes().iter().map(|change| summary(policy, change, directory)).collect();
            (changes, Err(PolicyUpdateError::Denied(denial)))
        }
    }
}

/// Applies the changes in order.
fn apply(
    policy: &PrivacyPolicy,
    update: &PolicyUpdate,
    by: &UserId,
    directory: Option<&DirectorySnapshot>,
    now: DateTime<Utc>,
) -> (Vec<ChangeSummary>, Result<PrivacyPolicy, PolicyUpdateError>) {
    let in_force = policy.revision();
    let moved_on = update.expected().filter(|made_for| *made_for != in_force);
    let mut draft = match moved_on {
        Some(made_for) => Err(PolicyError::MovedOn { made_for, in_force }),
        None => policy.draft(),
    };
    let mut without_administrator = None;
    let mut summaries = Vec::with_capacity(update.changes().len());
    let in_update = |index, reason| match update.changes() {
        [_] => reason,
        _ => PolicyError::InUpdate { index, reason: Box::new(reason) },
    };
    for (index, change) in update.changes().iter().enumerate() {
        // Each change sees the policy as the changes before it left it.
        let policy = draft.as_ref().map_or(policy, PolicyDraft::policy);
        let directory = directory.filter(|directory| policy.options().accepts(directory.as_of(), now));
        summaries.push(summary(policy, change, directory));
        if let Ok(made) = &mut draft {
            let had_administrator = made.has_administrator();
            if let Err(reason) = made.apply(change, by, directory, now) {
                draft = Err(in_update(index, reason));
            } else if had_administrator && !made.has_administrator() {
                without_administrator = Some(index);
            }
        }
    }
    let next = draft.and_then(PolicyDraft::finish).map_err(|error| match (error, without_administrator) {
        (PolicyError::LastAdministrator, Some(index)) => in_update(index, PolicyError::LastAdministrator),
        (error, _) => error,
    });
    (summaries, next.map_err(PolicyUpdateError::Invalid))
}

fn summary(policy: &PrivacyPolicy, change: &PolicyChange, directory: Option<&DirectorySnapshot>) -> ChangeSummary {
    match change {
        PolicyChange::MakePrivate(group) => ChangeSummary::MakePrivate(group.clone()),
        PolicyChange::MakePublic(group) => ChangeSummary::MakePublic(group.clone()),
        PolicyChange::AddScopeRule(rule) => ChangeSummary::AddScopeRule(rule.clone()),
        PolicyChange::RemoveScopeRule(rule) => ChangeSummary::RemoveScopeRule(rule.clone()),
        PolicyChange::ManageDomain(managed) => ChangeSummary::ManageDomain {
            domain: managed.domain().clone(),
            with_subdomains: managed.is_with_subdomains(),
        },
        PolicyChange::UnmanageDomain(domain) => ChangeSummary::UnmanageDomain(domain.clone()),
        PolicyChange::SetAdmin(user, role) => ChangeSummary::SetAdmin(user.clone(), *role),
        PolicyChange::RemoveAdmin(user) => ChangeSummary::RemoveAdmin(user.clone()),
        PolicyChange::Grant(alias) => ChangeSummary::Grant(person(alias, directory).ok()),
        PolicyChange::Revoke(identity) => ChangeSummary::Revoke(policy.grantee(identity, directory).ok()),
        PolicyChange::AddFollower(name, start) => ChangeSummary::AddFollower(name.clone(), *start),
        PolicyChange::RemoveFollower(name) => ChangeSummary::RemoveFollower(name.clone()),
        PolicyChange::DiscloseToFollower(name) => ChangeSummary::DiscloseToFollower(name.clone()),
        PolicyChange::WithholdFromFollower(name) => ChangeSummary::WithholdFromFollower(name.clone()),
        PolicyChange::SetOptions(patch) => ChangeSummary::SetOptions(patch.clone()),
    }
}
