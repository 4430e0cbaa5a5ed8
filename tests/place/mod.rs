//! Storage for fixtures, in memory or in SQLite files. The rules hold for each.
#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[cfg(feature = "sqlite")]
use std::path::{Path, PathBuf};
use std::sync::Arc;

use activity_privacy::forward::ForwarderOffsets;
use activity_privacy::governance::GovernanceSink;
use activity_privacy::memory::{MemorySink, MemoryStore};
#[cfg(feature = "sqlite")]
use activity_privacy::sqlite::{FileError, SqliteGovernance, SqliteStore, governance_path};
use activity_privacy::store::ActivityStore;

use crate::fixture::Fixture;

/// A store and a sink of one kind of storage.
pub(crate) struct Place {
    pub(crate) store: Arc<dyn ActivityStore>,
    /// The offsets of forwarders.
    pub(crate) offsets: Arc<dyn ForwarderOffsets>,
    pub(crate) sink: Arc<dyn GovernanceSink>,
    /// Kept, because dropping it deletes the files.
    #[cfg(feature = "sqlite")]
    files: Option<tempfile::TempDir>,
}

impl Place {
    pub(crate) fn in_memory() -> Self {
        let store = Arc::new(MemoryStore::new());
        Self { offsets: store.clone(), ..Self::over(store, Arc::new(MemorySink::new())) }
    }

    /// Returns a place over a store and a sink of the test, with the offsets of forwarders in memory.
    pub(crate) fn over(store: Arc<dyn ActivityStore>, sink: Arc<dyn GovernanceSink>) -> Self {
        Self {
            store,
            offsets: Arc::new(MemoryStore::new()),
            sink,
            #[cfg(feature = "sqlite")]
            files: None,
        }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn in_sqlite() -> Self {
        let files = folder();
        let path = activities(files.path());
        let store = Arc::new(SqliteStore::open(&path).unwrap());
        Self {
            offsets: Arc::clone(&store) as Arc<dyn ForwarderOffsets>,
            store,
            sink: Arc::new(SqliteGovernance::open(governance_path(&path)).unwrap()),
            files: Some(files),
        }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn is_in_sqlite(&self) -> bool {
        self.files.is_some()
    }

    /// Returns the path of the file of activities.
    #[cfg(feature = "sqlite")]
    pub(crate) fn path(&self) -> PathBuf {
        activities(self.files.as_ref().expect("the storage is in files").path())
    }

    pub(crate) fn fixture(&self) -> Fixture {
        Fixture::over(Arc::clone(&self.store), Arc::clone(&self.sink))
    }

    pub(crate) fn repeatable_fixture(&self) -> Fixture {
        Fixture::repeatable(Arc::clone(&self.store))
    }
}

/// A constructor for each kind of storage.
pub(crate) const PLACES: &[fn() -> Place] = &[
    Place::in_memory,
    #[cfg(feature = "sqlite")]
    Place::in_sqlite,
];

/// Returns one instance of each kind of storage.
pub(crate) fn places() -> Vec<Place> {
    PLACES.iter().map(|make| make()).collect()
}

/// Returns a folder that is deleted on drop; in memory where the system supports that, because no test cuts the power.
#[cfg(feature = "sqlite")]
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

#[cfg(feature = "sqlite")]
pub(crate) fn activities(folder: &Path) -> PathBuf {
    folder.join("activities.db")
}

/// Restores a copy in a transaction of its own while a process has the file open, as `.restore` of the `sqlite3` shell
/// does.
#[cfg(feature = "sqlite")]
pub(crate) fn restore(path: &Path, copy: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute("ATTACH ?1 AS copy", [copy.to_str().unwrap()]).unwrap();
    let mut tables = connection.prepare("SELECT name FROM copy.sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let all =
        tables.iter().map(|table| format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM copy.{table};"));
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {} COMMIT", all.collect::<String>())).unwrap();
}

/// Returns the error of a file in the chain of sources of an error.
#[cfg(feature = "sqlite")]
pub(crate) fn file_error(error: &(dyn std::error::Error + 'static)) -> Option<FileError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<FileError>() {
            return Some(*found);
        }
        next = error.source();
    }
    None
}
