//! Verification of Merkle proofs.

use super::hash::TreeHash;

/// Returns whether `path` proves that the leaf at `index`, from 0, of the tree with this size and root has this hash:
/// [RFC 9162, section 2.1.3.2](https://www.rfc-editor.org/rfc/rfc9162.html#section-2.1.3.2).
///
/// ```
/// use activity_privacy::ledger::{TreeHash, proves_inclusion};
///
/// let [first, second] = [b"first", b"other"].map(|leaf| TreeHash::of_leaf(leaf));
/// let root = TreeHash::of_node(&first, &second);
/// assert!(proves_inclusion(&[second], 0, &first, 2, &root));
/// assert!(!proves_inclusion(&[second], 1, &first, 2, &root));
/// ```
#[must_use]
pub fn proves_inclusion(path: &[TreeHash], index: u64, leaf: &TreeHash, size: u64, root: &TreeHash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if is_right(node) || node == last {
            hash = TreeHash::of_node(sibling, &hash);
            // On the right edge, a node has no sibling on some levels. Skip to the level where it has one.
            let levels = if node == 0 { 0 } else { node.trailing_zeros() };
            (node, last) = (node >> levels, last >> levels);
        } else {
            hash = TreeHash::of_node(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// Returns whether `path` proves that the tree with `size` and `root` begins with the tree with `earlier_size` and
/// `earlier_root`: [RFC 9162, section 2.1.4.2](https://www.rfc-editor.org/rfc/rfc9162.html#section-2.1.4.2). Every tree
/// begins with the empty tree and with itself; the path is then empty.
#[must_use]
pub fn proves_consistency(
    path: &[TreeHash],
    earlier_size: u64,
    earlier_root: &TreeHash,
    size: u64,
    root: &TreeHash,
) -> bool {
    if earlier_size == 0 || earlier_size == size {
        let earlier_is_right =
            if earlier_size == 0 { *earlier_root == TreeHash::of_nothing() } else { earlier_root == root };
        return path.is_empty() && earlier_is_right && (size > 0 || *root == TreeHash::of_nothing());
    }
    if earlier_size > size {
        return false;
    }
    // An earlier tree of 2^n leaves is a subtree of the later one, and the path starts at its root.
    let mut path = path.iter();
    let begins = if earlier_size.is_power_of_two() { Some(earlier_root) } else { path.next() };
    let Some(begins) = begins else { return false };
    let whole = (earlier_size - 1).trailing_ones();
    let (mut node, mut last) = ((earlier_size - 1) >> whole, (size - 1) >> whole);
    let (mut earlier, mut later) = (*begins, *begins);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if is_right(node) || node == last {
            earlier = TreeHash::of_node(sibling, &earlier);
            later = TreeHash::of_node(sibling, &later);
            let levels = if node == 0 { 0 } else { node.trailing_zeros() };
            (node, last) = (node >> levels, last >> levels);
        } else {
            later = TreeHash::of_node(&later, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && earlier == *earlier_root && later == *root
}

fn is_right(node: u64) -> bool {
    node & 1 == 1
}
