//! What is removed is what a removal covers, and it is gone for good.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::SinkHarness;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, ROOT, at, change, fresh_record, initial, race, record, records_of_all_sorts, salt,
};
use crate::governance::{
    AppliedRecords, Commitment, Digest, Event, GovernanceSink, Initiator, Outcome, Pending, Receipt, Record,
    RecordEntry, RecordId, RecordQuery, Recorded, Removal, RevealId, SinkError, Subjects,
};
use crate::identity::{Subject, UserId};
use crate::policy::{OptionsPatch, PolicyChange, Retention};

const DAY: Duration = Duration::from_secs(86_400);

/// A thread that says what it recorded.
type Recorder<'a> = Box<dyn FnOnce() -> Checked<Vec<RecordEntry>> + Send + 'a>;

/// More steps than any sink takes for what the clauses record.
const STEPS: usize = 1_000;

fn recorded(pending: Pending<Removal>) -> Checked<Recorded<Removal>> {
    let receipt = Receipt::assertion(pending.record().id, 1);
    Ok(pending.recorded(&receipt)?)
}

/// The removal of what was made before a time, as a policy asks for it that keeps everything for a day.
fn aged(before: DateTime<Utc>) -> Checked<Recorded<Removal>> {
    keeping(Retention::of_activities(DAY).and_of_records(DAY)?, before)
}

fn keeping(retention: Retention, before: DateTime<Utc>) -> Checked<Recorded<Removal>> {
    let options = OptionsPatch::new().retention(Some(retention));
    let policy = change(initial()?.policy(), &PolicyChange::SetOptions(options))?;
    let pending = Removal::of_aged(policy.policy(), &AppliedRecords::default(), fresh_record(), before + DAY);
    pending.map_or_else(|| Err(Breach::seen("the clock reaches not so far")), recorded)
}

/// The removal of what a record says of people.
fn sealed(of: RecordId) -> Checked<Recorded<Removal>> {
    let pending = Removal::of_commitment(initial()?.policy(), &UserId::new(ROOT)?, of, fresh_record(), at(0));
    recorded(pending.map_err(|refused| refused.reason)?)
}

/// A record as it is once it forgot what it says of people.
fn forgetful(mut record: Record) -> Record {
    record.redact();
    record
}

/// A page that says whose it was.
fn telling() -> Record {
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

/// Removes until there is nothing left to remove, and says of how many.
fn remove(sink: &impl GovernanceSink, removal: &Recorded<Removal>) -> Checked<u64> {
    let mut removed = 0;
    for _ in 0..STEPS {
        match sink.remove(removal)? {
            0 => return Ok(removed),
            more => removed += more,
        }
    }
    Err(Breach::seen(format!("after {STEPS} steps a removal has not ended")))
}

fn entries(sink: &impl GovernanceSink) -> Checked<Vec<RecordEntry>> {
    Ok(sink.records(&RecordQuery::default(), 0, ALL)?)
}

/// Records made at these times, in this order, and the entries that they are.
fn made_at(sink: &impl GovernanceSink, times: &[DateTime<Utc>]) -> Checked<Vec<RecordEntry>> {
    let made = times.iter().map(|at| Record { at: *at, ..record() });
    made.map(|record| Ok(RecordEntry { sequence: sink.record(&record)?.sequence(), record })).collect()
}

/// Breaks off unless these are all entries that there are.
fn holds(what: &str, sink: &impl GovernanceSink, expected: &[RecordEntry]) -> Checked {
    let found = entries(sink)?;
    let numbers = |entries: &[RecordEntry]| entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>();
    let (read, wanted) = (numbers(&found), numbers(expected));
    ensure!(read == wanted, "{what} the records {read:?} are there, expected {wanted:?}");
    ensure!(found == expected, "{what} a record is not what it was");
    Ok(())
}

pub(super) fn g5_what_is_removed_are_the_first_records(place: impl SinkHarness) -> Checked {
    let (here, there) = (place.open(), place.open());
    let all = made_at(&here, &[1, 2, 3, 9, 2, 4, 8].map(at))?;
    let (before, nothing) = (aged(at(5))?, aged(at(1))?);
    ensure!(remove(&here, &nothing)? == 0, "records were removed that were not made before the time");
    holds("after a removal of nothing", &there, &all)?;
    let removed = remove(&here, &before)?;
    let rest = all.get(3..).unwrap_or_default();
    holds("after the removal of what was made before a time", &here, rest)?;
    holds("through another handle,", &there, rest)?;
    ensure!(removed == 3, "three records were removed, and {removed} are told of");
    ensure!(remove(&there, &before)? == 0, "what was removed was removed again");
    holds("after the same removal again", &there, rest)
}

pub(super) fn g5_a_record_made_at_the_very_time_stays(place: impl SinkHarness) -> Checked {
    let sink = place.open();
    let nano = TimeDelta::nanoseconds(1);
    let bound = at(5) + TimeDelta::nanoseconds(123_456_789);
    let all = made_at(&sink, &[bound - nano, bound, bound + nano, at(9)])?;
    let removed = remove(&sink, &aged(bound)?)?;
    holds("of what was made a nanosecond around a time", &sink, all.get(1..).unwrap_or_default())?;
    ensure!(removed == 1, "one record was removed, and {removed} are told of");
    Ok(())
}

pub(super) fn g5_the_newest_record_stays_and_numbers_go_on(mut place: impl SinkHarness) -> Checked {
    let sink = place.open();
    let mut all = made_at(&sink, &[1, 2, 3].map(at))?;
    let removal = aged(at(99))?;
    let removed = remove(&sink, &removal)?;
    ensure!(removed == 2, "of three records that are all too old {removed} were removed, expected 2");
    holds("after all were too old", &sink, all.split_off(2).as_slice())?;
    let next = place.open().record(&record())?.sequence();
    ensure!(next == 4, "after three records of which two were removed, one got number {next}");
    place.crash();
    let after = place.open();
    let next = after.record(&record())?.sequence();
    ensure!(next == 5, "after a crash, number {next} comes after 4 where records were removed");
    let numbers: Vec<u64> = entries(&after)?.iter().map(|entry| entry.sequence).collect();
    ensure!(numbers == [3, 4, 5], "after a removal and a crash the records {numbers:?} are there");
    drop(sink);
    Ok(())
}

pub(super) fn g5_what_was_removed_stays_removed_after_a_crash(mut place: impl SinkHarness) -> Checked {
    let before = place.open();
    let mut all = made_at(&before, &[1, 2, 3, 4].map(at))?;
    remove(&before, &aged(at(3))?)?;
    place.crash();
    holds("after a removal and a crash", &place.open(), all.split_off(2).as_slice())?;
    drop(before);
    Ok(())
}

pub(super) fn g5_what_is_kept_is_read_and_answered_as_before(place: impl SinkHarness) -> Checked {
    let sink = place.open();
    made_at(&sink, &[at(-9), at(-8)])?;
    let kept = records_of_all_sorts()?.into_iter().map(|record| {
        let receipt = sink.record(&record)?;
        Ok((RecordEntry { sequence: receipt.sequence(), record }, receipt))
    });
    let kept = kept.collect::<Checked<Vec<_>>>()?;
    remove(&sink, &aged(at(-5))?)?;
    let (entries, receipts): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
    holds("after others were removed", &sink, &entries)?;
    for (entry, receipt) in entries.iter().zip(&receipts) {
        let query =
            RecordQuery { kind: Some(entry.record.kind()), target: entry.record.targets().pop(), ..Default::default() };
        let found = sink.records(&query, entry.sequence - 1, 1)?;
        ensure!(found.first() == Some(entry), "after others were removed, record {} is not found", entry.sequence);
        let again = sink.record(&entry.record)?;
        ensure!(again == *receipt, "after others were removed, a record that stayed got another receipt: {again:?}");
    }
    Ok(())
}

pub(super) fn g5_nothing_is_removed_that_a_removal_does_not_cover(place: impl SinkHarness) -> Checked {
    let sink = place.open();
    let all = made_at(&sink, &[1, 2, 3].map(at))?;
    let erasure = Subject::of(UserId::new(ADELE)?);
    let subject = Removal::of_subject(initial()?.policy(), &UserId::new(ROOT)?, erasure, fresh_record(), at(99));
    let subject = recorded(subject.map_err(|refused| refused.reason)?)?;
    let unknown = sealed(fresh_record())?;
    let activities = keeping(Retention::of_activities(DAY), at(99))?;
    for (what, removal) in [
        ("the activities of a person", subject),
        ("what an unknown record says", unknown),
        ("activities that are too old", activities),
    ] {
        let removed = remove(&sink, &removal)?;
        ensure!(removed == 0, "a removal of {what} removed {removed} records");
        holds(&format!("after a removal of {what}"), &sink, &all)?;
    }
    Ok(())
}

pub(super) fn g5_removing_disturbs_no_recording(place: impl SinkHarness) -> Checked {
    const EACH: i64 = 12;
    let sink = place.open();
    made_at(&sink, &[0; 40].map(|_| at(1)))?;
    let removal = aged(at(5))?;
    let recorder = || {
        let sink = place.open();
        Box::new(move || made_at(&sink, &(0..EACH).map(|n| at(9 + n)).collect::<Vec<_>>())) as Recorder<'_>
    };
    let remover = || {
        let (sink, removal) = (place.open(), &removal);
        Box::new(move || remove(&sink, removal).map(|_| Vec::new())) as Recorder<'_>
    };
    let mut kept = race(vec![recorder(), remover(), recorder(), remover()])?.concat();
    kept.sort_by_key(|entry| entry.sequence);
    // The last of the old ones was the newest, as long as none of the others had come.
    remove(&sink, &removal)?;
    holds("after records were removed while others were being recorded", &sink, &kept)?;
    let numbers = kept.iter().map(|entry| entry.sequence);
    ensure!(numbers.eq(41..=40 + 2 * EACH.unsigned_abs()), "numbers that were given during a removal have gaps");
    Ok(())
}

pub(super) fn g2_what_a_record_says_of_people_is_forgotten_on_every_handle(mut place: impl SinkHarness) -> Checked {
    let (here, there) = (place.open(), place.open());
    let records = [telling(), telling(), telling()];
    for record in &records {
        let _receipt = here.record(record)?;
    }
    let [first, second, third] = records;
    let removal = sealed(second.id)?;
    let forgot = remove(&here, &removal)?;
    ensure!(forgot == 1, "one record was to forget, and {forgot} are told of");
    let rest = [first, forgetful(second), third];
    let numbered = (1..).zip(rest).map(|(sequence, record)| RecordEntry { sequence, record });
    let expected: Vec<RecordEntry> = numbered.collect();
    for (handle, sink) in [("the same handle", &here), ("another handle", &there)] {
        holds(&format!("through {handle}, after one was to forget,"), sink, &expected)?;
    }
    ensure!(remove(&there, &removal)? == 0, "what was forgotten was forgotten again");
    place.crash();
    let after = place.open();
    holds("after one forgot, and a crash,", &after, &expected)?;
    ensure!(remove(&after, &removal)? == 0, "what was forgotten was there again after a crash");
    Ok(())
}

pub(super) fn g2_a_record_that_forgot_is_still_the_same_record(place: impl SinkHarness) -> Checked {
    let sink = place.open();
    let telling = telling();
    let receipt = sink.record(&telling)?;
    remove(&sink, &sealed(telling.id)?)?;
    let forgot = forgetful(telling.clone());
    for (what, offered) in [("as it was", &telling), ("as it is now", &forgot)] {
        let again = sink.record(offered)?;
        ensure!(again == receipt, "a record that forgot, offered again {what}, got another receipt: {again:?}");
    }
    holds("after it was offered again,", &sink, &[RecordEntry { sequence: 1, record: forgot.clone() }])?;
    let other = Record { at: at(1), ..telling };
    let taken = matches!(sink.record(&other), Err(SinkError::IdTaken(id)) if id == other.id);
    ensure!(taken, "another record under the id of one that forgot was not refused as `IdTaken`");
    Ok(())
}
