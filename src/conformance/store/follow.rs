//! `public_after` follows the order of storing, from offsets that only the store reads.

use std::collections::HashSet;

use super::StoreHarness;
use super::order::{filled, shuffled};
use crate::conformance::clause::{Breach, Checked, ensure, in_full};
use crate::conformance::fixture::{
    ADELE, ALL, Crew, Drive, HANNA, Racer, Read, activities, activity_at, at, in_the_open, race, same,
};
use crate::forward::Offset;
use crate::store::{ActivityStore, StoreError};

/// Activities with their offsets, as ids that a breach can show.
fn after(store: &impl ActivityStore, offset: &Offset, limit: usize) -> Checked<Vec<(Offset, String)>> {
    let found = store.public_after(offset, limit)?;
    Ok(found.into_iter().map(|(offset, public)| (offset, public.activity().id().as_str().to_owned())).collect())
}

fn ids(followed: Vec<(Offset, String)>) -> Vec<String> {
    followed.into_iter().map(|(_, id)| id).collect()
}

pub(super) fn f2_public_after_goes_by_the_order_of_storing(place: impl StoreHarness) -> Checked {
    let store = place.open();
    filled(&store)?;
    let stored: Vec<String> = shuffled()?.iter().map(|activity| activity.id().as_str().to_owned()).collect();
    let found = ids(after(&store, &Offset::START, ALL)?);
    ensure!(found == stored, "public_after returns {found:?}, stored were {stored:?}");
    let within = activities("batch", ADELE, 4)?;
    store.deliver(&within.iter().rev().cloned().collect::<Vec<_>>())?;
    let found: Vec<String> = ids(after(&store, &Offset::START, ALL)?).into_iter().skip(stored.len()).collect();
    ensure!(found == ["batch-3", "batch-2", "batch-1", "batch-0"], "of a batch public_after returns {found:?}");
    Ok(())
}

pub(super) fn f2_following_from_any_offset_gives_what_comes_after(place: impl StoreHarness) -> Checked {
    let store = place.open();
    ensure!(store.followed()?.is_empty(), "an empty store has activities to follow");
    filled(&store)?;
    store.keep(&activities("hidden", HANNA, 3)?)?;
    store.keep(&activities("batch", ADELE, 5)?)?;
    let all = store.followed()?;
    let different: HashSet<_> = all.iter().map(|(offset, _)| offset).collect();
    ensure!(different.len() == all.len(), "{} activities have {} offsets", all.len(), different.len());
    ensure!(!different.contains(&Offset::START), "an activity has the offset before all of them");
    for limit in [0, 1, 3, ALL] {
        store.follows("here", &all, limit)?;
        place.open().follows("through another handle", &all, limit)?;
    }
    Ok(())
}

pub(super) fn f2_offsets_stay_and_go_on_at_every_limit(place: impl StoreHarness) -> Checked {
    let store = place.open();
    filled(&store)?;
    let first = after(&store, &Offset::START, ALL)?;
    store.keep(&activities("more", ADELE, 5)?)?;
    // Delivered again, refused, empty: none of it moves an offset.
    store.deliver(&activities("more", ADELE, 5)?)?;
    store.deliver(&[activity_at("more-0", ADELE, at(77))?])?;
    store.deliver(&[])?;
    store.turn()?;
    store.keep(&activities("most", ADELE, 2)?)?;
    let all = after(&store, &Offset::START, ALL)?;
    ensure!(all.starts_with(&first), "offsets moved: {first:?} became {all:?}");
    ensure!(after(&place.open(), &Offset::START, ALL)? == all, "another handle has other offsets");
    for limit in 1..=all.len() {
        let (mut joined, mut last) = (Vec::new(), Offset::START);
        while joined.len() <= all.len() {
            let step = after(&store, &last, limit)?;
            ensure!(step.len() <= limit, "a step of {limit} holds {}", step.len());
            let Some((offset, _)) = step.last() else { break };
            last = offset.clone();
            joined.extend(step);
        }
        ensure!(joined == all, "in steps of {limit} public_after returns {joined:?}, expected {all:?}");
    }
    Ok(())
}

pub(super) fn f2_a_follower_misses_nothing(place: impl StoreHarness) -> Checked {
    const BATCHES: usize = 12;
    let store = place.open();
    store.initialize()?;
    let writers = &Crew::default();
    let write = |name: &'static str| {
        let (handle, at_work) = (place.open(), writers.join());
        move || {
            let _at_work = at_work;
            (0..BATCHES).try_for_each(|n| handle.keep(&activities(&format!("{name}-{n}"), ADELE, 3)?).map(drop))?;
            Ok(Vec::new())
        }
    };
    let follower = place.open();
    let follow = || {
        let (mut followed, mut last) = (Vec::new(), Offset::START);
        loop {
            // Asked first: once no writer is at work, one more look finds all.
            let is_last_look = !writers.is_at_work();
            let found = after(&follower, &last, 5)?;
            match found.last() {
                Some((offset, _)) => last = offset.clone(),
                None if is_last_look => return Ok(followed),
                None => {}
            }
            followed.extend(found);
            ensure!(followed.len() <= ALL, "a follower gets {} activities, and no end", followed.len());
        }
    };
    let racers: [Racer<'_, _>; 3] = [Box::new(write("a")), Box::new(write("b")), Box::new(follow)];
    let followed = race(racers.into())?.concat();
    let stored = after(&store, &Offset::START, ALL)?;
    let seen: HashSet<&str> = followed.iter().map(|(_, id)| &**id).collect();
    if let Some((number, (_, id))) = (1..).zip(&stored).find(|(_, (_, id))| !seen.contains(&**id)) {
        return Err(Breach::seen(format!("a follower from the start never saw `{id}`, which is number {number}")));
    }
    ensure!(followed == stored, "a follower saw {} activities, {} are stored", followed.len(), stored.len());
    Ok(())
}

/// Bytes that no store made, unless by chance: without randomness, so that a breach comes again.
fn made_up(length: usize) -> Checked<Offset> {
    // The multiplier and increment of Knuth's MMIX generator.
    let next = |last: &u64| Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    let bytes = std::iter::successors(Some(length as u64), next).skip(1).map(|number| number.to_be_bytes()[0]);
    Ok(Offset::new(bytes.take(length).collect::<Vec<u8>>())?)
}

pub(super) fn b1_an_offset_of_no_store_is_refused_or_harmless(place: impl StoreHarness) -> Checked {
    let store = place.open();
    filled(&store)?;
    store.keep(&activities("hidden", HANNA, 3)?)?;
    let public = in_the_open(store.followed()?.into_iter().map(|(_, public)| public).collect());
    for length in [1, 2, 4, 7, 8, 9, 16, 31, 64] {
        match store.public_after(&made_up(length)?, ALL) {
            Err(StoreError::UnknownOffset) => {}
            Err(error) => {
                let told = in_full(&error);
                return Err(Breach::seen(format!("{length} bytes that are no offset were answered with `{told}`")));
            }
            // They happen to be an offset: then what comes after it is the end of all there is.
            Ok(found) => {
                let found = in_the_open(found.into_iter().map(|(_, public)| public).collect());
                let before = public.len().saturating_sub(found.len());
                let end = public.get(before..).unwrap_or_default();
                same(&format!("after {length} bytes that are no offset"), &found, end)?;
            }
        }
    }
    Ok(())
}
