//! Files of each schema version, kept as fixtures: the current version opens, reads and appends to them.
//!
//! `cargo test --features sqlite --test sqlite_fixture -- --ignored make_fixture` creates the fixture of the current version.
//! Fixtures of older versions never change: a new schema version gets a migration and a fixture of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail")]
#![cfg(feature = "sqlite")]

mod fixture;
mod place;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::engine::Visibility;
use activity_privacy::filter::IngestOutcome;
use activity_privacy::forward::{BatchLimit, ForwarderName, Offset, Start};
use activity_privacy::identity::Subject;
use activity_privacy::query::{CountBy, PageSize, Query};
use activity_privacy::sqlite::{SqliteGovernance, SqliteOptions, SqliteStore, governance_path};
use activity_privacy::store::StoredActivity;
use fixture::*;
use place::*;
use rusqlite::Connection;

/// The number of activities of each of two users, one of them private. A partition contains 8 activities.
const ROWS: i64 = 20;

/// The schema versions of the file of activities. The file of governance records still has version 1, also in
/// the fixture of version 2.
const VERSIONS: [u32; 2] = [1, 2];

fn fixture(version: u32) -> [PathBuf; 2] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    [folder.join(format!("activities-v{version}.db")), folder.join(format!("governance-v{version}.db"))]
}

fn siem() -> ForwarderName {
    "siem".parse().unwrap()
}

fn open(path: &Path) -> Fixture {
    let store = SqliteOptions::default().with_partition_rows(8).open(path).unwrap();
    let fixture = Fixture::over(Arc::new(store), Arc::new(SqliteGovernance::open(governance_path(path)).unwrap()));
    fixture.advance(1_000_000);
    fixture
}

fn activity(n: i64, name: &str) -> Activity {
    let app = App::new(format!("App {}", n % 2).parse().unwrap()).in_suite("Suite".parse().unwrap());
    let actor = Actor::user(alias(&format!("{name}@contoso.com")));
    let id = format!("{name}-{n}").parse().unwrap();
    let builder = Activity::builder(id, actor, app, "FileRead".parse().unwrap(), at(n * 3_600));
    builder.object(format!("file {n}")).details(format!("details of {n}")).build().unwrap()
}

/// Populates new files: a private group, a removed group, a grant, a reveal, an erasure, and activities in open and
/// closed partitions, and a forwarder.
fn populate(path: &Path) {
    let fixture = &open(path);
    let everyone: &[(&str, &[&str])] = &[("adele", &["council"]), ("bob", &["sales"]), ("carol", &["gone"])];
    fixture.install(people(everyone)).manage("contoso.com").make_private("council").make_private("gone").permit_root();
    for n in 0..ROWS {
        fixture.ingest(&[activity(n, "adele"), activity(n, "bob")]);
    }
    fixture.ingest(&[activity(0, "carol")]);
    fixture.advance(60).install(people(&[("adele", &["council"]), ("bob", &["sales"]), ("carol", &[])]));
    fixture.ingest(&[activity(1, "carol")]);
    assert_eq!(fixture.store.removed_groups(None).unwrap().unwrap().groups.len(), 1);
    fixture.erase(Subject::of(user("carol")).with_identity(alias("carol@contoso.com")));
    let store = Arc::new(SqliteStore::open(path).unwrap());
    let feed = fixture.filter.forwarders(store).create(&siem(), Start::Beginning).unwrap();
    feed.acknowledge(&feed.next_batch(BatchLimit::rows(3)).unwrap()).unwrap();
    let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    reveal.page(PageSize::at_most(5), None).unwrap();
    reveal.close().unwrap();
}

/// Returns the definition of the schema: the statement of each table, index and view by name, the application id and
/// the version.
fn schema(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let select = "SELECT name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name";
    let mut statement = connection.prepare(select).unwrap();
    let mut schema: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for pragma in ["application_id", "user_version"] {
        let number: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
        schema.push(format!("{pragma} {number}"));
    }
    schema
}

/// Copies a fixture to another path, because opening a file writes to it.
fn copy(version: u32, to: &Path) {
    let [activities, governance] = fixture(version);
    fs::copy(activities, to).unwrap();
    fs::copy(governance, governance_path(to)).unwrap();
}

#[test]
fn b1_files_of_every_version_are_read_and_appended_to() {
    for version in VERSIONS {
        read_and_append(version);
    }
}

fn read_and_append(version: u32) {
    let folder = folder();
    let path = activities(folder.path());
    copy(version, &path);
    let fixture = open(&path);
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let forwarders = fixture.filter.forwarders(store);
    let feed = forwarders.open_or_create(&siem(), Start::Beginning).unwrap();
    let kept = if version > 1 { 3 } else { 0 };
    assert_eq!(feed.status().unwrap().lag, ROWS as u64 - kept);
    assert_eq!(feed.next_batch(BatchLimit::default()).unwrap().items().len() as u64, ROWS as u64 - kept);
    drop((forwarders, feed));
    let view = fixture.filter.view(&user("anyone"));
    let page = view.page(&Query::all(), PageSize::MAX, None).unwrap();
    let mut found: Vec<&Activity> = page.activities().iter().map(StoredActivity::activity).collect();
    found.reverse();
    assert!(found.into_iter().eq(&(0..ROWS).map(|n| activity(n, "bob")).collect::<Vec<_>>()));
    let by_actor = Query::all().by_actor("bob@contoso.com").unwrap().since(at(3_600 * 3)).until(at(3_600 * 9));
    assert_eq!(view.page(&by_actor, PageSize::MAX, None).unwrap().activities().len(), 6);
    assert_eq!(view.count(&Query::all()).unwrap().total, ROWS as u64);
    let by_app = view.counts(&Query::all(), CountBy::App).unwrap();
    assert_eq!(by_app.by_key.iter().map(|count| count.activities).collect::<Vec<_>>(), [10, 10]);
    assert_eq!(fixture.store.public_after(&Offset::START, 100).unwrap().len(), ROWS as usize);
    let everything = fixture.everything();
    let hidden = everything.iter().filter(|stored| stored.decision().visibility() == Visibility::Private);
    assert_eq!(hidden.count(), ROWS as usize);
    assert_eq!(fixture.store.removed_groups(None).unwrap().unwrap().groups.len(), 1);
    let policy = fixture.filter.policy().unwrap();
    assert!(policy.may_view_private(&user("root")).is_ok());
    let connection = Connection::open(governance_path(&path)).unwrap();
    let records: i64 = connection.query_row("SELECT count(*) FROM governance", [], |row| row.get(0)).unwrap();
    drop(connection);
    assert!(records > 8 && fixture.records().len() as i64 == records, "{records}");

    fixture.install(people(&[("adele", &["council"]), ("bob", &["sales"])]));
    let again: Vec<Activity> = (0..ROWS).flat_map(|n| [activity(n, "adele"), activity(n, "bob")]).collect();
    assert!(fixture.ingest(&again).iter().all(|delivery| *delivery == IngestOutcome::Duplicate));
    assert_eq!(fixture.ingest(&[activity(0, "carol")]), [IngestOutcome::Duplicate], "an erased id stays taken");
    for n in ROWS..2 * ROWS {
        assert_eq!(fixture.ingest(&[activity(n, "adele"), activity(n, "bob")]), [IngestOutcome::Stored; 2]);
    }
    assert_eq!(view.count(&Query::all()).unwrap().total, 2 * ROWS as u64);
    fixture.make_private("sales");
    drop((fixture, view));
    SqliteStore::open(&path).unwrap().integrity_check().unwrap();
    SqliteGovernance::open(governance_path(&path)).unwrap().integrity_check().unwrap();
}

#[test]
fn b1_schema_change_has_new_version() {
    let folder = folder();
    let path = activities(folder.path());
    populate(&path);
    let [activities, governance] = fixture(VERSIONS[VERSIONS.len() - 1]);
    for (fresh, kept) in [(path.clone(), activities), (governance_path(&path), governance)] {
        let copy = folder.path().join("kept.db");
        fs::copy(kept, &copy).unwrap();
        assert_eq!(schema(&fresh), schema(&copy));
    }
}

#[test]
#[ignore = "writes the fixture"]
fn make_fixture() {
    let folder = folder();
    let path = activities(folder.path());
    populate(&path);
    for (from, to) in [path.clone(), governance_path(&path)].iter().zip(fixture(VERSIONS[VERSIONS.len() - 1])) {
        // The smallest files: each table takes at least one page.
        let connection = Connection::open(from).unwrap();
        connection.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA page_size = 1024; VACUUM").unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        drop(connection);
        fs::copy(from, to).unwrap();
    }
}
