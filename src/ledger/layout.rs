//! The storage layout of an append-only tree.
//!
//! Every complete subtree has a fixed position: the leaves in order, each followed by the subtrees that it completes,
//! the smallest first. This is the layout of Crosby and Wallach, "Efficient Data Structures for Tamper-Evident
//! Logging", section 3.3, and of Go's
//! [`tlog.StoredHashIndex`](https://pkg.go.dev/golang.org/x/mod/sumdb/tlog#StoredHashIndex).

use std::ops::Range;

/// Returns the position of the `number`th complete subtree of `2^level` leaves.
pub(super) fn position(level: u32, number: u64) -> u64 {
    // It follows its last leaf and the smaller subtrees that the leaf completes.
    let last_leaf = ((number + 1) << level) - 1;
    hashes(last_leaf) + u64::from(level)
}

/// Returns the number of hashes stored for a tree of `leaves` leaves: one for each leaf and each complete subtree, less
/// than two per leaf.
pub(super) fn hashes(leaves: u64) -> u64 {
    2 * leaves - u64::from(leaves.count_ones())
}

/// Returns the positions of the complete subtrees that cover a range of leaves, from left to right.
pub(super) fn parts(range: Range<u64>) -> impl Iterator<Item = u64> {
    let Range { mut start, end } = range;
    std::iter::from_fn(move || {
        let left = end.checked_sub(start).filter(|left| *left > 0)?;
        // The largest subtree that fits the range and is aligned with its start.
        let level = left.ilog2().min(start.trailing_zeros());
        let position = position(level, start >> level);
        start += 1 << level;
        Some(position)
    })
}

/// Returns the number of leaves in the left subtree of a tree of at least two leaves: the largest power of two below
/// its size.
pub(super) fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}
