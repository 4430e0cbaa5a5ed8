//! Notes and keys, compared with `signed_note` and the example in Go's documentation.

use activity_privacy::ledger::{Damage, KeyError, KeyName, Note, NoteError, NoteSigner, NoteVerifier};
use proptest::prelude::*;
use signed_note::{StandardSigner, StandardVerifier, VerifierList};

pub(crate) fn signer(name: &str, seed: u8) -> NoteSigner {
    NoteSigner::new(KeyName::new(name).unwrap(), &[seed; 32])
}

/// The keys and the note in the documentation of `golang.org/x/mod/sumdb/note`.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PETERS_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn g6_note_signed_by_go_opens_and_signs_alike() {
    let peter: NoteVerifier = PETER.parse().unwrap();
    let note = Note::open(PETERS_NOTE.as_bytes(), std::slice::from_ref(&peter)).unwrap();
    assert_eq!(note.text(), PETERS_NOTE.split_once("\n\n").unwrap().0.to_owned() + "\n");
    assert_eq!((note.signers(), peter.to_string()), (&[peter.clone()][..], PETER.to_owned()));
    let secret: NoteSigner = PETER_SECRET.parse().unwrap();
    assert_eq!(secret.verifier(), &peter);
    assert_eq!(secret.sign(note.text()).unwrap(), PETERS_NOTE);
    assert_eq!(secret.to_secret_text(), PETER_SECRET);
}

#[test]
fn g6_signatures_of_known_keys_must_verify() {
    let [ours, theirs, impostor] = [signer("log", 1), signer("witness", 2), signer("log", 3)];
    let note = ours.sign("text\n").unwrap();
    let signature = |by: &NoteSigner, text: &str| by.sign(text).unwrap().rsplit_once("\n\n").unwrap().1.to_owned();
    let known = [ours.verifier().clone()];
    let both = note.clone() + &signature(&theirs, "text\n") + &signature(&impostor, "text\n");
    assert_eq!(Note::open(both.as_bytes(), &known).unwrap().signers(), &known);
    let keys = [ours.verifier().clone(), theirs.verifier().clone()];
    assert_eq!(Note::open(both.as_bytes(), &keys).unwrap().signers(), &keys);
    assert_eq!(Note::open(note.as_bytes(), &[theirs.verifier().clone()]), Err(NoteError::UnknownSigners));
    assert_eq!(Note::open(note.as_bytes(), &[impostor.verifier().clone()]), Err(NoteError::UnknownSigners));
    assert_eq!(Note::open(note.as_bytes(), &[]), Err(NoteError::UnknownSigners));
    // A known key did not make this signature: the note is rejected, although another signature is valid.
    let forged = note.clone() + &signature(&theirs, "another text\n");
    assert_eq!(Note::open(forged.as_bytes(), &keys), Err(NoteError::BadSignature { line: 4 }));
    assert!(Note::open(forged.as_bytes(), &known).is_ok());
    // The same signature twice counts once. A bad signature after a good one of the same key is still an error.
    let twice = note.clone() + &signature(&ours, "text\n");
    assert_eq!(Note::open(twice.as_bytes(), &known).unwrap().signers(), &known);
    let twice = note.clone() + &signature(&ours, "another text\n");
    assert_eq!(Note::open(twice.as_bytes(), &known), Err(NoteError::BadSignature { line: 4 }));
}

#[test]
fn g6_note_text_ends_at_last_empty_line() {
    let ours = signer("log", 1);
    for text in ["\n", "\n\n", "a\n\nb\n", "a\n\n", "\u{2014} log AAAA\n", "a\n\n\u{2014} log AAAA\n"] {
        let note = ours.sign(text).unwrap();
        let opened = Note::open(note.as_bytes(), &[ours.verifier().clone()]);
        assert_eq!(opened.unwrap().text(), text);
        let others = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
        assert_eq!(others.text(), text.as_bytes());
    }
}

#[test]
fn b1_note_error_names_line() {
    let ours = signer("log", 1);
    let known = [ours.verifier().clone()];
    let open = |note: &[u8]| Note::open(note, &known).unwrap_err();
    let good = ours.sign("text\n").unwrap();
    assert_eq!(open(b""), NoteError::Unsigned);
    assert_eq!(open(b"text\n"), NoteError::Unsigned);
    assert_eq!(open(b"text\n\n"), NoteError::Unsigned);
    assert_eq!(open(good.trim_end().as_bytes()), NoteError::Damaged { line: 3, damage: Damage::CutOff });
    assert_eq!(open(&good.as_bytes()[..good.len() - 4]), NoteError::CutOff { line: 3 });
    assert_eq!(open(b"one\ntwo\xff\n\n"), NoteError::OtherEncoding { line: 2 });
    assert_eq!(open(b"one\ntwo\0\n\n"), NoteError::OtherEncoding { line: 2 });
    assert_eq!(open(b"one\ntwo"), NoteError::Unsigned);
    assert_eq!(open(b"one\ntwo\r\n\n"), NoteError::Control { line: 2 });
    for line in [
        "x",
        "\u{2014} log",
        "\u{2014} log ",
        "\u{2014} log AAAA",
        "\u{2014} log AAAAAA==",
        "\u{2014} l+g AAAAAAA=",
        "\u{2014} log AAAAAAA",
        "\u{2014}log AAAAAAA=",
        "",
    ] {
        let note = format!("text\n\n{line}\n");
        let expected = if line.is_empty() { NoteError::Unsigned } else { NoteError::NotASignature { line: 3 } };
        assert_eq!(open(note.as_bytes()), expected, "{line}");
        let after = format!("{good}{line}\n");
        let found = open(after.as_bytes());
        assert!(found == NoteError::NotASignature { line: 4 } || line.is_empty(), "{line}: {found}");
    }
    let many = |count: usize| format!("text\n\n{}", "\u{2014} other AAAAAAA=\n".repeat(count));
    assert_eq!(open(many(100).as_bytes()), NoteError::UnknownSigners);
    assert_eq!(open(many(101).as_bytes()), NoteError::TooManySignatures { line: 103 });
    let long = vec![b'a'; Note::MAX_BYTES + 1];
    assert_eq!(open(&long), NoteError::TooLong { len: Note::MAX_BYTES + 1 });
    assert_eq!(ours.sign("text").unwrap_err(), NoteError::NoLineFeed { line: 1 });
    assert_eq!(ours.sign("te\txt\n").unwrap_err(), NoteError::Control { line: 1 });
    assert!(matches!(ours.sign(&"a\n".repeat(Note::MAX_BYTES / 2)), Err(NoteError::TooLong { .. })));
}

#[test]
fn b1_key_error_names_cause() {
    for name in ["", "a b", "a+b", "a\u{a0}b", "a\nb", "a\u{7f}b", &"a".repeat(256)] {
        assert_eq!(KeyName::new(name), Err(KeyError::Name), "{name}");
    }
    let verifier = |text: &str| text.parse::<NoteVerifier>().unwrap_err();
    assert!(matches!(verifier("PeterNeumann"), KeyError::Form { .. }));
    assert!(matches!(verifier("PeterNeumann+c74f20a3"), KeyError::Form { .. }));
    assert!(matches!(verifier(&PETER.replace("c74f20a3", "C74F20A3")), KeyError::Form { .. }));
    assert!(matches!(verifier(&PETER[..PETER.len() - 4]), KeyError::Form { .. }));
    assert!(matches!(verifier(&format!("{PETER}AAAA")), KeyError::Form { .. }));
    assert!(matches!(verifier(&"a".repeat(10_000)), KeyError::Form { .. }));
    assert_eq!(verifier(&PETER.replace("Peter", "Petra")), KeyError::Id);
    assert_eq!(verifier(&PETER.replace("c74f20a3", "c74f20a4")), KeyError::Id);
    assert_eq!(verifier(&PETER.replace("+ARpc", "+AhpC")), KeyError::Kind(2));
    // A weak point, for which anyone can forge signatures.
    let weak = format!("a+00000000+{}", "AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(verifier(&weak), KeyError::Unsound);
    let signer = |text: &str| text.parse::<NoteSigner>().unwrap_err();
    assert!(matches!(signer(PETER), KeyError::Form { .. }));
    assert_eq!(signer(&PETER_SECRET.replace("c74f20a3", "c74f20a4")), KeyError::Id);
    let shown = format!("{:?}", PETER_SECRET.parse::<NoteSigner>().unwrap());
    assert_eq!(shown, "NoteSigner { name: KeyName(\"PeterNeumann\"), .. }");
}

#[test]
fn g6_flipped_bit_in_note_is_detected() {
    let ours = signer("log", 1);
    let note = ours.sign("some text\nof two lines\n").unwrap().into_bytes();
    let known = [ours.verifier().clone()];
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut flipped = note.clone();
            flipped[at] ^= 1 << bit;
            assert!(Note::open(&flipped, &known).is_err(), "bit {bit} of byte {at}");
        }
    }
}

proptest! {
    // Signing is slow in unoptimised builds.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn g6_signatures_interoperate_with_signed_note(
        text in "[^\\x00-\\x09\\x0b-\\x1f]{0,60}",
        seed in any::<[u8; 32]>(),
        name in "[a-z./]{1,20}",
    ) {
        let text = format!("{text}\n");
        let ours = NoteSigner::new(KeyName::new(&name).unwrap(), &seed);
        let note = ours.sign(&text).unwrap();
        let theirs = StandardVerifier::new(&ours.verifier().to_string()).unwrap();
        let parsed = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
        prop_assert_eq!(parsed.text(), text.as_bytes());
        let (verified, unknown) = parsed.verify(&VerifierList::new(vec![Box::new(theirs)])).unwrap();
        prop_assert_eq!((verified.len(), unknown.len()), (1, 0));

        let mut by_them = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
        by_them.add_sigs(&[&StandardSigner::new(&ours.to_secret_text()).unwrap()]).unwrap();
        prop_assert_eq!(by_them.to_bytes(), note.as_bytes());
        let known = [ours.verifier().clone()];
        prop_assert_eq!(Note::open(note.as_bytes(), &known).unwrap().text().to_owned(), text);
    }

    #[test]
    fn b1_arbitrary_text_never_panics_or_opens_unsigned(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let ours = signer("log", 1);
        prop_assert!(Note::open(&bytes, &[ours.verifier().clone()]).is_err());
        if let Ok(text) = std::str::from_utf8(&bytes) {
            prop_assert!(text.parse::<NoteVerifier>().is_err());
            prop_assert!(text.parse::<NoteSigner>().is_err());
        }
    }

    #[test]
    fn b1_malformed_note_never_panics(note in "[a\\n\u{2014} +=]{0,40}(\\n\\n)?(\u{2014} log [A-Z=+ ]{0,20}\\n){0,3}") {
        let ours = signer("log", 1);
        prop_assert!(Note::open(note.as_bytes(), &[ours.verifier().clone()]).is_err());
    }
}
