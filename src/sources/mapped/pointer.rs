//! JSON Pointers (RFC 6901), parsed once.

use crate::json::{DocumentValue, Kind};

/// A JSON Pointer.
#[derive(Clone, PartialEq)]
pub(super) struct Pointer(Box<[Token]>);

#[derive(Clone, PartialEq)]
struct Token {
    name: Box<str>,
    /// The index in a list that the token denotes.
    index: Option<usize>,
}

impl Pointer {
    /// The most bytes that a pointer may have.
    const MAX_BYTES: usize = 1_024;
    /// The most tokens that a pointer may have.
    const MAX_TOKENS: usize = 32;

    /// Parses a pointer.
    ///
    /// # Errors
    /// Returns the fault of the text, and what is expected.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > Self::MAX_BYTES {
            return Err(format!("JSON Pointer is too long, expected at most {} bytes", Self::MAX_BYTES));
        }
        let mut parts = text.split('/');
        if parts.next() != Some("") {
            return Err("invalid JSON Pointer, expected a text that is empty or begins with `/`".to_owned());
        }
        let tokens: Vec<Token> = parts.map(Token::parse).collect::<Result<_, _>>()?;
        if tokens.len() > Self::MAX_TOKENS {
            return Err(format!("JSON Pointer has too many parts, expected at most {}", Self::MAX_TOKENS));
        }
        Ok(Self(tokens.into()))
    }

    /// Returns the pointer to nested members of objects. It never denotes an entry of a list.
    pub(super) fn of_members<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        Self(names.into_iter().map(|name| Token { name: name.into(), index: None }).collect())
    }

    /// Returns the value to which the pointer points.
    pub(super) fn find<'d>(&self, value: DocumentValue<'d>) -> Option<DocumentValue<'d>> {
        self.0.iter().try_fold(value, |value, Token { name, index }| match value.kind() {
            Kind::Object => value.get(name),
            Kind::List => value.entry((*index)?),
            _ => None,
        })
    }

    /// Like [`find`](Self::find), in a value that was found by a JSONPath.
    pub(super) fn find_in_tree<'t>(&self, value: &'t serde_json::Value) -> Option<&'t serde_json::Value> {
        self.0.iter().try_fold(value, |value, Token { name, index }| match value {
            serde_json::Value::Object(members) => members.get(&**name),
            serde_json::Value::Array(entries) => entries.get((*index)?),
            _ => None,
        })
    }
}

impl Token {
    fn parse(text: &str) -> Result<Self, String> {
        let mut escapes = text.split('~').skip(1);
        if !escapes.all(|rest| rest.starts_with(['0', '1'])) {
            return Err("invalid JSON Pointer, expected `~0` for `~` and `~1` for `/`".to_owned());
        }
        let name = text.replace("~1", "/").replace("~0", "~");
        let is_index = name == "0" || (!name.starts_with('0') && name.bytes().all(|byte| byte.is_ascii_digit()));
        let index = if is_index { name.parse().ok() } else { None };
        Ok(Self { name: name.into(), index })
    }
}
