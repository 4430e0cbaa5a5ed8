//! Files of the SQLite adapters: format and version, damage, durability, backups and the write-ahead log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]
#![cfg(feature = "sqlite")]

mod fixture;
mod place;

use activity_privacy::governance::GovernanceSink;
use activity_privacy::store::{ActivityStore, PublicOrder};
use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Instant;
use std::{env, fs, thread};

use activity_privacy::activity::Actor;
use activity_privacy::filter::{IngestOutcome, PrivacyFilter};
use activity_privacy::forward::Offset;
use activity_privacy::governance::{Event, Initiator, Outcome, Record, RecordId, RecordQuery, SinkError};
use activity_privacy::policy::{Denial, Revision};
use activity_privacy::query::{CountBy, PageSize, Query};
use activity_privacy::reveal::{Acknowledgement, RevealRequest};
use activity_privacy::sqlite::{BackupError, FileError, SqliteGovernance, SqliteStore, governance_path};
use activity_privacy::store::StoreError;
use fixture::*;
use place::*;
use rusqlite::Connection;

fn fixture_at(path: &Path) -> Fixture {
    let sink = SqliteGovernance::open(governance_path(path)).unwrap();
    Fixture::over(Arc::new(SqliteStore::open(path).unwrap()), Arc::new(sink))
}

fn populate(fixture: &Fixture) -> &Fixture {
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    fixture.ingest(&[activity("a", "adele"), activity("b", "bob")]);
    fixture
}

/// Returns the errors of opening a file as a store and as a sink.
fn open_errors(path: &Path) -> [FileError; 2] {
    let store = SqliteStore::open(path).unwrap_err();
    assert!(matches!(store, StoreError::Unreadable(_)), "{store:?}");
    let sink = SqliteGovernance::open(path).unwrap_err();
    assert!(matches!(sink, SinkError::Backend(_)), "{sink:?}");
    [file_error(&store).unwrap(), file_error(&sink).unwrap()]
}

const NOT_OUR_FORMAT: [FileError; 2] =
    [FileError::NotOurFormat { expected: "activities" }, FileError::NotOurFormat { expected: "governance records" }];

#[test]
fn b1_file_of_newer_version_is_rejected() {
    let folder = folder();
    let path = activities(folder.path());
    populate(&fixture_at(&path));
    for path in [path.clone(), governance_path(&path)] {
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    }
    let newer = |supported| FileError::UnsupportedVersion { found: 7, supported };
    assert_eq!(file_error(&SqliteStore::open(&path).unwrap_err()), Some(newer(2)));
    assert_eq!(file_error(&SqliteGovernance::open(governance_path(&path)).unwrap_err()), Some(newer(1)));
    assert!(newer(1).to_string().contains("version 7, this library supports up to 1"), "{}", newer(1));
    // A store does not open as a sink.
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    assert_eq!(file_error(&SqliteGovernance::open(&path).unwrap_err()), Some(NOT_OUR_FORMAT[1]));
    assert!(SqliteStore::open(&path).is_ok());
}

#[test]
fn b1_foreign_database_is_rejected_and_unchanged() {
    let folder = folder();
    let path = activities(folder.path());
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)").unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(open_errors(&path), NOT_OUR_FORMAT);
    assert_eq!(fs::read(&path).unwrap(), before, "the file changed");
    // With a version or an application id, and no tables.
    for (at, pragma) in ["user_version", "application_id"].into_iter().enumerate() {
        let path = folder.path().join(format!("{at}.db"));
        Connection::open(&path).unwrap().pragma_update(None, pragma, 1).unwrap();
        assert_eq!(open_errors(&path), NOT_OUR_FORMAT, "{pragma}");
    }
}

#[test]
fn b1_non_database_is_rejected_and_unchanged() {
    let folder = folder();
    // SQLite itself treats a file of one byte as empty.
    let texts: [&[u8]; 4] = [b"xy", b"not a database\n", &[0; 4_096], &[b'x'; 10_000]];
    for (at, text) in texts.into_iter().enumerate() {
        let path = folder.path().join(at.to_string());
        fs::write(&path, text).unwrap();
        assert_eq!(open_errors(&path), NOT_OUR_FORMAT, "file {at}");
        assert_eq!(fs::read(&path).unwrap(), text, "the file changed");
    }
    let directory = SqliteStore::open(folder.path()).unwrap_err();
    assert!(matches!(directory, StoreError::Backend(_)));
    assert!(SqliteStore::open(folder.path().join("no/such/folder.db")).is_err());
}

#[test]
fn b1_damaged_schema_is_corrupt_not_foreign() {
    let folder = folder();
    let path = activities(folder.path());
    populate(&fixture_at(&path));
    for path in [path.clone(), governance_path(&path)] {
        // The previous connections may still be closing.
        let connection = Connection::open(&path).unwrap();
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        // Keeps the header of 100 bytes and overwrites the schema after it.
        bytes[100..4_096].fill(0xff);
        fs::write(&path, bytes).unwrap();
    }
    let store = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(store, StoreError::Unreadable(_)) && file_error(&store) == Some(FileError::Corrupt), "{store:?}");
    let sink = SqliteGovernance::open(governance_path(&path)).unwrap_err();
    assert!(matches!(sink, SinkError::Backend(_)) && file_error(&sink) == Some(FileError::Corrupt), "{sink:?}");
}

/// The numbers of decisions, actors, apps and actions identify the family, so a row of one family is never accepted in
/// the other.
#[test]
fn v2_private_row_in_public_table_is_corrupt() {
    let folder = folder();
    let path = activities(folder.path());
    populate(&fixture_at(&path));
    let connection = Connection::open(&path).unwrap();
    let put = "UPDATE public_activity_1 SET (decision, actor, app, action) =
        (SELECT decision, actor, app, action FROM private_activity)";
    assert_eq!(connection.execute(put, []).unwrap(), 1);
    let store = SqliteStore::open(&path).unwrap();
    let by_bob = Query::all().by_actor("bob@contoso.com").unwrap();
    let errors = [
        store.public_page(&Query::all(), None, 9).unwrap_err(),
        store.public_page(&by_bob, None, 9).unwrap_err(),
        store.public_page(&Query::all().with_id("b".parse().unwrap()), None, 9).unwrap_err(),
        store.public_counts(&Query::all(), None).unwrap_err(),
        store.public_counts(&Query::all().containing("b").unwrap(), None).unwrap_err(),
        store.public_counts(&Query::all(), Some(CountBy::Actor)).unwrap_err(),
        store.public_after(&Offset::START, 9).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
        assert_eq!(file_error(&error), Some(FileError::Corrupt), "{error:?}");
    }
}

/// An empty file is treated like a missing one.
#[test]
fn b1_empty_file_is_initialized() {
    let folder = folder();
    let path = activities(folder.path());
    fs::write(&path, b"").unwrap();
    populate(&fixture_at(&path));
    assert_eq!(fixture_at(&path).public_ids(), ["b"]);
}

#[test]
fn b2_error_for_damaged_row_contains_no_content() {
    for (table, column, damage) in [
        ("public_activity_1", "objects", "'canary'"),
        ("public_activity_1", "objects", "'[\"canary\"]'"),
        ("public_activity_1", "details", "CAST(x'ff63616e617279' AS TEXT)"),
        ("public_activity_1", "decision", "decision + 1000"),
        ("public_decision", "document", "'{\"canary\":1}'"),
        ("public_actor", "document", "replace(document, 'bob', 'canary')"),
        ("private_activity", "objects", "'canary'"),
        ("private_activity", "decided_at", "9223372036854775807"),
        ("private_decision", "document", "CAST(x'ff63616e617279' AS TEXT)"),
        ("policy", "document", "'canary'"),
        ("policy", "document", "replace(document, '\"private_groups\"', '\"canary\"')"),
        ("policy", "document", "CAST(x'ff63616e617279' AS TEXT)"),
    ] {
        let folder = folder();
        let path = activities(folder.path());
        populate(&fixture_at(&path)).permit_root();
        Connection::open(&path).unwrap().execute(&format!("UPDATE {table} SET {column} = {damage}"), []).unwrap();
        let sink = SqliteGovernance::open(governance_path(&path)).unwrap();
        let store = SqliteStore::open(&path).unwrap();
        let opened = PrivacyFilter::builder(store, activity_privacy::memory::MemoryDirectory::new(), sink).open();
        let error: Box<dyn Error> = match (table, opened) {
            ("policy", opened) => Box::new(opened.unwrap_err()),
            ("public_activity_1" | "public_decision" | "public_actor", opened) => {
                let view = opened.unwrap().view(&user("viewer"));
                assert!(view.activity(&"b".parse().unwrap()).is_err());
                // Counts read only the keys of a row, which are intact.
                assert_eq!(view.count(&Query::all()).unwrap().total, 1);
                Box::new(view.page(&Query::all(), PageSize::MAX, None).unwrap_err())
            }
            (_, opened) => {
                let filter = opened.unwrap();
                assert!(filter.view(&user("viewer")).page(&Query::all(), PageSize::MAX, None).is_ok());
                let mut reveal = filter.reveal(reveal_short("root")).unwrap();
                Box::new(reveal.page(PageSize::MAX, None).unwrap_err())
            }
        };
        let what = if table == "policy" { "policy" } else { "activity" };
        assert_eq!(
            file_error(&*error),
            Some(FileError::InvalidContent { what }),
            "{table} {column} {damage}: {error:?}"
        );
        let mut text = format!("{error:?}");
        let mut next: Option<&dyn Error> = Some(&*error);
        while let Some(error) = next {
            text.push_str(&error.to_string());
            next = error.source();
        }
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn b2_debug_of_an_adapter_shows_its_path_only() {
    let folder = folder();
    let path = activities(folder.path());
    let records = governance_path(&path);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(format!("{store:?}"), format!("SqliteStore {{ path: {path:?}, .. }}"));
    let sink = SqliteGovernance::open(&records).unwrap();
    assert_eq!(format!("{sink:?}"), format!("SqliteGovernance {{ path: {records:?}, .. }}"));
}

fn reveal_short(viewer: &str) -> RevealRequest {
    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    RevealRequest::new(user(viewer), Query::all(), std::time::Duration::from_secs(9), audited)
}

#[test]
fn b2_error_for_damaged_record_contains_no_content() {
    for damage in ["'canary'", "CAST(x'ff63616e617279' AS TEXT)"] {
        let folder = folder();
        let path = activities(folder.path());
        populate(&fixture_at(&path));
        let damage = format!("UPDATE record SET record = {damage} WHERE sequence = 2");
        Connection::open(governance_path(&path)).unwrap().execute(&damage, []).unwrap();
        let sink = SqliteGovernance::open(governance_path(&path)).unwrap();
        assert_eq!(sink.records(&RecordQuery::default(), 0, 1).unwrap().len(), 1);
        let error = sink.records(&RecordQuery::default(), 0, 9).unwrap_err();
        assert_eq!(file_error(&error), Some(FileError::InvalidContent { what: "governance record" }), "{error:?}");
        assert!(!format!("{error:?}").contains("canary"));
    }
}

#[test]
fn d4_policy_activities_and_records_survive_restart() {
    let folder = folder();
    let path = activities(folder.path());
    let (policy, records, everything) = {
        let fixture = fixture_at(&path);
        populate(&fixture).permit_root();
        let everything = fixture.everything();
        (fixture.filter.policy().unwrap(), fixture.records(), everything)
    };
    let again = fixture_at(&path);
    assert_eq!(again.filter.policy().unwrap(), policy);
    assert_eq!(again.records()[..records.len()], records);
    assert_eq!(again.records().len(), records.len(), "opening again initializes nothing");
    assert_eq!(again.everything(), everything);
    again.install(people(&[("adele", &[]), ("bob", &["council"])]));
    assert_eq!(
        again.ingest(&[activity("a", "adele"), activity("b", "adele"), activity("c", "bob")]),
        [IngestOutcome::Duplicate, IngestOutcome::Conflict, IngestOutcome::Stored]
    );
    assert!(again.is_private("a") && again.is_private("c") && !again.is_private("b"));
    let records = again.records();
    assert_eq!(records.last().unwrap().sequence, records.len() as u64, "the sequence continues");
}

#[test]
fn d4_commits_are_visible_to_other_processes() {
    let folder = folder();
    let path = activities(folder.path());
    let fixture = fixture_at(&path);
    populate(&fixture);
    // Another handle reads the data while the first one is open.
    let other = fixture_at(&path);
    assert_eq!(other.public_ids(), ["b"]);
    assert_eq!(other.filter.policy().unwrap(), fixture.filter.policy().unwrap());
    let mode: String = Connection::open(&path).unwrap().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

/// Many threads open and initialize a new file at once: there is one policy and one initialization, and every activity
/// is stored.
#[test]
fn d5_concurrent_first_open_initializes_once() {
    for _ in 0..3 {
        let folder = folder();
        let path = activities(folder.path());
        let threads: usize = 8;
        let start = Barrier::new(threads);
        thread::scope(|scope| {
            for number in 0..threads {
                let (start, path) = (&start, &path);
                scope.spawn(move || {
                    start.wait();
                    let fixture = fixture_at(path);
                    fixture.install(people(&[("bob", &[])]));
                    let delivered =
                        fixture.ingest(&[activity(&format!("of-{number}"), "bob"), activity("shared", "bob")]);
                    assert_eq!(delivered[0], IngestOutcome::Stored);
                });
            }
        });
        let fixture = fixture_at(&path);
        assert_eq!(fixture.filter.policy().unwrap().revision(), Revision::FIRST);
        assert_eq!(fixture.public_ids().len(), threads + 1);
        let records = fixture.records();
        // A thread that opens the file may find the policy without the recorded outcome, and records the outcome as
        // well.
        let done = records.iter().filter_map(|entry| match entry.record.outcome {
            Outcome::Done { intent } => Some(intent),
            _ => None,
        });
        assert_eq!(done.collect::<BTreeSet<_>>().len(), 1, "initialized once");
        assert_eq!(records.last().unwrap().sequence, records.len() as u64);
    }
}

#[test]
fn b1_path_that_names_no_file_is_rejected() {
    for path in ["", ":memory:", "file::memory:", "file:a?mode=memory", "file:a?vfs=memdb", "file:/tmp/a.db"] {
        assert_eq!(open_errors(Path::new(path)), [FileError::NotAFile; 2], "{path}");
    }
    assert!(FileError::NotAFile.to_string().contains("does not name a file"));
}

/// The other tests use absolute paths only, because this one changes the current directory of all of them.
#[test]
fn d4_relative_path_is_resolved_when_opened() {
    let (here, there) = (folder(), folder());
    let before = env::current_dir().unwrap();
    env::set_current_dir(here.path()).unwrap();
    let fixture = fixture_at(Path::new("activities.db"));
    // Files may have these names.
    for name in ["./:memory:", "./file:a"] {
        SqliteStore::open(name).unwrap().backup(format!("{}.copy", &name[2..])).unwrap();
    }
    env::set_current_dir(there.path()).unwrap();
    populate(&fixture).permit_root();
    assert_eq!(fixture.everything().len(), 2);
    // Many concurrent readers.
    thread::scope(|scope| (0..20).for_each(|_| drop(scope.spawn(|| assert_eq!(fixture.public_ids(), ["b"])))));
    assert!(!fixture.records().is_empty());
    env::set_current_dir(before).unwrap();
    assert_eq!(fs::read_dir(there.path()).unwrap().count(), 0, "no stray file");
    for name in ["activities.db", "activities.governance.db", ":memory:", "file:a", "file:a.copy"] {
        assert!(here.path().join(name).is_file(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn d4_reading_creates_no_file() {
    let folder = folder();
    let path = activities(folder.path());
    drop(fixture_at(&path));
    for gone in [true, false] {
        let (store, sink) =
            (SqliteStore::open(&path).unwrap(), SqliteGovernance::open(governance_path(&path)).unwrap());
        for file in fs::read_dir(folder.path()).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        if !gone {
            fs::write(&path, b"").unwrap();
            fs::write(governance_path(&path), b"").unwrap();
        }
        let errors = (store.policy().unwrap_err(), sink.records(&RecordQuery::default(), 0, 1).unwrap_err());
        if gone {
            assert!(matches!(errors, (StoreError::Backend(_), SinkError::Backend(_))), "{errors:?}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        } else {
            assert_eq!([file_error(&errors.0).unwrap(), file_error(&errors.1).unwrap()], NOT_OUR_FORMAT);
        }
    }
}

/// The log is long enough for a slow search, during which a record is written.
#[test]
fn r2_record_does_not_wait_for_log_search() {
    let folder = folder();
    let path = governance_path(activities(folder.path()));
    let sink = SqliteGovernance::open(&path).unwrap();
    let record = |id: u128| Record {
        id: RecordId(uuid::Uuid::from_u128(id)),
        at: at(0),
        initiator: Initiator::User(user("root")),
        policy: None,
        event: Event::ReadGovernance,
        outcome: Outcome::Denied(Denial::NotAdmin),
    };
    let rows = "INSERT INTO record (id, recorded_at, kind, outcome, initiator, targets, record)
        WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number LIMIT 40000)
        SELECT n, 0, 'governance_read', 'refused', 'nobody', '[]', ?1 FROM number";
    Connection::open(&path).unwrap().execute(rows, [serde_json::to_string(&record(0)).unwrap()]).unwrap();
    // The column does not agree with the record, so that the search reads every record.
    let by_nobody = RecordQuery { initiator: Some(user("nobody")), ..RecordQuery::default() };
    let read = || assert!(sink.records(&by_nobody, 0, 1).unwrap().is_empty());
    let begun = Instant::now();
    read();
    let search_time = begun.elapsed();
    // The machine may be busy: one of these writes must finish during a search.
    let overlapped = (1..=5).any(|id| {
        let (start, done) = (Barrier::new(2), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                read();
                done.store(true, Ordering::SeqCst);
            });
            start.wait();
            thread::sleep(search_time / 4);
            assert_eq!(sink.record(&record(id)).unwrap().sequence(), 40_000 + id as u64);
            !done.load(Ordering::SeqCst)
        })
    });
    assert!(overlapped, "each record waited for a search of {search_time:?}");
}

#[test]
fn governance_path_is_beside_the_activities() {
    let path = |text: &str| governance_path(text).to_str().unwrap().to_owned();
    assert_eq!(path("/a/activities.db"), "/a/activities.governance.db");
    assert_eq!(path("activities"), "activities.governance");
    assert_eq!(path("a.b/c.tar.db"), "a.b/c.tar.governance.db");
}

#[test]
fn b1_errors_say_what_to_do() {
    let folder = folder();
    let path = activities(folder.path());
    let fixture = fixture_at(&path);
    populate(&fixture).permit_root();
    drop(fixture);
    let readable = fs::metadata(&path).unwrap().permissions();
    let mut locked = readable.clone();
    locked.set_readonly(true);
    fs::set_permissions(&path, locked).unwrap();
    // A privileged user can write despite the permissions.
    if fs::OpenOptions::new().append(true).open(&path).is_err() {
        let store = SqliteStore::open(&path).unwrap_err();
        assert_eq!(file_error(&store), Some(FileError::ReadOnly), "{store:?}");
    }
    fs::set_permissions(&path, readable).unwrap();
    for (error, advice) in [
        (FileError::ReadOnly, "grant this process write access"),
        (FileError::Busy, "timed out waiting"),
        (FileError::Full, "no space left"),
        (FileError::Corrupt, "restore it from a backup"),
    ] {
        assert!(error.to_string().contains(advice), "{error}");
    }
}

/// After the last handle is dropped, each file is complete without a log.
#[test]
fn d4_dropped_filter_leaves_complete_files_only() {
    for _ in 0..50 {
        let folder = folder();
        let path = activities(folder.path());
        let fixture = fixture_at(&path);
        populate(&fixture).permit_root();
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(fixture.public_ids(), ["b"]));
            scope.spawn(|| assert!(!fixture.records().is_empty()));
            scope.spawn(|| assert_eq!(fixture.everything().len(), 2));
        });
        let records = fixture.records();
        drop(fixture);
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["activities.db", "activities.governance.db"]);
        let copies = self::folder();
        for name in left {
            fs::copy(folder.path().join(&name), copies.path().join(&name)).unwrap();
        }
        let copied = fixture_at(&activities(copies.path()));
        assert_eq!(copied.records(), records);
        assert_eq!(copied.everything().len(), 2);
    }
}

/// Stops the other threads on drop, even after a panic.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn d4_backup_during_ingest_contains_durable_activities() {
    let folder = folder();
    let path = activities(folder.path());
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let sink = Arc::new(SqliteGovernance::open(governance_path(&path)).unwrap());
    let fixture = Fixture::over(store.clone(), sink.clone());
    populate(&fixture);
    let (done, stored) = (AtomicBool::new(false), std::sync::atomic::AtomicUsize::new(0));
    let copy = folder.path().join("copy.db");
    let (before, after) = thread::scope(|scope| {
        scope.spawn(|| {
            for at in 0.. {
                fixture.ingest(&[activity(&format!("more-{at}"), "bob"), activity(&format!("hidden-{at}"), "adele")]);
                stored.store(at + 1, Ordering::SeqCst);
                if done.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        let stop = StopOnDrop(&done);
        while stored.load(Ordering::SeqCst) < 5 {
            thread::yield_now();
        }
        let before = stored.load(Ordering::SeqCst);
        store.backup(&copy).unwrap();
        let after = stored.load(Ordering::SeqCst) + 1;
        sink.backup(governance_path(&copy)).unwrap();
        drop(stop);
        (before, after)
    });
    store.integrity_check().unwrap();
    sink.integrity_check().unwrap();
    assert!(matches!(store.backup(&copy), Err(BackupError::Exists)), "an existing copy is overwritten");
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(files.iter().all(|name| !name.to_string_lossy().contains("part")), "{files:?}");

    let copied = fixture_at(&copy);
    assert_eq!(copied.filter.policy().unwrap(), fixture.filter.policy().unwrap());
    copied.install(people(&[("adele", &["council"]), ("bob", &[])]));
    let public = copied.public_ids().len();
    assert!((before + 1..=after + 1).contains(&public), "{before} <= {public} - 1 <= {after}");
    assert_eq!(copied.everything().len(), 2 * public, "batches are whole");
    // The copy accepts writes.
    copied.ingest(&[activity("a", "bob"), activity("new", "adele")]);
    assert!(copied.is_private("new") && copied.is_private("a"));
}

#[test]
fn d4_backup_keeps_files_with_similar_names() {
    let folder = folder();
    // Names that an unfinished copy could have.
    for name in ["log.db.part", "log.db.part0"] {
        let path = folder.path().join(name);
        populate(&fixture_at(&path));
        let copy = folder.path().join("log.db");
        SqliteStore::open(&path).unwrap().backup(&copy).unwrap();
        assert_eq!(fixture_at(&path).public_ids(), ["b"], "{name}");
        let copied = Fixture::behind(Arc::new(SqliteStore::open(&copy).unwrap()));
        assert_eq!(copied.public_ids(), ["b"], "{name}");
        drop(copied);
        fs::remove_file(copy).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn b2_backup_has_the_permissions_of_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = activities(folder.path());
    let store = SqliteStore::open(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let copy = folder.path().join("copy.db");
    store.backup(&copy).unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn d4_overwritten_pages_fail_the_integrity_check() {
    let folder = folder();
    let path = activities(folder.path());
    let fixture = fixture_at(&path);
    populate(&fixture);
    for batch in 0..50 {
        let batch: Vec<_> = (0..20).map(|at| activity(&format!("{batch}-{at}"), "bob")).collect();
        fixture.ingest(&batch);
    }
    drop(fixture);
    let connection = Connection::open(&path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(connection);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 3 * 8_192..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    let error = store.integrity_check().unwrap_err();
    assert!(matches!(error, StoreError::Unreadable(_)) && file_error(&error) == Some(FileError::Corrupt), "{error:?}");
    // The backup fails as well, and leaves no partial copy behind.
    let error = store.backup(folder.path().join("copy.db")).unwrap_err();
    assert_eq!(file_error(&error), Some(FileError::Corrupt), "{error:?}");
    let mut files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(files.all(|name| !name.to_string_lossy().contains("copy")));
}

/// The log is emptied despite continuous readers and back-to-back batches.
#[test]
fn b3_write_ahead_log_stays_bounded() {
    let folder = folder();
    let path = activities(folder.path());
    let fixture = fixture_at(&path);
    populate(&fixture);
    let done = AtomicBool::new(false);
    let largest = thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let view = fixture.filter.view(&user("viewer"));
                while !done.load(Ordering::SeqCst) {
                    view.page(&Query::all(), PageSize::at_most(20), None).unwrap();
                }
            });
        }
        let _stop = StopOnDrop(&done);
        let details = "d".repeat(1 << 20);
        let mut largest = 0;
        for at in 0..200 {
            let large = begun(&format!("large-{at}"), Actor::user(alias("bob@contoso.com"))).details(&*details);
            fixture.ingest(&[large.build().unwrap()]);
            largest = largest.max(fs::metadata(path.with_extension("db-wal")).map_or(0, |log| log.len()));
        }
        largest
    });
    // Otherwise it would exceed 200 MB.
    assert!(largest < 128 << 20, "{largest} bytes");
    assert_eq!(fixture.filter.view(&user("viewer")).count(&Query::all()).unwrap().total, 201);
}
