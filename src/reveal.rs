//! Looking at private activities: asked for, recorded, and only then seen.
//!
//! Each step is a value that only the step before it makes. A [`RevealRequest`] that the policy allows becomes a
//! [`PendingReveal`]; with a sink's receipt for its record that becomes a [`RecordedReveal`]; one that is still allowed
//! is [admitted](RecordedReveal::admit) page by page. A store gives a [`SealedPage`] for an [`Admission`] alone, and
//! uses it up. With the receipt for a record that says what is on it the page becomes a [`RecordedPage`], which
//! [opens](RecordedPage::open) if the viewer may still see it. No other order can be written:
//!
//! ```compile_fail,E0308
//! # use activity_privacy::*;
//! fn skip_the_sink(store: &dyn ActivityStore, pending: &PendingReveal) {
//!     let _ = store.revealed_page(pending, None, 10);
//! }
//! ```
//!
//! ```compile_fail,E0451
//! # use activity_privacy::*;
//! fn forge(request: RevealRequest, other: RecordedReveal) -> RecordedReveal {
//!     RecordedReveal { request, ..other }
//! }
//! ```

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::digest::{Digest, Fields};
use crate::governance::{
    Act, Failure, Initiator, Justification, Outcome, Receipt, Record, RecordId, Refused, RevealId, RevealSummary,
    SinkError,
};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy, Revision};
use crate::query::Query;
use crate::screen::Visibility;
use crate::stored::StoredActivity;

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
        let allowed = policy.permission(&self.viewer).and_then(|grant| self.fits(policy).map(|()| grant.granted_in()));
        let summary = self.summary(reveal, expires_at.unwrap_or(now));
        let outcome = match allowed {
            Ok(_) => Outcome::Intended,
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
            (Ok(granted_in), Some(expires_at)) => {
                let terms = Terms { reveal, viewer: self.viewer.clone(), granted_in, expires_at };
                Ok(PendingReveal { record, terms, request: self })
            }
            (Ok(_), None) => {
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
            justification: self.justification.clone(),
        }
    }
}

/// A reveal that is allowed and not yet recorded. Nothing can be seen with it.
#[derive(Debug)]
#[must_use]
pub struct PendingReveal {
    record: Record,
    terms: Terms,
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
        let Self { terms, request, .. } = self;
        Ok(RecordedReveal { intent, terms, request })
    }
}

/// Proof that a reveal was allowed and its record is durable. Belongs to one viewer, and cannot be copied.
#[derive(Debug)]
pub struct RecordedReveal {
    intent: RecordId,
    terms: Terms,
    request: RevealRequest,
}

impl RecordedReveal {
    /// The reveal's id, as its records name it.
    #[must_use]
    pub fn id(&self) -> RevealId {
        self.terms.reveal
    }

    /// Who sees.
    #[must_use]
    pub fn viewer(&self) -> &UserId {
        &self.terms.viewer
    }

    /// When it ends by itself.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.terms.expires_at
    }

    /// Asks again, before each page: still alive, still an admin, still under the grant that it was opened with.
    ///
    /// # Errors
    /// [`Refused`] with the denial and the record that says so.
    pub fn admit(
        &self,
        policy: &PrivacyPolicy,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Admission<'_>, Box<Refused<Denial>>> {
        let terms = self.terms.clone();
        match terms.check(policy, now) {
            Ok(()) => Ok(Admission { request: &self.request, terms, policy: policy.revision() }),
            Err(reason) => {
                let record = terms.record(record, now, policy.revision(), &[], Outcome::Denied(reason));
                Err(Box::new(Refused { reason, record }))
            }
        }
    }

    /// The record that ends this reveal.
    #[must_use]
    pub fn closing(&self, record: RecordId, now: DateTime<Utc>, policy: Option<Revision>, seen: Seen) -> Record {
        let summary = self.request.summary(self.id(), self.expires_at());
        let outcome = Outcome::Closed { intent: self.intent, pages: seen.pages, private: seen.private };
        Record {
            id: record,
            at: now,
            initiator: Initiator::User(self.viewer().clone()),
            policy,
            act: Act::Reveal(summary),
            outcome,
        }
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

/// What a page must be true to, from the moment when it is asked for to the moment when it is seen.
#[derive(Debug, Clone)]
struct Terms {
    reveal: RevealId,
    viewer: UserId,
    /// Tells the grant that the reveal was opened with from one that came after a revocation.
    granted_in: Revision,
    expires_at: DateTime<Utc>,
}

impl Terms {
    /// Whether the viewer may see a page under this policy, now.
    fn check(&self, policy: &PrivacyPolicy, now: DateTime<Utc>) -> Result<(), Denial> {
        if policy.permission(&self.viewer)?.granted_in() != self.granted_in {
            return Err(Denial::NotPermitted);
        }
        if now < self.expires_at { Ok(()) } else { Err(Denial::Expired) }
    }

    fn record(
        &self,
        id: RecordId,
        at: DateTime<Utc>,
        policy: Revision,
        activities: &[StoredActivity],
        outcome: Outcome,
    ) -> Record {
        let private: Vec<_> = activities
            .iter()
            .filter(|activity| activity.visibility() == Visibility::Private)
            .map(|activity| activity.activity().id())
            .collect();
        let act = Act::Page {
            reveal: self.reveal,
            activities: activities.len() as u64,
            private: private.len() as u64,
            digest: Digest::of_ids(private),
        };
        Record { id, at, initiator: Initiator::User(self.viewer.clone()), policy: Some(policy), act, outcome }
    }
}

/// Leave to read one page of a recorded reveal, given under the policy of this moment. A store takes it for the page.
#[derive(Debug)]
pub struct Admission<'a> {
    request: &'a RevealRequest,
    terms: Terms,
    policy: Revision,
}

impl Admission<'_> {
    /// What may be read. Nothing else.
    pub fn query(&self) -> &Query {
        &self.request.query
    }

    /// Whether the public activities are left out.
    #[must_use]
    pub fn private_only(&self) -> bool {
        self.request.private_only
    }
}

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
        Self { terms: admission.terms, policy: admission.policy, activities }
    }

    /// The reveal that it was read for: no other may be shown it.
    #[must_use]
    pub fn reveal(&self) -> RevealId {
        self.terms.reveal
    }

    /// Keeps the first `size` activities and drafts the record of them; tells whether there are more.
    pub fn pending(self, size: usize, record: RecordId, now: DateTime<Utc>) -> (PendingPage, bool) {
        let Self { terms, policy, mut activities } = self;
        let more = activities.len() > size;
        activities.truncate(size);
        let record = terms.record(record, now, policy, &activities, Outcome::Intended);
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
    /// a revocation that came meanwhile counts.
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
