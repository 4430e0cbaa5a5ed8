//! Changing the sinks that records go to: allowed, recorded in those before, tried out, and recorded in those after.
//!
//! The twin of [`change`](crate::change): a [`PendingSinks`] becomes a [`RecordedSinks`] with a receipt, and that alone changes
//! [`QuorumSink`] that are in use.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::{Member, Members};
use crate::governance::{
    Event, FailureReason, GovernanceSink, Initiator, Outcome, Receipt, Record, RecordEntry, RecordId, RecordQuery,
    Refused, SinkError, SinkName, SinkSetError,
};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy};
use crate::sinks::QuorumSink;

/// A change of the sinks that is allowed and not yet recorded.
#[must_use]
pub struct PendingSinks {
    record: Record,
    change: Change,
}

/// Why the sinks are not changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SinksRefusal {
    /// Whoever asks may not.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// It does not fit the sinks that there are.
    #[error(transparent)]
    InvalidSinks(#[from] SinkSetError),
}

/// Why a change that is on record did not take effect.
#[derive(Debug, Error)]
pub enum NotAccepted {
    /// The sink was tried out, and did not record, answer in time, or give back what it recorded.
    #[error("the sink was tried out and is not accepted")]
    Sink(#[source] SinkError),
    /// The record of the intent is not in these sinks: records go to others.
    #[error("these are not the sinks that records go to, expected a handle on those")]
    NotInUse,
    /// Whether the record of the intent is in these sinks cannot be told.
    #[error("the sinks could not be read")]
    Unread(#[source] SinkError),
    /// What the sink was tried out with stands in another one: it is that one.
    #[error("the sink is `{0}`, expected another one")]
    AlreadyThere(SinkName),
    /// Another change of the sinks came first.
    #[error("another change of the sinks came first")]
    Superseded,
}

impl NotAccepted {
    /// What the record of the outcome says of it.
    #[must_use]
    pub fn failure(&self) -> FailureReason {
        match self {
            Self::Sink(_) | Self::NotInUse | Self::Unread(_) | Self::AlreadyThere(_) => FailureReason::Sink,
            Self::Superseded => FailureReason::Superseded,
        }
    }
}

struct Change {
    sinks: QuorumSink,
    expected: Arc<Members>,
    next: Arc<Members>,
    newcomer: Option<Member>,
}

impl PendingSinks {
    /// Asks `policy` whether `by` may have records go to one more sink. Either way there is a record to write.
    ///
    /// # Errors
    /// [`Refused`] with the refusal and the record that says so.
    pub fn admitting(
        sinks: &QuorumSink,
        name: SinkName,
        sink: Arc<dyn GovernanceSink>,
        policy: &PrivacyPolicy,
        by: &UserId,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Self, Box<Refused<SinksRefusal>>> {
        let newcomer = sinks.member(name, sink);
        let expected = sinks.members();
        let next = expected.with(newcomer.clone());
        Self::asked(sinks, expected, next, Some(newcomer), policy, by, record, now)
    }

    /// Asks `policy` whether `by` may have records go to one sink less: any but the leading one, as long as there are enough
    /// for the quorum. Either way there is a record to write.
    ///
    /// # Errors
    /// [`Refused`] with the refusal and the record that says so.
    pub fn dropping(
        sinks: &QuorumSink,
        name: &SinkName,
        policy: &PrivacyPolicy,
        by: &UserId,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Self, Box<Refused<SinksRefusal>>> {
        let expected = sinks.members();
        let next = expected.without(name);
        Self::asked(sinks, expected, next, None, policy, by, record, now)
    }

    #[expect(clippy::too_many_arguments, reason = "what both ways to change the sinks have in common")]
    fn asked(
        sinks: &QuorumSink,
        expected: Arc<Members>,
        next: Result<Members, SinkSetError>,
        newcomer: Option<Member>,
        policy: &PrivacyPolicy,
        by: &UserId,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Self, Box<Refused<SinksRefusal>>> {
        let next = match policy.may_manage_privacy(by) {
            Ok(()) => next.map_err(SinksRefusal::InvalidSinks),
            Err(denial) => Err(SinksRefusal::Denied(denial)),
        };
        let outcome = match &next {
            Ok(_) => Outcome::Intended,
            Err(SinksRefusal::Denied(denial)) => Outcome::Denied(*denial),
            Err(SinksRefusal::InvalidSinks(error)) => Outcome::InvalidSinks(error.clone()),
        };
        // What is refused leaves the sinks as they are.
        let members = next.as_ref().unwrap_or(&expected);
        let record = Record {
            id: record,
            at: now,
            initiator: Initiator::User(by.clone()),
            policy: Some(policy.revision()),
            event: Event::ChangeSinks { sinks: members.names(), quorum: members.needed() },
            outcome,
        };
        match next {
            Ok(next) => {
                let change = Change { sinks: sinks.clone(), expected, next: Arc::new(next), newcomer };
                Ok(Self { record, change })
            }
            Err(reason) => Err(Box::new(Refused { reason, record })),
        }
    }

    /// What must become durable first, in the sinks that there are.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The change, once its record is durable.
    ///
    /// # Errors
    /// [`SinkError::WrongReceipt`] when the receipt is for another record.
    pub fn recorded(self, receipt: &Receipt) -> Result<RecordedSinks, SinkError> {
        receipt.confirm(&self.record)?;
        Ok(RecordedSinks { record: self.record, sequence: receipt.sequence(), change: self.change })
    }
}

/// Proof that a change of the sinks was allowed and its record is durable.
#[must_use]
pub struct RecordedSinks {
    record: Record,
    /// Where that stands.
    sequence: u64,
    change: Change,
}

impl RecordedSinks {
    /// Looks whether the intent is on record in the very sinks that are to change, tries out the one that is to be admitted,
    /// if one is, and only then has records go to the sinks of the change. A sink is tried out with a record of its own,
    /// `probe`: it must answer for it in time, and give it back, and no other sink may have it then.
    ///
    /// # Errors
    /// [`NotAccepted`]; nothing has changed then.
    pub fn take_effect(&self, probe: RecordId, now: DateTime<Utc>) -> Result<(), NotAccepted> {
        let Change { sinks, expected, next, newcomer } = &self.change;
        let query = RecordQuery { kind: Some(self.record.kind()), ..RecordQuery::default() };
        let intent = sinks.records(&query, self.sequence.saturating_sub(1), 1).map_err(NotAccepted::Unread)?;
        if intent.first().is_none_or(|entry| entry.record.id != self.record.id) {
            return Err(NotAccepted::NotInUse);
        }
        if let Some(newcomer) = newcomer {
            let probe = self.try_out(newcomer, probe, now).map_err(NotAccepted::Sink)?;
            // One that cannot be read now is not known to be the same.
            let same = expected.all().find(|member| has(member, &probe).is_ok_and(|has| has));
            if let Some(same) = same {
                return Err(NotAccepted::AlreadyThere(same.name().clone()));
            }
        }
        if sinks.replace(expected, next) { Ok(()) } else { Err(NotAccepted::Superseded) }
    }

    fn try_out(&self, newcomer: &Member, probe: RecordId, now: DateTime<Utc>) -> Result<RecordEntry, SinkError> {
        let event = Event::ProbeSink { sink: newcomer.name().clone() };
        let record = Record { id: probe, at: now, event, outcome: Outcome::Recorded, ..self.record.clone() };
        let sequence = newcomer.sink().record(&record)?.sequence();
        let probe = RecordEntry { sequence, record };
        if has(newcomer, &probe)? { Ok(probe) } else { Err(SinkError::NotReadBack) }
    }

    /// The record of what came of it, for the sinks that there are now.
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

/// Whether a sink gives this back.
fn has(member: &Member, entry: &RecordEntry) -> Result<bool, SinkError> {
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

macro_rules! shows_its_record {
    ($($name:ident),+) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field("record", &self.record).finish_non_exhaustive()
            }
        }
    )+};
}

shows_its_record!(PendingSinks, RecordedSinks);
