//! What can go wrong in stopping before the end.

use activity_privacy::query::{Count, CountBy, Counts, Position, Query, Tally};
use activity_privacy::reveal::{PagePermit, SealedPage};
use activity_privacy::store::{ActivityStore, PublicPage, StoreError, StoredActivity};

use super::{Fault, Public, all, is_private};
use crate::list::{ListStore, page};

/// How many activities are read for one answer.
const READ: usize = 3;

/// Reads so many at most of what is stored, newest first, after a position: what of it matches, and where it stopped.
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
    let all = all(right).filter(|stored| is_private(stored) || !admission.private_only());
    stopping(all, admission.query(), after, limit)
}

/// Does no wrong: stops pages and counts after a few activities, and says so.
#[derive(Default)]
pub(crate) struct StopsAsItMay;

impl Fault for StopsAsItMay {
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

/// Whether a search is one of those that these stores stop.
fn is_stopped(query: &Query) -> bool {
    query.conditions().text.is_some()
}

/// Stops a search for a text, as if it had come to the end.
#[derive(Default)]
pub(crate) struct StopsInSilence;

impl Fault for StopsInSilence {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        if !is_stopped(query) {
            return right.public_page(query, after, limit);
        }
        Ok(PublicPage { stopped_at: None, ..stopping_in_public(right, query, after, limit) })
    }
}

/// Stops a search for a text each time where it began.
#[derive(Default)]
pub(crate) struct StopsWhereItBegan;

impl Fault for StopsWhereItBegan {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        match after.filter(|_| is_stopped(query)) {
            Some(after) if limit > 0 => Ok(PublicPage { activities: Vec::new(), stopped_at: Some(after.clone()) }),
            _ if is_stopped(query) => Ok(stopping_in_public(right, query, after, limit)),
            _ => right.public_page(query, after, limit),
        }
    }
}

/// Stops a search for a text, and says that it has read one more than it did.
#[derive(Default)]
pub(crate) struct SkipsWhereItStops;

impl Fault for SkipsWhereItStops {
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

/// Stops a reveal that looks for a text, as if it had come to the end.
#[derive(Default)]
pub(crate) struct StopsARevealInSilence;

impl Fault for StopsARevealInSilence {
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

/// Counts a part, and guesses what there may be in all.
#[derive(Default)]
pub(crate) struct GuessesTheRest;

impl Fault for GuessesTheRest {
    fn public_counts(&self, right: &ListStore, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        let Counts { total, by_key, .. } = right.public_counts(query, by)?;
        let twice = |count: Count| Count { activities: 2 * count.activities, ..count };
        Ok(Counts { total: 2 * total, by_key: by_key.into_iter().map(twice).collect(), is_complete: false })
    }
}

/// Adds the total up from something else than it counts by key.
#[derive(Default)]
pub(crate) struct AddsUpWrong;

impl Fault for AddsUpWrong {
    fn public_counts(&self, right: &ListStore, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        let mut counts = right.public_counts(query, by)?;
        if by == Some(CountBy::Day) {
            counts.total = counts.by_key.len() as u64;
        }
        Ok(counts)
    }
}
