//! Where the hashes of a tree lie that only grows.
//!
//! Every complete subtree has its place for ever: the leaves in their order, and behind each leaf the subtrees that it
//! completes, the smallest first. It is the layout of Crosby and Wallach, "Efficient Data Structures for Tamper-Evident
//! Logging", section 3.3, which Go's
//! [`tlog.StoredHashIndex`](https://pkg.go.dev/golang.org/x/mod/sumdb/tlog#StoredHashIndex) has too.

use std::ops::Range;

/// Where the `number`th complete subtree of `2^level` leaves lies.
pub(super) fn place(level: u32, number: u64) -> u64 {
    // Its last leaf lies before it, and behind that leaf one smaller subtree after the other.
    let last_leaf = ((number + 1) << level) - 1;
    hashes(last_leaf) + u64::from(level)
}

/// How many hashes a tree of so many leaves has: each leaf, and each pair, pair of pairs and so on that is complete.
/// Less than two for each leaf.
pub(super) fn hashes(leaves: u64) -> u64 {
    2 * leaves - u64::from(leaves.count_ones())
}

/// The complete subtrees, by place, that make up the leaves of a range from left to right.
pub(super) fn parts(range: Range<u64>) -> impl Iterator<Item = u64> {
    let Range { mut start, end } = range;
    std::iter::from_fn(move || {
        let left = end.checked_sub(start).filter(|left| *left > 0)?;
        // As large as it fits in, and no larger than where it begins allows.
        let level = left.ilog2().min(start.trailing_zeros());
        let place = place(level, start >> level);
        start += 1 << level;
        Some(place)
    })
}

/// Where a tree of so many leaves, two at least, parts into its left and its right subtree: the largest power of two
/// below it.
pub(super) fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}
