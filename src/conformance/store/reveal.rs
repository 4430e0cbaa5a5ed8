//! Revealed pages: what the permit allows, newest first, with the decisions made at ingest.

use super::StoreHarness;
use super::query::{populate, queries};
use crate::conformance::clause::Checked;
use crate::conformance::fixture::{ALL, StoreExt, ensure_same, is_public, joined_pages};
use crate::query::Query;
use crate::store::StoredActivity;

fn first(count: usize, list: &[StoredActivity]) -> &[StoredActivity] {
    list.get(..count).unwrap_or(list)
}

fn only_private(list: &[StoredActivity]) -> Vec<StoredActivity> {
    list.iter().filter(|stored| !is_public(stored)).cloned().collect()
}

fn revealable(list: &[StoredActivity], private_only: bool) -> Vec<StoredActivity> {
    if private_only { only_private(list) } else { list.to_vec() }
}

pub(super) fn v3_revealed_page_is_newest_first(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let list = populate(&store)?;
    ensure_same("all activities", &store.all_stored()?, &list)?;
    ensure_same("all activities, through another handle", &harness.open().all_stored()?, &list)
}

pub(super) fn v3_reveal_can_leave_out_public_activities(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let private = only_private(&populate(&store)?);
    ensure_same("the newest private activities", &store.revealed(&Query::all(), true, None, 3)?, first(3, &private))?;
    ensure_same("all private activities", &store.revealed(&Query::all(), true, None, ALL)?, &private)
}

pub(super) fn r1_revealed_page_matches_its_query(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let list = populate(&store)?;
    for (what, query) in queries()? {
        for private_only in [false, true] {
            let mut expected = revealable(&list, private_only);
            expected.retain(|stored| query.matches(stored.activity(), stored.decision()));
            let what = format!("a reveal of {what}{}", if private_only { ", private only" } else { "" });
            ensure_same(&what, &store.revealed(&query, private_only, None, ALL)?, &expected)?;
            // Activities that do not match must not count towards the limit.
            let newest = store.revealed(&query, private_only, None, 3)?;
            ensure_same(&format!("the newest of {what}"), &newest, first(3, &expected))?;
        }
    }
    Ok(())
}

pub(super) fn v3_revealed_pages_of_every_limit_join(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let list = populate(&store)?;
    for private_only in [false, true] {
        let expected = revealable(&list, private_only);
        for limit in [2, 7, expected.len(), expected.len() + 1] {
            let joined =
                joined_pages(expected.len(), |after| store.revealed(&Query::all(), private_only, after, limit))?;
            ensure_same(&format!("joined revealed pages of at most {limit} activities"), &joined, &expected)?;
        }
    }
    Ok(())
}
