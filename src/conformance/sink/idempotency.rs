//! Idempotency: one id has one record and one receipt.

use super::SinkHarness;
use crate::conformance::clause::{Breach, Checked, ensure, with_sources};
use crate::conformance::fixture::{ALL, at, race, record};
use crate::governance::{GovernanceSink, Receipt, Record, RecordQuery, SinkError};

/// Checks that the sink contains exactly these records, in this order.
fn ensure_contains(what: &str, sink: &impl GovernanceSink, expected: &[&Record]) -> Checked {
    let entries = sink.records(&RecordQuery::default(), 0, ALL)?;
    let found: Vec<&Record> = entries.iter().map(|entry| &entry.record).collect();
    ensure!(
        found == expected,
        "{what} the sink contains {} records, expected {}, or other ones",
        found.len(),
        expected.len()
    );
    Ok(())
}

fn ensure_id_taken(what: &str, answer: Result<Receipt, SinkError>, record: &Record) -> Checked {
    match answer {
        Err(SinkError::IdTaken(id)) if id == record.id => Ok(()),
        Err(error) => {
            Err(Breach::new(format!("{what} was rejected with `{}`, expected `IdTaken`", with_sources(&error))))
        }
        Ok(receipt) => Err(Breach::new(format!("{what} was accepted, as number {}", receipt.sequence()))),
    }
}

pub(super) fn g1_repeated_record_gets_first_receipt(harness: impl SinkHarness) -> Checked {
    let (here, there) = (harness.open(), harness.open());
    let (first, second) = (record(), record());
    let (one, two) = (here.record(&first)?, here.record(&second)?);
    for (handle, sink) in [("the same handle", &here), ("another handle", &there)] {
        let again = [sink.record(&first)?, sink.record(&second)?, sink.record(&first)?];
        let expected = [&one, &two, &one];
        ensure!(again.iter().eq(expected), "through {handle}, repeated records got other receipts: {again:?}");
    }
    ensure_contains("after repeated records", &here, &[&first, &second])?;
    let next = here.record(&record())?.sequence();
    ensure!(next == 3, "after repeated records, the third record got number {next}");
    Ok(())
}

pub(super) fn g1_repeated_record_after_crash_gets_first_receipt(mut harness: impl SinkHarness) -> Checked {
    let before = harness.open();
    let (first, second) = (record(), record());
    let (one, two) = (before.record(&first)?, before.record(&second)?);
    harness.crash();
    let sink = harness.open();
    let again = [sink.record(&first)?, sink.record(&second)?];
    ensure!(again.iter().eq([&one, &two]), "after a crash, repeated records got other receipts: {again:?}");
    ensure_contains("after repeated records", &sink, &[&first, &second])?;
    let other = Record { at: at(1), ..first.clone() };
    ensure_id_taken("another record under a used id after a crash", sink.record(&other), &other)?;
    drop(before);
    Ok(())
}

pub(super) fn g1_concurrent_duplicates_are_one_record(harness: impl SinkHarness) -> Checked {
    for _ in 0..6 {
        let same = record();
        let task = |_| {
            let (sink, same) = (harness.open(), same.clone());
            move || Ok(sink.record(&same)?)
        };
        let receipts = race((0..4).map(task).collect())?;
        let are_equal = receipts.iter().all(|receipt| receipts.first() == Some(receipt));
        ensure!(are_equal, "one record offered by four threads got different receipts: {receipts:?}");
        let kept = harness.open().records(&RecordQuery::default(), 0, ALL)?;
        let kept = kept.iter().filter(|entry| entry.record.id == same.id).count();
        ensure!(kept == 1, "one record offered by four threads is stored {kept} times");
    }
    Ok(())
}

pub(super) fn g1_used_id_with_other_content_is_rejected(harness: impl SinkHarness) -> Checked {
    let (here, there) = (harness.open(), harness.open());
    let first = record();
    let receipt = here.record(&first)?;
    let other = Record { at: at(1), ..first.clone() };
    ensure_id_taken("another record under a used id", here.record(&other), &other)?;
    ensure_id_taken("another record under an id used on another handle", there.record(&other), &other)?;
    ensure_contains("after a rejected record", &here, &[&first])?;
    let again = here.record(&first)?;
    ensure!(again == receipt, "after a rejected record, the first one got another receipt: {again:?}");
    let next = record();
    let number = here.record(&next)?.sequence();
    ensure!(number == 2, "after a rejected record, the second one got number {number}");
    ensure_contains("in the end", &there, &[&first, &next])
}

pub(super) fn g1_one_concurrent_record_gets_the_id(harness: impl SinkHarness) -> Checked {
    for _ in 0..6 {
        let first = record();
        let task = |seconds| {
            let (sink, mine) = (harness.open(), Record { at: at(seconds), ..first.clone() });
            move || match sink.record(&mine) {
                Ok(_) => Ok(vec![mine]),
                Err(SinkError::IdTaken(_)) => Ok(Vec::new()),
                Err(error) => Err(error.into()),
            }
        };
        let winners = race((0..4).map(task).collect())?.concat();
        ensure!(winners.len() == 1, "{} of four records under one id were accepted", winners.len());
        let kept = harness.open().records(&RecordQuery::default(), 0, ALL)?;
        let kept: Vec<_> = kept.into_iter().map(|entry| entry.record).filter(|kept| kept.id == first.id).collect();
        ensure!(kept == winners, "the stored record is not the one that got the receipt");
    }
    Ok(())
}
