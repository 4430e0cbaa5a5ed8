//! Pages are newest first and have no gap between them.

use super::StoreHarness;
use crate::activity::Activity;
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, ReadExt, StoreExt, activities, activity_at, at, ensure_same, ids, micros, newest_first, position_of,
};
use crate::forward::Offset;
use crate::query::{Position, Query};
use crate::store::{ActivityStore, PublicOrder, StoredActivity};

/// Returns activities in no order. Their ids have another order as numbers, without case or by code points than by
/// bytes. Their times differ by a microsecond, are before the epoch, or are equal.
pub(super) fn shuffled() -> Checked<Vec<Activity>> {
    let early = at(0) - at(0).signed_duration_since(chrono::DateTime::UNIX_EPOCH) - micros(1);
    let times = [
        ("10", at(5)),
        ("9", at(5)),
        ("b", at(3)),
        ("B", at(3)),
        ("last", at(9) + micros(999_999)),
        ("next", at(10)),
        ("before-1970", early),
        ("at-1970", early + micros(1)),
        ("ä", at(5)),
        ("z", at(5)),
        ("\u{ff5e}", at(5)),
        ("\u{1f600}", at(5)),
        ("fine-2", at(4) + micros(2)),
        ("fine-10", at(4) + micros(10)),
        ("fine-1", at(4) + micros(1)),
        ("fine-0", at(4)),
        ("fine-300000", at(4) + micros(300_000)),
    ];
    times.into_iter().map(|(id, time)| activity_at(id, ADELE, time)).collect()
}

/// Appends these activities, each in its own batch, and returns the expected pages.
pub(super) fn populate(store: &impl ActivityStore) -> Checked<Vec<StoredActivity>> {
    store.initialize_private()?;
    let stored = shuffled()?.into_iter().map(|one| store.append_new(&[one])).collect::<Checked<Vec<_>>>()?;
    Ok(newest_first(stored.concat()))
}

pub(super) fn v3_pages_are_newest_first_then_by_id(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let expected = populate(&store)?;
    ensure_same("all on one page", &store.all_public()?, &expected)?;
    ensure_same("all on one page, through another handle", &harness.open().all_public()?, &expected)
}

pub(super) fn v3_pages_of_every_limit_join(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let expected = populate(&store)?;
    for limit in 1..=expected.len() + 1 {
        let (mut joined, mut after) = (Vec::new(), None);
        loop {
            let page = store.page(&Query::all(), after.as_ref(), limit)?;
            ensure!(page.len() <= limit, "a page of {limit} contains {} activities", page.len());
            let Some(last) = page.last() else { break };
            after = Some(position_of(last));
            joined.extend(page);
            ensure!(joined.len() <= expected.len(), "pages of {limit} repeat: {}", ids(&joined));
        }
        ensure_same(&format!("pages of {limit}, joined"), &joined, &expected)?;
    }
    Ok(())
}

pub(super) fn v3_page_continues_after_any_position(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let expected = populate(&store)?;
    for stored in &expected {
        let (id, time) = (stored.activity().id().as_str(), stored.activity().occurred_at());
        // The position itself, and adjacent positions without an activity.
        for (id, time) in [
            (id.to_owned(), time),
            (format!("{id}\u{20}"), time),
            ("\u{21}".to_owned(), time),
            ("\u{10fffd}".to_owned(), time),
            (id.to_owned(), time + micros(1)),
            (id.to_owned(), time - micros(1)),
        ] {
            let after = Position::of(&activity_at(&id, ADELE, time)?);
            let rest: Vec<_> = expected.iter().filter(|stored| position_of(stored) < after).cloned().collect();
            for limit in [2, ALL] {
                let page = store.page(&Query::all(), Some(&after), limit)?;
                let first = rest.iter().take(limit).cloned().collect::<Vec<_>>();
                ensure_same(&format!("at most {limit} after `{id}` of {time}"), &page, &first)?;
            }
        }
    }
    Ok(())
}

pub(super) fn v3_pages_are_stable_while_activities_arrive(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize()?;
    let expected = newest_first(store.append_new(&activities("there", ADELE, 9)?)?);
    let (mut joined, mut after) = (Vec::new(), None);
    for page in 0..3_i64 {
        let found = store.page(&Query::all(), after.as_ref(), 3)?;
        after = found.last().map(position_of);
        joined.extend(found);
        // New activities are newer than all pages so far.
        store.append_new(&[activity_at(&format!("new-{page}"), ADELE, at(100 - page))?])?;
    }
    ensure_same("three pages, while newer activities arrive", &joined, &expected)
}

pub(super) fn v3_every_limit_is_accepted(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let expected = populate(&store)?;
    let none = store.page(&Query::all(), None, 0)?.len()
        + store.public_after(&Offset::START, 0)?.len()
        + store.revealed(&Query::all(), false, None, 0)?.len();
    ensure!(none == 0, "limit 0 returned {none} activities");
    let page = store.page(&Query::all(), None, usize::MAX)?.len();
    let after = store.public_after(&Offset::START, usize::MAX)?.len();
    let revealed = store.revealed(&Query::all(), false, None, usize::MAX)?.len();
    let all = expected.len();
    ensure!(
        [page, after, revealed] == [all; 3],
        "without a limit {page}, {after} and {revealed} were returned, expected {all}"
    );
    Ok(())
}
