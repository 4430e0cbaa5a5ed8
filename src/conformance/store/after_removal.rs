//! After a removal: ids stay taken, offsets do not change, and answers are as if the removed activities had never been
//! stored.

use std::collections::BTreeSet;

use super::StoreHarness;
use super::non_interference::{ensure_offsets_alike, has_fixed_offsets};
use super::removal::{activities_of_both, ensure_contains, remove_all};
use crate::activity::{Activity, ActivityId, Actor};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, HANNA, ReadExt, StoreExt, activities, activity, activity_at, activity_builder, alias, at, decided_at,
    ensure_same, erasure, ids, into_stored, is_public, retention_removal,
};
use crate::forward::Offset;
use crate::query::{CountBy, Position, Query};
use crate::store::{ActivityStore, AppendOutcome, PublicOrder};

pub(super) fn d4_removed_ids_stay_taken(harness: impl StoreHarness) -> Checked {
    let (store, other) = (harness.open(), harness.open());
    store.initialize_private()?;
    let all = activities_of_both()?;
    let stored = store.append_new(&all)?;
    // The other handle has read the ids before the removal.
    ensure!(other.deliver(&all)? == vec![AppendOutcome::Duplicate; all.len()], "a second delivery is no duplicate");
    let mut rest = stored;
    for who in [HANNA, ADELE] {
        let removal = erasure(who, &[alias(who)?])?;
        let removed: BTreeSet<ActivityId> =
            rest.iter().filter(|stored| removal.covers(stored)).map(|stored| stored.activity().id().clone()).collect();
        rest = super::removal::rest(&rest, &removal);
        remove_all(&store, &removal, 3)?;
        let again: Vec<Activity> = all.iter().filter(|activity| removed.contains(activity.id())).cloned().collect();
        // Other content, by another user and with another visibility: the first content is no longer stored.
        let others = again
            .iter()
            .map(|activity| activity_at(activity.id().as_str(), if who == HANNA { ADELE } else { HANNA }, at(77)));
        let others = others.collect::<Checked<Vec<_>>>()?;
        for handle in [&store, &other, &harness.open()] {
            for batch in [&again, &others] {
                let outcomes = handle.deliver(batch)?;
                let expected = vec![AppendOutcome::Duplicate; batch.len()];
                ensure!(outcomes == expected, "removed ids returned {outcomes:?}");
            }
        }
        store.toggle_council()?;
        let outcomes = other.deliver(&others)?;
        ensure!(outcomes.iter().all(|one| *one == AppendOutcome::Duplicate), "under another policy: {outcomes:?}");
        store.toggle_council()?;
        ensure_contains(&store, "after a second delivery of removed ids", &rest)?;
    }
    Ok(())
}

pub(super) fn f2_remaining_offsets_do_not_change(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize_private()?;
    let named = |name: &str| activities(name, name, 4);
    for name in ["otto", ADELE, "wanda", HANNA, "last"] {
        store.append_new(&named(name)?)?;
    }
    // Every offset ever returned, and its activity unless that was removed.
    let mut offsets: Vec<_> = store.followed()?.into_iter().map(|(offset, public)| (offset, Some(public))).collect();
    // The newest activities first, then some in the middle.
    for name in ["last", ADELE, HANNA] {
        let removal = erasure(name, &[alias(name)?])?;
        remove_all(&store, &removal, 3)?;
        for (_, public) in &mut offsets {
            *public = public.take().filter(|public| !removal.covers(public));
        }
        let newest = offsets.last().map_or(Offset::START, |(offset, _)| offset.clone());
        let next = store.append_new(&[activity(&format!("after-{name}"), "otto")?])?;
        let later = store.public_after(&newest, ALL)?;
        let news = into_stored(later.iter().map(|(_, public)| public.clone()).collect());
        ensure_same("after a removal, the activities after the newest earlier offset", &news, &next)?;
        for (offset, _) in &later {
            ensure!(offsets.iter().all(|(known, _)| known != offset), "an offset was reused");
        }
        offsets.extend(later.into_iter().map(|(offset, public)| (offset, Some(public))));
        let starts = std::iter::once(Offset::START).chain(offsets.iter().map(|(offset, _)| offset.clone()));
        for (nth, start) in starts.enumerate() {
            let left = offsets.iter().skip(nth).filter_map(|(offset, public)| Some((offset, public.as_ref()?)));
            for limit in [1, 3, ALL] {
                let found = store.public_after(&start, limit)?;
                let expected: Vec<_> = left.clone().take(limit).collect();
                let are_same = found.iter().map(|(offset, public)| (offset, public)).eq(expected);
                ensure!(are_same, "after a removal, the activities after offset number {nth} at limit {limit} changed");
            }
        }
    }
    Ok(())
}

/// Returns the answers of the `public_*` methods, without offsets.
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
                ensure!(pages.len() <= ALL, "the pages do not end");
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

fn ensure_alike(what: &str, with: &impl ActivityStore, without: &impl ActivityStore) -> Checked {
    for (with, without) in answers(with)?.iter().zip(&answers(without)?) {
        ensure!(with == without, "{what}: {with}; expected: {without}");
    }
    Ok(())
}

pub(super) fn g5_public_answers_forget_removed_activities<H: StoreHarness>(harness: H) -> Checked {
    let other = H::fresh();
    let (with, without) = (harness.open(), other.open());
    with.initialize_private()?;
    without.initialize_private()?;
    let removal = erasure(ADELE, &[alias(ADELE)?])?;
    let mut removed_ids = Vec::new();
    for round in 0..4 {
        let mut batch = activities(&format!("otto-{round}"), "otto", 3)?;
        batch.extend(activities(&format!("hidden-{round}"), HANNA, 2)?);
        without.append_new(&batch)?;
        let hers = activities(&format!("adele-{round}"), ADELE, 4)?;
        removed_ids.extend(hers.iter().map(|activity| activity.id().clone()));
        batch.splice(1..1, hers);
        with.append_new(&batch)?;
        // Read before the removal as well, so that cached answers would be detected.
        answers(&with)?;
        if round % 2 == 1 {
            let removed = remove_all(&with, &removal, 3)?;
            ensure!(removed == 8, "{removed} were removed, expected 8");
            ensure_alike("after a removal", &with, &without)?;
        }
    }
    for id in &removed_ids {
        ensure!(with.look_up(id.as_str())?.is_none(), "a look-up returned `{}`, which was removed", id.as_str());
    }
    Ok(())
}

pub(super) fn v2_removal_of_private_activities_leaves_no_trace<H: StoreHarness>(harness: H) -> Checked {
    let are_fixed = has_fixed_offsets::<H>()?;
    let other = H::fresh();
    let (with, without) = (harness.open(), other.open());
    with.initialize_private()?;
    without.initialize_private()?;
    let removals = [erasure(HANNA, &[alias(HANNA)?])?, retention_removal(at(100))?];
    for round in 0..4_i64 {
        let shown = activities(&format!("shown-{round}"), ADELE, 3)?;
        without.append_new(&shown)?;
        let mut batch = activities(&format!("hidden-{round}"), HANNA, 4)?;
        batch.splice(1..1, shown);
        with.append_new(&batch)?;
        // Old and private.
        let old = [activity_builder(&format!("old-{round}"), Actor::unknown(), at(round))?.build()?];
        let policy = with.in_force()?;
        with.append(&decided_at(&policy, &old, at(round))?)?;
        for removal in &removals {
            for store in [&with, &without] {
                remove_all(store, removal, 2)?;
            }
            ensure_alike("after a removal of private activities", &with, &without)?;
            ensure_offsets_alike("the remaining activities", are_fixed, &with.followed()?, &without.followed()?)?;
        }
    }
    let hidden = with.all_stored()?.iter().filter(|stored| !is_public(stored)).count();
    ensure!(hidden == 0, "{hidden} covered activities are left");
    Ok(())
}
