//! A store and a sink that the threads of a scenario share, and filters over them as separate nodes have them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use activity_privacy::activity::Activity;
use activity_privacy::directory::{DirectoryRevision, DirectorySnapshot, GroupDirectory};
use activity_privacy::engine::Visibility;
use activity_privacy::filter::{PrivacyFilter, PrivacyFilterBuilder};
use activity_privacy::governance::{GovernanceSink, NewPolicy, Pending, RecordEntry, RecordId, RecordQuery, RevealId};
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::policy::PolicyChange;
use activity_privacy::store::{ActivityStore, StoredActivity};
use uuid::Uuid;

use crate::fixture::*;

/// A timeout that never expires: a call without an answer is then a deadlock.
pub(crate) const NEVER: Duration = Duration::MAX;
/// A timeout that can expire at any moment: see `src/sync.rs`.
pub(crate) const ANY_MOMENT: Duration = Duration::from_secs(3_600);

/// One store and one sink. Setup that is not to race calls them directly, step by step, without the threads of a
/// filter.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) sink: Arc<MemorySink>,
    ids: Arc<AtomicU64>,
}

impl Scene {
    /// Returns a scene without a policy.
    pub(crate) fn new() -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            sink: Arc::new(MemorySink::new()),
            ids: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Returns a scene with a policy whose administrator `root` may view private activities.
    pub(crate) fn initialized() -> Self {
        let scene = Self::new();
        scene.publish(NewPolicy::initial(&admins(), scene.fresh(), at(0)));
        scene.update_policy_by("deputy", PolicyChange::Grant(alias("root@contoso.com")));
        scene
    }

    /// Returns a scene with a policy under which the council is private.
    pub(crate) fn with_private_council() -> Self {
        let scene = Self::initialized();
        scene.update_policy(PolicyChange::MakePrivate(group("council").into()));
        scene
    }

    pub(crate) fn update_policy(&self, change: PolicyChange) {
        self.update_policy_by("root", change);
    }

    fn update_policy_by(&self, by: &str, change: PolicyChange) {
        let policy = self.store.policy().unwrap().unwrap();
        let pending =
            NewPolicy::authorise(&policy, &change, &user(by), Some(&council(1)), self.fresh(), at(0)).unwrap();
        self.publish(pending);
    }

    fn publish(&self, pending: Pending<NewPolicy>) {
        let receipt = self.sink.record(pending.record()).unwrap();
        self.store.publish(&pending.recorded(&receipt).unwrap()).unwrap();
    }

    /// Returns a node over this store and this sink.
    pub(crate) fn node(&self, directory: impl GroupDirectory + 'static) -> PrivacyFilter {
        self.builder(directory).open().unwrap()
    }

    pub(crate) fn builder(&self, directory: impl GroupDirectory + 'static) -> PrivacyFilterBuilder {
        self.builder_over(directory, Arc::clone(&self.sink))
    }

    pub(crate) fn builder_over(
        &self,
        directory: impl GroupDirectory + 'static,
        sink: impl GovernanceSink + 'static,
    ) -> PrivacyFilterBuilder {
        let ids = self.clone();
        PrivacyFilter::builder(Arc::clone(&self.store), directory, sink)
            .sink_timeout(NEVER)
            .clock(|| at(0))
            .id_source(move || ids.fresh().0)
    }

    /// Returns every stored activity, private ones included.
    pub(crate) fn everything(&self) -> Vec<StoredActivity> {
        let policy = self.store.policy().unwrap().unwrap();
        let id = RevealId(self.fresh().0);
        let salts = [0, 1].map(salt);
        let pending = reveal_all("root").authorise(&policy, None, id, self.fresh(), salts, at(0)).unwrap();
        let receipt = self.sink.record(pending.record()).unwrap();
        let recorded = pending.recorded(&receipt).unwrap();
        let admission = recorded.permit_page(&policy, None, self.fresh(), [2, 3, 4, 5].map(salt), at(0)).unwrap();
        let sealed = self.store.revealed_page(admission, None, 1_000).unwrap();
        let (page, _) = sealed.pending(1_000, self.fresh());
        let receipt = self.sink.record(page.record()).unwrap();
        page.recorded(&receipt).unwrap().open(&policy, self.fresh(), at(0)).unwrap()
    }

    /// Returns every governance record.
    pub(crate) fn records(&self) -> Vec<RecordEntry> {
        self.sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap()
    }

    pub(crate) fn fresh(&self) -> RecordId {
        RecordId(Uuid::from_u128(self.ids.fetch_add(1, Ordering::SeqCst).into()))
    }
}

/// Returns a directory of this revision in which Adele is in the council and Bob is not.
pub(crate) fn council(revision: u64) -> DirectorySnapshot {
    people(&[("adele", &["council"]), ("bob", &[])]).build(DirectoryRevision(revision), at(0)).unwrap()
}

/// Returns a directory of this revision without a council.
pub(crate) fn no_council(revision: u64) -> DirectorySnapshot {
    people(&[("adele", &[]), ("bob", &[])]).build(DirectoryRevision(revision), at(0)).unwrap()
}

pub(crate) fn directory(snapshot: DirectorySnapshot) -> Arc<MemoryDirectory> {
    let directory = Arc::new(MemoryDirectory::new());
    directory.install(snapshot).unwrap();
    directory
}

/// Returns one activity of Adele and one of Bob.
pub(crate) fn both(batch: &str) -> [Activity; 2] {
    [activity(&format!("{batch}/adele"), "adele"), activity(&format!("{batch}/bob"), "bob")]
}

pub(crate) fn is_private(stored: &StoredActivity) -> bool {
    stored.visibility() == Visibility::Private
}

pub(crate) fn is_of(stored: &StoredActivity, name: &str) -> bool {
    stored.activity().id().as_str().ends_with(name)
}

/// Values observed before an operation began, for later checks. Its locks are not shuttle's, so reading it orders no
/// threads.
pub(crate) struct Notes<K, V>(Mutex<BTreeMap<K, V>>);

impl<K: Ord, V> Notes<K, V> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    pub(crate) fn note(&self, key: K, value: V) {
        self.0.lock().unwrap().insert(key, value);
    }

    pub(crate) fn all(self) -> BTreeMap<K, V> {
        self.0.into_inner().unwrap()
    }
}
