//! A real lack of space on SQLite: a process whose files may not grow beyond a limit for some time.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::{env, fmt};

use activity_privacy::activity::Activity;
use activity_privacy::filter::{IngestError, IngestOutcome, PrivacyFilter, RevealError, UpdatePolicyError};
use activity_privacy::governance::{Event, RecordQuery, SinkError};
use activity_privacy::policy::Administrators;
use activity_privacy::query::{PageSize, Query};
#[cfg(target_os = "linux")]
use activity_privacy::sqlite::{FileError, SqliteGovernance, SqliteStore, governance_path};
use activity_privacy::store::StoreError;
use rusqlite::Connection;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::operation::{assert_no_private_text, finance_private};
use super::setup::directory;
use crate::fixture::*;
use crate::place::{activities, folder};

/// The folder of the files, set if this process is the child.
const CHILD: &str = "ACTIVITY_PRIVACY_SPACE_CHILD";
/// Far more operations than the space allows.
const ENDLESS: usize = 10_000;
/// The size limit of a file in bytes, large enough for the setup.
const SPACE: u64 = 2 * 1024 * 1024;

fn open(folder: &Path) -> Fixture {
    let path = activities(folder);
    let sink = SqliteGovernance::open(governance_path(&path)).unwrap();
    let fixture = Fixture::over(Arc::new(SqliteStore::open(&path).unwrap()), Arc::new(sink));
    fixture.install(directory());
    fixture
}

fn batch(number: usize) -> Vec<Activity> {
    (0..20)
        .map(|at| {
            let (id, name) = if at % 2 == 0 { ("secret", "adele") } else { ("shown", "bob") };
            activity(&format!("{id}-{number}-{at}"), name)
        })
        .collect()
}

/// Asserts that an error and its sources contain no private content.
fn assert_no_private_content<E: std::error::Error + 'static>(error: &E) {
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        assert_no_private_text(&format!("{error} {error:?}"));
        next = error.source();
    }
}

fn say(what: &str, number: impl fmt::Display) {
    println!("\n{what} {number}");
}

/// Not a test of its own: the process without space.
#[test]
fn the_child_without_space() {
    let Some(folder) = env::var_os(CHILD).map(PathBuf::from) else { return };
    let unlimited = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: Some(SPACE), ..unlimited }).unwrap();
    let fixture = open(&folder);
    fixture.manage("contoso.com").make_private("council").permit_root();
    let mut delivered = 0;
    let full = loop {
        match fixture.filter.ingest(&batch(delivered)) {
            Ok(report) => assert_eq!(report.count(IngestOutcome::Stored), 20),
            Err(error) => break error,
        }
        delivered += 1;
        assert!(delivered < ENDLESS, "the space is never exhausted");
    };
    assert!(matches!(full, IngestError::Store(StoreError::Backend(_))), "{full:?}");
    assert_no_private_content(&full);
    say("full", delivered);
    // All acknowledged activities can be read.
    let view = fixture.filter.view(&user("somebody"));
    assert_eq!(view.count(&Query::all()).unwrap().total, 10 * delivered as u64);
    // The reveal fills the governance file.
    let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    let mut pages: u64 = 0;
    let full = loop {
        match reveal.page(PageSize::at_most(3), None) {
            Ok(page) => assert_eq!(page.activities().len(), 3),
            Err(error) => break error,
        }
        pages += 1;
        assert!(pages < ENDLESS as u64, "the space is never exhausted");
    };
    assert!(matches!(full, RevealError::Unrecorded(SinkError::Backend(_))), "{full:?}");
    assert_no_private_content(&full);
    say("pages", pages);
    // Smaller records may still fit. The smallest ones fill the rest.
    let mut recorded = 0;
    while fixture.records().len() > recorded {
        recorded = fixture.records().len();
        fixture.filter.governance_records(&user("nobody"), &RecordQuery::default(), 0, PageSize::MAX).unwrap_err();
    }
    // An operation that cannot be recorded is neither shown nor executed.
    assert!(matches!(fixture.filter.reveal(reveal_all("root")).unwrap_err(), RevealError::Unrecorded(_)));
    let before = fixture.filter.policy().unwrap();
    let unrecorded = fixture.filter.update_policy(&user("root"), finance_private()).unwrap_err();
    assert!(matches!(unrecorded, UpdatePolicyError::Unrecorded(_)), "{unrecorded:?}");
    assert_eq!(fixture.filter.policy().unwrap(), before);
    assert_eq!(view.count(&Query::all()).unwrap().total, 10 * delivered as u64);

    // With space again, the same filter continues with the batch, the reveal and the change.
    setrlimit(Resource::Fsize, unlimited).unwrap();
    assert_eq!(fixture.ingest(&batch(delivered)), [IngestOutcome::Stored; 20]);
    assert_eq!(reveal.page(PageSize::at_most(3), None).unwrap().activities().len(), 3);
    assert_eq!(reveal.close().unwrap().pages, pages + 1);
    fixture.update_policy(finance_private());
    say("done", 0);
}

#[test]
fn d4_g1_r2_full_disk_loses_and_skips_nothing() {
    let folder = folder();
    // Ignores the signal, so that a write fails as on a full disk.
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "faults::space::the_child_without_space", "--nocapture"])
        .env(CHILD, folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let output = String::from_utf8(child.stdout).unwrap();
    assert!(child.status.success(), "{output}{}", String::from_utf8_lossy(&child.stderr));
    let last = |what: &str| {
        let mut numbers = output.lines().filter_map(|line| line.strip_prefix(what)?.trim().parse::<usize>().ok());
        numbers.next_back().unwrap_or_else(|| panic!("the child printed no {what}: {output}"))
    };
    let (delivered, pages) = (last("full"), last("pages"));
    assert!(last("done") == 0 && delivered > 3 && pages > 3, "some operations fit: {output}");

    // Everything acknowledged is stored, and the files can be used.
    let path = activities(folder.path());
    for path in [&path, &governance_path(&path)] {
        let sound = Connection::open(path).unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0));
        assert_eq!(sound, Ok("ok".to_owned()));
    }
    let fixture = open(folder.path());
    let records = fixture.records();
    let sequences: Vec<u64> = records.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, (1..=records.len() as u64).collect::<Vec<_>>());
    let shown = records.iter().filter(|entry| matches!(entry.record.event, Event::Page { .. }));
    assert_eq!(shown.count(), pages + 1, "R3: exactly the pages shown");
    assert!(fixture.filter.policy().unwrap().private_groups().contains(&group("finance").into()));
    let stored: std::collections::BTreeSet<_> =
        fixture.everything().iter().map(|stored| stored.activity().id().clone()).collect();
    assert_eq!(stored.len(), 20 * (delivered + 1));
    for number in 0..=delivered {
        assert!(batch(number).iter().all(|activity| stored.contains(activity.id())), "D4: batch {number} is stored");
    }
    assert_eq!(fixture.ingest(&batch(delivered)), [IngestOutcome::Duplicate; 20]);
}

/// A separate, small file system. It is unmounted on drop.
#[cfg(target_os = "linux")]
struct Small(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl Small {
    /// Mounts a file system of a size. Returns `None` if this process may not mount one.
    fn of(kibibytes: usize) -> Option<Self> {
        Self::with(&format!("size={kibibytes}k"))
    }

    /// Mounts a file system for a number of files. Returns `None` if this process may not mount one.
    fn for_files(files: usize) -> Option<Self> {
        // The folder itself takes one more.
        Self::with(&format!("size=10m,nr_inodes={}", files + 1))
    }

    fn with(options: &str) -> Option<Self> {
        let at = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at.path()).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then_some(Self(at))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn make_read_only(&self) {
        let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(self.path()).status().unwrap();
        assert!(remounted.success());
    }
}

#[cfg(target_os = "linux")]
impl Drop for Small {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|unmounted| unmounted.success()));
    }
}

#[cfg(target_os = "linux")]
fn file_error(error: &(dyn std::error::Error + 'static)) -> Option<FileError> {
    let source = |error: &(dyn std::error::Error + 'static)| error.downcast_ref::<FileError>().copied();
    std::iter::successors(Some(error), |error| error.source()).find_map(source)
}

/// A full disk is reported as full, whichever file of the database it affects.
#[cfg(target_os = "linux")]
#[test]
fn b1_full_disk_is_reported_for_each_file() {
    let mut met = 0;
    for kibibytes in (4..400).step_by(12) {
        let Some(small) = Small::of(kibibytes) else {
            println!("skipped: this process may not mount a file system");
            return;
        };
        let fill = || -> Result<(), Box<dyn std::error::Error>> {
            let path = activities(small.path());
            let store = SqliteStore::open(&path)?;
            let sink = SqliteGovernance::open(governance_path(&path))?;
            let filter = PrivacyFilter::builder(store, activity_privacy::memory::MemoryDirectory::new(), sink)
                .initialize(Administrators::only_one(user("root")))?;
            for number in 0..ENDLESS {
                filter.ingest(&batch(number))?;
                filter.view(&user("somebody")).page(&Query::all(), PageSize::default(), None)?;
            }
            Ok(())
        };
        let full = fill().expect_err("the space is exhausted");
        assert_eq!(file_error(&*full), Some(FileError::Full), "{kibibytes} KiB: {full:?}");
        met += 1;
    }
    assert_eq!(met, 33);
}

/// The disk may be full before a file, its `-wal` or its `-shm` exists. SQLite then reports that it cannot open the
/// file.
#[cfg(target_os = "linux")]
#[test]
fn b1_disk_without_inodes_is_reported_as_full() {
    // For activities and records: the database, and the files that SQLite creates beside it.
    for files in 0..6 {
        let Some(small) = Small::for_files(files) else {
            println!("skipped: this process may not mount a file system");
            return;
        };
        let open = || -> Result<(), Box<dyn std::error::Error>> {
            let path = activities(small.path());
            let _store = SqliteStore::open(&path)?;
            let _sink = SqliteGovernance::open(governance_path(&path))?;
            Ok(())
        };
        let full = open().expect_err("no further file fits");
        assert_eq!(file_error(&*full), Some(FileError::Full), "{files} files: {full:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn b1_read_only_folder_is_reported_as_read_only() {
    let Some(small) = Small::of(10_000) else {
        println!("skipped: this process may not mount a file system");
        return;
    };
    let path = activities(small.path());
    drop(SqliteStore::open(&path).unwrap());
    small.make_read_only();
    for path in [path, small.path().join("new.db")] {
        let store = SqliteStore::open(&path).unwrap_err();
        assert_eq!(file_error(&store), Some(FileError::ReadOnly), "{store:?}");
        let sink = SqliteGovernance::open(governance_path(&path)).unwrap_err();
        assert_eq!(file_error(&sink), Some(FileError::ReadOnly), "{sink:?}");
    }
}
