//! A page of a reveal, from the store to the viewer.

use std::fmt;

use chrono::{DateTime, Utc};

use super::permit::{PageDraft, PagePermit};
use super::terms::Terms;
use crate::engine::Visibility;
use crate::governance::{FailureReason, Outcome, Pending, Record, RecordId, Recorded, Rejection, RevealId};
use crate::policy::{Denial, PrivacyPolicy};
use crate::query::{Position, end_page};
use crate::stored::StoredActivity;

/// Activities that a store read for a reveal. They become accessible only after their record is durable.
#[must_use]
pub struct SealedPage {
    draft: PageDraft,
    activities: Vec<StoredActivity>,
    stopped_at: Option<Position>,
}

/// A page of a reveal. It can be [opened](Recorded::open) once it is [`Recorded`].
pub struct RevealedPage {
    terms: Terms,
    activities: Vec<StoredActivity>,
}

impl SealedPage {
    /// Seals the activities that a store read for a permit, and consumes the permit. Activities that the reveal did not
    /// ask for are dropped, so a store that reads too much does not reveal more.
    ///
    /// `stopped_at` is the position of the last activity that the store read, if it stopped before it had found the
    /// requested number and before the end.
    pub fn seal(permit: PagePermit<'_>, mut activities: Vec<StoredActivity>, stopped_at: Option<Position>) -> Self {
        activities.retain(|stored| {
            let private = stored.visibility() == Visibility::Private;
            (private || !permit.is_private_only()) && permit.query().matches(stored.activity(), stored.decision())
        });
        Self { draft: permit.into_draft(), activities, stopped_at }
    }

    /// Returns the reveal that the page was read for. It may be shown in no other reveal.
    #[must_use]
    pub fn reveal(&self) -> RevealId {
        self.draft.terms().reveal()
    }

    /// Keeps the first `size` activities and drafts their record, with the salts and the time of the permit. Also
    /// returns the position after which the next page continues, if there may be one.
    pub fn pending(self, size: usize, record: RecordId) -> (Pending<RevealedPage>, Option<Position>) {
        let Self { draft, mut activities, stopped_at } = self;
        let ends_at = end_page(&mut activities, size, stopped_at);
        let (terms, record) = draft.record(&activities, record);
        (Pending::new(record, RevealedPage { terms, activities }), ends_at)
    }
}

impl Recorded<RevealedPage> {
    /// Returns the activities, if the viewer may still see them under the current policy. A sink can be slow, and a
    /// revocation in the meantime counts. A rejection ends the reveal, like one of
    /// [`permit_page`](Recorded::permit_page), and a rejection there rejects this page too.
    ///
    /// # Errors
    /// Returns [`Rejection`] with the denial, and the record that this page was never seen. That record carries the
    /// time of the page's own record, so that the two do not tell how long the page took.
    pub fn open(
        self,
        policy: &PrivacyPolicy,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Vec<StoredActivity>, Box<Rejection<Denial>>> {
        let (intent, RevealedPage { terms, activities }) = self.into_parts();
        let Err(denial) = terms.check(policy, now) else { return Ok(activities) };
        let outcome = Outcome::Failed { intent: intent.id, reason: FailureReason::Denied(denial) };
        // Only the record of the page holds personal data, so that one redaction removes it.
        let event = intent.without_openings().event;
        let record = Record { id: record, policy: Some(policy.revision()), event, outcome, ..intent };
        Err(Box::new(Rejection { reason: denial, record }))
    }
}

impl fmt::Debug for SealedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedPage").field("terms", self.draft.terms()).finish_non_exhaustive()
    }
}
