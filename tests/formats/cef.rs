//! A strict reader of the Common Event Format.

use std::collections::BTreeMap;

use crate::notation::unescaped;

/// The seven fields of the header, and the extension.
pub(crate) struct Cef {
    pub(crate) header: Vec<String>,
    pub(crate) extension: BTreeMap<String, String>,
}

/// Reads an event. Panics at everything that the format does not allow.
pub(crate) fn read(line: &str) -> Cef {
    let mut header = vec![String::new()];
    let mut chars = line.char_indices();
    let extension = loop {
        let (at, c) = chars.next().expect("the header ends");
        match c {
            '|' if header.len() == 7 => break &line[at + 1..],
            '|' => header.push(String::new()),
            '\\' => {
                let (_, next) = chars.next().unwrap();
                assert!(matches!(next, '\\' | '|'), "`\\{next}` in the header of {line:?}");
                header.last_mut().unwrap().push(next);
            }
            other => header.last_mut().unwrap().push(other),
        }
    };
    let header = header.iter().map(|field| unescaped(field)).collect();
    Cef { header, extension: read_extension(extension) }
}

fn read_extension(text: &str) -> BTreeMap<String, String> {
    // Each equals sign without a backslash ends a key, which begins after the last space before it.
    let mut signs = Vec::new();
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '=' => signs.push(at),
            _ => {}
        }
    }
    let begins: Vec<usize> = signs.iter().map(|at| text[..*at].rfind(' ').map_or(0, |space| space + 1)).collect();
    let mut fields = BTreeMap::new();
    for (number, (sign, begin)) in signs.iter().zip(&begins).enumerate() {
        let key = &text[*begin..*sign];
        assert!(!key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric()), "the key {key:?}");
        let end = begins.get(number + 1).map_or(text.len(), |next| next - 1);
        assert!(end > *sign, "the value of {key} is empty");
        let before = fields.insert(key.to_owned(), unescaped(&value(&text[sign + 1..end])));
        assert_eq!(before, None, "the key {key} occurs twice");
    }
    fields
}

fn value(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(match chars.next().unwrap() {
                '\\' => '\\',
                '=' => '=',
                'n' => '\n',
                'r' => '\r',
                other => panic!("`\\{other}` in the value {text:?}"),
            }),
            '=' => panic!("an equals sign in the value {text:?}"),
            other => out.push(other),
        }
    }
    out
}
