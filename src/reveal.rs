//! Looking at private activities: asked for, recorded, and only then seen.
//!
//! Each step is a value that only the step before it makes. A [`RevealRequest`] that the policy allows becomes a
//! [`PendingReveal`]; with a sink's receipt for its record that becomes a [`RecordedReveal`]; one that is still allowed
//! is [admitted](RecordedReveal::admit) page by page. A store gives a [`SealedPage`] for an [`Admission`] alone, and the
//! page opens with the receipt for a record that says what is on it. No other order can be written:
//!
//! ```compile_fail,E0277
//! # use activity_privacy::*;
//! fn skip_the_sink(store: &dyn ActivityStore, pending: &PendingReveal) {
//!     let _ = store.revealed_page(pending, None, 10);
//! }
//! ```
//!
//! ```compile_fail,E0451
//! # use activity_privacy::*;
//! fn forge(request: RevealRequest) -> RecordedReveal {
//!     RecordedReveal { request, ..todo!() }
//! }
//! ```

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::digest::{Digest, Fields};
use crate::governance::{
    Act, Initiator, Outcome, Receipt, Record, RecordId, Refused, RevealId, RevealSummary, SinkError,
};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy, Revision};
use crate::query::Query;
use crate::screen::Visibility;
use crate::stored::StoredActivity;
use crate::text::checked_text;

checked_text! {
    /// Why somebody wants to see private activities, in their own words. Goes into the governance record as it is.
    Justification, "justification", max 4096, redacted
}

/// The viewer's word that they know their looking is written down. There is no default and no shortcut: whoever asks
/// for a reveal writes this call.
#[derive(Debug)]
pub struct Acknowledgement(());

impl Acknowledgement {
    /// The viewer confirmed that this reveal is audited.
    #[must_use]
    pub fn i_know_that_this_reveal_is_audited() -> Self {
        Self(())
    }
}

/// A wish to see private activities: who, what, for how long, and why.
#[derive(Debug)]
#[must_use]
pub struct RevealRequest {
    viewer: UserId,
    query: Query,
    lifetime: Duration,
    private_only: bool,
    justification: Option<Justification>,
}

impl RevealRequest {
    /// A viewer wants to see what `query` finds, private activities included, for at most `lifetime`.
    pub fn new(viewer: UserId, query: Query, lifetime: Duration, _: Acknowledgement) -> Self {
        Self { viewer, query, lifetime, private_only: false, justification: None }
    }

    /// Without the public activities.
    pub fn private_only(self) -> Self {
        Self { private_only: true, ..self }
    }

    /// With a justification, for the record.
    pub fn because(self, justification: Justification) -> Self {
        Self { justification: Some(justification), ..self }
    }

    /// Asks the policy. Either way there is a record to write: of the intent, or of the refusal.
    ///
    /// # Errors
    /// [`Refused`] with the denial and the record that says so.
    pub fn authorise(
        self,
        policy: &PrivacyPolicy,
        reveal: RevealId,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<PendingReveal, Box<Refused<Denial>>> {
        let lifetime = TimeDelta::from_std(self.lifetime).ok();
        let expires_at = lifetime.and_then(|lifetime| now.checked_add_signed(lifetime));
        let allowed = policy.may_view_private(&self.viewer).and_then(|()| self.fits(policy));
        let summary = self.summary(reveal, expires_at.unwrap_or(now));
        let outcome = match allowed {
            Ok(()) => Outcome::Intended,
            Err(denial) => Outcome::Denied(denial),
        };
        let record = Record {
            id: record,
            at: now,
            initiator: Initiator::User(self.viewer.clone()),
            policy: Some(policy.revision()),
            act: Act::Reveal(summary),
            outcome,
        };
        match (allowed, expires_at) {
            (Ok(()), Some(expires_at)) => Ok(PendingReveal { record, reveal, expires_at, request: self }),
            (Ok(()), None) => {
                let reason = Denial::LifetimeNotAllowed;
                Err(Box::new(Refused { reason, record: Record { outcome: Outcome::Denied(reason), ..record } }))
            }
            (Err(reason), _) => Err(Box::new(Refused { reason, record })),
        }
    }

    fn fits(&self, policy: &PrivacyPolicy) -> Result<(), Denial> {
        let options = policy.options();
        let justified = self.justification.as_ref().is_some_and(|text| !text.as_str().trim().is_empty());
        if options.justification_required && !justified {
            return Err(Denial::JustificationMissing);
        }
        if self.lifetime.is_zero() || options.max_reveal_lifetime.is_some_and(|max| self.lifetime > max) {
            return Err(Denial::LifetimeNotAllowed);
        }
        Ok(())
    }

    fn summary(&self, reveal: RevealId, expires_at: DateTime<Utc>) -> RevealSummary {
        let mut query = Fields::of("activity-privacy query of a reveal, version 1");
        query.add(reveal.0.as_bytes());
        self.query.feed(&mut query);
        RevealSummary {
            reveal,
            query: query.digest(),
            from: self.query.time_from(),
            until: self.query.time_until(),
            one_actor: self.query.names_an_actor(),
            private_only: self.private_only,
            expires_at,
            justification: self.justification.as_ref().map(|text| text.as_str().to_owned()),
        }
    }
}

/// A reveal that is allowed and not yet recorded. Nothing can be seen with it.
#[derive(Debug)]
#[must_use]
pub struct PendingReveal {
    record: Record,
    reveal: RevealId,
    expires_at: DateTime<Utc>,
    request: RevealRequest,
}

impl PendingReveal {
    /// What must become durable first.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The reveal, once its record is durable.
    ///
    /// # Errors
    /// [`SinkError::WrongReceipt`] when the receipt is for another record.
    pub fn recorded(self, receipt: &Receipt) -> Result<RecordedReveal, SinkError> {
        let intent = receipt.confirm(&self.record)?;
        let Self { reveal, expires_at, request, .. } = self;
        Ok(RecordedReveal { id: reveal, intent, expires_at, request })
    }
}

/// Proof that a reveal was allowed and its record is durable. Belongs to one viewer; cannot be copied, kept or sent.
#[derive(Debug)]
pub struct RecordedReveal {
    id: RevealId,
    intent: RecordId,
    expires_at: DateTime<Utc>,
    request: RevealRequest,
}

impl RecordedReveal {
    /// The reveal's id, as its records name it.
    #[must_use]
    pub fn id(&self) -> RevealId {
        self.id
    }

    /// Who sees.
    #[must_use]
    pub fn viewer(&self) -> &UserId {
        &self.request.viewer
    }

    /// When it ends by itself.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Asks again, before each page: still alive, still an admin, still granted.
    ///
    /// # Errors
    /// [`Refused`] with the denial and the record that says so.
    pub fn admit(
        &self,
        policy: &PrivacyPolicy,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Admission<'_>, Box<Refused<Denial>>> {
        let alive = if now < self.expires_at { Ok(()) } else { Err(Denial::Expired) };
        match policy.may_view_private(self.viewer()).and(alive) {
            Ok(()) => Ok(Admission { reveal: self, policy: policy.revision() }),
            Err(reason) => {
                let act = Act::Page { reveal: self.id, activities: 0, private: 0, digest: Digest::of_ids([]) };
                let outcome = Outcome::Denied(reason);
                let record = self.next_record(record, now, policy.revision(), act, outcome);
                Err(Box::new(Refused { reason, record }))
            }
        }
    }

    /// The record that ends this reveal.
    #[must_use]
    pub fn closing(&self, record: RecordId, now: DateTime<Utc>, policy: Revision, seen: Seen) -> Record {
        let summary = self.request.summary(self.id, self.expires_at);
        let outcome = Outcome::Closed { intent: self.intent, pages: seen.pages, private: seen.private };
        self.next_record(record, now, policy, Act::Reveal(summary), outcome)
    }

    fn next_record(&self, id: RecordId, at: DateTime<Utc>, policy: Revision, act: Act, outcome: Outcome) -> Record {
        let initiator = Initiator::User(self.viewer().clone());
        Record { id, at, initiator, policy: Some(policy), act, outcome }
    }
}

/// How much was seen in a reveal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// How many pages.
    pub pages: u64,
    /// How many private activities on them, each counted as often as it was shown.
    pub private: u64,
}

/// Leave to read one page of a recorded reveal, given under the policy of this moment.
#[derive(Debug)]
pub struct Admission<'a> {
    reveal: &'a RecordedReveal,
    policy: Revision,
}

impl Admission<'_> {
    /// What may be read. Nothing else.
    pub fn query(&self) -> &Query {
        &self.reveal.request.query
    }

    /// Whether the public activities are left out.
    #[must_use]
    pub fn private_only(&self) -> bool {
        self.reveal.request.private_only
    }
}

/// Activities read for a reveal, which nobody sees before a record says what they are.
#[must_use]
pub struct SealedPage(Vec<StoredActivity>);

impl SealedPage {
    /// Seals what a store read.
    pub fn seal(activities: Vec<StoredActivity>) -> Self {
        Self(activities)
    }

    /// Keeps the first `size` activities and drafts the record of them; tells whether there are more.
    pub fn pending(
        self,
        admission: &Admission<'_>,
        size: usize,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> (PendingPage, bool) {
        let Self(mut activities) = self;
        let more = activities.len() > size;
        activities.truncate(size);
        let private: Vec<_> = activities
            .iter()
            .filter(|activity| activity.visibility() == Visibility::Private)
            .map(|activity| activity.activity().id())
            .collect();
        let act = Act::Page {
            reveal: admission.reveal.id,
            activities: activities.len() as u64,
            private: private.len() as u64,
            digest: Digest::of_ids(private),
        };
        let record = admission.reveal.next_record(record, now, admission.policy, act, Outcome::Intended);
        (PendingPage { record, activities }, more)
    }
}

impl fmt::Debug for SealedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedPage(..)")
    }
}

/// A page whose record is drafted and not yet durable.
#[must_use]
pub struct PendingPage {
    record: Record,
    activities: Vec<StoredActivity>,
}

impl PendingPage {
    /// What must become durable first.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The activities, once the record of them is durable.
    ///
    /// # Errors
    /// [`SinkError::WrongReceipt`] when the receipt is for another record.
    pub fn recorded(self, receipt: &Receipt) -> Result<Vec<StoredActivity>, SinkError> {
        receipt.confirm(&self.record)?;
        Ok(self.activities)
    }
}

impl fmt::Debug for PendingPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingPage").field("record", &self.record).finish_non_exhaustive()
    }
}
