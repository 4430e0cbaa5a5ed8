//! Conditions on a record, or on a part of one.

use super::MapError;
use super::cut::Cut;
use super::document::ConditionDocument;
use super::error::Path;
use super::node::{Item, Node};
use super::place::{Place, PlaceParser, name};

/// A condition: one or more places, and what the values there must be.
pub(super) struct Condition {
    at: Box<[Place]>,
    cut: Cut,
    test: Test,
}

/// A test of the values at the places.
enum Test {
    Present(bool),
    /// Any value compares with a text in this way, or none does.
    Any(Comparison, Box<[String]>),
    None(Comparison, Box<[String]>),
}

/// How a text of a record, in lower case, compares with one of the map.
type Comparison = fn(&str, &str) -> bool;

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
        let at = match places.parse_one_or_more(&document.at, path.member("at"))? {
            at if at.is_empty() => return Err(path.member("at").error("no places, expected at least one")),
            at => at,
        };
        let ConditionDocument { after_last, before_first, or_whole, .. } = document;
        let cut = Cut::parse(after_last.as_deref(), before_first.as_deref(), *or_whole, path)?;
        let is_equal: Comparison = |text, known| text == known;
        let starts_with: Comparison = |text, known| text.starts_with(known);
        let ends_with: Comparison = |text, known| text.ends_with(known);
        let contains: Comparison = |text, known| text.contains(known);
        let (any, none): (fn(_, _) -> _, fn(_, _) -> _) = (Test::Any, Test::None);
        let operators = [
            ("in", &document.is_in, is_equal, any),
            ("not_in", &document.not_in, is_equal, none),
            ("starts_with", &document.starts_with, starts_with, any),
            ("not_starts_with", &document.not_starts_with, starts_with, none),
            ("ends_with", &document.ends_with, ends_with, any),
            ("not_ends_with", &document.not_ends_with, ends_with, none),
            ("contains", &document.contains, contains, any),
            ("not_contains", &document.not_contains, contains, none),
        ];
        let mut tests: Vec<Test> = document.present.map(Test::Present).into_iter().collect();
        for (operator, texts, comparison, test) in operators {
            if let Some(texts) = texts {
                tests.push(test(comparison, Self::texts(texts, path.member(operator))?));
            }
        }
        match (tests.pop(), tests.pop()) {
            (Some(test), None) => Ok(Self { at, cut, test }),
            _ => {
                let names = operators.map(|(operator, ..)| format!("`{operator}`")).join(", ");
                Err(path.error(format!("expected exactly one of `present`, {names}")))
            }
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

    pub(super) fn holds(&self, node: Node<'_>) -> bool {
        match &self.test {
            Test::Present(expected) => self.at.iter().any(|place| self.is_present(place, node)) == *expected,
            Test::Any(comparison, texts) => self.is_any(node, *comparison, texts),
            Test::None(comparison, texts) => !self.is_any(node, *comparison, texts),
        }
    }

    fn is_present(&self, place: &Place, node: Node<'_>) -> bool {
        if self.cut.is_none() {
            return place.is_present(node);
        }
        let is_name = |item: Item<'_>| name(self.cut.of(&item.text()?)?).map(drop);
        place.find(node, &mut { is_name }).is_some()
    }

    /// Returns whether any value at the places compares with any of the texts.
    fn is_any(&self, node: Node<'_>, comparison: Comparison, texts: &[String]) -> bool {
        let is_any = |item: Item<'_>| {
            let text = item.text()?;
            let text = self.cut.of(&text)?.to_ascii_lowercase();
            texts.iter().any(|known| comparison(&text, known)).then_some(())
        };
        self.at.iter().any(|place| place.find(node, &mut { is_any }).is_some())
    }
}
