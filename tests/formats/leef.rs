//! A strict reader of the Log Event Extended Format 2.0.

use std::collections::BTreeMap;

use crate::notation::unescaped;

/// The vendor, product, version and event id, and the attributes.
pub(crate) fn read(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let parts: Vec<&str> = line.splitn(7, '|').collect();
    let [version, header @ .., delimiter, attributes] = &parts[..] else { panic!("the header of {line:?}") };
    assert_eq!((*version, header.len()), ("LEEF:2.0", 4));
    let mut fields = BTreeMap::new();
    for attribute in attributes.split(delimiter) {
        let (key, value) = attribute.split_once('=').unwrap();
        assert!(!key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric()), "the key {key:?}");
        let before = fields.insert(key.to_owned(), unescaped(value));
        assert_eq!(before, None, "the key {key} occurs twice");
    }
    (header.iter().map(|&field| field.to_owned()).collect(), fields)
}
