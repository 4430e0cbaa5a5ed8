//! The members and nestings that a delta adds before it removes a group.

use std::collections::BTreeSet;
use std::mem;

use super::groups::GroupIndex;
use crate::steps;

/// The members and nestings that a delta added so far. Members whom a delta added before it removed a group stay last
/// members, also if the delta removes them afterwards.
#[derive(Default)]
pub(super) struct Additions {
    /// Those since the last removal of a group.
    open: Added,
    /// Those that were in force at a removal.
    settled: Added,
    /// The groups that lost a member or a nesting.
    reduced: BTreeSet<GroupIndex>,
}

#[derive(Default)]
struct Added {
    members: BTreeSet<(GroupIndex, u32)>,
    nested: BTreeSet<(GroupIndex, GroupIndex)>,
}

impl Additions {
    pub(super) fn member(&mut self, group: GroupIndex, user: u32) {
        self.open.members.insert((group, user));
    }

    pub(super) fn remove_member(&mut self, group: GroupIndex, user: u32) {
        self.open.members.remove(&(group, user));
        self.reduced.insert(group);
    }

    pub(super) fn nested(&mut self, group: GroupIndex, child: GroupIndex) {
        self.open.nested.insert((group, child));
    }

    pub(super) fn remove_nesting(&mut self, group: GroupIndex, child: GroupIndex) {
        self.open.nested.remove(&(group, child));
        self.reduced.insert(group);
    }

    /// Settles all additions so far, because a group is removed now.
    pub(super) fn settle(&mut self) {
        steps::advance(1 + self.open.members.len() + self.open.nested.len());
        let Added { members, nested } = mem::take(&mut self.open);
        self.settled.members.extend(members);
        self.settled.nested.extend(nested);
    }

    /// Returns the members who were added before a removal, each with the group.
    pub(super) fn members(&self) -> impl Iterator<Item = (GroupIndex, u32)> + '_ {
        steps::advance(self.settled.members.len());
        self.settled.members.iter().copied()
    }

    /// Returns the groups whose nesting in a group was added before a removal.
    pub(super) fn child_groups(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        let range = (group, GroupIndex::numbered(0))..=(group, GroupIndex::numbered(u32::MAX));
        self.settled.nested.range(range).map(|(_, child)| *child)
    }

    /// Returns whether a group lost a member or a nesting.
    pub(super) fn is_reduced(&self, group: GroupIndex) -> bool {
        self.reduced.contains(&group)
    }
}
