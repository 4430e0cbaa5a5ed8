//! JSON Pointers (RFC 6901), parsed once.

use serde_json::Value;

use super::node::Part;
use crate::json::Kind;

/// A JSON Pointer.
#[derive(Clone, PartialEq)]
pub(super) struct Pointer {
    tokens: Box<[Token]>,
    /// The names of several tokens, joined by dots, if the record can have members of such names: for the token at each
    /// index those of this token and of up to all tokens behind it, the shortest first.
    joined: Option<Box<[JoinedNames]>>,
}

type JoinedNames = Box<[Box<str>]>;

#[derive(Clone, PartialEq)]
struct Token {
    name: Box<str>,
    /// The index in a list that the token denotes.
    index: Option<usize>,
}

/// A value in which pointers are looked up.
pub(super) trait Lookup: Copy {
    /// Returns the member of this name, or the entry at this index of a list.
    fn child(self, name: &str, index: Option<usize>) -> Option<Self>;

    /// Returns whether the value is an object with a member whose name begins with these texts.
    fn has_member(self, beginning: &str, then: &str) -> bool;
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
        Ok(Self { tokens: tokens.into(), joined: None })
    }

    /// Returns the pointer to nested members of objects. It never denotes an entry of a list.
    pub(super) fn of_members<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let tokens = names.into_iter().map(|name| Token { name: name.into(), index: None });
        Self { tokens: tokens.collect(), joined: None }
    }

    /// Returns the names of the members on the way to the value.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(|token| &*token.name)
    }

    /// Returns the pointer that also points to members whose names are several names joined by dots: `/user/name` to the
    /// member `user.name`.
    pub(super) fn dotted(mut self) -> Self {
        let names: Vec<&str> = self.names().collect();
        let joined_from = |start: usize| {
            let behind = names.get(start..).unwrap_or_default();
            (2..=behind.len()).filter_map(|count| Some(behind.get(..count)?.join(".").into())).collect()
        };
        self.joined = Some((0..names.len()).map(joined_from).collect());
        self
    }

    /// Calls `visit` with each value to which the pointer points, until one gives a result. That is at most one value,
    /// unless the pointer is [dotted](Self::dotted).
    pub(super) fn find<V: Lookup, T>(&self, value: V, visit: &mut dyn FnMut(V) -> Option<T>) -> Option<T> {
        match &self.joined {
            None => visit(self.tokens.iter().try_fold(value, |value, token| value.child(&token.name, token.index))?),
            Some(joined) => self.find_dotted(joined, 0, value, visit),
        }
    }

    /// Like [`find`](Self::find), for the tokens from an index on. Each value of the record is visited at most once,
    /// because its path determines the index.
    fn find_dotted<V: Lookup, T>(
        &self,
        joined: &[JoinedNames],
        at: usize,
        value: V,
        visit: &mut dyn FnMut(V) -> Option<T>,
    ) -> Option<T> {
        let (Some(token), Some(names)) = (self.tokens.get(at), joined.get(at)) else { return visit(value) };
        let child = value.child(&token.name, token.index);
        let found = child.and_then(|child| self.find_dotted(joined, at + 1, child, visit));
        found.or_else(|| {
            names
                .iter()
                .enumerate()
                .find_map(|(more, name)| self.find_dotted(joined, at + 2 + more, value.child(name, None)?, visit))
        })
    }

    /// Returns whether a dotted pointer denotes an object of which only members exist: `/user`, where the record has a
    /// member `user.name`.
    pub(super) fn has_members_within(&self, value: impl Lookup) -> bool {
        self.joined.as_ref().is_some_and(|joined| self.is_begun(joined, 0, value))
    }

    fn is_begun(&self, joined: &[JoinedNames], at: usize, value: impl Lookup) -> bool {
        let (Some(token), Some(names)) = (self.tokens.get(at), joined.get(at)) else { return false };
        let rest = names.last().unwrap_or(&token.name);
        let is_begun =
            |name: &str, index, at| value.child(name, index).is_some_and(|child| self.is_begun(joined, at, child));
        value.has_member(rest, ".")
            || is_begun(&token.name, token.index, at + 1)
            || names.iter().enumerate().any(|(more, name)| is_begun(name, None, at + 2 + more))
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

impl Lookup for Part<'_> {
    fn child(self, name: &str, index: Option<usize>) -> Option<Self> {
        let child = match self.value().kind() {
            Kind::Object => self.value().get(name),
            Kind::List => self.value().entry(index?),
            _ => None,
        };
        child.map(|value| Self::new(value, self.embedded()))
    }

    fn has_member(self, beginning: &str, then: &str) -> bool {
        self.value().members().any(|(name, _)| name.strip_prefix(beginning).is_some_and(|rest| rest.starts_with(then)))
    }
}

impl Lookup for &Value {
    fn child(self, name: &str, index: Option<usize>) -> Option<Self> {
        match self {
            Value::Object(members) => members.get(name),
            Value::Array(entries) => entries.get(index?),
            _ => None,
        }
    }

    fn has_member(self, beginning: &str, then: &str) -> bool {
        let mut names = self.as_object().into_iter().flat_map(serde_json::Map::keys);
        names.any(|name| name.strip_prefix(beginning).is_some_and(|rest| rest.starts_with(then)))
    }
}
