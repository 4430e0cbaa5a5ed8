//! A batch is stored whole and read whole.

use super::StoreHarness;
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, HANNA, ReadExt, StoreExt, Task, Workers, activities, activity, activity_at, at, ensure_same, is_public,
    newest_first, race,
};
use crate::query::{CountBy, Query};
use crate::store::{ActivityStore, AppendOutcome, StoredActivity};

pub(super) fn d5_batch_is_stored_whole(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize_private()?;
    let mut expected = Vec::new();
    for who in [ADELE, HANNA] {
        expected.extend(store.append_new(&activities(who, who, 40)?)?);
    }
    let expected = newest_first(expected);
    ensure_same("after two batches", &store.all_stored()?, &expected)?;
    let public: Vec<StoredActivity> = expected.into_iter().filter(is_public).collect();
    ensure_same("after two batches, public only", &store.all_public()?, &public)
}

pub(super) fn d4_batch_returns_one_outcome_per_activity(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize_private()?;
    let (known, hidden) = (activity("known", ADELE)?, activity("hidden", HANNA)?);
    store.append_new(&[known.clone(), hidden.clone()])?;
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
    let outcomes = store.deliver(&batch)?;
    let expected = [Stored, Duplicate, Stored, Conflict, Duplicate, Conflict, Stored];
    ensure!(outcomes == expected, "the outcomes are {outcomes:?}, expected {expected:?}");
    let stored = store.all_stored()?.len();
    ensure!(stored == 5, "{stored} activities are stored, expected 2 earlier and 3 new ones");
    Ok(())
}

pub(super) fn d5_readers_see_whole_batches(harness: impl StoreHarness) -> Checked {
    const BATCHES: usize = 8;
    const EACH: usize = 6;
    let store = harness.open();
    store.initialize_private()?;
    let (writers, readers) = (&Workers::default(), &Workers::default());
    let write = |name: &'static str| {
        let (store, worker) = (harness.open(), writers.start());
        move || {
            for n in 0..BATCHES {
                let mut batch = activities(&format!("{name}-{n}-public"), ADELE, EACH)?;
                batch.extend(activities(&format!("{name}-{n}-private"), HANNA, EACH)?);
                store.append_new(&batch)?;
                readers.wait_for_step();
            }
            drop(worker);
            Ok(())
        }
    };
    let read = || {
        let (handle, worker) = (harness.open(), readers.start());
        move || {
            while writers.are_active() {
                ensure_whole_batches(&handle, EACH)?;
                worker.step();
            }
            ensure_whole_batches(&handle, EACH)
        }
    };
    let tasks: [Task<'_>; 4] = [Box::new(write("a")), Box::new(write("b")), Box::new(read()), Box::new(read())];
    race(tasks.into())?;
    let stored = store.all_stored()?.len();
    ensure!(stored == 2 * BATCHES * 2 * EACH, "{stored} activities are stored in the end");
    Ok(())
}

/// Checks that the counts are multiples of a batch: each contains `each` public and `each` private activities.
fn ensure_whole_batches(store: &impl ActivityStore, each: usize) -> Checked {
    let mut seen = Vec::new();
    for by in [None, Some(CountBy::App)] {
        let counts = store.public_counts(&Query::all(), by)?;
        if counts.is_complete {
            seen.push(("public_counts", usize::try_from(counts.total)?, each));
        }
    }
    let page = store.public_page(&Query::all(), None, ALL)?;
    // A page in two parts has two states.
    if page.stopped_at.is_none() {
        seen.push(("public_page", page.activities.len(), each));
    }
    seen.push(("public_after", store.followed()?.len(), each));
    let (revealed, stopped_at) = store.revealed_part(&Query::all(), false, None, ALL)?;
    if stopped_at.is_none() {
        seen.push(("revealed_page", revealed.len(), 2 * each));
    }
    for (method, seen, each) in seen {
        ensure!(seen % each == 0, "{method} returned {seen} activities, while every batch has {each}");
    }
    Ok(())
}
