//! Published test vectors: those of RFC 6962 here, and more in a directory that `LEDGER_VECTORS` names.

use std::path::Path;

use activity_privacy::ledger::{MemoryHashes, MerkleTree, TreeHash, proves_consistency, proves_inclusion};
use serde_json::Value;

/// The leaves and the roots in the tests of Certificate Transparency, from the empty tree to the tree of eight leaves.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn hash(hex: &str) -> TreeHash {
    TreeHash(bytes(hex).try_into().unwrap())
}

#[test]
fn g6_roots_match_certificate_transparency() {
    let mut tree = MerkleTree::new(MemoryHashes::new());
    assert_eq!(tree.root(), hash(ROOTS[0]));
    for (leaf, root) in LEAVES.iter().zip(&ROOTS[1..]) {
        tree.append(&[TreeHash::of_leaf(&bytes(leaf))]).unwrap();
        assert_eq!(tree.root(), hash(root), "{leaf}");
    }
}

#[test]
fn g6_proofs_match_certificate_transparency() {
    let mut tree = MerkleTree::new(MemoryHashes::new());
    tree.append(&LEAVES.map(|leaf| TreeHash::of_leaf(&bytes(leaf)))).unwrap();
    let [a, b, c, d] = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ]
    .map(hash);
    assert_eq!(tree.inclusion(0, 8).unwrap(), [a, b, c]);
    assert_eq!(
        tree.inclusion(5, 8).unwrap(),
        [d, hash("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"), hash(ROOTS[4])]
    );
    assert_eq!(tree.consistency(1, 8).unwrap(), [a, b, c]);
    assert!(proves_consistency(&[a, b, c], 1, &hash(ROOTS[1]), 8, &hash(ROOTS[8])));
}

/// One JSON object per line: `leafIdx`, `treeSize`, `root`, `leafHash`, `proof`, `wantErr`, as in the test data of
/// transparency-dev/merkle.
#[test]
fn g6_proofs_match_transparency_dev_vectors() {
    let Some(folder) = std::env::var_os("LEDGER_VECTORS") else { return };
    let text = std::fs::read_to_string(Path::new(&folder).join("inclusion.jsonl")).unwrap();
    let (mut proven, mut refused) = (0, 0);
    for line in text.lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let number = |name: &str| vector[name].as_u64().unwrap();
        let hash = |value: &Value| value.as_str().unwrap_or_default().parse::<TreeHash>();
        let proves = || {
            let hashes = vector["proof"].as_array().cloned().unwrap_or_default();
            let path = hashes.iter().map(hash).collect::<Result<Vec<_>, _>>().ok()?;
            let (leaf, root) = (hash(&vector["leafHash"]).ok()?, hash(&vector["root"]).ok()?);
            Some(proves_inclusion(&path, number("leafIdx"), &leaf, number("treeSize"), &root))
        };
        let is_wrong = vector["wantErr"].as_bool().unwrap();
        assert_eq!(proves() == Some(true), !is_wrong, "{line}");
        *if is_wrong { &mut refused } else { &mut proven } += 1;
    }
    println!("{proven} vectors prove, {refused} are refused");
    assert!(proven > 0 && refused > 0);
}
