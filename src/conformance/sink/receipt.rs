//! Receipts: a sink's confirmation that a record is durable.

use super::SinkHarness;
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{ALL, Task, race, record, records_of_every_kind};
use crate::governance::{GovernanceSink, Record, RecordEntry, RecordQuery};

fn entries(sink: &impl GovernanceSink) -> Checked<Vec<RecordEntry>> {
    Ok(sink.records(&RecordQuery::default(), 0, ALL)?)
}

pub(super) fn r2_receipt_names_the_record(harness: impl SinkHarness) -> Checked {
    let sink = harness.open();
    let recorder = |_| {
        let sink = &sink;
        Box::new(move || {
            for record in (0..12).map(|_| record()) {
                let receipt = sink.record(&record)?;
                let (named, offered) = (receipt.record(), record.id);
                ensure!(named == offered, "record {offered} got a receipt for record {named}");
            }
            Ok(())
        }) as Task<'_>
    };
    // Receipts must not be mixed up between threads of one handle.
    race((0..3).map(recorder).collect())?;
    for entry in entries(&sink)? {
        let receipt = sink.record(&entry.record)?;
        let same = receipt.record() == entry.record.id && receipt.sequence() == entry.sequence;
        ensure!(same, "record {} has number {}, but its receipt is {receipt:?}", entry.record.id, entry.sequence);
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
            ensure!(seen, "record {sequence} has a receipt, but is not the last that {handle} reads");
        }
    }
    Ok(())
}

pub(super) fn r2_record_with_receipt_survives_crash(mut harness: impl SinkHarness) -> Checked {
    let mut crashed = vec![harness.open()];
    let mut sink = harness.open();
    let mut recorded: Vec<Record> = Vec::new();
    for record in records_of_every_kind()? {
        let _receipt = sink.record(&record)?;
        recorded.push(record);
        harness.crash();
        crashed.push(std::mem::replace(&mut sink, harness.open()));
        let found: Vec<Record> = entries(&sink)?.into_iter().map(|entry| entry.record).collect();
        let (after, before) = (found.len(), recorded.len());
        ensure!(found == recorded, "after a crash, {after} of {before} records with a receipt remain, or other ones");
    }
    drop(crashed);
    Ok(())
}
