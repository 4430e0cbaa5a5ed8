//! The log as somebody without a reveal sees it.

use serde::Serialize;
use thiserror::Error;

use super::PrivacyFilter;
use crate::activity::ActivityId;
use crate::engine::Visibility;
use crate::governance::Receipt;
use crate::identity::UserId;
use crate::query::{CountBy, Counts, Cursor, CursorError, PageSize, Query, end_page};
use crate::store::{PublicPage, StoreError};
use crate::stored::{PublicActivity, StoredActivity};

/// The public log for one viewer. Everything that can be observed through it is as if no private activity had ever been
/// stored; being permitted to view private activities changes nothing here.
#[derive(Debug, Clone)]
pub struct View {
    filter: PrivacyFilter,
    viewer: UserId,
}

/// One page of the log, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    pub(super) activities: Vec<StoredActivity>,
    #[serde(serialize_with = "as_token")]
    pub(super) next: Option<Cursor>,
    pub(super) includes_private: bool,
    #[serde(skip)]
    receipt: Option<Receipt>,
}

impl Page {
    /// What is on it. Each activity carries its visibility, so that a user interface can mark the private ones.
    #[must_use]
    pub fn activities(&self) -> &[StoredActivity] {
        &self.activities
    }

    /// Where the next page begins; none on the last one.
    #[must_use]
    pub fn next(&self) -> Option<&Cursor> {
        self.next.as_ref()
    }

    /// Whether private activities are on it.
    #[must_use]
    pub fn includes_private(&self) -> bool {
        self.includes_private
    }

    /// The receipt of its record, if it is a page of a reveal. With it goes a
    #[cfg_attr(feature = "ledger", doc = "[proof](crate::ledger::LedgerSink::inclusion_proof)")]
    #[cfg_attr(not(feature = "ledger"), doc = "proof")]
    /// that the record is in the log, where there is a ledger.
    #[must_use]
    pub fn receipt(&self) -> Option<&Receipt> {
        self.receipt.as_ref()
    }

    pub(super) fn new(activities: Vec<StoredActivity>, next: Option<Cursor>, receipt: Option<Receipt>) -> Self {
        let includes_private = activities.iter().any(|activity| activity.visibility() == Visibility::Private);
        Self { activities, next, includes_private, receipt }
    }
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn as_token<S: serde::Serializer>(cursor: &Option<Cursor>, serializer: S) -> Result<S::Ok, S::Error> {
    cursor.as_ref().map(ToString::to_string).serialize(serializer)
}

/// Why a view does not answer. Says nothing of what there is to see.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The cursor is of no use here.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl View {
    pub(super) fn new(filter: PrivacyFilter, viewer: UserId) -> Self {
        Self { filter, viewer }
    }

    /// Returns the page after `cursor`, or the first one. Stable while activities keep arriving: nothing that was there is
    /// shown twice or left out.
    ///
    /// A page can hold fewer activities than asked for, or none, and still have a [next](Page::next) one: a store reads a
    /// limited number of activities for one page.
    ///
    /// A cursor of another view or of a reveal is refused and not recorded: without a reveal no cursor leads to anything
    /// private, and views of what is public are on no record.
    ///
    /// # Errors
    /// [`ViewError::Cursor`] when the cursor came with another query or for another viewer.
    pub fn page(&self, query: &Query, size: PageSize, cursor: Option<&Cursor>) -> Result<Page, ViewError> {
        let after = cursor.map(|cursor| cursor.in_view(&self.viewer, query)).transpose()?;
        // One more than asked for, to know whether there is a next page.
        self.filter.inner.not_apart()?;
        let PublicPage { activities, stopped_at } =
            self.filter.inner.store.public_page(query, after, size.get() + 1)?;
        let mut activities = activities.into_iter().map(PublicActivity::into_stored).collect();
        let ends_at = end_page(&mut activities, size.get(), stopped_at);
        let next = ends_at.map(|position| Cursor::of_view(&self.viewer, query, position));
        Ok(Page::new(activities, next, None))
    }

    /// One activity. A hidden id and an unknown one get the same answer.
    ///
    /// # Errors
    /// [`ViewError::Store`] when the store failed.
    pub fn activity(&self, id: &ActivityId) -> Result<Option<PublicActivity>, ViewError> {
        self.filter.inner.not_apart()?;
        let page = self.filter.inner.store.public_page(&Query::all().with_id(id.clone()), None, 1)?;
        Ok(page.activities.into_iter().next())
    }

    /// Counts the activities that match.
    ///
    /// # Errors
    /// Returns [`ViewError::Store`] if the store failed.
    pub fn count(&self, query: &Query) -> Result<Counts, ViewError> {
        self.filter.inner.not_apart()?;
        Ok(self.filter.inner.store.public_counts(query, None)?)
    }

    /// Counts the activities that match, by key in rising order.
    ///
    /// # Errors
    /// Returns [`ViewError::Store`] if the store failed.
    pub fn counts(&self, query: &Query, by: CountBy) -> Result<Counts, ViewError> {
        self.filter.inner.not_apart()?;
        Ok(self.filter.inner.store.public_counts(query, Some(by))?)
    }
}
