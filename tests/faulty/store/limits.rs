//! Faults in stopping before the end.

use activity_privacy::query::{Count, CountBy, Counts, Position, Query, Tally};
use activity_privacy::reveal::{PagePermit, SealedPage};
use activity_privacy::store::{ActivityStore, PublicPage, StoreError, StoredActivity};

use super::{Fault, Public, all, is_private};
use crate::list::{ListStore, page};

/// The number of activities that one call reads.
const READ: usize = 3;

/// Reads a limited number of activities, newest first, after a position. Returns the matching ones and where it
/// stopped.
fn stopping(
    stored: impl Iterator<Item = StoredActivity>,
    query: &Query,
    after: Option<&Position>,
    limit: usize,
) -> (Vec<StoredActivity>, Option<Position>) {
    let placed = stored.map(|stored| (Position::of(stored.activity()), stored));
    let mut rest = page(placed, after, usize::MAX).peekable();
    let (mut found, mut last) = (Vec::new(), None);
    for _ in 0..READ {
        let Some(stored) = rest.next_if(|_| found.len() < limit) else { break };
        last = Some(Position::of(stored.activity()));
        found.extend(Some(stored).filter(|stored| query.matches(stored.activity(), stored.decision())));
    }
    let stopped_at = last.filter(|_| found.len() < limit && rest.peek().is_some());
    (found, stopped_at)
}

fn stopping_in_public(right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> PublicPage {
    let (found, stopped_at) = stopping(all(right).filter(|stored| !is_private(stored)), query, after, limit);
    PublicPage { activities: found.into_iter().filter_map(StoredActivity::into_public).collect(), stopped_at }
}

fn stopping_in_a_reveal(
    right: &ListStore,
    admission: &PagePermit<'_>,
    after: Option<&Position>,
    limit: usize,
) -> (Vec<StoredActivity>, Option<Position>) {
    let all = all(right).filter(|stored| is_private(stored) || !admission.is_private_only());
    stopping(all, admission.query(), after, limit)
}

/// No fault: stops pages and counts after a few activities and reports it.
#[derive(Default)]
pub(crate) struct StopsAndReports;

impl Fault for StopsAndReports {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        Ok(stopping_in_public(right, query, after, limit))
    }

    fn public_counts(&self, right: &ListStore, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        let page = stopping_in_public(right, query, None, usize::MAX);
        let mut tally = Tally::new(by);
        page.activities.iter().for_each(|public| tally.add(public.activity()));
        Ok(tally.into_counts(page.stopped_at.is_none()))
    }

    fn revealed_page(
        &self,
        right: &ListStore,
        admission: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let (found, stopped_at) = stopping_in_a_reveal(right, &admission, after, limit);
        Ok(SealedPage::seal(admission, found, stopped_at))
    }
}

/// Returns whether these stores stop a search before its end.
fn is_stopped(query: &Query) -> bool {
    query.conditions().text.is_some()
}

/// Stops a text search without reporting it.
#[derive(Default)]
pub(crate) struct StopsSilently;

impl Fault for StopsSilently {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        if !is_stopped(query) {
            return right.public_page(query, after, limit);
        }
        Ok(PublicPage { stopped_at: None, ..stopping_in_public(right, query, after, limit) })
    }
}

/// Stops a text search each time at its start position.
#[derive(Default)]
pub(crate) struct StopsAtStart;

impl Fault for StopsAtStart {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        match after.filter(|_| is_stopped(query)) {
            Some(after) if limit > 0 => Ok(PublicPage { activities: Vec::new(), stopped_at: Some(after.clone()) }),
            _ if is_stopped(query) => Ok(stopping_in_public(right, query, after, limit)),
            _ => right.public_page(query, after, limit),
        }
    }
}

/// Stops a text search and reports a position one activity too far.
#[derive(Default)]
pub(crate) struct SkipsOneAtStop;

impl Fault for SkipsOneAtStop {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        if !is_stopped(query) {
            return right.public_page(query, after, limit);
        }
        let mut page = stopping_in_public(right, query, after, limit);
        if let Some(stop) = &page.stopped_at {
            let next = right.public_page(&Query::all(), Some(stop), 1)?.activities;
            page.stopped_at = next.first().map(|public| Position::of(public.activity()));
        }
        Ok(page)
    }
}

/// Stops a text search of a reveal without reporting it.
#[derive(Default)]
pub(crate) struct StopsRevealSilently;

impl Fault for StopsRevealSilently {
    fn revealed_page(
        &self,
        right: &ListStore,
        admission: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        if !is_stopped(admission.query()) {
            return right.revealed_page(admission, after, limit);
        }
        let (found, _) = stopping_in_a_reveal(right, &admission, after, limit);
        Ok(SealedPage::seal(admission, found, None))
    }
}

/// Counts a part and extrapolates the total.
#[derive(Default)]
pub(crate) struct ExtrapolatesTotal;

impl Fault for ExtrapolatesTotal {
    fn public_counts(&self, right: &ListStore, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        let Counts { total, by_key, .. } = right.public_counts(query, by)?;
        let twice = |count: Count| Count { activities: 2 * count.activities, ..count };
        Ok(Counts { total: 2 * total, by_key: by_key.into_iter().map(twice).collect(), is_complete: false })
    }
}

/// Computes the total from other activities than the counts by key.
#[derive(Default)]
pub(crate) struct MiscountsTotal;

impl Fault for MiscountsTotal {
    fn public_counts(&self, right: &ListStore, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        let mut counts = right.public_counts(query, by)?;
        if by == Some(CountBy::Day) {
            counts.total = counts.by_key.len() as u64;
        }
        Ok(counts)
    }
}
