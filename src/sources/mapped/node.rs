//! The parts of a record in which places are looked up.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::{Number, Value};

use super::embedded::Layer;
use super::place::{Search, name};
use crate::json::{DocumentValue, Kind};

/// A value of a record, with the JSON that is embedded in texts of the record.
#[derive(Clone, Copy)]
pub(super) struct Part<'r> {
    value: DocumentValue<'r>,
    embedded: Option<&'r Layer<'r>>,
}

/// A record, with the trees that JSONPaths need.
pub(super) struct RecordNode<'r> {
    root: Part<'r>,
    trees: Box<[OnceCell<Value>]>,
}

/// A part of a record: the whole, a value, or what a JSONPath found.
#[derive(Clone, Copy)]
pub(super) enum Node<'r> {
    Record(&'r RecordNode<'r>),
    Part(Part<'r>),
    Tree(&'r Value),
}

/// One value at a place.
pub(super) enum Item<'r> {
    Null,
    Bool(bool),
    Number(Cow<'r, str>),
    Text(&'r str),
    /// An object or a list.
    Container {
        is_empty: bool,
    },
}

impl<'r> Part<'r> {
    /// Returns a value of a record. A text that contains embedded JSON is that JSON.
    pub(super) fn new(value: DocumentValue<'r>, embedded: Option<&'r Layer<'r>>) -> Self {
        let inner = embedded.zip(value.as_str()).and_then(|(embedded, text)| embedded.root(text));
        Self { value: inner.unwrap_or(value), embedded }
    }

    pub(super) fn value(self) -> DocumentValue<'r> {
        self.value
    }

    pub(super) fn embedded(self) -> Option<&'r Layer<'r>> {
        self.embedded
    }

    pub(super) fn entries(self) -> impl Iterator<Item = Self> {
        self.value.entries().map(move |entry| Self::new(entry, self.embedded))
    }

    /// Returns the members of an object in the order of their names, so that nothing depends on the layout of the record.
    fn members(self) -> Vec<(&'r str, Self)> {
        let members = self.value.members().map(|(name, value)| (name, Self::new(value, self.embedded)));
        let mut members: Vec<_> = members.collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        members
    }

    /// Returns the value as a tree. The recursion is as deep as that of the parser, which has a limit.
    fn tree(self) -> Value {
        crate::steps::advance(1);
        match self.value.kind() {
            Kind::Null => Value::Null,
            Kind::Bool => self.value.as_bool().unwrap_or_default().into(),
            Kind::Number => {
                let number = self.value.number_text().and_then(|text| text.parse::<Number>().ok());
                number.map_or(Value::Null, Into::into)
            }
            Kind::String => self.value.as_str().unwrap_or_default().into(),
            Kind::List => self.entries().map(Self::tree).collect(),
            Kind::Object => self.members().into_iter().map(|(name, value)| (name.to_owned(), value.tree())).collect(),
        }
    }

    /// Calls `visit` with every text in the value.
    fn for_each_text(self, visit: &mut dyn FnMut(&str)) {
        match self.value.kind() {
            Kind::String => visit(self.value.as_str().unwrap_or_default()),
            Kind::List => self.entries().for_each(|entry| entry.for_each_text(visit)),
            Kind::Object => self.members().into_iter().for_each(|(_, value)| value.for_each_text(visit)),
            Kind::Null | Kind::Bool | Kind::Number => {}
        }
    }
}

impl<'r> RecordNode<'r> {
    /// Returns a record in which the queries of a map search in this number of trees.
    pub(super) fn new(root: Part<'r>, trees: usize) -> Self {
        Self { root, trees: (0..trees).map(|_| OnceCell::new()).collect() }
    }

    pub(super) fn part(&self) -> Part<'r> {
        self.root
    }

    /// Returns the record as it was parsed, with embedded JSON as text.
    pub(super) fn root(&self) -> DocumentValue<'r> {
        self.root.value()
    }
}

impl<'r> Node<'r> {
    /// Returns the value of a record, or the tree that a JSONPath found.
    fn value(self) -> Result<Part<'r>, &'r Value> {
        match self {
            Node::Record(record) => Ok(record.root),
            Node::Part(part) => Ok(part),
            Node::Tree(tree) => Err(tree),
        }
    }

    /// Calls `visit` with each part of the record that a search finds, until one gives a result.
    pub(super) fn search<T>(self, search: &Search, visit: &mut dyn FnMut(Node<'_>) -> Option<T>) -> Option<T> {
        let mut visit_tree = |tree: &Value| visit(Node::Tree(tree));
        match (search, self.value()) {
            (Search::Pointer(pointer), Ok(part)) => pointer.find(part, &mut |part| visit(Node::Part(part))),
            (Search::Pointer(pointer), Err(tree)) => pointer.find(tree, &mut visit_tree),
            (Search::Query { start, tree, query }, Ok(part)) => {
                let new_tree = || start.find(part, &mut |part| Some(part.tree())).unwrap_or_default();
                let known = match self {
                    Node::Record(record) => record.trees.get(*tree),
                    _ => None,
                };
                match known {
                    Some(known) => query.query(known.get_or_init(new_tree)).into_iter().find_map(visit_tree),
                    None => query.query(&new_tree()).into_iter().find_map(visit_tree),
                }
            }
            (Search::Query { start, query, .. }, Err(tree)) => {
                start.find(tree, &mut |tree: &Value| query.query(tree).into_iter().find_map(&mut visit_tree))
            }
        }
    }

    /// Returns whether the record has members of an object that a dotted pointer denotes.
    pub(super) fn has_members_within(self, search: &Search) -> bool {
        match (search, self.value()) {
            (Search::Pointer(pointer), Ok(part)) => pointer.has_members_within(part),
            (Search::Pointer(pointer), Err(tree)) => pointer.has_members_within(tree),
            (Search::Query { .. }, _) => false,
        }
    }

    /// Calls `visit` with the value, or with each entry of a list, until one gives a result.
    pub(super) fn find_item<T>(self, visit: &mut dyn FnMut(Item<'_>) -> Option<T>) -> Option<T> {
        match self.value() {
            Ok(part) if part.value.kind() == Kind::List => {
                part.entries().find_map(|entry| visit(Item::of(entry.value)))
            }
            Ok(part) => visit(Item::of(part.value)),
            Err(Value::Array(entries)) => entries.iter().find_map(|entry| visit(Item::of_tree(entry))),
            Err(tree) => visit(Item::of_tree(tree)),
        }
    }

    /// Calls `visit` with every text in the value, at any depth.
    pub(super) fn for_each_text(self, visit: &mut dyn FnMut(&str)) {
        match self.value() {
            Ok(part) => part.for_each_text(visit),
            Err(Value::String(text)) => visit(text),
            Err(Value::Array(entries)) => entries.iter().for_each(|entry| Node::Tree(entry).for_each_text(visit)),
            Err(Value::Object(members)) => members.values().for_each(|value| Node::Tree(value).for_each_text(visit)),
            Err(_) => {}
        }
    }

    pub(super) fn is_null(self) -> bool {
        match self.value() {
            Ok(part) => part.value.kind() == Kind::Null,
            Err(tree) => tree.is_null(),
        }
    }
}

impl<'r> Item<'r> {
    fn of(value: DocumentValue<'r>) -> Self {
        crate::steps::advance(1);
        match value.kind() {
            Kind::Null => Self::Null,
            Kind::Bool => Self::Bool(value.as_bool().unwrap_or_default()),
            Kind::Number => Self::Number(value.number_text().unwrap_or_default()),
            Kind::String => Self::Text(value.as_str().unwrap_or_default()),
            Kind::List => Self::Container { is_empty: value.entries().next().is_none() },
            Kind::Object => Self::Container { is_empty: value.members().next().is_none() },
        }
    }

    fn of_tree(value: &'r Value) -> Self {
        crate::steps::advance(1);
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.to_string().into()),
            Value::String(text) => Self::Text(text),
            Value::Array(entries) => Self::Container { is_empty: entries.is_empty() },
            Value::Object(members) => Self::Container { is_empty: members.is_empty() },
        }
    }

    /// Returns the text that conditions compare.
    pub(super) fn text(self) -> Option<Cow<'r, str>> {
        match self {
            Self::Null | Self::Container { .. } => None,
            Self::Bool(true) => Some("true".into()),
            Self::Bool(false) => Some("false".into()),
            Self::Number(text) => Some(text),
            Self::Text(text) => Some(text.trim().into()),
        }
    }

    /// Returns a text or number that can be a name.
    pub(super) fn name(self) -> Option<Cow<'r, str>> {
        match self {
            Self::Null | Self::Bool(_) | Self::Container { .. } => None,
            Self::Number(text) => Some(text),
            Self::Text(text) => name(text).map(Cow::Borrowed),
        }
    }

    pub(super) fn is_present(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(_) | Self::Number(_) => true,
            Self::Text(text) => name(text).is_some(),
            Self::Container { is_empty } => !is_empty,
        }
    }
}
