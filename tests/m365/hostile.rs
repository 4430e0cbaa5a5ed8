//! Hostile and damaged input.

use std::io::{BufReader, Read};

use activity_privacy::sources::m365::{Format, Reader};
use activity_privacy::sources::{MAX_RECORD_VALUES, RejectReason};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{FORMATS, document, ids, joined, quoted, read, record};

const CANARY: &str = "kanarienvogel";

fn shown(input: &[u8], format: Format) -> String {
    Reader::with_format(input, format)
        .map(|item| format!("{item:?} {}", item.as_ref().err().map(ToString::to_string).unwrap_or_default()))
        .collect()
}

#[test]
fn b2_rejection_quotes_nothing_of_the_record() {
    let sound = record(json!({ "Actor": [{ "ID": "x", "Type": 5 }], "Members": [], "MailboxOwnerUPN": "x@x.example" }));
    let mut inputs: Vec<Vec<u8>> = Vec::new();
    // Each field in turn has the wrong type, is too long, or contains a control character.
    for field in sound.as_object().unwrap().keys() {
        for value in [
            json!({ CANARY: CANARY }),
            json!([CANARY]),
            json!(format!("{CANARY}\u{7}")),
            json!(CANARY.repeat(1000)),
            json!(CANARY),
        ] {
            inputs.push(record(json!({ field: value })).to_string().into_bytes());
        }
    }
    // The text is truncated or malformed at every position.
    let text = sound.to_string().replace("adele", CANARY).replace("FileAccessed", CANARY);
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        let (head, tail) = text.split_at(at);
        inputs.push(head.into());
        inputs.push(format!("{head}{CANARY}{tail}").into());
        inputs.push([head.as_bytes(), b"\xff", tail.as_bytes()].concat());
    }
    let mut rejected = 0;
    for input in inputs {
        let input_text = String::from_utf8_lossy(&input).into_owned();
        let table = format!("AuditData,{CANARY}\n\"{}\"", input_text.replace('"', "\"\""));
        let row = format!("{CANARY},Operation,TimeGenerated,{CANARY}2\n{input_text}\n");
        let array = [b"[", &*input, b"]"].concat();
        for (format, input) in FORMATS.into_iter().zip([input, array, table.into_bytes(), row.into_bytes()]) {
            let shown = shown(&input, format);
            rejected += shown.matches("Err(").count();
            assert!(!shown.contains(CANARY), "{format:?}: {shown}");
        }
    }
    assert!(rejected > 1000, "only {rejected} rejections were checked");
}

#[test]
fn b3_hostile_input_neither_panics_nor_grows() {
    let deep = "[".repeat(10_000);
    let nested =
        record(json!({ "Id": "a" })).to_string().replacen('{', &format!("{{\"X\":{deep}{},", "]".repeat(10_000)), 1);
    for input in [deep.clone(), nested.clone(), format!("[{nested},{nested}]"), format!("{{\"a\":{deep}")] {
        let items = read(&input);
        assert!(!items.is_empty() && items.iter().all(Result::is_err));
    }
    // One record of a hundred times the limit, in each format.
    for (head, byte) in [
        ("{\"a\":\"", b'x'),
        ("[\"", b'x'),
        ("[{", b'['),
        ("Operation,A\n\"", b'\n'),
        ("AuditData\n\"", b'x'),
        ("", b'x'),
    ] {
        let endless = BufReader::new(head.as_bytes().chain(std::io::repeat(byte)).take(64 << 20));
        assert_eq!(Reader::new(endless).count(), 1, "{head}");
    }
    // The cost of a list is linear in its entries.
    let actors: Vec<Value> = (0..50_000).map(|n| json!({ "ID": format!("u{n}@contoso.com"), "Type": 5 })).collect();
    assert!(read(record(json!({ "Actor": actors })).to_string())[0].is_err());
}

/// An object with one member takes a hundred times the memory of its text, so values are limited as well as bytes.
#[test]
fn b3_record_with_too_many_values_is_rejected() {
    // The record, its ten fields and the list are values too.
    let room = MAX_RECORD_VALUES - 1 - record(json!({})).as_object().unwrap().len() - 1;
    let most = json!(vec![0; room]);
    assert_eq!(read(record(json!({ "X": most })).to_string())[0].as_ref().err(), None);
    let objects = json!(vec![json!({ "": 0 }); room / 2 + 1]);
    for (fields, values) in [
        (json!({ "X": objects }), room + 2 - room % 2),
        (json!({ "X": [most, []] }), room + 2),
        (json!({ "Actor": objects }), room + 2 - room % 2),
    ] {
        let said = read(record(fields).to_string())[0].as_ref().unwrap_err().to_string();
        let values = MAX_RECORD_VALUES - room + values;
        assert_eq!(said, format!("line 1: record is too large: {values} values in the JSON, expected at most 100000"));
    }
    // A list in a string has the same limit, and is not skipped.
    let text = json!(vec![0; MAX_RECORD_VALUES]).to_string();
    for field in ["Actor", "Members", "Target", "SharePointMetaData"] {
        let items = read(record(json!({ field: text })).to_string());
        assert!(matches!(items[0].as_ref().unwrap_err().reason(), RejectReason::TooLarge(_)), "{field}");
    }
}

/// Returns a record with damage that does not affect the next.
fn damaged(format: Format, record: &str, how: u8) -> Vec<u8> {
    let json = !matches!(format, Format::AuditLogCsv | Format::OfficeActivityCsv);
    match (json, how % 4) {
        (true, 0) => b"{\"Id\": }".to_vec(),
        (true, 1) => record.replacen(':', " ", 1).into_bytes(),
        (true, 2) => b"\"{ [ \\\" \"".to_vec(),
        (false, 0) => b"one field".to_vec(),
        (false, 1) => format!("{record},more").into_bytes(),
        (false, 2) => quoted(record).into_bytes(),
        (_, _) => {
            let mut bytes = record.as_bytes().to_vec();
            bytes[3] = 0xff;
            bytes
        }
    }
}

fn formats() -> impl Strategy<Value = Format> {
    prop::sample::select(FORMATS.to_vec())
}

/// Checks that a reader of every format reads the bytes to their end, in order.
fn reads_to_an_end(bytes: &[u8]) -> Result<(), TestCaseError> {
    let readers = FORMATS.map(|format| Reader::with_format(bytes, format)).into_iter().chain([Reader::new(bytes)]);
    for mut reader in readers {
        let (mut last, mut items) = (0, 0);
        for item in reader.by_ref() {
            items += 1;
            if let Err(rejected) = item {
                prop_assert!(rejected.line() >= last.max(1));
                last = rejected.line();
            }
        }
        prop_assert!(items <= bytes.len() + 1);
        prop_assert!(reader.next().is_none());
    }
    Ok(())
}

proptest! {
    #[test]
    fn b3_any_bytes_are_read_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        reads_to_an_end(&bytes)?;
    }

    #[test]
    fn b3_random_punctuation_is_read_to_its_end(text in r#"(\[|\{|Operation,A\n)?[\[\]{}",:\\\r\n a1\xEF]{0,200}"#) {
        reads_to_an_end(text.as_bytes())?;
    }

    #[test]
    fn b3_damaged_document_is_read_to_its_end(
        format in formats(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..12),
    ) {
        let names: Vec<String> = (0..4).map(|n| format!("r{n}")).collect();
        let mut bytes = joined(format, &document(format, &names)).into_bytes();
        for (index, byte, how) in edits {
            let at = index.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                _ => bytes.insert(at, byte),
            }
        }
        reads_to_an_end(&bytes)?;
    }

    #[test]
    fn b1_damaged_records_are_rejected_and_others_read(
        format in formats(),
        damage in prop::collection::vec(prop::option::of(any::<u8>()), 1..20),
        chunk in 1..64usize,
    ) {
        let names: Vec<String> = (0..damage.len()).map(|n| format!("r{n}")).collect();
        // The damaged records are not UTF-8, so a mark takes their place until all are joined.
        let records = document(format, &names);
        let marks: Vec<String> = (0..records.len()).map(|n| format!("<{n}>")).collect();
        let mut input = joined(format, &marks).into_bytes();
        let mut sound = Vec::new();
        for (n, (record, how)) in records.iter().zip(&damage).enumerate() {
            let content = match how {
                Some(how) => damaged(format, record, *how),
                None => {
                    sound.push(names[n].clone());
                    record.clone().into_bytes()
                }
            };
            let at = input.windows(marks[n].len()).position(|window| window == marks[n].as_bytes()).unwrap();
            input.splice(at..at + marks[n].len(), content);
        }
        let items: Vec<_> = Reader::with_format(BufReader::with_capacity(chunk, &input[..]), format).collect();
        prop_assert_eq!(items.len(), damage.len());
        prop_assert_eq!(ids(&items), sound);
    }
}
