//! Records are read as they were offered, in sequence.

use super::SinkHarness;
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{ADELE, ALL, ROOT, at, record, records_of_all_sorts};
use crate::governance::{GovernanceSink, OutcomeKind, RecordEntry, RecordKind, RecordQuery};
use crate::identity::UserId;

/// A sink of records of all sorts, and the entries that it is to give back.
fn filled(sink: &impl GovernanceSink) -> Checked<Vec<RecordEntry>> {
    let records = records_of_all_sorts()?.into_iter();
    records.map(|record| Ok(RecordEntry { sequence: sink.record(&record)?.sequence(), record })).collect()
}

fn numbers(entries: &[RecordEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.sequence).collect()
}

/// Breaks off unless these are the entries, in this order.
fn same(what: &str, found: &[RecordEntry], expected: &[RecordEntry]) -> Checked {
    let (read, wanted) = (numbers(found), numbers(expected));
    ensure!(read == wanted, "{what} gives the records {read:?}, expected {wanted:?}");
    let changed = found.iter().zip(expected).find(|(found, expected)| found != expected);
    ensure!(
        changed.is_none(),
        "{what}: record {} is not what was offered",
        changed.map_or(0, |(found, _)| found.sequence)
    );
    Ok(())
}

pub(super) fn g1_records_come_back_whole(place: impl SinkHarness) -> Checked {
    let sink = place.open();
    let entries = filled(&sink)?;
    for (handle, reader) in [("the same handle", &sink), ("another handle", &place.open())] {
        same(handle, &reader.records(&RecordQuery::default(), 0, ALL)?, &entries)?;
    }
    Ok(())
}

pub(super) fn g3_every_filter_narrows(place: impl SinkHarness) -> Checked {
    let sink = place.open();
    let entries = filled(&sink)?;
    for (what, query) in queries(&entries)? {
        let expected: Vec<_> = entries.iter().filter(|entry| query.matches(&entry.record)).cloned().collect();
        same(&what, &sink.records(&query, 0, ALL)?, &expected)?;
        let first: Vec<_> = expected.iter().take(2).cloned().collect();
        same(&format!("{what}, at most 2"), &sink.records(&query, 0, 2)?, &first)?;
        let after = entries.len() as u64 / 2;
        let rest: Vec<_> = expected.into_iter().filter(|entry| entry.sequence > after).collect();
        same(&format!("{what}, after {after}"), &sink.records(&query, after, ALL)?, &rest)?;
    }
    Ok(())
}

pub(super) fn g8_the_newest_matching_record_is_read(mut place: impl SinkHarness) -> Checked {
    let sink = place.open();
    let none = sink.newest(&RecordQuery::default())?.is_none();
    ensure!(none, "a newest record, where there is no record");
    let entries = filled(&sink)?;
    for (what, query) in queries(&entries)? {
        let expected: Vec<_> =
            entries.iter().rfind(|entry| query.matches(&entry.record)).cloned().into_iter().collect();
        for (handle, reader) in [("the same handle", &sink), ("another handle", &place.open())] {
            let found: Vec<_> = reader.newest(&query)?.into_iter().collect();
            same(&format!("the newest of {what}, {handle}"), &found, &expected)?;
        }
    }
    place.crash();
    let found: Vec<_> = place.open().newest(&RecordQuery::default())?.into_iter().collect();
    same("the newest after a crash", &found, entries.last().map_or(&[], std::slice::from_ref))?;
    drop(sink);
    Ok(())
}

/// By each time, kind, initiator, target and outcome that there is, and by some that there are not.
fn queries(entries: &[RecordEntry]) -> Checked<Vec<(String, RecordQuery)>> {
    use RecordKind::{
        Directory, DryRun, Erasure, GovernanceRead, Grant, Page, PolicyChange, Retention, Reveal, Revocation,
    };
    let all = RecordQuery::default;
    let mut queries = vec![("everything".to_owned(), all())];
    for kind in [PolicyChange, DryRun, Grant, Revocation, Reveal, Page, Erasure, Retention, GovernanceRead, Directory] {
        queries.push((format!("kind {kind}"), RecordQuery { kind: Some(kind), ..all() }));
    }
    for outcome in
        [OutcomeKind::Intended, OutcomeKind::Done, OutcomeKind::Observed, OutcomeKind::Failed, OutcomeKind::Refused]
    {
        queries.push((format!("outcome {outcome}"), RecordQuery { outcome: Some(outcome), ..all() }));
    }
    for kind in [PolicyChange, Grant, Revocation, Erasure, Retention] {
        for outcome in [OutcomeKind::Intended, OutcomeKind::Done] {
            let (kind, outcome) = (Some(kind), Some(outcome));
            queries.push((format!("{kind:?} {outcome:?}"), RecordQuery { kind, outcome, ..all() }));
        }
    }
    for name in [ROOT, ADELE, "nobody", "ROOT"] {
        let initiator = Some(UserId::new(name)?);
        queries.push((format!("initiator {name}"), RecordQuery { initiator: initiator.clone(), ..all() }));
        let (kind, outcome) = (Some(Reveal), Some(OutcomeKind::Done));
        queries.push((format!("what {name} revealed"), RecordQuery { initiator, kind, outcome, ..all() }));
    }
    let targets = entries.iter().flat_map(|entry| entry.record.targets());
    for target in targets.chain(["nothing".to_owned()]) {
        // A record of several changes has several kinds and several targets, and is found by each of them.
        for kind in [PolicyChange, Grant, Revocation] {
            let of_both = RecordQuery { kind: Some(kind), target: Some(target.clone()), ..all() };
            queries.push((format!("kind {kind} of target {target}"), of_both));
        }
        queries.push((format!("target {target}"), RecordQuery { target: Some(target), ..all() }));
    }
    for (from, until) in [(3, 7), (5, 5), (-9, 99)] {
        let (from, until) = (Some(at(from)), Some(at(until)));
        queries.push((format!("from {from:?}"), RecordQuery { from, ..all() }));
        queries.push((format!("until {until:?}"), RecordQuery { until, ..all() }));
        queries.push((format!("from {from:?} until {until:?}"), RecordQuery { from, until, ..all() }));
    }
    Ok(queries)
}

pub(super) fn g3_records_are_read_in_sequence_after_a_number(place: impl SinkHarness) -> Checked {
    let sink = place.open();
    let mut entries = Vec::new();
    for seconds in [5, 3, 9, 1, 7, 1] {
        // The time of a record plays no part in its place.
        let record = crate::governance::Record { at: at(seconds), ..record() };
        entries.push(RecordEntry { sequence: sink.record(&record)?.sequence(), record });
    }
    for after in 0..=entries.len() as u64 + 1 {
        for limit in [0, 1, 2, ALL, usize::MAX] {
            let expected: Vec<_> = entries.iter().filter(|entry| entry.sequence > after).take(limit).cloned().collect();
            let found = sink.records(&RecordQuery::default(), after, limit)?;
            same(&format!("after {after}, at most {limit}"), &found, &expected)?;
        }
    }
    let beyond = sink.records(&RecordQuery::default(), u64::MAX, ALL)?.len();
    ensure!(beyond == 0, "{beyond} records stand after the last number of all");
    Ok(())
}
