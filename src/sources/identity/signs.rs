//! The signs of identities in a text: what one look at its bytes says about the forms that it can contain.

use memchr::memchr_iter;

use super::name_form::is_mark;

/// The signs of identities in a text. A form of which the sign is missing does not occur in the text, so that the text
/// need not be searched for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::sources) struct Signs {
    /// Whether the text may contain an address: [`Identities::add_embedded_addresses`](super::Identities).
    pub(in crate::sources) address: bool,
    /// Whether the text may contain an identity in a special form: [`Identities::add_identities_in`](super::Identities).
    pub(in crate::sources) special: bool,
    /// Whether the text may contain the address of a OneDrive: [`onedrive_owners`](super::addresses::onedrive_owners).
    pub(in crate::sources) drive: bool,
}

/// The bytes that occur in the forms of identities, one bit each.
mod byte {
    pub(super) const AT: u8 = 1;
    pub(super) const HASH: u8 = 1 << 1;
    pub(super) const PERCENT: u8 = 1 << 2;
    pub(super) const SLASH: u8 = 1 << 3;
    pub(super) const HYPHEN: u8 = 1 << 4;
    /// `|` of a claim and `\` of an account.
    pub(super) const SEPARATOR: u8 = 1 << 5;
    pub(super) const NOT_ASCII: u8 = 1 << 6;
}

/// The bit of each byte.
static BITS: [u8; 256] = bits();

#[expect(clippy::indexing_slicing, reason = "the index is below the length, and evaluated when this is compiled")]
const fn bits() -> [u8; 256] {
    let mut bits = [0; 256];
    let mut at = 0;
    while at < 256 {
        bits[at] = match at as u8 {
            b'@' => byte::AT,
            b'#' => byte::HASH,
            b'%' => byte::PERCENT,
            b'/' => byte::SLASH,
            b'-' => byte::HYPHEN,
            b'|' | b'\\' => byte::SEPARATOR,
            0x80.. => byte::NOT_ASCII,
            _ => 0,
        };
        at += 1;
    }
    bits
}

impl Signs {
    /// Returns the signs in a text. Without `with_special`, does not look for special forms.
    pub(in crate::sources) fn of(text: &str, with_special: bool) -> Self {
        crate::steps::advance(text.len());
        let bytes = text.as_bytes();
        let found = bytes.iter().fold(0, |found, byte| found | BITS.get(usize::from(*byte)).unwrap_or(&0));
        let has = |bits: u8| found & bits != 0;
        // Inside any form, marks are skipped.
        let has_marks = has(byte::NOT_ASCII) && text.contains(is_mark);
        let special = || {
            has_marks
                || has(byte::SEPARATOR)
                || (has(byte::AT) && has(byte::HASH | byte::PERCENT))
                || (has(byte::PERCENT) && contains(bytes, b"%40", 0))
                || (has(byte::SLASH) && may_contain_account(text))
                || (has(byte::HYPHEN) && contains(bytes, b"s-1-", 1))
                || has_long_hexadecimal(bytes)
        };
        Self {
            address: has(byte::AT) || (has_marks && text.contains('\u{ff20}')),
            special: with_special && special(),
            drive: has(byte::PERCENT) || (has(byte::SLASH) && contains(bytes, b"personal/", 8)),
        }
    }

    /// Returns whether there is any sign.
    pub(in crate::sources) fn any(self) -> bool {
        self.address || self.special || self.drive
    }
}

/// Returns whether a text with a slash may contain an account: `CONTOSO/adele` with at most two bytes around it, such as
/// quotes, or a legacy distinguished name of Exchange.
fn may_contain_account(text: &str) -> bool {
    let trimmed = text.trim();
    match memchr_iter(b'/', text.as_bytes()).count() {
        1 => true,
        // One of the two bytes separates the other from the account.
        2 if trimmed.starts_with('/') || trimmed.ends_with('/') => true,
        _ => contains(text.as_bytes(), b"/o=", 0),
    }
}

/// Returns whether a text contains the sixteen hexadecimal digits in a row of a passport id and of an object id without
/// hyphens, or the last twelve of one with hyphens.
fn has_long_hexadecimal(bytes: &[u8]) -> bool {
    const LENGTH: usize = 12;
    let is_digit = |byte: &&u8| byte.is_ascii_hexdigit();
    let mut at = LENGTH - 1;
    // Every run of this length contains one of these bytes.
    while let Some((before, rest)) = bytes.split_at_checked(at) {
        let behind = rest.iter().take_while(is_digit).count();
        if behind > 0 {
            let length = before.iter().rev().take_while(is_digit).count() + behind;
            let is_behind_hyphen = || (at + behind).checked_sub(length + 1).and_then(|at| bytes.get(at)) == Some(&b'-');
            if length >= 16 || (length >= LENGTH && is_behind_hyphen()) {
                return true;
            }
        }
        at += LENGTH + behind;
    }
    false
}

/// Returns whether a text contains a part, which is in lower case, without regard to case. The byte of the part at
/// `anchor` is no letter, and is searched for.
fn contains(bytes: &[u8], part: &[u8], anchor: usize) -> bool {
    let Some(sign) = part.get(anchor) else { return false };
    memchr_iter(*sign, bytes)
        .filter_map(|at| at.checked_sub(anchor))
        .any(|start| bytes.get(start..start + part.len()).is_some_and(|window| window.eq_ignore_ascii_case(part)))
}

#[cfg(all(test, feature = "proptest"))]
mod tests {
    use proptest::prelude::*;
    use proptest::{collection, sample};

    use super::*;
    use crate::sources::identity::Identities;
    use crate::sources::identity::addresses::onedrive_owners;

    /// Texts made of parts that occur in identities, and of anything else.
    fn texts() -> impl Strategy<Value = String> {
        let hexadecimal = prop_oneof![
            "[0-9a-fA-F]{1,40}",
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[0-9A-F]{16}",
            "[0-9a-f]{32}",
            "[sS]-1-[0-9]{1,2}-[0-9]{1,3}",
        ];
        let known = sample::select(vec![
            "@",
            "#",
            "%",
            "/",
            "\\",
            "|",
            "-",
            ":",
            "=",
            ".",
            "_",
            " ",
            ";",
            ",",
            "'",
            "\"",
            "{",
            "}",
            "(",
            ")",
            "<",
            ">",
            "[",
            "]",
            "%40",
            "%2F",
            "%2f",
            "p%65rsonal/",
            "personal/",
            "/PERSONAL/",
            "/personal/a_b_c",
            "i:0#.f|",
            "c:0t.c|",
            "membership|",
            "urn:uuid:",
            "urn:spo:guest#",
            "live.com#",
            "User_",
            "ServicePrincipal_",
            "/o=",
            "/O=x/cn=",
            "/cn=",
            "x500:",
            "SMTP:",
            "CONTOSO",
            "adele",
            "contoso.com",
            ".com",
            ".png",
            "#EXT#",
            "thread.v2",
            "\u{200b}",
            "\u{ad}",
            "\u{ff20}",
            "%EF%BC%A0",
            "\u{feff}",
            "é",
            "K",
            "\u{130}",
            "。",
            "\u{a0}",
            "\u{b}",
            "://",
            "\u{e0020}",
            "S-1-12-1-1-2-3-4",
            "1003200096971F55",
        ])
        .prop_map(str::to_owned);
        let part = prop_oneof![4 => known, 3 => hexadecimal, 1 => "[ -~]{0,4}", 1 => "\\PC{0,3}"];
        collection::vec(part, 0..9).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn d8_form_without_its_sign_is_not_in_text(text in texts()) {
            let signs = Signs::of(&text, true);
            let mut addresses = Identities::of_many();
            addresses.add_embedded_addresses(&text);
            prop_assert!(signs.address || addresses.is_empty(), "an address in `{}`", text);
            let mut special = Identities::of_many();
            special.add_identities_in(&text);
            prop_assert!(signs.special || special.is_empty(), "a special form in `{}`", text);
            prop_assert!(signs.drive || onedrive_owners(&text).is_empty(), "a drive in `{}`", text);
            let without = Signs::of(&text, false);
            prop_assert_eq!((without.address, without.special, without.drive), (signs.address, false, signs.drive));
        }
    }

    #[test]
    fn d8_white_space_around_account_hides_no_sign() {
        for text in ["\u{a0}/;CONTOSO/adele", "\u{b}/;CONTOSO/adele", "CONTOSO/adele;/\u{2003}"] {
            let mut identities = Identities::of_many();
            identities.add_identities_in(text);
            assert!(!identities.is_empty() && Signs::of(text, true).special, "{text:?}");
        }
    }

    #[test]
    fn d8_usual_texts_have_no_signs() {
        for text in [
            "",
            "2026-03-01T09:30:00",
            "FileAccessed",
            "203.0.113.7",
            "https://contoso.sharepoint.com/sites/x/Shared Documents/plan-4711.docx",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Edg/121.0",
            "plan 2026-03-01 v2 – final.docx",
            "1772000000000",
        ] {
            assert!(!Signs::of(text, true).any(), "{text}");
        }
    }
}
