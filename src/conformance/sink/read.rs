//! Records are read unchanged, in sequence order.

use super::SinkHarness;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{ADELE, ALL, ROOT, at, record, records_of_every_kind};
use crate::governance::{GovernanceSink, OutcomeKind, Record, RecordEntry, RecordKind, RecordQuery};
use crate::identity::UserId;

/// Records every kind of record, and returns the entries that a read of all records must return.
fn populate(sink: &impl GovernanceSink) -> Checked<Vec<RecordEntry>> {
    let records = records_of_every_kind()?.into_iter();
    records.map(|record| Ok(RecordEntry { sequence: sink.record(&record)?.sequence(), record })).collect()
}

fn numbers(entries: &[RecordEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.sequence).collect()
}

/// Checks that the entries are equal, in this order.
fn ensure_same(what: &str, found: &[RecordEntry], expected: &[RecordEntry]) -> Checked {
    let (read, wanted) = (numbers(found), numbers(expected));
    ensure!(read == wanted, "{what}: returned records {read:?}, expected {wanted:?}");
    match found.iter().zip(expected).find(|(found, expected)| found != expected) {
        Some((found, _)) => {
            Err(Breach::new(format!("{what}: record {} differs from the record that was offered", found.sequence)))
        }
        None => Ok(()),
    }
}

pub(super) fn g1_records_are_read_unchanged(harness: impl SinkHarness) -> Checked {
    let sink = harness.open();
    let entries = populate(&sink)?;
    for (handle, reader) in [("the same handle", &sink), ("another handle", &harness.open())] {
        ensure_same(handle, &reader.records(&RecordQuery::default(), 0, ALL)?, &entries)?;
    }
    Ok(())
}

pub(super) fn g3_every_filter_applies(harness: impl SinkHarness) -> Checked {
    let sink = harness.open();
    let entries = populate(&sink)?;
    for (what, query) in queries(&entries)? {
        let expected: Vec<_> = entries.iter().filter(|entry| query.matches(&entry.record)).cloned().collect();
        ensure_same(&what, &sink.records(&query, 0, ALL)?, &expected)?;
        let first: Vec<_> = expected.iter().take(2).cloned().collect();
        ensure_same(&format!("{what}, at most 2"), &sink.records(&query, 0, 2)?, &first)?;
        let after = entries.len() as u64 / 2;
        let rest: Vec<_> = expected.into_iter().filter(|entry| entry.sequence > after).collect();
        ensure_same(&format!("{what}, after {after}"), &sink.records(&query, after, ALL)?, &rest)?;
    }
    Ok(())
}

pub(super) fn g8_newest_matching_record_is_read(mut harness: impl SinkHarness) -> Checked {
    let sink = harness.open();
    let none = sink.newest(&RecordQuery::default())?.is_none();
    ensure!(none, "`newest` returned a record of an empty sink");
    let entries = populate(&sink)?;
    for (what, query) in queries(&entries)? {
        let expected: Vec<_> =
            entries.iter().rfind(|entry| query.matches(&entry.record)).cloned().into_iter().collect();
        for (handle, reader) in [("the same handle", &sink), ("another handle", &harness.open())] {
            let found: Vec<_> = reader.newest(&query)?.into_iter().collect();
            ensure_same(&format!("the newest of {what}, {handle}"), &found, &expected)?;
        }
    }
    // The handle stays open across the crash, as that of a crashed process.
    harness.crash();
    let found: Vec<_> = harness.open().newest(&RecordQuery::default())?.into_iter().collect();
    ensure_same("the newest after a crash", &found, entries.last().map_or(&[], std::slice::from_ref))?;
    drop(sink);
    Ok(())
}

/// Returns queries by every kind, outcome, initiator and target that occurs, by three ranges of time, and by values
/// that do not occur.
fn queries(entries: &[RecordEntry]) -> Checked<Vec<(String, RecordQuery)>> {
    use RecordKind::{Grant, PolicyChange, Reveal, Revocation};
    let all = RecordQuery::default;
    let mut queries = vec![("everything".to_owned(), all())];
    let kinds = distinct(entries, Record::kinds);
    let outcomes = distinct(entries, |record| vec![record.outcome.kind()]);
    for outcome in outcomes.iter().copied() {
        queries.push((format!("outcome {outcome}"), RecordQuery { outcome: Some(outcome), ..all() }));
    }
    for kind in kinds {
        queries.push((format!("kind {kind}"), RecordQuery { kind: Some(kind), ..all() }));
        for outcome in outcomes.iter().copied() {
            let query = RecordQuery { kind: Some(kind), outcome: Some(outcome), ..all() };
            queries.push((format!("kind {kind}, outcome {outcome}"), query));
        }
    }
    for name in [ROOT, ADELE, "nobody", "ROOT"] {
        let initiator = Some(UserId::new(name)?);
        queries.push((format!("initiator {name}"), RecordQuery { initiator: initiator.clone(), ..all() }));
        let (kind, outcome) = (Some(Reveal), Some(OutcomeKind::Done));
        queries.push((format!("reveals by {name}"), RecordQuery { initiator, kind, outcome, ..all() }));
    }
    let targets = entries.iter().flat_map(|entry| entry.record.targets());
    for target in targets.chain(["nothing".to_owned()]) {
        // A record of several changes has several kinds and targets, and matches each of them.
        for kind in [PolicyChange, Grant, Revocation] {
            let of_both = RecordQuery { kind: Some(kind), target: Some(target.clone()), ..all() };
            queries.push((format!("kind {kind}, target {target}"), of_both));
        }
        queries.push((format!("target {target}"), RecordQuery { target: Some(target), ..all() }));
    }
    for (from, until) in [(3, 7), (5, 5), (-9, 99)] {
        let (from, until) = (at(from), at(until));
        let labels = [format!("from {from}"), format!("until {until}"), format!("from {from} until {until}")];
        let (from, until) = (Some(from), Some(until));
        let ranges =
            [RecordQuery { from, ..all() }, RecordQuery { until, ..all() }, RecordQuery { from, until, ..all() }];
        queries.extend(labels.into_iter().zip(ranges));
    }
    Ok(queries)
}

/// Returns the values that occur in the records, each once.
fn distinct<T: PartialEq>(entries: &[RecordEntry], values: impl Fn(&Record) -> Vec<T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for value in entries.iter().flat_map(|entry| values(&entry.record)) {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}

pub(super) fn g3_records_are_read_in_sequence_order(harness: impl SinkHarness) -> Checked {
    let sink = harness.open();
    let mut entries = Vec::new();
    for seconds in [5, 3, 9, 1, 7, 1] {
        // The time of a record does not affect its position.
        let record = Record { at: at(seconds), ..record() };
        entries.push(RecordEntry { sequence: sink.record(&record)?.sequence(), record });
    }
    for after in 0..=entries.len() as u64 + 1 {
        for limit in [0, 1, 2, ALL, usize::MAX] {
            let expected: Vec<_> = entries.iter().filter(|entry| entry.sequence > after).take(limit).cloned().collect();
            let found = sink.records(&RecordQuery::default(), after, limit)?;
            ensure_same(&format!("after {after}, at most {limit}"), &found, &expected)?;
        }
    }
    let beyond = sink.records(&RecordQuery::default(), u64::MAX, ALL)?.len();
    ensure!(beyond == 0, "{beyond} records were returned after sequence number {}", u64::MAX);
    Ok(())
}
