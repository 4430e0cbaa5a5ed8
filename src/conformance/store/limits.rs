//! Pages and counts that stop early because they would read too much.

use super::StoreHarness;
use super::query::{matching, populate, queries};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{ALL, ReadExt, StoreExt, counts_by_key, ensure_same, is_public, position_of};
use crate::query::{CountBy, Position, Query};
use crate::store::{ActivityStore, StoredActivity};

/// Joins pages, each from the end of the one before, until one is empty or there are more than `most` activities.
fn joined_pages(
    most: usize,
    mut next: impl FnMut(Option<&Position>) -> Checked<Vec<StoredActivity>>,
) -> Checked<Vec<StoredActivity>> {
    let (mut joined, mut after) = (Vec::new(), None);
    while joined.len() <= most {
        let page = next(after.as_ref())?;
        let Some(last) = page.last() else { break };
        after = Some(position_of(last));
        joined.extend(page);
    }
    Ok(joined)
}

pub(super) fn v3_stopped_page_can_be_resumed(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let list: Vec<_> = populate(&store)?.into_iter().filter(is_public).collect();
    for (what, query) in queries()? {
        let expected: Vec<_> = matching(&query, &list).cloned().collect();
        for limit in [1, 2, 5, ALL] {
            let joined = joined_pages(expected.len(), |after| store.page(&query, after, limit))?;
            ensure_same(&format!("pages of {limit} of {what}, resumed"), &joined, &expected)?;
        }
    }
    Ok(())
}

pub(super) fn v3_stopped_revealed_page_can_be_resumed(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let list = populate(&store)?;
    for (what, query) in queries()? {
        let expected: Vec<_> = matching(&query, &list).cloned().collect();
        for limit in [2, ALL] {
            let joined = joined_pages(expected.len(), |after| store.revealed(&query, false, after, limit))?;
            ensure_same(&format!("revealed pages of {limit} of {what}, resumed"), &joined, &expected)?;
        }
    }
    Ok(())
}

pub(super) fn v3_counts_add_up_to_total(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    populate(&store)?;
    for (what, query) in queries()? {
        let alone = store.public_counts(&query, None)?;
        let keys = alone.by_key.len();
        ensure!(keys == 0, "the total of {what} has counts by {keys} keys");
        for by in [CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor] {
            let counts = store.public_counts(&query, Some(by))?;
            let sum: u64 = counts.by_key.iter().map(|count| count.activities).sum();
            ensure!(counts.total == sum, "{what} by {by:?}: the counts add up to {sum}, the total is {}", counts.total);
            let are_equal = !counts.is_complete || !alone.is_complete || counts.total == alone.total;
            ensure!(are_equal, "{what}: the total is {} by {by:?}, and {} without keys", counts.total, alone.total);
        }
    }
    Ok(())
}

pub(super) fn v3_incomplete_counts_never_exceed_matches(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let list: Vec<_> = populate(&store)?.into_iter().filter(is_public).collect();
    for (what, query) in queries()? {
        let matches: Vec<_> = matching(&query, &list).cloned().collect();
        for by in [None, Some(CountBy::Hour), Some(CountBy::Day), Some(CountBy::App), Some(CountBy::Actor)] {
            let counts = store.public_counts(&query, by)?;
            let (total, all) = (counts.total, matches.len());
            ensure!(total <= all as u64, "{what} by {by:?} counts {total} of {all}");
            let keys = by.map(|by| counts_by_key(by, &matches)).unwrap_or_default();
            for count in counts.by_key {
                let (key, counted) = (count.key, count.activities);
                let all = keys.get(&key).copied().unwrap_or(0);
                ensure!(counted <= all, "{what} by {by:?} counts {counted} of {all} of `{key}`");
            }
        }
    }
    let nothing = Query::all().with_id("of-nothing".parse()?);
    let counted = store.public_counts(&nothing, None)?.total;
    ensure!(counted == 0, "{counted} activities were counted for an unknown id");
    Ok(())
}
