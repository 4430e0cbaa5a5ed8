//! A filter over a file, with everything around it.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use activity_privacy::memory::{MemoryDirectory, MemorySink};
use activity_privacy::sqlite::SqliteStore;
use activity_privacy::{Activity, Administrators, Delivery, PolicyChange, PrivacyFilter, UserId, View};

use chrono::{DateTime, Utc};

use super::people::{directory, private_group};

pub(crate) struct Service {
    pub(crate) filter: PrivacyFilter,
}

impl Service {
    pub(crate) fn open(path: &Path) -> Self {
        Self::over(SqliteStore::open(path).unwrap())
    }

    pub(crate) fn over(store: SqliteStore) -> Self {
        Self::with_clock(store, || SystemTime::now().into())
    }

    pub(crate) fn with_clock(store: SqliteStore, now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        let people = MemoryDirectory::new();
        people.install(directory()).unwrap();
        let builder = PrivacyFilter::builder(store, people, MemorySink::new()).clock(now);
        let filter = builder.open_or_initialize(Administrators::only_one(administrator())).unwrap();
        if filter.policy().unwrap().private_groups().is_empty() {
            filter.change(&administrator(), PolicyChange::MakePrivate(private_group().into())).unwrap();
        }
        Self { filter }
    }

    /// Delivers them in batches.
    ///
    /// # Panics
    /// When not every one of them is stored.
    pub(crate) fn ingest(&self, activities: &[Activity], batch: usize) -> Duration {
        let begun = Instant::now();
        for batch in activities.chunks(batch) {
            let report = self.filter.ingest(batch).unwrap();
            assert_eq!(report.count(Delivery::Stored), batch.len());
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
