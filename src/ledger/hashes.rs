//! The port for storing the hashes of a tree, and an implementation in memory.

use std::error::Error;
use std::sync::{Arc, PoisonError};

use thiserror::Error;

use super::hash::TreeHash;
use crate::sync::{Mutex, RwLock};

/// A store for the hashes of a tree, each at a fixed position, and for the newest checkpoint.
///
/// All hashes can be computed again from the records. Storing them saves that time.
///
/// # Contract
/// - **Order.** Hashes are written without gaps: to a position that is in use, or to the first free one. Every handle
///   reads a hash once it was written.
/// - **Idempotency.** A position may be written again, with the same hash or another one: hashes beyond the newest
///   checkpoint are not trusted, and are computed again.
/// - **Durability.** A write need not be durable before [`sync`](Self::sync) returns. A crash may truncate or corrupt
///   only hashes written after the last sync. A checkpoint is durable when `keep_checkpoint` returns, and a crash
///   leaves either the previous or the new one, complete.
/// - **Errors.** The safe wrong answer is an error: there is then no checkpoint and no proof, and recording is not
///   affected.
/// - **Concurrency.** Methods are called from any thread, through any number of handles, in any number of processes.
///   One caller at a time, among all of them, holds the [write lock](Self::lock). A process that ends releases it.
pub trait HashStore: Send + Sync {
    /// Returns the number of hashes.
    ///
    /// # Errors
    /// Returns [`HashStoreError`] if it cannot be read.
    fn size(&self) -> Result<u64, HashStoreError>;

    /// Returns the hashes at the given positions, in that order.
    ///
    /// # Errors
    /// Returns [`HashStoreError::Missing`] if there are fewer hashes, and other errors if they cannot be read.
    fn read(&self, positions: &[u64]) -> Result<Vec<TreeHash>, HashStoreError>;

    /// Writes adjacent hashes, the first to the given position.
    ///
    /// # Errors
    /// Returns [`HashStoreError::Gap`] if the position is beyond the first free one, and other errors if they cannot be
    /// written. Some of them may have been written then.
    fn write(&self, position: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError>;

    /// Makes all written hashes durable.
    ///
    /// # Errors
    /// Returns [`HashStoreError`] if they might not be durable.
    fn sync(&self) -> Result<(), HashStoreError>;

    /// Returns the newest checkpoint, byte for byte, or `None` if there is none.
    ///
    /// # Errors
    /// Returns [`HashStoreError`] if it cannot be read.
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError>;

    /// Replaces the stored checkpoint durably.
    ///
    /// # Errors
    /// Returns [`HashStoreError`] if it might not be stored.
    fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError>;

    /// Waits for the write lock, and holds it until the returned value is dropped.
    ///
    /// # Errors
    /// Returns [`HashStoreError`] if the lock cannot be acquired.
    fn lock(&self) -> Result<WriteLock<'_>, HashStoreError>;
}

/// The exclusive right to write to a [`HashStore`]. Dropping it releases the lock.
pub struct WriteLock<'a>(#[expect(dead_code, reason = "dropping it releases the lock")] Box<dyn LockGuard + 'a>);

trait LockGuard {}
impl<T> LockGuard for T {}

impl<'a> WriteLock<'a> {
    /// Creates a write lock that lasts until `guard` is dropped.
    pub fn new(guard: impl Sized + 'a) -> Self {
        Self(Box::new(guard))
    }
}

impl std::fmt::Debug for WriteLock<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteLock").finish_non_exhaustive()
    }
}

/// The reason why hashes could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HashStoreError {
    /// There are fewer hashes.
    #[error("no hash at position {position}; the store has {len} hashes")]
    Missing {
        /// The position.
        position: u64,
        /// The number of hashes.
        len: u64,
    },
    /// The position is beyond the first free one.
    #[error("cannot write a hash to position {position}, expected at most {len}")]
    Gap {
        /// The position.
        position: u64,
        /// The number of hashes.
        len: u64,
    },
    /// The back end failed.
    #[error("the hash store failed")]
    Backend(#[source] Box<dyn Error + Send + Sync>),
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: HashStore + ?Sized> HashStore for $pointer {
            fn size(&self) -> Result<u64, HashStoreError> {
                (**self).size()
            }

            fn read(&self, positions: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
                (**self).read(positions)
            }

            fn write(&self, position: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
                (**self).write(position, hashes)
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

/// A [`HashStore`] in memory.
#[derive(Debug, Default)]
pub struct MemoryHashes {
    state: RwLock<MemoryState>,
    lock: Mutex<()>,
}

#[derive(Debug, Default)]
struct MemoryState {
    hashes: Vec<TreeHash>,
    checkpoint: Option<Vec<u8>>,
}

impl MemoryHashes {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl HashStore for MemoryHashes {
    fn size(&self) -> Result<u64, HashStoreError> {
        Ok(self.state.read().unwrap_or_else(PoisonError::into_inner).hashes.len() as u64)
    }

    fn read(&self, positions: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let len = state.hashes.len() as u64;
        let at = |position: &u64| {
            let hash = usize::try_from(*position).ok().and_then(|position| state.hashes.get(position));
            hash.copied().ok_or(HashStoreError::Missing { position: *position, len })
        };
        positions.iter().map(at).collect()
    }

    fn write(&self, position: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let len = state.hashes.len();
        let from = usize::try_from(position).ok().filter(|from| *from <= len);
        let from = from.ok_or(HashStoreError::Gap { position, len: len as u64 })?;
        let to = len.min(from + hashes.len());
        state.hashes.splice(from..to, hashes.iter().copied());
        Ok(())
    }

    fn sync(&self) -> Result<(), HashStoreError> {
        Ok(())
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError> {
        Ok(self.state.read().unwrap_or_else(PoisonError::into_inner).checkpoint.clone())
    }

    fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError> {
        self.state.write().unwrap_or_else(PoisonError::into_inner).checkpoint = Some(checkpoint.to_vec());
        Ok(())
    }

    fn lock(&self) -> Result<WriteLock<'_>, HashStoreError> {
        Ok(WriteLock::new(self.lock.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
