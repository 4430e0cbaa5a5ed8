//! Whatever was answered `Ok` outlives a crash.
//!
//! The handle that wrote is dropped only after the crash: what an adapter writes down when it is closed, a crash takes.

use super::StoreHarness;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, Drive, HANNA, Read, activities, activity_at, at, decided, in_the_open, initial, is_public,
    newest_first, same,
};
use crate::store::{ActivityStore, StoreError};

pub(super) fn activities_outlive_a_crash(mut place: impl StoreHarness) -> Checked {
    let mut crashed = vec![place.open()];
    let mut store = place.open();
    store.found_hiding()?;
    let mut stored = Vec::new();
    for round in 0..5_i64 {
        let batch = [
            activity_at(&format!("shown-{round}"), ADELE, at(-round))?,
            activity_at(&format!("hidden-{round}"), HANNA, at(-round))?,
        ];
        stored.extend(store.keep(&batch)?);
        place.crash();
        crashed.push(std::mem::replace(&mut store, place.open()));
        let expected = newest_first(stored.clone());
        same("after a crash", &store.everything()?, &expected)?;
        let public: Vec<_> = expected.into_iter().filter(is_public).collect();
        same("after a crash, in public", &store.shown()?, &public)?;
    }
    drop(crashed);
    Ok(())
}

pub(super) fn f2_offsets_outlive_a_crash(mut place: impl StoreHarness) -> Checked {
    let before = place.open();
    before.found_hiding()?;
    for who in [HANNA, ADELE] {
        before.keep(&activities(who, who, 4)?)?;
    }
    let offsets = before.followed()?;
    place.crash();
    let store = place.open();
    for limit in [1, ALL] {
        store.follows("after a crash", &offsets, limit)?;
    }
    let (last, _) = offsets.last().ok_or_else(|| Breach::seen("public_after returns nothing"))?;
    let more = store.keep(&activities("later", ADELE, 2)?)?;
    let later = store.public_after(last, ALL)?.into_iter().map(|(_, public)| public).collect();
    same("what was stored after the crash, after the last offset before it", &in_the_open(later), &more)?;
    drop(before);
    Ok(())
}

pub(super) fn the_policy_outlives_a_crash(mut place: impl StoreHarness) -> Checked {
    let mut crashed = vec![place.open()];
    let mut store = place.open();
    store.initialize()?;
    for _ in 0..4 {
        store.turn()?;
        let published = store.in_force()?;
        place.crash();
        crashed.push(std::mem::replace(&mut store, place.open()));
        let found = store.in_force()?;
        ensure!(
            found == published,
            "after a crash revision {} is in force, expected {} as it was published",
            found.revision(),
            published.revision()
        );
    }
    drop(crashed);
    Ok(())
}

pub(super) fn the_fence_outlives_a_crash(mut place: impl StoreHarness) -> Checked {
    let before = place.open();
    before.initialize()?;
    let first = before.in_force()?;
    let late = activities("late", HANNA, 2)?;
    let stale = decided(&first, &late)?;
    before.turn()?;
    place.crash();
    let store = place.open();
    let batch = store.append(&stale);
    ensure!(matches!(batch, Err(StoreError::Stale { .. })), "after a crash a stale batch was answered with {batch:?}");
    let initialized = store.publish(&initial()?);
    ensure!(
        matches!(initialized, Err(StoreError::Stale { .. })),
        "after a crash a second initial policy was answered with {initialized:?}"
    );
    let stored = store.everything()?.len();
    ensure!(stored == 0, "after a crash {stored} activities of a stale batch are stored");
    drop(before);
    Ok(())
}
