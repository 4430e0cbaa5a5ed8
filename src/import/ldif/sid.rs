//! Security identifiers (MS-DTYP, section 2.4.2), as text or bytes, in one form.

use std::fmt;

/// The SID of a user, a group or a domain.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Sid {
    authority: u64,
    parts: Vec<u32>,
}

/// The expected format, for error messages.
pub(super) const EXPECTED: &str = "a SID as text (`S-1-5-21-...`) or bytes";

impl Sid {
    const MAX_PARTS: usize = 15;

    /// Parses the bytes or the text of a SID. Exporters write either.
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        Self::of_bytes(value).or_else(|| Self::of_text(std::str::from_utf8(value).ok()?.trim()))
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let ([1, count, authority @ ..], parts) = bytes.split_first_chunk::<8>()? else { return None };
        let authority = authority.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        let (parts, rest) = parts.as_chunks::<4>();
        let whole = rest.is_empty() && parts.len() == usize::from(*count) && parts.len() <= Self::MAX_PARTS;
        whole.then(|| Self { authority, parts: parts.iter().map(|part| u32::from_le_bytes(*part)).collect() })
    }

    fn of_text(text: &str) -> Option<Self> {
        let rest = text.get(..4).filter(|head| head.eq_ignore_ascii_case("s-1-")).and_then(|_| text.get(4..))?;
        let mut numbers = rest.split('-');
        let authority = numbers.next()?;
        // An authority of more than 32 bits is written in hexadecimal.
        let authority = match authority.strip_prefix("0x").or_else(|| authority.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16).ok()?,
            None => authority.parse().ok()?,
        };
        let parts: Option<Vec<u32>> = numbers.map(|part| part.parse().ok()).collect();
        parts
            .filter(|parts| parts.len() <= Self::MAX_PARTS && authority < 1 << 48)
            .map(|parts| Self { authority, parts })
    }

    /// Returns the SID with this last part in the same domain, or `None` if the SID has no parts.
    pub(super) fn sibling(&self, number: u32) -> Option<Self> {
        let (_, domain) = self.parts.split_last()?;
        let parts = domain.iter().copied().chain([number]).collect();
        Some(Self { authority: self.authority, parts })
    }
}

impl fmt::Display for Sid {
    /// Writes the text form, with an upper-case `S`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.authority >> 32 == 0 {
            write!(f, "S-1-{}", self.authority)?;
        } else {
            write!(f, "S-1-0x{:012x}", self.authority)?;
        }
        self.parts.iter().try_for_each(|part| write!(f, "-{part}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &[u8]) -> Option<String> {
        Sid::read(value).map(|sid| sid.to_string())
    }

    #[test]
    fn d8_sid_has_one_form() {
        let bytes = b"\x01\x02\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00\x01\x02\x00\x00";
        for value in [&bytes[..], b"S-1-5-21-513", b" s-1-0x5-21-0513 "] {
            assert_eq!(text(value).as_deref(), Some("S-1-5-21-513"), "{value:?}");
        }
        assert_eq!(text(b"S-1-0x1000000000A-1").as_deref(), Some("S-1-0x01000000000a-1"));
        assert_eq!(Sid::read(bytes).unwrap().sibling(7).unwrap().to_string(), "S-1-5-21-7");
    }

    #[test]
    fn b1_invalid_sid_is_rejected() {
        let (short, long) =
            (&b"\x01\x02\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00"[..], b"S-1-5-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1");
        for value in [&b""[..], b"S-1", b"S-1-", b"S-2-5-21", b"S-1-5-", b"S-1-5-21-4294967296", b"AQUA", short, long] {
            assert_eq!(text(value), None, "{value:?}");
        }
    }
}
