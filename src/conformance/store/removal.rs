//! Removal: exactly the covered activities are removed, in steps and for good, and their ids stay taken.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::StoreHarness;
use crate::activity::{Activity, ActivityId, Actor};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, HANNA, ReadExt, StoreExt, Task, Workers, activities, activity_at, activity_builder, alias, as_stored,
    at, decided_at, ensure_same, erasure, is_public, newest_first, race, retention_removal, while_running,
};
use crate::governance::{Recorded, Removal};
use crate::identity::{Alias, UserId};
use crate::query::Query;
use crate::store::{ActivityStore, AppendOutcome, StoredActivity};

/// Removes in steps until none is left, and returns the number of activities removed.
pub(super) fn remove_all(store: &impl ActivityStore, removal: &Recorded<Removal>, limit: usize) -> Checked<u64> {
    let mut sum = 0;
    loop {
        let removed = store.remove(removal, limit)?;
        if removed == 0 {
            return Ok(sum);
        }
        sum += removed;
        ensure!(sum <= ALL as u64, "a removal has not ended after {sum} activities");
    }
}

/// Returns activities of Hanna, which are private, and of Adele, which are public, under several identities and in
/// several roles.
pub(super) fn activities_of_both() -> Checked<Vec<Activity>> {
    let mut all = Vec::new();
    for (who, other) in [(HANNA, ADELE), (ADELE, HANNA)] {
        let (id, upper) = (UserId::new(who)?, Alias::new(format!("{}@CONTOSO.com", who.to_uppercase()))?);
        let named = |name: &str| format!("{who}-{name}");
        all.extend(activities(who, who, 5)?);
        all.push(activity_builder(&named("id"), Actor::user(id.clone()), at(3))?.build()?);
        all.push(activity_builder(&named("upper"), Actor::user(upper), at(3))?.build()?);
        all.push(activity_builder(&named("both"), Actor::user(id.clone()).with_identity(alias(who)?), at(1))?.build()?);
        all.push(activity_builder(&named("account"), Actor::user(Alias::account("GitHub", who)?), at(2))?.build()?);
        let by_a_tool = activity_builder(&named("behalf"), Actor::application("backup".parse()?), at(4))?;
        all.push(by_a_tool.on_behalf_of(Actor::user(alias(who)?)).build()?);
        // An object of an activity is no principal, and a similar name is another person.
        all.push(activity_builder(&named("object"), Actor::user(alias("nobody")?), at(2))?.object(who).build()?);
        all.push(
            activity_builder(&named("suffix"), Actor::user(Alias::new(format!("{who}@contoso.com.example"))?), at(2))?
                .build()?,
        );
        all.push(activity_builder(&named("case"), Actor::user(UserId::new(who.to_uppercase())?), at(2))?.build()?);
        all.push(
            activity_builder(&named("together"), Actor::user(alias(other)?), at(6))?
                .on_behalf_of(Actor::user(id))
                .build()?,
        );
    }
    Ok(all)
}

/// Returns the activities that a removal does not cover.
pub(super) fn rest(stored: &[StoredActivity], removal: &Recorded<Removal>) -> Vec<StoredActivity> {
    newest_first(stored.iter().filter(|stored| !removal.covers(stored)).cloned().collect())
}

pub(super) fn ensure_contains(store: &impl ActivityStore, what: &str, expected: &[StoredActivity]) -> Checked {
    ensure_same(what, &store.all_stored()?, expected)?;
    let public: Vec<_> = expected.iter().filter(|stored| is_public(stored)).cloned().collect();
    ensure_same(&format!("{what}, public only"), &store.all_public()?, &public)
}

pub(super) fn g5_erasure_removes_exactly_covered_activities<H: StoreHarness>(_: H) -> Checked {
    for who in [HANNA, ADELE] {
        let erasures = [
            erasure(who, &[])?,
            erasure(who, &[alias(who)?])?,
            erasure("another-user", &[alias(who)?, Alias::account("github", who.to_uppercase())?])?,
            erasure("nobody", &[Alias::account("GitLab", who)?])?,
        ];
        for removal in erasures {
            for limit in [1, 4, ALL] {
                let harness = H::fresh();
                let store = harness.open();
                store.initialize_private()?;
                let mut stored = Vec::new();
                for batch in activities_of_both()?.chunks(5) {
                    stored.extend(store.append_new(batch)?);
                }
                let rest = rest(&stored, &removal);
                let removed = remove_all(&store, &removal, limit)?;
                let expected = (stored.len() - rest.len()) as u64;
                ensure!(removed == expected, "in steps of {limit}, {removed} were removed, expected {expected}");
                ensure_contains(&store, "after an erasure", &rest)?;
            }
        }
    }
    Ok(())
}

/// The decision times, in this order: the clock of a node can be wrong.
const DECIDED: [i64; 12] = [50, 10, 20, 20, 90, 30, 5, 40, 40, 60, 10, 70];

fn append_at(store: &impl ActivityStore, id: &str, time: DateTime<Utc>) -> Checked<Vec<StoredActivity>> {
    // The time of an activity is unrelated to the time of its decision.
    let activities = [
        activity_at(&format!("shown-{id}"), ADELE, at(-time.timestamp()))?,
        activity_at(&format!("hidden-{id}"), HANNA, at(-time.timestamp()))?,
    ];
    let policy = store.in_force()?;
    let batch = decided_at(&policy, &activities, time)?;
    let outcomes = store.append(&batch)?;
    ensure!(outcomes == [AppendOutcome::Stored; 2], "two new activities returned {outcomes:?}");
    Ok(as_stored(&batch))
}

pub(super) fn g5_retention_removes_exactly_older_activities<H: StoreHarness>(_: H) -> Checked {
    let finer = TimeDelta::nanoseconds(1);
    let micro = TimeDelta::microseconds(1);
    for before in [at(0), at(20), at(40), at(40) + finer, at(40) + micro, at(40) - finer, at(1_000)] {
        let removal = retention_removal(before)?;
        for limit in [1, 5, ALL] {
            let harness = H::fresh();
            let store = harness.open();
            store.initialize_private()?;
            let mut stored = Vec::new();
            for (n, seconds) in DECIDED.into_iter().enumerate() {
                stored.extend(append_at(&store, &n.to_string(), at(seconds))?);
            }
            let rest = rest(&stored, &removal);
            let removed = remove_all(&store, &removal, limit)?;
            let expected = (stored.len() - rest.len()) as u64;
            ensure!(removed == expected, "in steps of {limit}, {removed} were removed, expected {expected}");
            ensure_contains(&store, "after retention", &rest)?;
            // Retention also removes activities that are delivered later with an old decision.
            let late = append_at(&store, "late", before - micro)?;
            let rest = newest_first([rest, self::rest(&late, &removal)].concat());
            let removed = remove_all(&store, &removal, limit)?;
            ensure!(removed == 2, "{removed} of two late old activities were removed");
            ensure_contains(&store, "after retention of late activities", &rest)?;
        }
    }
    Ok(())
}

pub(super) fn g5_removal_step_respects_limit_and_counts(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize_private()?;
    let stored = store.append_new(&activities_of_both()?)?;
    let removal = erasure(HANNA, &[alias(HANNA)?])?;
    let mut left = stored.len();
    let mut covered = stored.len() - rest(&stored, &removal).len();
    for limit in [0, 1, 0, 2, 3, 1, 1, ALL, ALL] {
        let removed = store.remove(&removal, limit)?;
        ensure!(removed <= limit as u64, "a step of {limit} removed {removed}");
        ensure!(removed > 0 || limit == 0 || covered == 0, "a step of {limit} removed none of {covered}");
        let now = store.all_stored()?.len();
        ensure!(left - now == removed as usize, "a step that removed {} returned {removed}", left - now);
        (left, covered) = (now, covered - (left - now));
    }
    ensure!(covered == 0, "{covered} covered activities are left");
    Ok(())
}

pub(super) fn g5_removal_survives_crash(mut harness: impl StoreHarness) -> Checked {
    let mut crashed = vec![harness.open()];
    let mut store = harness.open();
    store.initialize_private()?;
    let all = activities_of_both()?;
    let mut stored = store.append_new(&all)?;
    for (who, limit) in [(HANNA, 2), (ADELE, 3)] {
        let removal = erasure(who, &[alias(who)?])?;
        // A crash after every step.
        loop {
            let before: Vec<ActivityId> =
                store.all_stored()?.iter().map(|stored| stored.activity().id().clone()).collect();
            let removed = store.remove(&removal, limit)?;
            let after = store.all_stored()?;
            harness.crash();
            crashed.push(std::mem::replace(&mut store, harness.open()));
            ensure_contains(&store, "after a crash", &after)?;
            let again: Vec<Activity> = all.iter().filter(|activity| before.contains(activity.id())).cloned().collect();
            let outcomes = store.deliver(&again)?;
            ensure!(outcomes.iter().all(|one| *one == AppendOutcome::Duplicate), "after a crash: {outcomes:?}");
            if removed == 0 {
                break;
            }
        }
        stored = rest(&stored, &removal);
        ensure_contains(&store, "after a removal with a crash after every step", &stored)?;
    }
    drop(crashed);
    Ok(())
}

pub(super) fn g5_concurrent_removals_remove_each_activity_once(harness: impl StoreHarness) -> Checked {
    const ROUNDS: usize = 12;
    let store = harness.open();
    store.initialize_private()?;
    let removals = [erasure(HANNA, &[alias(HANNA)?])?, erasure(ADELE, &[alias(ADELE)?])?];
    let workers = Workers::default();
    let mut tasks: Vec<Task<'_, u64>> = Vec::new();
    for name in ["one", "two"] {
        let (handle, member) = (harness.open(), workers.start());
        tasks.push(Box::new(move || {
            for round in 0..ROUNDS {
                let mut batch = activities(&format!("otto-{name}-{round}"), "otto", 2)?;
                batch.extend(activities(&format!("hanna-{name}-{round}"), HANNA, 3)?);
                batch.extend(activities(&format!("adele-{name}-{round}"), ADELE, 3)?);
                handle.append_new(&batch)?;
                member.step();
            }
            Ok(0)
        }));
    }
    for removal in &removals {
        for limit in [2, 3] {
            let (handle, workers) = (harness.open(), &workers);
            tasks.push(Box::new(move || {
                let mut sum = 0;
                while workers.are_active() {
                    sum += handle.remove(removal, limit)?;
                    workers.wait_for_step();
                }
                Ok(sum)
            }));
        }
    }
    let mut removed: u64 = race(tasks)?.into_iter().sum();
    for removal in &removals {
        removed += remove_all(&store, removal, 5)?;
    }
    let expected = 2 * ROUNDS * 6;
    ensure!(removed == expected as u64, "the removals returned {removed}, expected {expected}");
    let left = store.all_stored()?;
    let ottos = left.iter().filter(|stored| stored.activity().id().as_str().starts_with("otto")).count();
    ensure!(
        ottos == 2 * ROUNDS * 2 && left.len() == ottos,
        "{ottos} of {} uncovered activities are left, of {} in all",
        2 * ROUNDS * 2,
        left.len()
    );
    store.ensure_counts("the remaining activities", &Query::all(), None, &left)?;
    // Two concurrent removals of the same activities, several times.
    let [_, removal] = &removals;
    for round in 0..8 {
        store.append_new(&activities(&format!("adele-again-{round}"), ADELE, 12)?)?;
        let task = || {
            let handle = harness.open();
            move || remove_all(&handle, removal, 5)
        };
        let removed: u64 = race(vec![task(), task()])?.into_iter().sum();
        ensure!(removed == 12, "two concurrent removals of 12 activities returned {removed}");
    }
    Ok(())
}

pub(super) fn g5_readers_see_whole_removal_steps(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize_private()?;
    store.append_new(&activities("stays", "otto", 3)?)?;
    store.append_new(&activities("goes", ADELE, 24)?)?;
    let (handle, workers, seen) = (harness.open(), Workers::default(), Mutex::new(BTreeSet::from([27])));
    let member = workers.start();
    let watch: Task<'_> = Box::new(|| {
        while workers.are_active() {
            let page = handle.public_page(&Query::all(), None, ALL)?;
            // A page in two parts has two states.
            if page.stopped_at.is_none() {
                seen.lock().unwrap_or_else(PoisonError::into_inner).insert(page.activities.len());
            }
        }
        Ok(())
    });
    let (removal, mut left, mut whole) = (erasure(ADELE, &[alias(ADELE)?])?, 27, BTreeSet::from([27]));
    while_running(vec![watch], || {
        let member = member;
        loop {
            let removed = store.remove(&removal, 5)?;
            left -= removed as usize;
            whole.insert(left);
            member.step();
            if removed == 0 {
                return Ok(());
            }
        }
    })?;
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    ensure!(seen.is_subset(&whole), "readers saw {seen:?} activities, while the steps left {whole:?}");
    Ok(())
}
