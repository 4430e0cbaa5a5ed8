//! The unfolded lines of LDIF (RFC 2849), read in bounded memory.

use std::io::{self, BufRead};

use super::MAX_VALUE_BYTES;
use crate::import::EntryRejectReason;
use crate::steps;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const ATTRIBUTE: &str = "`attribute: value`, `attribute:: base64` or a comment";

/// A stream of lines that counts line numbers.
pub(super) struct LineReader<R> {
    input: R,
    /// The number of physical lines started.
    begun: u64,
    line: Vec<u8>,
}

/// The next item of the stream. The line itself is in the [`LineReader`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NextLine {
    /// A line with content.
    Line(LineInfo),
    /// A blank line, which separates records.
    Blank,
    End,
}

/// The position of a logical line, which may span several physical lines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct LineInfo {
    pub(super) number: u64,
    /// Whether the line exceeded the size limit.
    pub(super) too_long: bool,
    /// Whether the input ended within the line.
    pub(super) cut: bool,
}

/// A parsed line.
pub(super) struct AttributeLine<'a> {
    /// The attribute name, without options.
    pub(super) name: &'a str,
    pub(super) options: &'a str,
    pub(super) value: RawValue<'a>,
}

/// A value as written.
#[derive(Clone, Copy)]
pub(super) enum RawValue<'a> {
    Plain(&'a [u8]),
    Base64(&'a [u8]),
    Url,
}

impl<R: BufRead> LineReader<R> {
    /// Creates a reader of the lines of an input.
    pub(super) fn new(input: R) -> Self {
        Self { input, begun: 0, line: Vec::new() }
    }

    /// Returns the number of the current physical line.
    pub(super) fn number(&self) -> u64 {
        self.begun.max(1)
    }

    /// Reads the next line that is not a comment.
    pub(super) fn next(&mut self) -> io::Result<NextLine> {
        loop {
            self.line.clear();
            let mut info = LineInfo { number: self.begun + 1, too_long: false, cut: false };
            if self.peek()?.is_none() {
                return Ok(NextLine::End);
            }
            loop {
                self.begun += 1;
                self.rest_of_line(&mut info)?;
                if info.number == 1 && self.begun == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
                    self.line.drain(..BYTE_ORDER_MARK.len());
                }
                if self.line.is_empty() {
                    break;
                }
                match self.peek()? {
                    // One space marks the fold, and any further space is content.
                    Some(b' ' | b'\t') => self.input.consume(1),
                    _ => break,
                }
            }
            match self.line.first() {
                None if info.cut => return Ok(NextLine::End),
                None => return Ok(NextLine::Blank),
                // A comment without a line feed shows that the input was truncated.
                Some(b'#') if !info.cut => {}
                Some(_) => return Ok(NextLine::Line(info)),
            }
        }
    }

    /// Returns the content of the line.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.line
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.input.fill_buf() {
                Ok(buffer) => return Ok(buffer.first().copied()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Appends the content up to the line feed, without a carriage return in front of it. Holds at most the size limit
    /// plus one byte for the carriage return.
    fn rest_of_line(&mut self, info: &mut LineInfo) -> io::Result<()> {
        let from = self.line.len();
        loop {
            if self.peek()?.is_none() {
                info.cut = true;
                return Ok(());
            }
            steps::advance(1);
            let buffer = self.input.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let text = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            let room = (MAX_VALUE_BYTES + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(text.get(..room).unwrap_or(text));
            let over = text.len() > room;
            info.too_long |= over;
            let taken = end.map_or(buffer.len(), |end| end + 1);
            self.input.consume(taken);
            if end.is_some() {
                if self.line.len() > from && self.line.ends_with(b"\r") {
                    self.line.pop();
                }
                info.too_long |= self.line.len() > MAX_VALUE_BYTES;
                return Ok(());
            }
        }
    }
}

impl<'a> AttributeLine<'a> {
    /// Parses a line.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, EntryRejectReason> {
        let expected = EntryRejectReason::Syntax { expected: ATTRIBUTE };
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return Err(expected) };
        let (name, value) = line.split_at(colon);
        let Ok(name) = std::str::from_utf8(name) else { return Err(expected) };
        let (name, options) = name.split_once(';').unwrap_or((name, ""));
        if !is_attribute_name(name) || !options.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(expected);
        }
        let value = match value {
            [b':', b':', value @ ..] => RawValue::Base64(value),
            [b':', b'<', ..] => RawValue::Url,
            [_, value @ ..] => RawValue::Plain(value),
            [] => return Err(expected),
        };
        Ok(Self { name, options, value })
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Returns the value as text. `field` is the attribute's name in messages.
    pub(super) fn text(&self, field: &'static str) -> Result<String, EntryRejectReason> {
        String::from_utf8(self.value(field)?)
            .map_err(|error| EntryRejectReason::NotUtf8 { at: error.utf8_error().valid_up_to() })
    }

    /// Returns the decoded value.
    pub(super) fn value(&self, field: &'static str) -> Result<Vec<u8>, EntryRejectReason> {
        let without_padding = |value: &'a [u8]| {
            let from = value.iter().position(|byte| *byte != b' ').unwrap_or(value.len());
            value.get(from..).unwrap_or_default()
        };
        match self.value {
            RawValue::Plain(value) => Ok(without_padding(value).to_vec()),
            RawValue::Base64(value) => decoded(without_padding(value).trim_ascii_end())
                .ok_or(EntryRejectReason::InvalidField { field, expected: "base64 (RFC 4648, section 4)" }),
            RawValue::Url => {
                Err(EntryRejectReason::InvalidField { field, expected: "the value itself, not a URL to fetch it from" })
            }
        }
    }
}

/// Returns whether a text is an attribute name: a word or an object identifier (RFC 4512, section 1.4).
pub(super) fn is_attribute_name(name: &str) -> bool {
    let bare = name.strip_prefix("OID.").or_else(|| name.strip_prefix("oid.")).unwrap_or(name);
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let word = bare.starts_with(|c: char| c.is_ascii_alphabetic())
        && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    word || (bare.contains('.') && bare.split('.').all(number))
}

fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0);
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
        }
    }
    // The unused bits of the last digit must be zero.
    (held & ((1 << bits) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b1_base64_must_be_canonical() {
        assert_eq!(decoded(b"QWRlbGU=").unwrap(), b"Adele");
        assert_eq!(decoded(b"").unwrap(), b"");
        assert_eq!(decoded(b"YQ==").unwrap(), b"a");
        for text in [&b"QWRlbGU"[..], b"QWRl bGU=", b"YR==", b"Y===", b"=", b"Q-_="] {
            assert!(decoded(text).is_none(), "{}", String::from_utf8_lossy(text));
        }
    }
}
