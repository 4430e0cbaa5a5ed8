//! One page of a reveal, from the store to the viewer.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Terms;
use super::capability::Admission;
use crate::governance::{Failure, Outcome, Receipt, Record, RecordId, Refused, RevealId, SinkError};
use crate::policy::{Denial, PrivacyPolicy, Revision};
use crate::screen::Visibility;
use crate::stored::StoredActivity;

/// Activities read for a reveal, which nobody sees before a record says what they are.
#[must_use]
pub struct SealedPage {
    terms: Terms,
    policy: Revision,
    activities: Vec<StoredActivity>,
}

impl SealedPage {
    /// Seals what a store read for an admission, which is used up by it. What the reveal did not ask for is left out: a
    /// store that reads too much shows no more for it.
    pub fn seal(admission: Admission<'_>, mut activities: Vec<StoredActivity>) -> Self {
        activities.retain(|stored| {
            let private = stored.visibility() == Visibility::Private;
            (private || !admission.private_only()) && admission.query().matches(stored.activity(), stored.stamp())
        });
        let (terms, policy) = admission.into_parts();
        Self { terms, policy, activities }
    }

    /// The reveal that it was read for: no other may be shown it.
    #[must_use]
    pub fn reveal(&self) -> RevealId {
        self.terms.reveal()
    }

    /// Keeps the first `size` activities and drafts the record of them; tells whether there are more.
    ///
    /// `salt` seals whose activities they are: a fresh one that nobody can guess.
    pub fn pending(self, size: usize, record: RecordId, salt: Uuid, now: DateTime<Utc>) -> (PendingPage, bool) {
        let Self { terms, policy, mut activities } = self;
        let more = activities.len() > size;
        activities.truncate(size);
        let act = terms.page(&activities, Some(salt));
        let record = terms.record(record, now, policy, act, Outcome::Intended);
        (PendingPage { terms, record, activities }, more)
    }
}

impl fmt::Debug for SealedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedPage").field("terms", &self.terms).finish_non_exhaustive()
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
    /// [`Refused`] with the denial, and the record that says that this page was never seen.
    pub fn open(
        self,
        policy: &PrivacyPolicy,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Vec<StoredActivity>, Box<Refused<Denial>>> {
        let Err(reason) = self.terms.check(policy, now) else { return Ok(self.activities) };
        let outcome = Outcome::Failed { intent: self.record.id, cause: Failure::Denied(reason) };
        let record = Record { id: record, at: now, policy: Some(policy.revision()), outcome, ..self.record };
        Err(Box::new(Refused { reason, record }))
    }
}

impl fmt::Debug for RecordedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedPage").field("terms", &self.terms).finish_non_exhaustive()
    }
}
