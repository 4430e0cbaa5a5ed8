//! The usual forms of a name, which are recognized without a search for any other form.

use crate::identity::{is_guid, is_passport_id};

/// A name in one of the usual forms, with nothing around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources) enum PlainName {
    /// `adele.vance@contoso.com`: letters, digits, `.`, `-` and `_`, in a domain of at least two labels.
    Address,
    /// An object id in lower case or capitals, with hyphens.
    ObjectId,
    /// Sixteen hexadecimal digits.
    PassportId,
}

impl PlainName {
    /// The most bytes of such a name.
    const MAX_BYTES: usize = 200;
    /// The local part of an address may be an id, if as many bytes as this are digits of one.
    const MIN_ID: usize = 12;

    /// Returns the form of a name, or `None` if it is in another form.
    pub(in crate::sources) fn of(name: &str) -> Option<Self> {
        let bytes = name.as_bytes();
        match bytes.len() {
            16 if is_passport_id(name) => Some(Self::PassportId),
            36 if is_guid(name) => Some(Self::ObjectId).filter(|_| !is_nil(bytes)),
            ..=Self::MAX_BYTES if is_address(bytes) => Some(Self::Address),
            _ => None,
        }
    }
}

fn is_address(bytes: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'@', bytes) else { return false };
    let (local, domain) = (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default());
    let is_id = local.get(..PlainName::MIN_ID).is_some_and(|head| head.iter().all(is_digit_of_id));
    let ends_are_plain = |part: &[u8]| matches!(part, [first, .., last] | [first @ last] if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric());
    ends_are_plain(local)
        && ends_are_plain(domain)
        && local.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && domain.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        && domain.contains(&b'.')
        && !is_id
}

fn is_digit_of_id(byte: &u8) -> bool {
    byte.is_ascii_hexdigit() || *byte == b'-'
}

/// Returns whether a GUID is the nil GUID, which some services write for no id.
fn is_nil(guid: &[u8]) -> bool {
    guid.iter().all(|byte| matches!(byte, b'0' | b'-'))
}

#[cfg(all(test, feature = "proptest"))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sources::identity::{Identities, MAX_WRAPPING, NameKind};

    /// Names that are plain, or nearly.
    fn names() -> impl Strategy<Value = String> {
        let local = prop_oneof![
            "[a-zA-Z][a-zA-Z0-9._-]{0,20}[a-z0-9]",
            "[0-9a-f-]{8,13}[g-z.]?[0-9a-f]{0,30}",
            "[0-9A-F]{16}",
            "[0-9a-f]{32}",
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            Just("00000000-0000-0000-0000-000000000000".to_owned()),
            "(User_|ServicePrincipal_|app|S-1-5-7|unknown|xn--)[a-z0-9.-]{0,12}",
            "[ -~]{1,12}",
        ];
        let domain = prop_oneof![
            3 => "[a-z0-9-]{1,12}(\\.[a-zA-Z0-9-]{0,6}){0,3}",
            1 => Just("live.com".to_owned()),
            1 => Just("x.templateTenant".to_owned()),
            1 => "xn--[a-z0-9]{1,6}\\.com",
            1 => "[ -~]{1,8}",
        ];
        (local, proptest::option::of(domain))
            .prop_map(|(local, domain)| domain.map_or_else(|| local.clone(), |domain| format!("{local}@{domain}")))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn d8_plain_name_is_read_like_any_other(name in names()) {
            let Some(form) = PlainName::of(&name) else { return Ok(()) };
            for kind in [NameKind::SignIn, NameKind::Key] {
                let (mut plain, mut any) = (Identities::default(), Identities::default());
                prop_assert_eq!(plain.add_plain(&name, form), Ok(()));
                any.add_delimited_addresses(&name);
                prop_assert!(any.is_empty());
                prop_assert_eq!(any.add_any_form(&name, kind, MAX_WRAPPING), Ok(()));
                prop_assert!(plain.as_slice() == any.as_slice() && !plain.is_empty(), "{}", name);
            }
        }
    }

    #[test]
    fn d8_usual_names_are_plain() {
        for (name, form) in [
            ("adele.vance@contoso.com", Some(PlainName::Address)),
            ("a@b.example", Some(PlainName::Address)),
            ("first1.last20@contoso.onmicrosoft.com", Some(PlainName::Address)),
            ("0f1d2c3b-4a59-4687-9e0f-a1b2c3d4e5f6", Some(PlainName::ObjectId)),
            ("1003200096971F55", Some(PlainName::PassportId)),
            ("00000000-0000-0000-0000-000000000000", None),
            ("1003200096971F55@live.com", None),
            ("adele@CONTOSO", None),
            ("SMTP:adele@contoso.com", None),
            ("adele#EXT#@contoso.com", None),
            ("adele", None),
            ("", None),
        ] {
            assert_eq!(PlainName::of(name), form, "{name}");
        }
    }
}
