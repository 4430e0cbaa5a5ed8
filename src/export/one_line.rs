//! Text on one line, for formats that have no escapes for control characters.

use std::borrow::Cow;
use std::fmt::Write;

/// The begin of an escape.
const ESCAPE: &str = "\\u{";

/// Returns whether a character could end a line or a field, or control a terminal: control characters (Unicode category
/// Cc), the line separator and the paragraph separator.
pub(super) fn is_hazard(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Replaces each hazard by `\u{…}` with its code point in lower-case hexadecimal digits, as Rust writes it.
///
/// The original can be read back: a backslash that begins such an escape in the original is replaced too, by `\u{5c}`.
/// All other backslashes stay.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    escaped_if(text, is_hazard)
}

/// Replaces each character for which `is_special` is true; see [`escaped`].
pub(super) fn escaped_if(text: &str, is_special: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(ESCAPE) && !text.contains(&is_special) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        let begins_escape = c == '\\' && text.get(at..).is_some_and(|rest| rest.starts_with(ESCAPE));
        if begins_escape || is_special(c) {
            // A string accepts everything.
            let _ = write!(line, "{ESCAPE}{:x}}}", u32::from(c));
        } else {
            line.push(c);
        }
    }
    Cow::Owned(line)
}

/// Returns the items as one text: separated by commas, with a backslash before each comma and backslash in an item.
pub(super) fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for (at, item) in items.enumerate() {
        if at > 0 {
            text.push(',');
        }
        for c in item.chars() {
            if matches!(c, ',' | '\\') {
                text.push('\\');
            }
            text.push(c);
        }
    }
    text
}
