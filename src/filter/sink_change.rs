//! Changes of the sinks.

use std::sync::Arc;

use super::{Inner, PrivacyFilter};
use crate::governance::{GovernanceSink, Pending, Rejection, SinkName};
use crate::identity::UserId;
use crate::sinks::{QuorumSink, SinkChange, SinkChangeError};

impl PrivacyFilter {
    /// Adds a sink in the name of `by`, a privacy administrator. `sinks` is a handle to the sinks that this filter was
    /// built with. If the filter writes to other sinks than these, the change fails with
    /// [`NotInUse`](SinkChangeError::NotInUse): the leading sink of `sinks` must contain the record of the change. The
    /// change holds for this process only; add the sink to the builder for the next start.
    ///
    /// The change is recorded in the current sinks first. The new sink is then probed with a record of its own. It must
    /// make the probe durable and return it within the [limit](crate::sinks::QuorumSinkBuilder::limit). Then each of
    /// the other sinks is asked for the probe, one after the other, each within the limit: one that returns it is the
    /// same sink under another name. A sink that cannot be read is skipped. Only then does the change take effect, and
    /// its outcome is recorded in the new set of sinks. The new sink does not receive earlier records. A rejection is
    /// recorded too.
    ///
    /// # Errors
    /// Returns [`SinkChangeError`]. The sinks were not changed, except with
    /// [`OutcomeUnrecorded`](SinkChangeError::OutcomeUnrecorded), where only the record of the outcome is missing.
    pub fn add_sink(
        &self,
        by: &UserId,
        sinks: &QuorumSink,
        name: SinkName,
        sink: Arc<dyn GovernanceSink>,
    ) -> Result<(), SinkChangeError> {
        let (policy, record, now) = (self.inner.policy()?, self.inner.fresh_record(), self.inner.now());
        self.inner.change_sinks(SinkChange::add(sinks, name, sink, &policy, by, record, now))
    }

    /// Removes a sink in the name of `by`, a privacy administrator. The leading sink cannot be removed, and the quorum
    /// must remain reachable. The removed sink keeps its records, including the record of the intent. The change holds
    /// for this process only; remove the sink from the builder for the next start.
    ///
    /// # Errors
    /// Returns [`SinkChangeError`] as [`Self::add_sink`] does.
    pub fn remove_sink(&self, by: &UserId, sinks: &QuorumSink, name: &SinkName) -> Result<(), SinkChangeError> {
        let (policy, record, now) = (self.inner.policy()?, self.inner.fresh_record(), self.inner.now());
        self.inner.change_sinks(SinkChange::remove(sinks, name, &policy, by, record, now))
    }
}

impl Inner {
    fn change_sinks(
        &self,
        requested: Result<Pending<SinkChange>, Box<Rejection<SinkChangeError>>>,
    ) -> Result<(), SinkChangeError> {
        let performed = self.record_then(
            self.allowed_or_record_rejection(requested)?,
            |change| change.take_effect(self.fresh_record(), self.now()),
            |change, result| {
                let failure = result.as_ref().err().map(SinkChangeError::failure);
                change.outcome(self.fresh_record(), self.now(), failure)
            },
        );
        let performed = performed.map_err(SinkChangeError::Unrecorded)?;
        performed.effect?;
        performed.outcome.map(drop).map_err(SinkChangeError::OutcomeUnrecorded)
    }
}
