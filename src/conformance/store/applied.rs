//! The store keeps the records by which it changed last.

use super::StoreHarness;
use super::removal::{of_both, remove_all};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{Drive, HANNA, erasure_recorded_as, initial, turned};
use crate::governance::{AppliedRecord, AppliedRecords};
use crate::store::ActivityStore;

fn keeps(
    what: &str,
    store: &impl ActivityStore,
    change: Option<&AppliedRecord>,
    removals: &[AppliedRecord],
) -> Checked {
    let applied = store.applied()?;
    let sequence = |record: Option<&AppliedRecord>| record.map_or(0, AppliedRecord::sequence);
    ensure!(
        applied.change() == change,
        "{what} the store keeps the change of record {}, expected that of record {}",
        sequence(applied.change()),
        sequence(change)
    );
    let sequences = |records: &[AppliedRecord]| records.iter().map(AppliedRecord::sequence).collect::<Vec<_>>();
    ensure!(
        applied.removals() == removals,
        "{what} the store keeps the removals of records {:?}, expected those of records {:?}",
        sequences(applied.removals()),
        sequences(removals)
    );
    Ok(())
}

pub(super) fn g8_the_record_of_the_last_change_is_kept(mut place: impl StoreHarness) -> Checked {
    let (store, reader) = (place.open(), place.open());
    keeps("before any change", &store, None, &[])?;
    let mut last = initial()?;
    store.publish(&last)?;
    let mut stale = Some(turned(last.policy())?);
    for _ in 0..3 {
        let next = turned(last.policy())?;
        store.publish(&next)?;
        last = next;
        let applied = last.applied(&AppliedRecords::default());
        keeps("after a change", &reader, applied.change(), &[])?;
        if let Some(stale) = stale.take() {
            ensure!(store.publish(&stale).is_err(), "a stale change was published");
            keeps("after a change that was refused", &store, applied.change(), &[])?;
        }
    }
    place.crash();
    let after = place.open();
    keeps("after a crash", &after, last.applied(&AppliedRecords::default()).change(), &[])?;
    drop((store, reader));
    Ok(())
}

pub(super) fn g8_the_record_of_a_removal_is_kept_once_it_is_complete(mut place: impl StoreHarness) -> Checked {
    let (store, reader) = (place.open(), place.open());
    store.found_hiding()?;
    store.keep(&of_both()?)?;
    let change = store.applied()?.change().copied();
    let (first, second) = (erasure_recorded_as(HANNA, 30)?, erasure_recorded_as("nobody", 20)?);
    store.remove(&first, 1)?;
    keeps("after the first step of a removal", &reader, change.as_ref(), &[])?;
    store.remove(&first, 0)?;
    keeps("after a step that removes nothing", &reader, change.as_ref(), &[])?;
    let mut kept = AppliedRecords::default();
    // The second was recorded before the first, and ends after it.
    for (what, removal) in [("after a removal", &first), ("after an earlier one that removes nothing", &second)] {
        for _ in 0..2 {
            remove_all(&store, removal, 3)?;
            kept = removal.applied(&kept);
            keeps(what, &reader, change.as_ref(), kept.removals())?;
        }
    }
    place.crash();
    let after = place.open();
    keeps("after a crash", &after, change.as_ref(), kept.removals())?;
    after.turn()?;
    let applied = after.applied()?;
    ensure!(applied.removals() == kept.removals(), "a change of the policy makes the store forget its removals");
    drop((store, reader));
    Ok(())
}
