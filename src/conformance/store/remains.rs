//! What is left where something was removed: ids that stay taken, offsets that stay, and answers in which it never was.

use std::collections::BTreeSet;

use super::StoreHarness;
use super::hidden::{has_fixed_offsets, offsets_alike};
use super::removal::{holds, of_both, remove_all};
use crate::activity::{Activity, ActivityId, Actor};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, Drive, HANNA, Read, activities, activity, activity_at, aged, alias, at, begun, erasure, ids,
    in_the_open, is_public, same, stamped_at,
};
use crate::forward::Offset;
use crate::query::{CountBy, Position, Query};
use crate::store::{ActivityStore, AppendOutcome};

pub(super) fn d4_ids_of_what_was_removed_stay_taken(place: impl StoreHarness) -> Checked {
    let (store, other) = (place.open(), place.open());
    store.found_hiding()?;
    let all = of_both()?;
    let stored = store.keep(&all)?;
    // The other handle has seen them too.
    ensure!(other.deliver(&all)? == vec![AppendOutcome::Duplicate; all.len()], "a second delivery is no duplicate");
    let mut rest = stored;
    for who in [HANNA, ADELE] {
        let removal = erasure(who, &[alias(who)?])?;
        let gone: BTreeSet<ActivityId> =
            rest.iter().filter(|stored| removal.covers(stored)).map(|stored| stored.activity().id().clone()).collect();
        rest = super::removal::rest(&rest, &removal);
        remove_all(&store, &removal, 3)?;
        let again: Vec<Activity> = all.iter().filter(|activity| gone.contains(activity.id())).cloned().collect();
        // Another content, by somebody else, of another visibility: nobody knows what the first was.
        let others = again
            .iter()
            .map(|activity| activity_at(activity.id().as_str(), if who == HANNA { ADELE } else { HANNA }, at(77)));
        let others = others.collect::<Checked<Vec<_>>>()?;
        for handle in [&store, &other, &place.open()] {
            for batch in [&again, &others] {
                let answers = handle.deliver(batch)?;
                let expected = vec![AppendOutcome::Duplicate; batch.len()];
                ensure!(answers == expected, "ids of what was removed were answered with {answers:?}");
            }
        }
        store.turn()?;
        let answers = other.deliver(&others)?;
        ensure!(answers.iter().all(|answer| *answer == AppendOutcome::Duplicate), "under another policy: {answers:?}");
        store.turn()?;
        holds(&store, "after ids of what was removed came again", &rest)?;
    }
    Ok(())
}

pub(super) fn f2_offsets_of_what_stays_do_not_change(place: impl StoreHarness) -> Checked {
    let store = place.open();
    store.found_hiding()?;
    let named = |name: &str| activities(name, name, 4);
    for name in ["otto", ADELE, "wanda", HANNA, "last"] {
        store.keep(&named(name)?)?;
    }
    // Every offset that was ever returned, and whether its activity is still there.
    let mut offsets: Vec<_> = store.followed()?.into_iter().map(|(offset, public)| (offset, Some(public))).collect();
    // The newest, and then some in the middle.
    for name in ["last", ADELE, HANNA] {
        let removal = erasure(name, &[alias(name)?])?;
        remove_all(&store, &removal, 3)?;
        for (_, public) in &mut offsets {
            *public = public.take().filter(|public| !removal.covers(public));
        }
        let newest = offsets.last().map_or(Offset::START, |(offset, _)| offset.clone());
        let next = store.keep(&[activity(&format!("after-{name}"), "otto")?])?;
        let later = store.public_after(&newest, ALL)?;
        let news = in_the_open(later.iter().map(|(_, public)| public.clone()).collect());
        same("what was stored after a removal, after the newest offset before it", &news, &next)?;
        for (offset, _) in &later {
            ensure!(offsets.iter().all(|(known, _)| known != offset), "an offset was given twice");
        }
        offsets.extend(later.into_iter().map(|(offset, public)| (offset, Some(public))));
        let starts = std::iter::once(Offset::START).chain(offsets.iter().map(|(offset, _)| offset.clone()));
        for (nth, start) in starts.enumerate() {
            let left = offsets.iter().skip(nth).filter_map(|(offset, public)| Some((offset, public.as_ref()?)));
            for limit in [1, 3, ALL] {
                let found = store.public_after(&start, limit)?;
                let expected: Vec<_> = left.clone().take(limit).collect();
                let are_same = found.iter().map(|(offset, public)| (offset, public)).eq(expected);
                ensure!(are_same, "after a removal, {limit} at most after offset number {nth} are others than before");
            }
        }
    }
    Ok(())
}

/// What the `public_*` methods answer, without offsets.
fn answers(store: &impl ActivityStore) -> Checked<Vec<String>> {
    let mut answers = Vec::new();
    for query in [
        Query::all(),
        Query::all().since(at(1)).until(at(4)),
        Query::all().by_actor("adele@contoso.com")?,
        Query::all().by_actor("otto@contoso.com")?,
        Query::all().by_actor("hanna")?,
        Query::all().in_app("SharePoint".parse()?),
        Query::all().containing("plan")?,
    ] {
        for limit in [1, 3, ALL] {
            let (mut after, mut pages) = (None, Vec::new());
            loop {
                let page = store.page(&query, after.as_ref(), limit)?;
                let Some(last) = page.last() else { break };
                after = Some(Position::of(last.activity()));
                ensure!(pages.len() <= ALL, "pages that have no end");
                pages.push(ids(&page));
            }
            answers.push(pages.concat());
        }
        for by in [None, Some(CountBy::Hour), Some(CountBy::Day), Some(CountBy::App), Some(CountBy::Actor)] {
            answers.push(format!("{:?}", store.public_counts(&query, by)?));
        }
    }
    Ok(answers)
}

fn alike(what: &str, with: &impl ActivityStore, without: &impl ActivityStore) -> Checked {
    for (with, without) in answers(with)?.iter().zip(&answers(without)?) {
        ensure!(with == without, "{what}: {with}; expected: {without}");
    }
    Ok(())
}

pub(super) fn g5_public_answers_are_as_if_it_had_never_been_stored<H: StoreHarness>(place: H) -> Checked {
    let other = H::fresh();
    let (with, without) = (place.open(), other.open());
    with.found_hiding()?;
    without.found_hiding()?;
    let removal = erasure(ADELE, &[alias(ADELE)?])?;
    let mut gone = Vec::new();
    for round in 0..4 {
        let mut batch = activities(&format!("otto-{round}"), "otto", 3)?;
        batch.extend(activities(&format!("hidden-{round}"), HANNA, 2)?);
        without.keep(&batch)?;
        let hers = activities(&format!("adele-{round}"), ADELE, 4)?;
        gone.extend(hers.iter().map(|activity| activity.id().clone()));
        batch.splice(1..1, hers);
        with.keep(&batch)?;
        // Asked before too, so that whatever is kept of the answers has to be forgotten.
        answers(&with)?;
        if round % 2 == 1 {
            let removed = remove_all(&with, &removal, 3)?;
            ensure!(removed == 8, "{removed} were removed, expected 8");
            alike("after a removal", &with, &without)?;
        }
    }
    for id in &gone {
        ensure!(with.look_up(id.as_str())?.is_none(), "`{}`, which was removed, was found", id.as_str());
    }
    Ok(())
}

pub(super) fn v2_removing_what_is_hidden_leaves_no_trace<H: StoreHarness>(place: H) -> Checked {
    let are_fixed = has_fixed_offsets::<H>()?;
    let other = H::fresh();
    let (with, without) = (place.open(), other.open());
    with.found_hiding()?;
    without.found_hiding()?;
    let removals = [erasure(HANNA, &[alias(HANNA)?])?, aged(at(100))?];
    for round in 0..4_i64 {
        let shown = activities(&format!("shown-{round}"), ADELE, 3)?;
        without.keep(&shown)?;
        let mut batch = activities(&format!("hidden-{round}"), HANNA, 4)?;
        batch.splice(1..1, shown);
        with.keep(&batch)?;
        // Decided long ago, and hidden.
        let old = [begun(&format!("old-{round}"), Actor::unknown(), at(round))?.build()?];
        let policy = with.in_force()?;
        with.append(&stamped_at(&policy, &old, at(round))?)?;
        for removal in &removals {
            for store in [&with, &without] {
                remove_all(store, removal, 2)?;
            }
            alike("after what was hidden was removed", &with, &without)?;
            offsets_alike("what is left", are_fixed, &with.followed()?, &without.followed()?)?;
        }
    }
    let hidden = with.everything()?.iter().filter(|stored| !is_public(stored)).count();
    ensure!(hidden == 0, "{hidden} are left of what was to be removed");
    Ok(())
}
