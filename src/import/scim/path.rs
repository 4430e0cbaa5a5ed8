//! Attribute paths in a `PATCH` (RFC 7644, section 3.5.2).

use super::attributes::{names_people, unqualified};
use crate::import::EntryRejectReason;

const EXPECTED: &str =
    "an attribute such as `members`, optionally with a filter `[value eq \"...\"]` or a sub-attribute";

/// An attribute, with an optional filter on its elements and an optional sub-attribute.
pub(super) struct AttributePath<'a> {
    /// In lower case.
    pub(super) attribute: String,
    pub(super) filter: Option<&'a str>,
    /// In lower case.
    pub(super) sub_attribute: Option<String>,
}

impl<'a> AttributePath<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, EntryRejectReason> {
        let text = unqualified(text.trim());
        // Extensions contain no attribute that names people.
        if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")) {
            if names_people(text) {
                return Err(invalid_path());
            }
            return Ok(Self { attribute: text.to_ascii_lowercase(), filter: None, sub_attribute: None });
        }
        let (head, filter, tail) = match text.split_once('[') {
            None => match text.split_once('.') {
                Some((head, sub)) => (head, None, Some(sub)),
                None => (text, None, None),
            },
            Some((head, rest)) => {
                let end = end_of_filter(rest).ok_or_else(invalid_path)?;
                let (filter, tail) = rest.split_at_checked(end).ok_or_else(invalid_path)?;
                let tail = tail.strip_prefix(']').ok_or_else(invalid_path)?;
                let tail = if tail.is_empty() { None } else { Some(tail.strip_prefix('.').ok_or_else(invalid_path)?) };
                (head, Some(filter), tail)
            }
        };
        if !is_name(head) || tail.is_some_and(|sub| !is_name(sub)) {
            return Err(invalid_path());
        }
        Ok(Self { attribute: head.to_ascii_lowercase(), filter, sub_attribute: tail.map(str::to_ascii_lowercase) })
    }

    /// Returns the value in a filter `value eq "..."`.
    pub(super) fn value(filter: &str) -> Option<String> {
        let rest = keyword(filter.trim(), "value")?;
        let quoted = keyword(rest, "eq")?;
        serde_json::from_str(quoted).ok()
    }
}

/// Returns the text after a keyword and the white space that follows it.
fn keyword<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (first, rest) = text.split_once(|c: char| c.is_ascii_whitespace())?;
    first.eq_ignore_ascii_case(word).then(|| rest.trim_start())
}

/// Returns the offset of the bracket that ends a filter: the first outside of a string.
fn end_of_filter(text: &str) -> Option<usize> {
    let (mut in_text, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b']' if !in_text => return Some(at),
            _ => {}
        }
    }
    None
}

fn is_name(text: &str) -> bool {
    let text = text.strip_prefix('$').unwrap_or(text);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn invalid_path() -> EntryRejectReason {
    EntryRejectReason::InvalidField { field: "path", expected: EXPECTED }
}
