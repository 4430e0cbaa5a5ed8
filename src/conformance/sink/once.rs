//! One record, one id, one receipt.

use super::SinkHarness;
use crate::conformance::clause::{Breach, Checked, ensure, in_full};
use crate::conformance::fixture::{ALL, at, race, record};
use crate::governance::{GovernanceSink, Receipt, Record, RecordQuery, SinkError};

/// Breaks off unless these are the records, in this order.
fn holds(what: &str, sink: &impl GovernanceSink, expected: &[&Record]) -> Checked {
    let entries = sink.records(&RecordQuery::default(), 0, ALL)?;
    let found: Vec<&Record> = entries.iter().map(|entry| &entry.record).collect();
    ensure!(found == expected, "{what} the sink holds {} records, expected {}, or others", found.len(), expected.len());
    Ok(())
}

fn taken(what: &str, answer: Result<Receipt, SinkError>, record: &Record) -> Checked {
    match answer {
        Err(SinkError::IdTaken(id)) if id == record.id => Ok(()),
        Err(error) => Err(Breach::seen(format!("{what} was refused with `{}`, expected `IdTaken`", in_full(&error)))),
        Ok(receipt) => Err(Breach::seen(format!("{what} was taken, as number {}", receipt.sequence()))),
    }
}

pub(super) fn g1_a_record_offered_again_gets_its_first_receipt(place: impl SinkHarness) -> Checked {
    let (here, there) = (place.open(), place.open());
    let (first, second) = (record(), record());
    let (one, two) = (here.record(&first)?, here.record(&second)?);
    for (handle, sink) in [("the same handle", &here), ("another handle", &there)] {
        let again = [sink.record(&first)?, sink.record(&second)?, sink.record(&first)?];
        let expected = [&one, &two, &one];
        ensure!(again.iter().eq(expected), "offered again through {handle}, records got other receipts: {again:?}");
    }
    holds("after records were offered again", &here, &[&first, &second])?;
    let next = here.record(&record())?.sequence();
    ensure!(next == 3, "after records were offered again, the third one got number {next}");
    Ok(())
}

pub(super) fn g1_a_record_offered_again_after_a_crash_gets_its_first_receipt(mut place: impl SinkHarness) -> Checked {
    let before = place.open();
    let (first, second) = (record(), record());
    let (one, two) = (before.record(&first)?, before.record(&second)?);
    place.crash();
    let sink = place.open();
    let again = [sink.record(&first)?, sink.record(&second)?];
    ensure!(again.iter().eq([&one, &two]), "offered again after a crash, records got other receipts: {again:?}");
    holds("after records were offered again", &sink, &[&first, &second])?;
    let other = Record { at: at(1), ..first.clone() };
    taken("another record under a used id after a crash", sink.record(&other), &other)?;
    drop(before);
    Ok(())
}

pub(super) fn g1_racing_offers_of_a_record_are_one_record(place: impl SinkHarness) -> Checked {
    for _ in 0..6 {
        let same = record();
        let rival = |_| {
            let (sink, same) = (place.open(), same.clone());
            move || Ok(sink.record(&same)?)
        };
        let receipts = race((0..4).map(rival).collect())?;
        let alike = receipts.iter().all(|receipt| receipts.first() == Some(receipt));
        ensure!(alike, "one record, offered by four threads at once, got different receipts: {receipts:?}");
        let kept = place.open().records(&RecordQuery::default(), 0, ALL)?;
        let kept = kept.iter().filter(|entry| entry.record.id == same.id).count();
        ensure!(kept == 1, "one record, offered by four threads at once, is kept {kept} times");
    }
    Ok(())
}

pub(super) fn g1_another_record_under_a_used_id_is_refused(place: impl SinkHarness) -> Checked {
    let (here, there) = (place.open(), place.open());
    let first = record();
    let receipt = here.record(&first)?;
    let other = Record { at: at(1), ..first.clone() };
    taken("another record under a used id", here.record(&other), &other)?;
    taken("another record under an id used elsewhere", there.record(&other), &other)?;
    holds("after another record was refused", &here, &[&first])?;
    let again = here.record(&first)?;
    ensure!(again == receipt, "after another record was refused, the first one got another receipt: {again:?}");
    let next = record();
    let number = here.record(&next)?.sequence();
    ensure!(number == 2, "after another record was refused, the second one got number {number}");
    holds("in the end", &there, &[&first, &next])
}

pub(super) fn g1_one_of_racing_records_gets_an_id(place: impl SinkHarness) -> Checked {
    for _ in 0..6 {
        let first = record();
        let rival = |seconds| {
            let (sink, mine) = (place.open(), Record { at: at(seconds), ..first.clone() });
            move || match sink.record(&mine) {
                Ok(_) => Ok(vec![mine]),
                Err(SinkError::IdTaken(_)) => Ok(Vec::new()),
                Err(error) => Err(error.into()),
            }
        };
        let winners = race((0..4).map(rival).collect())?.concat();
        ensure!(winners.len() == 1, "{} of four records under one id were taken", winners.len());
        let kept = place.open().records(&RecordQuery::default(), 0, ALL)?;
        let kept: Vec<_> = kept.into_iter().map(|entry| entry.record).filter(|kept| kept.id == first.id).collect();
        ensure!(kept == winners, "the record that is kept under an id is not the one that got the receipt");
    }
    Ok(())
}
