//! The permit to read one page of a reveal.

use chrono::{DateTime, Utc};

use super::request::RevealRequest;
use super::terms::Terms;
use crate::governance::{Outcome, Record, RecordId, Salt};
use crate::policy::Revision;
use crate::query::Query;
use crate::stored::StoredActivity;

/// The permit to read one page of a recorded reveal, given under the current policy. A store consumes it to read the page.
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
    salts: [Salt; 4],
    /// The time of the permit. The time at which the page was read would tell how long that took.
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

    /// Returns the query that the page may be read for.
    pub fn query(&self) -> &Query {
        self.request.query()
    }

    /// Returns whether public activities are excluded.
    #[must_use]
    pub fn private_only(&self) -> bool {
        self.request.is_private_only()
    }
}

impl PageDraft {
    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Returns the record of a page with these activities, and the terms under which they may be seen.
    pub(super) fn record(self, activities: &[StoredActivity], record: RecordId) -> (Terms, Record) {
        let Self { terms, policy, salts, at } = self;
        let event = terms.page(activities, salts);
        let record = terms.record(record, at, policy, event, Outcome::Intended);
        (terms, record)
    }
}
