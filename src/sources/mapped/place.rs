//! Places: where a record contains something.

use std::borrow::Cow;

use super::MapError;
use super::document::TextOrList;
use super::error::Path;
use super::json_path::Query;
use super::node::{Item, Node};
use super::pointer::Pointer;
use crate::sources::identity::services::is_placeholder;

/// A place in a record, or in a part of one: a JSON Pointer or a JSONPath.
pub(super) struct Place {
    text: Box<str>,
    search: Search,
}

/// How the values at a place are found.
pub(super) enum Search {
    /// At most one value.
    Pointer(Pointer),
    /// Any number of values: those that the query finds in the tree with this number, which is the value at `start`.
    Query { start: Pointer, tree: usize, query: serde_json_path::JsonPath },
}

/// Parses the places of a map, and counts them.
#[derive(Default)]
pub(super) struct PlaceParser {
    /// Whether pointers also point to members whose names are several names joined by dots.
    is_dotted: bool,
    places: usize,
    queries: usize,
    /// The values in which queries search. Each is turned into a tree at most once per record.
    starts: Vec<Pointer>,
}

impl PlaceParser {
    /// The most places that a map may have.
    const MAX_PLACES: usize = 1_000;
    /// The most places of a map that may be JSONPaths.
    const MAX_QUERIES: usize = 100;

    /// Returns a parser of the places of a map in which pointers are [dotted](Pointer::dotted) or not.
    pub(super) fn new(is_dotted: bool) -> Self {
        Self { is_dotted, ..Self::default() }
    }

    /// Parses a place.
    ///
    /// # Errors
    /// Returns the fault of the text, and what is expected.
    pub(super) fn parse(&mut self, text: &str) -> Result<Place, String> {
        self.places += 1;
        if self.places > Self::MAX_PLACES {
            return Err(format!("too many places, expected at most {} in a map", Self::MAX_PLACES));
        }
        if !text.starts_with('$') {
            let pointer = Pointer::parse(text).map_err(|fault| match text.starts_with('/') {
                true => fault,
                false => "invalid place, expected a JSON Pointer such as `/actor/id`, or a JSONPath such as \
                          `$.target[*].id`"
                    .to_owned(),
            })?;
            let pointer = if self.is_dotted { pointer.dotted() } else { pointer };
            return Ok(Place { text: text.into(), search: Search::Pointer(pointer) });
        }
        self.queries += 1;
        if self.queries > Self::MAX_QUERIES {
            return Err(format!("too many JSONPaths, expected at most {} in a map", Self::MAX_QUERIES));
        }
        let Query { start, rest } = Query::parse(text)?;
        let search = match rest {
            None => Search::Pointer(start),
            Some(query) => Search::Query { tree: self.tree(&start), start, query },
        };
        Ok(Place { text: text.into(), search })
    }

    /// Parses a list of places.
    pub(super) fn parse_all(&mut self, texts: &[String], path: Path<'_>) -> Result<Box<[Place]>, MapError> {
        let parse = |(index, text): (usize, &String)| self.parse(text).map_err(|fault| path.entry(index).error(fault));
        texts.iter().enumerate().map(parse).collect()
    }

    /// Parses one place, or a list of places.
    pub(super) fn parse_one_or_more(
        &mut self,
        texts: &TextOrList<String>,
        path: Path<'_>,
    ) -> Result<Box<[Place]>, MapError> {
        match texts {
            TextOrList::Text(text) => Ok([self.parse(text).map_err(|fault| path.error(fault))?].into()),
            TextOrList::List(texts) => self.parse_all(texts, path),
        }
    }

    /// Returns the number of distinct trees in which the queries search.
    pub(super) fn trees(&self) -> usize {
        self.starts.len()
    }

    fn tree(&mut self, start: &Pointer) -> usize {
        match self.starts.iter().position(|known| known == start) {
            Some(known) => known,
            None => {
                self.starts.push(start.clone());
                self.starts.len() - 1
            }
        }
    }
}

impl Place {
    /// Returns the place as the map writes it.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the name of the member of a record that contains the place, if it is always the same.
    pub(super) fn first_name(&self) -> Option<&str> {
        match &self.search {
            Search::Pointer(start) | Search::Query { start, .. } => start.names().next(),
        }
    }

    /// Calls `visit` with each value at the place until one gives a result. A list gives each of its entries.
    pub(super) fn find<T>(&self, node: Node<'_>, visit: &mut dyn FnMut(Item<'_>) -> Option<T>) -> Option<T> {
        node.search(&self.search, &mut |found| found.find_item(visit))
    }

    /// Calls `visit` with each part of the record at the place.
    pub(super) fn for_each_node(&self, node: Node<'_>, visit: &mut dyn FnMut(Node<'_>)) {
        let _: Option<()> = node.search(&self.search, &mut |found| {
            visit(found);
            None
        });
    }

    /// Calls `visit` with each text or number at the place that can be a name.
    pub(super) fn for_each_name(&self, node: Node<'_>, visit: &mut dyn FnMut(&str)) {
        let _: Option<()> = self.find(node, &mut |item| {
            item.name().iter().for_each(|name| visit(name));
            None
        });
    }

    /// Calls `visit` with every text at the place and in the objects and lists there.
    pub(super) fn for_each_text(&self, node: Node<'_>, visit: &mut dyn FnMut(&str)) {
        self.for_each_node(node, &mut |found| found.for_each_text(visit));
    }

    /// Returns the first text or number at the place that can be a name.
    pub(super) fn first_text(&self, node: Node<'_>) -> Option<String> {
        self.find(node, &mut |item| item.name().map(Cow::into_owned))
    }

    /// Returns whether the place has a value that is not null.
    pub(super) fn is_there(&self, node: Node<'_>) -> bool {
        let is_there = node.search(&self.search, &mut |found| (!found.is_null()).then_some(())).is_some();
        is_there || node.has_members_within(&self.search)
    }

    /// Returns whether the place has a value that is not empty.
    pub(super) fn is_present(&self, node: Node<'_>) -> bool {
        let is_present = self.find(node, &mut |item| item.is_present().then_some(())).is_some();
        is_present || node.has_members_within(&self.search)
    }
}

/// Returns the first text or number at these places that can be a name.
pub(super) fn first_text(places: &[Place], node: Node<'_>) -> Option<String> {
    places.iter().find_map(|place| place.first_text(node))
}

/// Returns a text without white space around it, or `None` if it is empty or a placeholder for no name.
pub(super) fn name(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !is_placeholder(text))
}
