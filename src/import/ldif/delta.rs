//! The delta that change records add up to: changes in order, and the final record of each user and group once.

use std::collections::HashMap;

use super::entry::DirectoryEntry;
use super::tree::DirectoryTree;
use crate::directory::{DirectoryChange, DirectoryDelta};
use crate::steps;

/// The changes so far.
#[derive(Clone, Default)]
pub(super) struct DeltaBuilder {
    items: Vec<DeltaItem>,
    /// The index of the item for each entry whose record may still change.
    records: HashMap<usize, usize>,
}

#[derive(Clone)]
enum DeltaItem {
    Change(DirectoryChange),
    /// The final record of an entry. An entry that changes several times is written once.
    Record(usize),
}

impl DirectoryTree {
    pub(super) fn record_change(&mut self, change: impl FnOnce() -> DirectoryChange) {
        if let Some(delta) = &mut self.delta {
            delta.items.push(DeltaItem::Change(change()));
        }
    }

    /// Records that the record of a user or a group changed.
    pub(super) fn record_entry(&mut self, node: usize) {
        if let Some(delta) = &mut self.delta {
            delta.records.entry(node).or_insert_with(|| {
                delta.items.push(DeltaItem::Record(node));
                delta.items.len() - 1
            });
        }
    }

    /// Fixes the changed record of an entry at its present state, because the entry is about to be removed.
    pub(super) fn fix_entry(&mut self, node: usize) {
        let now = self.record(node);
        if let (Some(delta), Some(now)) = (&mut self.delta, now)
            && let Some(item) = delta.records.remove(&node).and_then(|at| delta.items.get_mut(at))
        {
            *item = DeltaItem::Change(now);
        }
    }

    /// Returns the changes as a delta.
    pub(super) fn take_delta(&mut self) -> DirectoryDelta {
        let items = self.delta.take().unwrap_or_default().items.into_iter().inspect(|_| steps::advance(1));
        let changes = items.filter_map(|item| match item {
            DeltaItem::Change(change) => Some(change),
            DeltaItem::Record(node) => self.record(node),
        });
        changes.fold(DirectoryDelta::new(), DirectoryDelta::push)
    }

    fn record(&self, node: usize) -> Option<DirectoryChange> {
        match self.entry(node) {
            // The names were checked when they were read.
            DirectoryEntry::Person(person) => person.user().ok().map(DirectoryChange::User),
            DirectoryEntry::Group(group) => Some(DirectoryChange::Group(group.id.clone(), group.name().into())),
            _ => None,
        }
    }
}
