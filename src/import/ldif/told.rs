//! What changed, as it is told: facts in order, and the record of each user and group once.

use std::collections::HashMap;

use super::entry::Entry;
use super::tree::Tree;
use crate::directory::{DirectoryChange, DirectoryDelta};
use crate::steps;

/// What changed so far.
#[derive(Clone, Default)]
pub(super) struct Told {
    facts: Vec<Fact>,
    /// Where the record of an entry is told that may still change.
    records: HashMap<usize, usize>,
}

#[derive(Clone)]
enum Fact {
    Change(DirectoryChange),
    /// The record of an entry, as it is in the end: one that changes often is written out once.
    Record(usize),
}

impl Tree {
    pub(super) fn tell(&mut self, change: impl FnOnce() -> DirectoryChange) {
        if let Some(told) = &mut self.told {
            told.facts.push(Fact::Change(change()));
        }
    }

    /// Tells of the record of a user or a group.
    pub(super) fn tell_record(&mut self, node: usize) {
        if let Some(told) = &mut self.told {
            told.records.entry(node).or_insert_with(|| {
                told.facts.push(Fact::Record(node));
                told.facts.len() - 1
            });
        }
    }

    /// Tells of the record as it is now, if it is still to be told: it is about to go.
    pub(super) fn tell_last_record(&mut self, node: usize) {
        let now = self.record(node);
        if let (Some(told), Some(now)) = (&mut self.told, now)
            && let Some(fact) = told.records.remove(&node).and_then(|at| told.facts.get_mut(at))
        {
            *fact = Fact::Change(now);
        }
    }

    /// All that changed.
    pub(super) fn delta(&mut self) -> DirectoryDelta {
        let facts = self.told.take().unwrap_or_default().facts.into_iter().inspect(|_| steps::advance(1));
        let changes = facts.filter_map(|fact| match fact {
            Fact::Change(change) => Some(change),
            Fact::Record(node) => self.record(node),
        });
        changes.fold(DirectoryDelta::new(), DirectoryDelta::push)
    }

    fn record(&self, node: usize) -> Option<DirectoryChange> {
        match self.entry(node) {
            // Its names were checked when they were read.
            Entry::Person(person) => person.user().ok().map(DirectoryChange::User),
            Entry::Group(group) => Some(DirectoryChange::Group(group.id.clone(), group.name().into())),
            _ => None,
        }
    }
}
