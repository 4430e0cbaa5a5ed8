//! Pages are newest first and join without a seam; `public_since` goes by the order of storing.

use std::collections::HashSet;

use super::StoreHarness;
use crate::activity::Activity;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, Crew, Drive, Racer, activities, activity_at, at, ids, in_the_open, micros, newest_first, place_of,
    race, same,
};
use crate::query::{Position, Query};
use crate::store::ActivityStore;
use crate::stored::StoredActivity;

/// Ids that sort otherwise as numbers, in other cases and by code points than by bytes; times a microsecond apart,
/// before the epoch, and shared by many; in no order.
fn shuffled() -> Checked<Vec<Activity>> {
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
fn filled(store: &impl ActivityStore) -> Checked<Vec<StoredActivity>> {
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
            let page = in_the_open(store.public_page(&Query::all(), after.as_ref(), limit)?);
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
                let page = in_the_open(store.public_page(&Query::all(), Some(&after), limit)?);
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
        let found = in_the_open(store.public_page(&Query::all(), after.as_ref(), 3)?);
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
    let none = store.public_page(&Query::all(), None, 0)?.len()
        + store.public_since(0, 0)?.len()
        + store.revealed(&Query::all(), false, None, 0)?.len();
    ensure!(none == 0, "limit 0 gives {none} activities");
    let page = store.public_page(&Query::all(), None, usize::MAX)?.len();
    let since = store.public_since(0, usize::MAX)?.len();
    let revealed = store.revealed(&Query::all(), false, None, usize::MAX)?.len();
    let all = expected.len();
    ensure!(
        [page, since, revealed] == [all; 3],
        "without a limit there are {page}, {since} and {revealed}, expected {all}"
    );
    let beyond = store.public_since(u64::MAX, ALL)?.len();
    ensure!(beyond == 0, "{beyond} activities stand after the last place of all");
    Ok(())
}

/// The ids that `public_since` gives, and breaks off unless their places rise.
fn since(store: &impl ActivityStore, after: u64, limit: usize) -> Checked<Vec<(u64, String)>> {
    let found = store.public_since(after, limit)?;
    let mut last = after;
    let mut told = Vec::new();
    for (place, public) in found {
        let id = public.activity().id().as_str();
        ensure!(place > last, "after place {last} comes `{id}` in place {place}");
        last = place;
        told.push((place, id.to_owned()));
    }
    Ok(told)
}

pub(super) fn f2_public_since_goes_by_the_order_of_storing(place: impl StoreHarness) -> Checked {
    let store = place.open();
    filled(&store)?;
    let stored: Vec<String> = shuffled()?.iter().map(|activity| activity.id().as_str().to_owned()).collect();
    let found: Vec<String> = since(&store, 0, ALL)?.into_iter().map(|(_, id)| id).collect();
    ensure!(found == stored, "public_since gives {found:?}, stored were {stored:?}");
    let within = activities("batch", ADELE, 4)?;
    store.deliver(&within.iter().rev().cloned().collect::<Vec<_>>())?;
    let found: Vec<String> = since(&store, 0, ALL)?.into_iter().map(|(_, id)| id).skip(stored.len()).collect();
    ensure!(found == ["batch-3", "batch-2", "batch-1", "batch-0"], "of a batch public_since gives {found:?}");
    Ok(())
}

pub(super) fn f2_places_stay_and_go_on_at_every_limit(place: impl StoreHarness) -> Checked {
    let store = place.open();
    filled(&store)?;
    let first = since(&store, 0, ALL)?;
    store.keep(&activities("more", ADELE, 5)?)?;
    // Delivered again, refused, empty: none of it takes a place.
    store.deliver(&activities("more", ADELE, 5)?)?;
    store.deliver(&[activity_at("more-0", ADELE, at(77))?])?;
    store.deliver(&[])?;
    store.turn()?;
    store.keep(&activities("most", ADELE, 2)?)?;
    let all = since(&store, 0, ALL)?;
    ensure!(all.starts_with(&first), "places moved: {first:?} became {all:?}");
    ensure!(since(&place.open(), 0, ALL)? == all, "another handle tells of other places");
    for limit in 1..=all.len() {
        let (mut joined, mut after) = (Vec::new(), 0);
        while let Some((last, _)) = {
            joined.extend(since(&store, after, limit)?);
            joined.last()
        } {
            if *last == after || joined.len() > all.len() {
                break;
            }
            after = *last;
        }
        ensure!(joined == all, "in steps of {limit} public_since gives {joined:?}, expected {all:?}");
    }
    Ok(())
}

pub(super) fn f2_whoever_follows_public_since_misses_nothing(place: impl StoreHarness) -> Checked {
    const BATCHES: usize = 12;
    let store = place.open();
    store.initialize()?;
    let writers = &Crew::default();
    let write = |name: &'static str| {
        let (handle, at_work) = (place.open(), writers.join());
        move || {
            let _at_work = at_work;
            (0..BATCHES).try_for_each(|n| handle.keep(&activities(&format!("{name}-{n}"), ADELE, 3)?).map(drop))?;
            Ok(Vec::new())
        }
    };
    let follower = place.open();
    let follow = || {
        let (mut followed, mut after) = (Vec::new(), 0);
        loop {
            // Asked first: once nobody is at work, one more look finds all.
            let last_look = !writers.is_at_work();
            let found = since(&follower, after, 5)?;
            match found.last() {
                Some((last, _)) => after = *last,
                None if last_look => return Ok(followed),
                None => {}
            }
            followed.extend(found);
        }
    };
    let racers: [Racer<'_, _>; 3] = [Box::new(write("a")), Box::new(write("b")), Box::new(follow)];
    let followed = race(racers.into())?.concat();
    let stored = since(&store, 0, ALL)?;
    let seen: HashSet<&str> = followed.iter().map(|(_, id)| &**id).collect();
    if let Some((place, id)) = stored.iter().find(|(_, id)| !seen.contains(&**id)) {
        return Err(Breach::seen(format!(
            "`{id}` in place {place} was never seen by whoever followed from the beginning"
        )));
    }
    ensure!(followed == stored, "whoever followed saw {} activities, {} are stored", followed.len(), stored.len());
    Ok(())
}
