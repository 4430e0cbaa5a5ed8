//! The public view of the activity log.

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

/// The public activities, for one viewer. All observable behaviour is as if no private activity had ever been stored.
/// The permission to view private activities makes no difference here.
#[derive(Debug, Clone)]
pub struct View {
    filter: PrivacyFilter,
    viewer: UserId,
}

/// A page of activities, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    pub(super) activities: Vec<StoredActivity>,
    pub(super) next: Option<Cursor>,
    pub(super) includes_private: bool,
    #[serde(skip)]
    receipt: Option<Receipt>,
}

impl Page {
    /// Returns the activities. Each carries its visibility, so that a user interface can mark the private ones.
    #[must_use]
    pub fn activities(&self) -> &[StoredActivity] {
        &self.activities
    }

    /// Returns the cursor of the next page, and `None` on the last one.
    #[must_use]
    pub fn next(&self) -> Option<&Cursor> {
        self.next.as_ref()
    }

    /// Returns whether the page has private activities.
    #[must_use]
    pub fn includes_private(&self) -> bool {
        self.includes_private
    }

    /// Returns the receipt for its record, if it is a page of a reveal. With a ledger, the receipt is enough to get a
    #[cfg_attr(feature = "ledger", doc = "[proof](crate::ledger::LedgerSink::inclusion_proof)")]
    #[cfg_attr(not(feature = "ledger"), doc = "proof")]
    /// that the record is in the log.
    #[must_use]
    pub fn receipt(&self) -> Option<&Receipt> {
        self.receipt.as_ref()
    }

    pub(super) fn new(activities: Vec<StoredActivity>, next: Option<Cursor>, receipt: Option<Receipt>) -> Self {
        let includes_private = activities.iter().any(|activity| activity.visibility() == Visibility::Private);
        Self { activities, next, includes_private, receipt }
    }
}

/// The reason why a view fails. It does not depend on private activities.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ViewError {
    /// The cursor does not belong to this view.
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

    /// Returns the page after `cursor`, or the first one. Paging is stable while activities arrive: no activity from
    /// before is returned twice or left out.
    ///
    /// A page can hold fewer activities than `size`, or none, and still have a [next](Page::next) one, because a store
    /// reads a limited number of activities for one page.
    ///
    /// A cursor of another view or of a reveal is rejected. That is not recorded, because a view returns public
    /// activities only.
    ///
    /// # Errors
    /// Returns [`ViewError::Cursor`] if the cursor belongs to another query or another viewer, and [`ViewError::Store`]
    /// if the store failed.
    pub fn page(&self, query: &Query, size: PageSize, cursor: Option<&Cursor>) -> Result<Page, ViewError> {
        let after = cursor.map(|cursor| cursor.in_view(&self.viewer, query)).transpose()?;
        self.filter.inner.check_not_apart()?;
        // One more than requested, to know whether there is a next page.
        let PublicPage { activities, stopped_at } =
            self.filter.inner.store.public_page(query, after, size.get() + 1)?;
        let mut activities = activities.into_iter().map(PublicActivity::into_stored).collect();
        let ends_at = end_page(&mut activities, size.get(), stopped_at);
        let next = ends_at.map(|position| Cursor::of_view(&self.viewer, query, position));
        Ok(Page::new(activities, next, None))
    }

    /// Returns an activity by id. Returns `None` both for the id of a private activity and for an unknown one.
    ///
    /// # Errors
    /// Returns [`ViewError::Store`] if the store failed.
    pub fn activity(&self, id: &ActivityId) -> Result<Option<PublicActivity>, ViewError> {
        self.filter.inner.check_not_apart()?;
        let page = self.filter.inner.store.public_page(&Query::all().with_id(id.clone()), None, 1)?;
        Ok(page.activities.into_iter().next())
    }

    /// Counts the activities that match.
    ///
    /// # Errors
    /// Returns [`ViewError::Store`] if the store failed.
    pub fn count(&self, query: &Query) -> Result<Counts, ViewError> {
        self.filter.inner.check_not_apart()?;
        Ok(self.filter.inner.store.public_counts(query, None)?)
    }

    /// Counts the activities that match, by key in ascending order.
    ///
    /// # Errors
    /// Returns [`ViewError::Store`] if the store failed.
    pub fn counts(&self, query: &Query, by: CountBy) -> Result<Counts, ViewError> {
        self.filter.inner.check_not_apart()?;
        Ok(self.filter.inner.store.public_counts(query, Some(by))?)
    }
}
