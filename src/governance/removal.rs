//! Removals of activities, of records, and of the personal data in a record.

use std::fmt;

use chrono::{DateTime, Utc};

use super::applied::AppliedRecords;
use super::commitment::Commitment;
use super::event::{ChangeMark, Event, RemovalSummary};
use super::ids::RecordId;
use super::outcome::{FailureReason, Outcome};
use super::record::{Initiator, Record};
use super::recorded::{Pending, Recorded, Rejection};
use super::salt::Salt;
use crate::identity::{Identity, Subject, UserId};
use crate::policy::{Denial, PrivacyPolicy, before};
use crate::query::IndexTerm;
use crate::stored::StoredActivity;

/// The activities or records to remove. Stores and sinks remove nothing but what a [`Recorded`] removal covers.
#[derive(Clone)]
pub struct Removal {
    scope: Scope,
}

#[derive(Clone)]
enum Scope {
    /// The activities of a person.
    Subject(Vec<Identity>),
    /// Activities and records from before a time.
    Aged { activities_before: DateTime<Utc>, records_before: Option<DateTime<Utc>> },
    /// The personal data in a record.
    Commitment(RecordId),
}

impl Removal {
    /// Erases the activities of a person in the name of `by`, if `by` may manage privacy. Accepted or rejected, there
    /// is a record to write.
    ///
    /// # Errors
    /// Returns [`Rejection`] with the denial and the record to write.
    pub fn of_subject(
        policy: &PrivacyPolicy,
        by: &UserId,
        subject: Subject,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Pending<Self>, Box<Rejection<Denial>>> {
        let (identities, subject) = (subject.identities().to_vec(), subject.id().clone());
        let summary = RemovalSummary::Subject { subject, identities: identities.len() as u64 };
        Self::requested(policy, by, summary, Scope::Subject(identities), record, now)
    }

    /// Removes the personal data in the record `of` in the name of `by`, if `by` may manage privacy. Accepted or
    /// rejected, there is a record to write.
    ///
    /// # Errors
    /// Returns [`Rejection`] with the denial and the record to write.
    pub fn of_commitment(
        policy: &PrivacyPolicy,
        by: &UserId,
        of: RecordId,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Pending<Self>, Box<Rejection<Denial>>> {
        Self::requested(policy, by, RemovalSummary::Commitment { record: of }, Scope::Commitment(of), record, now)
    }

    /// Removes the activities and records that are older than the policy allows at the time `now`. Returns `None` if
    /// the policy sets no limit.
    ///
    /// `applied` are the store's records of its last changes. The record of this removal repeats which change of the
    /// policy was the last, because the removal may remove the record of that change.
    #[must_use]
    pub fn of_aged(
        policy: &PrivacyPolicy,
        applied: &AppliedRecords,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Option<Pending<Self>> {
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
        Some(Pending::new(record, Self { scope: Scope::Aged { activities_before, records_before } }))
    }

    fn requested(
        policy: &PrivacyPolicy,
        by: &UserId,
        summary: RemovalSummary,
        scope: Scope,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Pending<Self>, Box<Rejection<Denial>>> {
        let record = Record {
            id: record,
            at: now,
            initiator: Initiator::User(by.clone()),
            policy: Some(policy.revision()),
            event: Event::Remove(summary),
            outcome: Outcome::Intended,
        };
        let allowed = policy.may_manage_privacy(by).map(|()| Self { scope });
        Pending::allowed_or_rejected(record, allowed.map_err(|denial| (Outcome::Denied(denial), denial)))
    }
}

impl Recorded<Removal> {
    /// Returns the records that a store keeps once it has removed everything that this covers, given those that it kept
    /// before.
    #[must_use]
    pub fn applied(&self, before: &AppliedRecords) -> AppliedRecords {
        match self.scope() {
            // It removes nothing from a store.
            Scope::Commitment(_) => before.clone(),
            Scope::Subject(_) | Scope::Aged { .. } => before.clone().with_removal(self.applied_record()),
        }
    }

    /// Checks before each step that the removal may continue: a newer policy may keep activities or records for longer,
    /// or the initiator may have lost the role of a privacy administrator.
    ///
    /// # Errors
    /// Returns the [`FailureReason`] for the record of the outcome.
    pub fn may_continue(&self, policy: &PrivacyPolicy) -> Result<(), FailureReason> {
        match (self.scope(), &self.record().initiator) {
            (Scope::Aged { activities_before, records_before }, _) => {
                let still = too_old(policy, self.record().at).is_some_and(|(activities, records)| {
                    activities >= *activities_before && (records_before.is_none() || records >= *records_before)
                });
                if still { Ok(()) } else { Err(FailureReason::Superseded) }
            }
            (Scope::Subject(_) | Scope::Commitment(_), Initiator::User(by)) => {
                policy.may_manage_privacy(by).map_err(FailureReason::Denied)
            }
            (Scope::Subject(_) | Scope::Commitment(_), Initiator::System) => Err(FailureReason::Superseded),
        }
    }

    /// Returns whether an activity is to be removed. Every store must remove exactly the activities for which this
    /// returns true.
    #[must_use]
    pub fn covers(&self, stored: &StoredActivity) -> bool {
        match self.scope() {
            Scope::Subject(subject) => stored
                .activity()
                .principals()
                .flat_map(|principal| principal.identities())
                .any(|identity| subject.iter().any(|of_subject| is_same(identity, of_subject))),
            Scope::Aged { activities_before, .. } => stored.decision().decided_at() < *activities_before,
            Scope::Commitment(_) => false,
        }
    }

    /// Returns the identities of the person whose activities are to be removed, if this is an erasure. A store can use
    /// them to find candidates, and must check each with [`covers`](Self::covers).
    #[must_use]
    pub fn identities(&self) -> &[Identity] {
        match self.scope() {
            Scope::Subject(identities) => identities,
            Scope::Aged { .. } | Scope::Commitment(_) => &[],
        }
    }

    /// Returns the index terms of an erasure: each activity that it covers has at least one of them. Whether an erasure
    /// covers an activity depends on the principals of the activity alone.
    #[must_use]
    pub fn index_terms(&self) -> Vec<IndexTerm<'_>> {
        self.identities().iter().map(Identity::index_term).collect()
    }

    /// Returns the time before which an activity must have been decided to be removed, if this removes aged activities.
    #[must_use]
    pub fn activities_before(&self) -> Option<DateTime<Utc>> {
        match *self.scope() {
            Scope::Aged { activities_before, .. } => Some(activities_before),
            Scope::Subject(_) | Scope::Commitment(_) => None,
        }
    }

    /// Returns the time before which a governance record must have been made to be removed, if this removes records.
    #[must_use]
    pub fn records_before(&self) -> Option<DateTime<Utc>> {
        match *self.scope() {
            Scope::Aged { records_before, .. } => records_before,
            Scope::Subject(_) | Scope::Commitment(_) => None,
        }
    }

    /// Returns the record whose personal data is to be [redacted](Record::redact), if this is a redaction.
    #[must_use]
    pub fn redacted_record(&self) -> Option<RecordId> {
        match *self.scope() {
            Scope::Commitment(record) => Some(record),
            Scope::Subject(_) | Scope::Aged { .. } => None,
        }
    }

    /// Returns whether this removes activities, and not the personal data in a record.
    pub(crate) fn removes_activities(&self) -> bool {
        match self.scope() {
            Scope::Subject(_) | Scope::Aged { .. } => true,
            Scope::Commitment(_) => false,
        }
    }

    /// Returns whether this removes or redacts governance records.
    pub(crate) fn affects_records(&self) -> bool {
        match self.scope() {
            Scope::Subject(_) => false,
            Scope::Aged { records_before, .. } => records_before.is_some(),
            Scope::Commitment(_) => true,
        }
    }

    /// Returns the record of the outcome: how many activities and governance records were removed until the removal
    /// ended at `ended_at`, completed or failed. `salts` are for the commitments to the number of activities and to
    /// that time.
    ///
    /// The record carries the time of the intent. The time between intent and outcome would tell whether there was
    /// anything to remove.
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
        let (intent, activities) = (self.record().id, Commitment::new(activities, of_activities));
        let ended_at = Commitment::new(ended_at, of_time);
        let outcome = match failure {
            None => Outcome::Removed { intent, activities, ended_at, records },
            Some(reason) => Outcome::RemovedInPart { intent, activities, ended_at, records, reason },
        };
        Record { id: record, outcome, ..self.record().clone() }
    }

    fn scope(&self) -> &Scope {
        &self.act().scope
    }
}

/// Returns the times before which activities, and records if any, are older than a policy allows at the time `now`.
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

/// Does not show whom it is about.
impl fmt::Debug for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Removal").finish_non_exhaustive()
    }
}
