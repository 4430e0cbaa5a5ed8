//! Distinguished names in the string form of RFC 4514, and their normalized form for comparison.

use super::attribute::Attribute;
use crate::identity::fold;
use crate::steps;

/// The maximum number of parts in a distinguished name. Real directories are a few levels deep.
pub(super) const MAX_PARTS: usize = 128;

/// The expected format, for error messages.
pub(super) const EXPECTED: &str = "a distinguished name (RFC 4514) of at most 128 parts";

/// A parsed distinguished name.
pub(super) struct Dn {
    /// The normalized relative names, that of the entry first. Attribute types are short names; values are case-folded
    /// with white space collapsed; the values of a multi-valued name are sorted; characters are escaped in one way.
    pub(super) parts: Vec<String>,
    /// The attributes in the first relative name, as written.
    pub(super) rdn: Vec<(Attribute, String)>,
}

/// Other names of attributes that occur in names and are not read otherwise.
const TYPES: &[(&str, &[&str])] = &[
    ("sn", &["surname", "2.5.4.4"]),
    ("c", &["countryname", "2.5.4.6"]),
    ("l", &["localityname", "2.5.4.7"]),
    ("st", &["stateorprovincename", "2.5.4.8"]),
    ("street", &["streetaddress", "2.5.4.9"]),
    ("o", &["organizationname", "2.5.4.10"]),
    ("ou", &["organizationalunitname", "2.5.4.11"]),
    ("dc", &["domaincomponent", "0.9.2342.19200300.100.1.25"]),
];

impl Dn {
    /// Parses a name, or returns `None` if it is invalid.
    pub(super) fn parse(text: &str) -> Option<Self> {
        steps::advance(text.len());
        let (mut parts, mut rdn, mut rest) = (Vec::new(), Vec::new(), text.trim_start());
        if rest.is_empty() {
            return Some(Self { parts, rdn });
        }
        let mut values: Vec<String> = Vec::new();
        loop {
            let (kind, after) = rest.split_once('=')?;
            let kind = kind.trim();
            if !super::line::is_attribute_name(kind) {
                return None;
            }
            let value = AttributeValue::parse(after)?;
            if parts.is_empty()
                && let Some(attribute) = Attribute::named(kind)
                && !value.encoded
            {
                rdn.push((attribute, value.text.clone()));
            }
            values.push(format!("{}={}", short(kind), value.normal()));
            if value.stop != Some('+') {
                values.sort_unstable();
                parts.push(values.join("+"));
                values.clear();
            }
            if parts.len() > MAX_PARTS {
                return None;
            }
            if value.stop.is_none() {
                return Some(Self { parts, rdn });
            }
            rest = value.rest;
        }
    }

    /// Parses a name with an optional bit string, such as those of `uniqueMember` (RFC 4517, section 3.3.21). The bit
    /// string distinguishes holders of the same name over time, and is dropped.
    pub(super) fn parse_with_uid(text: &str) -> Option<Self> {
        let bits = |text: &str| text.chars().all(|c| matches!(c, '0' | '1'));
        let uid = |text: &str| text.strip_suffix("'B").and_then(|text| text.strip_prefix('\'')).is_some_and(bits);
        match text.trim_end().rsplit_once('#') {
            Some((name, tail)) if uid(tail) => Self::parse(name),
            _ => Self::parse(text),
        }
    }
}

fn short(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    let kind = kind.strip_prefix("oid.").unwrap_or(&kind);
    match (TYPES.iter().find(|(_, others)| others.contains(&kind)), Attribute::named(kind)) {
        (Some((short, _)), _) => (*short).to_owned(),
        (None, Some(attribute)) => attribute.name().to_ascii_lowercase(),
        (None, None) => kind.to_owned(),
    }
}

/// The value in one part of a name.
struct AttributeValue<'a> {
    text: String,
    /// Whether the text is a hexadecimal encoding.
    encoded: bool,
    /// The separator after the value, and the text after that.
    stop: Option<char>,
    rest: &'a str,
}

impl<'a> AttributeValue<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_start_matches(' ');
        if let Some(digits) = text.strip_prefix('#') {
            let end = digits.find([',', '+']).unwrap_or(digits.len());
            let (value, rest) = (digits.get(..end)?.trim_end(), digits.get(end..)?);
            let whole = !value.is_empty()
                && value.len().is_multiple_of(2)
                && value.bytes().all(|byte| byte.is_ascii_hexdigit());
            let mut rest = rest.chars();
            return whole.then_some(Self {
                text: value.to_ascii_lowercase(),
                encoded: true,
                stop: rest.next(),
                rest: rest.as_str(),
            });
        }
        let (mut bytes, mut chars) = (Vec::with_capacity(text.len()), text.chars());
        let stop = loop {
            match chars.next() {
                stop @ (None | Some(',' | '+')) => break stop,
                Some('\\') => bytes.push(unescaped(&mut chars)?),
                Some('"' | ';' | '<' | '>' | '\0') => return None,
                Some(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        };
        let text = String::from_utf8(bytes).ok()?;
        Some(Self { text, encoded: false, stop, rest: chars.as_str() })
    }

    fn normal(&self) -> String {
        if self.encoded {
            return format!("#{}", self.text);
        }
        let folded = fold(&self.text);
        // Leading and trailing white space is insignificant, and inner white space equals one space (RFC 4518, section
        // 2.6.1).
        let mut words = folded.split(char::is_whitespace).filter(|word| !word.is_empty());
        let mut normal = String::with_capacity(folded.len());
        let first = words.next().unwrap_or_default();
        if first.starts_with('#') {
            normal.push('\\');
        }
        push_escaped(&mut normal, first);
        for word in words {
            normal.push(' ');
            push_escaped(&mut normal, word);
        }
        normal
    }
}

/// Decodes the characters after a backslash: the character itself, or two hexadecimal digits.
fn unescaped(chars: &mut std::str::Chars<'_>) -> Option<u8> {
    let first = chars.next()?;
    if let Some(high) = first.to_digit(16) {
        let low = chars.next()?.to_digit(16)?;
        return u8::try_from(high * 16 + low).ok();
    }
    let special = matches!(first, ' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\');
    special.then(|| u8::try_from(first).ok()).flatten()
}

fn push_escaped(normal: &mut String, word: &str) {
    for c in word.chars() {
        match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => normal.extend(['\\', c]),
            // An id that is made from the name must not contain control characters.
            c if c.is_control() => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    normal.push_str(&format!("\\{byte:02x}"));
                }
            }
            c => normal.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        let parts = |text| Dn::parse(text).unwrap().parts;
        parts(a) == parts(b)
    }

    #[test]
    fn d8_equal_names_have_one_normalized_form() {
        assert!(same("CN=Adele  Vance , OU=People,DC=x", "cn=adele vance,ou=people,dc=X"));
        assert!(same(r"cn=Vance\, Adele,dc=x", r"cn=Vance\2C Adele,dc=x"));
        assert!(same(r"cn=Lu\C4\8Di\C4\87", "cn=Lučić"), "escaped UTF-8");
        assert!(same("cn=Lučić", "cn=LUČIĆ"));
        assert!(same("cn=a+uid=b,dc=x", "UID=b + CN=a,dc=x"), "multi-valued parts in any order");
        assert!(same("2.5.4.3=a,0.9.2342.19200300.100.1.25=x", "commonName=a,domainComponent=x"));
        assert!(same(r"cn=\ a\ ", "cn=a"), "leading and trailing white space is insignificant");
        assert!(same("cn=#04024869", "cn=#04024869"));
        assert!(same("cn=a=b", r"cn=a\=b"));
    }

    #[test]
    fn d8_different_names_have_different_normalized_forms() {
        assert!(!same(r"cn=a\,b", "cn=a,cn=b"));
        assert!(!same(r"cn=a\+uid\=b", "cn=a+uid=b"));
        assert!(!same("cn=#04024869", r"cn=\#04024869"));
        assert!(!same("cn=a b", "cn=ab"));
        assert!(!same("cn=a,dc=x", "cn=a,dc=y"));
        assert!(!same(r"cn=a\0A", r"cn=a\\0a"));
    }

    #[test]
    fn b1_invalid_name_is_rejected() {
        for text in [
            "adele",
            "cn=a,",
            "=a",
            "cn=a;dc=b",
            "cn=\"a\"",
            r"cn=a\",
            r"cn=a\z",
            r"cn=\c4",
            "cn=#0",
            "c n=a",
            "cn=a,,dc=b",
        ] {
            assert!(Dn::parse(text).is_none(), "{text}");
        }
        assert!(Dn::parse("").unwrap().parts.is_empty(), "the root");
        let deep = |parts: usize| vec!["a=b"; parts].join(",");
        assert!(Dn::parse(&deep(MAX_PARTS)).is_some() && Dn::parse(&deep(MAX_PARTS + 1)).is_none());
    }

    #[test]
    fn d11_names_split_at_unescaped_commas() {
        assert_eq!(Dn::parse(r"cn=a\,b,ou=c,dc=d").unwrap().parts, [r"cn=a\,b", "ou=c", "dc=d"]);
        assert_eq!(Dn::parse(r"cn=a\\,ou=c").unwrap().parts, [r"cn=a\\", "ou=c"]);
    }

    #[test]
    fn d8_bit_string_after_name_is_dropped() {
        assert_eq!(Dn::parse_with_uid("cn=a,dc=x#'0101'B").unwrap().parts, ["cn=a", "dc=x"]);
        assert_eq!(Dn::parse_with_uid("cn=a#1,dc=x#1").unwrap().parts, ["cn=a#1", "dc=x#1"]);
    }
}
