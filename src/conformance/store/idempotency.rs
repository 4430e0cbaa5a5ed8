//! Idempotency: the first delivery of an id determines its content and decision.

use super::StoreHarness;
use crate::activity::{Activity, ActivityBuilder, Actor, App};
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{
    ADELE, HANNA, ReadExt, StoreExt, activities, activity, activity_at, activity_builder, alias, at, ensure_same,
    is_public, micros, newest_first, race,
};
use crate::query::Query;
use crate::store::{ActivityStore, AppendOutcome, StoredActivity};

/// Delivers activities again, and checks the outcomes and that no stored activity changed.
fn deliver_again(
    what: &str,
    store: &impl ActivityStore,
    activities: &[Activity],
    outcome: AppendOutcome,
    stored: &[StoredActivity],
) -> Checked {
    let outcomes = store.deliver(activities)?;
    let expected = vec![outcome; activities.len()];
    ensure!(outcomes == expected, "{what} returned {outcomes:?}, expected {expected:?}");
    ensure_same(&format!("after {what}"), &store.all_stored()?, stored)?;
    let public: Vec<_> = stored.iter().filter(|stored| is_public(stored)).cloned().collect();
    store.ensure_counts(&format!("after {what}, all public activities"), &Query::all(), None, &public)
}

pub(super) fn d4_first_decision_is_kept(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize()?;
    let shown = [activity_at("shown", HANNA, at(1))?];
    let mut stored = store.append_new(&shown)?;
    store.toggle_council()?;
    deliver_again(
        "a public activity, delivered again when it would be private",
        &store,
        &shown,
        AppendOutcome::Duplicate,
        &stored,
    )?;
    let hidden = [activity_at("hidden", HANNA, at(0))?];
    stored.extend(store.append_new(&hidden)?);
    store.toggle_council()?;
    deliver_again(
        "a private activity, delivered again when it would be public",
        &store,
        &hidden,
        AppendOutcome::Duplicate,
        &stored,
    )
}

pub(super) fn d2_policy_change_keeps_stored_decisions(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize()?;
    let mut stored = Vec::new();
    for round in 0..4 {
        let batch = [
            activity_at(&format!("adele-{round}"), ADELE, at(round))?,
            activity_at(&format!("hanna-{round}"), HANNA, at(round))?,
        ];
        stored.extend(store.append_new(&batch)?);
        store.toggle_council()?;
        ensure_same("after a change of the policy", &store.all_stored()?, &newest_first(stored.clone()))?;
    }
    Ok(())
}

pub(super) fn d4_other_content_is_conflict(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize_private()?;
    for who in [ADELE, HANNA] {
        let first = || activity_builder(who, Actor::user(alias(who)?), at(0));
        let actor = || Ok::<_, Breach>(Actor::user(alias(who)?));
        let in_app =
            |app| Ok::<_, Breach>(Activity::builder(who.parse()?, actor()?, app, "FileAccessed".parse()?, at(0)));
        let first_app = || Ok::<_, Breach>(App::new("SharePoint".parse()?).in_suite("Microsoft 365".parse()?));
        let stored = newest_first([store.all_stored()?, store.append_new(&[first()?.build()?])?].concat());
        let others: [(&str, ActivityBuilder); 9] = [
            ("another actor", activity_builder(who, Actor::user(alias("bob")?), at(0))?),
            ("another time", activity_builder(who, actor()?, at(0) + micros(1))?),
            ("another object", first()?.object("budget.xlsx")),
            ("more details", first()?.details("{}")),
            ("another on-behalf-of principal", first()?.on_behalf_of(Actor::user(alias("bob")?))),
            ("no object", in_app(first_app()?)?),
            ("another app", in_app(App::new("Box".parse()?))?.object("plan.docx")),
            ("the app without a suite", in_app(App::new("SharePoint".parse()?))?.object("plan.docx")),
            ("another spelling of the actor", activity_builder(who, Actor::user(alias(&who.to_uppercase())?), at(0))?),
        ];
        for (what, other) in others {
            deliver_again(&format!("an id with {what}"), &store, &[other.build()?], AppendOutcome::Conflict, &stored)?;
        }
        deliver_again(
            "the first content after others",
            &store,
            &[first()?.build()?],
            AppendOutcome::Duplicate,
            &stored,
        )?;
    }
    Ok(())
}

pub(super) fn d4_details_in_another_layout_are_duplicate(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize_private()?;
    for who in [ADELE, HANNA] {
        let with = |details: &str| {
            Ok::<_, Breach>(activity_builder(who, Actor::user(alias(who)?), at(0))?.details(details).build()?)
        };
        let first = with(r#"{"b":1,"a":["é"]}"#)?;
        let stored = newest_first([store.all_stored()?, store.append_new(std::slice::from_ref(&first))?].concat());
        for (what, details, expected) in [
            ("in another layout", r#"{ "a": ["\u00e9"], "b": 1.0 }"#, AppendOutcome::Duplicate),
            ("with another value", r#"{"b":1,"a":["e"]}"#, AppendOutcome::Conflict),
        ] {
            deliver_again(&format!("the same details {what}"), &store, &[with(details)?], expected, &stored)?;
        }
    }
    Ok(())
}

pub(super) fn d4_first_in_batch_is_stored(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize_private()?;
    let twice = activity("twice", ADELE)?;
    let batch = [twice.clone(), activity("twice", HANNA)?, twice.clone(), activity("turned", HANNA)?];
    let outcomes = store.deliver(&[&batch[..], &[activity("turned", ADELE)?]].concat())?;
    use AppendOutcome::{Conflict, Duplicate, Stored};
    let expected = [Stored, Conflict, Duplicate, Stored, Conflict];
    ensure!(outcomes == expected, "the outcomes are {outcomes:?}, expected {expected:?}");
    let shown = store.all_public()?;
    let [only] = &shown[..] else {
        return Err(Breach::new(format!("{} public activities, expected 1", shown.len())));
    };
    ensure!(*only.activity() == twice, "the second content is stored");
    let all = store.all_stored()?.len();
    ensure!(all == 2, "{all} activities are stored, expected 2");
    Ok(())
}

pub(super) fn d4_first_is_kept_on_every_handle(harness: impl StoreHarness) -> Checked {
    let (here, there) = (harness.open(), harness.open());
    here.initialize_private()?;
    let mut stored = Vec::new();
    for who in [ADELE, HANNA] {
        let first = [activity(who, who)?];
        stored = newest_first([stored, here.append_new(&first)?].concat());
        deliver_again("a second delivery on another handle", &there, &first, AppendOutcome::Duplicate, &stored)?;
        let other = [activity_at(who, who, at(1))?];
        deliver_again("other content on another handle", &there, &other, AppendOutcome::Conflict, &stored)?;
        deliver_again("a second delivery on a new handle", &harness.open(), &first, AppendOutcome::Duplicate, &stored)?;
    }
    Ok(())
}

pub(super) fn d4_first_is_kept_after_crash(mut harness: impl StoreHarness) -> Checked {
    let before = harness.open();
    before.initialize_private()?;
    let first = [activity("hidden", HANNA)?, activity("shown", ADELE)?];
    let stored = newest_first(before.append_new(&first)?);
    harness.crash();
    let store = harness.open();
    store.toggle_council()?;
    deliver_again("a second delivery after a crash", &store, &first, AppendOutcome::Duplicate, &stored)?;
    let others = [activity_at("hidden", HANNA, at(1))?, activity_at("shown", ADELE, at(1))?];
    deliver_again("other content after a crash", &store, &others, AppendOutcome::Conflict, &stored)?;
    drop(before);
    Ok(())
}

pub(super) fn d4_concurrent_deliveries_store_id_once(harness: impl StoreHarness) -> Checked {
    const THREADS: i64 = 4;
    const IDS: usize = 3;
    let store = harness.open();
    store.initialize_private()?;
    for round in 0..6 {
        let equal = activities(&format!("equal-{round}"), if round % 2 == 0 { ADELE } else { HANNA }, IDS)?;
        let task = |seconds| {
            let (handle, mut batch) = (harness.open(), equal.clone());
            batch.push(activity_at(&format!("different-{round}"), ADELE, at(seconds))?);
            Ok(move || handle.deliver(&batch))
        };
        let outcomes = race((0..THREADS).map(task).collect::<Checked<_>>()?)?;
        for (nth, lost) in [
            (0, AppendOutcome::Duplicate),
            (1, AppendOutcome::Duplicate),
            (2, AppendOutcome::Duplicate),
            (IDS, AppendOutcome::Conflict),
        ] {
            let of_id: Vec<_> = outcomes.iter().filter_map(|outcomes| outcomes.get(nth).copied()).collect();
            let count = |outcome| of_id.iter().filter(|one| **one == outcome).count();
            let once =
                count(AppendOutcome::Stored) == 1 && count(lost) == of_id.len() - 1 && of_id.len() == outcomes.len();
            ensure!(once, "one id delivered by {THREADS} threads at once returned {of_id:?}");
        }
    }
    let stored = store.all_stored()?;
    ensure!(stored.len() == 6 * (IDS + 1), "{} activities are stored, expected {}", stored.len(), 6 * (IDS + 1));
    let followed = store.followed()?.len();
    let public = store.all_public()?.len();
    ensure!(followed == public, "public_after returns {followed} of {public} public activities");
    Ok(())
}

pub(super) fn d4_ids_are_compared_bytewise(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize_private()?;
    let long = "x".repeat(512);
    let ids =
        ["a", "A", "a ", " a", "1", "01", "1.0", "é", "e\u{301}", "ß", "ss", "%", "_", "'", "null", "NaN", "\u{1f600}"];
    for who in [ADELE, HANNA] {
        let named = |id: &&str| activity(&format!("{id}{}", if who == ADELE { "" } else { "?" }), who);
        let all = ids.iter().map(named).collect::<Checked<Vec<_>>>()?;
        store.append_new(&all)?;
    }
    store.append_new(&[activity(&long, ADELE)?, activity(&format!("{}y", &long[..511]), ADELE)?])?;
    for id in ids.iter().chain([&&*long]) {
        let found = store.look_up(id)?;
        let id_found = found.as_ref().map(|found| found.activity().id().as_str());
        ensure!(id_found == Some(*id), "a look-up of `{id}` returned {id_found:?}");
    }
    Ok(())
}
