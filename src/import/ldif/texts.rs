//! The stored texts of an entry: its names, and the attributes that determine its status.

use super::attribute::Attribute;
use crate::identity::fold;
use crate::import::names::MAX_NAMES;
use crate::steps;

/// The maximum number of texts while an entry is changed. Later edits may remove some.
const MAX_HELD: usize = 2 * MAX_NAMES;

/// The stored texts of an entry, each with its attribute.
// INVARIANT: sorted by attribute, folded text and text, without duplicates, so that lookups are binary searches.
#[derive(Clone, Default)]
pub(super) struct Texts(Vec<(Attribute, Box<str>)>);

/// One edit of the texts of an entry.
pub(super) enum Edit {
    Add(Attribute, String),
    /// Removes one text, compared case-folded.
    Remove(Attribute, String),
    /// Removes all texts of an attribute.
    Clear(Attribute),
}

/// The result of an edit for one text.
pub(super) struct AppliedEdit {
    pub(super) added: bool,
    pub(super) attribute: Attribute,
    pub(super) text: Box<str>,
}

impl Texts {
    /// Stores the texts as read. Blank texts are dropped.
    pub(super) fn new(read: impl IntoIterator<Item = (Attribute, String)>) -> Self {
        let texts = read.into_iter().inspect(|_| steps::advance(1));
        let mut texts: Vec<_> =
            texts.filter_map(|(attribute, text)| Some((attribute, non_blank(&text)?.into()))).collect();
        texts.sort_by_cached_key(|(attribute, text): &(Attribute, Box<str>)| (*attribute, fold(text), text.clone()));
        texts.dedup();
        texts.shrink_to_fit();
        Self(texts)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the texts of one attribute, in order.
    pub(super) fn all(&self, attribute: Attribute) -> impl Iterator<Item = &str> {
        let from = self.0.partition_point(|(held, _)| *held < attribute);
        let texts = self.0.iter().skip(from).take_while(move |(held, _)| *held == attribute);
        texts.inspect(|_| steps::advance(1)).map(|(_, text)| &**text)
    }

    /// Returns the first text in sort order. The order of values in the input is insignificant.
    pub(super) fn first(&self, attribute: Attribute) -> Option<&str> {
        self.all(attribute).min()
    }

    /// Returns the index at which a text is, or would be inserted.
    fn at(&self, attribute: Attribute, folded: &str, text: &str) -> usize {
        self.0.partition_point(|(held, other)| {
            steps::advance(1);
            held.cmp(&attribute)
                .then_with(|| fold(other).as_str().cmp(folded))
                .then_with(|| (**other).cmp(text))
                .is_lt()
        })
    }

    fn insert(&mut self, attribute: Attribute, text: Box<str>) -> bool {
        let at = self.at(attribute, &fold(&text), &text);
        let is_new = self.0.get(at).is_none_or(|held| *held != (attribute, text.clone()));
        if is_new {
            steps::advance(self.0.len() - at);
            self.0.insert(at, (attribute, text));
        }
        is_new
    }

    /// Applies edits until there are too many texts. Returns the result for each changed text, in order.
    pub(super) fn edit(&mut self, edits: impl IntoIterator<Item = Edit>) -> Vec<AppliedEdit> {
        let mut done = Vec::new();
        for edit in edits {
            steps::advance(1);
            // The caller rejects so many texts, and inserting each one costs time linear in their number.
            if self.len() > MAX_HELD {
                break;
            }
            let (from, to) = match edit {
                Edit::Add(attribute, text) => {
                    let text: Option<Box<str>> = non_blank(&text).map(Into::into);
                    if let Some(text) = text.filter(|text| self.insert(attribute, text.clone())) {
                        done.push(AppliedEdit { added: true, attribute, text });
                    }
                    continue;
                }
                Edit::Remove(attribute, text) => {
                    let folded = fold(text.trim());
                    let from = self.at(attribute, &folded, "");
                    let same =
                        self.0.iter().skip(from).take_while(|(held, text)| *held == attribute && fold(text) == folded);
                    (from, from + same.count())
                }
                Edit::Clear(attribute) => {
                    let from = self.0.partition_point(|(held, _)| *held < attribute);
                    (from, self.0.partition_point(|(held, _)| *held <= attribute))
                }
            };
            steps::advance(to - from);
            let removed = self.0.drain(from..to);
            done.extend(removed.map(|(attribute, text)| AppliedEdit { added: false, attribute, text }));
        }
        done
    }

    /// Undoes the edits.
    pub(super) fn undo(&mut self, done: Vec<AppliedEdit>) {
        for AppliedEdit { added, attribute, text } in done.into_iter().rev() {
            if added {
                let at = self.at(attribute, &fold(&text), &text);
                if self.0.get(at).is_some_and(|held| *held == (attribute, text)) {
                    self.0.remove(at);
                }
            } else {
                self.insert(attribute, text);
            }
        }
    }
}

/// Returns a text without surrounding white space, or `None` if it is blank.
fn non_blank(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(of: &Texts) -> Vec<&str> {
        of.all(Attribute::Mail).collect()
    }

    #[test]
    fn b1_undo_restores_previous_texts() {
        let mail = |text: &str| (Attribute::Mail, text.to_owned());
        let mut held = Texts::new([mail("b@x"), mail("A@x"), mail(" a@x "), mail(""), mail("b@x")]);
        assert_eq!(texts(&held), ["A@x", "a@x", "b@x"]);
        let remove = |text: &str| Edit::Remove(Attribute::Mail, text.to_owned());
        let add = |text: &str| Edit::Add(Attribute::Mail, text.to_owned());
        let done = held.edit([remove("a@X"), add("c@x"), add("b@x"), remove("c@x"), add("d@x")]);
        assert_eq!(texts(&held), ["b@x", "d@x"]);
        held.undo(done);
        assert_eq!(texts(&held), ["A@x", "a@x", "b@x"]);
        let done = held.edit([Edit::Clear(Attribute::Mail), Edit::Clear(Attribute::Uid)]);
        assert_eq!((texts(&held).len(), done.len()), (0, 3));
    }
}
