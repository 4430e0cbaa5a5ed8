//! A batch is stored whole, and seen whole.

use super::StoreHarness;
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, Crew, Drive, HANNA, Racer, Read, activities, activity, activity_at, at, is_public, newest_first, race,
    same,
};
use crate::query::{CountBy, Query};
use crate::store::{ActivityStore, AppendOutcome, StoredActivity};

pub(super) fn a_batch_is_stored_whole(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.found_hiding()?;
    let mut expected = Vec::new();
    for who in [ADELE, HANNA] {
        expected.extend(store.keep(&activities(who, who, 40)?)?);
    }
    let expected = newest_first(expected);
    same("after two batches", &store.everything()?, &expected)?;
    let public: Vec<StoredActivity> = expected.into_iter().filter(is_public).collect();
    same("after two batches, in public", &store.shown()?, &public)
}

pub(super) fn a_batch_is_answered_for_one_by_one(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.found_hiding()?;
    let (known, hidden) = (activity("known", ADELE)?, activity("hidden", HANNA)?);
    store.keep(&[known.clone(), hidden.clone()])?;
    let batch = [
        activity("new-1", ADELE)?,
        known,
        activity("new-2", HANNA)?,
        activity_at("known", ADELE, at(9))?,
        hidden,
        activity("hidden", ADELE)?,
        activity("new-3", ADELE)?,
    ];
    use AppendOutcome::{Conflict, Duplicate, Stored};
    let answers = store.deliver(&batch)?;
    let expected = [Stored, Duplicate, Stored, Conflict, Duplicate, Conflict, Stored];
    ensure!(answers == expected, "answered {answers:?}, expected {expected:?}");
    let stored = store.everything()?.len();
    ensure!(stored == 5, "{stored} activities are stored, expected the 2 from before and the 3 that are new");
    Ok(())
}

pub(super) fn a_batch_is_seen_whole(place: impl StoreHarness) -> Checked {
    const BATCHES: usize = 8;
    const EACH: usize = 6;
    let store = place.open();
    store.found_hiding()?;
    let (writers, readers) = (&Crew::default(), &Crew::default());
    let write = |name: &'static str| {
        let (store, at_work) = (place.open(), writers.join());
        move || {
            for n in 0..BATCHES {
                let mut batch = activities(&format!("{name}-{n}-public"), ADELE, EACH)?;
                batch.extend(activities(&format!("{name}-{n}-private"), HANNA, EACH)?);
                store.keep(&batch)?;
                readers.await_a_step();
            }
            drop(at_work);
            Ok(())
        }
    };
    let read = || {
        let (handle, at_work) = (place.open(), readers.join());
        move || {
            while writers.is_at_work() {
                see_whole_batches(&handle, EACH)?;
                at_work.step();
            }
            see_whole_batches(&handle, EACH)
        }
    };
    let racers: [Racer<'_>; 4] = [Box::new(write("a")), Box::new(write("b")), Box::new(read()), Box::new(read())];
    race(racers.into())?;
    let stored = store.everything()?.len();
    ensure!(stored == 2 * BATCHES * 2 * EACH, "{stored} activities are stored in the end");
    Ok(())
}

/// Every batch holds as many public activities as private ones, and all hold the same number of them.
fn see_whole_batches(store: &impl ActivityStore, each: usize) -> Checked {
    let mut seen = Vec::new();
    for by in [None, Some(CountBy::App)] {
        let counts = store.public_counts(&Query::all(), by)?;
        if counts.is_complete {
            seen.push(("public_counts", usize::try_from(counts.total)?, each));
        }
    }
    let page = store.public_page(&Query::all(), None, ALL)?;
    // A page that goes on in a second part is of two moments.
    if page.stopped_at.is_none() {
        seen.push(("public_page", page.activities.len(), each));
    }
    seen.push(("public_after", store.followed()?.len(), each));
    let (revealed, stopped_at) = store.revealed_part(&Query::all(), false, None, ALL)?;
    if stopped_at.is_none() {
        seen.push(("revealed_page", revealed.len(), 2 * each));
    }
    for (method, seen, each) in seen {
        ensure!(seen % each == 0, "{method} tells of {seen} activities, while every batch holds {each}");
    }
    Ok(())
}
