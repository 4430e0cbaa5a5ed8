//! What a delta adds before it removes a group.

use std::collections::BTreeSet;
use std::mem;

use super::groups::GroupIndex;
use crate::steps;

/// The members and nested groups that a delta added so far. Those that were in force when it removed a group stay
/// last members, also if it takes them out afterwards.
#[derive(Default)]
pub(super) struct Additions {
    /// Since the last removal.
    open: Added,
    /// In force at a removal.
    settled: Added,
    /// The groups that lost a member or a nested group.
    lessened: BTreeSet<GroupIndex>,
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

    pub(super) fn no_member(&mut self, group: GroupIndex, user: u32) {
        self.open.members.remove(&(group, user));
        self.lessened.insert(group);
    }

    pub(super) fn nested(&mut self, group: GroupIndex, child: GroupIndex) {
        self.open.nested.insert((group, child));
    }

    pub(super) fn not_nested(&mut self, group: GroupIndex, child: GroupIndex) {
        self.open.nested.remove(&(group, child));
        self.lessened.insert(group);
    }

    /// Settles what was added so far, because a group is removed now.
    pub(super) fn settle(&mut self) {
        steps::advance(1 + self.open.members.len() + self.open.nested.len());
        let Added { members, nested } = mem::take(&mut self.open);
        self.settled.members.extend(members);
        self.settled.nested.extend(nested);
    }

    /// Everybody who was added to a group before a removal, with the group.
    pub(super) fn members(&self) -> impl Iterator<Item = (GroupIndex, u32)> + '_ {
        steps::advance(self.settled.members.len());
        self.settled.members.iter().copied()
    }

    /// The groups that were nested in a group before a removal.
    pub(super) fn child_groups(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        let range = (group, GroupIndex::numbered(0))..=(group, GroupIndex::numbered(u32::MAX));
        self.settled.nested.range(range).map(|(_, child)| *child)
    }

    /// Whether a group lost a member or a nested group.
    pub(super) fn is_lessened(&self, group: GroupIndex) -> bool {
        self.lessened.contains(&group)
    }
}
