//! A canonical form of JSON, in which a document does not depend on the layout that its source wrote.
//!
//! The form is that of [RFC 8785](https://www.rfc-editor.org/rfc/rfc8785.html): no white space, the members of each
//! object in the order of their names as UTF-16, strings with the shortest escapes. It differs in one point. RFC 8785
//! writes each number as the nearest IEEE 754 double, in which two different numbers can become the same. Here a number
//! that a double does not represent exactly, or that is beyond ±2^53, keeps the text of the source.

use std::borrow::Cow;
use std::fmt;
use std::vec;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Returns the canonical form of a JSON text.
///
/// # Errors
/// The error of `serde_json` if the text is not JSON.
pub(crate) fn canonical(text: &str) -> Result<String, serde_json::Error> {
    let mut canonical = String::with_capacity(text.len());
    Node::of(text)?.write(&mut canonical)?;
    Ok(canonical)
}

/// Returns the canonical form of one member of a JSON object, or `None` if there is no such member. The name is
/// compared without regard to case.
///
/// # Errors
/// The error of `serde_json` if the text is not JSON.
pub(crate) fn canonical_member(text: &str, name: &str) -> Result<Option<String>, serde_json::Error> {
    let Node::Object(mut members) = Node::of(text)? else { return Ok(None) };
    let Some(at) = position(&members, name) else { return Ok(None) };
    let mut canonical = String::new();
    members.swap_remove(at).1.write(&mut canonical)?;
    Ok(Some(canonical))
}

/// Returns the canonical form of a JSON object with another string as the value of one member. The name is compared
/// without regard to case.
///
/// # Errors
/// The error of `serde_json` if the text is not JSON.
pub(crate) fn canonical_with(text: &str, name: &str, value: &str) -> Result<String, serde_json::Error> {
    let mut node = Node::of(text)?;
    if let Node::Object(members) = &mut node
        && let Some(at) = position(members, name)
        && let Some((_, member)) = members.get_mut(at)
    {
        *member = Node::String(value.to_owned().into());
    }
    let mut canonical = String::with_capacity(text.len());
    node.write(&mut canonical)?;
    Ok(canonical)
}

/// Returns the index of a member: the one with exactly this name, or else the first in order that differs in case only.
fn position(members: &[(Cow<'_, str>, Node<'_>)], name: &str) -> Option<usize> {
    let alike = || members.iter().enumerate().filter(|(_, (known, _))| known.eq_ignore_ascii_case(name));
    let exact = members.iter().position(|(known, _)| known == name);
    exact.or_else(|| alike().min_by(|(_, (a, _)), (_, (b, _))| a.cmp(b)).map(|(at, _)| at))
}

/// A value in which numbers are the text of the source.
enum Node<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    String(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    fn of(text: &'a str) -> Result<Self, serde_json::Error> {
        let mut numbers = numbers(text).into_iter();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let node = NodeSeed { numbers: &mut numbers }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(node)
    }

    /// Writes the value. The recursion is as deep as that of the parser, which has a limit.
    fn write(self, canonical: &mut String) -> Result<(), serde_json::Error> {
        match self {
            Self::Null => canonical.push_str("null"),
            Self::Bool(value) => canonical.push_str(if value { "true" } else { "false" }),
            Self::Number(text) => canonical.push_str(&number(text)),
            Self::String(text) => canonical.push_str(&serde_json::to_string(&text)?),
            Self::List(entries) => {
                canonical.push('[');
                for (at, entry) in entries.into_iter().enumerate() {
                    if at > 0 {
                        canonical.push(',');
                    }
                    entry.write(canonical)?;
                }
                canonical.push(']');
            }
            Self::Object(mut members) => {
                members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
                canonical.push('{');
                for (at, (name, value)) in members.into_iter().enumerate() {
                    if at > 0 {
                        canonical.push(',');
                    }
                    canonical.push_str(&serde_json::to_string(&name)?);
                    canonical.push(':');
                    value.write(canonical)?;
                }
                canonical.push('}');
            }
        }
        Ok(())
    }
}

/// Returns the text of every number in a JSON text, in order. The result for a text that is not JSON has no meaning.
fn numbers(text: &str) -> Vec<&str> {
    let (mut numbers, mut start, mut in_string, mut escaped) = (Vec::new(), None, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        // In JSON, a number is never directly before `true`, `false` or `null`.
        let is_number = byte.is_ascii_digit() || (start.is_some() && b"+-.eE".contains(&byte)) || byte == b'-';
        match (start, is_number) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                numbers.extend(text.get(from..at));
                start = None;
            }
            _ => {}
        }
        in_string = byte == b'"';
    }
    numbers.extend(start.and_then(|from| text.get(from..)));
    numbers
}

/// Reads a value with the texts of its numbers, in order.
struct NodeSeed<'n, 'a> {
    numbers: &'n mut vec::IntoIter<&'a str>,
}

impl<'a> NodeSeed<'_, 'a> {
    fn number<E: Error>(self) -> Result<Node<'a>, E> {
        self.numbers.next().map(Node::Number).ok_or_else(|| E::custom("more numbers than the text has"))
    }
}

impl<'a> DeserializeSeed<'a> for NodeSeed<'_, 'a> {
    type Value = Node<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Node<'a>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for NodeSeed<'_, 'a> {
    type Value = Node<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Node<'a>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node<'a>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Node<'a>, E> {
        self.number()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Node<'a>, E> {
        self.number()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Node<'a>, E> {
        self.number()
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Node<'a>, E> {
        Ok(Node::String(text.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node<'a>, E> {
        Ok(Node::String(text.to_owned().into()))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut entries: A) -> Result<Node<'a>, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(NodeSeed { numbers: self.numbers })? {
            list.push(entry);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<Node<'a>, A::Error> {
        let mut object = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            object.push((name.into(), members.next_value_seed(NodeSeed { numbers: self.numbers })?));
        }
        Ok(Node::Object(object))
    }
}

/// Returns the canonical form of a number: that of RFC 8785, which is that of ECMAScript, if a double represents it
/// exactly or has the same digits, and otherwise its own text.
fn number(text: &str) -> Cow<'_, str> {
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    let Ok(double) = text.parse::<f64>() else { return text.into() };
    if double.abs() > MAX_EXACT || !double.is_finite() {
        return text.into();
    }
    if double == 0.0 {
        return if Decimal::of(text).digits.is_empty() { "0".into() } else { text.into() };
    }
    // The shortest digits that parse to the same double, as in ECMAScript.
    let shortest = format!("{double:e}");
    if Decimal::of(&shortest) != Decimal::of(text) {
        return text.into();
    }
    // ECMAScript writes an exponent below 1e-6, and from 1e21 on, which is beyond the largest number here.
    if double.abs() >= 1e-6 { format!("{double}").into() } else { shortest.into() }
}

/// A decimal number: its digits without zeros at either end, and the power of ten of the last digit.
#[derive(PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Parses the text of a number in JSON.
    fn of(text: &str) -> Self {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        // An exponent that does not fit is beyond every double.
        let exponent = exponent.parse::<i64>().unwrap_or(i64::MAX).saturating_sub(fraction.len() as i64);
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0').trim_end_matches('0').to_owned();
        let zeros = all.len() - all.trim_end_matches('0').len();
        let exponent = if digits.is_empty() { 0 } else { exponent.saturating_add(zeros as i64) };
        Self { is_negative, digits, exponent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(canonical("{} {}").is_err() && canonical("{\"a\":").is_err());
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
            assert_eq!(canonical(text).ok().as_deref().unwrap_or(text), text);
        }
        assert!(!same("9007199254740993", "9007199254740992"));
        assert!(!same("18446744073709551615", "18446744073709551616"));
    }
}
