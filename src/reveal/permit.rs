//! The permit to read one page of a reveal.

use chrono::{DateTime, Utc};

use super::request::RevealRequest;
use super::terms::Terms;
use crate::governance::{Outcome, Record, RecordId, Salt};
use crate::policy::Revision;
use crate::query::Query;
use crate::stored::StoredActivity;

/// The permit to read one page of a recorded reveal, issued under the current policy. A store consumes it to read that
/// page.
#[derive(Debug)]
pub struct PagePermit<'a> {
    request: &'a RevealRequest,
    draft: PageDraft,
}

/// The content of a page's record that is known before the page is read.
#[derive(Debug)]
pub(super) struct PageDraft {
    terms: Terms,
    policy: Revision,
    /// For the commitments to the activities, the private ones, the digest and the subjects, in this order.
    salts: [Salt; 4],
    /// The time of the permit. Not the time after the read: that would disclose how long the read took.
    at: DateTime<Utc>,
}

impl<'a> PagePermit<'a> {
    pub(super) fn new(
        request: &'a RevealRequest,
        terms: Terms,
        policy: Revision,
        salts: [Salt; 4],
        at: DateTime<Utc>,
    ) -> Self {
        Self { request, draft: PageDraft { terms, policy, salts, at } }
    }

    pub(super) fn into_draft(self) -> PageDraft {
        self.draft
    }

    /// Returns the query whose page may be read.
    pub fn query(&self) -> &Query {
        self.request.query()
    }

    /// Returns whether public activities are excluded.
    #[must_use]
    pub fn is_private_only(&self) -> bool {
        self.request.is_private_only()
    }
}

impl PageDraft {
    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Returns the terms under which the page may be seen, and the record that it is about to be shown.
    pub(super) fn record(self, activities: &[StoredActivity], id: RecordId) -> (Terms, Record) {
        let Self { terms, policy, salts, at } = self;
        let event = terms.page(activities, salts);
        let record = terms.record(id, at, policy, event, Outcome::Intended);
        (terms, record)
    }
}
