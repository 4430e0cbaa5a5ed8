//! Detection of inputs in other formats or encodings.

use std::fmt;

/// The kind of an input in a format or encoding that this crate does not read, detected from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InputKind {
    /// UTF-16 text, little endian, which Windows PowerShell and Excel call "Unicode".
    Utf16LittleEndian,
    /// UTF-16 text, big endian.
    Utf16BigEndian,
    /// UTF-32 text, of either byte order.
    Utf32,
    /// Data compressed with gzip.
    Gzip,
    /// A ZIP archive, for example an Excel workbook (`.xlsx`).
    Zip,
    /// Data compressed with Zstandard.
    Zstandard,
    /// An HTML page, such as a sign-in page that was saved in place of a download.
    Html,
    /// An XML document.
    Xml,
}

impl InputKind {
    /// How many bytes of the start of an input are examined. HTML or XML behind more white space than fits is not
    /// detected.
    pub(crate) const HEAD_BYTES: usize = 64;

    /// Returns the kind of an input by its first bytes, or `None` if it may be UTF-8 text in a format that is read
    /// here.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        let text = head.trim_ascii_start();
        let is_tag = |tag: &str| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()));
        match head {
            // Before UTF-16, because the byte order mark of UTF-16 is the start of this one.
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some(Self::Utf32),
            [0xff, 0xfe, ..] => Some(Self::Utf16LittleEndian),
            [0xfe, 0xff, ..] => Some(Self::Utf16BigEndian),
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstandard),
            // Without a byte order mark: no format that is read here has a NUL among its first two bytes.
            [first, 0, second, 0, ..] if *first != 0 && *second != 0 => Some(Self::Utf16LittleEndian),
            [0, first, 0, second, ..] if *first != 0 && *second != 0 => Some(Self::Utf16BigEndian),
            _ if is_tag("<?xml") => Some(Self::Xml),
            _ if is_tag("<!doctype") || is_tag("<html") => Some(Self::Html),
            _ => None,
        }
    }
}

impl fmt::Display for InputKind {
    /// Writes the kind, and after a semicolon how to convert the input.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf16LittleEndian => {
                "UTF-16 text (little endian); convert it, for example with `iconv -f UTF-16LE -t UTF-8`"
            }
            Self::Utf16BigEndian => {
                "UTF-16 text (big endian); convert it, for example with `iconv -f UTF-16BE -t UTF-8`"
            }
            Self::Utf32 => "UTF-32 text; convert it, for example with `iconv -f UTF-32 -t UTF-8`",
            Self::Gzip => "gzip-compressed data; decompress it, for example with `gzip -dc`",
            Self::Zip => "a ZIP archive or an Excel workbook; extract it, or save the sheet as CSV in UTF-8",
            Self::Zstandard => "Zstandard-compressed data; decompress it, for example with `zstd -dc`",
            Self::Html => "an HTML page, perhaps a sign-in page; sign in and download the data again",
            Self::Xml => "an XML document; export the data as JSON or CSV",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b4_first_bytes_show_kind_of_input() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let swapped = |bytes: &[u8]| bytes.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect::<Vec<_>>();
        let (marked, bare) = (utf16("\u{feff}id,mail"), utf16("{\"Id\": 1}"));
        for (head, kind) in [
            (&marked[..], InputKind::Utf16LittleEndian),
            (&swapped(&marked), InputKind::Utf16BigEndian),
            (&bare, InputKind::Utf16LittleEndian),
            (&swapped(&bare), InputKind::Utf16BigEndian),
            (b"\xff\xfe\0\0{\0\0\0", InputKind::Utf32),
            (b"\x1f\x8b\x08\x00", InputKind::Gzip),
            (b"PK\x03\x04\x14\x00", InputKind::Zip),
            (b"PK\x05\x06\x00\x00", InputKind::Zip),
            (b"\x28\xb5\x2f\xfd", InputKind::Zstandard),
            (b"\n <!DOCTYPE html>", InputKind::Html),
            (b"<?xml version=", InputKind::Xml),
        ] {
            assert_eq!(InputKind::of(head), Some(kind), "{head:?}");
        }
        for text in [
            "",
            "{",
            "[\n",
            "id,mail\n",
            "\u{feff}{}",
            "version: 1",
            "\"a\"",
            "P",
            "PK,name",
            "PK\x03\x06",
            "PK\x05\x04",
        ] {
            assert_eq!(InputKind::of(text.as_bytes()), None, "{text}");
        }
    }
}
