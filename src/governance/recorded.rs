//! The protocol of every governed act: the policy allows it, a sink records it, and only then does it take effect.
//!
//! A [`Pending`] act is allowed. The receipt for its record makes it a [`Recorded`] act. Publishing a policy, removing
//! data, and reading or opening a page of a reveal all need a `Recorded` act, so code that skips the record does not
//! compile.

use std::fmt;

use chrono::{DateTime, Utc};

use super::applied::AppliedRecord;
use super::ids::RecordId;
use super::outcome::{FailureReason, Outcome};
use super::receipt::Receipt;
use super::record::Record;
use super::sink_error::SinkError;

/// An act that is allowed but has no effect yet, because its record is not durable.
#[must_use]
pub struct Pending<A> {
    record: Record,
    act: A,
}

/// Proof that an act was allowed and that its record is durable.
///
/// Only [`Pending::recorded`] creates it. The act `A` is, for example, a [`NewPolicy`](super::NewPolicy) or a
/// [`Removal`](super::Removal).
#[derive(Clone)]
#[must_use]
pub struct Recorded<A> {
    record: Record,
    receipt: Receipt,
    act: A,
}

/// An act that is not allowed, and the record that states so.
#[derive(Debug)]
pub struct Rejection<R> {
    /// Why the act was rejected.
    pub reason: R,
    /// The record of the rejection.
    pub record: Record,
}

impl<A> Pending<A> {
    /// Creates a pending act and attaches the record of its intent.
    pub(crate) fn new(record: Record, act: A) -> Self {
        Self { record, act }
    }

    /// Returns the pending act if `act` is `Ok`. Otherwise returns a rejection whose record is `record` with its
    /// outcome replaced by the one in `Err`.
    pub(crate) fn allowed_or_rejected<R>(
        record: Record,
        act: Result<A, (Outcome, R)>,
    ) -> Result<Self, Box<Rejection<R>>> {
        match act {
            Ok(act) => Ok(Self { record, act }),
            Err((outcome, reason)) => Err(Box::new(Rejection { reason, record: Record { outcome, ..record } })),
        }
    }

    /// Returns the record that must become durable first.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Returns the act as recorded, given the receipt for its record.
    ///
    /// # Errors
    /// Returns [`SinkError::WrongReceipt`] if the receipt is for another record.
    pub fn recorded(self, receipt: &Receipt) -> Result<Recorded<A>, SinkError> {
        receipt.confirm(&self.record)?;
        Ok(Recorded { record: self.record, receipt: receipt.clone(), act: self.act })
    }

    pub(crate) fn act(&self) -> &A {
        &self.act
    }
}

impl<A> Recorded<A> {
    /// Returns the receipt for the record of the act.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    pub(crate) fn act(&self) -> &A {
        &self.act
    }

    /// Returns the record of the act and the act itself.
    pub(crate) fn into_parts(self) -> (Record, A) {
        (self.record, self.act)
    }

    /// Returns the id and sequence number of the record, which the store keeps once the act is applied.
    pub(super) fn applied_record(&self) -> AppliedRecord {
        AppliedRecord::of(&self.receipt)
    }

    /// Returns the record of the act's outcome: `Failed` with the reason in `failure`, or `Done` if there is none.
    pub(crate) fn outcome_record(&self, id: RecordId, now: DateTime<Utc>, failure: Option<FailureReason>) -> Record {
        let intent = self.record.id;
        let outcome = match failure {
            None => Outcome::Done { intent },
            Some(reason) => Outcome::Failed { intent, reason },
        };
        Record { id, at: now, outcome, ..self.record.clone() }
    }
}

/// Shows the record alone, because the act can hold private activities.
impl<A> fmt::Debug for Pending<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("record", &self.record).finish_non_exhaustive()
    }
}

/// Shows the record alone, because the act can hold private activities.
impl<A> fmt::Debug for Recorded<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded").field("record", &self.record).finish_non_exhaustive()
    }
}
