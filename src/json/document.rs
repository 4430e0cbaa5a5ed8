//! A JSON text, parsed once, as values that borrow from it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Unreadable;

/// The bytes of a text for which room for one value is reserved.
const BYTES_PER_NODE: usize = 24;

/// The member under which `serde_json` passes on a number if another crate turns on its feature `arbitrary_precision`.
pub(super) const NUMBER_MEMBER: &str = "$serde_json::private::Number";

/// Whether another crate turned that feature on. Otherwise the name is one like any other.
pub(super) static NUMBERS_ARE_OBJECTS: LazyLock<bool> = LazyLock::new(|| {
    serde_json::to_string(&serde_json::from_str::<serde_json::Value>("1.50").ok()).is_ok_and(|text| text == "1.50")
});

/// A JSON text as the sequence of its values, each object and list before what it contains.
pub(crate) struct Document<'a> {
    nodes: Vec<Node<'a>>,
}

/// A value, the name of a member, or the begin of a list or an object.
enum Node<'a> {
    Null,
    Bool(bool),
    Number(Number<'a>),
    /// A string or the name of a member.
    String(Cow<'a, str>),
    /// A list, and the number of nodes in it.
    List(usize),
    /// An object, and the number of nodes in it: for each member its name and its value.
    Object(usize),
}

enum Number<'a> {
    Unsigned(u64),
    Signed(i64),
    /// Any other number, as the text of the source.
    Text(Cow<'a, str>),
}

impl<'a> Document<'a> {
    /// Parses a JSON text.
    ///
    /// # Errors
    /// Returns [`Unreadable`] if the text is not JSON, if it contains more than `max_values` values, or if an object at
    /// any depth has two members of one name, so that readers could disagree on who acted.
    pub(crate) fn parse(text: &'a str, max_values: usize) -> Result<Self, Unreadable> {
        let mut parser = Parser {
            nodes: Vec::with_capacity(text.len() / BYTES_PER_NODE + 1),
            values: 0,
            max_values,
            repeated: false,
            fractions: 0,
        };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        ValueSeed(&mut parser).deserialize(&mut deserializer).map_err(Unreadable::NotJson)?;
        deserializer.end().map_err(Unreadable::NotJson)?;
        if parser.values > max_values {
            return Err(Unreadable::TooManyValues(parser.values));
        }
        if parser.repeated {
            return Err(Unreadable::Repeated);
        }
        if parser.fractions > 0 {
            parser.read_numbers(text);
        }
        Ok(Self { nodes: parser.nodes })
    }

    /// Returns the outermost value.
    pub(crate) fn root(&self) -> Value<'_> {
        Value { nodes: &self.nodes }
    }
}

/// A value of a [`Document`], with what it contains.
#[derive(Clone, Copy)]
pub(crate) struct Value<'d> {
    /// The node of the value, and all nodes behind it.
    nodes: &'d [Node<'d>],
}

/// The kind of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    List,
    Object,
}

#[cfg_attr(
    not(all(feature = "m365", feature = "mapped")),
    allow(dead_code, reason = "only some readers look up a value")
)]
impl<'d> Value<'d> {
    pub(crate) fn kind(self) -> Kind {
        match self.nodes.first() {
            None | Some(Node::Null) => Kind::Null,
            Some(Node::Bool(_)) => Kind::Bool,
            Some(Node::Number(_)) => Kind::Number,
            Some(Node::String(_)) => Kind::String,
            Some(Node::List(_)) => Kind::List,
            Some(Node::Object(_)) => Kind::Object,
        }
    }

    /// Returns the text of a string.
    pub(crate) fn as_str(self) -> Option<&'d str> {
        match self.nodes.first() {
            Some(Node::String(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_bool(self) -> Option<bool> {
        match self.nodes.first() {
            Some(Node::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn as_u64(self) -> Option<u64> {
        match self.nodes.first() {
            Some(Node::Number(Number::Unsigned(number))) => Some(*number),
            Some(Node::Number(Number::Signed(number))) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Returns the number as the nearest double.
    #[expect(clippy::cast_precision_loss, reason = "the nearest double is what is asked for")]
    pub(crate) fn as_f64(self) -> Option<f64> {
        match self.nodes.first() {
            Some(Node::Number(Number::Unsigned(number))) => Some(*number as f64),
            Some(Node::Number(Number::Signed(number))) => Some(*number as f64),
            Some(Node::Number(Number::Text(text))) => text.parse().ok(),
            _ => None,
        }
    }

    /// Returns the text of a number: the digits of an integer, or the text of the source.
    pub(crate) fn number_text(self) -> Option<Cow<'d, str>> {
        match self.nodes.first() {
            Some(Node::Number(Number::Unsigned(number))) => Some(number.to_string().into()),
            Some(Node::Number(Number::Signed(number))) => Some(number.to_string().into()),
            Some(Node::Number(Number::Text(text))) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    /// Returns the entries of a list, and none for another value.
    pub(crate) fn entries(self) -> impl Iterator<Item = Value<'d>> + use<'d> {
        let mut rest = match self.nodes.split_first() {
            Some((Node::List(len), rest)) => rest.get(..*len).unwrap_or_default(),
            _ => &[],
        };
        std::iter::from_fn(move || next_value(&mut rest))
    }

    /// Returns the names and values of the members of an object in the order of the text, and none for another value.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'d str, Value<'d>)> + use<'d> {
        let mut rest = match self.nodes.split_first() {
            Some((Node::Object(len), rest)) => rest.get(..*len).unwrap_or_default(),
            _ => &[],
        };
        std::iter::from_fn(move || {
            let name = next_value(&mut rest)?.as_str()?;
            Some((name, next_value(&mut rest)?))
        })
    }

    /// Returns the member of this name.
    pub(crate) fn get(self, name: &str) -> Option<Value<'d>> {
        self.members().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Returns the entry at this index of a list.
    pub(crate) fn entry(self, index: usize) -> Option<Value<'d>> {
        self.entries().nth(index)
    }

    /// Returns the number of nodes of the value.
    fn node_count(self) -> usize {
        match self.nodes.first() {
            Some(Node::List(len) | Node::Object(len)) => 1 + len,
            _ => 1,
        }
    }
}

/// Removes the first value from `rest` and returns it.
fn next_value<'d>(rest: &mut &'d [Node<'d>]) -> Option<Value<'d>> {
    let value = Value { nodes: rest };
    value.nodes.first()?;
    *rest = rest.get(value.node_count()..).unwrap_or_default();
    Some(value)
}

struct Parser<'a> {
    nodes: Vec<Node<'a>>,
    /// The number of values, without names of members.
    values: usize,
    max_values: usize,
    /// Whether an object has two members of one name.
    repeated: bool,
    /// The number of numbers whose text is not yet known.
    fractions: usize,
}

impl<'a> Parser<'a> {
    /// Adds a value. Beyond the limit it is only counted, because a value takes more memory than its text.
    fn push(&mut self, node: Node<'a>) {
        self.values += 1;
        if self.values <= self.max_values {
            self.nodes.push(node);
        }
    }

    /// Begins a list or an object, and returns its position.
    fn begin(&mut self, node: Node<'a>) -> usize {
        self.push(node);
        self.nodes.len().saturating_sub(1)
    }

    /// Ends the list or object that began at `start`.
    fn end(&mut self, start: usize) {
        let within = self.nodes.len().saturating_sub(start + 1);
        if let Some(Node::List(len) | Node::Object(len)) = self.nodes.get_mut(start) {
            *len = within;
        }
    }

    /// Replaces the object at `start`, as which the feature `arbitrary_precision` passes on a number, by that number.
    fn number<A: MapAccess<'a>>(&mut self, start: usize, mut members: A) -> Result<(), A::Error> {
        let text: String = members.next_value()?;
        // An object of the source can have a member of this name too.
        let is_only = self.nodes.len() == start + 1 && members.next_key_seed(NameSeed)?.is_none();
        if !is_only || !super::numbers::is_number(&text) {
            return Err(A::Error::custom("a reserved name"));
        }
        if let Some(node) = self.nodes.get_mut(start) {
            *node = Node::Number(match (text.parse(), text.parse()) {
                (Ok(number), _) => Number::Unsigned(number),
                (_, Ok(number)) if text != "-0" => Number::Signed(number),
                _ => Number::Text(Cow::Owned(text)),
            });
        }
        Ok(())
    }

    /// Reads the texts of the numbers that the parser passed on as doubles, which do not show all digits.
    fn read_numbers(&mut self, text: &'a str) {
        let mut texts = super::numbers::numbers(text).into_iter();
        for node in &mut self.nodes {
            if let Node::Number(number) = node {
                let text = texts.next().unwrap_or("0");
                if let Number::Text(unread) = number
                    && unread.is_empty()
                {
                    *unread = Cow::Borrowed(text);
                }
            }
        }
    }
}

struct ValueSeed<'p, 'a>(&'p mut Parser<'a>);

impl<'a> DeserializeSeed<'a> for ValueSeed<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for ValueSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.push(Node::Null);
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.0.push(Node::Bool(value));
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.0.push(Node::Number(Number::Unsigned(number)));
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.0.push(Node::Number(Number::Signed(number)));
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.0.fractions += 1;
        self.0.push(Node::Number(Number::Text(Cow::Borrowed(""))));
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<(), E> {
        self.0.push(Node::String(Cow::Borrowed(text)));
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.push(Node::String(Cow::Owned(text.to_owned())));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut entries: A) -> Result<(), A::Error> {
        let start = self.0.begin(Node::List(0));
        while entries.next_element_seed(ValueSeed(self.0))?.is_some() {}
        self.0.end(start);
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<(), A::Error> {
        let Self(parser) = self;
        let start = parser.begin(Node::Object(0));
        let mut names = Names::default();
        while let Some(name) = members.next_key_seed(NameSeed)? {
            if name == NUMBER_MEMBER && *NUMBERS_ARE_OBJECTS {
                return parser.number(start, members);
            }
            parser.repeated |= names.insert_repeated(&name, parser.nodes.get(start + 1..).unwrap_or_default());
            if parser.values <= parser.max_values {
                parser.nodes.push(Node::String(name));
            }
            members.next_value_seed(ValueSeed(parser))?;
        }
        parser.end(start);
        Ok(())
    }
}

/// Reads the name of a member, without a copy unless it contains an escape.
struct NameSeed;

impl<'a> DeserializeSeed<'a> for NameSeed {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Cow<'a, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for NameSeed {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'a str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// The names of the members of one object, to find one that occurs twice.
///
/// A filter of 256 bits shows for most names that they are new. For any other name the members are compared, and beyond
/// [`MAX_COMPARED`](Self::MAX_COMPARED) members a set of all names is used, so that the cost stays linear.
#[derive(Default)]
struct Names {
    filter: [u64; 4],
    count: usize,
    all: Option<HashSet<String>>,
}

impl Names {
    const MAX_COMPARED: usize = 64;

    /// Adds a name. Returns whether it was there before. `members` are the nodes of the members before it.
    fn insert_repeated(&mut self, name: &str, members: &[Node<'_>]) -> bool {
        self.count += 1;
        if let Some(all) = &mut self.all {
            return !all.insert(name.to_owned());
        }
        if self.count > Self::MAX_COMPARED {
            let mut all: HashSet<String> = names_of(members).map(str::to_owned).collect();
            let is_repeated = !all.insert(name.to_owned());
            self.all = Some(all);
            return is_repeated;
        }
        let bit = filter_bit(name);
        let Some(word) = self.filter.get_mut(usize::from(bit / 64)) else { return false };
        let mask = 1 << (bit % 64);
        let is_new = *word & mask == 0;
        *word |= mask;
        !is_new && names_of(members).any(|known| known == name)
    }
}

/// Returns the names of the members that these nodes are.
fn names_of<'d>(mut members: &'d [Node<'d>]) -> impl Iterator<Item = &'d str> {
    std::iter::from_fn(move || {
        let name = next_value(&mut members)?.as_str()?;
        next_value(&mut members)?;
        Some(name)
    })
}

/// Returns the bit of a name in a filter, by its length, its first and its last bytes.
fn filter_bit(name: &str) -> u8 {
    let bytes = name.as_bytes();
    let part =
        |part: Option<&[u8]>| part.unwrap_or(bytes).iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let mixed = part(bytes.first_chunk::<8>().map(|chunk| &chunk[..]))
        ^ part(bytes.last_chunk::<8>().map(|chunk| &chunk[..])).rotate_left(29);
    let [.., top] = (mixed ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    top
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Document<'_> {
        Document::parse(text, 1_000).unwrap_or_else(|_| panic!("{text}"))
    }

    fn is_repeated(text: &str) -> bool {
        matches!(Document::parse(text, 100_000), Err(Unreadable::Repeated))
    }

    #[test]
    fn b1_values_of_a_document_are_those_of_serde_json() {
        let text = r#" {"a": [1, -2, 2.50, "x\ny", null, true], "b": {"c": {}, "d": []}, "": "é", "n": 18446744073709551616} "#;
        fn to_value(value: Value<'_>) -> serde_json::Value {
            match value.kind() {
                Kind::Null => serde_json::Value::Null,
                Kind::Bool => value.as_bool().unwrap().into(),
                Kind::String => value.as_str().unwrap().into(),
                Kind::Number => serde_json::from_str(&value.number_text().unwrap()).unwrap(),
                Kind::List => value.entries().map(to_value).collect(),
                Kind::Object => value.members().map(|(name, value)| (name.to_owned(), to_value(value))).collect(),
            }
        }
        let expected: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(to_value(parse(text).root()), expected);
        let document = parse(text);
        let list = document.root().get("a").unwrap();
        assert_eq!(list.entry(2).and_then(Value::number_text).as_deref(), Some("2.50"));
        assert_eq!(list.entry(1).and_then(Value::as_f64), Some(-2.0));
        assert_eq!(list.entry(0).and_then(Value::as_u64), Some(1));
        assert_eq!(list.entry(6).map(Value::kind), None);
        assert_eq!(document.root().get("n").and_then(Value::number_text).as_deref(), Some("18446744073709551616"));
    }

    #[test]
    fn b1_name_that_occurs_twice_is_rejected() {
        assert!(is_repeated(r#"{"a":1,"b":{"c":1,"d":2,"c":3}}"#));
        assert!(is_repeated(r#"[{"a":1,"\u0061":2}]"#), "an escape changes nothing");
        assert!(!is_repeated(r#"{"a":{"a":{"a":1}},"b":"a"}"#));
        for count in [2, 63, 64, 65, 66, 300] {
            let members: Vec<String> = (0..count).map(|at| format!(r#""name {at}":{{"x":{at}}}"#)).collect();
            assert!(!is_repeated(&format!("{{{}}}", members.join(","))));
            for repeated in [0, count / 2, count - 1] {
                assert!(
                    is_repeated(&format!(r#"{{{},"name {repeated}":0}}"#, members.join(","))),
                    "{repeated} of {count}"
                );
            }
        }
    }

    /// A reserved name of `serde_json` must not move members to the object around.
    #[test]
    fn d9_reserved_name_keeps_members_in_their_object() {
        let text = r#"{"x":{"UserId":"bob","$serde_json::private::Number":"1"},"n":2.5,"UserId":"adele"}"#;
        match Document::parse(text, 1_000) {
            Ok(document) => {
                let names: Vec<_> = document.root().members().map(|(name, _)| name).collect();
                assert_eq!(names, ["x", "n", "UserId"]);
                assert_eq!(document.root().get("UserId").and_then(Value::as_str), Some("adele"));
                assert_eq!(document.root().get("n").and_then(Value::number_text).as_deref(), Some("2.5"));
            }
            Err(_) => assert!(*NUMBERS_ARE_OBJECTS),
        }
    }

    #[test]
    fn b3_values_beyond_the_limit_are_counted_and_not_stored() {
        let text = format!("[{}0]", "0,".repeat(9_999));
        assert!(matches!(Document::parse(&text, 10_000), Err(Unreadable::TooManyValues(10_001))));
        assert!(Document::parse(&text, 10_001).is_ok());
        assert!(matches!(Document::parse("[[[", 10), Err(Unreadable::NotJson(_))));
        assert!(matches!(Document::parse(&"[".repeat(100_000), 10), Err(Unreadable::NotJson(_))));
    }
}
