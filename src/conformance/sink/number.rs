//! Sequence numbers: from 1, without a gap, in the order of answers.

use std::collections::BTreeSet;

use super::SinkHarness;
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{ALL, Crew, Racer, race, record};
use crate::governance::{GovernanceSink, RecordQuery};

/// Records so many, and says under which numbers.
fn record_some(sink: &impl GovernanceSink, count: usize) -> Checked<Vec<u64>> {
    (0..count).map(|_| Ok(sink.record(&record())?.sequence())).collect()
}

/// The numbers of all records, and breaks off unless they run from 1 without a gap.
fn all_numbers(sink: &impl GovernanceSink) -> Checked<Vec<u64>> {
    let entries = sink.records(&RecordQuery::default(), 0, ALL)?;
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.sequence).collect();
    ensure!(numbers.iter().copied().eq(1..=numbers.len() as u64), "the numbers that are read are {numbers:?}");
    Ok(numbers)
}

pub(super) fn g1_numbers_begin_at_one_and_have_no_gap(place: impl SinkHarness) -> Checked {
    let sink = place.open();
    ensure!(all_numbers(&sink)?.is_empty(), "a fresh sink has records");
    let numbers = record_some(&sink, 5)?;
    ensure!(numbers == [1, 2, 3, 4, 5], "five records got the numbers {numbers:?}");
    all_numbers(&sink).map(drop)
}

pub(super) fn g1_handles_share_one_numbering(place: impl SinkHarness) -> Checked {
    let (here, there) = (place.open(), place.open());
    let mut numbers = Vec::new();
    for _ in 0..3 {
        numbers.extend(record_some(&here, 1)?);
        numbers.extend(record_some(&there, 2)?);
    }
    ensure!(numbers.iter().copied().eq(1..=9), "nine records through two handles got the numbers {numbers:?}");
    all_numbers(&here)?;
    all_numbers(&there).map(drop)
}

pub(super) fn g1_racing_records_leave_no_gap(place: impl SinkHarness) -> Checked {
    const EACH: usize = 12;
    let recorder = || {
        let sink = place.open();
        move || record_some(&sink, EACH)
    };
    let given = race((0..4).map(|_| recorder()).collect())?.concat();
    let distinct: BTreeSet<u64> = given.iter().copied().collect();
    ensure!(distinct.len() == given.len(), "{} records got {} numbers", given.len(), distinct.len());
    let read = all_numbers(&place.open())?;
    ensure!(distinct.into_iter().eq(read.iter().copied()), "the numbers that were given are not those that are read");
    Ok(())
}

pub(super) fn g1_who_is_answered_first_has_the_smaller_number(place: impl SinkHarness) -> Checked {
    let recorder = || {
        let sink = place.open();
        move || record_some(&sink, 12)
    };
    for numbers in race((0..3).map(|_| recorder()).collect())? {
        ensure!(numbers.is_sorted(), "one thread, recording one after another, got the numbers {numbers:?}");
    }
    Ok(())
}

pub(super) fn g1_readers_see_no_gap(place: impl SinkHarness) -> Checked {
    let (recorders, readers) = (&Crew::default(), &Crew::default());
    let recorder = || {
        let (sink, at_work) = (place.open(), recorders.join());
        move || {
            for _ in 0..8 {
                record_some(&sink, 1)?;
                readers.await_a_step();
            }
            drop(at_work);
            Ok(())
        }
    };
    let reader = || {
        let (sink, at_work) = (place.open(), readers.join());
        move || {
            let mut seen = 0;
            while recorders.is_at_work() {
                let now = all_numbers(&sink)?.len();
                ensure!(now >= seen, "{now} records are read where {seen} were read before");
                seen = now;
                at_work.step();
            }
            Ok(())
        }
    };
    let racers: [Racer<'_>; 4] = [Box::new(recorder()), Box::new(recorder()), Box::new(reader()), Box::new(reader())];
    race(racers.into()).map(drop)
}

pub(super) fn g1_numbers_outlive_a_crash(mut place: impl SinkHarness) -> Checked {
    let before = place.open();
    record_some(&before, 3)?;
    place.crash();
    let numbers = record_some(&place.open(), 2)?;
    ensure!(numbers == [4, 5], "after three records and a crash two more got the numbers {numbers:?}");
    place.crash();
    all_numbers(&place.open())?;
    drop(before);
    Ok(())
}
