//! The hashed bytes of records. They are permanent: a record that a later version reads must have the same bytes.

use std::collections::HashSet;

use activity_privacy::governance::{Record, RecordEntry};
use activity_privacy::ledger::{Leaf, TreeHash};
use serde_json::Value;

use crate::log::{entry, leaf};

/// A new field of a record must be omitted from the JSON if it has its default. Otherwise the hashes of older records
/// change, and every older checkpoint becomes invalid.
#[test]
fn g6_hashed_bytes_are_fixed() {
    for (sequence, text, hash) in GOLDEN {
        assert_eq!(leaf(sequence).as_str(), text);
        assert_eq!(leaf(sequence).hash().to_string(), hash, "{sequence}");
        assert_eq!(leaf(sequence).hash(), TreeHash::of_leaf(text.as_bytes()));
    }
}

#[rustfmt::skip]
const GOLDEN: [(u64, &str, &str); 6] = [
    (1, r#"{"at":"2026-02-25T06:13:21Z","event":{"initialize_policy":{"administrators":["deputy","root"]}},"id":"00000000-0000-0000-0000-000000000001","initiator":{"user":"änne"},"outcome":"intended","policy":1,"sequence":1}"#, "NYPeniV50MUfu4JbnguyWvMzbPfYGF51pV8APXjYkRw="),
    (2, r#"{"at":"2026-02-25T06:13:22Z","event":{"reveal":{"about":{"actors":1,"from":"2026-02-25T06:13:20Z","justification":{"sha256":"f4de2eb95aa88abb59695f084faac504629e18f01777d449ff5b1cc77813f0f9"},"private_only":false,"purpose":"Security incident","query":{"sha256":"d7114148f2698b90a26e8e91a74e3f634b10e4e1ef92a1b2ccba618b94c1b755"},"until":null},"expires_at":"2026-02-25T06:14:20Z","reveal":"00000000-0000-0001-0000-000000000002"}},"id":"00000000-0000-0000-0000-000000000002","initiator":"system","outcome":"intended","policy":2,"sequence":2}"#, "ZuwbIt1YFkVnstI1cULqRITuY/oQCMyyObUo5NyopJ4="),
    (3, r#"{"at":"2026-02-25T06:13:23Z","event":{"page":{"activities":{"sha256":"e54b9633abc5cccc5e0191d5177497bb7ac8da692a77c91685a1d85e81de7024"},"digest":{"sha256":"b3c0132923ba6cef8f90f2957549d3dbec918b0f72f30d48a3a0eba78c5e27fa"},"private":{"sha256":"ab782a20900bf21bc49fc00c886039b54b713a06d657edde5aebc93515608845"},"reveal":"00000000-0000-0001-0000-000000000003","subjects":{"sha256":"1b2992c709137d6ecb2d26e6f79b305730d648646232e3d9b77cfce0ebe4e096"}}},"id":"00000000-0000-0000-0000-000000000003","initiator":{"user":"änne"},"outcome":"intended","policy":null,"sequence":3}"#, "jpL/O6Khn3ni+/QYFdmmzy75HYn5NvqW+NPT8KVc0OE="),
    (4, r#"{"at":"2026-02-25T06:13:24Z","event":{"change_policy":[{"set_options":{"max_directory_age":18446744073709551615}}]},"id":"00000000-0000-0000-0000-000000000004","initiator":"system","outcome":{"denied":"not_admin"},"policy":4,"sequence":4}"#, "P2sVHLUGPYjggQS5CXmH9UWFnGmuP/U5r0PlVSNtGhU="),
    (5, r#"{"at":"2026-02-25T06:13:25Z","event":{"request_reveal":{"about":{"actors":1,"from":"2026-02-25T06:13:20Z","justification":{"sha256":"d299c2a10fd570ea7c9a17a2f0c9cd67d8f362ba441ef40fef44edf70bf18c81"},"private_only":false,"purpose":"Security incident","query":{"sha256":"5d57665291be4bad45aad3b40a2e8a03b153ef32f4d15cbfd3792519af283000"},"until":null},"expires_at":"2026-02-25T06:13:27Z","lifetime":{"nanos":500000000,"secs":1},"request":"00000000-0000-0001-0000-000000000005"}},"id":"00000000-0000-0000-0000-000000000005","initiator":{"user":"änne"},"outcome":"recorded","policy":5,"sequence":5}"#, "TUivKOuWmnXKw7CPyqWT2hHir3tL2kA1bt18iK9H3Bs="),
    (6, r#"{"at":"2026-02-25T06:13:26Z","event":"read_governance","id":"00000000-0000-0000-0000-000000000006","initiator":"system","outcome":"observed","policy":null,"sequence":6}"#, "LKshg2pygHxTTS8s2nHv1FRaVZaDP7EMnzwxRoI7GXk="),
];

/// Sorted names, no white space, and numbers and strings as in JavaScript, so that other JSON parsers reproduce the
/// text.
#[test]
fn g6_leaf_text_is_canonical() {
    for sequence in 1..=12 {
        let text = leaf(sequence).as_str().to_owned();
        let value: Value = serde_json::from_str(&text).unwrap();
        // The feature set of this build makes `serde_json` sort names.
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
        assert_eq!(value["sequence"], sequence);
    }
    let odd = "\u{8}\t\u{c}\n\r\"\\/\u{1f}\u{7f}é\u{1F600}";
    // The string examples of RFC 8785, section 3.2.2.2.
    assert_eq!(serde_json::to_string(odd).unwrap(), "\"\\b\\t\\f\\n\\r\\\"\\\\/\\u001f\u{7f}é\u{1F600}\"");
}

#[test]
fn g6_redacted_record_has_same_leaf() {
    for sequence in 1..=6 {
        let mut forgetful = entry(sequence);
        let forgot = forgetful.record.redact();
        assert_eq!(forgot, [2, 3, 5].contains(&sequence), "{sequence}");
        assert_eq!(Leaf::of(&forgetful).unwrap(), leaf(sequence));
        assert!(!leaf(sequence).as_str().contains("opening") && !leaf(sequence).as_str().contains("Case"));
    }
}

#[test]
fn g6_different_records_have_different_leaves() {
    let texts: HashSet<String> = (1..=50).map(|sequence| leaf(sequence).as_str().to_owned()).collect();
    assert_eq!(texts.len(), 50);
    let moved = RecordEntry { sequence: 2, ..entry(1) };
    assert_ne!(Leaf::of(&moved).unwrap(), leaf(1));
}

/// A record read back from a store that keeps it as JSON.
#[test]
fn g6_stored_record_has_same_leaf() {
    for sequence in 1..=12 {
        let RecordEntry { sequence, record } = entry(sequence);
        let stored = serde_json::to_string(&record).unwrap();
        let record: Record = serde_json::from_str(&stored).unwrap();
        assert_eq!(Leaf::of(&RecordEntry { sequence, record }).unwrap(), leaf(sequence));
    }
}
