//! The tree over its stored hashes.

use std::ops::Range;
use std::sync::Arc;

use thiserror::Error;

use super::checkpoint::Checkpoint;
use super::hash::TreeHash;
use super::hashes::{HashStore, HashStoreError};
use super::layout::{hashes, parts, place, split};
use super::peaks::{Peaks, joined};

/// A Merkle tree as [RFC 6962, section 2.1](https://www.rfc-editor.org/rfc/rfc6962.html#section-2.1) has it, which only
/// grows. Its hashes lie in a [`HashStore`], less than two for each leaf; to add a leaf writes two on average, and a root
/// or a proof of any size that it ever had reads as many as the logarithm of that.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::ledger::{MemoryHashes, MerkleTree, TreeHash, proves_inclusion};
///
/// let leaves: Vec<TreeHash> = (0..5u8).map(|leaf| TreeHash::of_leaf(&[leaf])).collect();
/// let mut tree = MerkleTree::new(MemoryHashes::new());
/// tree.append(&leaves)?;
/// let path = tree.inclusion(3, 5)?;
/// assert!(proves_inclusion(&path, 3, &leaves[3], 5, &tree.root()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MerkleTree {
    hashes: Arc<dyn HashStore>,
    peaks: Peaks,
}

/// Why a tree does not tell.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TreeError {
    /// It never had as many leaves, or has no such leaf.
    #[error("the tree has {size} leaves, and no {asked}")]
    Beyond {
        /// How many it has.
        size: u64,
        /// How many, or which, it was asked for.
        asked: u64,
    },
    /// Its hashes cannot be read or written.
    #[error(transparent)]
    Hashes(#[from] HashStoreError),
}

impl MerkleTree {
    /// A tree without leaves. What lies among the hashes is written over as it grows.
    #[must_use]
    pub fn new(hashes: impl HashStore + 'static) -> Self {
        Self { hashes: Arc::new(hashes), peaks: Peaks::new() }
    }

    /// The tree of as many leaves, whose hashes were written before. Reads the few that its root is made of; whether it is
    /// the right one is told by the root.
    ///
    /// # Errors
    /// [`HashStoreError::Missing`] when there are fewer, others when they cannot be read.
    pub fn open(hashes: impl HashStore + 'static, size: u64) -> Result<Self, TreeError> {
        let empty = Self::new(hashes);
        empty.of_size(size)
    }

    /// The same hashes, with as many leaves.
    pub(super) fn of_size(&self, size: u64) -> Result<Self, TreeError> {
        let stored = self.hashes.size()?;
        let missing = HashStoreError::Missing { place: stored, len: stored };
        // A tree that cannot be ends here, before its places are reckoned with.
        if size > Checkpoint::MAX_SIZE || hashes(size) > stored {
            return Err(missing.into());
        }
        let places: Vec<u64> = parts(0..size).collect();
        let peaks = Peaks::of(size, self.hashes.read(&places)?).ok_or(missing)?;
        Ok(Self { hashes: Arc::clone(&self.hashes), peaks })
    }

    /// How many leaves it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.peaks.leaves()
    }

    /// Its root.
    #[must_use]
    pub fn root(&self) -> TreeHash {
        self.peaks.root()
    }

    /// Its edge.
    #[must_use]
    pub fn peaks(&self) -> &Peaks {
        &self.peaks
    }

    pub(super) fn hashes(&self) -> &Arc<dyn HashStore> {
        &self.hashes
    }

    /// Adds leaves. They are durable once the hashes are synced.
    ///
    /// # Errors
    /// [`HashStoreError`] when they cannot be written; the tree is as it was then.
    pub fn append(&mut self, leaves: &[TreeHash]) -> Result<(), TreeError> {
        let (first, mut peaks) = (hashes(self.size()), self.peaks.clone());
        let mut new = Vec::with_capacity(leaves.len() * 2);
        leaves.iter().for_each(|leaf| peaks.push_with(*leaf, |hash| new.push(hash)));
        self.hashes.write(first, &new)?;
        self.peaks = peaks;
        Ok(())
    }

    /// The root that it had when it had as many leaves.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn root_of(&self, size: u64) -> Result<TreeHash, TreeError> {
        self.has(size)?;
        let places: Vec<u64> = parts(0..size).collect();
        Ok(joined(&self.hashes.read(&places)?))
    }

    /// The hashes of some leaves, as they lie in the store.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn leaves(&self, range: Range<u64>) -> Result<Vec<TreeHash>, TreeError> {
        self.has(range.end)?;
        let places: Vec<u64> = range.map(|leaf| place(0, leaf)).collect();
        Ok(self.hashes.read(&places)?)
    }

    /// The hashes that came with a leaf, as they lie in the store: its own, and those of the subtrees that it completed.
    pub(super) fn came_with(&self, leaf: u64) -> Result<Vec<TreeHash>, TreeError> {
        self.has(leaf + 1)?;
        let places: Vec<u64> = (hashes(leaf)..hashes(leaf + 1)).collect();
        Ok(self.hashes.read(&places)?)
    }

    /// The path that proves that leaf `index`, counted from 0, is in the tree of `size` leaves: RFC 6962, section 2.1.1,
    /// from the leaf's neighbour up.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<TreeHash>, TreeError> {
        self.has(size)?;
        if index >= size {
            return Err(TreeError::Beyond { size, asked: index });
        }
        let (mut range, mut beside) = (0..size, Vec::new());
        while range.end - range.start > 1 {
            let middle = range.start + split(range.end - range.start);
            let other = if index < middle { middle..range.end } else { range.start..middle };
            range = if index < middle { range.start..middle } else { middle..range.end };
            beside.push(other);
        }
        self.joined_upwards(beside)
    }

    /// The path that proves that the tree of `size` leaves begins with the one of `earlier` leaves: RFC 6962, section
    /// 2.1.2. Empty when there were none, or both are the same.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn consistency(&self, earlier: u64, size: u64) -> Result<Vec<TreeHash>, TreeError> {
        self.has(size)?;
        if earlier > size {
            return Err(TreeError::Beyond { size, asked: earlier });
        }
        if earlier == 0 {
            return Ok(Vec::new());
        }
        let (mut range, mut beside) = (0..size, Vec::new());
        while earlier < range.end {
            let middle = range.start + split(range.end - range.start);
            let other = if earlier <= middle { middle..range.end } else { range.start..middle };
            range = if earlier <= middle { range.start..middle } else { middle..range.end };
            beside.push(other);
        }
        // Whoever checks has the root of the earlier tree, and needs not be told this one if it is that.
        if range.start > 0 {
            beside.push(range);
        }
        self.joined_upwards(beside)
    }

    /// The hash of each of these ranges, the last first.
    fn joined_upwards(&self, ranges: Vec<Range<u64>>) -> Result<Vec<TreeHash>, TreeError> {
        let places: Vec<Vec<u64>> = ranges.into_iter().rev().map(|range| parts(range).collect()).collect();
        let read = self.hashes.read(&places.concat())?;
        let mut rest = read.as_slice();
        let next = |places: &Vec<u64>| {
            let (these, others) = rest.split_at_checked(places.len()).unwrap_or((rest, &[]));
            rest = others;
            joined(these)
        };
        Ok(places.iter().map(next).collect())
    }

    fn has(&self, asked: u64) -> Result<(), TreeError> {
        let size = self.size();
        if asked > size { Err(TreeError::Beyond { size, asked }) } else { Ok(()) }
    }
}

impl std::fmt::Debug for MerkleTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MerkleTree").field("peaks", &self.peaks).finish_non_exhaustive()
    }
}
