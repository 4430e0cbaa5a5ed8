//! The members and nestings that a delta has added to groups and removed from them so far, which determine the last
//! members of the groups that it removes.

use std::collections::BTreeSet;
use std::mem;

use super::groups::GroupIndex;
use crate::steps;

/// The members and nestings that a delta added so far. If a delta adds a member and then removes the group, the member
/// is one of the group's last members, even if a later change of the same delta removes the member.
#[derive(Default)]
pub(super) struct Additions {
    /// Added since the last removal of a group. A removal of the membership cancels the addition.
    recent: Added,
    /// Added before some removal of a group, so that later changes do not cancel them.
    kept: Added,
    /// The groups from which this delta removed a member or a nested group.
    reduced: BTreeSet<GroupIndex>,
}

#[derive(Default)]
struct Added {
    members: BTreeSet<(GroupIndex, u32)>,
    nested: BTreeSet<(GroupIndex, GroupIndex)>,
}

impl Additions {
    pub(super) fn add_member(&mut self, group: GroupIndex, user: u32) {
        self.recent.members.insert((group, user));
    }

    pub(super) fn remove_member(&mut self, group: GroupIndex, user: u32) {
        self.recent.members.remove(&(group, user));
        self.reduced.insert(group);
    }

    pub(super) fn add_nesting(&mut self, group: GroupIndex, child: GroupIndex) {
        self.recent.nested.insert((group, child));
    }

    pub(super) fn remove_nesting(&mut self, group: GroupIndex, child: GroupIndex) {
        self.recent.nested.remove(&(group, child));
        self.reduced.insert(group);
    }

    /// Moves the recent additions, of all groups, to those that later changes do not cancel. Called when a group is
    /// removed.
    pub(super) fn keep_recent(&mut self) {
        steps::advance(1 + self.recent.members.len() + self.recent.nested.len());
        let Added { members, nested } = mem::take(&mut self.recent);
        self.kept.members.extend(members);
        self.kept.nested.extend(nested);
    }

    /// Returns the members who were added before a removal, each with the group.
    pub(super) fn members(&self) -> impl Iterator<Item = (GroupIndex, u32)> + '_ {
        steps::advance(self.kept.members.len());
        self.kept.members.iter().copied()
    }

    /// Returns the groups whose nesting in a group was added before a removal.
    pub(super) fn child_groups(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        let range = (group, GroupIndex::from_u32(0))..=(group, GroupIndex::from_u32(u32::MAX));
        self.kept.nested.range(range).map(|(_, child)| *child)
    }

    /// Returns whether this delta removed a member or a nested group from a group.
    pub(super) fn is_reduced(&self, group: GroupIndex) -> bool {
        self.reduced.contains(&group)
    }
}
