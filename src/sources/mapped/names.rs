//! The identities that a record names anywhere.

use super::field_texts::{Field, FieldText};
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
        self.add_account_to(identities);
    }

    /// Adds every identity in the text: those of people, and ids that may be those of something else.
    pub(super) fn add_to_either(&self, people: &mut Identities, others: &mut Identities) {
        if may_contain_identity(self.text) {
            people.add_embedded_addresses(self.text);
            match self.field {
                Field { is_of_thing: true, .. } => {}
                Field { is_of_person: true, .. } => people.add_identities_in(self.text),
                Field { .. } => others.add_identities_in(self.text),
            }
        }
        self.add_account_to(people);
    }

    fn add_account_to(&self, identities: &mut Identities) {
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
/// contains none: an address has an `@`, a passport id has 16 hexadecimal digits, an object id 32, with hyphens or without,
/// and the other forms have characters of their own.
fn may_contain_identity(text: &str) -> bool {
    let is_id = |run: usize, is_hexadecimal: bool| is_hexadecimal && matches!(run, 16 | 32 | 36);
    let (mut run, mut is_hexadecimal, mut slashes, mut has_hyphen) = (0, true, 0, false);
    for byte in text.bytes() {
        match byte {
            b'@' | b'%' | b'|' | b'\\' | 0x80.. => return true,
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' => {
                run += 1;
                is_hexadecimal &= byte.is_ascii_hexdigit() || byte == b'-';
                has_hyphen |= byte == b'-';
                continue;
            }
            _ if is_id(run, is_hexadecimal) => return true,
            _ => {}
        }
        slashes += usize::from(byte == b'/');
        (run, is_hexadecimal) = (0, true);
    }
    is_id(run, is_hexadecimal)
        // Beside an account, the text has at most two more characters. A `://` is within one part of the text.
        || ((1..=3).contains(&slashes) && !contains(text, b"://"))
        || (slashes > 1 && contains(text, b"/o="))
        || (has_hyphen && contains(text, b"s-1-"))
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
