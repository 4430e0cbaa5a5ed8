//! The store keeps the records of its last changes.

use super::StoreHarness;
use super::removal::{activities_of_both, remove_all};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{HANNA, StoreExt, council_toggled, erasure_with_sequence, initial};
use crate::governance::{AppliedRecord, AppliedRecords};
use crate::store::ActivityStore;

fn ensure_applied(
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

pub(super) fn g8_last_change_record_is_kept(mut harness: impl StoreHarness) -> Checked {
    let (store, reader) = (harness.open(), harness.open());
    ensure_applied("before any change", &store, None, &[])?;
    let mut last = initial()?;
    store.publish(&last)?;
    let mut stale = Some(council_toggled(last.policy())?);
    for _ in 0..3 {
        let next = council_toggled(last.policy())?;
        store.publish(&next)?;
        last = next;
        let applied = last.applied(&AppliedRecords::default());
        ensure_applied("after a change", &reader, applied.change(), &[])?;
        if let Some(stale) = stale.take() {
            ensure!(store.publish(&stale).is_err(), "a stale change was published");
            ensure_applied("after a rejected change", &store, applied.change(), &[])?;
        }
    }
    harness.crash();
    let after = harness.open();
    ensure_applied("after a crash", &after, last.applied(&AppliedRecords::default()).change(), &[])?;
    drop((store, reader));
    Ok(())
}

pub(super) fn g8_completed_removal_record_is_kept(mut harness: impl StoreHarness) -> Checked {
    let (store, reader) = (harness.open(), harness.open());
    store.initialize_private()?;
    store.append_new(&activities_of_both()?)?;
    let change = store.applied()?.change().copied();
    let (first, second) = (erasure_with_sequence(HANNA, 30)?, erasure_with_sequence("nobody", 20)?);
    store.remove(&first, 1)?;
    ensure_applied("after the first step of a removal", &reader, change.as_ref(), &[])?;
    store.remove(&first, 0)?;
    ensure_applied("after a step that removes nothing", &reader, change.as_ref(), &[])?;
    let mut kept = AppliedRecords::default();
    // The second removal was recorded before the first, and completes after it.
    for (what, removal) in [("after a removal", &first), ("after a removal of nothing with an earlier record", &second)]
    {
        for _ in 0..2 {
            remove_all(&store, removal, 3)?;
            kept = removal.applied(&kept);
            ensure_applied(what, &reader, change.as_ref(), kept.removals())?;
        }
    }
    harness.crash();
    let after = harness.open();
    ensure_applied("after a crash", &after, change.as_ref(), kept.removals())?;
    after.toggle_council()?;
    let applied = after.applied()?;
    ensure!(applied.removals() == kept.removals(), "a change of the policy changed the records of removals");
    drop((store, reader));
    Ok(())
}
