//! A filter over a file, with a directory and a governance log.

use std::path::Path;
use std::time::{Duration, Instant};

use activity_privacy::activity::Activity;
use activity_privacy::filter::{IngestOutcome, PrivacyFilter, View};
use activity_privacy::identity::UserId;
use activity_privacy::memory::MemoryDirectory;
use activity_privacy::policy::{Administrators, PolicyChange};
use activity_privacy::sqlite::{SqliteGovernance, SqliteStore, governance_path};

use super::people::{directory, private_group};

pub(crate) struct Service {
    pub(crate) filter: PrivacyFilter,
}

impl Service {
    pub(crate) fn open(path: &Path) -> Self {
        Self::over(SqliteStore::open(path).unwrap(), path)
    }

    /// Opens a filter over a store, with the governance log beside its file.
    pub(crate) fn over(store: SqliteStore, path: &Path) -> Self {
        let people = MemoryDirectory::new();
        people.install(directory()).unwrap();
        let log = SqliteGovernance::open(governance_path(path)).unwrap();
        let builder = PrivacyFilter::builder(store, people, log);
        let filter = builder.open_or_initialize(Administrators::only_one(administrator())).unwrap();
        if filter.policy().unwrap().private_groups().is_empty() {
            filter.update_policy(&administrator(), PolicyChange::MakePrivate(private_group().into())).unwrap();
        }
        Self { filter }
    }

    /// Ingests activities in batches. Returns the time.
    ///
    /// # Panics
    /// Panics if an activity is not stored.
    pub(crate) fn ingest(&self, activities: &[Activity], batch: usize) -> Duration {
        let begun = Instant::now();
        for batch in activities.chunks(batch) {
            let report = self.filter.ingest(batch).unwrap();
            assert_eq!(report.count(IngestOutcome::Stored), batch.len());
        }
        begun.elapsed()
    }

    pub(crate) fn view(&self) -> View {
        self.filter.view(&administrator())
    }
}

pub(crate) fn administrator() -> UserId {
    UserId::new("administrator").unwrap()
}
