//! A tree of which only the edge is held.

use super::hash::TreeHash;

/// The complete subtrees that a tree consists of, from the largest on the left to the smallest: what is enough to add
/// leaves and to tell the root, in memory that grows with the logarithm of the leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peaks {
    leaves: u64,
    /// INVARIANT: one for each bit that is set in the number of leaves, the highest first.
    hashes: Vec<TreeHash>,
}

impl Peaks {
    /// A tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// None when there are not as many as a tree of so many leaves has.
    pub(super) fn of(leaves: u64, hashes: Vec<TreeHash>) -> Option<Self> {
        (hashes.len() == leaves.count_ones() as usize).then_some(Self { leaves, hashes })
    }

    /// How many leaves the tree has.
    #[must_use]
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: TreeHash) {
        self.push_with(leaf, |_| ());
    }

    /// Adds a leaf, and tells the hashes that came with it: its own, then those of the subtrees that it completes, the
    /// smallest first.
    pub(super) fn push_with(&mut self, leaf: TreeHash, mut tell: impl FnMut(TreeHash)) {
        let mut hash = leaf;
        tell(hash);
        for _ in 0..self.leaves.trailing_ones() {
            // INVARIANT: there is one for each of these bits.
            if let Some(left) = self.hashes.pop() {
                hash = TreeHash::of_node(&left, &hash);
                tell(hash);
            }
        }
        self.hashes.push(hash);
        self.leaves += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> TreeHash {
        joined(&self.hashes)
    }
}

/// The hash over complete subtrees that stand side by side, each smaller than the one to its left.
pub(super) fn joined(parts: &[TreeHash]) -> TreeHash {
    let mut from_the_right = parts.iter().rev();
    let Some(smallest) = from_the_right.next() else { return TreeHash::of_nothing() };
    from_the_right.fold(*smallest, |right, left| TreeHash::of_node(left, &right))
}
