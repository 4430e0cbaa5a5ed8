//! Removing what is not to be kept: allowed, recorded, and only then done.
//!
//! The twin of [`change`](crate::change): a [`PendingRemoval`] becomes a [`RecordedRemoval`] with a sink's receipt, and
//! neither a store nor a sink removes anything for anything else.

use chrono::{DateTime, Utc};

use crate::governance::{
    AppliedRecord, AppliedRecords, ChangeMark, Commitment, Event, FailureReason, Initiator, Outcome, Receipt, Record,
    RecordId, Refused, RemovalSummary, Salt, SinkError,
};
use crate::identity::{Identity, Subject, UserId};
use crate::policy::{Denial, PrivacyPolicy, before};
use crate::query::IndexTerm;
use crate::stored::StoredActivity;

/// A removal that is allowed and not yet recorded. Nothing is removed for it.
#[derive(Debug)]
#[must_use]
pub struct PendingRemoval {
    record: Record,
    what: What,
}

/// What a removal takes.
#[derive(Clone)]
enum What {
    Subject(Vec<Identity>),
    Aged { activities_before: DateTime<Utc>, records_before: Option<DateTime<Utc>> },
    Commitment(RecordId),
}

impl PendingRemoval {
    /// Asks the policy whether `by` may erase what somebody did. Either way there is a record to write.
    ///
    /// # Errors
    /// [`Refused`] with the denial and the record that says so.
    pub fn of_subject(
        policy: &PrivacyPolicy,
        by: &UserId,
        subject: Subject,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Self, Box<Refused<Denial>>> {
        let (identities, subject) = (subject.identities().to_vec(), subject.id().clone());
        let summary = RemovalSummary::Subject { subject, identities: identities.len() as u64 };
        Self::asked(policy, by, summary, What::Subject(identities), record, now)
    }

    /// Asks the policy whether `by` may have a governance record forget what it says of people.
    ///
    /// # Errors
    /// [`Refused`] with the denial and the record that says so.
    pub fn of_sealed(
        policy: &PrivacyPolicy,
        by: &UserId,
        of: RecordId,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Self, Box<Refused<Denial>>> {
        Self::asked(policy, by, RemovalSummary::Commitment { record: of }, What::Commitment(of), record, now)
    }

    /// Whatever the policy does not let be kept any longer at this time. None if it lets everything be kept.
    ///
    /// `applied` is what the store says of its last change: the record of the run tells it, because the record of that
    /// change may be removed by it.
    #[must_use]
    pub fn of_aged(
        policy: &PrivacyPolicy,
        applied: &AppliedRecords,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let (activities_before, records_before) = too_old(policy, now)?;
        let mark = applied.change().map(|change| ChangeMark { record: change.record(), revision: policy.revision() });
        let record = Record {
            id: record,
            at: now,
            initiator: Initiator::System,
            policy: Some(policy.revision()),
            event: Event::Remove(RemovalSummary::Aged { activities_before, records_before, policy: mark }),
            outcome: Outcome::Intended,
        };
        Some(Self { record, what: What::Aged { activities_before, records_before } })
    }

    fn asked(
        policy: &PrivacyPolicy,
        by: &UserId,
        summary: RemovalSummary,
        what: What,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Self, Box<Refused<Denial>>> {
        let allowed = policy.may_manage_privacy(by);
        let record = Record {
            id: record,
            at: now,
            initiator: Initiator::User(by.clone()),
            policy: Some(policy.revision()),
            event: Event::Remove(summary),
            outcome: allowed.map_or_else(Outcome::Denied, |()| Outcome::Intended),
        };
        match allowed {
            Ok(()) => Ok(Self { record, what }),
            Err(reason) => Err(Box::new(Refused { reason, record })),
        }
    }

    /// What must become durable first.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The removal, once its record is durable.
    ///
    /// # Errors
    /// [`SinkError::WrongReceipt`] when the receipt is for another record.
    pub fn recorded(self, receipt: &Receipt) -> Result<RecordedRemoval, SinkError> {
        receipt.confirm(&self.record)?;
        Ok(RecordedRemoval { applied: AppliedRecord::of(receipt), record: self.record, what: self.what })
    }
}

/// Proof that a removal was allowed and its record is durable. Stores and sinks remove for this and for nothing else.
#[derive(Debug, Clone)]
pub struct RecordedRemoval {
    record: Record,
    applied: AppliedRecord,
    what: What,
}

impl RecordedRemoval {
    /// Returns the records that a store keeps once nothing that it covers is left, given those that it kept before.
    #[must_use]
    pub fn applied(&self, before: &AppliedRecords) -> AppliedRecords {
        match self.what {
            // It removes nothing from a store.
            What::Commitment(_) => before.clone(),
            What::Subject(_) | What::Aged { .. } => before.clone().with_removal(self.applied),
        }
    }

    /// Asks again, before each step: a policy that came meanwhile may let more be kept, and whoever asked may not be a
    /// privacy administrator any more.
    ///
    /// # Errors
    /// The [`FailureReason`] that the record of the outcome gives as the cause.
    pub fn goes_on(&self, policy: &PrivacyPolicy) -> Result<(), FailureReason> {
        match (&self.what, &self.record.initiator) {
            (What::Aged { activities_before, records_before }, _) => {
                let still = too_old(policy, self.record.at).is_some_and(|(activities, records)| {
                    activities >= *activities_before && (records_before.is_none() || records >= *records_before)
                });
                if still { Ok(()) } else { Err(FailureReason::Superseded) }
            }
            (What::Subject(_) | What::Commitment(_), Initiator::User(by)) => {
                policy.may_manage_privacy(by).map_err(FailureReason::Denied)
            }
            (What::Subject(_) | What::Commitment(_), Initiator::System) => Err(FailureReason::Superseded),
        }
    }

    /// Whether an activity is to be removed. Every store must give the answer that this gives.
    #[must_use]
    pub fn covers(&self, stored: &StoredActivity) -> bool {
        match &self.what {
            What::Subject(subject) => stored
                .activity()
                .principals()
                .flat_map(|principal| principal.identities())
                .any(|identity| subject.iter().any(|of_subject| is_same(identity, of_subject))),
            What::Aged { activities_before, .. } => stored.decision().decided_at() < *activities_before,
            What::Commitment(_) => false,
        }
    }

    /// The identities of the person whose activities are to be removed, if it is somebody's. A store can use them to
    /// narrow before it asks [`covers`](Self::covers).
    #[must_use]
    pub fn identities(&self) -> &[Identity] {
        match &self.what {
            What::Subject(identities) => identities,
            What::Aged { .. } | What::Commitment(_) => &[],
        }
    }

    /// Returns the terms of which a removed activity has at least one, if it is removed for the person who acted. Whether an
    /// activity is covered then depends on its principals alone.
    #[must_use]
    pub fn index_terms(&self) -> Vec<IndexTerm<'_>> {
        self.identities().iter().map(Identity::index_term).collect()
    }

    /// The time before which an activity must have been decided to be removed, if that is why.
    #[must_use]
    pub fn activities_before(&self) -> Option<DateTime<Utc>> {
        match self.what {
            What::Aged { activities_before, .. } => Some(activities_before),
            What::Subject(_) | What::Commitment(_) => None,
        }
    }

    /// The time before which governance records must have been made to be removed, if any are.
    #[must_use]
    pub fn records_before(&self) -> Option<DateTime<Utc>> {
        match self.what {
            What::Aged { records_before, .. } => records_before,
            What::Subject(_) | What::Commitment(_) => None,
        }
    }

    /// The one governance record that is to [forget](Record::redact) what it says of people, if it is that.
    #[must_use]
    pub fn forgotten_record(&self) -> Option<RecordId> {
        match self.what {
            What::Commitment(record) => Some(record),
            What::Subject(_) | What::Aged { .. } => None,
        }
    }

    /// The record of what came of it: how many activities and governance records were removed until it was done or failed, at
    /// the time `ended_at`. `salts` seal the number of activities and that time. The record is made at the time of the intent,
    /// because the time between the two tells whether there was anything to remove.
    #[must_use]
    pub fn outcome(
        &self,
        record: RecordId,
        salts: [Salt; 2],
        ended_at: DateTime<Utc>,
        activities: u64,
        records: u64,
        failure: Option<FailureReason>,
    ) -> Record {
        let [of_activities, of_time] = salts;
        let (intent, activities) = (self.record.id, Commitment::new(activities, of_activities));
        let ended_at = Commitment::new(ended_at, of_time);
        let outcome = match failure {
            None => Outcome::Removed { intent, activities, ended_at, records },
            Some(cause) => Outcome::RemovedInPart { intent, activities, ended_at, records, cause },
        };
        Record { id: record, outcome, ..self.record.clone() }
    }
}

/// The times before which activities, and records if any, are older than a policy lets them be kept at a time.
fn too_old(policy: &PrivacyPolicy, now: DateTime<Utc>) -> Option<(DateTime<Utc>, Option<DateTime<Utc>>)> {
    let retention = policy.options().retention?;
    Some((before(now, retention.activities())?, retention.records().and_then(|keep| before(now, keep))))
}

fn is_same(one: &Identity, other: &Identity) -> bool {
    match (one, other) {
        (Identity::Id(one), Identity::Id(other)) => one == other,
        (Identity::Alias(one), Identity::Alias(other)) => one.matches(other),
        (Identity::Id(_), Identity::Alias(_)) | (Identity::Alias(_), Identity::Id(_)) => false,
    }
}

impl std::fmt::Debug for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("What(..)")
    }
}
