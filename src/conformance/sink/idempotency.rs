//! Idempotency: one id has one record and one receipt.

use super::SinkHarness;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{ALL, at, race, record};
use crate::error::with_sources;
use crate::governance::{GovernanceSink, Receipt, Record, RecordId, RecordQuery, SinkError};

/// The number of races in a clause about concurrent calls.
const ROUNDS: usize = 6;
/// The number of threads in a race.
const THREADS: usize = 4;

/// Checks that the sink contains exactly these records, in this order.
fn ensure_contains_exactly(what: &str, sink: &impl GovernanceSink, expected: &[&Record]) -> Checked {
    let entries = sink.records(&RecordQuery::default(), 0, ALL)?;
    let found_ids: Vec<RecordId> = entries.iter().map(|entry| entry.record.id).collect();
    let expected_ids: Vec<RecordId> = expected.iter().map(|record| record.id).collect();
    ensure!(found_ids == expected_ids, "{what}, the sink contains records {found_ids:?}, expected {expected_ids:?}");
    for (entry, record) in entries.iter().zip(expected) {
        ensure!(entry.record == **record, "{what}, record {} has other content than was offered", record.id);
    }
    Ok(())
}

fn ensure_id_taken(what: &str, answer: Result<Receipt, SinkError>, record: &Record) -> Checked {
    match answer {
        Err(SinkError::IdTaken(id)) if id == record.id => Ok(()),
        Err(error) => {
            let (rejection, id) = (with_sources(&error), record.id);
            Err(Breach::new(format!("{what} was rejected with: {rejection}; expected `IdTaken` with the id {id}")))
        }
        Ok(receipt) => Err(Breach::new(format!("{what} was accepted with sequence number {}", receipt.sequence()))),
    }
}

pub(super) fn g1_repeated_record_gets_first_receipt(harness: impl SinkHarness) -> Checked {
    let (sink, other_handle) = (harness.open(), harness.open());
    let (first, second) = (record(), record());
    let (first_receipt, second_receipt) = (sink.record(&first)?, sink.record(&second)?);
    for (handle, sink) in [("the same handle", &sink), ("another handle", &other_handle)] {
        let again = [sink.record(&first)?, sink.record(&second)?, sink.record(&first)?];
        let expected = [&first_receipt, &second_receipt, &first_receipt];
        ensure!(again.iter().eq(expected), "through {handle}, repeated records got other receipts: {again:?}");
    }
    ensure_contains_exactly("after repeated records", &sink, &[&first, &second])?;
    let next = sink.record(&record())?.sequence();
    ensure!(next == 3, "after repeated records, the third record got number {next}");
    Ok(())
}

pub(super) fn g1_repeated_record_after_crash_gets_first_receipt(mut harness: impl SinkHarness) -> Checked {
    let before = harness.open();
    let (first, second) = (record(), record());
    let (first_receipt, second_receipt) = (before.record(&first)?, before.record(&second)?);
    harness.crash();
    let sink = harness.open();
    let again = [sink.record(&first)?, sink.record(&second)?];
    let expected = [&first_receipt, &second_receipt];
    ensure!(again.iter().eq(expected), "after a crash, repeated records got other receipts: {again:?}");
    ensure_contains_exactly("after repeated records", &sink, &[&first, &second])?;
    let other = Record { at: at(1), ..first.clone() };
    ensure_id_taken("another record under a used id after a crash", sink.record(&other), &other)?;
    // Held until here, because a crash happens while handles are open.
    drop(before);
    Ok(())
}

pub(super) fn g1_concurrent_duplicates_are_one_record(harness: impl SinkHarness) -> Checked {
    for _ in 0..ROUNDS {
        let same = record();
        let task = |_| {
            let (sink, same) = (harness.open(), same.clone());
            move || Ok(sink.record(&same)?)
        };
        let receipts = race((0..THREADS).map(task).collect())?;
        let are_equal = receipts.iter().all(|receipt| receipts.first() == Some(receipt));
        ensure!(are_equal, "one record offered by {THREADS} threads got different receipts: {receipts:?}");
        let entries = harness.open().records(&RecordQuery::default(), 0, ALL)?;
        let copies = entries.iter().filter(|entry| entry.record.id == same.id).count();
        ensure!(copies == 1, "one record offered by {THREADS} threads is stored {copies} times");
    }
    Ok(())
}

pub(super) fn g1_used_id_with_other_content_is_rejected(harness: impl SinkHarness) -> Checked {
    let (sink, other_handle) = (harness.open(), harness.open());
    let first = record();
    let receipt = sink.record(&first)?;
    let other = Record { at: at(1), ..first.clone() };
    ensure_id_taken("another record under a used id", sink.record(&other), &other)?;
    ensure_id_taken("another record under an id used on another handle", other_handle.record(&other), &other)?;
    ensure_contains_exactly("after a rejected record", &sink, &[&first])?;
    let again = sink.record(&first)?;
    ensure!(again == receipt, "after a rejected record, the first one got another receipt: {again:?}");
    let next = record();
    let number = sink.record(&next)?.sequence();
    ensure!(number == 2, "after a rejected record, the second one got number {number}");
    ensure_contains_exactly("in the end", &other_handle, &[&first, &next])
}

pub(super) fn g1_one_concurrent_record_gets_the_id(harness: impl SinkHarness) -> Checked {
    for _ in 0..ROUNDS {
        let first = record();
        let task = |seconds| {
            let (sink, mine) = (harness.open(), Record { at: at(seconds), ..first.clone() });
            move || match sink.record(&mine) {
                Ok(_) => Ok(vec![mine]),
                Err(SinkError::IdTaken(_)) => Ok(Vec::new()),
                Err(error) => Err(error.into()),
            }
        };
        let winners = race((0_i64..).take(THREADS).map(task).collect())?.concat();
        ensure!(winners.len() == 1, "{} of {THREADS} records under one id were accepted", winners.len());
        let entries = harness.open().records(&RecordQuery::default(), 0, ALL)?;
        let stored: Vec<Record> =
            entries.into_iter().map(|entry| entry.record).filter(|record| record.id == first.id).collect();
        ensure!(
            stored == winners,
            "the sink stores {} records under the id, expected only the one that got the receipt",
            stored.len()
        );
    }
    Ok(())
}
