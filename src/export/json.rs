//! JSON ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)) on one line.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

use super::one_line::is_hazard;

/// Appends the value as compact JSON. It contains no character that a reader could treat as the end of a line, and no
/// control character: each is escaped, also where the standard does not require it.
pub(super) fn append(value: &(impl Serialize + ?Sized), line: &mut Vec<u8>) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(line, OneLine);
    value.serialize(&mut serializer).map_err(io::Error::other)
}

/// Returns the value as [`append`] writes it.
pub(super) fn text(value: &(impl Serialize + ?Sized)) -> io::Result<String> {
    let mut line = Vec::new();
    append(value, &mut line)?;
    String::from_utf8(line).map_err(io::Error::other)
}

/// The compact form, which also escapes the control characters from U+007F on and the separators of lines and
/// paragraphs.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        // The serializer has escaped all control characters before U+007F.
        if fragment.is_ascii() && !fragment.as_bytes().contains(&0x7f) {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((before, hazard, after)) = split_at_hazard(rest) {
            out.write_all(before.as_bytes())?;
            // All of them are in the first plane, so one escape is enough.
            write!(out, "\\u{:04x}", u32::from(hazard))?;
            rest = after;
        }
        out.write_all(rest.as_bytes())
    }
}

fn split_at_hazard(text: &str) -> Option<(&str, char, &str)> {
    let (at, hazard) = text.char_indices().find(|(_, c)| is_hazard(*c))?;
    let (before, rest) = text.split_at(at);
    Some((before, hazard, rest.get(hazard.len_utf8()..)?))
}
