//! What is hashed of a record. These bytes are for ever: a record that is read by a later version must still give them.

use std::collections::HashSet;

use activity_privacy::ledger::{Leaf, TreeHash};
use activity_privacy::*;
use serde_json::Value;

use crate::log::{entry, leaf};

/// Whoever adds a field to anything that a record holds leaves it out of the JSON where it has its default; otherwise
/// the records from before would have another hash, and every checkpoint from before would be void.
#[test]
fn g6_the_bytes_that_are_hashed_are_these() {
    for (sequence, text, hash) in GOLDEN {
        assert_eq!(leaf(sequence).as_str(), text);
        assert_eq!(leaf(sequence).hash().to_string(), hash, "{sequence}");
        assert_eq!(leaf(sequence).hash(), TreeHash::of_leaf(text.as_bytes()));
    }
}

#[rustfmt::skip]
const GOLDEN: [(u64, &str, &str); 6] = [
    (1, r#"{"act":{"initialize_policy":{"administrators":["deputy","root"]}},"at":"2026-02-25T06:13:21Z","id":"00000000-0000-0000-0000-000000000001","initiator":{"user":"änne"},"outcome":"intended","policy":1,"sequence":1}"#, "me+WHTMMIdhgGh5IUXGXhDlg7xWjlS+3Fu6ukIjtV9M="),
    (2, r#"{"act":{"reveal":{"about":{"actors":1,"from":"2026-02-25T06:13:20Z","justification":{"sha256":"7206a812b0d14363392c07f846e628a4f6cc76e8c56bc9ed1b63870c2b01baf5"},"private_only":false,"purpose":"Security incident","query":{"sha256":"f32e92761ba7ec55e3ed3c9cc02f96f0439c3b74d4b3e988a0b48ff22bbd205b"},"until":null},"expires_at":"2026-02-25T06:14:20Z","reveal":"00000000-0000-0001-0000-000000000002"}},"at":"2026-02-25T06:13:22Z","id":"00000000-0000-0000-0000-000000000002","initiator":"system","outcome":"intended","policy":2,"sequence":2}"#, "AibqZDEy3RlLfa/0kMNjwCga0F664a755Dyyxyj/rgA="),
    (3, r#"{"act":{"page":{"activities":50,"digest":"2a5c35bf08d1b30e199f6dcccea999fd63511e3c5b90ae36fac9a95e9854fa66","private":2,"reveal":"00000000-0000-0001-0000-000000000003","subjects":{"sha256":"a5b8c50bdca929c7694959b0332484ec033057a336f0a255e8939d4934f15a15"}}},"at":"2026-02-25T06:13:23Z","id":"00000000-0000-0000-0000-000000000003","initiator":{"user":"änne"},"outcome":"intended","policy":null,"sequence":3}"#, "myTgYWIVQot9e9DUdtsT04re2cw+Vk0SJSWlnkhsHu8="),
    (4, r#"{"act":{"change_policy":[{"set_options":{"max_directory_age":18446744073709551615}}]},"at":"2026-02-25T06:13:24Z","id":"00000000-0000-0000-0000-000000000004","initiator":"system","outcome":{"denied":"not_admin"},"policy":4,"sequence":4}"#, "hsAnzFFhQ4UECnlg3vLJ6Lc3vLS2MA3LOqotEZ6DUnI="),
    (5, r#"{"act":{"request_reveal":{"about":{"actors":1,"from":"2026-02-25T06:13:20Z","justification":{"sha256":"48f08abd145a216c312305107dfb64cabc3311c8a1c37b7fdce9f4f515b5889c"},"private_only":false,"purpose":"Security incident","query":{"sha256":"8b8d38592d671c592eb5c940c38f5dd845b760f9b1801985023abcd456c57f2b"},"until":null},"expires_at":"2026-02-25T06:13:27Z","lifetime":{"nanos":500000000,"secs":1},"request":"00000000-0000-0001-0000-000000000005"}},"at":"2026-02-25T06:13:25Z","id":"00000000-0000-0000-0000-000000000005","initiator":{"user":"änne"},"outcome":"on_record","policy":5,"sequence":5}"#, "ewE5gzayreUbJD+SDn4bfOHxNEYzV/AT/vjJXgrEKwg="),
    (6, r#"{"act":"read_governance","at":"2026-02-25T06:13:26Z","id":"00000000-0000-0000-0000-000000000006","initiator":"system","outcome":"noted","policy":null,"sequence":6}"#, "3virlBFP2NWxrUx4ISMrUTuNwd2Mys68jvLKioulNrg="),
];

/// Names sorted, no spaces, and numbers and strings as JavaScript writes them: another JSON parser gives the same back.
#[test]
fn g6_the_text_is_canonical() {
    for sequence in 1..=12 {
        let text = leaf(sequence).as_str().to_owned();
        let value: Value = serde_json::from_str(&text).unwrap();
        // `serde_json` sorts names as it is built here.
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
        assert_eq!(value["sequence"], sequence);
    }
    let odd = "\u{8}\t\u{c}\n\r\"\\/\u{1f}\u{7f}é\u{1F600}";
    // What RFC 8785 says of strings in section 3.2.2.2.
    assert_eq!(serde_json::to_string(odd).unwrap(), "\"\\b\\t\\f\\n\\r\\\"\\\\/\\u001f\u{7f}é\u{1F600}\"");
}

#[test]
fn g6_a_record_that_forgot_has_the_same_leaf() {
    for sequence in 1..=6 {
        let mut forgetful = entry(sequence);
        let forgot = forgetful.record.forget();
        assert_eq!(forgot, [2, 3, 5].contains(&sequence), "{sequence}");
        assert_eq!(Leaf::of(&forgetful).unwrap(), leaf(sequence));
        assert!(!leaf(sequence).as_str().contains("opening") && !leaf(sequence).as_str().contains("Case"));
    }
}

#[test]
fn g6_two_records_have_two_leaves() {
    let texts: HashSet<String> = (1..=50).map(|sequence| leaf(sequence).as_str().to_owned()).collect();
    assert_eq!(texts.len(), 50);
    let moved = RecordEntry { sequence: 2, ..entry(1) };
    assert_ne!(Leaf::of(&moved).unwrap(), leaf(1));
}

/// As a record comes back from a store that keeps it as JSON.
#[test]
fn g6_a_record_that_was_stored_has_the_same_leaf() {
    for sequence in 1..=12 {
        let RecordEntry { sequence, record } = entry(sequence);
        let stored = serde_json::to_string(&record).unwrap();
        let record: Record = serde_json::from_str(&stored).unwrap();
        assert_eq!(Leaf::of(&RecordEntry { sequence, record }).unwrap(), leaf(sequence));
    }
}
