//! What changed, as it is told: facts in order, and the record of each user and group once.

use std::collections::HashMap;

use super::entry::DirectoryEntry;
use super::tree::DirectoryTree;
use crate::directory::{DirectoryChange, DirectoryDelta};
use crate::steps;

/// What changed so far.
#[derive(Clone, Default)]
pub(super) struct DeltaBuilder {
    items: Vec<DeltaItem>,
    /// Where the record of an entry is told that may still change.
    records: HashMap<usize, usize>,
}

#[derive(Clone)]
enum DeltaItem {
    Change(DirectoryChange),
    /// The record of an entry, as it is in the end: one that changes often is written out once.
    Record(usize),
}

impl DirectoryTree {
    pub(super) fn record_change(&mut self, change: impl FnOnce() -> DirectoryChange) {
        if let Some(delta) = &mut self.delta {
            delta.items.push(DeltaItem::Change(change()));
        }
    }

    /// Tells of the record of a user or a group.
    pub(super) fn record_entry(&mut self, node: usize) {
        if let Some(delta) = &mut self.delta {
            delta.records.entry(node).or_insert_with(|| {
                delta.items.push(DeltaItem::Record(node));
                delta.items.len() - 1
            });
        }
    }

    /// Tells of the record as it is now, if it is still to be told: it is about to go.
    pub(super) fn freeze_entry(&mut self, node: usize) {
        let now = self.record(node);
        if let (Some(delta), Some(now)) = (&mut self.delta, now)
            && let Some(fact) = delta.records.remove(&node).and_then(|at| delta.items.get_mut(at))
        {
            *fact = DeltaItem::Change(now);
        }
    }

    /// All that changed.
    pub(super) fn take_delta(&mut self) -> DirectoryDelta {
        let items = self.delta.take().unwrap_or_default().items.into_iter().inspect(|_| steps::advance(1));
        let changes = items.filter_map(|fact| match fact {
            DeltaItem::Change(change) => Some(change),
            DeltaItem::Record(node) => self.record(node),
        });
        changes.fold(DirectoryDelta::new(), DirectoryDelta::push)
    }

    fn record(&self, node: usize) -> Option<DirectoryChange> {
        match self.entry(node) {
            // Its names were checked when they were read.
            DirectoryEntry::Person(person) => person.user().ok().map(DirectoryChange::User),
            DirectoryEntry::Group(group) => Some(DirectoryChange::Group(group.id.clone(), group.name().into())),
            _ => None,
        }
    }
}
