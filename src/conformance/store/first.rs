//! The first delivery of an id decides, for ever.

use super::StoreHarness;
use crate::activity::{Activity, ActivityBuilder, Actor, App};
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{
    ADELE, Drive, HANNA, Read, activities, activity, activity_at, alias, at, begun, is_public, micros, newest_first,
    race, same,
};
use crate::query::Query;
use crate::store::{ActivityStore, AppendOutcome, StoredActivity};

/// Delivers again, and breaks off unless the answers are these and nothing that is stored moved.
fn again(
    what: &str,
    store: &impl ActivityStore,
    activities: &[Activity],
    answer: AppendOutcome,
    stored: &[StoredActivity],
) -> Checked {
    let answers = store.deliver(activities)?;
    let expected = vec![answer; activities.len()];
    ensure!(answers == expected, "{what} was answered with {answers:?}, expected {expected:?}");
    same(&format!("after {what}"), &store.everything()?, stored)?;
    let public: Vec<_> = stored.iter().filter(|stored| is_public(stored)).cloned().collect();
    store.counts(&format!("after {what}, everything public"), &Query::all(), None, &public)
}

pub(super) fn d4_the_first_verdict_wins(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.initialize()?;
    let shown = [activity_at("shown", HANNA, at(1))?];
    let mut stored = store.keep(&shown)?;
    store.turn()?;
    again("what was public, delivered when it would be private", &store, &shown, AppendOutcome::Duplicate, &stored)?;
    let hidden = [activity_at("hidden", HANNA, at(0))?];
    stored.extend(store.keep(&hidden)?);
    store.turn()?;
    again("what was private, delivered when it would be public", &store, &hidden, AppendOutcome::Duplicate, &stored)
}

pub(super) fn d4_a_change_of_the_policy_moves_no_verdict(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.initialize()?;
    let mut stored = Vec::new();
    for round in 0..4 {
        let batch = [
            activity_at(&format!("adele-{round}"), ADELE, at(round))?,
            activity_at(&format!("hanna-{round}"), HANNA, at(round))?,
        ];
        stored.extend(store.keep(&batch)?);
        store.turn()?;
        same("after a change of the policy", &store.everything()?, &newest_first(stored.clone()))?;
    }
    Ok(())
}

pub(super) fn d4_the_first_content_wins(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.found_hiding()?;
    for who in [ADELE, HANNA] {
        let first = || begun(who, Actor::user(alias(who)?), at(0));
        let actor = || Ok::<_, Breach>(Actor::user(alias(who)?));
        let in_app =
            |app| Ok::<_, Breach>(Activity::builder(who.parse()?, actor()?, app, "FileAccessed".parse()?, at(0)));
        let first_app = || Ok::<_, Breach>(App::new("SharePoint".parse()?).in_suite("Microsoft 365".parse()?));
        let stored = newest_first([store.everything()?, store.keep(&[first()?.build()?])?].concat());
        let others: [(&str, ActivityBuilder); 9] = [
            ("another actor", begun(who, Actor::user(alias("bob")?), at(0))?),
            ("another time", begun(who, actor()?, at(0) + micros(1))?),
            ("another object", first()?.object("budget.xlsx")),
            ("more details", first()?.details("{}")),
            ("somebody it was done for", first()?.on_behalf_of(Actor::user(alias("bob")?))),
            ("no object", in_app(first_app()?)?),
            ("another app", in_app(App::new("Box".parse()?))?.object("plan.docx")),
            ("the app in no suite", in_app(App::new("SharePoint".parse()?))?.object("plan.docx")),
            ("another spelling of the actor", begun(who, Actor::user(alias(&who.to_uppercase())?), at(0))?),
        ];
        for (what, other) in others {
            again(&format!("an id with {what}"), &store, &[other.build()?], AppendOutcome::Conflict, &stored)?;
        }
        again("the first content after others", &store, &[first()?.build()?], AppendOutcome::Duplicate, &stored)?;
    }
    Ok(())
}

pub(super) fn d4_within_a_batch_the_first_wins(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.found_hiding()?;
    let twice = activity("twice", ADELE)?;
    let batch = [twice.clone(), activity("twice", HANNA)?, twice.clone(), activity("turned", HANNA)?];
    let answers = store.deliver(&[&batch[..], &[activity("turned", ADELE)?]].concat())?;
    use AppendOutcome::{Conflict, Duplicate, Stored};
    let expected = [Stored, Conflict, Duplicate, Stored, Conflict];
    ensure!(answers == expected, "answered {answers:?}, expected {expected:?}");
    let shown = store.shown()?;
    let [only] = &shown[..] else {
        return Err(Breach::seen(format!("{} public activities, expected 1", shown.len())));
    };
    ensure!(*only.activity() == twice, "the content that came second is stored");
    let all = store.everything()?.len();
    ensure!(all == 2, "{all} activities are stored, expected 2");
    Ok(())
}

pub(super) fn d4_on_every_handle_the_first_wins(place: impl StoreHarness) -> Checked {
    let (here, there) = (place.open(), place.open());
    here.found_hiding()?;
    let mut stored = Vec::new();
    for who in [ADELE, HANNA] {
        let first = [activity(who, who)?];
        stored = newest_first([stored, here.keep(&first)?].concat());
        again("a second delivery elsewhere", &there, &first, AppendOutcome::Duplicate, &stored)?;
        let other = [activity_at(who, who, at(1))?];
        again("another content elsewhere", &there, &other, AppendOutcome::Conflict, &stored)?;
        again("a second delivery to a handle that is new", &place.open(), &first, AppendOutcome::Duplicate, &stored)?;
    }
    Ok(())
}

pub(super) fn d4_after_a_crash_the_first_wins(mut place: impl StoreHarness) -> Checked {
    let before = place.open();
    before.found_hiding()?;
    let first = [activity("hidden", HANNA)?, activity("shown", ADELE)?];
    let stored = newest_first(before.keep(&first)?);
    place.crash();
    let store = place.open();
    store.turn()?;
    again("a second delivery after a crash", &store, &first, AppendOutcome::Duplicate, &stored)?;
    let others = [activity_at("hidden", HANNA, at(1))?, activity_at("shown", ADELE, at(1))?];
    again("another content after a crash", &store, &others, AppendOutcome::Conflict, &stored)?;
    drop(before);
    Ok(())
}

pub(super) fn d4_racing_deliveries_store_an_id_once(place: impl StoreHarness) -> Checked {
    const RIVALS: i64 = 4;
    const IDS: usize = 3;
    let store = place.open();
    store.found_hiding()?;
    for round in 0..6 {
        let alike = activities(&format!("alike-{round}"), if round % 2 == 0 { ADELE } else { HANNA }, IDS)?;
        let rival = |seconds| {
            let (handle, mut batch) = (place.open(), alike.clone());
            batch.push(activity_at(&format!("unlike-{round}"), ADELE, at(seconds))?);
            Ok(move || handle.deliver(&batch))
        };
        let answers = race((0..RIVALS).map(rival).collect::<Checked<_>>()?)?;
        for (nth, lost) in [
            (0, AppendOutcome::Duplicate),
            (1, AppendOutcome::Duplicate),
            (2, AppendOutcome::Duplicate),
            (IDS, AppendOutcome::Conflict),
        ] {
            let told: Vec<_> = answers.iter().filter_map(|answers| answers.get(nth).copied()).collect();
            let count = |answer| told.iter().filter(|told| **told == answer).count();
            let once =
                count(AppendOutcome::Stored) == 1 && count(lost) == told.len() - 1 && told.len() == answers.len();
            ensure!(once, "one id, delivered by {RIVALS} threads at once, was answered with {told:?}");
        }
    }
    let stored = store.everything()?;
    ensure!(stored.len() == 6 * (IDS + 1), "{} activities are stored, expected {}", stored.len(), 6 * (IDS + 1));
    let followed = store.followed()?.len();
    let public = store.shown()?.len();
    ensure!(followed == public, "public_after returns {followed} of {public} public activities");
    Ok(())
}

pub(super) fn d4_ids_are_compared_byte_for_byte(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.found_hiding()?;
    let long = "x".repeat(512);
    let ids =
        ["a", "A", "a ", " a", "1", "01", "1.0", "é", "e\u{301}", "ß", "ss", "%", "_", "'", "null", "NaN", "\u{1f600}"];
    for who in [ADELE, HANNA] {
        let named = |id: &&str| activity(&format!("{id}{}", if who == ADELE { "" } else { "?" }), who);
        let all = ids.iter().map(named).collect::<Checked<Vec<_>>>()?;
        store.keep(&all)?;
    }
    store.keep(&[activity(&long, ADELE)?, activity(&format!("{}y", &long[..511]), ADELE)?])?;
    for id in ids.iter().chain([&&*long]) {
        let found = store.look_up(id)?;
        let told = found.as_ref().map(|found| found.activity().id().as_str());
        ensure!(told == Some(*id), "looking for `{id}` found {told:?}");
    }
    Ok(())
}
