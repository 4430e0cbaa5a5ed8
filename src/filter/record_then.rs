//! The driver of the protocol "recorded before done": an act is allowed, recorded, performed, and its outcome recorded.

use super::Inner;
use crate::governance::{GovernanceSink, Pending, Receipt, Record, Recorded, Rejection, SinkError};

/// An act that was recorded and performed.
pub(super) struct Performed<T> {
    /// The result of the effect, successful or not.
    pub(super) effect: T,
    /// The receipt for the record of the outcome. If there is none, the log still contains the intent, so that an
    /// auditor sees that the outcome is missing.
    pub(super) outcome: Result<Receipt, SinkError>,
}

impl Inner {
    /// Returns an allowed act. Records the rejection of any other, and returns its reason.
    pub(super) fn allowed_or_record_rejection<A, R>(&self, requested: Result<A, Box<Rejection<R>>>) -> Result<A, R> {
        requested.map_err(|rejection| {
            let Rejection { reason, record } = *rejection;
            self.record_rejection(&record);
            reason
        })
    }

    /// Records a rejection. The act stays rejected if the sink fails.
    pub(super) fn record_rejection(&self, record: &Record) {
        let _ = self.sink.record(record);
    }

    /// Makes the record of an act durable.
    pub(super) fn record<A>(&self, pending: Pending<A>) -> Result<Recorded<A>, SinkError> {
        let receipt = self.sink.record(pending.record())?;
        pending.recorded(&receipt)
    }

    /// Makes the record of an act durable, then performs the act, and then records the outcome. If the act cannot be
    /// recorded, it is not performed.
    pub(super) fn record_then<A, T>(
        &self,
        pending: Pending<A>,
        effect: impl FnOnce(&Recorded<A>) -> T,
        outcome: impl FnOnce(&Recorded<A>, &T) -> Record,
    ) -> Result<Performed<T>, SinkError> {
        let recorded = self.record(pending)?;
        let effect = effect(&recorded);
        let outcome = self.sink.record(&outcome(&recorded, &effect));
        Ok(Performed { effect, outcome })
    }
}
