//! Who is listed where, and by what.

use std::collections::BTreeSet;

use super::attribute::Mark;
use crate::steps;

/// The members of a group, or the groups of a member, each with what lists them. Several attributes can.
#[derive(Clone, Default)]
pub(super) struct Links(BTreeSet<(Mark, usize)>);

impl Links {
    pub(super) fn insert(&mut self, mark: Mark, node: usize) -> bool {
        steps::advance(1);
        self.0.insert((mark, node))
    }

    pub(super) fn remove(&mut self, mark: Mark, node: usize) -> bool {
        steps::advance(1);
        self.0.remove(&(mark, node))
    }

    pub(super) fn holds(&self, node: usize) -> bool {
        Mark::ALL.iter().any(|mark| self.0.contains(&(*mark, node)))
    }

    /// Those whom one attribute lists.
    pub(super) fn by(&self, mark: Mark) -> impl Iterator<Item = usize> {
        self.0.range((mark, 0)..=(mark, usize::MAX)).inspect(|_| steps::advance(1)).map(|(_, node)| *node)
    }

    /// Each with its mark.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Mark, usize)> {
        self.0.iter().inspect(|_| steps::advance(1)).copied()
    }

    /// Each once, in order.
    pub(super) fn nodes(&self) -> BTreeSet<usize> {
        self.iter().map(|(_, node)| node).collect()
    }
}
