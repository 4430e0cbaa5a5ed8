//! Pages are newest first and join without a gap.

use super::StoreHarness;
use crate::activity::Activity;
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, Drive, Read, activities, activity_at, at, ids, micros, newest_first, place_of, same,
};
use crate::forward::Offset;
use crate::query::{Position, Query};
use crate::store::{ActivityStore, StoredActivity};

/// Ids that sort otherwise as numbers, in other cases and by code points than by bytes; times a microsecond apart,
/// before the epoch, and shared by many; in no order.
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

/// A store of these, each stored by itself, and what its pages are to be.
pub(super) fn filled(store: &impl ActivityStore) -> Checked<Vec<StoredActivity>> {
    store.found_hiding()?;
    let stored = shuffled()?.into_iter().map(|one| store.keep(&[one])).collect::<Checked<Vec<_>>>()?;
    Ok(newest_first(stored.concat()))
}

pub(super) fn v3_pages_are_newest_first_and_then_by_id(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let expected = filled(&store)?;
    same("all on one page", &store.shown()?, &expected)?;
    same("all on one page, through another handle", &place.open().shown()?, &expected)
}

pub(super) fn v3_pages_join_at_every_limit(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let expected = filled(&store)?;
    for limit in 1..=expected.len() + 1 {
        let (mut joined, mut after) = (Vec::new(), None);
        loop {
            let page = store.page(&Query::all(), after.as_ref(), limit)?;
            ensure!(page.len() <= limit, "a page of {limit} holds {}", page.len());
            let Some(last) = page.last() else { break };
            after = Some(place_of(last));
            joined.extend(page);
            ensure!(joined.len() <= expected.len(), "pages of {limit} repeat: {}", ids(&joined));
        }
        same(&format!("pages of {limit}, joined"), &joined, &expected)?;
    }
    Ok(())
}

pub(super) fn v3_a_page_goes_on_after_any_position(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let expected = filled(&store)?;
    for stored in &expected {
        let (id, time) = (stored.activity().id().as_str(), stored.activity().occurred_at());
        // The position itself, and positions of nothing right beside it.
        for (id, time) in [
            (id.to_owned(), time),
            (format!("{id}\u{20}"), time),
            ("\u{21}".to_owned(), time),
            ("\u{10fffd}".to_owned(), time),
            (id.to_owned(), time + micros(1)),
            (id.to_owned(), time - micros(1)),
        ] {
            let after = Position::of(&activity_at(&id, ADELE, time)?);
            let rest: Vec<_> = expected.iter().filter(|stored| place_of(stored) < after).cloned().collect();
            for limit in [2, ALL] {
                let page = store.page(&Query::all(), Some(&after), limit)?;
                let first = rest.iter().take(limit).cloned().collect::<Vec<_>>();
                same(&format!("at most {limit} after `{id}` of {time}"), &page, &first)?;
            }
        }
    }
    Ok(())
}

pub(super) fn v3_pages_are_stable_while_activities_arrive(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.initialize()?;
    let expected = newest_first(store.keep(&activities("there", ADELE, 9)?)?);
    let (mut joined, mut after) = (Vec::new(), None);
    for page in 0..3_i64 {
        let found = store.page(&Query::all(), after.as_ref(), 3)?;
        after = found.last().map(place_of);
        joined.extend(found);
        // What arrives is newer than all pages so far.
        store.keep(&[activity_at(&format!("new-{page}"), ADELE, at(100 - page))?])?;
    }
    same("three pages, while newer activities arrive", &joined, &expected)
}

pub(super) fn v3_no_limit_is_too_small_or_too_large(place: impl StoreHarness) -> Checked {
    let store = place.open();
    let expected = filled(&store)?;
    let none = store.page(&Query::all(), None, 0)?.len()
        + store.public_after(&Offset::START, 0)?.len()
        + store.revealed(&Query::all(), false, None, 0)?.len();
    ensure!(none == 0, "limit 0 gives {none} activities");
    let page = store.page(&Query::all(), None, usize::MAX)?.len();
    let after = store.public_after(&Offset::START, usize::MAX)?.len();
    let revealed = store.revealed(&Query::all(), false, None, usize::MAX)?.len();
    let all = expected.len();
    ensure!(
        [page, after, revealed] == [all; 3],
        "without a limit there are {page}, {after} and {revealed}, expected {all}"
    );
    Ok(())
}
