//! G2, G3 and G5 on disk: what is removed or forgotten is not in the file any more, byte by byte; and no search reads what it
//! was not asked for.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod house;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use activity_privacy::sqlite::{FileError, SqliteGovernance};
use activity_privacy::*;
use chrono::{DateTime, Utc};
use house::*;
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(86_400);

fn initialized() -> PrivacyPolicy {
    PrivacyPolicy::initial(&admins())
}

fn recorded(pending: PendingRemoval) -> RecordedRemoval {
    let receipt = Receipt::assertion(pending.record().id, 1);
    pending.recorded(&receipt).unwrap()
}

/// The removal of what was made before a time.
fn aged(before: DateTime<Utc>) -> RecordedRemoval {
    let retention = Retention::of_activities(DAY).and_of_records(DAY).unwrap();
    let options = OptionsPatch::new().retention(Some(retention));
    let policy = changed(&initialized(), PolicyChange::SetOptions(options), None).unwrap();
    recorded(PendingRemoval::of_aged(&policy, &AppliedRecords::default(), RecordId(Uuid::nil()), before + DAY).unwrap())
}

fn sealed(of: RecordId) -> RecordedRemoval {
    recorded(PendingRemoval::of_sealed(&initialized(), &user("root"), of, RecordId(Uuid::nil()), at(0)).unwrap())
}

/// Removes until there is nothing left to remove, and says how much in each step.
fn remove(sink: &SqliteGovernance, removal: &RecordedRemoval) -> Vec<u64> {
    std::iter::from_fn(|| Some(sink.remove(removal).unwrap()).filter(|removed| *removed > 0)).collect()
}

/// Nobody's numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }
}

/// A reveal by somebody who is in no other record, with a justification that is in no other. Some fill pages of the file,
/// some a tenth of one.
fn telling(number: usize, length: usize) -> Record {
    let id = |kind: u128| Uuid::from_u128((kind << 64) | (number as u128 + 1));
    let mut why = format!("because-{number:06} ");
    while why.len() < length {
        why += &format!("because-{number:06} ");
    }
    why.truncate(4_000);
    let about = RevealTerms {
        query: Sealed::new(Digest::of_ids([]), salt(67)),
        from: None,
        until: None,
        actors: 0,
        private_only: false,
        purpose: None,
        justification: Some(Sealed::new(Justification::new(why).unwrap(), salt(number as u128 + 1))),
    };
    let act = if number.is_multiple_of(5) {
        let (request, lifetime) = (RequestId(id(2)), Duration::from_secs(60));
        Act::RequestReveal(RequestSummary { request, about, lifetime, expires_at: Some(at(60)) })
    } else {
        Act::Reveal(RevealSummary { reveal: RevealId(id(2)), request: None, about, expires_at: at(60) })
    };
    Record {
        id: RecordId(id(3)),
        at: at(number as i64),
        initiator: Initiator::User(user(&format!("viewer-{number:06}"))),
        policy: None,
        act,
        outcome: Outcome::Intended,
    }
}

/// The numbers of all words in the files that begin so: in the database, and in the log beside it.
fn in_the_files(path: &Path, word: &str) -> BTreeSet<usize> {
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
fn g5_of_what_was_removed_nothing_is_left_in_the_file() {
    let folder = folder();
    let (path, sink) = open(folder.path());
    let mut dice = Dice(7);
    let (mut bound, mut count) = (0, 0);
    // A few at a time, so that a removal ends wherever SQLite may have moved something.
    for round in 0..160 {
        for _ in 0..if round == 0 { 400 } else { dice.roll(7) } {
            let length = [10, 60, 200, 900, 3_900][dice.roll(5)];
            let _receipt = sink.record(&telling(count, length)).unwrap();
            count += 1;
        }
        bound += dice.roll((count - bound).min(7));
        remove(&sink, &aged(at(bound as i64)));
        let kept = (bound..count).collect();
        assert_eq!(in_the_files(&path, "because-"), kept, "round {round}: what was removed, or is missing");
        assert_eq!(in_the_files(&path, "viewer-"), kept, "round {round}");
    }
    let entries = sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap();
    assert!(entries.iter().map(|entry| entry.sequence as usize - 1).eq(bound..count));
    sink.check().unwrap();
}

#[test]
fn g2_of_what_was_forgotten_nothing_is_left_in_the_file() {
    let folder = folder();
    let (path, sink) = open(folder.path());
    let mut dice = Dice(11);
    let mut telling_still: BTreeSet<usize> = (0..300).collect();
    for number in &telling_still {
        let _receipt = sink.record(&telling(*number, [10, 60, 200, 900, 3_900][dice.roll(5)])).unwrap();
    }
    for turn in 0..200 {
        let number = dice.roll(300);
        let before = lengths(&path);
        let forgot = sink.remove(&sealed(telling(number, 1).id)).unwrap();
        assert_eq!(lengths(&path), before, "a row that does not keep its size can be moved");
        assert_eq!(forgot == 1, telling_still.remove(&number));
        assert_eq!(in_the_files(&path, "because-"), telling_still, "turn {turn}");
    }
    // And with records that forgot among those that are removed.
    remove(&sink, &aged(at(150)));
    assert_eq!(in_the_files(&path, "because-"), telling_still.split_off(&150));
    sink.check().unwrap();
}

#[test]
fn g5_a_removal_of_many_goes_in_steps_and_the_file_does_not_grow() {
    let folder = folder();
    let (path, sink) = open(folder.path());
    let life = 3_000;
    let fill = |from: usize| (from..from + life).for_each(|number| drop(sink.record(&telling(number, 60)).unwrap()));
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

/// More records than there are ids in memory.
#[test]
fn g1_an_id_is_known_from_the_index_until_its_record_is_removed() {
    const RECORDS: usize = 4_500;
    let folder = folder();
    let (path, sink) = open(folder.path());
    let record = |sink: &SqliteGovernance, number: usize| {
        let record = telling(number, 10);
        sink.record(&record).unwrap().confirm(&record).unwrap();
        let query = RecordQuery { target: record.targets().pop(), ..RecordQuery::default() };
        let found = sink.records(&query, 0, 2).unwrap();
        assert_eq!(found.len(), 1, "it is there once");
        found[0].sequence as usize
    };
    (0..RECORDS).for_each(|number| drop(sink.record(&telling(number, 10)).unwrap()));
    let indexed = || -> i64 {
        let (reader, count) = (rusqlite_reader(&path), "SELECT count(*) FROM record_id");
        reader.query_row(count, [], |row| row.get(0)).unwrap()
    };
    assert!(indexed() > 4_000, "{} are indexed", indexed());
    sink.check().unwrap();
    let again = SqliteGovernance::open(&path).unwrap();
    for number in [0, 17, 4_090, 4_095, 4_096, 4_097, RECORDS - 1] {
        for sink in [&sink, &again] {
            assert_eq!(record(sink, number), number + 1);
        }
    }
    let before = indexed();
    remove(&sink, &aged(at(2_000)));
    assert_eq!(indexed(), before - 2_000, "of what was removed nothing is indexed");
    for (at, number) in [0, 1_999].into_iter().enumerate() {
        for sink in [&again, &sink] {
            assert_eq!(record(sink, number), RECORDS + 1 + at);
        }
    }
    assert_eq!(record(&again, 2_000), 2_001);
    sink.check().unwrap();
    for (at, damage) in [
        "DELETE FROM record_id WHERE sequence = 3000",
        "UPDATE record_id SET sequence = 4 WHERE sequence = 3000",
        "UPDATE record SET id = zeroblob(16) WHERE sequence = 3000",
    ]
    .into_iter()
    .enumerate()
    {
        let copy = folder.path().join(format!("copy-{at}.db"));
        sink.back_up(&copy).unwrap();
        SqliteGovernance::open(&copy).unwrap().check().unwrap();
        assert_eq!(rusqlite::Connection::open(&copy).unwrap().execute(damage, []).unwrap(), 1);
        let error = SqliteGovernance::open(&copy).unwrap().check().unwrap_err();
        let is_corrupt = |error: &SinkError| match error {
            SinkError::Backend(source) => matches!(source.downcast_ref(), Some(FileError::Corrupt)),
            _ => false,
        };
        assert!(is_corrupt(&error), "{damage}: {error:?}");
    }
}

#[test]
fn g5_while_somebody_reads_a_removal_is_refused_and_done_later() {
    let folder = folder();
    let (path, sink) = open(folder.path());
    for number in 0..9 {
        let _receipt = sink.record(&telling(number, 10)).unwrap();
    }
    let reader = rusqlite_reader(&path);
    assert_eq!(sink.remove(&aged(at(5))).unwrap(), 5);
    let error = sink.remove(&aged(at(5))).unwrap_err();
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
    assert_eq!(source, Some(&FileError::Busy), "{error:?}");
    drop(reader);
    assert_eq!(sink.remove(&aged(at(5))).unwrap(), 0);
    assert_eq!(in_the_files(&path, "because-"), (5..9).collect());
}

/// How long the text of each record is in the file.
fn lengths(path: &Path) -> Vec<i64> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut select = connection.prepare("SELECT octet_length(record) FROM record ORDER BY sequence").unwrap();
    let lengths = select.query_map([], |row| row.get(0)).unwrap();
    lengths.map(Result::unwrap).collect()
}

/// Somebody who has begun to read, and has not ended.
fn rusqlite_reader(path: &Path) -> rusqlite::Connection {
    let reader = rusqlite::Connection::open(path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM record;").unwrap();
    reader
}
