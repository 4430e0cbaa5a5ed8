//! A directory that is told what is in force.

use std::sync::{Arc, PoisonError};

use thiserror::Error;

use crate::directory::{DirectoryError, DirectoryRevision, DirectorySnapshot, GroupDirectory};
use crate::sync::{ArcSwapOption, Mutex};

/// Holds the snapshot that was installed last. Installing is one swap: readers see the old one or the new one, whole.
#[derive(Debug, Default)]
pub struct MemoryDirectory {
    snapshot: ArcSwapOption<DirectorySnapshot>,
    /// Held while a snapshot is installed, so that each follows the one before.
    installing: Mutex<()>,
}

/// Why a snapshot is not installed. The one before stays in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InstallError {
    /// Its revision is not newer than the one in force.
    #[error("directory revision {offered} is not newer than {in_force}, which is in force")]
    NotNewer {
        /// The revision that was offered.
        offered: DirectoryRevision,
        /// The revision in force.
        in_force: DirectoryRevision,
    },
}

impl MemoryDirectory {
    /// A directory that was never loaded.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a snapshot in force, as the [successor](DirectorySnapshot::carry_over_from) of the one before: what is gone from
    /// it is remembered.
    ///
    /// # Errors
    /// [`InstallError::NotNewer`] when a snapshot of the same or a later revision is in force.
    pub fn install(&self, snapshot: impl Into<Arc<DirectorySnapshot>>) -> Result<(), InstallError> {
        let snapshot = snapshot.into();
        let _installing = self.installing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = match self.snapshot.load_full() {
            Some(before) if before.revision() >= snapshot.revision() => {
                return Err(InstallError::NotNewer { offered: snapshot.revision(), in_force: before.revision() });
            }
            // What is_successor_of it already is installed as it is.
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
