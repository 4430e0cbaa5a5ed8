//! Damage to files in transfer.

use std::fmt;

/// Damage to a file in transfer. Each kind is common where files are sent as text, and can be undone.
///
/// A file counts as damaged only if it verifies after all damage is undone. A file that was truncated within a record
/// or a signature, or is in another encoding, cannot be verified, and has errors of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// The file begins with a byte order mark.
    ByteOrderMark,
    /// The file contains bytes that are not UTF-8 text.
    NotText,
    /// The line ends with a carriage return and a line feed.
    CarriageReturn,
    /// White space was added before or after the line.
    WhiteSpace,
    /// A blank line was added.
    BlankLine,
    /// The line repeats the line before it.
    Repeated,
    /// The file ends before the line feed of the line. No signed byte is missing.
    CutOff,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByteOrderMark => "it begins with a byte order mark",
            Self::NotText => "it contains bytes that are not UTF-8 text",
            Self::CarriageReturn => "it ends with a carriage return",
            Self::WhiteSpace => "white space was added to it",
            Self::BlankLine => "it is blank",
            Self::Repeated => "it repeats the line before it",
            Self::CutOff => "the file ends before its line feed",
        })
    }
}

const MARK: &[u8] = b"\xef\xbb\xbf";

/// Undoes the damage of a line without its line feed. Returns the original line and the damage, if any. If the original
/// is empty, the line was blank. A byte order mark is recognized only before the first text of the file.
pub(super) fn undone(line: &[u8], is_first: bool) -> (&[u8], Option<Damage>) {
    let mut text = line.trim_ascii();
    while let Some(unmarked) = text.strip_prefix(MARK).filter(|_| is_first) {
        text = unmarked.trim_ascii();
    }
    let damage = match line {
        _ if text.len() == line.len() && !text.is_empty() => return (text, None),
        _ if is_first && line.starts_with(MARK) => Damage::ByteOrderMark,
        [.., b'\r'] => Damage::CarriageReturn,
        [] => Damage::BlankLine,
        _ => Damage::WhiteSpace,
    };
    (text, Some(damage))
}

/// Returns whether a text is in another encoding than UTF-8 without NUL, which this library writes. A truncated text
/// may end within a character.
pub(super) fn is_other_encoding(text: &[u8], is_cut_off: bool) -> bool {
    let is_utf8 = str::from_utf8(text).map_or_else(|error| is_cut_off && error.error_len().is_none(), |_| true);
    !is_utf8 || text.contains(&0)
}
