//! The store keeps the records by which it changed last.

use super::StoreHarness;
use super::removal::{of_both, remove_all};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{Drive, HANNA, erasure_recorded_as, initial, turned};
use crate::difference::{AppliedRecord, AppliedRecords};
use crate::store::ActivityStore;

fn keeps(
    what: &str,
    store: &impl ActivityStore,
    change: Option<&AppliedRecord>,
    removal: Option<&AppliedRecord>,
) -> Checked {
    let applied = store.applied()?;
    let sequence = |record: Option<&AppliedRecord>| record.map_or(0, AppliedRecord::sequence);
    ensure!(
        applied.change() == change,
        "{what} the store keeps the change of record {}, expected that of record {}",
        sequence(applied.change()),
        sequence(change)
    );
    ensure!(
        applied.removal() == removal,
        "{what} the store keeps the removal of record {}, expected that of record {}",
        sequence(applied.removal()),
        sequence(removal)
    );
    Ok(())
}

pub(super) fn g8_the_record_of_the_last_change_is_kept(mut place: impl StoreHarness) -> Checked {
    let (store, reader) = (place.open(), place.open());
    keeps("before any change", &store, None, None)?;
    let mut last = initial()?;
    store.publish(&last)?;
    let mut stale = Some(turned(last.policy())?);
    for _ in 0..3 {
        let next = turned(last.policy())?;
        store.publish(&next)?;
        last = next;
        let applied = last.applied(AppliedRecords::default());
        keeps("after a change", &reader, applied.change(), None)?;
        if let Some(stale) = stale.take() {
            ensure!(store.publish(&stale).is_err(), "a stale change was published");
            keeps("after a change that was refused", &store, applied.change(), None)?;
        }
    }
    place.crash();
    let after = place.open();
    keeps("after a crash", &after, last.applied(AppliedRecords::default()).change(), None)?;
    drop((store, reader));
    Ok(())
}

pub(super) fn g8_the_record_of_a_removal_is_kept_once_it_is_complete(mut place: impl StoreHarness) -> Checked {
    let (store, reader) = (place.open(), place.open());
    store.found_hiding()?;
    store.keep(&of_both()?)?;
    let change = store.applied()?.change().copied();
    let (first, second) = (erasure_recorded_as(HANNA, 20)?, erasure_recorded_as("nobody", 30)?);
    store.remove(&first, 1)?;
    keeps("after the first step of a removal", &reader, change.as_ref(), None)?;
    store.remove(&first, 0)?;
    keeps("after a step that removes nothing", &reader, change.as_ref(), None)?;
    for (what, removal) in [("after a removal", &first), ("after a removal of nothing", &second)] {
        remove_all(&store, removal, 3)?;
        let applied = removal.applied(AppliedRecords::default());
        keeps(what, &reader, change.as_ref(), applied.removal())?;
    }
    // One that was recorded before, and ends after.
    remove_all(&store, &first, 3)?;
    let applied = second.applied(AppliedRecords::default());
    keeps("after an earlier removal ended", &reader, change.as_ref(), applied.removal())?;
    place.crash();
    let after = place.open();
    keeps("after a crash", &after, change.as_ref(), applied.removal())?;
    after.turn()?;
    let kept = after.applied()?;
    ensure!(kept.removal() == applied.removal(), "a change of the policy makes the store forget the last removal");
    drop((store, reader));
    Ok(())
}
