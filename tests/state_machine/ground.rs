//! What outlives a node: memory that is shared, or files.

use std::sync::Arc;

use activity_privacy::governance::GovernanceSink;
use activity_privacy::memory::{MemorySink, MemoryStore};
use activity_privacy::store::ActivityStore;

/// Where stores stand.
pub(crate) trait Ground {
    /// What it is called.
    #[allow(dead_code, reason = "not every test says where it stands")]
    const NAME: &'static str;

    /// Empty.
    fn new() -> Self;

    /// What one node, which begins now, finds there.
    fn stand(&self) -> (Arc<dyn ActivityStore>, Arc<dyn GovernanceSink>);
}

/// Memory.
pub(crate) struct Memory {
    store: Arc<MemoryStore>,
    sink: Arc<MemorySink>,
}

impl Ground for Memory {
    #[allow(dead_code, reason = "not every test says where it stands")]
    const NAME: &'static str = "memory";

    fn new() -> Self {
        Self { store: Arc::default(), sink: Arc::default() }
    }

    fn stand(&self) -> (Arc<dyn ActivityStore>, Arc<dyn GovernanceSink>) {
        (self.store.clone(), self.sink.clone())
    }
}

/// Two SQLite files, opened anew by each node that begins.
#[cfg(feature = "sqlite")]
pub(crate) struct Files(tempfile::TempDir);

#[cfg(feature = "sqlite")]
impl Ground for Files {
    #[allow(dead_code, reason = "not every test says where it stands")]
    const NAME: &'static str = "sqlite";

    fn new() -> Self {
        Self(crate::place::folder())
    }

    fn stand(&self) -> (Arc<dyn ActivityStore>, Arc<dyn GovernanceSink>) {
        use activity_privacy::sqlite::{SqliteGovernance, SqliteOptions, governance_path};
        let path = crate::place::activities(self.0.path());
        let store = SqliteOptions::default().with_partition_rows(8).open(&path).unwrap();
        (Arc::new(store), Arc::new(SqliteGovernance::open(governance_path(&path)).unwrap()))
    }
}
