//! Changes of the sinks.

use std::sync::Arc;

use super::{Inner, PrivacyFilter};
use crate::governance::{GovernanceSink, Pending, Rejection, SinkName};
use crate::identity::UserId;
use crate::sinks::{QuorumSink, SinkChange, SinkChangeError};

impl PrivacyFilter {
    /// Adds a sink in the name of `by`, a privacy administrator. `sinks` is a handle on the sinks that this filter was built
    /// with. Sinks whose leading one does not contain the record of the change are not changed.
    ///
    /// The change is recorded in the current sinks first. The new sink is then probed with a record of its own. It must make
    /// that durable and return it within the limit, and no other sink that can be read may contain it, because that sink would
    /// be the same one. Each of them is asked in turn, within the limit. Only then does the change take effect, and its
    /// outcome is recorded in the new set of sinks. The new sink does not receive earlier records. A rejection is recorded
    /// too.
    ///
    /// # Errors
    /// Returns [`SinkChangeError`] if the sinks were not changed. Only with [`SinkChangeError::OutcomeUnrecorded`] were they
    /// changed all the same.
    pub fn admit_sink(
        &self,
        by: &UserId,
        sinks: &QuorumSink,
        name: SinkName,
        sink: Arc<dyn GovernanceSink>,
    ) -> Result<(), SinkChangeError> {
        let (policy, record, now) = (self.inner.policy()?, self.inner.fresh_record(), self.inner.now());
        self.inner.change_sinks(SinkChange::admitting(sinks, name, sink, &policy, by, record, now))
    }

    /// Drops a sink in the name of `by`, a privacy administrator. The leading sink cannot be dropped, and the quorum must
    /// remain reachable. The dropped sink keeps its records, including the record of the intent.
    ///
    /// # Errors
    /// Returns [`SinkChangeError`] as [`Self::admit_sink`] does.
    pub fn drop_sink(&self, by: &UserId, sinks: &QuorumSink, name: &SinkName) -> Result<(), SinkChangeError> {
        let (policy, record, now) = (self.inner.policy()?, self.inner.fresh_record(), self.inner.now());
        self.inner.change_sinks(SinkChange::dropping(sinks, name, &policy, by, record, now))
    }
}

impl Inner {
    fn change_sinks(
        &self,
        requested: Result<Pending<SinkChange>, Box<Rejection<SinkChangeError>>>,
    ) -> Result<(), SinkChangeError> {
        let performed = self.record_then(
            self.accept(requested)?,
            |change| change.take_effect(self.fresh_record(), self.now()),
            |change, changed| {
                let failure = changed.as_ref().err().map(SinkChangeError::failure);
                change.outcome(self.fresh_record(), self.now(), failure)
            },
        );
        let performed = performed.map_err(SinkChangeError::Unrecorded)?;
        performed.effect?;
        performed.outcome.map(drop).map_err(SinkChangeError::OutcomeUnrecorded)
    }
}
