//! Removal: exactly the covered records are removed, for good.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::SinkHarness;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, ROOT, at, change, fresh_record_id, initial, race, record, records_of_every_kind, salt,
};
use crate::governance::{
    AppliedRecords, Commitment, Digest, Event, GovernanceSink, Initiator, Outcome, Pending, Receipt, Record,
    RecordEntry, RecordId, RecordQuery, Recorded, Removal, RevealId, SinkError, Subjects,
};
use crate::identity::{Subject, UserId};
use crate::policy::{OptionsPatch, PolicyChange, Retention};

const DAY: Duration = Duration::from_secs(86_400);

/// A task that returns what it recorded.
type Recorder<'a> = Box<dyn FnOnce() -> Checked<Vec<RecordEntry>> + Send + 'a>;

/// A limit above the number of steps that any sink needs for the records of a clause.
const STEPS: usize = 1_000;

fn recorded(pending: Pending<Removal>) -> Checked<Recorded<Removal>> {
    let receipt = Receipt::assertion(pending.record().id, 1);
    Ok(pending.recorded(&receipt)?)
}

/// Returns the removal of records made before a time, under a policy that keeps everything for a day.
fn retention_removal(before: DateTime<Utc>) -> Checked<Recorded<Removal>> {
    keeping(Retention::of_activities(DAY).and_of_records(DAY)?, before)
}

fn keeping(retention: Retention, before: DateTime<Utc>) -> Checked<Recorded<Removal>> {
    let options = OptionsPatch::new().retention(Some(retention));
    let policy = change(initial()?.policy(), &PolicyChange::SetOptions(options))?;
    let pending = Removal::of_aged(policy.policy(), &AppliedRecords::default(), fresh_record_id(), before + DAY);
    pending.map_or_else(|| Err(Breach::new("the time is out of range")), recorded)
}

/// Returns the redaction of the personal data in a record.
fn redaction(of: RecordId) -> Checked<Recorded<Removal>> {
    let pending = Removal::of_commitment(initial()?.policy(), &UserId::new(ROOT)?, of, fresh_record_id(), at(0));
    recorded(pending.map_err(|refused| refused.reason)?)
}

/// Returns a record after its redaction.
fn redacted(mut record: Record) -> Record {
    record.redact();
    record
}

/// Returns the record of a page, with commitments to its subjects.
fn page_record() -> Record {
    let reveal = RevealId(Uuid::from_u128(48));
    let event = Event::Page {
        reveal,
        activities: Commitment::new(2, salt(50)),
        private: Commitment::new(1, salt(51)),
        digest: Commitment::new(Digest::of_ids([]), salt(52)),
        subjects: Commitment::new(Subjects::default(), salt(49)),
    };
    Record { event, outcome: Outcome::Intended, initiator: Initiator::System, ..record() }
}

/// Removes in steps until none is left, and returns the number of records removed.
fn remove(sink: &impl GovernanceSink, removal: &Recorded<Removal>) -> Checked<u64> {
    let mut removed = 0;
    for _ in 0..STEPS {
        match sink.remove(removal)? {
            0 => return Ok(removed),
            more => removed += more,
        }
    }
    Err(Breach::new(format!("a removal has not ended after {STEPS} steps")))
}

fn entries(sink: &impl GovernanceSink) -> Checked<Vec<RecordEntry>> {
    Ok(sink.records(&RecordQuery::default(), 0, ALL)?)
}

/// Records with these times, in this order. Returns their entries.
fn made_at(sink: &impl GovernanceSink, times: &[DateTime<Utc>]) -> Checked<Vec<RecordEntry>> {
    let made = times.iter().map(|at| Record { at: *at, ..record() });
    made.map(|record| Ok(RecordEntry { sequence: sink.record(&record)?.sequence(), record })).collect()
}

/// Checks that the sink contains exactly these entries.
fn ensure_contains(what: &str, sink: &impl GovernanceSink, expected: &[RecordEntry]) -> Checked {
    let found = entries(sink)?;
    let numbers = |entries: &[RecordEntry]| entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>();
    let (read, wanted) = (numbers(&found), numbers(expected));
    ensure!(read == wanted, "{what} the sink contains the records {read:?}, expected {wanted:?}");
    ensure!(found == expected, "{what} a record has changed");
    Ok(())
}

pub(super) fn g5_retention_removes_first_records(harness: impl SinkHarness) -> Checked {
    let (here, there) = (harness.open(), harness.open());
    let all = made_at(&here, &[1, 2, 3, 9, 2, 4, 8].map(at))?;
    let (before, nothing) = (retention_removal(at(5))?, retention_removal(at(1))?);
    ensure!(remove(&here, &nothing)? == 0, "a removal removed records that were not made before its time");
    ensure_contains("after a removal that covers nothing", &there, &all)?;
    let removed = remove(&here, &before)?;
    let rest = all.get(3..).unwrap_or_default();
    ensure_contains("after a removal", &here, rest)?;
    ensure_contains("through another handle,", &there, rest)?;
    ensure!(removed == 3, "a removal of three records returned {removed}");
    ensure!(remove(&there, &before)? == 0, "a repeated removal removed records again");
    ensure_contains("after a repeated removal", &there, rest)
}

pub(super) fn g5_record_at_exact_limit_stays(harness: impl SinkHarness) -> Checked {
    let sink = harness.open();
    let nano = TimeDelta::nanoseconds(1);
    let bound = at(5) + TimeDelta::nanoseconds(123_456_789);
    let all = made_at(&sink, &[bound - nano, bound, bound + nano, at(9)])?;
    let removed = remove(&sink, &retention_removal(bound)?)?;
    ensure_contains(
        "after a removal with records a nanosecond around its time",
        &sink,
        all.get(1..).unwrap_or_default(),
    )?;
    ensure!(removed == 1, "a removal of one record returned {removed}");
    Ok(())
}

pub(super) fn g5_newest_record_stays_and_numbers_continue(mut harness: impl SinkHarness) -> Checked {
    let sink = harness.open();
    let mut all = made_at(&sink, &[1, 2, 3].map(at))?;
    let removal = retention_removal(at(99))?;
    let removed = remove(&sink, &removal)?;
    ensure!(removed == 2, "{removed} of three old records were removed, expected 2");
    ensure_contains("after the removal of old records", &sink, all.split_off(2).as_slice())?;
    let next = harness.open().record(&record())?.sequence();
    ensure!(next == 4, "after three records, of which two were removed, the next one got number {next}");
    harness.crash();
    let after = harness.open();
    let next = after.record(&record())?.sequence();
    ensure!(next == 5, "after a removal and a crash, number {next} follows 4");
    let numbers: Vec<u64> = entries(&after)?.iter().map(|entry| entry.sequence).collect();
    ensure!(numbers == [3, 4, 5], "after a removal and a crash the sink contains the records {numbers:?}");
    drop(sink);
    Ok(())
}

pub(super) fn g5_removed_records_stay_removed_after_crash(mut harness: impl SinkHarness) -> Checked {
    let before = harness.open();
    let mut all = made_at(&before, &[1, 2, 3, 4].map(at))?;
    remove(&before, &retention_removal(at(3))?)?;
    harness.crash();
    ensure_contains("after a removal and a crash", &harness.open(), all.split_off(2).as_slice())?;
    drop(before);
    Ok(())
}

pub(super) fn g5_remaining_records_keep_numbers_and_receipts(harness: impl SinkHarness) -> Checked {
    let sink = harness.open();
    made_at(&sink, &[at(-9), at(-8)])?;
    let kept = records_of_every_kind()?.into_iter().map(|record| {
        let receipt = sink.record(&record)?;
        Ok((RecordEntry { sequence: receipt.sequence(), record }, receipt))
    });
    let kept = kept.collect::<Checked<Vec<_>>>()?;
    remove(&sink, &retention_removal(at(-5))?)?;
    let (entries, receipts): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
    ensure_contains("after a removal of others", &sink, &entries)?;
    for (entry, receipt) in entries.iter().zip(&receipts) {
        let query =
            RecordQuery { kind: Some(entry.record.kind()), target: entry.record.targets().pop(), ..Default::default() };
        let found = sink.records(&query, entry.sequence - 1, 1)?;
        ensure!(found.first() == Some(entry), "after a removal of others, record {} is not found", entry.sequence);
        let again = sink.record(&entry.record)?;
        ensure!(again == *receipt, "after a removal of others, a remaining record got another receipt: {again:?}");
    }
    Ok(())
}

pub(super) fn g5_records_not_covered_are_not_removed(harness: impl SinkHarness) -> Checked {
    let sink = harness.open();
    let all = made_at(&sink, &[1, 2, 3].map(at))?;
    let erasure = Subject::of(UserId::new(ADELE)?);
    let subject = Removal::of_subject(initial()?.policy(), &UserId::new(ROOT)?, erasure, fresh_record_id(), at(99));
    let subject = recorded(subject.map_err(|refused| refused.reason)?)?;
    let unknown = redaction(fresh_record_id())?;
    let activities = keeping(Retention::of_activities(DAY), at(99))?;
    for (what, removal) in [
        ("the activities of a person", subject),
        ("the personal data in an unknown record", unknown),
        ("old activities", activities),
    ] {
        let removed = remove(&sink, &removal)?;
        ensure!(removed == 0, "a removal of {what} removed {removed} records");
        ensure_contains(&format!("after a removal of {what}"), &sink, &all)?;
    }
    Ok(())
}

pub(super) fn g5_removal_does_not_disturb_recording(harness: impl SinkHarness) -> Checked {
    const EACH: i64 = 12;
    let sink = harness.open();
    made_at(&sink, &[0; 40].map(|_| at(1)))?;
    let removal = retention_removal(at(5))?;
    let recorder = || {
        let sink = harness.open();
        Box::new(move || made_at(&sink, &(0..EACH).map(|n| at(9 + n)).collect::<Vec<_>>())) as Recorder<'_>
    };
    let remover = || {
        let (sink, removal) = (harness.open(), &removal);
        Box::new(move || remove(&sink, removal).map(|_| Vec::new())) as Recorder<'_>
    };
    let mut kept = race(vec![recorder(), remover(), recorder(), remover()])?.concat();
    kept.sort_by_key(|entry| entry.sequence);
    // The last of the old records was the newest one until another was recorded.
    remove(&sink, &removal)?;
    ensure_contains("after a removal during concurrent recording", &sink, &kept)?;
    let numbers = kept.iter().map(|entry| entry.sequence);
    ensure!(numbers.eq(41..=40 + 2 * EACH.unsigned_abs()), "numbers assigned during a removal have gaps");
    Ok(())
}

pub(super) fn g2_redaction_applies_on_every_handle(mut harness: impl SinkHarness) -> Checked {
    let (here, there) = (harness.open(), harness.open());
    let records = [page_record(), page_record(), page_record()];
    for record in &records {
        let _receipt = here.record(record)?;
    }
    let [first, second, third] = records;
    let removal = redaction(second.id)?;
    let redactions = remove(&here, &removal)?;
    ensure!(redactions == 1, "the redaction of one record returned {redactions}");
    let rest = [first, redacted(second), third];
    let numbered = (1..).zip(rest).map(|(sequence, record)| RecordEntry { sequence, record });
    let expected: Vec<RecordEntry> = numbered.collect();
    for (handle, sink) in [("the same handle", &here), ("another handle", &there)] {
        ensure_contains(&format!("through {handle}, after a redaction,"), sink, &expected)?;
    }
    ensure!(remove(&there, &removal)? == 0, "a repeated redaction redacted a record again");
    harness.crash();
    let after = harness.open();
    ensure_contains("after a redaction and a crash,", &after, &expected)?;
    ensure!(remove(&after, &removal)? == 0, "after a crash a redacted record was redacted again");
    Ok(())
}

pub(super) fn g2_redacted_record_keeps_its_receipt(harness: impl SinkHarness) -> Checked {
    let sink = harness.open();
    let page = page_record();
    let receipt = sink.record(&page)?;
    remove(&sink, &redaction(page.id)?)?;
    let redacted_page = redacted(page.clone());
    for (what, offered) in [("unredacted", &page), ("redacted", &redacted_page)] {
        let again = sink.record(offered)?;
        ensure!(again == receipt, "a redacted record, offered again {what}, got another receipt: {again:?}");
    }
    ensure_contains(
        "after it was offered again,",
        &sink,
        &[RecordEntry { sequence: 1, record: redacted_page.clone() }],
    )?;
    let other = Record { at: at(1), ..page };
    let is_rejected = matches!(sink.record(&other), Err(SinkError::IdTaken(id)) if id == other.id);
    ensure!(is_rejected, "another record under the id of a redacted one was not rejected as `IdTaken`");
    Ok(())
}
