//! One page of a reveal, from the store to the viewer.

use std::fmt;

use chrono::{DateTime, Utc};

use super::Terms;
use super::capability::{Draft, PagePermit};
use crate::engine::Visibility;
use crate::governance::{FailureReason, Outcome, Receipt, Record, RecordId, Refused, RevealId, SinkError};
use crate::policy::{Denial, PrivacyPolicy};
use crate::query::{Position, end_page};
use crate::stored::StoredActivity;

/// Activities read for a reveal, which nobody sees before a record says what they are.
#[must_use]
pub struct SealedPage {
    draft: Draft,
    activities: Vec<StoredActivity>,
    stopped_at: Option<Position>,
}

impl SealedPage {
    /// Seals what a store read for an admission, which is used up by it. What the reveal did not ask for is left out: a
    /// store that reads too much shows no more for it.
    ///
    /// `stopped_at` is the position of the last activity that the store read, if it stopped before it had found as many as were
    /// asked for and before the end.
    pub fn seal(admission: PagePermit<'_>, mut activities: Vec<StoredActivity>, stopped_at: Option<Position>) -> Self {
        activities.retain(|stored| {
            let private = stored.visibility() == Visibility::Private;
            (private || !admission.private_only()) && admission.query().matches(stored.activity(), stored.decision())
        });
        Self { draft: admission.into_draft(), activities, stopped_at }
    }

    /// The reveal that it was read for: no other may be shown it.
    #[must_use]
    pub fn reveal(&self) -> RevealId {
        self.draft.terms().reveal()
    }

    /// Keeps the first `size` activities and drafts the record of them; returns after which position the next page goes on, if
    /// there may be one. What the record says of them is sealed with the salts of the admission, and made at its time.
    pub fn pending(self, size: usize, record: RecordId) -> (PendingPage, Option<Position>) {
        let Self { draft, mut activities, stopped_at } = self;
        let ends_at = end_page(&mut activities, size, stopped_at);
        let (terms, record) = draft.record(&activities, record);
        (PendingPage { terms, record, activities }, ends_at)
    }
}

impl fmt::Debug for SealedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedPage").field("terms", self.draft.terms()).finish_non_exhaustive()
    }
}

/// A page whose record is drafted and not yet durable.
#[must_use]
pub struct PendingPage {
    terms: Terms,
    record: Record,
    activities: Vec<StoredActivity>,
}

impl PendingPage {
    /// What must become durable first.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The page, once the record of it is durable.
    ///
    /// # Errors
    /// [`SinkError::WrongReceipt`] when the receipt is for another record.
    pub fn recorded(self, receipt: &Receipt) -> Result<RecordedPage, SinkError> {
        receipt.confirm(&self.record)?;
        Ok(RecordedPage { terms: self.terms, record: self.record, activities: self.activities })
    }
}

impl fmt::Debug for PendingPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingPage").field("record", &self.record).finish_non_exhaustive()
    }
}

/// A page that is on record and not yet seen.
#[must_use]
pub struct RecordedPage {
    terms: Terms,
    record: Record,
    activities: Vec<StoredActivity>,
}

impl RecordedPage {
    /// The activities, if the viewer may still see them under the policy of this moment: a sink can take its time, and
    /// a revocation that came meanwhile counts. A refusal ends the reveal as one of
    /// [`RecordedReveal::admit`](super::RecordedReveal::admit) does, and one of those refuses this page too.
    ///
    /// # Errors
    /// [`Refused`] with the denial, and the record that says that this page was never seen. That record is made at the time of
    /// the page's own, so that the two do not tell how long the page took.
    pub fn open(
        self,
        policy: &PrivacyPolicy,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Vec<StoredActivity>, Box<Refused<Denial>>> {
        let Err(reason) = self.terms.check(policy, now) else { return Ok(self.activities) };
        let outcome = Outcome::Failed { intent: self.record.id, cause: FailureReason::Denied(reason) };
        // What the record of the page says of people is said once, so that it is forgotten once.
        let event = self.record.without_openings().event;
        let record = Record { id: record, policy: Some(policy.revision()), event, outcome, ..self.record };
        Err(Box::new(Refused { reason, record }))
    }
}

impl fmt::Debug for RecordedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedPage").field("terms", &self.terms).finish_non_exhaustive()
    }
}
