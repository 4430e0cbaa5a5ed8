//! Ends, counts and times in the storage order.

use super::StoreHarness;
use super::removal::remove_all;
use crate::activity::Activity;
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, HANNA, ReadExt, StoreExt, activities, activity_at, alias, at, decided_at, erasure, micros,
};
use crate::error::with_sources;
use crate::forward::Offset;
use crate::store::{ActivityStore, PublicOrder, StoreError};

/// Stores activities of several users, public and private, in batches of four.
fn populate(store: &impl ActivityStore) -> Checked {
    store.initialize_private()?;
    for (name, who) in [("first", "otto"), ("hidden", HANNA), ("second", ADELE), ("third", "otto"), ("last", "wanda")] {
        store.append_new(&activities(name, who, 4)?)?;
    }
    Ok(())
}

/// Returns the offset `START` and the offset of every public activity, in order.
fn offsets(store: &impl ActivityStore) -> Checked<Vec<Offset>> {
    let all = store.followed()?.into_iter().map(|(offset, _)| offset);
    Ok(std::iter::once(Offset::START).chain(all).collect())
}

pub(super) fn f2_end_is_offset_of_newest_activity(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize_private()?;
    ensure!(store.end()? == Offset::START, "the end of an empty store is not `START`");
    store.append_new(&activities("shown", ADELE, 3)?)?;
    let check = |what: &str, expected: Option<&Offset>| {
        for handle in [&store, &harness.open()] {
            let end = handle.end()?;
            ensure!(Some(&end) == expected, "{what}, the end is `{end}`, not the offset of the newest activity");
        }
        Ok(())
    };
    check("after a batch", offsets(&store)?.last())?;
    store.append_new(&activities("hidden", HANNA, 2)?)?;
    store.deliver(&activities("shown", ADELE, 3)?)?;
    check("after private activities and duplicates", offsets(&store)?.last())?;
    store.append_new(&activities("newest", "otto", 2)?)?;
    let newest = offsets(&store)?;
    remove_all(&store, &erasure("otto", &[alias("otto")?])?, 3)?;
    check("after the newest activity was removed", newest.last())?;
    store.append_new(&activities("later", ADELE, 1)?)?;
    check("after a removal and a batch", offsets(&store)?.last())
}

pub(super) fn f2_stored_between_counts_removed_activities(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    populate(&store)?;
    let all = offsets(&store)?;
    let check = |what: &str| {
        for handle in [&store, &harness.open()] {
            for (after, from) in all.iter().enumerate() {
                for (until, to) in all.iter().enumerate() {
                    let (count, expected) = (handle.stored_between(from, to)?, until.saturating_sub(after) as u64);
                    ensure!(
                        count == expected,
                        "{what}, {count} activities were stored after number {after} and up to number {until}"
                    );
                }
            }
        }
        Ok(())
    };
    check("after some batches")?;
    for name in [ADELE, HANNA, "wanda"] {
        remove_all(&store, &erasure(name, &[alias(name)?])?, 3)?;
        check("after a removal")?;
    }
    Ok(())
}

pub(super) fn f2_offset_before_time_precedes_first_later_decision(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize_private()?;
    // Not in the order of storing, as on nodes whose clocks differ. Times of decisions and of activities differ.
    for (n, decided) in [10, 30, 20, 40, 40, 35].into_iter().enumerate() {
        let time = at(i64::try_from(n)? * -1_000);
        let of = |name: &str| activity_at(&format!("{name}-{n}"), name, time);
        let batch: Vec<Activity> = [of(ADELE)?, of(HANNA)?, of("otto")?].into();
        store.append(&decided_at(&*store.in_force()?, &batch, at(decided) + micros(1))?)?;
    }
    let check = |what: &str| {
        for seconds in [-5_000, 10, 11, 20, 21, 30, 35, 40, 41] {
            for fraction in [0, 1, 2] {
                let time = at(seconds) + micros(fraction);
                let all = store.followed()?;
                let first = all.iter().position(|(_, public)| public.decision().decided_at() >= time);
                let offset = store.offset_before(time)?;
                let found = store.public_after(&offset, ALL)?;
                let expected = first.and_then(|first| all.get(first..)).unwrap_or_default();
                ensure!(
                    found == expected,
                    "{what}, {} activities follow the offset before {time}, expected {}",
                    found.len(),
                    expected.len()
                );
                match found.first() {
                    Some((first, _)) => {
                        let between = store.stored_between(&offset, first)?;
                        ensure!(between == 1, "{what}, the offset before {time} is {between} activities too early");
                    }
                    None => ensure!(offset == store.end()?, "{what}, the offset before {time} is not the end"),
                }
            }
        }
        Ok(())
    };
    check("after some batches")?;
    remove_all(&store, &erasure(ADELE, &[alias(ADELE)?])?, 2)?;
    check("after a removal")?;
    remove_all(&store, &erasure("otto", &[alias("otto")?])?, 2)?;
    check("after the removal of all activities")
}

pub(super) fn f2_offset_after_end_is_unknown<H: StoreHarness>(harness: H) -> Checked {
    let longer = H::fresh();
    let (store, other) = (harness.open(), longer.open());
    populate(&store)?;
    populate(&other)?;
    other.append_new(&activities("more", ADELE, 2)?)?;
    let (end, beyond) = (store.end()?, other.end()?);
    for (after, until) in [(&end, &beyond), (&beyond, &end), (&beyond, &beyond), (&Offset::START, &beyond)] {
        match store.stored_between(after, until) {
            Err(StoreError::UnknownOffset) => {}
            Err(error) => {
                let message = with_sources(&error);
                ensure!(false, "an offset after the end returned `{message}`, expected `UnknownOffset`");
            }
            Ok(count) => ensure!(false, "an offset after the end was accepted, with a count of {count}"),
        }
    }
    Ok(())
}

pub(super) fn f2_end_and_counts_survive_crash(mut harness: impl StoreHarness) -> Checked {
    let crashed = harness.open();
    populate(&crashed)?;
    let all = offsets(&crashed)?;
    remove_all(&crashed, &erasure("wanda", &[alias("wanda")?])?, 3)?;
    harness.crash();
    let store = harness.open();
    let end = store.end()?;
    ensure!(Some(&end) == all.last(), "after a crash the end is `{end}`, not the offset of the newest activity");
    let count = store.stored_between(&Offset::START, &end)?;
    ensure!(count == all.len() as u64 - 1, "after a crash {count} activities count as stored, {} were", all.len() - 1);
    drop(crashed);
    Ok(())
}
