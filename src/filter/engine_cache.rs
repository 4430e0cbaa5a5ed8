//! The cache of engines. It keeps the engine of the current policy and directory, and one that was built in advance.

use std::sync::{Arc, PoisonError};

use super::{Inner, PrivacyFilter};
use crate::directory::{DirectoryError, DirectorySnapshot, RemovedGroup};
use crate::engine::PolicyEngine;
use crate::policy::PrivacyPolicy;
use crate::store::{RemovedGroups, StoreError};
use crate::sync::{ArcSwapOption, Mutex};

/// The engines of one filter.
#[derive(Default)]
pub(super) struct EngineCache {
    current: ArcSwapOption<PolicyEngine>,
    /// The engine for a policy or a directory that is not in force yet.
    upcoming: ArcSwapOption<PolicyEngine>,
    /// Held while an engine is built, so that it is built once.
    building: Mutex<()>,
    /// The removed groups as last read.
    kept: Mutex<Option<Kept>>,
}

/// The removed groups that nodes keep, at one version.
#[derive(Clone)]
struct Kept {
    version: u64,
    groups: Arc<Vec<RemovedGroup>>,
}

type Directory = Result<Arc<DirectorySnapshot>, DirectoryError>;

impl PrivacyFilter {
    /// Builds the engine for a snapshot that is about to be installed, so that no batch waits for that. The engine is
    /// used only once the directory returns this very snapshot, as the successor of the current one.
    ///
    /// Building takes a fraction of a second for a directory of millions of users, and some milliseconds after a delta.
    /// Without this call the first batch after the installation builds the engine, and concurrent batches wait.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::{sync::Arc, time::SystemTime};
    ///
    /// use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
    /// use activity_privacy::directory::{DirectoryBuilder, DirectoryDelta, DirectoryRevision, GroupDirectory};
    /// use activity_privacy::filter::PrivacyFilter;
    /// use activity_privacy::identity::{GroupId, UserId};
    /// use activity_privacy::policy::Administrators;
    ///
    /// let directory = Arc::new(MemoryDirectory::new());
    /// let filter = PrivacyFilter::builder(MemoryStore::new(), Arc::clone(&directory), MemorySink::new())
    ///     .initialize(Administrators::new(UserId::new("admin-1")?, UserId::new("admin-2")?)?)?;
    /// let council = GroupId::new("g-1")?;
    /// let import = DirectoryBuilder::new().group(council.clone(), "Works council");
    /// directory.install(import.build(DirectoryRevision(1), SystemTime::now().into())?)?;
    ///
    /// let delta = DirectoryDelta::new().member(&council, &UserId::new("u-1")?);
    /// let before = directory.snapshot()?;
    /// let next = Arc::new(before.apply(&delta, DirectoryRevision(2), SystemTime::now().into())?);
    /// filter.prewarm(&next)?;
    /// directory.install(next)?;
    /// filter.reconcile_directory()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`StoreError`] if the policy in force cannot be read. The directory can be installed all the same.
    pub fn prewarm(&self, directory: &Arc<DirectorySnapshot>) -> Result<(), StoreError> {
        let policy = self.inner.policy()?;
        self.inner.prewarm(policy, Ok(Arc::clone(directory)))
    }
}

impl Inner {
    /// Returns the engine for the policy as last read, which the store checks again, and the current directory.
    pub(super) fn engine(&self) -> Result<Arc<PolicyEngine>, StoreError> {
        let directory = self.directory();
        if let Some(engine) = self.current_engine(&directory)? {
            return Ok(engine);
        }
        let _building = self.engine_cache.building.lock().unwrap_or_else(PoisonError::into_inner);
        // Read again, because another thread may have built an engine for the next directory in the meantime.
        let directory = self.directory();
        if let Some(engine) = self.current_engine(&directory)? {
            return Ok(engine);
        }
        let policy = self.policy()?;
        let engine = self.build_engine(policy, directory)?;
        // An engine without a directory is never used again, but the one before it may be.
        if engine.directory().is_some() {
            self.engine_cache.current.store(Some(Arc::clone(&engine)));
        }
        // An engine built in advance is now in use or obsolete, and would keep its directory in memory.
        if self.engine_cache.upcoming.load_full().is_some_and(|upcoming| !is_ahead(&upcoming, &engine)) {
            self.engine_cache.upcoming.store(None);
        }
        Ok(engine)
    }

    /// Builds the engine for a policy and a directory that are about to be in force, while others use the current one.
    pub(super) fn prewarm(&self, policy: Arc<PrivacyPolicy>, directory: Directory) -> Result<(), StoreError> {
        let engine = self.build_engine(policy, directory)?;
        self.engine_cache.upcoming.store(Some(engine));
        Ok(())
    }

    /// Returns the last engine, if it is for the current policy and directory.
    fn current_engine(&self, directory: &Directory) -> Result<Option<Arc<PolicyEngine>>, StoreError> {
        let Some(engine) = self.engine_cache.current.load_full() else { return Ok(None) };
        if !is_for(&engine, directory) || engine.policy().revision() < self.newest_policy() {
            return Ok(None);
        }
        // Another node may know more last members, also of a group that this node never saw.
        let is_outdated = engine.may_have_last_members() && !engine.has_removed_groups(&self.kept_groups()?.1);
        Ok((!is_outdated).then_some(engine))
    }

    /// Returns the removed groups that nodes keep, with their version. Reads them only if the version changed.
    pub(super) fn kept_groups(&self) -> Result<(u64, Arc<Vec<RemovedGroup>>), StoreError> {
        let known = self.engine_cache.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (self.store.removed_groups(known.as_ref().map(|known| known.version))?, known) {
            (Some(RemovedGroups { version, groups }), _) => {
                let groups = Arc::new(groups);
                let kept = Kept { version, groups: Arc::clone(&groups) };
                *self.engine_cache.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
                Ok((version, groups))
            }
            (None, Some(Kept { version, groups })) => Ok((version, groups)),
            // Without a known version, the store must return the groups.
            (None, None) => Err(StoreError::Unreadable("the store did not return the removed groups".into())),
        }
    }

    fn build_engine(&self, policy: Arc<PrivacyPolicy>, directory: Directory) -> Result<Arc<PolicyEngine>, StoreError> {
        let (_, kept) = self.kept_groups()?;
        let is_built = |engine: &Arc<PolicyEngine>| {
            // Compares more than the revision: the snapshot may not be the successor of the current one.
            let same = match (engine.directory(), &directory) {
                (Some(known), Ok(offered)) => Arc::ptr_eq(known, offered),
                _ => false,
            };
            same && *engine.policy() == policy && engine.has_removed_groups(&kept)
        };
        if let Some(engine) = self.engine_cache.upcoming.load_full().filter(is_built) {
            return Ok(engine);
        }
        Ok(Arc::new(match self.engine_cache.current.load_full() {
            Some(before) => before.updated_with_shared(policy, directory, kept),
            None => PolicyEngine::with_shared_removed_groups(policy, directory, kept),
        }))
    }
}

/// Returns whether an engine is for a directory, or for the same revision of it.
fn is_for(engine: &PolicyEngine, directory: &Directory) -> bool {
    match (engine.directory(), directory) {
        (Some(known), Ok(offered)) => offered.revision() == known.revision(),
        _ => false,
    }
}

/// Returns whether an engine that was built in advance may still be needed.
fn is_ahead(upcoming: &PolicyEngine, current: &PolicyEngine) -> bool {
    let ((policy, directory), (policy_now, directory_now)) = (upcoming.revisions(), current.revisions());
    policy >= policy_now && directory >= directory_now && (policy > policy_now || directory > directory_now)
}
