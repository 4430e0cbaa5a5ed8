//! Checks bytes as a note, a checkpoint, a proof, or an exported log.

use activity_privacy::ledger::{
    Checkpoint, InclusionProof, KeyName, Note, NoteSigner, NoteVerifier, TreeHash, proves_consistency,
    proves_inclusion, verify_log,
};

use super::silence::CANARY;

fn signer() -> NoteSigner {
    NoteSigner::new(KeyName::new("example.com/governance").unwrap(), &[42; 32])
}

pub(crate) fn check(input: &[u8]) {
    let (signer, text) = (signer(), String::from_utf8_lossy(input));
    let known = [signer.verifier().clone()];
    if let Ok(note) = Note::open(input, &known) {
        assert!(!note.signers().is_empty(), "G6: a text without a known signature is not readable");
    }
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert_eq!(checkpoint.to_string(), text, "G6: a checkpoint has one form");
        // A signed text is read back unchanged.
        if let Ok(signed) = (Checkpoint { origin: known[0].name().clone(), ..checkpoint.clone() }).sign(&signer) {
            let read = Checkpoint::open(signed.as_bytes(), &known).unwrap();
            assert_eq!(
                (read.size, read.root, read.extensions),
                (checkpoint.size, checkpoint.root, checkpoint.extensions)
            );
        }
    }
    if let Ok(proof) = InclusionProof::parse(input) {
        assert_eq!(InclusionProof::parse(&proof.to_bytes()), Ok(proof.clone()));
        let _ = proof.verify(input, &known);
        let leaf = TreeHash::of_leaf(input);
        let (size, root) =
            (proof.index.saturating_add(input.len() as u64), TreeHash::of_leaf(&input[..input.len() / 2]));
        assert!(
            !proves_inclusion(&proof.path, proof.index, &leaf, size, &root) || root == leaf,
            "G6: no proof is found"
        );
        let _ = proves_consistency(&proof.path, proof.index, &leaf, size, &root);
    }
    let _ = text.parse::<NoteVerifier>();
    // As a log, against a checkpoint that signs another one.
    let checkpoint =
        Checkpoint { origin: known[0].name().clone(), size: 3, root: TreeHash::of_nothing(), extensions: Vec::new() };
    let signed = checkpoint.sign(&signer).unwrap();
    let finding = verify_log(input, signed.as_bytes(), None, &known).unwrap_err();
    assert!(!format!("{finding} {finding:?}").contains(CANARY), "B2: repeats the content of the log");
}
