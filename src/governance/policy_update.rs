//! Changing the policy: allowed, recorded, published, and the outcome recorded too.
//!
//! The twin of [`reveal`](crate::reveal): a [`PendingChange`] becomes a [`RecordedChange`] with a sink's receipt, and a
//! store publishes nothing else.

mod acceptance;

use chrono::{DateTime, Utc};
use thiserror::Error;

pub(crate) use self::acceptance::Acceptance;
use crate::directory::DirectorySnapshot;
use crate::governance::{
    AppliedRecord, AppliedRecords, ChangeSummary, Event, FailureReason, Initiator, KnownRemovals, Outcome, Receipt,
    Record, RecordId, Refused, SinkError,
};
use crate::identity::UserId;
use crate::policy::{
    Administrators, Denial, PolicyChange, PolicyDraft, PolicyError, PolicyUpdate, PrivacyPolicy, Revision, person,
};

/// An update that is allowed, worked out, and not yet recorded.
#[derive(Debug)]
#[must_use]
pub struct PendingChange {
    record: Record,
    next: PrivacyPolicy,
    expected: Option<Revision>,
    removals: KnownRemovals,
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChangeRefusal {
    /// Whoever asks may not.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// It does not fit the policy or the directory.
    #[error(transparent)]
    Invalid(#[from] PolicyError),
}

impl PendingChange {
    /// Returns the first policy of a store, not yet recorded. Its record names the administrators, and the first of them as
    /// its initiator.
    pub fn initial(administrators: &Administrators, record: RecordId, now: DateTime<Utc>) -> Self {
        let record = Record {
            id: record,
            at: now,
            initiator: Initiator::User(administrators.first().clone()),
            policy: None,
            event: Event::InitializePolicy { administrators: administrators.users().cloned().collect() },
            outcome: Outcome::Intended,
        };
        Self { record, next: PrivacyPolicy::initial(administrators), expected: None, removals: KnownRemovals::Kept }
    }

    /// Asks `policy` whether `by` may make the changes of an update and what they make of it. Either way there is one record
    /// to write, which names every change.
    ///
    /// Without a directory, or with one that is older than the policy allows, no imported group and no name can be
    /// used; everything else goes on.
    ///
    /// # Errors
    /// Returns [`Refused`] with the refusal and the record that says so. An update that one change of several does not fit is
    /// refused as a whole, with [`PolicyError::InUpdate`].
    pub fn authorise(
        policy: &PrivacyPolicy,
        update: impl Into<PolicyUpdate>,
        by: &UserId,
        directory: Option<&DirectorySnapshot>,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Self, Box<Refused<ChangeRefusal>>> {
        let update = update.into();
        let (changes, next) = match policy.may_manage_privacy(by) {
            Ok(()) => apply(policy, &update, by, directory, now),
            Err(denial) => {
                let directory = directory.filter(|directory| policy.options().accepts(directory.as_of(), now));
                let changes = update.changes().iter().map(|change| summary(policy, change, directory)).collect();
                (changes, Err(ChangeRefusal::Denied(denial)))
            }
        };
        let (expected, event) = (Some(policy.revision()), Event::ChangePolicy(changes));
        Self::asked(next, expected, KnownRemovals::Kept, by, event, record, now)
    }

    /// Returns the pending change that `next` is, or the record that says why there is none.
    fn asked(
        next: Result<PrivacyPolicy, ChangeRefusal>,
        expected: Option<Revision>,
        removals: KnownRemovals,
        by: &UserId,
        event: Event,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Self, Box<Refused<ChangeRefusal>>> {
        let outcome = match &next {
            Ok(_) => Outcome::Intended,
            Err(ChangeRefusal::Denied(denial)) => Outcome::Denied(*denial),
            Err(ChangeRefusal::Invalid(error)) => Outcome::Invalid(error.clone()),
        };
        let initiator = Initiator::User(by.clone());
        let record = Record { id: record, at: now, initiator, policy: expected, event, outcome };
        match next {
            Ok(next) => Ok(Self { record, next, expected, removals }),
            Err(reason) => Err(Box::new(Refused { reason, record })),
        }
    }

    /// The policy that the change would make.
    pub(crate) fn policy(&self) -> &PrivacyPolicy {
        &self.next
    }

    /// What must become durable first.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The change, once its record is durable.
    ///
    /// # Errors
    /// [`SinkError::WrongReceipt`] when the receipt is for another record.
    pub fn recorded(self, receipt: &Receipt) -> Result<RecordedChange, SinkError> {
        receipt.confirm(&self.record)?;
        let Self { record, next, expected, removals } = self;
        Ok(RecordedChange { applied: AppliedRecord::of(receipt), record, next, expected, removals })
    }
}

/// A dry run of a change: allowed, worked out, and not yet recorded. What it would do is not told before it is.
pub(crate) struct PendingDryRun {
    record: Record,
    next: PrivacyPolicy,
}

impl PendingDryRun {
    /// Asks `policy` whether `by` may make the update, and may be told the names of people whom it would affect: at most
    /// `sample` of them. Either way there is a record to write.
    ///
    /// Names are for those who may view private activities. Who is in a private group can be more than the directory
    /// tells whoever manages privacy: nested groups are followed, and groups that are gone remembered.
    pub(crate) fn authorise(
        policy: &PrivacyPolicy,
        update: &PolicyUpdate,
        sample: usize,
        by: &UserId,
        directory: Option<&DirectorySnapshot>,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Self, Box<Refused<ChangeRefusal>>> {
        let of_dry_run = |record: Record| match record.event {
            Event::ChangePolicy(changes) => {
                Record { event: Event::DryRun { changes, sample: sample as u64 }, ..record }
            }
            _ => record,
        };
        let PendingChange { record, next, .. } = PendingChange::authorise(policy, update, by, directory, record, now)
            .map_err(|refused| {
            let Refused { reason, record } = *refused;
            Box::new(Refused { reason, record: of_dry_run(record) })
        })?;
        let record = of_dry_run(record);
        let may_name = if sample > 0 { policy.may_view_private(by) } else { Ok(()) };
        match may_name {
            Ok(()) => Ok(Self { record, next }),
            Err(denial) => {
                let record = Record { outcome: Outcome::Denied(denial), ..record };
                Err(Box::new(Refused { reason: denial.into(), record }))
            }
        }
    }

    /// The policy that the change would make.
    pub(crate) fn policy(&self) -> &PrivacyPolicy {
        &self.next
    }

    /// Returns the record of a dry run that cannot be answered, because the directory does not say who is who.
    pub(crate) fn undecidable(&self) -> Record {
        Record { outcome: Outcome::Invalid(PolicyError::NoDirectory), ..self.record.clone() }
    }

    /// What must become durable before anybody is told what the change would do.
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }
}

/// Proof that a change was allowed and its record is durable. A store publishes this and nothing else.
#[derive(Debug, Clone)]
pub struct RecordedChange {
    record: Record,
    applied: AppliedRecord,
    next: PrivacyPolicy,
    expected: Option<Revision>,
    removals: KnownRemovals,
}

impl RecordedChange {
    /// The policy to publish.
    #[must_use]
    pub fn policy(&self) -> &PrivacyPolicy {
        &self.next
    }

    /// The revision that must still be in force; none for the first policy of a store.
    #[must_use]
    pub fn expected(&self) -> Option<Revision> {
        self.expected
    }

    /// Returns the record of the intent.
    pub(crate) fn record(&self) -> RecordId {
        self.record.id
    }

    /// Returns the records that a store keeps once it applied the change, given those that it kept before.
    #[must_use]
    pub fn applied(&self, before: &AppliedRecords) -> AppliedRecords {
        match &self.record.event {
            Event::AcceptDifference { .. } => before.clone().accepted(self.applied, self.removals),
            _ => before.clone().with_change(self.applied),
        }
    }

    /// The record of what came of it.
    #[must_use]
    pub fn outcome(&self, record: RecordId, now: DateTime<Utc>, failure: Option<FailureReason>) -> Record {
        let intent = self.record.id;
        let outcome = match failure {
            None => Outcome::Done { intent },
            Some(cause) => Outcome::Failed { intent, cause },
        };
        Record { id: record, at: now, outcome, ..self.record.clone() }
    }
}

/// Applies the changes in order, and says of each what it names, whether it fits or not.
fn apply(
    policy: &PrivacyPolicy,
    update: &PolicyUpdate,
    by: &UserId,
    directory: Option<&DirectorySnapshot>,
    now: DateTime<Utc>,
) -> (Vec<ChangeSummary>, Result<PrivacyPolicy, ChangeRefusal>) {
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
        // As the changes before it left the policy.
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
    (summaries, next.map_err(ChangeRefusal::Invalid))
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
        PolicyChange::SetOptions(patch) => ChangeSummary::SetOptions(patch.clone()),
    }
}
