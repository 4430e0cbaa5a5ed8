//! Texts that a map reads from a record or states itself: actions, and names of applications.

use std::collections::BTreeMap;

use super::MapError;
use super::document::{TextDocument, TextOr};
use super::error::Path;
use super::node::Node;
use super::place::{Place, PlaceParser};

/// A text: that of a place, its name, or a constant.
pub(super) enum TextSource {
    Place(Place),
    /// The name of the text at a place, by the text in lower case. A text that is not listed is the name itself.
    Named(Place, BTreeMap<String, Box<str>>),
    Constant(Box<str>),
}

impl TextSource {
    /// The most names of one place.
    const MAX_NAMES: usize = 2_000;
    /// The most bytes of a constant or a name.
    const MAX_BYTES: usize = 256;

    /// Parses a list of texts, of which the first that a record has counts.
    pub(super) fn parse_all(
        documents: &[TextOr<TextDocument>],
        places: &mut PlaceParser,
        path: Path<'_>,
    ) -> Result<Box<[Self]>, MapError> {
        let mut sources = Vec::new();
        for (index, document) in documents.iter().enumerate() {
            let path = path.entry(index);
            if let Some(Self::Constant(_)) = sources.last() {
                return Err(path.error("has no effect behind a constant; remove it"));
            }
            sources.push(match document {
                TextOr::Text(text) => Self::Place(places.parse(text).map_err(|fault| path.error(fault))?),
                TextOr::Object(document) => Self::parse(document, places, path)?,
            });
        }
        Ok(sources.into())
    }

    pub(super) fn parse(document: &TextDocument, places: &mut PlaceParser, path: Path<'_>) -> Result<Self, MapError> {
        match document {
            TextDocument { text: Some(text), at: None, names: None } => {
                check(text, path.member("text"))?;
                Ok(Self::Constant(text.as_str().into()))
            }
            TextDocument { text: None, at: Some(at), names: Some(names) } => {
                let at = places.parse(at).map_err(|fault| path.member("at").error(fault))?;
                let path_of_names = path.member("names");
                if names.len() > Self::MAX_NAMES {
                    return Err(path_of_names.error(format!("too many names, expected at most {}", Self::MAX_NAMES)));
                }
                let name = |(text, name): (&String, &String)| {
                    check(name, path_of_names.member(crate::text::prefix(text, Self::MAX_BYTES)))?;
                    Ok((text.to_ascii_lowercase(), name.as_str().into()))
                };
                Ok(Self::Named(at, names.iter().map(name).collect::<Result<_, MapError>>()?))
            }
            _ => Err(path.error("expected either `text`, or `at` and `names`")),
        }
    }

    /// Returns the text in a part of a record.
    fn text(&self, node: Node<'_>) -> Option<String> {
        match self {
            Self::Place(place) => place.first_text(node),
            Self::Named(place, names) => {
                let text = place.first_text(node)?;
                let name = names.get(&text.to_ascii_lowercase()).map(|name| String::from(&**name));
                Some(name.unwrap_or(text))
            }
            Self::Constant(text) => Some(String::from(&**text)),
        }
    }

    /// Returns the first of these texts that a part of a record has.
    pub(super) fn first(sources: &[Self], node: Node<'_>) -> Option<String> {
        sources.iter().find_map(|source| source.text(node))
    }

    /// Returns the place of the text.
    pub(super) fn place(&self) -> Option<&Place> {
        match self {
            Self::Place(place) | Self::Named(place, _) => Some(place),
            Self::Constant(_) => None,
        }
    }
}

fn check(text: &str, path: Path<'_>) -> Result<(), MapError> {
    let max = TextSource::MAX_BYTES;
    match text.trim() == text && (1..=max).contains(&text.len()) && !text.contains(char::is_control) {
        true => Ok(()),
        false => Err(path.error(format!("invalid text, expected 1 to {max} bytes in one line"))),
    }
}
