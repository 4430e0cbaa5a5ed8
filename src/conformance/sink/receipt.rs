//! Receipts: a sink's confirmation that a record is durable.

use super::SinkHarness;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{ALL, Task, race, record, records_of_every_kind};
use crate::governance::{GovernanceSink, Record, RecordEntry, RecordQuery};

/// The threads that record at the same time, and the records of each.
const THREADS: usize = 3;
const RECORDS_PER_THREAD: usize = 12;

fn entries(sink: &impl GovernanceSink) -> Checked<Vec<RecordEntry>> {
    Ok(sink.records(&RecordQuery::default(), 0, ALL)?)
}

pub(super) fn r2_receipt_names_the_record(harness: impl SinkHarness) -> Checked {
    let sink = harness.open();
    let recorder = |_| {
        let sink = &sink;
        Box::new(move || {
            for _ in 0..RECORDS_PER_THREAD {
                let record = record();
                let receipt = sink.record(&record)?;
                let (named, offered) = (receipt.record(), record.id);
                ensure!(named == offered, "record {offered} got a receipt for record {named}");
            }
            Ok(())
        }) as Task<'_>
    };
    // Receipts must not be mixed up between threads of one handle.
    race((0..THREADS).map(recorder).collect())?;
    let (entries, receipts) = (entries(&sink)?, THREADS * RECORDS_PER_THREAD);
    let read = entries.len();
    ensure!(read == receipts, "{read} records were read after {receipts} receipts");
    for entry in entries {
        let receipt = sink.record(&entry.record)?;
        let same = receipt.record() == entry.record.id && receipt.sequence() == entry.sequence;
        let (id, sequence) = (entry.record.id, entry.sequence);
        ensure!(same, "record {id} has sequence number {sequence}, but recording it again returned {receipt:?}");
    }
    Ok(())
}

pub(super) fn r2_record_with_receipt_is_visible_on_every_handle(harness: impl SinkHarness) -> Checked {
    let (sink, open_before) = (harness.open(), harness.open());
    for _ in 0..4 {
        let record = record();
        let sequence = sink.record(&record)?.sequence();
        let opened_after = harness.open();
        // The same handle reads last, because a read could flush records that it still buffers.
        for (handle, reader) in [
            ("a handle opened after", &opened_after),
            ("a handle opened before", &open_before),
            ("the same handle", &sink),
        ] {
            let last = entries(reader)?.pop();
            let seen = last == Some(RecordEntry { sequence, record: record.clone() });
            ensure!(seen, "record {sequence} has a receipt, but {handle} does not read it as the last record");
        }
    }
    Ok(())
}

pub(super) fn r2_record_with_receipt_survives_crash(mut harness: impl SinkHarness) -> Checked {
    // A crashed process does not close its handles, so the old ones stay open to the end. The first never recorded
    // anything.
    let mut abandoned = vec![harness.open()];
    let mut sink = harness.open();
    let mut recorded: Vec<Record> = Vec::new();
    for record in records_of_every_kind()? {
        let _receipt = sink.record(&record)?;
        recorded.push(record);
        harness.crash();
        abandoned.push(std::mem::replace(&mut sink, harness.open()));
        let found: Vec<Record> = entries(&sink)?.into_iter().map(|entry| entry.record).collect();
        let (after, before) = (found.len(), recorded.len());
        ensure!(after == before, "after a crash, {after} records remain of {before} that have a receipt");
        let changed = (1..).zip(found.iter().zip(&recorded)).find(|(_, (found, recorded))| found != recorded);
        if let Some((n, _)) = changed {
            return Err(Breach::new(format!("after a crash, record {n} differs from the record that was offered")));
        }
    }
    drop(abandoned);
    Ok(())
}
