//! What lies in the files: read through the library where it gives it out, and beside it where it does not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use activity_privacy::activity::Activity;
use activity_privacy::engine::{Decision, Visibility};
use activity_privacy::governance::{GovernanceSink, RecordEntry, RecordQuery};
use activity_privacy::policy::PrivacyPolicy;
use activity_privacy::sqlite::{SqliteGovernance, SqliteOptions, SqliteStore, governance_path};
use activity_privacy::store::{StoredActivity, Versioned};
use rusqlite::Connection;

use crate::fixture::*;
use crate::place::activities;

pub(crate) fn open(folder: &Path) -> (Arc<SqliteStore>, Arc<SqliteGovernance>) {
    let path = activities(folder);
    // So small that partitions are filled, indexed and closed amid the kills.
    let store = SqliteOptions::default().with_partition_rows(64).open(&path).unwrap();
    (Arc::new(store), Arc::new(SqliteGovernance::open(governance_path(&path)).unwrap()))
}

/// One activity as it lies in its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lying {
    pub(crate) activity: Activity,
    pub(crate) decision: Decision,
    /// By the table that it lies in.
    pub(crate) visibility: Visibility,
}

impl Lying {
    pub(crate) fn is_public(&self) -> bool {
        self.visibility == Visibility::Public
    }
}

/// Everything in the two files.
pub(crate) struct Files {
    pub(crate) activities: BTreeMap<String, Lying>,
    /// The places in the order of storing that the public ones have.
    pub(crate) places: Vec<u64>,
    /// Every policy that there ever was, by revision.
    pub(crate) policies: BTreeMap<u64, PrivacyPolicy>,
    pub(crate) records: Vec<RecordEntry>,
}

impl Files {
    pub(crate) fn read(folder: &Path, sink: &dyn GovernanceSink) -> Self {
        let path = activities(folder);
        let connection = sound(&path);
        drop(sound(&governance_path(&path)));
        let mut files = Self {
            activities: BTreeMap::new(),
            places: Vec::new(),
            policies: BTreeMap::new(),
            records: sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap(),
        };
        let mut revealed = reveal_all(&connection);
        let partitions = "SELECT 'public_activity_' || number FROM public_partition ORDER BY number";
        let mut partitions = connection.prepare(partitions).unwrap();
        let partitions = partitions.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
        let public = partitions.map(|table| (table, Visibility::Public));
        for (table, visibility) in public.chain([("private_activity".to_owned(), Visibility::Private)]) {
            let mut statement =
                connection.prepare(&format!("SELECT sequence, id FROM {table} ORDER BY sequence")).unwrap();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                if visibility == Visibility::Public {
                    files.places.push(row.get::<_, i64>(0).unwrap() as u64);
                }
                let id: String = row.get(1).unwrap();
                let stored = revealed.remove(&id).expect("D4: an id lies there once");
                let (activity, decision) = (stored.activity().clone(), stored.decision().clone());
                files.activities.insert(id, Lying { activity, decision, visibility });
            }
        }
        assert!(revealed.is_empty(), "whatever is revealed lies there");
        let mut statement = connection.prepare("SELECT revision, document FROM policy ORDER BY revision").unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let document: String = row.get(1).unwrap();
            let Versioned(policy) = serde_json::from_str(&document).unwrap();
            files.policies.insert(row.get::<_, i64>(0).unwrap() as u64, policy);
        }
        files
    }

    pub(crate) fn in_force(&self) -> u64 {
        self.policies.last_key_value().map_or(0, |(revision, _)| *revision)
    }
}

/// Everything that whoever may see everything sees in a copy of a file, so that no record of it comes into the log.
fn reveal_all(connection: &Connection) -> BTreeMap<String, StoredActivity> {
    let folder = tempfile::tempdir().unwrap();
    let copy = activities(folder.path());
    connection.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    let fixture = Fixture::behind(Arc::new(SqliteStore::open(&copy).unwrap()));
    fixture.install(people(&[])).permit_root();
    let everything = fixture.everything().into_iter();
    everything.map(|stored| (stored.activity().id().as_str().to_owned(), stored)).collect()
}

/// A connection to a file that SQLite itself finds nothing wrong with.
fn sound(path: &PathBuf) -> Connection {
    let connection = Connection::open(path).unwrap();
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok", "the file is sound");
    connection
}
