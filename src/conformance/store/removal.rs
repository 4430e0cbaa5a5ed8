//! Removal: what is covered goes, step by step and for good; what is not stays as it was, and so do the ids.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::StoreHarness;
use crate::activity::{Activity, ActivityId, Actor};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, Crew, Drive, HANNA, Racer, Read, activities, activity_at, aged, alias, as_stored, at, begun, erasure,
    is_public, newest_first, race, same, stamped_at, while_watched,
};
use crate::governance::{Recorded, Removal};
use crate::identity::{Alias, UserId};
use crate::query::Query;
use crate::store::{ActivityStore, AppendOutcome, StoredActivity};

/// Removes until nothing is left, and says how many.
pub(super) fn remove_all(store: &impl ActivityStore, removal: &Recorded<Removal>, limit: usize) -> Checked<u64> {
    let mut sum = 0;
    loop {
        let removed = store.remove(removal, limit)?;
        if removed == 0 {
            return Ok(sum);
        }
        sum += removed;
        ensure!(sum <= ALL as u64, "{sum} were removed, and no end");
    }
}

/// Hanna's, which are private, and Adele's, which are not, under several names and in several roles.
pub(super) fn of_both() -> Checked<Vec<Activity>> {
    let mut all = Vec::new();
    for (who, other) in [(HANNA, ADELE), (ADELE, HANNA)] {
        let (id, upper) = (UserId::new(who)?, Alias::new(format!("{}@CONTOSO.com", who.to_uppercase()))?);
        let named = |name: &str| format!("{who}-{name}");
        all.extend(activities(who, who, 5)?);
        all.push(begun(&named("id"), Actor::user(id.clone()), at(3))?.build()?);
        all.push(begun(&named("upper"), Actor::user(upper), at(3))?.build()?);
        all.push(begun(&named("both"), Actor::user(id.clone()).with_identity(alias(who)?), at(1))?.build()?);
        all.push(begun(&named("account"), Actor::user(Alias::account("GitHub", who)?), at(2))?.build()?);
        let by_a_tool = begun(&named("behalf"), Actor::application("backup".parse()?), at(4))?;
        all.push(by_a_tool.on_behalf_of(Actor::user(alias(who)?)).build()?);
        // What is done to somebody is not done by them, and a name alike is not theirs.
        all.push(begun(&named("object"), Actor::user(alias("nobody")?), at(2))?.object(who).build()?);
        all.push(
            begun(&named("suffix"), Actor::user(Alias::new(format!("{who}@contoso.com.example"))?), at(2))?.build()?,
        );
        all.push(begun(&named("case"), Actor::user(UserId::new(who.to_uppercase())?), at(2))?.build()?);
        all.push(begun(&named("together"), Actor::user(alias(other)?), at(6))?.on_behalf_of(Actor::user(id)).build()?);
    }
    Ok(all)
}

/// What a removal leaves of what was stored.
pub(super) fn rest(stored: &[StoredActivity], removal: &Recorded<Removal>) -> Vec<StoredActivity> {
    newest_first(stored.iter().filter(|stored| !removal.covers(stored)).cloned().collect())
}

pub(super) fn holds(store: &impl ActivityStore, what: &str, expected: &[StoredActivity]) -> Checked {
    same(what, &store.everything()?, expected)?;
    let public: Vec<_> = expected.iter().filter(|stored| is_public(stored)).cloned().collect();
    same(&format!("{what}, in public"), &store.shown()?, &public)
}

pub(super) fn g5_of_a_person_what_is_covered_goes_and_nothing_else<H: StoreHarness>(_: H) -> Checked {
    for who in [HANNA, ADELE] {
        let erasures = [
            erasure(who, &[])?,
            erasure(who, &[alias(who)?])?,
            erasure("somebody-else", &[alias(who)?, Alias::account("github", who.to_uppercase())?])?,
            erasure("nobody", &[Alias::account("GitLab", who)?])?,
        ];
        for removal in erasures {
            for limit in [1, 4, ALL] {
                let place = H::fresh();
                let store = place.open();
                store.found_hiding()?;
                let mut stored = Vec::new();
                for batch in of_both()?.chunks(5) {
                    stored.extend(store.keep(batch)?);
                }
                let rest = rest(&stored, &removal);
                let removed = remove_all(&store, &removal, limit)?;
                let expected = (stored.len() - rest.len()) as u64;
                ensure!(removed == expected, "in steps of {limit} {removed} were removed, expected {expected}");
                holds(&store, "after somebody was removed", &rest)?;
            }
        }
    }
    Ok(())
}

/// One of each kind for every time, decided in this order: a node's clock is wrong now and then.
const DECIDED: [i64; 12] = [50, 10, 20, 20, 90, 30, 5, 40, 40, 60, 10, 70];

fn keep_at(store: &impl ActivityStore, id: &str, time: DateTime<Utc>) -> Checked<Vec<StoredActivity>> {
    // When it was done says nothing of when it was decided.
    let activities = [
        activity_at(&format!("shown-{id}"), ADELE, at(-time.timestamp()))?,
        activity_at(&format!("hidden-{id}"), HANNA, at(-time.timestamp()))?,
    ];
    let policy = store.in_force()?;
    let batch = stamped_at(&policy, &activities, time)?;
    let answers = store.append(&batch)?;
    ensure!(answers == [AppendOutcome::Stored; 2], "{answers:?} for two new activities");
    Ok(as_stored(&batch))
}

pub(super) fn g5_what_is_too_old_goes_and_nothing_else<H: StoreHarness>(_: H) -> Checked {
    let finer = TimeDelta::nanoseconds(1);
    let micro = TimeDelta::microseconds(1);
    for before in [at(0), at(20), at(40), at(40) + finer, at(40) + micro, at(40) - finer, at(1_000)] {
        let removal = aged(before)?;
        for limit in [1, 5, ALL] {
            let place = H::fresh();
            let store = place.open();
            store.found_hiding()?;
            let mut stored = Vec::new();
            for (n, seconds) in DECIDED.into_iter().enumerate() {
                stored.extend(keep_at(&store, &n.to_string(), at(seconds))?);
            }
            let rest = rest(&stored, &removal);
            let removed = remove_all(&store, &removal, limit)?;
            let expected = (stored.len() - rest.len()) as u64;
            ensure!(removed == expected, "in steps of {limit} {removed} were removed, expected {expected}");
            holds(&store, "after what was too old was removed", &rest)?;
            // And what comes late is found where it lies.
            let late = keep_at(&store, "late", before - micro)?;
            let rest = newest_first([rest, self::rest(&late, &removal)].concat());
            let removed = remove_all(&store, &removal, limit)?;
            ensure!(removed == 2, "of two that came late and are too old {removed} were removed");
            holds(&store, "after what came late was removed", &rest)?;
        }
    }
    Ok(())
}

pub(super) fn g5_steps_keep_their_limit_and_say_how_many(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.found_hiding()?;
    let stored = store.keep(&of_both()?)?;
    let removal = erasure(HANNA, &[alias(HANNA)?])?;
    let mut left = stored.len();
    let mut covered = stored.len() - rest(&stored, &removal).len();
    for limit in [0, 1, 0, 2, 3, 1, 1, ALL, ALL] {
        let removed = store.remove(&removal, limit)?;
        ensure!(removed <= limit as u64, "a step of {limit} removed {removed}");
        ensure!(removed > 0 || limit == 0 || covered == 0, "a step of {limit} removed none of {covered}");
        let now = store.everything()?.len();
        ensure!(left - now == removed as usize, "a step that removed {} said {removed}", left - now);
        (left, covered) = (now, covered - (left - now));
    }
    ensure!(covered == 0, "{covered} are left of what is covered");
    Ok(())
}

pub(super) fn g5_a_removal_outlives_a_crash(mut place: impl StoreHarness) -> Checked {
    let mut crashed = vec![place.open()];
    let mut store = place.open();
    store.found_hiding()?;
    let all = of_both()?;
    let mut stored = store.keep(&all)?;
    for (who, limit) in [(HANNA, 2), (ADELE, 3)] {
        let removal = erasure(who, &[alias(who)?])?;
        // After every step.
        loop {
            let before: Vec<ActivityId> =
                store.everything()?.iter().map(|stored| stored.activity().id().clone()).collect();
            let removed = store.remove(&removal, limit)?;
            let after = store.everything()?;
            place.crash();
            crashed.push(std::mem::replace(&mut store, place.open()));
            holds(&store, "after a crash", &after)?;
            let again: Vec<Activity> = all.iter().filter(|activity| before.contains(activity.id())).cloned().collect();
            let answers = store.deliver(&again)?;
            ensure!(answers.iter().all(|answer| *answer == AppendOutcome::Duplicate), "after a crash: {answers:?}");
            if removed == 0 {
                break;
            }
        }
        stored = rest(&stored, &removal);
        holds(&store, "after a removal that was broken off again and again", &stored)?;
    }
    drop(crashed);
    Ok(())
}

pub(super) fn g5_racing_removals_and_deliveries_lose_nothing_else(place: impl StoreHarness) -> Checked {
    const ROUNDS: usize = 12;
    let store = place.open();
    store.found_hiding()?;
    let removals = [erasure(HANNA, &[alias(HANNA)?])?, erasure(ADELE, &[alias(ADELE)?])?];
    let crew = Crew::default();
    let mut racers: Vec<Racer<'_, u64>> = Vec::new();
    for name in ["one", "two"] {
        let (handle, member) = (place.open(), crew.join());
        racers.push(Box::new(move || {
            for round in 0..ROUNDS {
                let mut batch = activities(&format!("otto-{name}-{round}"), "otto", 2)?;
                batch.extend(activities(&format!("hanna-{name}-{round}"), HANNA, 3)?);
                batch.extend(activities(&format!("adele-{name}-{round}"), ADELE, 3)?);
                handle.keep(&batch)?;
                member.step();
            }
            Ok(0)
        }));
    }
    for removal in &removals {
        for limit in [2, 3] {
            let (handle, crew) = (place.open(), &crew);
            racers.push(Box::new(move || {
                let mut sum = 0;
                while crew.is_at_work() {
                    sum += handle.remove(removal, limit)?;
                    crew.await_a_step();
                }
                Ok(sum)
            }));
        }
    }
    let mut removed: u64 = race(racers)?.into_iter().sum();
    for removal in &removals {
        removed += remove_all(&store, removal, 5)?;
    }
    let expected = 2 * ROUNDS * 6;
    ensure!(removed == expected as u64, "{removed} were said to be removed, expected {expected}");
    let left = store.everything()?;
    let ottos = left.iter().filter(|stored| stored.activity().id().as_str().starts_with("otto")).count();
    ensure!(
        ottos == 2 * ROUNDS * 2 && left.len() == ottos,
        "{ottos} of {} are left that nobody removed, of {} in all",
        2 * ROUNDS * 2,
        left.len()
    );
    store.counts("what is left", &Query::all(), None, &left)?;
    // Two who remove the same at once, again and again.
    let [_, removal] = &removals;
    for round in 0..8 {
        store.keep(&activities(&format!("adele-again-{round}"), ADELE, 12)?)?;
        let rival = || {
            let handle = place.open();
            move || remove_all(&handle, removal, 5)
        };
        let removed: u64 = race(vec![rival(), rival()])?.into_iter().sum();
        ensure!(removed == 12, "two who removed 12 at once said that they removed {removed}");
    }
    Ok(())
}

pub(super) fn g5_readers_see_whole_steps(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.found_hiding()?;
    store.keep(&activities("stays", "otto", 3)?)?;
    store.keep(&activities("goes", ADELE, 24)?)?;
    let (handle, crew, seen) = (place.open(), Crew::default(), Mutex::new(BTreeSet::from([27])));
    let member = crew.join();
    let watch: Racer<'_> = Box::new(|| {
        while crew.is_at_work() {
            let page = handle.public_page(&Query::all(), None, ALL)?;
            // A page that goes on in a second part is of two moments.
            if page.stopped_at.is_none() {
                seen.lock().unwrap_or_else(PoisonError::into_inner).insert(page.activities.len());
            }
        }
        Ok(())
    });
    let (removal, mut left, mut whole) = (erasure(ADELE, &[alias(ADELE)?])?, 27, BTreeSet::from([27]));
    while_watched(vec![watch], || {
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
    ensure!(seen.is_subset(&whole), "{seen:?} were seen, while steps left {whole:?}");
    Ok(())
}
