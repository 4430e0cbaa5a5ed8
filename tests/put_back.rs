//! Restores a file from a copy with SQLite's own shell while a process has the file open. Operators must not do that,
//! but it does no lasting harm to the file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]
#![cfg(feature = "sqlite")]

mod fixture;
mod place;

use std::path::Path;
use std::sync::Arc;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::filter::IngestOutcome;
use activity_privacy::identity::Subject;
use activity_privacy::query::{PageSize, Query};
use activity_privacy::sqlite::{SqliteGovernance, SqliteStore, governance_path};
use fixture::*;
use place::*;

fn fixture_of(path: &Path) -> (Fixture, Arc<SqliteStore>) {
    let store = Arc::new(SqliteStore::open(path).unwrap());
    let sink = Arc::new(SqliteGovernance::open(governance_path(path)).unwrap());
    let fixture = Fixture::over(store.clone(), sink);
    (fixture, store)
}

fn populate(fixture: &Fixture) {
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    fixture.ingest(&[activity("a", "adele"), activity("b", "bob")]);
}

fn in_app(id: &str, app: &str) -> Activity {
    let actor = Actor::user(alias("bob@contoso.com"));
    Activity::builder(id.parse().unwrap(), actor, App::new(app.parse().unwrap()), "Login".parse().unwrap(), at(1))
        .build()
        .unwrap()
}

#[test]
fn d1_file_restored_under_running_process_stays_readable() {
    let folder = folder();
    let path = activities(folder.path());
    let (fixture, store) = fixture_of(&path);
    populate(&fixture);
    let copy = folder.path().join("copy.db");
    store.backup(&copy).unwrap();
    // Another revision of the directory, and therefore another decision.
    fixture.install(people(&[("adele", &["council"]), ("bob", &[]), ("carl", &[])]));
    fixture.ingest(&[in_app("c", "Box")]);
    restore(&path, &copy);
    assert_eq!(fixture.ingest(&[in_app("d", "Teams")]), [IngestOutcome::Stored]);
    assert_eq!(
        fixture
            .filter
            .view(&user("somebody"))
            .page(&Query::all(), PageSize::MAX, None)
            .map(|page| page.activities().len())
            .ok(),
        Some(2)
    );
}

/// Other activities have the sequences again that were given before, and the removal is undone.
#[test]
fn d4_ids_from_before_the_restore_are_forgotten() {
    let folder = folder();
    let path = activities(folder.path());
    let (fixture, store) = fixture_of(&path);
    populate(&fixture);
    let copy = folder.path().join("copy.db");
    store.backup(&copy).unwrap();
    fixture.erase(Subject::of(user("bob")).with_identity(alias("bob@contoso.com")));
    let later = [in_app("c", "Box"), in_app("d", "Box")];
    assert_eq!(fixture.ingest(&later), [IngestOutcome::Stored; 2]);
    restore(&path, &copy);
    let other = Fixture::behind(Arc::new(SqliteStore::open(&path).unwrap()));
    other.install(people(&[("adele", &["council"]), ("bob", &[])]));
    assert_eq!(other.ingest(&["e", "f", "g"].map(|id| in_app(id, "Teams"))), [IngestOutcome::Stored; 3]);
    assert_eq!(fixture.ingest(&later), [IngestOutcome::Stored; 2]);
    assert_eq!(fixture.ingest(&[activity("b", "bob")]), [IngestOutcome::Duplicate]);
}
