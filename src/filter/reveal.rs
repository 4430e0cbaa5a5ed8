//! Reveals and their approvals.

use std::fmt;
use std::time::Instant;

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::view::Page;
use super::{Inner, PrivacyFilter, SaltError};
use crate::engine::Visibility;
use crate::governance::{
    ApprovalDecision, GovernanceSink, Outcome, Receipt, Record, RecordKind, RecordQuery, Recorded, RequestId, RevealId,
    Salt, SinkError,
};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy};
use crate::query::{Cursor, CursorError, PageSize, Position};
use crate::reveal::{Approvals, AuthorisedReveal, RevealRequest, RevealTotals};
use crate::store::StoreError;
#[cfg(feature = "export")]
use crate::{
    governance::{ExportFormat, Pending, PrivateRows},
    reveal::RevealExport,
};

/// A reveal of private activities to one viewer, page by page. Each page is recorded before it is returned.
///
/// A reveal belongs to one viewer and one chain of calls, and cannot be copied. The filter checks before every page
/// whether the viewer may still see it. A reveal that was found ended, because its lifetime was over, the permission
/// revoked or the request denied, stays ended, even if the clock is set back or the policy changes.
/// [`close`](Self::close) records the totals. A reveal that is dropped instead stays in the governance log as an intent
/// without an outcome.
pub struct Reveal {
    pub(super) filter: PrivacyFilter,
    recorded: Recorded<AuthorisedReveal>,
    /// By a monotonic clock.
    opened: Instant,
    /// The position after which each page so far ended. A cursor is an index of this.
    ends: Vec<Position>,
    shown: RevealTotals,
    /// For the record of the closing, which must not fail for lack of a salt.
    closing_salt: Salt,
}

/// The reason why no private activities are shown. It does not tell whether there are any.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RevealError {
    /// The viewer may not see them.
    #[error(transparent)]
    Denied(Denial),
    /// The reveal could not be recorded, so nothing is shown.
    #[error("the reveal could not be recorded, so nothing is shown")]
    Unrecorded(#[source] SinkError),
    /// The request, or the answer to it, may be on record or not. It counts if it is.
    #[error("the request {request} or the answer to it may be on record or not; read the request before you repeat it")]
    OutcomeUnknown {
        /// The request, to [read](PrivacyFilter::approvals).
        request: RequestId,
        /// The reason why it is not known.
        source: SinkError,
    },
    /// The reveal has ended, but its totals could not be recorded.
    #[error("the reveal has ended, but its totals could not be recorded")]
    OutcomeUnrecorded(#[source] SinkError),
    /// The approvals cannot be read, so nothing is shown.
    #[error("the approvals cannot be read, so nothing is shown")]
    ApprovalsUnreadable(#[source] SinkError),
    /// The store broke its contract: it returned a page that it read for another reveal.
    #[error("the store returned a page of another reveal, so nothing is shown")]
    WrongPage,
    /// There were no random bytes for the salts of the record, so nothing is shown.
    #[error(transparent)]
    Salt(#[from] SaltError),
    /// The cursor does not belong to this reveal.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PrivacyFilter {
    /// Opens a reveal, if the policy allows it. The intent is recorded before anything can be seen. A rejection is
    /// recorded too.
    ///
    /// # Errors
    /// Returns [`RevealError::Denied`] if the policy does not allow it, and [`RevealError::Unrecorded`] if the record
    /// might not be durable.
    pub fn reveal(&self, request: RevealRequest) -> Result<Reveal, RevealError> {
        self.open_reveal(request, None)
    }

    /// Asks other admins to approve a reveal, which the policy can require. The request and the answers to it are
    /// governance records. A rejection is recorded too.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::{Duration, SystemTime};
    /// use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
    /// use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, User};
    /// use activity_privacy::filter::PrivacyFilter;
    /// use activity_privacy::governance::ApprovalDecision;
    /// use activity_privacy::identity::{Alias, TextError, UserId};
    /// use activity_privacy::policy::{Administrators, OptionsPatch, PolicyChange, Purpose};
    /// use activity_privacy::query::Query;
    /// use activity_privacy::reveal::{Acknowledgement, RevealRequest};
    ///
    /// let (officer, council) = (UserId::new("u-1")?, UserId::new("u-2")?);
    /// let directory = MemoryDirectory::new();
    /// let person = |id: &UserId, name: &str| Ok::<_, TextError>(User::new(id.clone()).with_alias(Alias::new(name)?));
    /// let import = DirectoryBuilder::new().user(person(&officer, "officer@contoso.com")?).user(person(&council, "council@contoso.com")?);
    /// directory.install(import.build(DirectoryRevision(1), SystemTime::now().into())?)?;
    /// // Two administrators, who permit each other to view private activities.
    /// let administrators = Administrators::new(officer.clone(), council.clone())?;
    /// let filter = PrivacyFilter::builder(MemoryStore::new(), directory, MemorySink::new()).initialize(administrators)?;
    /// filter.update_policy(&council, PolicyChange::Grant(Alias::new("officer@contoso.com")?))?;
    /// let approved = PolicyChange::SetOptions(OptionsPatch::new().approvals_required(1));
    /// filter.update_policy(&officer, [PolicyChange::Grant(Alias::new("council@contoso.com")?), approved])?;
    ///
    /// let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    /// let wish = RevealRequest::new(officer, Query::all(), Duration::from_secs(600), audited)
    ///     .for_purpose(Purpose::new("security incident")?);
    /// let request = filter.request_reveal(&wish)?;
    ///
    /// // The other one reads the request, and checks that it is for the query that was announced to them.
    /// let approvals = filter.approvals(&council, request)?;
    /// assert!(approvals.asked().is_some_and(|(_, asked)| asked.is_about(&Query::all())));
    /// filter.decide_request(&council, request, ApprovalDecision::Approve)?;
    ///
    /// let reveal = filter.reveal_approved(wish, request)?;
    /// reveal.close()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`RevealError::Denied`] if the viewer may not ask, and [`RevealError::OutcomeUnknown`] if the record
    /// might not be durable.
    pub fn request_reveal(&self, request: &RevealRequest) -> Result<RequestId, RevealError> {
        let policy = self.inner.policy()?;
        let id = RequestId((self.inner.runtime.fresh)());
        let (record, salts) = (self.inner.fresh_record(), self.inner.runtime.salts()?);
        let requested = request.ask(&policy, id, record, salts, self.inner.now());
        let pending = self.inner.allowed_or_record_rejection(requested).map_err(RevealError::Denied)?;
        self.inner.record(pending).map(|_| id).map_err(|source| RevealError::OutcomeUnknown { request: id, source })
    }

    /// Approves or denies a request of another viewer, or withdraws an own one, in the name of `by`. Returns the state
    /// of the request in the log, because another answer may have come first. A rejection is recorded. If the log
    /// cannot be read once the answer is durable, answers that came in between are missing from the state.
    ///
    /// # Errors
    /// Returns [`RevealError::Denied`] if `by` may not give this answer, [`RevealError::OutcomeUnknown`] if the record
    /// might not be durable, and [`RevealError::ApprovalsUnreadable`] if the log cannot be read before the answer.
    pub fn decide_request(
        &self,
        by: &UserId,
        request: RequestId,
        answer: ApprovalDecision,
    ) -> Result<Approvals, RevealError> {
        let policy = self.inner.policy()?;
        let mut approvals = self.inner.approvals_for(&policy, by, request)?;
        let requested = approvals.answer(&policy, by, answer, self.inner.fresh_record(), self.inner.now());
        let pending = self.inner.allowed_or_record_rejection(requested).map_err(RevealError::Denied)?;
        if answer == ApprovalDecision::Approve && approvals.has_one_of(by, &policy) {
            return Ok(approvals);
        }
        let recorded = self.inner.record(pending).map_err(|source| RevealError::OutcomeUnknown { request, source })?;
        // The answer counts, even if the log cannot be read again.
        Ok(self.inner.approvals(request).unwrap_or_else(|_| {
            approvals.add(recorded.record());
            approvals
        }))
    }

    /// Returns a request and the answers to it, to readers of the governance log. A rejection is recorded.
    ///
    /// # Errors
    /// Returns [`RevealError::Denied`] if the reader may not read the log, and [`RevealError::ApprovalsUnreadable`] if
    /// the log cannot be read.
    pub fn approvals(&self, reader: &UserId, request: RequestId) -> Result<Approvals, RevealError> {
        let policy = self.inner.policy()?;
        self.inner.check_reader(&policy, reader).map_err(RevealError::Denied)?;
        Ok(self.inner.approvals(request)?.visible_to_reader(policy.may_view_private(reader).is_ok()))
    }

    /// Opens a reveal that was approved. `request` must be exactly the one that was approved, by the same viewer, with
    /// the values of its query in the same order. The lifetime began with the last approval that it needed. Until it
    /// ends, the reveal can be opened again; each opening is recorded.
    ///
    /// # Errors
    /// Returns the errors of [`Self::reveal`], and [`RevealError::ApprovalsUnreadable`] if the log cannot be read.
    pub fn reveal_approved(&self, request: RevealRequest, approved: RequestId) -> Result<Reveal, RevealError> {
        // The denial is recorded, whether or not the log can be read.
        if self.inner.policy()?.may_view_private(request.viewer()).is_err() {
            return self.open_reveal(request, Some(Approvals::none(approved)));
        }
        let mut records = Vec::new();
        let approvals = self.inner.approvals_with(approved, |record| records.push(record.clone()))?;
        // A record in the log need not have been confirmed by all sinks, or a quorum. Offering it again confirms it.
        for record in records.iter().filter(|record| record.outcome == Outcome::Recorded) {
            self.inner.record_only(record).map_err(RevealError::Unrecorded)?;
        }
        self.open_reveal(request, Some(approvals))
    }

    fn open_reveal(&self, request: RevealRequest, approvals: Option<Approvals>) -> Result<Reveal, RevealError> {
        let opened = Instant::now();
        let policy = self.inner.policy()?;
        let id = RevealId((self.inner.runtime.fresh)());
        let [of_query, of_justification, closing_salt] = self.inner.runtime.salts()?;
        let (record, salts) = (self.inner.fresh_record(), [of_query, of_justification]);
        let requested = request.authorise(&policy, approvals, id, record, salts, self.inner.now());
        let pending = self.inner.allowed_or_record_rejection(requested).map_err(RevealError::Denied)?;
        let recorded = self.inner.record(pending).map_err(RevealError::Unrecorded)?;
        let shown = RevealTotals::default();
        Ok(Reveal { filter: self.clone(), recorded, opened, ends: Vec::new(), shown, closing_salt })
    }
}

impl Inner {
    /// Makes a record durable that has no act of its own: a closing, an outcome, or a record that is offered again.
    pub(super) fn record_only(&self, record: &Record) -> Result<(), SinkError> {
        self.sink.record(record)?.confirm(record).map(drop)
    }

    /// Returns the state of a request, if the user may view private activities. For any other user it is not read, so
    /// that their denial is recorded even if the log cannot be read.
    fn approvals_for(
        &self,
        policy: &PrivacyPolicy,
        user: &UserId,
        request: RequestId,
    ) -> Result<Approvals, RevealError> {
        if policy.may_view_private(user).is_ok() { self.approvals(request) } else { Ok(Approvals::none(request)) }
    }

    /// Returns the state of a request in the log.
    fn approvals(&self, request: RequestId) -> Result<Approvals, RevealError> {
        self.approvals_with(request, |_| {})
    }

    /// Returns the state of a request in the log, and passes every record of it to `take`.
    fn approvals_with(&self, request: RequestId, mut take: impl FnMut(&Record)) -> Result<Approvals, RevealError> {
        let mut approvals = Approvals::none(request);
        // One query for each kind, which a sink can look up fast. A request comes before its answers.
        for kind in [RecordKind::RevealRequest, RecordKind::Approval] {
            let query = RecordQuery { kind: Some(kind), target: Some(request.to_string()), ..RecordQuery::default() };
            let read = self.each_record(&query, |entry| {
                approvals.add(&entry.record);
                take(&entry.record);
            });
            read.map_err(RevealError::ApprovalsUnreadable)?;
        }
        self.requests.note_read(&mut approvals, self.now());
        Ok(approvals)
    }
}

impl Reveal {
    /// Returns the id of the reveal, as its records name it.
    #[must_use]
    pub fn id(&self) -> RevealId {
        self.recorded.id()
    }

    /// Returns the viewer, to whom alone the pages may be shown.
    #[must_use]
    pub fn viewer(&self) -> &UserId {
        self.recorded.viewer()
    }

    /// Returns the time at which the reveal expires. It can end earlier: see [`page`](Self::page).
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.recorded.expires_at()
    }

    /// Returns the receipt for the record of its intent.
    pub fn receipt(&self) -> &Receipt {
        self.recorded.receipt()
    }

    /// Returns the page after `cursor`, or the first one. Each activity carries its visibility.
    ///
    /// The record of the page carries the time of this call, so readers of the log do not learn how long the page took.
    /// They do learn how many pages were requested, and that a page was rejected because the reveal ended while it was
    /// read.
    ///
    /// # Errors
    /// Returns [`RevealError::Denied`] if the permission was revoked or the lifetime is over, and
    /// [`RevealError::Cursor`] if the cursor belongs to another reveal or to a view; both are recorded. Returns
    /// [`RevealError::Unrecorded`] if the record of the page might not be durable.
    pub fn page(&mut self, size: PageSize, cursor: Option<&Cursor>) -> Result<Page, RevealError> {
        let inner = &self.filter.inner;
        let policy = inner.policy()?;
        let approvals = self.approvals(&policy)?;
        let (record, salts) = (inner.fresh_record(), inner.runtime.salts()?);
        // For the record of a page that is not shown after all.
        let unshown_salts = inner.runtime.salts()?;
        self.recorded.elapsed(self.opened.elapsed());
        let requested = self.recorded.permit_page(&policy, approvals, record, salts, inner.now());
        let permit = inner.allowed_or_record_rejection(requested).map_err(RevealError::Denied)?;
        // Checked after the permission, so that a viewer who lost it is denied for that, whatever the cursor.
        let after = match cursor.map(|cursor| self.end_of(cursor)).transpose() {
            Ok(after) => after,
            Err(error) => {
                let record = inner.fresh_record();
                let now = inner.now();
                inner.record_rejection(&self.recorded.denied_page(
                    &policy,
                    record,
                    unshown_salts,
                    now,
                    Denial::ForeignCursor,
                ));
                return Err(error.into());
            }
        };
        let sealed = inner.store.revealed_page(permit, after, size.get() + 1)?;
        // The record of the page would name the viewer of the other reveal.
        if sealed.reveal() != self.id() {
            let record = inner.fresh_record();
            inner.record_rejection(&self.recorded.wrong_page(&policy, record, unshown_salts, inner.now()));
            return Err(RevealError::WrongPage);
        }
        let (pending, ends_at) = sealed.pending(size.get(), inner.fresh_record());
        let page = inner.record(pending).map_err(RevealError::Unrecorded)?;
        let receipt = page.receipt().clone();
        self.recorded.elapsed(self.opened.elapsed());
        let opened = page.open(&*inner.policy()?, inner.fresh_record(), inner.now());
        let activities = inner.allowed_or_record_rejection(opened).map_err(RevealError::Denied)?;

        self.shown.pages += 1;
        self.shown.private +=
            activities.iter().filter(|activity| activity.visibility() == Visibility::Private).count() as u64;
        let next = match ends_at {
            Some(position) => {
                let number = u32::try_from(self.ends.len()).map_err(|_| CursorError::Foreign)?;
                self.ends.push(position);
                Some(Cursor::of_reveal(self.id(), number))
            }
            None => None,
        };
        Ok(Page::new(activities, next, Some(receipt)))
    }

    /// Returns the current state of the request, if the reveal was opened with one.
    fn approvals(&self, policy: &PrivacyPolicy) -> Result<Option<Approvals>, RevealError> {
        let of = |request| self.filter.inner.approvals_for(policy, self.recorded.viewer(), request);
        self.recorded.request().map(of).transpose()
    }

    /// Permits an export. A rejection is recorded.
    #[cfg(feature = "export")]
    pub(super) fn permit_export(&self, how: (ExportFormat, PrivateRows)) -> Result<Pending<RevealExport>, RevealError> {
        let inner = &self.filter.inner;
        let policy = inner.policy()?;
        let approvals = self.approvals(&policy)?;
        self.recorded.elapsed(self.opened.elapsed());
        let requested = self.recorded.permit_export(&policy, approvals, how, inner.fresh_record(), inner.now());
        inner.allowed_or_record_rejection(requested).map_err(RevealError::Denied)
    }

    /// Returns the request of the reveal.
    #[cfg(feature = "export")]
    pub(super) fn request(&self) -> &RevealRequest {
        self.recorded.reveal_request()
    }

    /// Returns the position after which the page of a cursor ended, if it is a page of this reveal.
    fn end_of(&self, cursor: &Cursor) -> Result<&Position, CursorError> {
        let page = cursor.in_reveal(self.id())?;
        self.ends.get(page as usize).ok_or(CursorError::Foreign)
    }

    /// Ends the reveal and records its totals.
    ///
    /// # Errors
    /// Returns [`RevealError::OutcomeUnrecorded`] if the record might not be durable. The reveal has ended all the
    /// same.
    pub fn close(self) -> Result<RevealTotals, RevealError> {
        let inner = &self.filter.inner;
        let policy = inner.policy().ok().map(|policy| policy.revision());
        let record = self.recorded.close(inner.fresh_record(), self.closing_salt, inner.now(), policy, self.shown);
        inner.record_only(&record).map_err(RevealError::OutcomeUnrecorded)?;
        Ok(self.shown)
    }
}

/// Does not show the totals, because only the viewer may know the number of private activities.
impl fmt::Debug for Reveal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reveal").field("recorded", &self.recorded).finish_non_exhaustive()
    }
}
