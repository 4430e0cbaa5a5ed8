//! The directory port in memory.

use std::sync::{Arc, PoisonError};

use thiserror::Error;

use crate::directory::{DirectoryError, DirectoryRevision, DirectorySnapshot, GroupDirectory};
use crate::sync::{ArcSwapOption, Mutex};

/// A directory that holds the snapshot installed last. An installation is one atomic swap: readers see the old snapshot
/// or the new one.
#[derive(Debug, Default)]
pub struct MemoryDirectory {
    snapshot: ArcSwapOption<DirectorySnapshot>,
    /// Locked while a snapshot is installed, so that each one succeeds the one before.
    installing: Mutex<()>,
}

/// The reason why a snapshot was rejected. The one before stays in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InstallError {
    /// The revision is not newer than the one in force.
    #[error("directory revision {offered} is not newer than revision {in_force}, which is in force")]
    NotNewer {
        /// The revision of the rejected snapshot.
        offered: DirectoryRevision,
        /// The revision in force.
        in_force: DirectoryRevision,
    },
}

impl MemoryDirectory {
    /// Returns a directory that was never loaded.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a snapshot in force as the [successor](DirectorySnapshot::carry_over_from) of the one before, which keeps
    /// the last members of groups that the new snapshot does not contain.
    ///
    /// # Errors
    /// Returns [`InstallError::NotNewer`] if a snapshot of the same or a later revision is in force.
    pub fn install(&self, snapshot: impl Into<Arc<DirectorySnapshot>>) -> Result<(), InstallError> {
        let snapshot = snapshot.into();
        let _installing = self.installing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = match self.snapshot.load_full() {
            Some(before) if before.revision() >= snapshot.revision() => {
                return Err(InstallError::NotNewer { offered: snapshot.revision(), in_force: before.revision() });
            }
            // A snapshot that already is its successor is installed unchanged.
            Some(before) if !snapshot.is_successor_of(&before) => {
                Arc::new(Arc::unwrap_or_clone(snapshot).carry_over_from(&before))
            }
            Some(_) | None => snapshot,
        };
        self.snapshot.store(Some(next));
        Ok(())
    }
}

impl GroupDirectory for MemoryDirectory {
    fn snapshot(&self) -> Result<Arc<DirectorySnapshot>, DirectoryError> {
        self.snapshot.load_full().ok_or(DirectoryError::NeverLoaded)
    }
}
