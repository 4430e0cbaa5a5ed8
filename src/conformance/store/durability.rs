//! Durability: data confirmed with `Ok` survives a crash.
//!
//! The handle that wrote is dropped only after the crash, because a crash loses what an adapter writes only when it is
//! closed.

use super::StoreHarness;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, HANNA, ReadExt, StoreExt, activities, activity_at, at, decided, ensure_same, initial, into_stored,
    is_public, newest_first,
};
use crate::store::{ActivityStore, StoreError};

pub(super) fn d4_activities_survive_crash(mut harness: impl StoreHarness) -> Checked {
    let mut crashed = vec![harness.open()];
    let mut store = harness.open();
    store.initialize_private()?;
    let mut stored = Vec::new();
    for round in 0..5_i64 {
        let batch = [
            activity_at(&format!("shown-{round}"), ADELE, at(-round))?,
            activity_at(&format!("hidden-{round}"), HANNA, at(-round))?,
        ];
        stored.extend(store.append_new(&batch)?);
        harness.crash();
        crashed.push(std::mem::replace(&mut store, harness.open()));
        let expected = newest_first(stored.clone());
        ensure_same("after a crash", &store.all_stored()?, &expected)?;
        let public: Vec<_> = expected.into_iter().filter(is_public).collect();
        ensure_same("after a crash, public only", &store.all_public()?, &public)?;
    }
    drop(crashed);
    Ok(())
}

pub(super) fn f2_offsets_survive_crash(mut harness: impl StoreHarness) -> Checked {
    let before = harness.open();
    before.initialize_private()?;
    for who in [HANNA, ADELE] {
        before.append_new(&activities(who, who, 4)?)?;
    }
    let offsets = before.followed()?;
    harness.crash();
    let store = harness.open();
    for limit in [1, ALL] {
        store.ensure_follows("after a crash", &offsets, limit)?;
    }
    let (last, _) = offsets.last().ok_or_else(|| Breach::new("public_after returned nothing"))?;
    let more = store.append_new(&activities("later", ADELE, 2)?)?;
    let later = store.public_after(last, ALL)?.into_iter().map(|(_, public)| public).collect();
    ensure_same("after a crash, the activities after the last earlier offset", &into_stored(later), &more)?;
    drop(before);
    Ok(())
}

pub(super) fn d5_policy_survives_crash(mut harness: impl StoreHarness) -> Checked {
    let mut crashed = vec![harness.open()];
    let mut store = harness.open();
    store.initialize()?;
    for _ in 0..4 {
        store.toggle()?;
        let published = store.in_force()?;
        harness.crash();
        crashed.push(std::mem::replace(&mut store, harness.open()));
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

pub(super) fn d5_fence_survives_crash(mut harness: impl StoreHarness) -> Checked {
    let before = harness.open();
    before.initialize()?;
    let first = before.in_force()?;
    let late = activities("late", HANNA, 2)?;
    let stale = decided(&first, &late)?;
    before.toggle()?;
    harness.crash();
    let store = harness.open();
    let outcome = store.append(&stale);
    ensure!(matches!(outcome, Err(StoreError::Stale { .. })), "after a crash a stale batch returned {outcome:?}");
    let initialized = store.publish(&initial()?);
    ensure!(
        matches!(initialized, Err(StoreError::Stale { .. })),
        "after a crash a second initial policy returned {initialized:?}"
    );
    let stored = store.all_stored()?.len();
    ensure!(stored == 0, "after a crash {stored} activities of a stale batch are stored");
    drop(before);
    Ok(())
}
