//! Pages and counts that stop before the end, because they would read very much.

use super::StoreHarness;
use super::query::{filled, found, queries};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{ALL, Drive, Read, by_keys, is_public, place_of, same};
use crate::query::{CountBy, Position, Query};
use crate::store::{ActivityStore, StoredActivity};

/// Joins pages, each from where the one before ended, until one is empty or there are more than `most` activities.
fn resumed(
    most: usize,
    mut next: impl FnMut(Option<&Position>) -> Checked<Vec<StoredActivity>>,
) -> Checked<Vec<StoredActivity>> {
    let (mut joined, mut after) = (Vec::new(), None);
    while joined.len() <= most {
        let page = next(after.as_ref())?;
        let Some(last) = page.last() else { break };
        after = Some(place_of(last));
        joined.extend(page);
    }
    Ok(joined)
}

pub(super) fn v3_a_page_that_stops_can_be_resumed(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let list: Vec<_> = filled(&store)?.into_iter().filter(is_public).collect();
    for (what, query) in queries()? {
        let expected: Vec<_> = found(&query, &list).cloned().collect();
        for limit in [1, 2, 5, ALL] {
            let joined = resumed(expected.len(), |after| store.page(&query, after, limit))?;
            same(&format!("pages of {limit} of {what}, resumed where they stopped"), &joined, &expected)?;
        }
    }
    Ok(())
}

pub(super) fn v3_a_revealed_page_that_stops_can_be_resumed(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let list = filled(&store)?;
    for (what, query) in queries()? {
        let expected: Vec<_> = found(&query, &list).cloned().collect();
        for limit in [2, ALL] {
            let joined = resumed(expected.len(), |after| store.revealed(&query, false, after, limit))?;
            same(&format!("revealed pages of {limit} of {what}, resumed where they stopped"), &joined, &expected)?;
        }
    }
    Ok(())
}

pub(super) fn v3_counts_add_up_to_their_total(place: impl StoreHarness) -> Checked {
    let store = place.open();
    filled(&store)?;
    for (what, query) in queries()? {
        let alone = store.public_counts(&query, None)?;
        let keys = alone.by_key.len();
        ensure!(keys == 0, "the total of {what}, asked for alone, comes with counts by {keys} keys");
        for by in [CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor] {
            let counts = store.public_counts(&query, Some(by))?;
            let sum: u64 = counts.by_key.iter().map(|count| count.activities).sum();
            ensure!(counts.total == sum, "{what} by {by:?} adds up to {sum}, but is {} in total", counts.total);
            let is_alike = !counts.is_complete || !alone.is_complete || counts.total == alone.total;
            ensure!(is_alike, "{what} is {} in total by {by:?}, and {} in all", counts.total, alone.total);
        }
    }
    Ok(())
}

pub(super) fn v3_incomplete_counts_never_exceed_the_truth(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let list: Vec<_> = filled(&store)?.into_iter().filter(is_public).collect();
    for (what, query) in queries()? {
        let truth: Vec<_> = found(&query, &list).cloned().collect();
        for by in [None, Some(CountBy::Hour), Some(CountBy::Day), Some(CountBy::App), Some(CountBy::Actor)] {
            let counts = store.public_counts(&query, by)?;
            let (total, all) = (counts.total, truth.len());
            ensure!(total <= all as u64, "{what} by {by:?} counts {total} of {all}");
            let keys = by.map(|by| by_keys(by, &truth)).unwrap_or_default();
            for count in counts.by_key {
                let (key, counted) = (count.key, count.activities);
                let all = keys.get(&key).copied().unwrap_or(0);
                ensure!(counted <= all, "{what} by {by:?} counts {counted} of {all} of `{key}`");
            }
        }
    }
    let nothing = Query::all().with_id("of-nothing".parse()?);
    let counted = store.public_counts(&nothing, None)?.total;
    ensure!(counted == 0, "{counted} activities have an id that none has");
    Ok(())
}
