//! A canonical form of JSON, in which a document does not depend on the layout that its source wrote.
//!
//! The form is that of [RFC 8785](https://www.rfc-editor.org/rfc/rfc8785.html): no white space, the members of each
//! object in the order of their names as UTF-16, strings with the shortest escapes. It differs in one point. RFC 8785
//! writes each number as the nearest IEEE 754 double, in which two different numbers can become the same. Here a number
//! that a double does not represent exactly, or that is beyond ±2^53, keeps the text of the source.

use super::document::{Document, Kind, Value};
use super::numbers;

/// Returns the canonical form of a JSON text, or `None` if [`Document`] rejects the text.
pub(crate) fn canonical(text: &str, max_values: usize) -> Option<String> {
    canonical_value(Document::parse(text, max_values).ok()?.root())
}

/// Returns the canonical form of a value.
pub(crate) fn canonical_value(value: Value<'_>) -> Option<String> {
    let mut canonical = Vec::new();
    write(value, &[], &mut canonical).ok()?;
    String::from_utf8(canonical).ok()
}

/// Returns the canonical form of an object with another string as the value of one member.
#[cfg(feature = "m365")]
pub(crate) fn canonical_with(object: Value<'_>, name: &str, text: &str) -> Option<String> {
    let mut canonical = Vec::new();
    write(object, &[(name, text)], &mut canonical).ok()?;
    String::from_utf8(canonical).ok()
}

/// Writes a value, with other strings as the values of the `replaced` members. The recursion is as deep as that of the
/// parser, which has a limit.
fn write(value: Value<'_>, replaced: &[(&str, &str)], canonical: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    match value.kind() {
        Kind::Null => canonical.extend(b"null"),
        Kind::Bool => canonical.extend(if value.as_bool() == Some(true) { &b"true"[..] } else { b"false" }),
        Kind::Number => canonical.extend(numbers::canonical(&value.number_text().unwrap_or_default()).bytes()),
        Kind::String => serde_json::to_writer(canonical, value.as_str().unwrap_or_default())?,
        Kind::List => {
            canonical.push(b'[');
            for (at, entry) in value.entries().enumerate() {
                if at > 0 {
                    canonical.push(b',');
                }
                write(entry, &[], canonical)?;
            }
            canonical.push(b']');
        }
        Kind::Object => {
            let mut members: Vec<(&str, Value<'_>)> = value.members().collect();
            members.sort_by(|(a, _), (b, _)| by_utf16(a, b));
            canonical.push(b'{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    canonical.push(b',');
                }
                serde_json::to_writer(&mut *canonical, name)?;
                canonical.push(b':');
                match replaced.iter().find(|(known, _)| *known == name) {
                    Some((_, text)) => serde_json::to_writer(&mut *canonical, text)?,
                    None => write(value, &[], canonical)?,
                }
            }
            canonical.push(b'}');
        }
    }
    Ok(())
}

/// Compares two texts as UTF-16. Without a character beyond the basic plane, that is their order as UTF-8.
fn by_utf16(a: &str, b: &str) -> std::cmp::Ordering {
    if a.is_ascii() || b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

#[cfg(test)]
mod tests {
    fn canonical(text: &str) -> Option<String> {
        super::canonical(text, 1_000)
    }

    fn same(one: &str, other: &str) -> bool {
        canonical(one).unwrap() == canonical(other).unwrap()
    }

    #[test]
    fn d4_order_escapes_and_white_space_are_ignored() {
        let pretty = "{ \"b\" : [ 1 , { \"y\" : \"\\u00e9\\/\", \"x\" : null } ] , \"a\":true }";
        assert_eq!(canonical(pretty).unwrap(), r#"{"a":true,"b":[1,{"x":null,"y":"é/"}]}"#);
        assert!(!same("[1,2]", "[2,1]"), "the order of a list is content");
        assert!(!same(r#"{"a":null}"#, "{}"), "and so is a member that is null");
        assert!(same(r#""\u0061\u000a""#, r#""a\n""#));
        assert!(canonical("{} {}").is_none() && canonical("{\"a\":").is_none());
    }

    /// RFC 8785, section 3.2.3: by UTF-16 code units, so that an emoji is before the last letters of the basic plane.
    #[test]
    fn d4_members_are_sorted_as_in_rfc_8785() {
        let names = ["\u{20ac}", "\r", "\u{fb33}", "1", "\u{1f600}", "\u{80}", "\u{f6}"];
        let object: serde_json::Map<_, _> = names.iter().map(|name| ((*name).to_owned(), 0.into())).collect();
        let canonical = canonical(&serde_json::Value::Object(object).to_string()).unwrap();
        let sorted = ["\\r", "1", "\u{80}", "\u{f6}", "\u{20ac}", "\u{1f600}", "\u{fb33}"];
        assert_eq!(canonical, format!("{{{}}}", sorted.map(|name| format!("\"{name}\":0")).join(",")));
    }

    /// The samples of RFC 8785, appendix B, that are within ±2^53.
    #[test]
    fn d4_numbers_are_written_as_in_ecmascript() {
        for (text, expected) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("0e5", "0"),
            ("1.0", "1"),
            ("1e2", "100"),
            ("1E+2", "100"),
            ("-1.50", "-1.5"),
            ("0.000001", "0.000001"),
            ("1e-7", "1e-7"),
            ("0.0000001", "1e-7"),
            ("5e-324", "5e-324"),
            ("4.50", "4.5"),
            ("2e-3", "0.002"),
            ("9007199254740992", "9007199254740992"),
            ("9007199254740991.0", "9007199254740991"),
            ("333333333.33333329", "333333333.33333329"),
        ] {
            assert_eq!(canonical(text).unwrap(), expected, "{text}");
        }
        assert_eq!(canonical("[1,-2.0,\"3.0\",{\"4\":5e0}]").unwrap(), r#"[1,-2,"3.0",{"4":5}]"#);
    }

    #[test]
    fn d4_number_beyond_a_double_keeps_its_text() {
        for text in [
            "9007199254740993",
            "-9007199254740993.0",
            "1e-9223372036854775808",
            "0.1000000000000000055511151231257827",
            "1e-400",
        ] {
            assert_eq!(canonical(text).as_deref().unwrap_or(text), text);
        }
        assert!(!same("9007199254740993", "9007199254740992"));
        assert!(!same("18446744073709551615", "18446744073709551616"));
    }
}
