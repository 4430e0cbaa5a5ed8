//! What to decide with now: kept until the policy or the directory moves on, and made ready before they do where that
//! is known.

use std::sync::{Arc, PoisonError};

use super::{Inner, PrivacyFilter};
use crate::directory::{DirectoryError, DirectorySnapshot, RemovedGroup};
use crate::policy::PrivacyPolicy;
use crate::screen::Screen;
use crate::store::{RemovedGroups, StoreError};
use crate::sync::{ArcSwapOption, Mutex};

/// The screens of one filter.
#[derive(Default)]
pub(super) struct Screens {
    current: ArcSwapOption<Screen>,
    /// For a policy or a directory that is not in force yet.
    upcoming: ArcSwapOption<Screen>,
    /// Held while a screen is made, so that it is made once.
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
    /// use activity_privacy::*;
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
    /// let next = Arc::new(before.with(&delta, DirectoryRevision(2), SystemTime::now().into())?);
    /// filter.prepare(&next)?;
    /// directory.install(next)?;
    /// filter.follow_directory()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] when the policy in force cannot be read. The directory can be installed all the same.
    pub fn prepare(&self, directory: &Arc<DirectorySnapshot>) -> Result<(), StoreError> {
        let policy = self.inner.policy()?;
        self.inner.make_ready(policy, Ok(Arc::clone(directory)))
    }
}

impl Inner {
    /// What to decide with now: the policy as last read, which the store checks again, and the directory in force.
    pub(super) fn screen(&self) -> Result<Arc<Screen>, StoreError> {
        let directory = self.directory();
        if let Some(screen) = self.current_screen(&directory)? {
            return Ok(screen);
        }
        let _making = self.screens.making.lock().unwrap_or_else(PoisonError::into_inner);
        // Asked again, because whoever made one meanwhile may have done so for the next directory.
        let directory = self.directory();
        if let Some(screen) = self.current_screen(&directory)? {
            return Ok(screen);
        }
        let policy = self.policy()?;
        let screen = self.make_screen(policy, directory)?;
        // One without a directory is never used again, and the one before may be.
        if screen.directory().is_some() {
            self.screens.current.store(Some(Arc::clone(&screen)));
        }
        // What was made ready is in use now or was overtaken, and would keep its directory in memory.
        if self.screens.upcoming.load_full().is_some_and(|upcoming| !is_ahead(&upcoming, &screen)) {
            self.screens.upcoming.store(None);
        }
        Ok(screen)
    }

    /// Makes the screen for what is about to be in force, beside those who decide with the one of now.
    pub(super) fn make_ready(&self, policy: Arc<PrivacyPolicy>, directory: Directory) -> Result<(), StoreError> {
        let screen = self.make_screen(policy, directory)?;
        self.screens.upcoming.store(Some(screen));
        Ok(())
    }

    /// The screen that was made last, if it is for the policy and the directory in force.
    fn current_screen(&self, directory: &Directory) -> Result<Option<Arc<Screen>>, StoreError> {
        let Some(screen) = self.screens.current.load_full() else { return Ok(None) };
        if !is_for(&screen, directory) || screen.policy().revision() < self.newest_policy() {
            return Ok(None);
        }
        // Of a group that is gone, another node may know more members, now or soon.
        let is_news = screen.relies_on_last_members() && !screen.was_made_with(&self.kept_groups()?.1);
        Ok((!is_news).then_some(screen))
    }

    /// The groups that nodes keep, with the version that tells whether they changed. Read again only if they did.
    pub(super) fn kept_groups(&self) -> Result<(u64, Arc<Vec<RemovedGroup>>), StoreError> {
        let known = self.screens.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (self.store.removed_groups(known.as_ref().map(|known| known.version))?, known) {
            (Some(RemovedGroups { version, groups }), _) => {
                let groups = Arc::new(groups);
                let kept = Kept { version, groups: Arc::clone(&groups) };
                *self.screens.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
                Ok((version, groups))
            }
            (None, Some(Kept { version, groups })) => Ok((version, groups)),
            // None is known, so there is something to return.
            (None, None) => Err(StoreError::Unreadable("the store did not return the removed groups".into())),
        }
    }

    fn make_screen(&self, policy: Arc<PrivacyPolicy>, directory: Directory) -> Result<Arc<Screen>, StoreError> {
        let (_, kept) = self.kept_groups()?;
        let is_made = |screen: &Arc<Screen>| {
            // Not only the revision: what was prepared may not have been made to succeed what is in force.
            let same = match (screen.directory(), &directory) {
                (Some(known), Ok(offered)) => Arc::ptr_eq(known, offered),
                _ => false,
            };
            same && *screen.policy() == policy && screen.was_made_with(&kept)
        };
        if let Some(screen) = self.screens.upcoming.load_full().filter(is_made) {
            return Ok(screen);
        }
        Ok(Arc::new(match self.screens.current.load_full() {
            Some(before) => before.following_with(policy, directory, kept),
            None => Screen::with_kept(policy, directory, kept),
        }))
    }
}

/// Whether a screen decides against a directory, or against the same revision of it.
fn is_for(screen: &Screen, directory: &Directory) -> bool {
    match (screen.directory(), directory) {
        (Some(known), Ok(offered)) => offered.revision() == known.revision(),
        _ => false,
    }
}

/// Whether a screen may still be needed while decisions are made with another.
fn is_ahead(upcoming: &Screen, current: &Screen) -> bool {
    let ((policy, directory), (policy_now, directory_now)) = (upcoming.revisions(), current.revisions());
    policy >= policy_now && directory >= directory_now && (policy > policy_now || directory > directory_now)
}
