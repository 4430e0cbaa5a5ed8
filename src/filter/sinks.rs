//! Changing the sinks: allowed first, recorded in those before and in those after.

use std::sync::Arc;

use thiserror::Error;

use super::{Inner, PrivacyFilter};
use crate::governance::{GovernanceSink, Refused, SinkError, SinkName, SinkSetError};
use crate::identity::UserId;
use crate::policy::Denial;
use crate::sinks::{NotAccepted, PendingSinks, QuorumSink, SinksRefusal};
use crate::store::StoreError;

/// Why the sinks are not changed, or the change is not fully on record.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SinkChangeError {
    /// Whoever asked may not.
    #[error(transparent)]
    Denied(Denial),
    /// It does not fit the sinks that there are.
    #[error(transparent)]
    InvalidSinks(SinkSetError),
    /// It could not be recorded, so it was not made.
    #[error("the change of the sinks could not be recorded, so it was not made")]
    Unrecorded(#[source] SinkError),
    /// It did not take effect.
    #[error(transparent)]
    NotAccepted(NotAccepted),
    /// It is in effect, but the record that says so could not be written; that of the intent is there.
    #[error("the sinks were changed, but the outcome could not be recorded")]
    OutcomeUnrecorded(#[source] SinkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PrivacyFilter {
    /// Has records go to one more sink, in the name of `by`, a privacy administrator. `sinks` is a handle on those that this
    /// filter was built with; others, whose leading sink does not have the record of the change, do not change.
    ///
    /// The change is recorded in the sinks before. Then the sink is tried out with a record of its own, which it must make
    /// durable and give back within the limit, and which no other sink that can be read may have, because then it is that
    /// one; each of them is asked within the limit, one after the other. Only
    /// then does the change take effect, and is recorded in the sinks after. What was recorded before stands in the other
    /// sinks alone. A refusal is recorded too.
    ///
    /// # Errors
    /// [`SinkChangeError`]. Only with [`SinkChangeError::OutcomeUnrecorded`] is the change in effect all the same.
    pub fn admit_sink(
        &self,
        by: &UserId,
        sinks: &QuorumSink,
        name: SinkName,
        sink: Arc<dyn GovernanceSink>,
    ) -> Result<(), SinkChangeError> {
        let (policy, record, now) = (self.inner.policy()?, self.inner.fresh_record(), self.inner.now());
        self.inner.change_sinks(PendingSinks::admitting(sinks, name, sink, &policy, by, record, now))
    }

    /// Has records go to one sink less, in the name of `by`, a privacy administrator: never without the leading one, and never
    /// to fewer than the quorum. What the sink has it keeps, the record of the intent included.
    ///
    /// # Errors
    /// [`SinkChangeError`], as [`Self::admit_sink`].
    pub fn drop_sink(&self, by: &UserId, sinks: &QuorumSink, name: &SinkName) -> Result<(), SinkChangeError> {
        let (policy, record, now) = (self.inner.policy()?, self.inner.fresh_record(), self.inner.now());
        self.inner.change_sinks(PendingSinks::dropping(sinks, name, &policy, by, record, now))
    }
}

impl Inner {
    fn change_sinks(&self, pending: Result<PendingSinks, Box<Refused<SinksRefusal>>>) -> Result<(), SinkChangeError> {
        let pending = pending.map_err(|refused| {
            self.record_refusal(&refused.record);
            match refused.reason {
                SinksRefusal::Denied(denial) => SinkChangeError::Denied(denial),
                SinksRefusal::InvalidSinks(error) => SinkChangeError::InvalidSinks(error),
            }
        })?;
        let receipt = self.sink.record(pending.record()).map_err(SinkChangeError::Unrecorded)?;
        let recorded = pending.recorded(&receipt).map_err(SinkChangeError::Unrecorded)?;
        let effect = recorded.take_effect(self.fresh_record(), self.now());
        let failure = effect.as_ref().err().map(NotAccepted::failure);
        let outcome = self.sink.record(&recorded.outcome(self.fresh_record(), self.now(), failure));
        effect.map_err(SinkChangeError::NotAccepted)?;
        outcome.map(drop).map_err(SinkChangeError::OutcomeUnrecorded)
    }
}
