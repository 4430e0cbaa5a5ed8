//! What to decide with now: kept until the policy or the directory moves on, and made ready before they do where that
//! is known.

use std::sync::{Arc, PoisonError};

use super::{Inner, PrivacyFilter};
use crate::directory::{DirectoryError, DirectorySnapshot, RemovedGroup};
use crate::engine::PolicyEngine;
use crate::policy::PrivacyPolicy;
use crate::store::{RemovedGroups, StoreError};
use crate::sync::{ArcSwapOption, Mutex};

/// The engine_cache of one filter.
#[derive(Default)]
pub(super) struct EngineCache {
    current: ArcSwapOption<PolicyEngine>,
    /// For a policy or a directory that is not in force yet.
    upcoming: ArcSwapOption<PolicyEngine>,
    /// Held while a engine is made, so that it is made once.
    making: Mutex<()>,
    /// What was last read of the groups that nodes keep.
    kept: Mutex<Option<Kept>>,
}

/// The groups that nodes keep, at one version.
#[derive(Clone)]
struct Kept {
    version: u64,
    groups: Arc<Vec<RemovedGroup>>,
}

type Directory = Result<Arc<DirectorySnapshot>, DirectoryError>;

impl PrivacyFilter {
    /// Makes a snapshot ready that is about to be installed, so that no batch has to wait for that. Nothing is decided
    /// against it before the directory answers with that very snapshot, made to succeed the one before.
    ///
    /// Making a directory of millions of users ready takes a part of a second, and after a delta some milliseconds.
    /// Without this the first batch that is decided against it does that, and those beside it wait.
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
    /// [`StoreError`] when the policy in force cannot be read. The directory can be installed all the same.
    pub fn prewarm(&self, directory: &Arc<DirectorySnapshot>) -> Result<(), StoreError> {
        let policy = self.inner.policy()?;
        self.inner.make_ready(policy, Ok(Arc::clone(directory)))
    }
}

impl Inner {
    /// What to decide with now: the policy as last read, which the store checks again, and the directory in force.
    pub(super) fn engine(&self) -> Result<Arc<PolicyEngine>, StoreError> {
        let directory = self.directory();
        if let Some(engine) = self.current_engine(&directory)? {
            return Ok(engine);
        }
        let _making = self.engine_cache.making.lock().unwrap_or_else(PoisonError::into_inner);
        // Asked again, because whoever made one meanwhile may have done so for the next directory.
        let directory = self.directory();
        if let Some(engine) = self.current_engine(&directory)? {
            return Ok(engine);
        }
        let policy = self.policy()?;
        let engine = self.make_engine(policy, directory)?;
        // One without a directory is never used again, and the one before may be.
        if engine.directory().is_some() {
            self.engine_cache.current.store(Some(Arc::clone(&engine)));
        }
        // What was made ready is in use now or was overtaken, and would keep its directory in memory.
        if self.engine_cache.upcoming.load_full().is_some_and(|upcoming| !is_ahead(&upcoming, &engine)) {
            self.engine_cache.upcoming.store(None);
        }
        Ok(engine)
    }

    /// Makes the engine for what is about to be in force, beside those who decide with the one of now.
    pub(super) fn make_ready(&self, policy: Arc<PrivacyPolicy>, directory: Directory) -> Result<(), StoreError> {
        let engine = self.make_engine(policy, directory)?;
        self.engine_cache.upcoming.store(Some(engine));
        Ok(())
    }

    /// The engine that was made last, if it is for the policy and the directory in force.
    fn current_engine(&self, directory: &Directory) -> Result<Option<Arc<PolicyEngine>>, StoreError> {
        let Some(engine) = self.engine_cache.current.load_full() else { return Ok(None) };
        if !is_for(&engine, directory) || engine.policy().revision() < self.newest_policy() {
            return Ok(None);
        }
        // Of a group that is gone, another node may know more members, now or soon.
        let is_news = engine.relies_on_last_members() && !engine.has_removed_groups(&self.kept_groups()?.1);
        Ok((!is_news).then_some(engine))
    }

    /// The groups that nodes keep, with the version that tells whether they changed. Read again only if they did.
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
            // None is known, so there is something to return.
            (None, None) => Err(StoreError::Unreadable("the store did not return the removed groups".into())),
        }
    }

    fn make_engine(&self, policy: Arc<PrivacyPolicy>, directory: Directory) -> Result<Arc<PolicyEngine>, StoreError> {
        let (_, kept) = self.kept_groups()?;
        let is_made = |engine: &Arc<PolicyEngine>| {
            // Not only the revision: what was prepared may not have been made to succeed what is in force.
            let same = match (engine.directory(), &directory) {
                (Some(known), Ok(offered)) => Arc::ptr_eq(known, offered),
                _ => false,
            };
            same && *engine.policy() == policy && engine.has_removed_groups(&kept)
        };
        if let Some(engine) = self.engine_cache.upcoming.load_full().filter(is_made) {
            return Ok(engine);
        }
        Ok(Arc::new(match self.engine_cache.current.load_full() {
            Some(before) => before.updated_with_shared(policy, directory, kept),
            None => PolicyEngine::with_shared_removed_groups(policy, directory, kept),
        }))
    }
}

/// Whether a engine decides against a directory, or against the same revision of it.
fn is_for(engine: &PolicyEngine, directory: &Directory) -> bool {
    match (engine.directory(), directory) {
        (Some(known), Ok(offered)) => offered.revision() == known.revision(),
        _ => false,
    }
}

/// Whether a engine may still be needed while decisions are made with another.
fn is_ahead(upcoming: &PolicyEngine, current: &PolicyEngine) -> bool {
    let ((policy, directory), (policy_now, directory_now)) = (upcoming.revisions(), current.revisions());
    policy >= policy_now && directory >= directory_now && (policy > policy_now || directory > directory_now)
}
