//! A reveal that was allowed, and what it must stay true to.

use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::approval::Approvals;
use super::life::Life;
use super::request::{RevealRequest, after};
use crate::digest::Digest;
use crate::engine::Visibility;
use crate::governance::{
    Commitment, Event, FailureReason, Initiator, Outcome, Receipt, Record, RecordId, Refused, RequestId, RevealId,
    RevealSummary, Salt, SinkError, Subjects,
};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy, Revision};
use crate::query::Query;
use crate::stored::StoredActivity;

/// A reveal that is allowed and not yet recorded. Nothing can be seen with it.
#[derive(Debug)]
#[must_use]
pub struct PendingReveal {
    record: Record,
    summary: RevealSummary,
    terms: Terms,
    request: RevealRequest,
}

impl PendingReveal {
    pub(super) fn new(record: Record, summary: RevealSummary, terms: Terms, request: RevealRequest) -> Self {
        Self { record, summary, terms, request }
    }

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
        receipt.confirm(&self.record)?;
        let Self { summary, terms, request, .. } = self;
        Ok(RecordedReveal { receipt: receipt.clone(), summary, terms, request })
    }
}

/// Proof that a reveal was allowed and its record is durable. Belongs to one viewer, and cannot be copied.
#[derive(Debug)]
pub struct RecordedReveal {
    receipt: Receipt,
    summary: RevealSummary,
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

    /// The receipt of the record that it began with.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// The request that was approved, if it needed approvals: what the log says of it by now is asked for before each
    /// page.
    #[must_use]
    pub fn request(&self) -> Option<RequestId> {
        self.summary.request
    }

    /// Takes down how long ago the reveal was opened, by a clock that does not go back. Call it before
    /// [`admit`](Self::admit) and before a page is [opened](super::RecordedPage::open): while nobody uses the reveal, `now`
    /// alone does not tell how much time passed on a clock that was set back.
    pub fn lasted(&self, at_least: Duration) {
        self.terms.life.lasted(at_least);
    }

    /// Asks again, before each page: still alive, still an admin, still under the grant that it was opened with, and
    /// still approved, by what the log says now of its [request](Self::request).
    ///
    /// A reveal that was found ended, here or when a page of it was to be opened, stays ended. Neither a clock that goes back
    /// nor another policy revives it. It lives by a time of its own, which moves on by as much as passes on the clock and
    /// never goes back. Approvals that are missing end a reveal that was opened without a request, and hold up one that was
    /// opened with one: others may approve it again.
    ///
    /// `salts` seal what the record of the page says: how many activities are on it, how many of them are private, the digest
    /// of their ids, and whose they are. That record is made at the time `now`, so it does not tell how long the page took.
    ///
    /// # Errors
    /// [`Refused`] with the denial and the record that says so. It says of a page with nothing on it as much as of another.
    pub fn admit(
        &self,
        policy: &PrivacyPolicy,
        approvals: Option<Approvals>,
        record: RecordId,
        salts: [Salt; 4],
        now: DateTime<Utc>,
    ) -> Result<PagePermit<'_>, Box<Refused<Denial>>> {
        let mut terms = self.terms.clone();
        terms.approvals = self.request().map(|request| {
            let of_this = approvals.filter(|approvals| approvals.request() == request);
            of_this.unwrap_or_else(|| Approvals::none(request))
        });
        match terms.check(policy, now) {
            Ok(()) => {
                let draft = Draft { terms, policy: policy.revision(), salts, at: now };
                Ok(PagePermit { request: &self.request, draft })
            }
            Err(reason) => Err(Box::new(Refused { reason, record: self.refusal(policy, record, salts, now, reason) })),
        }
    }

    /// Returns the record of a page that is not shown, because the viewer may not see it. It says nothing of what there
    /// is to see.
    #[must_use]
    pub fn refusal(
        &self,
        policy: &PrivacyPolicy,
        record: RecordId,
        salts: [Salt; 4],
        now: DateTime<Utc>,
        why: Denial,
    ) -> Record {
        self.no_page(policy, record, salts, now, Outcome::Denied(why))
    }

    /// Returns the record of a page that is not shown, because the store answered with one of another reveal.
    #[must_use]
    pub fn wrong_page(&self, policy: &PrivacyPolicy, record: RecordId, salts: [Salt; 4], now: DateTime<Utc>) -> Record {
        let outcome = Outcome::Failed { intent: self.receipt.record(), cause: FailureReason::Store };
        self.no_page(policy, record, salts, now, outcome)
    }

    fn no_page(
        &self,
        policy: &PrivacyPolicy,
        record: RecordId,
        salts: [Salt; 4],
        now: DateTime<Utc>,
        outcome: Outcome,
    ) -> Record {
        self.terms.record(record, now, policy.revision(), self.terms.page(&[], salts), outcome)
    }

    /// Ends this reveal, and returns the record of it. `salt` seals how many private activities were seen.
    #[must_use]
    pub fn closing(
        &self,
        record: RecordId,
        salt: Salt,
        now: DateTime<Utc>,
        policy: Option<Revision>,
        seen: RevealTotals,
    ) -> Record {
        self.terms.life.end(Denial::Closed);
        let (intent, RevealTotals { pages, private }) = (self.receipt.record(), seen);
        let outcome = Outcome::Closed { intent, pages, private: Commitment::new(private, salt) };
        let record = Record {
            id: record,
            at: now,
            initiator: Initiator::User(self.viewer().clone()),
            policy,
            event: Event::Reveal(self.summary.clone()),
            outcome: Outcome::Intended,
        };
        // What the record of the intent says of people is said once, so that it is forgotten once.
        Record { outcome, ..record.without_openings() }
    }
}

/// How much was seen in a reveal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RevealTotals {
    /// How many pages.
    pub pages: u64,
    /// How many private activities on them, each counted as often as it was shown.
    pub private: u64,
}

/// What a page must be true to, from the moment when it is asked for to the moment when it is seen.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    reveal: RevealId,
    viewer: UserId,
    /// Tells the grant that the reveal was opened with from one that came after a revocation.
    granted_in: Revision,
    /// When the lifetime began.
    since: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// One life for every value of the reveal.
    life: Life,
    /// What the log said of the request, if it was opened with one.
    approvals: Option<Approvals>,
}

impl Terms {
    pub(super) fn new(
        reveal: RevealId,
        viewer: UserId,
        granted_in: Revision,
        lifetime: Range<DateTime<Utc>>,
        approvals: Option<Approvals>,
        now: DateTime<Utc>,
    ) -> Self {
        let Range { start: since, end: expires_at } = lifetime;
        Self { reveal, viewer, granted_in, since, expires_at, life: Life::begin(now, since), approvals }
    }

    pub(super) fn reveal(&self) -> RevealId {
        self.reveal
    }

    pub(super) fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Whether the viewer may see a page under this policy, now. Once not, never again, unless it was for approvals that
    /// others can still give.
    pub(super) fn check(&self, policy: &PrivacyPolicy, now: DateTime<Utc>) -> Result<(), Denial> {
        let is_final = |denial| match denial {
            Denial::ApprovalsMissing | Denial::NotRequested => self.approvals.is_none(),
            _ => true,
        };
        self.life.ask(now, |time| self.allowed(policy, time), is_final)
    }

    /// By the reveal's own time.
    fn allowed(&self, policy: &PrivacyPolicy, time: DateTime<Utc>) -> Result<(), Denial> {
        if policy.permission(&self.viewer)?.granted_in() != self.granted_in {
            return Err(Denial::NotPermitted);
        }
        match &self.approvals {
            Some(approvals) => drop(approvals.hold(policy)?),
            None if policy.options().approvals_required > 0 => return Err(Denial::ApprovalsMissing),
            None => {}
        }
        // The clock of another node can be ahead.
        let time = self.approvals.as_ref().and_then(Approvals::seen).map_or(time, |seen| seen.max(time));
        // No longer than was asked for, nor than the policy allows by now.
        let allowed = policy.options().max_reveal_lifetime.and_then(|max| after(self.since, max));
        let is_over = time >= self.expires_at || allowed.is_some_and(|end| time >= end);
        if is_over { Err(Denial::Expired) } else { Ok(()) }
    }

    /// What a page shows. Everything that depends on hidden activities is sealed, whether or not there are any.
    pub(super) fn page(&self, activities: &[StoredActivity], salts: [Salt; 4]) -> Event {
        let [of_activities, of_private, of_digest, of_subjects] = salts;
        let private: Vec<_> = activities
            .iter()
            .filter(|activity| activity.visibility() == Visibility::Private)
            .map(|activity| activity.activity().id())
            .collect();
        Event::Page {
            reveal: self.reveal,
            activities: Commitment::new(activities.len() as u64, of_activities),
            private: Commitment::new(private.len() as u64, of_private),
            digest: Commitment::new(Digest::of_ids(private), of_digest),
            subjects: Commitment::new(Subjects::of(self.reveal, activities), of_subjects),
        }
    }

    pub(super) fn record(
        &self,
        id: RecordId,
        at: DateTime<Utc>,
        policy: Revision,
        event: Event,
        outcome: Outcome,
    ) -> Record {
        Record { id, at, initiator: Initiator::User(self.viewer.clone()), policy: Some(policy), event, outcome }
    }
}

/// Leave to read one page of a recorded reveal, given under the policy of this moment. A store takes it for the page.
#[derive(Debug)]
pub struct PagePermit<'a> {
    request: &'a RevealRequest,
    draft: Draft,
}

/// What the record of a page is made of before anybody knows what is on the page.
#[derive(Debug)]
pub(super) struct Draft {
    terms: Terms,
    policy: Revision,
    salts: [Salt; 4],
    /// When the leave was given. Not when the page was read: that would tell how long it took.
    at: DateTime<Utc>,
}

impl Draft {
    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What a page with these activities must stay true to, and its record.
    pub(super) fn record(self, activities: &[StoredActivity], record: RecordId) -> (Terms, Record) {
        let Self { terms, policy, salts, at } = self;
        let event = terms.page(activities, salts);
        let record = terms.record(record, at, policy, event, Outcome::Intended);
        (terms, record)
    }
}

impl PagePermit<'_> {
    pub(super) fn into_draft(self) -> Draft {
        self.draft
    }

    /// What may be read. Nothing else.
    pub fn query(&self) -> &Query {
        self.request.query()
    }

    /// Whether the public activities are left out.
    #[must_use]
    pub fn private_only(&self) -> bool {
        self.request.is_private_only()
    }
}
