//! An export of activities under a reveal.

use chrono::{DateTime, Utc};

use super::approval::Approvals;
use super::authorised::AuthorisedReveal;
use crate::governance::{
    Event, ExportFormat, ExportSummary, FailureReason, Outcome, Pending, PrivateRows, Record, RecordId, Recorded,
    Rejection,
};
use crate::policy::{Denial, PrivacyPolicy};

/// An export of activities under a reveal. It may write its first byte once it is [`Recorded`].
#[derive(Debug)]
pub struct RevealExport(ExportSummary);

impl Recorded<AuthorisedReveal> {
    /// Permits an export, if the reveal has not ended: see [`permit_page`](Self::permit_page), whose conditions these
    /// are. Each page that the export reads needs a permit of its own.
    ///
    /// # Errors
    /// Returns [`Rejection`] with the denial and the record to write.
    pub fn permit_export(
        &self,
        policy: &PrivacyPolicy,
        approvals: Option<Approvals>,
        (format, private_rows): (ExportFormat, PrivateRows),
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Pending<RevealExport>, Box<Rejection<Denial>>> {
        let terms = self.current_terms(approvals);
        let summary = ExportSummary { reveal: terms.reveal(), format, private_rows };
        let record = terms.record(record, now, policy.revision(), Event::Export(summary), Outcome::Intended);
        let allowed = terms.check(policy, now).map(|()| RevealExport(summary));
        Pending::allowed_or_rejected(record, allowed.map_err(|denial| (Outcome::Denied(denial), denial)))
    }
}

impl Recorded<RevealExport> {
    /// Returns the format, and the treatment of private activities.
    #[must_use]
    pub fn summary(&self) -> ExportSummary {
        self.act().0
    }

    /// Returns the record that the export ended: with the reason of a failure, or `None` if it is complete.
    #[must_use]
    pub fn outcome(&self, record: RecordId, now: DateTime<Utc>, failure: Option<FailureReason>) -> Record {
        self.outcome_record(record, now, failure)
    }
}
