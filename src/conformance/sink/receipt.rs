//! What the word of a sink is worth.

use super::SinkHarness;
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{ALL, Racer, race, record, records_of_all_sorts};
use crate::governance::{GovernanceSink, Record, RecordEntry, RecordQuery};

fn entries(sink: &impl GovernanceSink) -> Checked<Vec<RecordEntry>> {
    Ok(sink.records(&RecordQuery::default(), 0, ALL)?)
}

pub(super) fn r2_a_receipt_names_the_record(place: impl SinkHarness) -> Checked {
    let sink = place.open();
    let recorder = |_| {
        let sink = &sink;
        Box::new(move || {
            for record in (0..12).map(|_| record()) {
                let receipt = sink.record(&record)?;
                let (named, offered) = (receipt.record(), record.id);
                ensure!(named == offered, "record {offered} was answered with a receipt for {named}");
            }
            Ok(())
        }) as Racer<'_>
    };
    // One handle, several threads: answers must not be mixed up.
    race((0..3).map(recorder).collect())?;
    for entry in entries(&sink)? {
        let receipt = sink.record(&entry.record)?;
        let same = receipt.record() == entry.record.id && receipt.sequence() == entry.sequence;
        ensure!(same, "record {} stands at {}, its receipt says {receipt:?}", entry.record.id, entry.sequence);
    }
    Ok(())
}

pub(super) fn r2_a_receipt_means_that_every_handle_sees_the_record(place: impl SinkHarness) -> Checked {
    let (sink, open_before) = (place.open(), place.open());
    for _ in 0..4 {
        let record = record();
        let sequence = sink.record(&record)?.sequence();
        let opened_after = place.open();
        // The handle itself comes last, because reading from it may write down what it still keeps to itself.
        for (handle, reader) in [
            ("a handle opened after", &opened_after),
            ("a handle opened before", &open_before),
            ("the same handle", &sink),
        ] {
            let last = entries(reader)?.pop();
            let seen = last == Some(RecordEntry { sequence, record: record.clone() });
            ensure!(seen, "record {sequence} was answered, and is not the last that {handle} reads");
        }
    }
    Ok(())
}

pub(super) fn r2_a_receipt_outlives_a_crash(mut place: impl SinkHarness) -> Checked {
    let mut crashed = vec![place.open()];
    let mut sink = place.open();
    let mut answered: Vec<Record> = Vec::new();
    for record in records_of_all_sorts()? {
        let _receipt = sink.record(&record)?;
        answered.push(record);
        place.crash();
        crashed.push(std::mem::replace(&mut sink, place.open()));
        let found: Vec<Record> = entries(&sink)?.into_iter().map(|entry| entry.record).collect();
        let (after, before) = (found.len(), answered.len());
        ensure!(found == answered, "of {before} records that were answered {after} are there after a crash, or others");
    }
    drop(crashed);
    Ok(())
}
