//! Exported logs, and tampering with them.

use std::collections::BTreeMap;

use activity_privacy::governance::{Event, Initiator, RecordEntry, RevealSummary};
use activity_privacy::ledger::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::log::*;
use crate::notes::signer;

fn verify(log: &[u8], checkpoint: &str, older: Option<&str>) -> Result<VerifiedLog, VerifyError> {
    verify_log(log, checkpoint.as_bytes(), older.map(str::as_bytes), &[key().verifier().clone()])
}

fn lines(log: &[u8]) -> Vec<Vec<u8>> {
    log.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

#[test]
fn g6_exported_log_verifies() {
    for size in [0, 1, 2, 7, 64] {
        let ledger = ledger(size);
        // A reveal and a request commit to a query and a justification; a page commits to its count, its ids and its
        // subjects.
        let sealed = (1..=size).map(|number| [0, 0, 2, 4, 0, 2][number as usize % 6]).sum::<u64>();
        for (openings, opened) in [(Disclosure::Include, sealed), (Disclosure::Redact, 0)] {
            let (log, checkpoint) = exported(&ledger, openings);
            let older = ledger.checkpoint_of(size / 2).unwrap();
            let verified = verify(&log, &checkpoint, Some(&older)).unwrap();
            assert_eq!((verified.records, verified.removed, verified.unsigned), (size, 0, 0));
            assert_eq!((verified.openings, verified.older.unwrap().size), (opened, size / 2));
            // The whole log against the older checkpoint: no signature covers the later records.
            let verified = verify(&log, &older, None).unwrap();
            assert_eq!((verified.records, verified.unsigned), (size / 2, size - size / 2));
        }
    }
}

/// The verification that the documentation describes, with JSON, base64 and SHA-256 only.
#[test]
fn g6_file_suffices_to_recompute_root_and_commitments() {
    let ledger = ledger(37);
    let (log, checkpoint) = exported(&ledger, Disclosure::Include);
    let hash = |parts: &[&[u8]]| -> Vec<u8> { Sha256::digest(parts.concat()).to_vec() };
    let (mut stack, mut commitments): (Vec<(u32, Vec<u8>)>, usize) = (Vec::new(), 0);
    for line in log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_slice(line).unwrap();
        let entry = line["entry"].as_str().unwrap();
        for (commitment, opening) in line["openings"].as_object().unwrap() {
            let text = format!("{}\n{}", opening["salt"].as_str().unwrap(), opening["text"].as_str().unwrap());
            let digest: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digest, *commitment);
            assert!(entry.contains(&format!("{{\"sha256\":\"{commitment}\"}}")));
            commitments += 1;
        }
        let mut node = (0, hash(&[&[0], entry.as_bytes()]));
        while stack.last().is_some_and(|left| left.0 == node.0) {
            node = (node.0 + 1, hash(&[&[1], &stack.pop().unwrap().1, &node.1]));
        }
        stack.push(node);
    }
    let root = stack.into_iter().rev().map(|node| node.1).reduce(|right, left| hash(&[&[1], &left, &right])).unwrap();
    let signed = checkpoint.lines().nth(2).unwrap().parse::<TreeHash>().unwrap();
    assert_eq!((signed.0.to_vec(), commitments), (root, 48));
}

#[test]
fn g6_flipped_bit_is_detected() {
    let ledger = ledger(6);
    let (log, checkpoint) = exported(&ledger, Disclosure::Include);
    assert!(verify(&log, &checkpoint, None).is_ok());
    for at in 0..log.len() {
        for bit in 0..8 {
            let mut flipped = log.clone();
            flipped[at] ^= 1 << bit;
            assert!(verify(&flipped, &checkpoint, None).is_err(), "bit {bit} of byte {at}");
        }
    }
    for at in 0..checkpoint.len() {
        for bit in 0..8 {
            let mut flipped = checkpoint.clone().into_bytes();
            flipped[at] ^= 1 << bit;
            let verified = verify_log(&log[..], &flipped, None, &[key().verifier().clone()]);
            assert!(matches!(verified, Err(VerifyError::Checkpoint(_))), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn g6_truncation_is_detected() {
    let ledger = ledger(6);
    let (log, checkpoint) = exported(&ledger, Disclosure::Include);
    for length in 0..log.len() {
        let found = verify(&log[..length], &checkpoint, None).unwrap_err();
        let whole_lines = length == 0 || log[length - 1] == b'\n';
        let expected = match found {
            VerifyError::Fewer { size: 6, .. } => whole_lines,
            VerifyError::CutOff { .. } => !whole_lines,
            // All records are present; only the last line feed is missing.
            VerifyError::Damaged { damage: Damage::CutOff, .. } => length + 1 == log.len(),
            _ => false,
        };
        assert!(expected, "{length}: {found:?}");
    }
}

#[test]
fn g6_dropped_repeated_or_moved_record_is_detected() {
    let ledger = ledger(9);
    let (log, checkpoint) = exported(&ledger, Disclosure::Include);
    let lines = lines(&log);
    for one in 0..lines.len() {
        let mut dropped = lines.clone();
        dropped.remove(one);
        let found = verify(&dropped.concat(), &checkpoint, None).unwrap_err();
        let last = one + 1 == lines.len();
        let at = one as u64 + 1;
        let expected = match found {
            VerifyError::OutOfSequence { line, expected, found: Some(next) } => {
                !last && line == at && expected == at && next == at + 1
            }
            VerifyError::Fewer { lines: 8, size: 9 } => last,
            _ => false,
        };
        assert!(expected, "{one}: {found:?}");

        let mut doubled = lines.clone();
        doubled.insert(one, lines[one].clone());
        let verified = verify(&doubled.concat(), &checkpoint, None);
        let repeated = |line: u64, damage: Damage| line == at + 1 && damage == Damage::Repeated;
        let found = matches!(verified, Err(VerifyError::Damaged { line, damage }) if repeated(line, damage));
        assert!(found, "{verified:?}");
        // Repeating a line elsewhere is not transfer damage.
        if !last {
            let mut again = lines.clone();
            again.insert(lines.len(), lines[one].clone());
            let verified = verify(&again.concat(), &checkpoint, None);
            assert!(matches!(verified, Err(VerifyError::OutOfSequence { line: 10, expected: 10, .. })), "{verified:?}");
        }

        for other in 0..one {
            let mut swapped = lines.clone();
            swapped.swap(one, other);
            let verified = verify(&swapped.concat(), &checkpoint, None);
            assert!(matches!(verified, Err(VerifyError::OutOfSequence { line, .. }) if line == other as u64 + 1));
        }
    }
}

/// The holder of the key can sign another history; a saved checkpoint reveals it.
#[test]
fn g6_rewritten_history_contradicts_saved_checkpoint() {
    let saved = ledger(5).checkpoint().unwrap();
    let histories: [(&str, Change); 4] = [
        ("changed", Box::new(|entries| entries[2].record.at = at(999))),
        ("removed", Box::new(|entries| drop(entries.remove(1)))),
        ("another order", Box::new(|entries| entries.swap(0, 4))),
        ("another initiator", Box::new(|entries| entries[4].record.initiator = Initiator::System)),
    ];
    for (name, rewrite) in histories {
        let sink = filled(9);
        sink.tamper(|entries| {
            rewrite(entries);
            (1..).zip(entries).for_each(|(sequence, entry)| entry.sequence = sequence);
        });
        let rewritten = over(&sink, MemoryHashes::new());
        let (log, checkpoint) = exported(&rewritten, Disclosure::Include);
        assert!(verify(&log, &checkpoint, None).is_ok(), "{name}: nothing to see without it");
        let found = verify(&log, &checkpoint, Some(&saved)).unwrap_err();
        assert!(matches!(found, VerifyError::OlderRoot { size: 5 }), "{name}: {found:?}");
        let [older, newer] =
            [&saved, &checkpoint].map(|note| Checkpoint::open(note.as_bytes(), &[key().verifier().clone()]).unwrap());
        let proof = rewritten.consistency_proof(5, newer.size).unwrap();
        assert!(!proof.proves(&older, &newer), "{name}");
    }
    let shorter = ledger(4);
    let (log, checkpoint) = exported(&shorter, Disclosure::Include);
    let found = verify(&log, &checkpoint, Some(&saved)).unwrap_err();
    assert!(matches!(found, VerifyError::Shrunk { older: 5, size: 4 }), "{found:?}");
}

/// Replaces the stored hash of a changed record, as an attacker with access to the file could.
#[test]
fn g6_changed_record_with_replaced_hash_is_detected() {
    let (log, checkpoint) = exported(&ledger(9), Disclosure::Include);
    let changed = String::from_utf8(log.clone()).unwrap().replacen("not_admin", "expired", 1);
    assert!(matches!(verify(changed.as_bytes(), &checkpoint, None), Err(VerifyError::Root { size: 9 })));
    let older = ledger(5).checkpoint().unwrap();
    assert!(matches!(verify(changed.as_bytes(), &checkpoint, Some(&older)), Err(VerifyError::OlderRoot { size: 5 })));
}

#[test]
fn g6_opening_must_match_commitment() {
    let (log, checkpoint) = exported(&ledger(6), Disclosure::Include);
    let text = String::from_utf8(log).unwrap();
    let change = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        verify(text.replacen(from, to, 1).as_bytes(), &checkpoint, None)
    };
    assert!(matches!(change("Case 17", "Case 71"), Err(VerifyError::Opening { line: 2 })));
    assert!(matches!(change(r"\n0f0f", r"\n0f0e"), Err(VerifyError::Opening { line: 3 })));
    // An opening that is consistent in itself, but matches no commitment of the record.
    let digest: String = Sha256::digest("salt\ntext").iter().map(|byte| format!("{byte:02x}")).collect();
    let added = format!(r#""openings":{{"{digest}":{{"salt":"salt","text":"text"}}}}"#);
    assert!(matches!(change(r#""openings":{}"#, &added), Err(VerifyError::Opening { line: 1 })));
}

/// The format of a line, which other tools read.
#[test]
fn g6_export_line_has_fixed_format() {
    let (log, _) = exported(&ledger(3), Disclosure::Include);
    let lines = lines(&log);
    let line: BTreeMap<String, Value> = serde_json::from_slice(&lines[1]).unwrap();
    let RecordEntry { record, .. } = entry(2);
    let Event::Reveal(RevealSummary { terms, .. }) = record.event else { panic!("a reveal") };
    let (why, query) = (terms.justification.unwrap().commitment().to_string(), terms.query.commitment().to_string());
    let opening = |salt, text| json!({"salt": salt, "text": text});
    let of_why = opening("00000000000000020000000000000002", "Case 17: \"who\" & why, straße");
    let of_query = opening("00000000000000030000000000000002", &terms.query.value().unwrap().to_string());
    assert_eq!(line["entry"], leaf(2).as_str());
    assert_eq!(line["openings"], json!({ why: of_why, query: of_query }));
    assert_eq!(line.len(), 2);
    let whole = format!("{{\"entry\":{},\"openings\":{{}}}}\n", json!(leaf(1).as_str()));
    assert_eq!(lines[0], whole.as_bytes());
    // The export discloses every value that the record still contains, and nothing else.
    for (line, sequence) in lines.iter().zip(1..) {
        let held = serde_json::to_string(&entry(sequence)).unwrap().matches("\"opening\"").count();
        let line: Value = serde_json::from_slice(line).unwrap();
        assert_eq!(line["openings"].as_object().unwrap().len(), held, "{sequence}");
    }
}

#[test]
fn b1_line_error_names_line() {
    let (log, checkpoint) = exported(&ledger(3), Disclosure::Include);
    let lines = lines(&log);
    let hash = leaf(2).hash();
    for bad in [
        "null",
        "[]",
        "{}",
        "{\"entry\":\"x\",\"openings\":{}}",
        "{\"entry\":\"{}\"}",
        "{\"openings\":{}}",
        "{\"entry\":\"{}\",\"openings\":{},\"leaf_hash\":\"\"}",
        "{\"entry\":\"{}\",\"entry\":\"{}\",\"openings\":{}}",
        "{\"entry\":\"{}\",\"openings\":{},\"more\":1}",
        "{\"entry\":{},\"openings\":{}}",
        "{\"leaf_hash\":\"AAAA\"}",
        "{\"leaf_hash\":1}",
        "\u{feff}{}",
    ] {
        let log = [&lines[0][..], bad.as_bytes(), b"\n", &lines[2][..]].concat();
        let found = verify(&log, &checkpoint, None).unwrap_err();
        assert!(matches!(found, VerifyError::Unreadable { line: 2, .. }), "{bad}: {found:?}");
    }
    let entry = |sequence: &str| format!("{{\"entry\":\"{{\\\"sequence\\\":{sequence}}}\",\"openings\":{{}}}}\n");
    for (sequence, expected) in [("3", Some(3)), ("-2", None), ("2.0", None), ("\\\"2\\\"", None), ("null", None)] {
        let log = [&lines[0][..], entry(sequence).as_bytes(), &lines[2][..]].concat();
        let verified = verify(&log, &checkpoint, None);
        assert!(
            matches!(verified, Err(VerifyError::OutOfSequence { line: 2, expected: 2, found }) if found == expected),
            "{verified:?}"
        );
    }
    // A blank line is not a record.
    let log = [&lines[0][..], b"\n", &lines[2][..]].concat();
    let verified = verify(&log, &checkpoint, None);
    assert!(
        matches!(verified, Err(VerifyError::OutOfSequence { line: 3, expected: 2, found: Some(3) })),
        "{verified:?}"
    );
    // Only the first records can be removed, and only signed ones.
    let removed = format!("{{\"leaf_hash\":\"{hash}\"}}\n");
    let log = [&lines[0][..], removed.as_bytes(), &lines[2][..]].concat();
    assert!(matches!(verify(&log, &checkpoint, None), Err(VerifyError::Removed { line: 2 })));
    let one = ledger(1).checkpoint().unwrap();
    let first = format!("{{\"leaf_hash\":\"{}\"}}\n", leaf(1).hash());
    let log = [first.as_bytes(), removed.as_bytes()].concat();
    assert!(matches!(verify(&log, &one, None), Err(VerifyError::Removed { line: 2 })));
    // An endless line is not held in memory.
    let endless = std::io::BufReader::new(std::io::Read::chain(&lines[0][..], std::io::repeat(b' ')));
    let verified = verify_log(endless, checkpoint.as_bytes(), None, &[key().verifier().clone()]);
    assert!(matches!(verified, Err(VerifyError::Unreadable { line: 2, .. })));
    let deep = [&lines[0][..], &vec![b'['; 1 << 20], b"\n"].concat();
    assert!(matches!(verify(&deep, &checkpoint, None), Err(VerifyError::Unreadable { line: 2, .. })));
}

#[test]
fn b1_line_error_states_expected_format() {
    let (log, checkpoint) = exported(&ledger(1), Disclosure::Include);
    assert!(verify(&log, &checkpoint, None).is_ok());
    let many = format!("[{}0]", "0,".repeat(100_000));
    let of_entry = |entry: &str| format!("{}\n", json!({ "entry": entry, "openings": {} }));
    for (line, expected) in [
        ("{]\n".to_owned(), "JSON"),
        ("{\"entry\":\"{}\",\"entry\":\"{}\",\"openings\":{}}\n".to_owned(), "JSON without repeated members"),
        (format!("{many}\n"), "JSON of at most 100,000 values"),
        ("[]\n".to_owned(), "an object with `entry` and `openings`, or with `leaf_hash`"),
        ("{\"leaf_hash\":\"AAAA\"}\n".to_owned(), "a hash in base64 as `leaf_hash`"),
        (of_entry("x"), "JSON as `entry`"),
        (of_entry(r#"{"sequence":1,"sequence":1}"#), "JSON without repeated members as `entry`"),
        (of_entry(&many), "JSON of at most 100,000 values as `entry`"),
    ] {
        let error = verify(line.as_bytes(), &checkpoint, None).unwrap_err();
        assert_eq!(error.to_string(), format!("line 1 is not a line of an exported log, expected {expected}"));
    }
}

#[test]
fn g6_checkpoints_of_other_logs_are_rejected() {
    let (log, checkpoint) = exported(&ledger(3), Disclosure::Include);
    let stranger = signer("example.com/governance", 8);
    let opened = Checkpoint::open(checkpoint.as_bytes(), &[key().verifier().clone()]).unwrap();
    let forged = opened.sign(&stranger).unwrap();
    assert!(matches!(verify(&log, &forged, None), Err(VerifyError::Checkpoint(_))));
    assert!(matches!(verify(&log, &checkpoint, Some(&forged)), Err(VerifyError::OlderCheckpoint(_))));
    let other = signer("example.com/other", 9);
    let elsewhere = Checkpoint { origin: KeyName::new("example.com/other").unwrap(), ..opened };
    let elsewhere = elsewhere.sign(&other).unwrap();
    let both = [key().verifier().clone(), other.verifier().clone()];
    let verified = verify_log(&log[..], checkpoint.as_bytes(), Some(elsewhere.as_bytes()), &both);
    assert!(matches!(verified, Err(VerifyError::OtherLog)));
}

#[test]
fn b1_unreadable_log_returns_io_error() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("on command"))
        }
    }
    let (log, checkpoint) = exported(&ledger(2), Disclosure::Include);
    let first = log.split_inclusive(|byte| *byte == b'\n').next().unwrap().to_vec();
    let broken = std::io::BufReader::new(std::io::Read::chain(&first[..], Broken));
    let verified = verify_log(broken, checkpoint.as_bytes(), None, &[key().verifier().clone()]);
    assert!(matches!(verified, Err(VerifyError::Io { line: 2, .. })), "{verified:?}");
}

proptest! {
    #[test]
    fn b1_arbitrary_file_never_panics_verifier(
        noise in prop::collection::vec(any::<u8>(), 0..400),
        lines in prop::collection::vec("\\{\"(entry|openings|leaf_hash)\":[\\[\\]{}\":,a-z0-9\\\\]{0,30}\\}|\\PC{0,40}", 0..6),
    ) {
        let checkpoint = CHECKPOINT.get_or_init(|| ledger(3).checkpoint().unwrap());
        prop_assert!(verify(&noise, checkpoint, None).is_err());
        prop_assert!(verify(lines.join("\n").as_bytes(), checkpoint, None).is_err());
        let known = [key().verifier().clone()];
        prop_assert!(verify_log(&b""[..], &noise, Some(&noise), &known).is_err());
    }
}

static CHECKPOINT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
