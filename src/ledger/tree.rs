//! The Merkle tree over stored hashes.

use std::ops::Range;
use std::sync::Arc;

use thiserror::Error;

use super::checkpoint::Checkpoint;
use super::hash::TreeHash;
use super::hashes::{HashStore, HashStoreError};
use super::layout::{hashes, parts, position, split};
use super::peaks::{Peaks, joined};

/// An append-only Merkle tree as in [RFC 6962, section 2.1](https://www.rfc-editor.org/rfc/rfc6962.html#section-2.1).
/// Its hashes are in a [`HashStore`], less than two per leaf. Adding a leaf writes two hashes on average. Computing a
/// root or a proof of any size that the tree had reads O(log n) hashes.
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

/// The reason why a tree returned no result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TreeError {
    /// The requested size is beyond the end of the tree.
    #[error("{requested} leaves were requested, but the tree has {size}")]
    Beyond {
        /// The number of leaves.
        size: u64,
        /// The requested size.
        requested: u64,
    },
    /// The leaf is not in the tree of the requested size.
    #[error("there is no leaf {index} in the tree of {size} leaves; leaves are counted from 0")]
    NoLeaf {
        /// The requested index.
        index: u64,
        /// The requested size.
        size: u64,
    },
    /// The earlier one of two sizes is greater than the later one.
    #[error("the earlier size {earlier} is greater than the later size {size}")]
    Order {
        /// The requested earlier size.
        earlier: u64,
        /// The requested later size.
        size: u64,
    },
    /// The hashes cannot be read or written.
    #[error(transparent)]
    Hashes(#[from] HashStoreError),
}

impl MerkleTree {
    /// Creates a tree without leaves. Hashes in the store are overwritten as it grows.
    #[must_use]
    pub fn new(hashes: impl HashStore + 'static) -> Self {
        Self { hashes: Arc::new(hashes), peaks: Peaks::new() }
    }

    /// Opens the tree of the first `size` leaves in a store. Reads only the peaks; compare the root to verify that it
    /// is the expected tree.
    ///
    /// # Errors
    /// Returns [`HashStoreError::Missing`] if there are fewer leaves, and other errors if the hashes cannot be read.
    pub fn open(hashes: impl HashStore + 'static, size: u64) -> Result<Self, TreeError> {
        let empty = Self::new(hashes);
        empty.of_size(size)
    }

    /// Returns a tree of the first `size` leaves in the same store.
    pub(super) fn of_size(&self, size: u64) -> Result<Self, TreeError> {
        let stored = self.hashes.size()?;
        let missing = HashStoreError::Missing { position: stored, len: stored };
        // An impossible size is rejected before its positions are computed.
        if size > Checkpoint::MAX_SIZE || hashes(size) > stored {
            return Err(missing.into());
        }
        let positions: Vec<u64> = parts(0..size).collect();
        let peaks = Peaks::of(size, self.hashes.read(&positions)?).ok_or(missing)?;
        Ok(Self { hashes: Arc::clone(&self.hashes), peaks })
    }

    /// Returns the number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.peaks.leaves()
    }

    /// Returns the root.
    #[must_use]
    pub fn root(&self) -> TreeHash {
        self.peaks.root()
    }

    /// Returns the peaks.
    #[must_use]
    pub fn peaks(&self) -> &Peaks {
        &self.peaks
    }

    pub(super) fn hashes(&self) -> &Arc<dyn HashStore> {
        &self.hashes
    }

    /// Adds leaves. They are durable once the hash store is synced.
    ///
    /// # Errors
    /// Returns [`HashStoreError`] if they cannot be written. The tree is unchanged then.
    pub fn append(&mut self, leaves: &[TreeHash]) -> Result<(), TreeError> {
        let (first, mut peaks) = (hashes(self.size()), self.peaks.clone());
        let mut new = Vec::with_capacity(leaves.len() * 2);
        leaves.iter().for_each(|leaf| peaks.push_with(*leaf, |hash| new.push(hash)));
        self.hashes.write(first, &new)?;
        self.peaks = peaks;
        Ok(())
    }

    /// Returns the root that the tree had when it had `size` leaves.
    ///
    /// # Errors
    /// Returns [`TreeError`] if the tree has fewer leaves, or the hashes cannot be read.
    pub fn root_of(&self, size: u64) -> Result<TreeHash, TreeError> {
        self.has(size)?;
        let positions: Vec<u64> = parts(0..size).collect();
        Ok(joined(&self.hashes.read(&positions)?))
    }

    /// Returns the stored hashes of a range of leaves.
    ///
    /// # Errors
    /// Returns [`TreeError`] if the tree has fewer leaves, or the hashes cannot be read.
    pub fn leaves(&self, range: Range<u64>) -> Result<Vec<TreeHash>, TreeError> {
        self.has(range.end)?;
        let positions: Vec<u64> = range.map(|leaf| position(0, leaf)).collect();
        Ok(self.hashes.read(&positions)?)
    }

    /// Returns the stored hashes that were added with a leaf: its own, and those of the subtrees that it completed.
    pub(super) fn hashes_added_with(&self, leaf: u64) -> Result<Vec<TreeHash>, TreeError> {
        self.has(leaf + 1)?;
        let positions: Vec<u64> = (hashes(leaf)..hashes(leaf + 1)).collect();
        Ok(self.hashes.read(&positions)?)
    }

    /// Returns the path that proves that leaf `index`, from 0, is in the tree of `size` leaves: RFC 6962, section
    /// 2.1.1, from the leaf's sibling to the root.
    ///
    /// # Errors
    /// Returns [`TreeError`] if the tree has fewer leaves, if the leaf is not among the first `size`, or if the hashes
    /// cannot be read.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<TreeHash>, TreeError> {
        self.has(size)?;
        if index >= size {
            return Err(TreeError::NoLeaf { index, size });
        }
        let (mut range, mut siblings) = (0..size, Vec::new());
        while range.end - range.start > 1 {
            let middle = range.start + split(range.end - range.start);
            let other = if index < middle { middle..range.end } else { range.start..middle };
            range = if index < middle { range.start..middle } else { middle..range.end };
            siblings.push(other);
        }
        self.joined_upwards(siblings)
    }

    /// Returns the path that proves that the tree of `size` leaves begins with the tree of `earlier` leaves: RFC 6962,
    /// section 2.1.2. It is empty if `earlier` is 0 or equal to `size`.
    ///
    /// # Errors
    /// Returns [`TreeError`] if the tree has fewer leaves, if `earlier` is greater than `size`, or if the hashes cannot
    /// be read.
    pub fn consistency(&self, earlier: u64, size: u64) -> Result<Vec<TreeHash>, TreeError> {
        self.has(size)?;
        if earlier > size {
            return Err(TreeError::Order { earlier, size });
        }
        if earlier == 0 {
            return Ok(Vec::new());
        }
        let (mut range, mut siblings) = (0..size, Vec::new());
        while earlier < range.end {
            let middle = range.start + split(range.end - range.start);
            let other = if earlier <= middle { middle..range.end } else { range.start..middle };
            range = if earlier <= middle { range.start..middle } else { middle..range.end };
            siblings.push(other);
        }
        // The verifier has the root of the earlier tree, so the path omits it.
        if range.start > 0 {
            siblings.push(range);
        }
        self.joined_upwards(siblings)
    }

    /// Returns the hash of each range, the last range first.
    fn joined_upwards(&self, ranges: Vec<Range<u64>>) -> Result<Vec<TreeHash>, TreeError> {
        let positions: Vec<Vec<u64>> = ranges.into_iter().rev().map(|range| parts(range).collect()).collect();
        let read = self.hashes.read(&positions.concat())?;
        let mut rest = read.as_slice();
        let next = |positions: &Vec<u64>| {
            let (these, others) = rest.split_at_checked(positions.len()).unwrap_or((rest, &[]));
            rest = others;
            joined(these)
        };
        Ok(positions.iter().map(next).collect())
    }

    fn has(&self, requested: u64) -> Result<(), TreeError> {
        let size = self.size();
        if requested > size { Err(TreeError::Beyond { size, requested }) } else { Ok(()) }
    }
}

impl std::fmt::Debug for MerkleTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MerkleTree").field("peaks", &self.peaks).finish_non_exhaustive()
    }
}
