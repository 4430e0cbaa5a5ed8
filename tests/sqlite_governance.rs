//! G2, G3 and G5 on disk: removed and redacted content leaves no bytes in the files, and searches are narrow.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fixture;

use activity_privacy::governance::{GovernanceSink, Pending};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use activity_privacy::governance::{
    AppliedRecords, ApprovalDecision, ChangeSummary, Commitment, Digest, Event, Initiator, Justification, Outcome,
    Receipt, Record, RecordId, RecordQuery, Recorded, Removal, RequestId, RequestSummary, RevealId, RevealSummary,
    RevealTerms,
};
use activity_privacy::policy::{OptionsPatch, PolicyChange, PrivacyPolicy, Retention, Revision, Role};
use activity_privacy::sqlite::{FileError, SqliteGovernance};
use chrono::{DateTime, Utc};
use fixture::*;
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(86_400);

fn initialized() -> PrivacyPolicy {
    PrivacyPolicy::initial(&admins())
}

fn recorded(pending: Pending<Removal>) -> Recorded<Removal> {
    let receipt = Receipt::assertion(pending.record().id, 1);
    pending.recorded(&receipt).unwrap()
}

/// Returns a removal of the records before a time.
fn aged(before: DateTime<Utc>) -> Recorded<Removal> {
    let retention = Retention::of_activities(DAY).and_of_records(DAY).unwrap();
    let options = OptionsPatch::new().retention(Some(retention));
    let policy = changed(&initialized(), PolicyChange::SetOptions(options), None).unwrap();
    recorded(Removal::of_aged(&policy, &AppliedRecords::default(), RecordId(Uuid::nil()), before + DAY).unwrap())
}

fn sealed(of: RecordId) -> Recorded<Removal> {
    recorded(Removal::of_commitment(&initialized(), &user("root"), of, RecordId(Uuid::nil()), at(0)).unwrap())
}

/// Runs a removal to its end. Returns the number of removed records per step.
fn remove(sink: &SqliteGovernance, removal: &Recorded<Removal>) -> Vec<u64> {
    std::iter::from_fn(|| Some(sink.remove(removal).unwrap()).filter(|removed| *removed > 0)).collect()
}

/// Pseudorandom numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }
}

/// Returns a record of a reveal whose initiator and justification are in no other record. Some records fill pages of
/// the file, some a tenth of one.
fn reveal_record(number: usize, length: usize) -> Record {
    let id = |kind: u128| Uuid::from_u128((kind << 64) | (number as u128 + 1));
    let mut why = format!("because-{number:06} ");
    while why.len() < length {
        why += &format!("because-{number:06} ");
    }
    why.truncate(4_000);
    let terms = RevealTerms {
        query: Commitment::new(Digest::of_ids([]), salt(67)),
        from: None,
        until: None,
        actors: 0,
        private_only: false,
        purpose: None,
        justification: Some(Commitment::new(Justification::new(why).unwrap(), salt(number as u128 + 1))),
    };
    let event = if number.is_multiple_of(5) {
        let (request, lifetime) = (RequestId(id(2)), Duration::from_secs(60));
        Event::RequestReveal(RequestSummary { request, terms, lifetime, expires_at: Some(at(60)) })
    } else {
        Event::Reveal(RevealSummary { reveal: RevealId(id(2)), request: None, terms, expires_at: at(60) })
    };
    Record {
        id: RecordId(id(3)),
        at: at(number as i64),
        initiator: Initiator::User(user(&format!("viewer-{number:06}"))),
        policy: None,
        event,
        outcome: Outcome::Intended,
    }
}

/// Returns the numbers after all occurrences of a prefix in the database and its log.
fn numbers_in_files(path: &Path, word: &str) -> BTreeSet<usize> {
    let folder = path.parent().unwrap();
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.iter().any(|file| file == path));
    let mut found = BTreeSet::new();
    for file in files {
        let bytes = fs::read(file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let digits =
            text.match_indices(word).filter_map(|(place, _)| text.get(place + word.len()..place + word.len() + 6));
        found.extend(digits.filter_map(|digits| digits.parse::<usize>().ok()));
    }
    found
}

fn open(folder: &Path) -> (std::path::PathBuf, SqliteGovernance) {
    let path = folder.join("some.db");
    let sink = SqliteGovernance::open(&path).unwrap();
    (path, sink)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

#[test]
fn g5_removed_records_leave_no_bytes() {
    let folder = folder();
    let (path, sink) = open(folder.path());
    let mut random = Random(7);
    let (mut bound, mut count) = (0, 0);
    // A few records at a time, so that removals end at every point where SQLite may have moved a row.
    for round in 0..160 {
        for _ in 0..if round == 0 { 400 } else { random.below(7) } {
            let length = [10, 60, 200, 900, 3_900][random.below(5)];
            let _receipt = sink.record(&reveal_record(count, length)).unwrap();
            count += 1;
        }
        bound += random.below((count - bound).min(7));
        remove(&sink, &aged(at(bound as i64)));
        let kept = (bound..count).collect();
        assert_eq!(numbers_in_files(&path, "because-"), kept, "round {round}: what was removed, or is missing");
        assert_eq!(numbers_in_files(&path, "viewer-"), kept, "round {round}");
    }
    let entries = sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap();
    assert!(entries.iter().map(|entry| entry.sequence as usize - 1).eq(bound..count));
    sink.integrity_check().unwrap();
}

#[test]
fn g2_redacted_content_leaves_no_bytes() {
    let folder = folder();
    let (path, sink) = open(folder.path());
    let mut random = Random(11);
    let mut telling_still: BTreeSet<usize> = (0..300).collect();
    for number in &telling_still {
        let _receipt = sink.record(&reveal_record(*number, [10, 60, 200, 900, 3_900][random.below(5)])).unwrap();
    }
    for turn in 0..200 {
        let number = random.below(300);
        let before = lengths(&path);
        let forgot = sink.remove(&sealed(reveal_record(number, 1).id)).unwrap();
        assert_eq!(lengths(&path), before, "a row that changes its size can be moved");
        assert_eq!(forgot == 1, telling_still.remove(&number));
        assert_eq!(numbers_in_files(&path, "because-"), telling_still, "turn {turn}");
    }
    // Likewise if redacted records are among the removed ones.
    remove(&sink, &aged(at(150)));
    assert_eq!(numbers_in_files(&path, "because-"), telling_still.split_off(&150));
    sink.integrity_check().unwrap();
}

#[test]
fn g5_large_removal_runs_in_steps_without_file_growth() {
    let folder = folder();
    let (path, sink) = open(folder.path());
    let life = 3_000;
    let fill =
        |from: usize| (from..from + life).for_each(|number| drop(sink.record(&reveal_record(number, 60)).unwrap()));
    fill(0);
    assert_eq!(remove(&sink, &aged(at(life as i64))), [1_000, 1_000, 999]);
    let size = fs::metadata(&path).unwrap().len();
    for turn in 1..3 {
        fill(turn * life);
        assert_eq!(remove(&sink, &aged(at((turn + 1) as i64 * life as i64))).iter().sum::<u64>(), life as u64);
    }
    let after = fs::metadata(&path).unwrap().len();
    assert!(after <= size + size / 5, "{after} bytes after three lives, {size} after one");
}

#[test]
fn g1_id_is_taken_until_its_record_is_removed() {
    const RECORDS: usize = 600;
    let folder = folder();
    let (path, sink) = open(folder.path());
    let record = |sink: &SqliteGovernance, number: usize| {
        let record = reveal_record(number, 10);
        sink.record(&record).unwrap().confirm(&record).unwrap();
        let query = RecordQuery { target: record.targets().pop(), ..RecordQuery::default() };
        let found = sink.records(&query, 0, 2).unwrap();
        assert_eq!(found.len(), 1, "the record is stored once");
        found[0].sequence as usize
    };
    (0..RECORDS).for_each(|number| drop(sink.record(&reveal_record(number, 10)).unwrap()));
    let again = SqliteGovernance::open(&path).unwrap();
    for number in [0, 17, 300, RECORDS - 1] {
        for sink in [&sink, &again] {
            assert_eq!(record(sink, number), number + 1);
        }
    }
    remove(&sink, &aged(at(400)));
    for (at, number) in [0, 399].into_iter().enumerate() {
        for sink in [&again, &sink] {
            assert_eq!(record(sink, number), RECORDS + 1 + at);
        }
    }
    assert_eq!(record(&again, 400), 401);
    sink.integrity_check().unwrap();
}

#[test]
fn b1_integrity_check_detects_columns_that_differ() {
    let folder = folder();
    let (_, sink) = open(folder.path());
    (0..600).for_each(|number| drop(sink.record(&reveal_record(number, 10)).unwrap()));
    remove(&sink, &aged(at(400)));
    let some_are_removed = "UPDATE record SET removed = 0 WHERE sequence = 300";
    for (at, damage) in [
        "UPDATE record SET id = 'cc0d96fc-7f4b-4dc1-8e66-0b5dbd6b3ea2' WHERE sequence = 500",
        "UPDATE record SET id = replace(id, '-', '') WHERE sequence = 599",
        "UPDATE record SET recorded_at = recorded_at + 1 WHERE sequence = 500",
        "UPDATE record SET kind = 'page' WHERE sequence = 500",
        "UPDATE record SET outcome = 'done' WHERE sequence = 500",
        "UPDATE record SET initiator = NULL WHERE sequence = 500",
        "UPDATE record SET targets = '[]' WHERE sequence = 500",
        "UPDATE record SET removed = 1 WHERE sequence = 500",
        "UPDATE record SET removed = 1 WHERE sequence = 401",
        "UPDATE record SET record = (SELECT record FROM record WHERE sequence = 501) WHERE sequence = 500",
        "UPDATE record SET sequence = 1000 WHERE sequence = 600",
        "UPDATE record SET sequence = -600 WHERE sequence = 600",
        "DELETE FROM record WHERE sequence = 500",
        "DELETE FROM record WHERE sequence > 400",
        "UPDATE record SET targets = '[\"viewer\"]' WHERE sequence = 300",
        "UPDATE record SET id = 'viewer' WHERE sequence = 300",
        some_are_removed,
    ]
    .into_iter()
    .enumerate()
    {
        let copy = folder.path().join(format!("copy-{at}.db"));
        sink.backup(&copy).unwrap();
        SqliteGovernance::open(&copy).unwrap().integrity_check().unwrap();
        assert!(rusqlite::Connection::open(&copy).unwrap().execute(damage, []).unwrap() > 0, "{damage}");
        let error = SqliteGovernance::open(&copy).unwrap().integrity_check().unwrap_err();
        let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
        let expected = match damage {
            // Blanks are not a record.
            _ if damage == some_are_removed => FileError::InvalidContent { what: "governance record" },
            _ => FileError::Corrupt,
        };
        assert_eq!(source, Some(&expected), "{damage}: {error:?}");
    }
}

#[test]
fn b1_sequence_below_one_is_no_receipt() {
    for sequence in [0, -1] {
        let folder = folder();
        let (path, sink) = open(folder.path());
        let record = reveal_record(0, 10);
        let _receipt = sink.record(&record).unwrap();
        rusqlite::Connection::open(&path).unwrap().execute("UPDATE record SET sequence = ?1", [sequence]).unwrap();
        let invalid = FileError::InvalidContent { what: "governance record" };
        for error in [sink.record(&record).unwrap_err(), sink.newest(&RecordQuery::default()).unwrap_err()] {
            let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
            assert_eq!(source, Some(&invalid), "{sequence}: {error:?}");
        }
    }
}

#[test]
fn b1_file_of_earlier_format_is_rejected() {
    let folder = folder();
    let (path, sink) = open(folder.path());
    drop(sink);
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "application_id", 0x4150_4731).unwrap();
    let error = SqliteGovernance::open(&path).unwrap_err();
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
    assert_eq!(source, Some(&FileError::NotOurFormat { expected: "governance records" }), "{error:?}");
}

/// Returns a record of a policy change that names several users in its columns and its text.
fn change(number: usize, people: usize, random: &mut Random) -> Record {
    let changes = (0..people).map(|nth| {
        let name = user(&format!("{}-target-{number:06}", "x".repeat(random.below(30) + 1)));
        match nth {
            0 => ChangeSummary::Grant(Some(name)),
            1 => ChangeSummary::Revoke(Some(name)),
            _ => ChangeSummary::SetAdmin(name, Role::Analyst),
        }
    });
    let event = if number.is_multiple_of(7) {
        Event::DecideRequest { request: RequestId(random_id(random)), answer: ApprovalDecision::Approve }
    } else {
        Event::ChangePolicy(changes.collect())
    };
    Record {
        id: RecordId(random_id(random)),
        at: at(number as i64),
        initiator: Initiator::User(user(&format!("viewer-{number:06}"))),
        policy: Some(Revision::FIRST),
        event,
        outcome: if number.is_multiple_of(3) { Outcome::Observed } else { Outcome::Intended },
    }
}

fn random_id(random: &mut Random) -> Uuid {
    Uuid::from_u64_pair(random.below(usize::MAX) as u64, random.below(usize::MAX) as u64)
}

/// Random ids, so that SQLite moves rows and index entries when it balances a tree.
#[test]
fn g5_removed_initiators_and_targets_leave_no_bytes() {
    let folder = folder();
    let (path, sink) = open(folder.path());
    let mut random = Random(13);
    let (mut bound, mut count, mut named) = (0, 0, BTreeSet::new());
    for round in 0..120 {
        for _ in 0..if round == 0 { 900 } else { random.below(14) } {
            let people = [1, 2, 3, 30][random.below(4)];
            let record = change(count, people, &mut random);
            if !record.targets().is_empty() && !count.is_multiple_of(7) {
                named.insert(count);
            }
            let _receipt = sink.record(&record).unwrap();
            count += 1;
        }
        bound += random.below((count - bound).min(14));
        remove(&sink, &aged(at(bound as i64)));
        assert_eq!(numbers_in_files(&path, "viewer-"), (bound..count).collect(), "round {round}");
        named = named.split_off(&bound);
        assert_eq!(numbers_in_files(&path, "target-"), named, "round {round}");
    }
    sink.integrity_check().unwrap();
}

/// The file is readable with SQL: kinds are words, and JSON is the only format to parse.
#[test]
fn g3_view_shows_records_as_text() {
    let folder = folder();
    let (path, sink) = open(folder.path());
    let mut random = Random(17);
    let all: Vec<Record> = (1..5).map(|number| change(number, number, &mut random)).collect();
    all.iter().for_each(|record| drop(sink.record(record).unwrap()));
    let connection = rusqlite::Connection::open(&path).unwrap();
    let shown = |select: &str| -> Vec<String> {
        let mut select = connection.prepare(select).unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let ids: Vec<String> = all.iter().map(|record| record.id.to_string()).collect();
    assert_eq!(shown("SELECT id FROM governance ORDER BY sequence"), ids);
    let columns = "SELECT concat_ws(' ', sequence, recorded_at, kind, outcome, initiator) FROM governance";
    assert_eq!(
        shown(columns),
        [
            "1 2026-02-25T06:13:21.000Z grant intended viewer-000001",
            "2 2026-02-25T06:13:22.000Z grant,revocation intended viewer-000002",
            "3 2026-02-25T06:13:23.000Z policy_change,grant,revocation observed viewer-000003",
            "4 2026-02-25T06:13:24.000Z policy_change,grant,revocation intended viewer-000004",
        ]
    );
    let targets = "SELECT value FROM governance, json_each(targets) ORDER BY sequence, json_each.id";
    assert_eq!(shown(targets), all.iter().flat_map(Record::targets).collect::<Vec<_>>());
    assert_eq!(shown("SELECT record ->> '$.outcome' FROM governance WHERE sequence = 3"), ["observed"]);
    remove(&sink, &aged(at(3)));
    assert_eq!(shown("SELECT id FROM governance ORDER BY sequence"), ids[2..]);
}

#[test]
fn g5_removal_during_a_read_fails_and_succeeds_later() {
    let folder = folder();
    let (path, sink) = open(folder.path());
    for number in 0..9 {
        let _receipt = sink.record(&reveal_record(number, 10)).unwrap();
    }
    let reader = open_reader(&path);
    assert_eq!(sink.remove(&aged(at(5))).unwrap(), 5);
    let error = sink.remove(&aged(at(5))).unwrap_err();
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
    assert_eq!(source, Some(&FileError::Busy), "{error:?}");
    drop(reader);
    assert_eq!(sink.remove(&aged(at(5))).unwrap(), 0);
    assert_eq!(numbers_in_files(&path, "because-"), (5..9).collect());
}

/// Returns the length of the text of each record in the file.
fn lengths(path: &Path) -> Vec<i64> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut select = connection.prepare("SELECT octet_length(record) FROM record ORDER BY sequence").unwrap();
    let lengths = select.query_map([], |row| row.get(0)).unwrap();
    lengths.map(Result::unwrap).collect()
}

/// Returns a reader in an open transaction.
fn open_reader(path: &Path) -> rusqlite::Connection {
    let reader = rusqlite::Connection::open(path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM record;").unwrap();
    reader
}
