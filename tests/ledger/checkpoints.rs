//! Checkpoints and proof files.

use activity_privacy::ledger::{
    Checkpoint, CheckpointError, ConsistencyProof, InclusionProof, KeyName, MemoryHashes, MerkleTree, NoteError,
    ProofError, TreeHash,
};
use proptest::prelude::*;

use crate::notes::signer;
use crate::tree::leaf;

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint { origin: KeyName::new("log").unwrap(), size, root: TreeHash::of_nothing(), extensions: Vec::new() }
}

#[test]
fn g6_signed_checkpoint_round_trips() {
    let ours = signer("log", 1);
    for extensions in [vec![], vec!["one".to_owned(), " two+ ".to_owned()]] {
        for size in [0, 1, 20_852_163, Checkpoint::MAX_SIZE] {
            let checkpoint = Checkpoint { extensions: extensions.clone(), ..checkpoint(size) };
            let note = checkpoint.sign(&ours).unwrap();
            assert_eq!(Checkpoint::open(note.as_bytes(), &[ours.verifier().clone()]).unwrap(), checkpoint);
            let theirs = tlog_tiles::Checkpoint::from_bytes(checkpoint.to_string().as_bytes()).unwrap();
            assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), ("log", size, checkpoint.root.0));
        }
    }
}

#[test]
fn g6_checkpoint_needs_signature_of_its_own_log() {
    let [ours, other] = [signer("log", 1), signer("other", 2)];
    assert_eq!(checkpoint(1).sign(&other), Err(CheckpointError::OtherLog));
    let note = other.sign(&checkpoint(1).to_string()).unwrap();
    let both = [ours.verifier().clone(), other.verifier().clone()];
    assert_eq!(Checkpoint::open(note.as_bytes(), &both), Err(CheckpointError::OtherLog));
    let unknown = Checkpoint::open(note.as_bytes(), &both[..1]);
    assert_eq!(unknown, Err(CheckpointError::Note(NoteError::UnknownSigners)));
}

#[test]
fn b1_checkpoint_error_names_line() {
    let root = TreeHash::of_nothing();
    for (text, line) in [
        ("".to_owned(), 1),
        ("\n".to_owned(), 1),
        (format!("a b\n1\n{root}\n"), 1),
        (format!("log\n01\n{root}\n"), 2),
        (format!("log\n+1\n{root}\n"), 2),
        (format!("log\n-1\n{root}\n"), 2),
        (format!("log\n18446744073709551616\n{root}\n"), 2),
        (format!("log\n4611686018427387905\n{root}\n"), 2),
        ("log\n1\n".to_owned(), 3),
        ("log\n1\nAAAA\n".to_owned(), 3),
        (format!("log\n1\n{root}=\n"), 3),
        (format!("log\n1\n{root}"), 3),
        (format!("log\n1\n{root}\n\n"), 4),
        (format!("log\n1\n{root}\nx\n\ny\n"), 5),
    ] {
        let error = text.parse::<Checkpoint>().unwrap_err();
        assert!(matches!(error, CheckpointError::Line { line: found, .. } if found == line), "{text:?}: {error:?}");
    }
    let sneaky = Checkpoint { extensions: vec!["a\nb".to_owned()], ..checkpoint(1) };
    assert!(sneaky.sign(&signer("log", 1)).is_err());
}

fn proven(size: u64, index: u64) -> InclusionProof {
    let mut tree = MerkleTree::new(MemoryHashes::new());
    let leaves: Vec<TreeHash> = (0..size).map(|number| TreeHash::of_leaf(&leaf(number))).collect();
    tree.append(&leaves).unwrap();
    let checkpoint = Checkpoint { root: tree.root(), ..checkpoint(size) };
    InclusionProof {
        index,
        path: tree.inclusion(index, size).unwrap(),
        checkpoint: checkpoint.sign(&signer("log", 1)).unwrap().into_bytes(),
        extra: None,
    }
}

#[test]
fn g6_proof_round_trips_and_verifies() {
    let known = [signer("log", 1).verifier().clone()];
    for (size, index) in [(1, 0), (2, 1), (7, 6), (64, 13)] {
        for extra in [None, Some(Vec::new()), Some(b"more".to_vec())] {
            let proof = InclusionProof { extra, ..proven(size, index) };
            let read = InclusionProof::parse(&proof.to_bytes()).unwrap();
            assert_eq!(read, proof);
            assert_eq!(read.verify(&leaf(index), &known).unwrap().size, size);
            assert_eq!(read.verify(&leaf(index + 1), &known), Err(ProofError::Unproven));
            assert!(matches!(read.verify(&leaf(index), &[]), Err(ProofError::Checkpoint(_))));
        }
    }
}

/// A fixed file, so that the format cannot change unnoticed.
#[test]
fn g6_proof_file_has_c2sp_format() {
    let proof = InclusionProof { extra: Some(b"extra".to_vec()), ..proven(3, 0) };
    let text = String::from_utf8(proof.to_bytes()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let [other, pair] = [1, 2].map(|number| TreeHash::of_leaf(&leaf(number)).to_string());
    assert_eq!(lines[..6], ["c2sp.org/tlog-proof@v1", "extra ZXh0cmE=", "index 0", &other, &pair, ""]);
    assert_eq!((lines[6], lines[7], lines[9]), ("log", "3", ""));
    assert!(lines[10].starts_with("\u{2014} log ") && lines.len() == 11);
}

#[test]
fn b1_proof_error_names_line() {
    let hash = TreeHash::of_nothing();
    let header = "c2sp.org/tlog-proof@v1\n";
    for (text, line) in [
        (String::new(), 1),
        ("c2sp.org/tlog-proof@v2\nindex 0\n\n".to_owned(), 1),
        (header.to_owned(), 2),
        (format!("{header}extra !\nindex 0\n\n"), 2),
        (format!("{header}extra AAAA\n"), 3),
        (format!("{header}index 00\n\n"), 2),
        (format!("{header}index -1\n\n"), 2),
        (format!("{header}index 18446744073709551616\n\n"), 2),
        (format!("{header}index 0"), 2),
        (format!("{header}index 0\n"), 3),
        (format!("{header}index 0\nAAAA\n\n"), 3),
        (format!("{header}index 0\n{hash}\n"), 4),
        (format!("{header}index 0\n{}\n", format!("{hash}\n").repeat(65)), 67),
    ] {
        let error = InclusionProof::parse(text.as_bytes()).unwrap_err();
        assert!(matches!(error, ProofError::Line { line: found, .. } if found == line), "{text:?}: {error:?}");
    }
    let long = vec![b'a'; InclusionProof::MAX_BYTES + 1];
    assert_eq!(InclusionProof::parse(&long), Err(ProofError::TooLong { len: long.len() }));
}

#[test]
fn g6_flipped_bit_in_proof_is_detected() {
    let known = [signer("log", 1).verifier().clone()];
    let bytes = proven(11, 4).to_bytes();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let verified = InclusionProof::parse(&flipped).and_then(|proof| proof.verify(&leaf(4), &known));
            assert!(verified.is_err(), "bit {bit} of byte {at}");
        }
        let cut = InclusionProof::parse(&bytes[..at]).and_then(|proof| proof.verify(&leaf(4), &known));
        assert!(cut.is_err(), "cut at {at}");
    }
}

#[test]
fn g6_consistency_proof_needs_same_log() {
    let mut tree = MerkleTree::new(MemoryHashes::new());
    tree.append(&[1, 2, 3].map(|number| TreeHash::of_leaf(&leaf(number)))).unwrap();
    let [earlier, later] = [2, 3].map(|size| Checkpoint { root: tree.root_of(size).unwrap(), ..checkpoint(size) });
    let proof = ConsistencyProof { path: tree.consistency(2, 3).unwrap() };
    assert!(proof.proves(&earlier, &later));
    assert!(!proof.proves(&later, &earlier));
    let of_another = Checkpoint { origin: KeyName::new("another").unwrap(), ..later };
    assert!(!proof.proves(&earlier, &of_another));
    assert_eq!(proof.to_string().lines().count(), proof.path.len());
}

proptest! {
    #[test]
    fn b1_arbitrary_text_never_panics_checkpoint_and_proof_parsers(
        text in "(c2sp.org/tlog-proof@v1\\n)?(extra [A-Za-z=]{0,9}\\n)?(index [0-9]{1,22}\\n)?([A-Za-z0-9=\\n ]|\\PC){0,200}",
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = InclusionProof::parse(&bytes);
        if let Ok(proof) = InclusionProof::parse(text.as_bytes()) {
            prop_assert_eq!(proof.to_bytes(), text.as_bytes());
        }
        if let Ok(checkpoint) = text.parse::<Checkpoint>() {
            prop_assert_eq!(checkpoint.to_string(), text);
        }
    }
}
