//! Membership links.

use std::collections::BTreeSet;

use super::attribute::MembershipSource;
use crate::steps;

/// The members of a group, or the groups of a member, each with its source. A membership can have several sources.
#[derive(Clone, Default)]
pub(super) struct Links(BTreeSet<(MembershipSource, usize)>);

impl Links {
    pub(super) fn insert(&mut self, source: MembershipSource, node: usize) -> bool {
        steps::advance(1);
        self.0.insert((source, node))
    }

    pub(super) fn remove(&mut self, source: MembershipSource, node: usize) -> bool {
        steps::advance(1);
        self.0.remove(&(source, node))
    }

    pub(super) fn holds(&self, node: usize) -> bool {
        MembershipSource::ALL.iter().any(|source| self.0.contains(&(*source, node)))
    }

    /// Returns the entries linked by one source.
    pub(super) fn by(&self, source: MembershipSource) -> impl Iterator<Item = usize> {
        self.0.range((source, 0)..=(source, usize::MAX)).inspect(|_| steps::advance(1)).map(|(_, node)| *node)
    }

    /// Returns each link with its source.
    pub(super) fn iter(&self) -> impl Iterator<Item = (MembershipSource, usize)> {
        self.0.iter().inspect(|_| steps::advance(1)).copied()
    }

    /// Returns each linked entry once, in order.
    pub(super) fn nodes(&self) -> BTreeSet<usize> {
        self.iter().map(|(_, node)| node).collect()
    }
}
