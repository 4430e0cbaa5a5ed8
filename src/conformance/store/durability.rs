//! Durability: data confirmed with `Ok` survives a crash.
//!
//! Handles that wrote stay open until the end of the clause: an adapter that writes data only on close must lose it in
//! the crash.

use super::StoreHarness;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, HANNA, ReadExt, StoreExt, activities, activity_at, at, decided, ensure_same, initial, into_stored,
    is_public, newest_first,
};
use crate::store::{ActivityStore, PublicOrder, StoreError};

pub(super) fn d4_activities_survive_crash(mut harness: impl StoreHarness) -> Checked {
    // A second, idle handle is open during the crash.
    let mut crashed = vec![harness.open()];
    let mut store = harness.open();
    store.initialize_private()?;
    let mut stored = Vec::new();
    for round in 0..5_i64 {
        let batch = [
            activity_at(&format!("public-{round}"), ADELE, at(-round))?,
            activity_at(&format!("private-{round}"), HANNA, at(-round))?,
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
    let crashed = harness.open();
    crashed.initialize_private()?;
    for who in [HANNA, ADELE] {
        crashed.append_new(&activities(who, who, 4)?)?;
    }
    let offsets = crashed.followed()?;
    harness.crash();
    let store = harness.open();
    for limit in [1, ALL] {
        store.ensure_follows("after a crash", &offsets, limit)?;
    }
    let (last, _) = offsets.last().ok_or_else(|| Breach::new("public_after returned nothing"))?;
    let appended = store.append_new(&activities("later", ADELE, 2)?)?;
    let found = store.public_after(last, ALL)?.into_iter().map(|(_, public)| public).collect();
    ensure_same("after a crash, the activities after the last offset from before it", &into_stored(found), &appended)?;
    drop(crashed);
    Ok(())
}

pub(super) fn d5_policy_survives_crash(mut harness: impl StoreHarness) -> Checked {
    // A second, idle handle is open during the crash.
    let mut crashed = vec![harness.open()];
    let mut store = harness.open();
    store.initialize()?;
    for _ in 0..4 {
        store.toggle_council()?;
        let published = store.in_force()?;
        harness.crash();
        crashed.push(std::mem::replace(&mut store, harness.open()));
        let found = store.in_force()?;
        ensure!(
            found == published,
            "after a crash the policy in force (revision {}) differs from the published one (revision {})",
            found.revision(),
            published.revision()
        );
    }
    drop(crashed);
    Ok(())
}

pub(super) fn d5_fence_survives_crash(mut harness: impl StoreHarness) -> Checked {
    let crashed = harness.open();
    crashed.initialize()?;
    let first = crashed.in_force()?;
    let late = activities("late", HANNA, 2)?;
    let stale = decided(&first, &late)?;
    crashed.toggle_council()?;
    harness.crash();
    let store = harness.open();
    let outcome = store.append(&stale);
    ensure!(
        matches!(outcome, Err(StoreError::Stale { .. })),
        "after a crash a stale batch returned {outcome:?}, expected `Stale`"
    );
    let initialized = store.publish(&initial()?);
    ensure!(
        matches!(initialized, Err(StoreError::Stale { .. })),
        "after a crash a second initial policy returned {initialized:?}, expected `Stale`"
    );
    let stored = store.all_stored()?.len();
    ensure!(stored == 0, "after a crash {stored} activities of a stale batch are stored");
    drop(crashed);
    Ok(())
}
