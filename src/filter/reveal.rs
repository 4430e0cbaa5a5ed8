//! A reveal under way.

use thiserror::Error;

use super::PrivacyFilter;
use super::view::Page;
use crate::governance::{GovernanceSink, Refused, RevealId, SinkError};
use crate::policy::Denial;
use crate::query::{Cursor, CursorError, PageSize, Position};
use crate::reveal::{RecordedReveal, RevealRequest, Seen};
use crate::screen::Visibility;
use crate::store::StoreError;

/// Private activities, shown to one viewer, page by page, each page recorded before it is returned.
///
/// Belongs to one viewer and one chain of calls: it cannot be copied. Whether the viewer may still see is asked again
/// for every page. [`close`](Self::close) records how much was seen; one that is dropped instead stays in the
/// governance log as an intent without an outcome.
#[derive(Debug)]
pub struct Reveal {
    filter: PrivacyFilter,
    recorded: RecordedReveal,
    /// Where each page that was read so far ended: its cursors are numbers in here.
    ends: Vec<Position>,
    seen: Seen,
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
    /// The store broke its contract: it answered with a page that it read for another reveal.
    #[error("the store answered for another reveal, so nothing is shown")]
    WrongPage,
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
        let policy = self.inner.policy()?;
        let id = RevealId((self.inner.runtime.fresh)());
        let pending = request
            .authorise(&policy, id, self.inner.fresh_record(), self.inner.now())
            .map_err(|refused| self.refuse(&refused))?;
        let receipt = self.inner.sink.record(pending.record()).map_err(RevealError::Unrecorded)?;
        let recorded = pending.recorded(&receipt).map_err(RevealError::Unrecorded)?;
        Ok(Reveal { filter: self.clone(), recorded, ends: Vec::new(), seen: Seen::default() })
    }

    fn refuse(&self, refused: &Refused<Denial>) -> RevealError {
        self.inner.record_refusal(&refused.record);
        RevealError::Denied(refused.reason)
    }
}

impl Reveal {
    /// The reveal's id, as its records name it.
    #[must_use]
    pub fn id(&self) -> RevealId {
        self.recorded.id()
    }

    /// The page after `cursor`, or the first one, private activities included and marked.
    ///
    /// # Errors
    /// [`RevealError::Denied`] once the permission is revoked or the lifetime is over; [`RevealError::Unrecorded`] when
    /// the record of the page may not be durable. Nothing is shown then.
    pub fn page(&mut self, size: PageSize, cursor: Option<&Cursor>) -> Result<Page, RevealError> {
        let inner = &self.filter.inner;
        let policy = inner.policy()?;
        let admission = self
            .recorded
            .admit(&policy, inner.fresh_record(), inner.now())
            .map_err(|refused| self.filter.refuse(&refused))?;
        // After the permission: whoever lost it is refused on record, whatever they bring along.
        let after = match cursor.map(|cursor| cursor.in_reveal(self.id())).transpose()? {
            Some(page) => Some(self.ends.get(page as usize).ok_or(CursorError::Foreign)?),
            None => None,
        };
        let sealed = inner.store.revealed_page(admission, after, size.get() + 1)?;
        // The record would name whoever the page was read for, not whoever sees it.
        if sealed.reveal() != self.id() {
            return Err(RevealError::WrongPage);
        }
        let (pending, more) = sealed.pending(size.get(), inner.fresh_record(), inner.now());
        let receipt = inner.sink.record(pending.record()).map_err(RevealError::Unrecorded)?;
        let page = pending.recorded(&receipt).map_err(RevealError::Unrecorded)?;
        let activities = page
            .open(&*inner.policy()?, inner.fresh_record(), inner.now())
            .map_err(|refused| self.filter.refuse(&refused))?;

        self.seen.pages += 1;
        self.seen.private +=
            activities.iter().filter(|activity| activity.visibility() == Visibility::Private).count() as u64;
        let next = match activities.last().filter(|_| more) {
            Some(last) => {
                let number = u32::try_from(self.ends.len()).map_err(|_| CursorError::Foreign)?;
                self.ends.push(Position::of(last.activity()));
                Some(Cursor::of_reveal(self.id(), number))
            }
            None => None,
        };
        Ok(Page::new(activities, next))
    }

    /// Ends the reveal and records how much was seen.
    ///
    /// # Errors
    /// [`RevealError::Unrecorded`] when the record may not be durable; the reveal has ended all the same.
    pub fn close(self) -> Result<Seen, RevealError> {
        let inner = &self.filter.inner;
        let policy = inner.policy().ok().map(|policy| policy.revision());
        let record = self.recorded.closing(inner.fresh_record(), inner.now(), policy, self.seen);
        inner
            .sink
            .record(&record)
            .map_err(RevealError::Unrecorded)?
            .confirm(&record)
            .map_err(RevealError::Unrecorded)?;
        Ok(self.seen)
    }
}
