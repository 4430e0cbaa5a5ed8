//! The content of the files, read through the library where possible, and through SQL otherwise.

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
    // So small that partitions are filled, indexed and closed during the kills.
    let store = SqliteOptions::default().with_partition_rows(64).open(&path).unwrap();
    (Arc::new(store), Arc::new(SqliteGovernance::open(governance_path(&path)).unwrap()))
}

/// A stored activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredRow {
    pub(crate) activity: Activity,
    pub(crate) decision: Decision,
    /// The visibility of the table that contains it.
    pub(crate) visibility: Visibility,
}

impl StoredRow {
    pub(crate) fn is_public(&self) -> bool {
        self.visibility == Visibility::Public
    }
}

/// The content of both files.
pub(crate) struct Files {
    pub(crate) activities: BTreeMap<String, StoredRow>,
    /// The sequence numbers of the public activities, in storage order.
    pub(crate) sequences: Vec<u64>,
    /// Every policy, by revision.
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
            sequences: Vec::new(),
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
                    files.sequences.push(row.get::<_, i64>(0).unwrap() as u64);
                }
                let id: String = row.get(1).unwrap();
                let stored = revealed.remove(&id).expect("D4: an id is stored once");
                let (activity, decision) = (stored.activity().clone(), stored.decision().clone());
                files.activities.insert(id, StoredRow { activity, decision, visibility });
            }
        }
        assert!(revealed.is_empty(), "every revealed activity is in a table");
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

/// Reveals everything from a copy of the file, so that the reveal is not recorded in the log under test.
fn reveal_all(connection: &Connection) -> BTreeMap<String, StoredActivity> {
    let folder = tempfile::tempdir().unwrap();
    let copy = activities(folder.path());
    connection.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    let fixture = Fixture::behind(Arc::new(SqliteStore::open(&copy).unwrap()));
    fixture.install(people(&[])).permit_root();
    let everything = fixture.everything().into_iter();
    everything.map(|stored| (stored.activity().id().as_str().to_owned(), stored)).collect()
}

/// Opens a connection and asserts that SQLite's integrity check passes.
fn sound(path: &PathBuf) -> Connection {
    let connection = Connection::open(path).unwrap();
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok", "integrity check");
    connection
}
