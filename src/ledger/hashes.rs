//! The port behind which the hashes of a tree lie, and hashes in memory.

use std::error::Error;
use std::sync::{Arc, PoisonError};

use thiserror::Error;

use super::hash::TreeHash;
use crate::sync::{Mutex, RwLock};

/// Where the hashes of a tree lie, each at its place for ever, and the newest checkpoint beside them.
///
/// All of it can be made again from the records, and is worth keeping only because that takes long.
///
/// # Contract
/// - **Order.** Hashes are written without a gap: at a place that is taken, or at the first one that is not. What was
///   written is read by every handle from then on.
/// - **Idempotency.** The same hash may be written to a place again. Another one may be written too: what stands behind
///   the newest checkpoint is not trusted, and made again.
/// - **Durability.** Writing need not be durable before [`sync`](Self::sync) answers. What a crash takes is taken from
///   the end, or reads as something else behind what was last synced. A checkpoint is durable when it was answered, and
///   a crash leaves the one before or the new one, whole.
/// - **Errors.** The safe wrong answer is an error: then there is no checkpoint and no proof, and no record is held up.
/// - **Concurrency.** Called from any thread, through any number of handles, in any number of processes. One at a time
///   has the [hold](Self::lock), among all of them; whoever dies with it lets go of it.
pub trait HashStore: Send + Sync {
    /// How many hashes there are.
    ///
    /// # Errors
    /// [`HashStoreError`] when that cannot be told.
    fn size(&self) -> Result<u64, HashStoreError>;

    /// The hashes at some places, in the order of the places.
    ///
    /// # Errors
    /// [`HashStoreError::Missing`] when there are fewer hashes, others when they cannot be read.
    fn read(&self, places: &[u64]) -> Result<Vec<TreeHash>, HashStoreError>;

    /// Writes hashes side by side, the first to this place.
    ///
    /// # Errors
    /// [`HashStoreError::Gap`] when the place lies behind the first free one, others when they cannot be written. Some
    /// of them may have been.
    fn write(&self, place: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError>;

    /// Makes durable what was written.
    ///
    /// # Errors
    /// [`HashStoreError`] when it may not be durable.
    fn sync(&self) -> Result<(), HashStoreError>;

    /// The newest checkpoint, as it was kept.
    ///
    /// # Errors
    /// [`HashStoreError`] when it cannot be read.
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError>;

    /// Keeps a checkpoint, durably, in place of the one before.
    ///
    /// # Errors
    /// [`HashStoreError`] when it may not be kept.
    fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError>;

    /// Waits until nobody else has the hold, and has it until it is dropped.
    ///
    /// # Errors
    /// [`HashStoreError`] when it cannot be had.
    fn lock(&self) -> Result<WriteLock<'_>, HashStoreError>;
}

/// The right to write to a [`HashStore`], which one has at a time.
pub struct WriteLock<'a>(#[expect(dead_code, reason = "it is there to be dropped")] Box<dyn LockGuard + 'a>);

trait LockGuard {}
impl<T> LockGuard for T {}

impl<'a> WriteLock<'a> {
    /// The right that goes with a value, until that is dropped: the guard of a lock.
    pub fn new(guard: impl Sized + 'a) -> Self {
        Self(Box::new(guard))
    }
}

impl std::fmt::Debug for WriteLock<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteLock").finish_non_exhaustive()
    }
}

/// Why hashes cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HashStoreError {
    /// There are not so many.
    #[error("there is no hash at place {place}, expected one of {len}")]
    Missing {
        /// The place.
        place: u64,
        /// How many hashes there are.
        len: u64,
    },
    /// There are hashes missing before it.
    #[error("a hash cannot be written to place {place}, expected at most {len}")]
    Gap {
        /// The place.
        place: u64,
        /// How many hashes there are.
        len: u64,
    },
    /// The back-end failed.
    #[error("the hashes of the ledger cannot be kept")]
    Backend(#[source] Box<dyn Error + Send + Sync>),
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: HashStore + ?Sized> HashStore for $pointer {
            fn size(&self) -> Result<u64, HashStoreError> {
                (**self).size()
            }

            fn read(&self, places: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
                (**self).read(places)
            }

            fn write(&self, place: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
                (**self).write(place, hashes)
            }

            fn sync(&self) -> Result<(), HashStoreError> {
                (**self).sync()
            }

            fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError> {
                (**self).checkpoint()
            }

            fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError> {
                (**self).keep_checkpoint(checkpoint)
            }

            fn lock(&self) -> Result<WriteLock<'_>, HashStoreError> {
                (**self).lock()
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);

/// Hashes that are kept until the process ends.
#[derive(Debug, Default)]
pub struct MemoryHashes {
    kept: RwLock<MemoryState>,
    held: Mutex<()>,
}

#[derive(Debug, Default)]
struct MemoryState {
    hashes: Vec<TreeHash>,
    checkpoint: Option<Vec<u8>>,
}

impl MemoryHashes {
    /// No hashes yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl HashStore for MemoryHashes {
    fn size(&self) -> Result<u64, HashStoreError> {
        Ok(self.kept.read().unwrap_or_else(PoisonError::into_inner).hashes.len() as u64)
    }

    fn read(&self, places: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let len = kept.hashes.len() as u64;
        let at = |place: &u64| {
            let hash = usize::try_from(*place).ok().and_then(|place| kept.hashes.get(place));
            hash.copied().ok_or(HashStoreError::Missing { place: *place, len })
        };
        places.iter().map(at).collect()
    }

    fn write(&self, place: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let len = kept.hashes.len();
        let from = usize::try_from(place).ok().filter(|from| *from <= len);
        let from = from.ok_or(HashStoreError::Gap { place, len: len as u64 })?;
        let to = len.min(from + hashes.len());
        kept.hashes.splice(from..to, hashes.iter().copied());
        Ok(())
    }

    fn sync(&self) -> Result<(), HashStoreError> {
        Ok(())
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError> {
        Ok(self.kept.read().unwrap_or_else(PoisonError::into_inner).checkpoint.clone())
    }

    fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner).checkpoint = Some(checkpoint.to_vec());
        Ok(())
    }

    fn lock(&self) -> Result<WriteLock<'_>, HashStoreError> {
        Ok(WriteLock::new(self.held.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
