//! `public_after` returns activities in storage order, after opaque offsets.

use std::collections::HashSet;

use super::StoreHarness;
use super::ordering::{populate, shuffled};
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, HANNA, ReadExt, StoreExt, Task, Workers, activities, activity_at, at, ensure_same, into_stored, race,
};
use crate::error::with_sources;
use crate::forward::Offset;
use crate::store::{ActivityStore, PublicOrder, StoreError};

/// Returns the activities after an offset as ids, for the text of a violation, with their offsets.
fn after(store: &impl ActivityStore, offset: &Offset, limit: usize) -> Checked<Vec<(Offset, String)>> {
    let found = store.public_after(offset, limit)?;
    Ok(found.into_iter().map(|(offset, public)| (offset, public.activity().id().as_str().to_owned())).collect())
}

fn ids(followed: Vec<(Offset, String)>) -> Vec<String> {
    followed.into_iter().map(|(_, id)| id).collect()
}

pub(super) fn f2_public_after_returns_storage_order(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    populate(&store)?;
    let stored: Vec<String> = shuffled()?.iter().map(|activity| activity.id().as_str().to_owned()).collect();
    let found = ids(after(&store, &Offset::START, ALL)?);
    ensure!(found == stored, "public_after returned {found:?}, expected {stored:?}");
    let within = activities("batch", ADELE, 4)?;
    store.deliver(&within.iter().rev().cloned().collect::<Vec<_>>())?;
    let found: Vec<String> = ids(after(&store, &Offset::START, ALL)?).into_iter().skip(stored.len()).collect();
    ensure!(found == ["batch-3", "batch-2", "batch-1", "batch-0"], "within a batch, public_after returned {found:?}");
    Ok(())
}

pub(super) fn f2_every_offset_continues_after_its_activity(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    ensure!(store.followed()?.is_empty(), "public_after returned activities of an empty store");
    populate(&store)?;
    store.append_new(&activities("hidden", HANNA, 3)?)?;
    store.append_new(&activities("batch", ADELE, 5)?)?;
    let all = store.followed()?;
    let different: HashSet<_> = all.iter().map(|(offset, _)| offset).collect();
    ensure!(different.len() == all.len(), "{} activities have {} offsets", all.len(), different.len());
    ensure!(!different.contains(&Offset::START), "an activity has the offset `START`");
    for limit in [0, 1, 3, ALL] {
        store.ensure_follows("through the same handle", &all, limit)?;
        harness.open().ensure_follows("through another handle", &all, limit)?;
    }
    Ok(())
}

pub(super) fn f2_offsets_are_stable_at_every_limit(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    populate(&store)?;
    let first = after(&store, &Offset::START, ALL)?;
    store.append_new(&activities("more", ADELE, 5)?)?;
    // Duplicates, conflicts and empty batches change no offset.
    store.deliver(&activities("more", ADELE, 5)?)?;
    store.deliver(&[activity_at("more-0", ADELE, at(77))?])?;
    store.deliver(&[])?;
    store.toggle_council()?;
    store.append_new(&activities("most", ADELE, 2)?)?;
    let all = after(&store, &Offset::START, ALL)?;
    ensure!(all.starts_with(&first), "offsets changed from {first:?} to {all:?}");
    ensure!(after(&harness.open(), &Offset::START, ALL)? == all, "another handle has other offsets");
    for limit in 1..=all.len() {
        let (mut joined, mut last) = (Vec::new(), Offset::START);
        while joined.len() <= all.len() {
            let step = after(&store, &last, limit)?;
            ensure!(step.len() <= limit, "a step of {limit} contains {} activities", step.len());
            let Some((offset, _)) = step.last() else { break };
            last = offset.clone();
            joined.extend(step);
        }
        ensure!(joined == all, "in steps of {limit}, public_after returned {joined:?}, expected {all:?}");
    }
    Ok(())
}

pub(super) fn f2_follower_misses_nothing(harness: impl StoreHarness) -> Checked {
    const BATCHES: usize = 12;
    let store = harness.open();
    store.initialize()?;
    let writers = &Workers::default();
    let write = |name: &'static str| {
        let (handle, worker) = (harness.open(), writers.start());
        move || {
            let _at_work = worker;
            (0..BATCHES)
                .try_for_each(|n| handle.append_new(&activities(&format!("{name}-{n}"), ADELE, 3)?).map(drop))?;
            Ok(Vec::new())
        }
    };
    let follower = harness.open();
    let follow = || {
        let (mut followed, mut last) = (Vec::new(), Offset::START);
        loop {
            // Read before the page: after the last writer ended, one more page returns the rest.
            let is_last_page = !writers.are_active();
            let found = after(&follower, &last, 5)?;
            match found.last() {
                Some((offset, _)) => last = offset.clone(),
                None if is_last_page => return Ok(followed),
                None => {}
            }
            followed.extend(found);
            ensure!(followed.len() <= ALL, "a follower got {} activities without reaching the end", followed.len());
        }
    };
    let tasks: [Task<'_, _>; 3] = [Box::new(write("a")), Box::new(write("b")), Box::new(follow)];
    let followed = race(tasks.into())?.concat();
    let stored = after(&store, &Offset::START, ALL)?;
    let seen: HashSet<&str> = followed.iter().map(|(_, id)| &**id).collect();
    if let Some((number, (_, id))) = (1..).zip(&stored).find(|(_, (_, id))| !seen.contains(&**id)) {
        return Err(Breach::new(format!("a follower from the start missed `{id}`, which is number {number}")));
    }
    ensure!(followed == stored, "a follower got {} activities, {} are stored", followed.len(), stored.len());
    Ok(())
}

/// Returns bytes that no store made, unless by chance. They are the same in every run, so that a violation is
/// reproducible.
fn made_up(length: usize) -> Checked<Offset> {
    // The multiplier and increment of Knuth's MMIX generator.
    let next = |last: &u64| Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    let bytes = std::iter::successors(Some(length as u64), next).skip(1).map(|number| number.to_be_bytes()[0]);
    Ok(Offset::new(bytes.take(length).collect::<Vec<u8>>())?)
}

pub(super) fn b1_foreign_offset_is_rejected_or_harmless(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    populate(&store)?;
    store.append_new(&activities("hidden", HANNA, 3)?)?;
    let public = into_stored(store.followed()?.into_iter().map(|(_, public)| public).collect());
    for length in [1, 2, 4, 7, 8, 9, 16, 31, 64] {
        match store.public_after(&made_up(length)?, ALL) {
            Err(StoreError::UnknownOffset) => {}
            Err(error) => {
                let message = with_sources(&error);
                return Err(Breach::new(format!("{length} arbitrary bytes returned `{message}`")));
            }
            // The bytes happen to be an offset: then the activities after it are the end of the list.
            Ok(found) => {
                let found = into_stored(found.into_iter().map(|(_, public)| public).collect());
                let before = public.len().saturating_sub(found.len());
                let end = public.get(before..).unwrap_or_default();
                ensure_same(&format!("after {length} arbitrary bytes"), &found, end)?;
            }
        }
    }
    Ok(())
}
