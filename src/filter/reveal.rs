//! A reveal under way.

use std::fmt;
use std::time::Instant;

use thiserror::Error;

use super::view::Page;
use super::{Inner, PrivacyFilter, SaltError};
use crate::engine::Visibility;
use crate::governance::{
    ApprovalDecision, GovernanceSink, Outcome, Receipt, Record, RecordKind, RecordQuery, Refused, RequestId, RevealId,
    Salt, SinkError,
};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy};
use crate::query::{Cursor, CursorError, PageSize, Position};
use crate::reveal::{Approvals, RecordedReveal, RevealRequest, RevealTotals};
use crate::store::StoreError;

/// Private activities, shown to one viewer, page by page, each page recorded before it is returned.
///
/// Belongs to one viewer and one chain of calls: it cannot be copied. Whether the viewer may still see is asked again
/// for every page. Once it was found ended (its lifetime was over, the permission revoked, the request denied), it stays
/// ended, whatever the clock and the policy do. [`close`](Self::close) records how much was seen; one that is dropped instead stays in the
/// governance log as an intent without an outcome.
pub struct Reveal {
    pub(super) filter: PrivacyFilter,
    recorded: RecordedReveal,
    /// By a clock that does not go back.
    opened: Instant,
    /// Where each page that was read so far ended: its cursors are numbers in here.
    ends: Vec<Position>,
    seen: RevealTotals,
    /// Seals the closing, which must not fail for want of it.
    of_closing: Salt,
}

/// Why nothing private is shown. Says nothing of whether there is anything.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RevealError {
    /// The viewer may not.
    #[error(transparent)]
    Denied(Denial),
    /// It could not be recorded, so nothing is shown.
    #[error("the reveal could not be recorded, so nothing is shown")]
    Unrecorded(#[source] SinkError),
    /// What others said to the request cannot be read, so nothing is shown.
    #[error("the approvals cannot be read, so nothing is shown")]
    ApprovalsUnreadable(#[source] SinkError),
    /// The store broke its contract: it answered with a page that it read for another reveal.
    #[error("the store answered for another reveal, so nothing is shown")]
    WrongPage,
    /// There were no salts to seal its record with, so nothing is shown.
    #[error(transparent)]
    Salt(#[from] SaltError),
    /// The cursor is of no use here.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PrivacyFilter {
    /// Opens a reveal: asks the policy, and records the intent before anything can be seen. A refusal is recorded too.
    ///
    /// # Errors
    /// [`RevealError::Denied`] with the reason; [`RevealError::Unrecorded`] when the record may not be durable.
    pub fn reveal(&self, request: RevealRequest) -> Result<Reveal, RevealError> {
        self.open_reveal(request, None)
    }

    /// Asks other admins to approve a reveal, where the policy wants that. The request and what is said to it are
    /// governance records; a refusal is recorded too.
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
    /// // The other one sees what is asked for, and checks the query that they were told.
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
    /// [`RevealError::Denied`] with the reason; [`RevealError::Unrecorded`] when the record may not be durable.
    pub fn request_reveal(&self, request: &RevealRequest) -> Result<RequestId, RevealError> {
        let policy = self.inner.policy()?;
        let id = RequestId((self.inner.runtime.fresh)());
        let (record, salts) = (self.inner.fresh_record(), self.inner.runtime.salts()?);
        let record =
            request.ask(&policy, id, record, salts, self.inner.now()).map_err(|refused| self.refuse(&refused))?;
        self.inner.on_record(&record)?;
        Ok(id)
    }

    /// Approves or denies the request of somebody else, or takes one's own back; and says what the log says of it now,
    /// because something else may have come first. A refusal is recorded.
    ///
    /// # Errors
    /// [`RevealError::Denied`] with the reason; [`RevealError::Unrecorded`] when the record may not be durable;
    /// [`RevealError::ApprovalsUnreadable`] when the log cannot be read.
    pub fn decide_request(
        &self,
        by: &UserId,
        request: RequestId,
        answer: ApprovalDecision,
    ) -> Result<Approvals, RevealError> {
        let policy = self.inner.policy()?;
        let approvals = self.inner.approvals_for(&policy, by, request)?;
        let record = approvals
            .answer(&policy, by, answer, self.inner.fresh_record(), self.inner.now())
            .map_err(|refused| self.refuse(&refused))?;
        if answer == ApprovalDecision::Approve && approvals.has_one_of(by, &policy) {
            return Ok(approvals);
        }
        self.inner.on_record(&record)?;
        self.inner.approvals(request)
    }

    /// What was asked for with a request, and what was said to it. For whoever may read the governance log; a refusal is
    /// recorded.
    ///
    /// # Errors
    /// [`RevealError::Denied`] to anybody else; [`RevealError::ApprovalsUnreadable`] when the log cannot be read.
    pub fn approvals(&self, reader: &UserId, request: RequestId) -> Result<Approvals, RevealError> {
        let policy = self.inner.policy()?;
        self.inner.check_reader(&policy, reader).map_err(RevealError::Denied)?;
        Ok(self.inner.approvals(request)?.told(policy.may_view_private(reader).is_ok()))
    }

    /// Opens a reveal that was approved: exactly what was asked for, by whoever asked for it. Its lifetime began with the
    /// last approval that it needed.
    ///
    /// # Errors
    /// As [`Self::reveal`], and [`RevealError::ApprovalsUnreadable`] when the log cannot be read.
    pub fn reveal_approved(&self, request: RevealRequest, approved: RequestId) -> Result<Reveal, RevealError> {
        // Whoever may not look is refused on record, also when the log cannot be read.
        if self.inner.policy()?.may_view_private(request.viewer()).is_err() {
            return self.open_reveal(request, Some(Approvals::none(approved)));
        }
        let mut said = Vec::new();
        let approvals = self.inner.approvals_with(approved, |record| said.push(record.clone()))?;
        // What is in the log need not have been answered for, by all sinks or a quorum. Offered again, it is.
        for record in said.iter().filter(|record| record.outcome == Outcome::Recorded) {
            self.inner.on_record(record)?;
        }
        self.open_reveal(request, Some(approvals))
    }

    fn open_reveal(&self, request: RevealRequest, approvals: Option<Approvals>) -> Result<Reveal, RevealError> {
        let opened = Instant::now();
        let policy = self.inner.policy()?;
        let id = RevealId((self.inner.runtime.fresh)());
        let [of_query, of_justification, of_closing] = self.inner.runtime.salts()?;
        let (record, salts) = (self.inner.fresh_record(), [of_query, of_justification]);
        let pending = request
            .authorise(&policy, approvals, id, record, salts, self.inner.now())
            .map_err(|refused| self.refuse(&refused))?;
        let receipt = self.inner.sink.record(pending.record()).map_err(RevealError::Unrecorded)?;
        let recorded = pending.recorded(&receipt).map_err(RevealError::Unrecorded)?;
        let seen = RevealTotals::default();
        Ok(Reveal { filter: self.clone(), recorded, opened, ends: Vec::new(), seen, of_closing })
    }

    fn refuse(&self, refused: &Refused<Denial>) -> RevealError {
        self.inner.record_refusal(&refused.record);
        RevealError::Denied(refused.reason)
    }
}

impl Inner {
    /// Makes a record durable that is itself what was to be done.
    fn on_record(&self, record: &Record) -> Result<(), RevealError> {
        let receipt = self.sink.record(record).map_err(RevealError::Unrecorded)?;
        receipt.confirm(record).map(drop).map_err(RevealError::Unrecorded)
    }

    /// What the log says now of a request, for somebody who may view private activities. To anybody else it says nothing:
    /// they are refused on record, also when the log cannot be read.
    fn approvals_for(
        &self,
        policy: &PrivacyPolicy,
        user: &UserId,
        request: RequestId,
    ) -> Result<Approvals, RevealError> {
        if policy.may_view_private(user).is_ok() { self.approvals(request) } else { Ok(Approvals::none(request)) }
    }

    /// What the log says now of a request.
    fn approvals(&self, request: RequestId) -> Result<Approvals, RevealError> {
        self.approvals_with(request, |_| {})
    }

    /// The same; hands every record that says something of it to `take`.
    fn approvals_with(&self, request: RequestId, mut take: impl FnMut(&Record)) -> Result<Approvals, RevealError> {
        let mut approvals = Approvals::none(request);
        // One kind after the other, because a sink can look them up so, before each page; no answer comes before its
        // request.
        for kind in [RecordKind::RevealRequest, RecordKind::Approval] {
            let query = RecordQuery { kind: Some(kind), target: Some(request.to_string()), ..RecordQuery::default() };
            let read = self.each_record(&query, |entry| {
                approvals.add(&entry.record);
                take(&entry.record);
            });
            read.map_err(RevealError::ApprovalsUnreadable)?;
        }
        self.requests.look(&mut approvals, self.now());
        Ok(approvals)
    }
}

impl Reveal {
    /// The reveal's id, as its records name it.
    #[must_use]
    pub fn id(&self) -> RevealId {
        self.recorded.id()
    }

    /// The receipt of the record that it began with.
    pub fn receipt(&self) -> &Receipt {
        self.recorded.receipt()
    }

    /// The page after `cursor`, or the first one, private activities included and marked.
    ///
    /// Its record is made at the time when it is asked for, so readers of the log do not learn how long it took. They do learn
    /// how many pages were asked for, and that a page was refused because the reveal ended while it was read.
    ///
    /// # Errors
    /// [`RevealError::Denied`] once the permission is revoked or the lifetime is over; [`RevealError::Cursor`] when the
    /// cursor came with another reveal, or with a view; both are recorded. [`RevealError::Unrecorded`] when the record of
    /// the page may not be durable. Nothing is shown then.
    pub fn page(&mut self, size: PageSize, cursor: Option<&Cursor>) -> Result<Page, RevealError> {
        let inner = &self.filter.inner;
        let policy = inner.policy()?;
        let approvals = self.recorded.request();
        let approvals = approvals.map(|request| inner.approvals_for(&policy, self.recorded.viewer(), request));
        let approvals = approvals.transpose()?;
        let (record, salts) = (inner.fresh_record(), inner.runtime.salts()?);
        // For the record of a page that is not shown after all.
        let spare = inner.runtime.salts()?;
        self.recorded.lasted(self.opened.elapsed());
        let admission = self
            .recorded
            .admit(&policy, approvals, record, salts, inner.now())
            .map_err(|refused| self.filter.refuse(&refused))?;
        // After the permission: whoever lost it is refused on record for that, whatever they bring along.
        let after = match cursor.map(|cursor| self.end_of(cursor)).transpose() {
            Ok(after) => after,
            Err(error) => {
                let record = inner.fresh_record();
                let refusal = self.recorded.refusal(&policy, record, spare, inner.now(), Denial::ForeignCursor);
                inner.record_refusal(&refusal);
                return Err(error.into());
            }
        };
        let sealed = inner.store.revealed_page(admission, after, size.get() + 1)?;
        // The record would name whoever the page was read for, not whoever sees it.
        if sealed.reveal() != self.id() {
            inner.record_refusal(&self.recorded.wrong_page(&policy, inner.fresh_record(), spare, inner.now()));
            return Err(RevealError::WrongPage);
        }
        let (pending, ends_at) = sealed.pending(size.get(), inner.fresh_record());
        let receipt = inner.sink.record(pending.record()).map_err(RevealError::Unrecorded)?;
        let page = pending.recorded(&receipt).map_err(RevealError::Unrecorded)?;
        self.recorded.lasted(self.opened.elapsed());
        let activities = page
            .open(&*inner.policy()?, inner.fresh_record(), inner.now())
            .map_err(|refused| self.filter.refuse(&refused))?;

        self.seen.pages += 1;
        self.seen.private +=
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

    /// Where the page ended that a cursor came with, if it came with a page of this reveal.
    fn end_of(&self, cursor: &Cursor) -> Result<&Position, CursorError> {
        let page = cursor.in_reveal(self.id())?;
        self.ends.get(page as usize).ok_or(CursorError::Foreign)
    }

    /// Ends the reveal and records how much was seen.
    ///
    /// # Errors
    /// [`RevealError::Unrecorded`] when the record may not be durable; the reveal has ended all the same.
    pub fn close(self) -> Result<RevealTotals, RevealError> {
        let inner = &self.filter.inner;
        let policy = inner.policy().ok().map(|policy| policy.revision());
        let record = self.recorded.closing(inner.fresh_record(), self.of_closing, inner.now(), policy, self.seen);
        inner
            .sink
            .record(&record)
            .map_err(RevealError::Unrecorded)?
            .confirm(&record)
            .map_err(RevealError::Unrecorded)?;
        Ok(self.seen)
    }
}

/// Shows nothing of what was seen: how many private activities there were is for the viewer alone.
impl fmt::Debug for Reveal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reveal").field("recorded", &self.recorded).finish_non_exhaustive()
    }
}
