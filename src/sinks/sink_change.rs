//! Changes of the sinks of a [`QuorumSink`] that is in use.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::quorum_sink::{Member, Members, QuorumSink};
use crate::governance::{
    Event, FailureReason, GovernanceSink, Initiator, Outcome, Pending, Record, RecordEntry, RecordId, RecordQuery,
    Recorded, Rejection, SinkError, SinkName, SinkSetError,
};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy};
use crate::store::StoreError;

/// A new set of sinks. It takes effect as a [`Recorded`] act.
pub struct SinkChange {
    sinks: QuorumSink,
    expected: Arc<Members>,
    next: Arc<Members>,
    newcomer: Option<Member>,
}

/// The reason why the sinks are not changed, or why the change is not fully recorded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SinkChangeError {
    /// The initiator may not change the sinks.
    #[error(transparent)]
    Denied(Denial),
    /// The change does not fit the current sinks.
    #[error(transparent)]
    InvalidSinks(SinkSetError),
    /// The change could not be recorded, so it was not made.
    #[error("the change of the sinks could not be recorded, so it was not made")]
    Unrecorded(#[source] SinkError),
    /// The new sink failed its probe: it did not record the probe, timed out, or did not return what it recorded.
    #[error("the new sink failed its probe")]
    ProbeFailed(#[source] SinkError),
    /// The record of the change is not in these sinks, because the filter writes to others.
    #[error("the filter does not write to these sinks; pass a handle to the sinks that it was built with")]
    NotInUse,
    /// The sinks could not be read, so it is unknown whether they contain the record of the change.
    #[error("the sinks could not be read")]
    Unreadable(#[source] SinkError),
    /// Another member returned the probe of the new sink: both are the same sink.
    #[error("the new sink is already a member, as `{0}`")]
    AlreadyMember(SinkName),
    /// Another change of the sinks came first.
    #[error("another change of the sinks came first")]
    Superseded,
    /// The change is in effect, but its outcome could not be recorded. The record of the intent exists.
    #[error("the sinks were changed, but the outcome could not be recorded")]
    OutcomeUnrecorded(#[source] SinkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SinkChangeError {
    /// Returns the reason for the record of the outcome.
    #[must_use]
    pub fn failure(&self) -> FailureReason {
        match self {
            Self::Denied(denial) => FailureReason::Denied(*denial),
            Self::Superseded => FailureReason::Superseded,
            Self::Store(_) => FailureReason::Store,
            Self::InvalidSinks(_)
            | Self::Unrecorded(_)
            | Self::ProbeFailed(_)
            | Self::NotInUse
            | Self::Unreadable(_)
            | Self::AlreadyMember(_)
            | Self::OutcomeUnrecorded(_) => FailureReason::Sink,
        }
    }
}

impl SinkChange {
    /// Adds a sink in the name of `by`, if `by` may manage privacy. Accepted or rejected, there is a record to write.
    ///
    /// # Errors
    /// Returns [`Rejection`] with [`SinkChangeError::Denied`] or [`SinkChangeError::InvalidSinks`], and the record to
    /// write.
    pub fn add(
        sinks: &QuorumSink,
        name: SinkName,
        sink: Arc<dyn GovernanceSink>,
        policy: &PrivacyPolicy,
        by: &UserId,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Pending<Self>, Box<Rejection<SinkChangeError>>> {
        let (newcomer, expected) = (sinks.member(name, sink), sinks.members());
        let next = expected.with(newcomer.clone());
        Self { sinks: sinks.clone(), next: Arc::clone(&expected), expected, newcomer: Some(newcomer) }
            .pending(next, policy, by, record, now)
    }

    /// Removes a sink in the name of `by`, if `by` may manage privacy. The leading sink cannot be removed, and enough
    /// sinks for the quorum must remain. Accepted or rejected, there is a record to write.
    ///
    /// # Errors
    /// Returns [`Rejection`] with [`SinkChangeError::Denied`] or [`SinkChangeError::InvalidSinks`], and the record to
    /// write.
    pub fn remove(
        sinks: &QuorumSink,
        name: &SinkName,
        policy: &PrivacyPolicy,
        by: &UserId,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Pending<Self>, Box<Rejection<SinkChangeError>>> {
        let expected = sinks.members();
        let next = expected.without(name);
        Self { sinks: sinks.clone(), next: Arc::clone(&expected), expected, newcomer: None }
            .pending(next, policy, by, record, now)
    }

    /// Returns the pending act that changes the sinks to `next`, or its rejection. The record of a rejection lists the
    /// current sinks.
    fn pending(
        self,
        next: Result<Members, SinkSetError>,
        policy: &PrivacyPolicy,
        by: &UserId,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Pending<Self>, Box<Rejection<SinkChangeError>>> {
        let allowed = match policy.may_manage_privacy(by) {
            Ok(()) => {
                next.map_err(|error| (Outcome::InvalidSinks(error.clone()), SinkChangeError::InvalidSinks(error)))
            }
            Err(denial) => Err((Outcome::Denied(denial), SinkChangeError::Denied(denial))),
        };
        let members = allowed.as_ref().unwrap_or(&self.expected);
        let record = Record {
            id: record,
            at: now,
            initiator: Initiator::User(by.clone()),
            policy: Some(policy.revision()),
            event: Event::ChangeSinks { sinks: members.names(), quorum: members.needed() },
            outcome: Outcome::Intended,
        };
        Pending::allowed_or_rejected(record, allowed.map(|next| Self { next: Arc::new(next), ..self }))
    }
}

impl Recorded<SinkChange> {
    /// Puts the change into effect: new records go to the new set of sinks.
    ///
    /// The sinks to change must contain the record of the intent. A new sink is probed first, with a record of its own
    /// whose id is `probe`: the sink must confirm it within the limit and return it, and no other sink may contain it.
    ///
    /// # Errors
    /// Returns [`SinkChangeError`] if nothing was changed: [`ProbeFailed`](SinkChangeError::ProbeFailed),
    /// [`NotInUse`](SinkChangeError::NotInUse), [`Unreadable`](SinkChangeError::Unreadable),
    /// [`AlreadyMember`](SinkChangeError::AlreadyMember) or [`Superseded`](SinkChangeError::Superseded).
    pub fn take_effect(&self, probe: RecordId, now: DateTime<Utc>) -> Result<(), SinkChangeError> {
        let SinkChange { sinks, expected, next, newcomer } = self.act();
        let intent = self.record();
        let query = RecordQuery { kind: Some(intent.kind()), ..RecordQuery::default() };
        let before = self.receipt().sequence().saturating_sub(1);
        let found = sinks.records(&query, before, 1).map_err(SinkChangeError::Unreadable)?;
        if found.first().is_none_or(|entry| entry.record.id != intent.id) {
            return Err(SinkChangeError::NotInUse);
        }
        if let Some(newcomer) = newcomer {
            let probe = self.probe(newcomer, probe, now).map_err(SinkChangeError::ProbeFailed)?;
            // A member that cannot be read now is not known to be the new sink.
            let same = expected.all().find(|member| contains(member, &probe).is_ok_and(|contains| contains));
            if let Some(same) = same {
                return Err(SinkChangeError::AlreadyMember(same.name().clone()));
            }
        }
        if sinks.replace(expected, next) { Ok(()) } else { Err(SinkChangeError::Superseded) }
    }

    fn probe(&self, newcomer: &Member, probe: RecordId, now: DateTime<Utc>) -> Result<RecordEntry, SinkError> {
        let event = Event::ProbeSink { sink: newcomer.name().clone() };
        let record = Record { id: probe, at: now, event, outcome: Outcome::Recorded, ..self.record().clone() };
        let sequence = newcomer.sink().record(&record)?.sequence();
        let probe = RecordEntry { sequence, record };
        if contains(newcomer, &probe)? { Ok(probe) } else { Err(SinkError::WrongRecords) }
    }

    /// Returns the record of the outcome, for the sinks that are then in use.
    #[must_use]
    pub fn outcome(&self, record: RecordId, now: DateTime<Utc>, failure: Option<FailureReason>) -> Record {
        self.outcome_record(record, now, failure)
    }
}

/// Returns whether a sink returns this entry.
fn contains(member: &Member, entry: &RecordEntry) -> Result<bool, SinkError> {
    let RecordEntry { sequence, record } = entry;
    let query = RecordQuery {
        kind: Some(record.kind()),
        target: record.targets().pop(),
        from: Some(record.at),
        ..RecordQuery::default()
    };
    let found = member.sink().records(&query, sequence.saturating_sub(1), 1)?;
    Ok(found.first() == Some(entry))
}
