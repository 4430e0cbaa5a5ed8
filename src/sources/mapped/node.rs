//! The parts of a record in which places are looked up.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::{Number, Value};

use super::place::{Search, name};
use crate::json::{DocumentValue, Kind};

/// A record, with the trees that JSONPaths need.
pub(super) struct RecordNode<'r> {
    root: DocumentValue<'r>,
    trees: Box<[OnceCell<Value>]>,
}

/// A part of a record: the whole, or what a JSONPath found.
#[derive(Clone, Copy)]
pub(super) enum Node<'r> {
    Record(&'r RecordNode<'r>),
    Value(DocumentValue<'r>),
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

impl<'r> RecordNode<'r> {
    /// Returns a record in which the queries of a map search in this number of trees.
    pub(super) fn new(root: DocumentValue<'r>, trees: usize) -> Self {
        Self { root, trees: (0..trees).map(|_| OnceCell::new()).collect() }
    }
}

impl Node<'_> {
    /// Calls `visit` with each part of the record that a search finds, until one gives a result.
    pub(super) fn search<T>(self, search: &Search, visit: &mut dyn FnMut(Node<'_>) -> Option<T>) -> Option<T> {
        match (search, self) {
            (Search::Pointer(pointer), Node::Record(record)) => visit(Node::Value(pointer.find(record.root)?)),
            (Search::Pointer(pointer), Node::Value(value)) => visit(Node::Value(pointer.find(value)?)),
            (Search::Pointer(pointer), Node::Tree(value)) => visit(Node::Tree(pointer.find_in_tree(value)?)),
            (Search::Query { start, tree, query }, Node::Record(record)) => {
                let value = start.find(record.root)?;
                let tree = record.trees.get(*tree)?.get_or_init(|| tree_of(value));
                query.query(tree).into_iter().find_map(|value| visit(Node::Tree(value)))
            }
            (Search::Query { start, query, .. }, Node::Value(value)) => {
                let tree = tree_of(start.find(value)?);
                query.query(&tree).into_iter().find_map(|value| visit(Node::Tree(value)))
            }
            (Search::Query { start, query, .. }, Node::Tree(value)) => {
                query.query(start.find_in_tree(value)?).into_iter().find_map(|value| visit(Node::Tree(value)))
            }
        }
    }

    /// Calls `visit` with the value, or with each entry of a list, until one gives a result.
    pub(super) fn find_item<T>(self, visit: &mut dyn FnMut(Item<'_>) -> Option<T>) -> Option<T> {
        match self {
            Node::Record(record) => visit(Item::of(record.root)),
            Node::Value(value) if value.kind() == Kind::List => {
                value.entries().find_map(|entry| visit(Item::of(entry)))
            }
            Node::Value(value) => visit(Item::of(value)),
            Node::Tree(Value::Array(entries)) => entries.iter().find_map(|entry| visit(Item::of_tree(entry))),
            Node::Tree(value) => visit(Item::of_tree(value)),
        }
    }

    pub(super) fn is_null(self) -> bool {
        match self {
            Node::Record(_) => false,
            Node::Value(value) => value.kind() == Kind::Null,
            Node::Tree(value) => value.is_null(),
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

    pub(super) fn is_present(self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(_) | Self::Number(_) => true,
            Self::Text(text) => name(text).is_some(),
            Self::Container { is_empty } => !is_empty,
        }
    }
}

/// Returns a part of a record as a tree. The recursion is as deep as that of the parser, which has a limit.
fn tree_of(value: DocumentValue<'_>) -> Value {
    crate::steps::advance(1);
    match value.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => value.as_bool().unwrap_or_default().into(),
        Kind::Number => {
            value.number_text().and_then(|text| text.parse::<Number>().ok()).map_or(Value::Null, Into::into)
        }
        Kind::String => value.as_str().unwrap_or_default().into(),
        Kind::List => value.entries().map(tree_of).collect(),
        Kind::Object => value.members().map(|(name, value)| (name.to_owned(), tree_of(value))).collect(),
    }
}
