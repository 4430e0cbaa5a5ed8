//! Backends that outlive a node: shared memory, or files.

use std::sync::Arc;

use activity_privacy::governance::GovernanceSink;
use activity_privacy::memory::{MemorySink, MemoryStore};
use activity_privacy::store::ActivityStore;

/// A backend for stores and sinks.
pub(crate) trait Backend {
    /// The name of the backend in output.
    #[allow(dead_code, reason = "not every test prints it")]
    const NAME: &'static str;

    /// Creates an empty backend.
    fn new() -> Self;

    /// Opens the store and the sink for a node that starts.
    fn open(&self) -> (Arc<dyn ActivityStore>, Arc<dyn GovernanceSink>);
}

/// Shared memory.
pub(crate) struct Memory {
    store: Arc<MemoryStore>,
    sink: Arc<MemorySink>,
}

impl Backend for Memory {
    #[allow(dead_code, reason = "not every test prints it")]
    const NAME: &'static str = "memory";

    fn new() -> Self {
        Self { store: Arc::default(), sink: Arc::default() }
    }

    fn open(&self) -> (Arc<dyn ActivityStore>, Arc<dyn GovernanceSink>) {
        (self.store.clone(), self.sink.clone())
    }
}

/// Two SQLite files, opened again by each node that starts.
#[cfg(feature = "sqlite")]
pub(crate) struct Files(tempfile::TempDir);

#[cfg(feature = "sqlite")]
impl Backend for Files {
    #[allow(dead_code, reason = "not every test prints it")]
    const NAME: &'static str = "sqlite";

    fn new() -> Self {
        Self(crate::place::folder())
    }

    fn open(&self) -> (Arc<dyn ActivityStore>, Arc<dyn GovernanceSink>) {
        use activity_privacy::sqlite::{SqliteGovernance, SqliteOptions, governance_path};
        let path = crate::place::activities(self.0.path());
        let store = SqliteOptions::default().with_partition_rows(8).open(&path).unwrap();
        (Arc::new(store), Arc::new(SqliteGovernance::open(governance_path(&path)).unwrap()))
    }
}
