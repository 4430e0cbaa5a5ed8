//! Access to governance records.

use thiserror::Error;

use super::{Inner, PrivacyFilter};
use crate::governance::{Event, GovernanceSink, Initiator, Outcome, Record, RecordEntry, RecordQuery, SinkError};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy};
use crate::query::PageSize;
use crate::store::StoreError;

/// The reason why governance records are not returned.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GovernanceError {
    /// The reader may not read them.
    #[error(transparent)]
    Denied(Denial),
    /// The sink cannot read them.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PrivacyFilter {
    /// Returns the governance records that match, in sequence, after sequence number `after` (0 for all), at most
    /// `size`.
    ///
    /// Privacy administrators, and admins who may view private activities, may read them. A rejection is recorded. A
    /// reader who may not view private activities does not see values that depend on them: how many activities were on
    /// a page, were shown in a reveal or were removed, and how long a removal took. The commitments to those values
    /// stay. No reader sees whose activities a page showed; [`access_report`](Self::access_report) reports it to each
    /// data subject.
    ///
    /// # Errors
    /// Returns [`GovernanceError::Denied`] to any other reader.
    pub fn governance_records(
        &self,
        reader: &UserId,
        query: &RecordQuery,
        after: u64,
        size: PageSize,
    ) -> Result<Vec<RecordEntry>, GovernanceError> {
        let policy = self.inner.policy()?;
        self.inner.check_reader(&policy, reader).map_err(GovernanceError::Denied)?;
        let may_view_private = policy.may_view_private(reader).is_ok();
        let records = self.inner.sink.records(query, after, size.get())?;
        Ok(records.into_iter().map(|entry| entry.visible_to_reader(may_view_private)).collect())
    }
}

impl Inner {
    /// Checks that a user may read the governance log. A rejection is recorded.
    pub(super) fn check_reader(&self, policy: &PrivacyPolicy, reader: &UserId) -> Result<(), Denial> {
        policy.may_read_governance(reader).inspect_err(|denial| {
            self.record_rejection(&Record {
                id: self.fresh_record(),
                at: self.now(),
                initiator: Initiator::User(reader.clone()),
                policy: Some(policy.revision()),
                event: Event::ReadGovernance,
                outcome: Outcome::Denied(*denial),
            });
        })
    }
}
