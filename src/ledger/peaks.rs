//! The peaks of a tree.

use super::hash::TreeHash;

/// The roots of the complete subtrees of a tree, from the largest on the left to the smallest. They are sufficient to
/// add leaves and to compute the root, in memory logarithmic in the number of leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peaks {
    leaves: u64,
    /// INVARIANT: one hash for each set bit of the number of leaves, the highest bit first.
    hashes: Vec<TreeHash>,
}

impl Peaks {
    /// Creates the peaks of a tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns `None` if the number of hashes does not match the number of leaves.
    pub(super) fn of(leaves: u64, hashes: Vec<TreeHash>) -> Option<Self> {
        (hashes.len() == leaves.count_ones() as usize).then_some(Self { leaves, hashes })
    }

    /// Returns the number of leaves in the tree.
    #[must_use]
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: TreeHash) {
        self.push_with(leaf, |_| ());
    }

    /// Adds a leaf, and passes each new hash to `add`: that of the leaf, then those of the subtrees that it completes,
    /// the smallest first.
    pub(super) fn push_with(&mut self, leaf: TreeHash, mut add: impl FnMut(TreeHash)) {
        let mut hash = leaf;
        add(hash);
        for _ in 0..self.leaves.trailing_ones() {
            // INVARIANT: there is a peak for each of these bits.
            if let Some(left) = self.hashes.pop() {
                hash = TreeHash::of_node(&left, &hash);
                add(hash);
            }
        }
        self.hashes.push(hash);
        self.leaves += 1;
    }

    /// Returns the root of the tree.
    #[must_use]
    pub fn root(&self) -> TreeHash {
        joined(&self.hashes)
    }
}

/// Returns the hash over adjacent complete subtrees, each smaller than the one to its left.
pub(super) fn joined(parts: &[TreeHash]) -> TreeHash {
    let mut from_the_right = parts.iter().rev();
    let Some(smallest) = from_the_right.next() else { return TreeHash::of_nothing() };
    from_the_right.fold(*smallest, |right, left| TreeHash::of_node(left, &right))
}
