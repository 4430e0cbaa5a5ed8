//! Backends that outlive a node: shared memory, or files.

use std::error::Error;
use std::sync::Arc;

use activity_privacy::directory::DirectorySnapshot;
use activity_privacy::governance::GovernanceSink;
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::store::ActivityStore;
use activity_privacy::strategies::HistoryHarness;

/// Shared memory.
pub(crate) struct Memory {
    store: Arc<MemoryStore>,
    sink: Arc<MemorySink>,
}

impl HistoryHarness for Memory {
    type Directory = MemoryDirectory;

    fn fresh() -> Self {
        Self { store: Arc::default(), sink: Arc::default() }
    }

    fn open(&self) -> (Arc<dyn ActivityStore>, Arc<dyn GovernanceSink>) {
        (self.store.clone(), self.sink.clone())
    }

    fn directory(&self) -> MemoryDirectory {
        MemoryDirectory::new()
    }

    fn install(
        directory: &MemoryDirectory,
        snapshot: Arc<DirectorySnapshot>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(directory.install(snapshot)?)
    }
}

/// Two SQLite files, opened again by each node that starts.
#[cfg(feature = "sqlite")]
pub(crate) struct Files(tempfile::TempDir);

#[cfg(feature = "sqlite")]
impl HistoryHarness for Files {
    type Directory = MemoryDirectory;

    fn fresh() -> Self {
        Self(crate::place::folder())
    }

    fn open(&self) -> (Arc<dyn ActivityStore>, Arc<dyn GovernanceSink>) {
        use activity_privacy::sqlite::{SqliteGovernance, SqliteOptions, governance_path};
        let path = crate::place::activities(self.0.path());
        let store = SqliteOptions::default().with_partition_rows(8).open(&path).unwrap();
        (Arc::new(store), Arc::new(SqliteGovernance::open(governance_path(&path)).unwrap()))
    }

    fn directory(&self) -> MemoryDirectory {
        MemoryDirectory::new()
    }

    fn install(
        directory: &MemoryDirectory,
        snapshot: Arc<DirectorySnapshot>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(directory.install(snapshot)?)
    }
}
