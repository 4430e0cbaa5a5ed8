//! Pages and counts that stop early because they would read too much.
//!
//! [`page`](ReadExt::page) and [`revealed`](StoreExt::revealed) resume at `stopped_at`. The clauses on pages check that
//! the joined result has no gap and no repetition, whether the store stops or not.

use super::StoreHarness;
use super::query::{matching, populate, queries};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{ALL, ReadExt, StoreExt, counts_by_key, ensure_same, is_public, joined_pages};
use crate::query::{CountBy, Query};
use crate::store::ActivityStore;

pub(super) fn v3_stopped_page_can_be_resumed(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let list: Vec<_> = populate(&store)?.into_iter().filter(is_public).collect();
    for (what, query) in queries()? {
        let expected: Vec<_> = matching(&query, &list).cloned().collect();
        for limit in [1, 2, 5, ALL] {
            let joined = joined_pages(expected.len(), |after| store.page(&query, after, limit))?;
            ensure_same(&format!("joined pages of at most {limit} activities, query: {what}"), &joined, &expected)?;
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
            ensure_same(
                &format!("joined revealed pages of at most {limit} activities, query: {what}"),
                &joined,
                &expected,
            )?;
        }
    }
    Ok(())
}

pub(super) fn v3_counts_add_up_to_total(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    populate(&store)?;
    for (what, query) in queries()? {
        let without_keys = store.public_counts(&query, None)?;
        let keys = without_keys.by_key.len();
        ensure!(keys == 0, "{what}: {keys} keys were returned, but none were requested");
        for by in [CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor] {
            let counts = store.public_counts(&query, Some(by))?;
            let sum: u64 = counts.by_key.iter().map(|count| count.activities).sum();
            ensure!(counts.total == sum, "{what} by {by:?}: the counts add up to {sum}, the total is {}", counts.total);
            let both_complete = counts.is_complete && without_keys.is_complete;
            let are_consistent = !both_complete || counts.total == without_keys.total;
            ensure!(
                are_consistent,
                "{what}: the total is {} by {by:?}, and {} without keys",
                counts.total,
                without_keys.total
            );
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
            let what = by.map_or_else(|| what.to_owned(), |by| format!("{what}, by {by:?}"));
            let (total, matching) = (counts.total, matches.len() as u64);
            ensure!(total <= matching, "{what}: {total} activities were counted, but only {matching} match");
            let keys = by.map(|by| counts_by_key(by, &matches)).unwrap_or_default();
            for count in counts.by_key {
                let (key, counted) = (count.key, count.activities);
                let matching = keys.get(&key).copied().unwrap_or(0);
                ensure!(
                    counted <= matching,
                    "{what}: {counted} activities were counted for `{key}`, but only {matching} match"
                );
            }
        }
    }
    let unknown = Query::all().with_id("unknown-id".parse()?);
    let counted = store.public_counts(&unknown, None)?.total;
    ensure!(counted == 0, "{counted} activities were counted for an unknown id");
    Ok(())
}
