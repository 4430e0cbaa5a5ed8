//! What becomes of a file that was carried badly.

use std::fmt;

/// How a file was damaged in transfer. Each of these is common where files are sent as text, and each can be undone: a file is
/// called damaged only if it verifies once all of them are undone. A file that was cut off within a record or a signature, or
/// is in another encoding, cannot be verified at all; that has findings of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// A byte order mark stands before the first line.
    ByteOrderMark,
    /// Bytes were added that are not UTF-8 text.
    NotText,
    /// The line ends with a carriage return and a line feed.
    CarriageReturn,
    /// Blanks stand before the line or after it.
    WhiteSpace,
    /// The line is blank.
    BlankLine,
    /// The line is the same as the one before it.
    Repeated,
    /// The file ends before the line feed of the line. Nothing that was signed is missing.
    CutOff,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByteOrderMark => "it begins with a byte order mark",
            Self::NotText => "it holds bytes that are not UTF-8 text",
            Self::CarriageReturn => "it ends with a carriage return",
            Self::WhiteSpace => "white space was added to it",
            Self::BlankLine => "it is blank",
            Self::Repeated => "it repeats the line before it",
            Self::CutOff => "the file ends before its line feed",
        })
    }
}

const MARK: &[u8] = b"\xef\xbb\xbf";

/// A line, its end taken off, as it was before it was damaged; and how it was, if it was. One that is empty now was blank. A
/// byte order mark is one only before the first text of the file.
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

/// Whether a text is in another encoding: this library writes UTF-8, and no NUL. One that was cut off may end within a
/// character.
pub(super) fn is_other_encoding(text: &[u8], is_cut_off: bool) -> bool {
    let is_utf8 = str::from_utf8(text).map_or_else(|error| is_cut_off && error.error_len().is_none(), |_| true);
    !is_utf8 || text.contains(&0)
}
