//! Conditions on a record, or on a part of one.

use super::MapError;
use super::document::ConditionDocument;
use super::error::Path;
use super::node::{Item, Node};
use super::place::{Place, PlaceParser};

/// A condition: a place, and what its values must be.
pub(super) struct Condition {
    at: Place,
    test: Test,
}

/// What the values at a place must be. Texts are in lower case.
enum Test {
    In(Box<[String]>),
    NotIn(Box<[String]>),
    Present(bool),
    StartsWith(Box<[String]>),
    EndsWith(Box<[String]>),
    Contains(Box<[String]>),
}

impl Condition {
    /// The most texts that one condition may compare with.
    const MAX_TEXTS: usize = 1_000;
    /// The most bytes of such a text.
    const MAX_TEXT_BYTES: usize = 1_024;

    pub(super) fn parse(
        document: &ConditionDocument,
        places: &mut PlaceParser,
        path: Path<'_>,
    ) -> Result<Self, MapError> {
        let at = places.parse(&document.at).map_err(|fault| path.member("at").error(fault))?;
        let ConditionDocument { is_in, not_in, present, starts_with, ends_with, contains, .. } = document;
        let texts = |texts: &Option<Vec<String>>, operator| match texts {
            Some(texts) => Self::texts(texts, path.member(operator)).map(Some),
            None => Ok(None),
        };
        let tests = [
            texts(is_in, "in")?.map(Test::In),
            texts(not_in, "not_in")?.map(Test::NotIn),
            present.map(Test::Present),
            texts(starts_with, "starts_with")?.map(Test::StartsWith),
            texts(ends_with, "ends_with")?.map(Test::EndsWith),
            texts(contains, "contains")?.map(Test::Contains),
        ];
        let mut tests = tests.into_iter().flatten();
        match (tests.next(), tests.next()) {
            (Some(test), None) => Ok(Self { at, test }),
            _ => Err(path
                .error("expected exactly one of `in`, `not_in`, `present`, `starts_with`, `ends_with` and `contains`")),
        }
    }

    /// Parses a list of conditions, all of which must hold.
    pub(super) fn parse_all(
        documents: &[ConditionDocument],
        places: &mut PlaceParser,
        path: Path<'_>,
    ) -> Result<Box<[Self]>, MapError> {
        documents.iter().enumerate().map(|(index, document)| Self::parse(document, places, path.entry(index))).collect()
    }

    fn texts(texts: &[String], path: Path<'_>) -> Result<Box<[String]>, MapError> {
        if texts.is_empty() || texts.len() > Self::MAX_TEXTS {
            return Err(path.error(format!("{} texts, expected 1 to {}", texts.len(), Self::MAX_TEXTS)));
        }
        let lower_case = texts.iter().enumerate().map(|(index, text)| match text.len() {
            ..=Self::MAX_TEXT_BYTES => Ok(text.to_ascii_lowercase()),
            _ => Err(path.entry(index).error(format!("too long, expected at most {} bytes", Self::MAX_TEXT_BYTES))),
        });
        lower_case.collect()
    }

    /// Returns whether all conditions hold.
    pub(super) fn all_hold(conditions: &[Self], node: Node<'_>) -> bool {
        conditions.iter().all(|condition| condition.holds(node))
    }

    fn holds(&self, node: Node<'_>) -> bool {
        match &self.test {
            Test::Present(expected) => self.at.is_present(node) == *expected,
            Test::In(texts) => self.any(node, texts, |text, known| text == known),
            Test::NotIn(texts) => !self.any(node, texts, |text, known| text == known),
            Test::StartsWith(texts) => self.any(node, texts, |text, known| text.starts_with(known)),
            Test::EndsWith(texts) => self.any(node, texts, |text, known| text.ends_with(known)),
            Test::Contains(texts) => self.any(node, texts, |text, known| text.contains(known)),
        }
    }

    /// Returns whether `is_like` is true for any value at the place, in lower case, and any of the texts.
    fn any(&self, node: Node<'_>, texts: &[String], is_like: fn(&str, &str) -> bool) -> bool {
        let is_any = |item: Item<'_>| {
            let text = item.text()?.to_ascii_lowercase();
            texts.iter().any(|known| is_like(&text, known)).then_some(())
        };
        self.at.find(node, &mut { is_any }).is_some()
    }
}
