//! A strict reader of syslog messages (RFC 5424) and of octet counting (RFC 6587).

use crate::notation::unescaped;

/// The name of an element and its parameters.
type Element = (String, Vec<(String, String)>);

/// A message.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Message {
    pub(crate) priority: u16,
    /// Timestamp, host name, app name, process id and message id.
    pub(crate) header: Vec<String>,
    /// The elements with their parameters.
    pub(crate) data: Vec<Element>,
    pub(crate) has_byte_order_mark: bool,
    pub(crate) text: String,
}

/// Splits a stream by the counts of octets.
pub(crate) fn frames(mut stream: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    while !stream.is_empty() {
        let space = stream.iter().position(|byte| *byte == b' ').unwrap();
        let digits = std::str::from_utf8(&stream[..space]).unwrap();
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0'), "{digits}");
        let (frame, rest) = stream[space + 1..].split_at(digits.parse().unwrap());
        frames.push(frame);
        stream = rest;
    }
    frames
}

pub(crate) fn read(message: &[u8]) -> Message {
    let text = std::str::from_utf8(message).unwrap();
    let (priority, rest) = text.strip_prefix('<').unwrap().split_once('>').unwrap();
    let rest = rest.strip_prefix("1 ").unwrap();
    let mut parts = rest.splitn(6, ' ');
    let header: Vec<String> = parts.by_ref().take(5).map(str::to_owned).collect();
    for (field, max) in header.iter().zip([32, 255, 48, 128, 32]) {
        assert!((1..=max).contains(&field.len()) && field.bytes().all(|byte| byte.is_ascii_graphic()), "{field:?}");
    }
    let (data, rest) = elements(parts.next().unwrap());
    let rest = rest.strip_prefix(' ').unwrap();
    let text = rest.strip_prefix('\u{feff}').unwrap_or(rest);
    let has_byte_order_mark = text.len() < rest.len();
    Message { priority: priority.parse().unwrap(), header, data, has_byte_order_mark, text: text.to_owned() }
}

/// Reads the structured data. Returns the rest, too.
fn elements(mut rest: &str) -> (Vec<Element>, &str) {
    let mut elements = Vec::new();
    while let Some(after) = rest.strip_prefix('[') {
        let end = after.find([' ', ']']).unwrap();
        let id = name(&after[..end]);
        let (mut parameters, mut after) = (Vec::new(), &after[end..]);
        while let Some(parameter) = after.strip_prefix(' ') {
            let (key, value) = parameter.split_once("=\"").unwrap();
            let (value, next) = quoted(value);
            parameters.push((name(key), unescaped(&value)));
            after = next;
        }
        rest = after.strip_prefix(']').unwrap();
        elements.push((id, parameters));
    }
    (elements, rest)
}

fn name(text: &str) -> String {
    let is_valid = |c: char| c.is_ascii_graphic() && !matches!(c, '=' | ']' | '"');
    assert!((1..=32).contains(&text.len()) && text.chars().all(is_valid), "the name {text:?}");
    text.to_owned()
}

/// Reads a value up to its closing quote.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            ']' => panic!("a bracket in the value {text:?}"),
            '\\' => match chars.next().unwrap().1 {
                escaped @ ('"' | '\\' | ']') => value.push(escaped),
                other => panic!("`\\{other}` in the value {text:?}"),
            },
            other => value.push(other),
        }
    }
    panic!("no closing quote in {text:?}")
}
