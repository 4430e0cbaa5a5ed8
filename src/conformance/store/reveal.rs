//! What a reveal sees: what its admission says, in the order of all pages, under the decisions of ingest.

use super::StoreHarness;
use super::query::{filled, queries};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{ALL, Drive, ids, is_public, place_of, same};
use crate::query::Query;
use crate::store::StoredActivity;

fn first(count: usize, list: &[StoredActivity]) -> &[StoredActivity] {
    list.get(..count).unwrap_or(list)
}

fn among(private_only: bool, list: &[StoredActivity]) -> Vec<StoredActivity> {
    list.iter().filter(|stored| !private_only || !is_public(stored)).cloned().collect()
}

pub(super) fn v3_a_reveal_sees_all_newest_first(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let list = filled(&store)?;
    same("all that is stored", &store.everything()?, &list)?;
    same("all that is stored, through another handle", &place.open().everything()?, &list)
}

pub(super) fn v3_a_reveal_can_leave_out_what_is_public(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let private = among(true, &filled(&store)?);
    same("the newest that are private", &store.revealed(&Query::all(), true, None, 3)?, first(3, &private))?;
    same("all that is private", &store.revealed(&Query::all(), true, None, ALL)?, &private)
}

pub(super) fn r1_a_reveal_sees_what_its_query_finds(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let list = filled(&store)?;
    for (what, query) in queries()? {
        for private_only in [false, true] {
            let mut expected = among(private_only, &list);
            expected.retain(|stored| query.matches(stored.activity(), stored.decision()));
            let what = format!("a reveal of {what}{}", if private_only { ", private only" } else { "" });
            same(&what, &store.revealed(&query, private_only, None, ALL)?, &expected)?;
            // What a reveal did not ask for is left out of a page anyway, but it must not take up the room of the rest.
            let newest = store.revealed(&query, private_only, None, 3)?;
            same(&format!("the newest of {what}"), &newest, first(3, &expected))?;
        }
    }
    Ok(())
}

pub(super) fn v3_pages_of_a_reveal_join_at_every_limit(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let list = filled(&store)?;
    for private_only in [false, true] {
        let expected = among(private_only, &list);
        for limit in [2, 7, expected.len(), expected.len() + 1] {
            let (mut joined, mut after) = (Vec::new(), None);
            loop {
                let page = store.revealed(&Query::all(), private_only, after.as_ref(), limit)?;
                ensure!(page.len() <= limit, "a page of {limit} holds {}", page.len());
                let Some(last) = page.last() else { break };
                after = Some(place_of(last));
                joined.extend(page);
                ensure!(joined.len() <= expected.len(), "pages of {limit} repeat: {}", ids(&joined));
            }
            same(&format!("revealed pages of {limit}, joined"), &joined, &expected)?;
        }
    }
    Ok(())
}
