//! Sequence numbers: from 1, without a gap, in the order of receipts.

use std::collections::BTreeSet;

use super::SinkHarness;
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{ALL, Task, Workers, race, record};
use crate::governance::{GovernanceSink, RecordQuery};

/// Records `count` records and returns their numbers.
fn record_some(sink: &impl GovernanceSink, count: usize) -> Checked<Vec<u64>> {
    (0..count).map(|_| Ok(sink.record(&record())?.sequence())).collect()
}

/// Returns the numbers of all records, and checks that they run from 1 without a gap.
fn all_numbers(sink: &impl GovernanceSink) -> Checked<Vec<u64>> {
    let entries = sink.records(&RecordQuery::default(), 0, ALL)?;
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.sequence).collect();
    ensure!(numbers.iter().copied().eq(1..=numbers.len() as u64), "the numbers read are {numbers:?}");
    Ok(numbers)
}

pub(super) fn g1_numbers_start_at_one_without_gap(harness: impl SinkHarness) -> Checked {
    let sink = harness.open();
    ensure!(all_numbers(&sink)?.is_empty(), "a fresh sink has records");
    let numbers = record_some(&sink, 5)?;
    ensure!(numbers == [1, 2, 3, 4, 5], "five records got the numbers {numbers:?}");
    all_numbers(&sink).map(drop)
}

pub(super) fn g1_handles_share_one_sequence(harness: impl SinkHarness) -> Checked {
    let (here, there) = (harness.open(), harness.open());
    let mut numbers = Vec::new();
    for _ in 0..3 {
        numbers.extend(record_some(&here, 1)?);
        numbers.extend(record_some(&there, 2)?);
    }
    ensure!(numbers.iter().copied().eq(1..=9), "nine records through two handles got the numbers {numbers:?}");
    all_numbers(&here)?;
    all_numbers(&there).map(drop)
}

pub(super) fn g1_concurrent_records_leave_no_gap(harness: impl SinkHarness) -> Checked {
    const EACH: usize = 12;
    let recorder = || {
        let sink = harness.open();
        move || record_some(&sink, EACH)
    };
    let given = race((0..4).map(|_| recorder()).collect())?.concat();
    let distinct: BTreeSet<u64> = given.iter().copied().collect();
    ensure!(distinct.len() == given.len(), "{} records got {} distinct numbers", given.len(), distinct.len());
    let read = all_numbers(&harness.open())?;
    ensure!(distinct.into_iter().eq(read.iter().copied()), "the numbers of the receipts differ from those read");
    Ok(())
}

pub(super) fn g1_earlier_receipt_has_smaller_number(harness: impl SinkHarness) -> Checked {
    let recorder = || {
        let sink = harness.open();
        move || record_some(&sink, 12)
    };
    for numbers in race((0..3).map(|_| recorder()).collect())? {
        ensure!(numbers.is_sorted(), "one thread got the numbers {numbers:?} in this order");
    }
    Ok(())
}

pub(super) fn g1_readers_see_no_gap(harness: impl SinkHarness) -> Checked {
    let (recorders, readers) = (&Workers::default(), &Workers::default());
    let recorder = || {
        let (sink, worker) = (harness.open(), recorders.start());
        move || {
            for _ in 0..8 {
                record_some(&sink, 1)?;
                readers.wait_for_step();
            }
            drop(worker);
            Ok(())
        }
    };
    let reader = || {
        let (sink, worker) = (harness.open(), readers.start());
        move || {
            let mut seen = 0;
            while recorders.are_active() {
                let now = all_numbers(&sink)?.len();
                ensure!(now >= seen, "{now} records were read, after {seen} before");
                seen = now;
                worker.step();
            }
            Ok(())
        }
    };
    let tasks: [Task<'_>; 4] = [Box::new(recorder()), Box::new(recorder()), Box::new(reader()), Box::new(reader())];
    race(tasks.into()).map(drop)
}

pub(super) fn g1_numbers_continue_after_crash(mut harness: impl SinkHarness) -> Checked {
    let before = harness.open();
    record_some(&before, 3)?;
    harness.crash();
    let numbers = record_some(&harness.open(), 2)?;
    ensure!(numbers == [4, 5], "after three records and a crash, two more got the numbers {numbers:?}");
    harness.crash();
    all_numbers(&harness.open())?;
    drop(before);
    Ok(())
}
