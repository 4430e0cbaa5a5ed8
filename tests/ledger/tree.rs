//! The tree, compared with its definition in RFC 6962 and with two other implementations.

use activity_privacy::ledger::{
    HashStore, MemoryHashes, MerkleTree, Peaks, TreeError, TreeHash, proves_consistency, proves_inclusion,
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;
use tlog_tiles::{Hash, HashReader};

pub(crate) fn leaf(number: u64) -> Vec<u8> {
    format!("leaf {number}").into_bytes()
}

fn leaves(size: u64) -> Vec<TreeHash> {
    (0..size).map(|number| TreeHash::of_leaf(&leaf(number))).collect()
}

fn tree(size: u64) -> MerkleTree {
    let mut tree = MerkleTree::new(MemoryHashes::new());
    tree.append(&leaves(size)).unwrap();
    tree
}

/// The definition in RFC 6962, section 2.1.
fn root(leaves: &[TreeHash]) -> TreeHash {
    match leaves {
        [] => TreeHash::of_nothing(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(largest_power_below(leaves.len()));
            TreeHash::of_node(&root(left), &root(right))
        }
    }
}

/// RFC 6962, section 2.1.1.
fn path(index: usize, leaves: &[TreeHash]) -> Vec<TreeHash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = largest_power_below(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, beside) =
        if index < k { (path(index, left), root(right)) } else { (path(index - k, right), root(left)) };
    path.push(beside);
    path
}

/// RFC 6962, section 2.1.2.
fn subproof(earlier: usize, leaves: &[TreeHash], is_whole: bool) -> Vec<TreeHash> {
    if earlier == leaves.len() {
        return if is_whole { Vec::new() } else { vec![root(leaves)] };
    }
    let k = largest_power_below(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, beside) = if earlier <= k {
        (subproof(earlier, left, is_whole), root(right))
    } else {
        (subproof(earlier - k, right, false), root(left))
    };
    proof.push(beside);
    proof
}

fn largest_power_below(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// Returns every small mutation of a proof.
fn mutations(path: &[TreeHash]) -> Vec<Vec<TreeHash>> {
    let mut mutations = Vec::new();
    for at in 0..path.len() {
        for bit in [0, 131, 255] {
            let mut other = path.to_vec();
            other[at].0[bit / 8] ^= 1 << (bit % 8);
            mutations.push(other);
        }
        mutations.push([&path[..at], &path[at + 1..]].concat());
        mutations.push([&path[..=at], &path[at..]].concat());
        if at > 0 && path[at] != path[at - 1] {
            let mut other = path.to_vec();
            other.swap(at, at - 1);
            mutations.push(other);
        }
    }
    mutations.push([path, &[TreeHash::of_nothing()]].concat());
    mutations.push([&[TreeHash::of_nothing()], path].concat());
    mutations
}

#[test]
fn g6_tree_matches_rfc_6962_for_small_sizes() {
    let all = leaves(70);
    let tree = tree(70);
    for size in 0..=70usize {
        let root = root(&all[..size]);
        assert_eq!(tree.root_of(size as u64).unwrap(), root, "{size}");
        assert_eq!(MerkleTree::open(written(size as u64), size as u64).unwrap().root(), root);
        for index in 0..size {
            let proof = tree.inclusion(index as u64, size as u64).unwrap();
            assert_eq!(proof, path(index, &all[..size]), "{index} of {size}");
        }
        for earlier in 1..=size {
            let proof = tree.consistency(earlier as u64, size as u64).unwrap();
            assert_eq!(proof, subproof(earlier, &all[..size], true), "{earlier} of {size}");
        }
    }
}

/// Returns the hashes of a tree that was built leaf by leaf, at the positions that `tlog_tiles` computes.
fn written(size: u64) -> MemoryHashes {
    let hashes = MemoryHashes::new();
    let mut next = 0;
    for number in 0..size {
        let reader = Others(&hashes);
        for hash in tlog_tiles::stored_hashes(number, &leaf(number), &reader).unwrap() {
            assert_eq!(next, hashes.size().unwrap());
            hashes.write(next, &[TreeHash(hash.0)]).unwrap();
            next += 1;
        }
    }
    assert_eq!(next, tlog_tiles::stored_hash_count(size));
    hashes
}

/// A reader of these hashes for `tlog_tiles`.
struct Others<'a>(&'a dyn HashStore);

impl HashReader for Others<'_> {
    fn read_hashes(&self, positions: &[u64]) -> Result<Vec<Hash>, tlog_tiles::tlog::Error> {
        Ok(self.0.read(positions).unwrap().into_iter().map(|hash| Hash(hash.0)).collect())
    }
}

#[test]
fn g6_no_mutated_proof_verifies() {
    for size in [1, 2, 3, 5, 8, 13, 16, 31, 33] {
        let (all, tree) = (leaves(size), tree(size));
        let root = tree.root();
        for index in 0..size {
            let (proof, leaf) = (tree.inclusion(index, size).unwrap(), &all[index as usize]);
            assert!(proves_inclusion(&proof, index, leaf, size, &root));
            for other in mutations(&proof) {
                assert!(!proves_inclusion(&other, index, leaf, size, &root), "{index} of {size}");
            }
            for other in (0..size + 70).filter(|other| *other != index) {
                assert!(!proves_inclusion(&proof, other, leaf, size, &root), "{index} as {other} of {size}");
            }
            let other = TreeHash::of_leaf(b"another");
            assert!(!proves_inclusion(&proof, index, &other, size, &root));
            assert!(!proves_inclusion(&proof, index, leaf, size, &other));
        }
        for earlier in 1..size {
            let proof = tree.consistency(earlier, size).unwrap();
            let before = tree.root_of(earlier).unwrap();
            assert!(proves_consistency(&proof, earlier, &before, size, &root), "{earlier} of {size}");
            for other in mutations(&proof) {
                assert!(!proves_consistency(&other, earlier, &before, size, &root), "{earlier} of {size}");
            }
            let other = TreeHash::of_leaf(b"another");
            assert!(!proves_consistency(&proof, earlier, &other, size, &root));
            assert!(!proves_consistency(&proof, earlier, &before, size, &other));
            assert!(!proves_consistency(&proof, size, &root, earlier, &before));
        }
    }
}

/// A path longer than the height of the tree must not verify.
#[test]
fn g6_path_longer_than_tree_fails() {
    let (all, tree) = (leaves(2), tree(2));
    assert!(proves_inclusion(&[all[0]], 1, &all[1], 2, &tree.root()));
    assert!(!proves_inclusion(&[all[0]], 0, &all[1], 1, &tree.root()));
    // The same for two roots, constructed so that a longer path would lead to both.
    let [one, two, three, more] = [1, 2, 3, 4].map(|byte| TreeHash([byte; 32]));
    let earlier = TreeHash::of_node(&three, &one);
    let later = TreeHash::of_node(&three, &TreeHash::of_node(&one, &two));
    assert!(proves_consistency(&[one, two, three], 3, &earlier, 4, &later));
    let [earlier, later] = [earlier, later].map(|root| TreeHash::of_node(&more, &root));
    assert!(!proves_consistency(&[one, two, three, more], 3, &earlier, 4, &later));
}

#[test]
fn g6_tree_is_consistent_with_itself_and_empty_tree() {
    let (tree, nothing) = (tree(5), TreeHash::of_nothing());
    let root = tree.root();
    assert_eq!(tree.consistency(0, 5).unwrap(), []);
    assert!(proves_consistency(&[], 0, &nothing, 5, &root));
    assert!(proves_consistency(&[], 0, &nothing, 0, &nothing));
    assert!(proves_consistency(&[], 5, &root, 5, &root));
    assert!(!proves_consistency(&[], 0, &root, 5, &root));
    assert!(!proves_consistency(&[], 0, &nothing, 0, &root));
    assert!(!proves_consistency(&[], 5, &nothing, 5, &root));
    assert!(!proves_consistency(&[root], 5, &root, 5, &root));
    assert!(!proves_consistency(&[root], 0, &nothing, 5, &root));
    assert!(!proves_consistency(&[], 4, &root, 5, &root));
}

#[test]
fn g6_tree_rejects_sizes_it_never_had() {
    let tree = tree(5);
    assert!(tree.root_of(6).is_err());
    assert!(matches!(tree.inclusion(4, 3), Err(TreeError::NoLeaf { index: 4, size: 3 })));
    assert!(tree.inclusion(5, 5).is_err());
    assert!(tree.inclusion(0, 6).is_err());
    assert!(tree.consistency(4, 6).is_err());
    assert!(matches!(tree.consistency(5, 4), Err(TreeError::Order { earlier: 5, size: 4 })));
    assert!(tree.leaves(4..6).is_err());
    for size in [6, 1 << 40, u64::MAX / 2, u64::MAX] {
        assert!(MerkleTree::open(written(5), size).is_err(), "{size}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn g6_roots_and_proofs_match_ct_merkle_and_tlog_tiles(
        size in 1u64..400,
        index in any::<prop::sample::Index>(),
        earlier in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let (index, earlier) = (index.index(size as usize) as u64, earlier.index(size as usize) as u64 + 1);
        // Appended in two parts, split anywhere.
        let cut = cut.index(size as usize);
        let (all, hashes) = (leaves(size), std::sync::Arc::new(MemoryHashes::new()));
        let mut tree = MerkleTree::new(std::sync::Arc::clone(&hashes));
        tree.append(&all[..cut]).unwrap();
        tree.append(&all[cut..]).unwrap();
        let mut peaks = Peaks::new();
        all.iter().for_each(|leaf| peaks.push(*leaf));
        prop_assert_eq!(tree.root(), peaks.root());
        prop_assert_eq!(tree.leaves(0..size).unwrap(), all.clone());

        let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        (0..size).for_each(|number| theirs.push(leaf(number)));
        let as_bytes = |hashes: Vec<TreeHash>| hashes.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>();
        prop_assert_eq!(tree.root().0.to_vec(), theirs.root().as_bytes().to_vec());
        let path = tree.inclusion(index, size).unwrap();
        prop_assert_eq!(as_bytes(path.clone()), theirs.prove_inclusion(index as usize).as_bytes().to_vec());
        let proof = tree.consistency(earlier, size).unwrap();
        let added = (size - earlier) as usize;
        if added > 0 {
            prop_assert_eq!(as_bytes(proof.clone()), theirs.prove_consistency(added).as_bytes().to_vec());
        }

        let reader = Others(&*hashes);
        prop_assert_eq!(tlog_tiles::stored_hash_count(size), hashes.size().unwrap());
        prop_assert!(hashes.size().unwrap() < 2 * size);
        prop_assert_eq!(tlog_tiles::tree_hash(size, &reader).unwrap().0, tree.root().0);
        let convert = |path: &[TreeHash]| path.iter().map(|hash| Hash(hash.0)).collect::<Vec<_>>();
        let (whole, before) = (tree.root(), tree.root_of(earlier).unwrap());
        tlog_tiles::check_record(&convert(&path), size, Hash(whole.0), index, Hash(all[index as usize].0)).unwrap();
        tlog_tiles::check_tree(&convert(&proof), size, Hash(whole.0), earlier, Hash(before.0)).unwrap();
        prop_assert!(proves_inclusion(&path, index, &all[index as usize], size, &whole));
        prop_assert!(proves_consistency(&proof, earlier, &before, size, &whole));
    }

    #[test]
    fn b1_arbitrary_path_never_panics_verifier(
        path in prop::collection::vec(any::<[u8; 32]>().prop_map(TreeHash), 0..70),
        numbers in any::<[u64; 2]>(),
    ) {
        let [one, other] = numbers;
        let hash = TreeHash::of_nothing();
        prop_assert!(!proves_inclusion(&path, one, &hash, other, &hash));
        prop_assert!(!proves_consistency(&path, one.max(1), &hash, other.max(1), &TreeHash([0; 32])));
    }
}
