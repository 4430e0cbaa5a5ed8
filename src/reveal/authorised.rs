//! A reveal that the policy allows.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::approval::Approvals;
use super::permit::PagePermit;
use super::request::{RevealRequest, after};
use super::terms::Terms;
use crate::governance::{
    Commitment, Event, FailureReason, Initiator, Outcome, Pending, Record, RecordId, Recorded, Rejection, RequestId,
    RevealId, RevealSummary, Salt,
};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy, Revision};

/// A reveal that is allowed. Its pages can be read once it is [`Recorded`]. It belongs to one viewer and cannot be
/// copied.
#[derive(Debug)]
pub struct AuthorisedReveal {
    summary: RevealSummary,
    terms: Terms,
    request: RevealRequest,
}

impl RevealRequest {
    /// Checks the request against the policy. Accepted or rejected, there is a record to write.
    ///
    /// If the policy requires approvals, `approvals` is the state of the request for this reveal. `salts` are for the
    /// commitments to the query and the justification.
    ///
    /// # Errors
    /// Returns [`Rejection`] with the denial and the record to write.
    pub fn authorise(
        self,
        policy: &PrivacyPolicy,
        approvals: Option<Approvals>,
        reveal: RevealId,
        record: RecordId,
        salts: [Salt; 2],
        now: DateTime<Utc>,
    ) -> Result<Pending<AuthorisedReveal>, Box<Rejection<Denial>>> {
        let request = approvals.as_ref().map(Approvals::request);
        let unapproved = after(now, self.lifetime());
        let terms = self.terms_of(policy, reveal, approvals, now);
        let summary = RevealSummary {
            reveal,
            request,
            terms: self.recorded_terms(reveal.0.as_bytes(), salts),
            expires_at: terms.as_ref().map_or(unapproved.unwrap_or(now), Terms::expires_at),
        };
        let record = self.record(policy, record, now, Event::Reveal(summary.clone()), Outcome::Intended);
        let allowed = terms.map(|terms| AuthorisedReveal { summary, terms, request: self });
        Pending::allowed_or_rejected(record, allowed.map_err(|denial| (Outcome::Denied(denial), denial)))
    }

    fn terms_of(
        &self,
        policy: &PrivacyPolicy,
        reveal: RevealId,
        approvals: Option<Approvals>,
        now: DateTime<Utc>,
    ) -> Result<Terms, Denial> {
        let granted_in = policy.permission(self.viewer())?.granted_in();
        self.check_options(policy)?;
        let from = match &approvals {
            Some(approvals) => approvals.approved_for(self, policy)?.unwrap_or(now),
            None => now,
        };
        let expires_at = after(from, self.lifetime()).ok_or(Denial::LifetimeNotAllowed)?;
        let terms = Terms::new(reveal, self.viewer().clone(), granted_in, from..expires_at, approvals, now);
        terms.check(policy, now)?;
        Ok(terms)
    }
}

impl Recorded<AuthorisedReveal> {
    /// Returns the id of the reveal, as its records name it.
    #[must_use]
    pub fn id(&self) -> RevealId {
        self.terms().reveal()
    }

    /// Returns the viewer.
    #[must_use]
    pub fn viewer(&self) -> &UserId {
        self.terms().viewer()
    }

    /// Returns the time at which the reveal expires.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.terms().expires_at()
    }

    /// Returns the approved request, if the reveal needed approvals. The caller reads its current state from the log
    /// before each page.
    #[must_use]
    pub fn request(&self) -> Option<RequestId> {
        self.act().summary.request
    }

    /// Returns the request that was allowed.
    #[cfg(feature = "export")]
    pub(crate) fn reveal_request(&self) -> &RevealRequest {
        &self.act().request
    }

    /// Notes how long ago the reveal was opened, by a monotonic clock. Call it before
    /// [`permit_page`](Self::permit_page) and before a page is [opened](Recorded::open): while the reveal is idle, a
    /// wall clock that is set back does not show how much time passed.
    pub fn elapsed(&self, at_least: Duration) {
        self.terms().elapsed(at_least);
    }

    /// Permits one page, if the reveal has not ended: the viewer is still an admin under the grant that the reveal was
    /// opened with, and the [request](Self::request) is still approved, according to the current state of the log in
    /// `approvals`.
    ///
    /// A reveal that was found ended, here or when one of its pages was opened, stays ended. Neither a clock that is
    /// set back nor another policy revives it. It has a time of its own, which advances with the clock and never goes
    /// back. Missing approvals end a reveal that was opened without a request. They only suspend one that was opened
    /// with a request, because admins may approve it again.
    ///
    /// `salts` are for the commitments in the page's record: the number of activities, the number of private ones, the
    /// digest of their ids, and their data subjects. The record carries the time `now`, so it does not tell how long
    /// the page took.
    ///
    /// # Errors
    /// Returns [`Rejection`] with the denial and the record to write. That record is the same for a page without
    /// activities.
    pub fn permit_page(
        &self,
        policy: &PrivacyPolicy,
        approvals: Option<Approvals>,
        record: RecordId,
        salts: [Salt; 4],
        now: DateTime<Utc>,
    ) -> Result<PagePermit<'_>, Box<Rejection<Denial>>> {
        let terms = self.current_terms(approvals);
        match terms.check(policy, now) {
            Ok(()) => Ok(PagePermit::new(&self.act().request, terms, policy.revision(), salts, now)),
            Err(reason) => {
                let record = self.denied_page(policy, record, salts, now, reason);
                Err(Box::new(Rejection { reason, record }))
            }
        }
    }

    /// Returns the record of a page that the viewer may not see. It does not depend on the stored activities.
    #[must_use]
    pub fn denied_page(
        &self,
        policy: &PrivacyPolicy,
        record: RecordId,
        salts: [Salt; 4],
        now: DateTime<Utc>,
        why: Denial,
    ) -> Record {
        self.without_page(policy, record, salts, now, Outcome::Denied(why))
    }

    /// Returns the record of a page that is not shown, because the store returned a page of another reveal.
    #[must_use]
    pub fn wrong_page(&self, policy: &PrivacyPolicy, record: RecordId, salts: [Salt; 4], now: DateTime<Utc>) -> Record {
        let outcome = Outcome::Failed { intent: self.record().id, reason: FailureReason::Store };
        self.without_page(policy, record, salts, now, outcome)
    }

    fn without_page(
        &self,
        policy: &PrivacyPolicy,
        record: RecordId,
        salts: [Salt; 4],
        now: DateTime<Utc>,
        outcome: Outcome,
    ) -> Record {
        self.terms().record(record, now, policy.revision(), self.terms().page(&[], salts), outcome)
    }

    /// Ends the reveal and returns the record of that. `salt` is for the commitment to the number of private activities
    /// that were shown.
    #[must_use]
    pub fn close(
        &self,
        record: RecordId,
        salt: Salt,
        now: DateTime<Utc>,
        policy: Option<Revision>,
        shown: RevealTotals,
    ) -> Record {
        self.terms().end(Denial::Closed);
        let (intent, RevealTotals { pages, private }) = (self.record().id, shown);
        let outcome = Outcome::Closed { intent, pages, private: Commitment::new(private, salt) };
        let record = Record {
            id: record,
            at: now,
            initiator: Initiator::User(self.viewer().clone()),
            policy,
            event: Event::Reveal(self.act().summary.clone()),
            outcome: Outcome::Intended,
        };
        // Only the record of the intent holds personal data, so that one redaction removes it.
        Record { outcome, ..record.without_openings() }
    }

    fn terms(&self) -> &Terms {
        &self.act().terms
    }

    /// Returns the terms with the current state of the request. Approvals of another request do not count.
    pub(super) fn current_terms(&self, approvals: Option<Approvals>) -> Terms {
        self.terms().with_approvals(self.request().map(|request| {
            let of_this = approvals.filter(|approvals| approvals.request() == request);
            of_this.unwrap_or_else(|| Approvals::none(request))
        }))
    }
}

/// The totals of a reveal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RevealTotals {
    /// The number of pages that were shown.
    pub pages: u64,
    /// The number of private activities on them. An activity that was shown twice counts twice.
    pub private: u64,
}
