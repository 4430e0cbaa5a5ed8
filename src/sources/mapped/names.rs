//! The identities that a record names anywhere.

use super::field_texts::FieldText;
use crate::sources::identity::Identities;

impl FieldText<'_> {
    /// Adds every identity in the text.
    pub(super) fn add_to(&self, identities: &mut Identities) {
        if may_contain_identity(self.text) {
            identities.add_embedded_addresses(self.text);
            if !self.field.is_of_thing {
                identities.add_identities_in(self.text);
            }
        }
        if self.field.is_account {
            identities.add_account(self.text);
        }
    }

    /// Returns whether the text may contain the address of a OneDrive.
    pub(super) fn may_contain_drive(&self) -> bool {
        self.text.contains(['/', '%']) && contains(self.text, b"personal")
    }
}

/// Returns whether a text may contain an address or an identity of a special form. A text for which this is `false`
/// contains none: an address has an `@`, an object id and a passport id consist of hexadecimal digits, and the other forms
/// have characters of their own.
fn may_contain_identity(text: &str) -> bool {
    let (mut hex_run, mut slashes) = (0, 0);
    for byte in text.bytes() {
        match byte {
            b'@' | b'%' | b'|' | b'\\' | 0x80.. => return true,
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b'-' => {
                hex_run += 1;
                if hex_run == 16 {
                    return true;
                }
                continue;
            }
            b'/' => slashes += 1,
            _ => {}
        }
        hex_run = 0;
    }
    slashes == 1 || (slashes > 1 && contains(text, b"/o=")) || contains(text, b"s-1-")
}

/// Returns whether a text contains a part, which is in lower case, without regard to case.
fn contains(text: &str, part: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else { return true };
    let bytes = text.as_bytes();
    bytes.iter().enumerate().any(|(at, byte)| {
        byte.to_ascii_lowercase() == *first
            && bytes.get(at + 1..at + part.len()).is_some_and(|behind| behind.eq_ignore_ascii_case(rest))
    })
}

#[cfg(all(test, feature = "proptest"))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts of parts that occur in identities.
    fn texts() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            "[a-f0-9-]{1,17}",
            "[0-9A-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[ -~]{1,3}",
            prop::sample::select(vec![
                "@",
                "\\",
                "/",
                "|",
                "S-1-5-",
                "s-1-12-1-",
                "i:0#.f|",
                "/o=",
                "/cn=",
                "User_",
                "%40",
                "NETID:",
                "{",
                "}",
                "urn:uuid:",
                "\u{ff20}",
                "\u{200b}",
                "é",
                ".com",
                "contoso",
                "#EXT#",
                "live.com#",
                "1",
                "-",
                " ",
            ])
            .prop_map(str::to_owned),
        ];
        prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn d6_text_without_signs_of_identities_contains_none(text in texts()) {
            let mut identities = Identities::default();
            identities.add_embedded_addresses(&text);
            identities.add_identities_in(&text);
            prop_assert!(identities.is_empty() || may_contain_identity(&text), "{}", text);
        }
    }
}
