//! The changes of the members of a group by the requests of an input.

use std::collections::BTreeSet;

use crate::directory::{DirectoryChange, DirectorySnapshot};
use crate::identity::{GroupId, UserId};
use crate::import::facts::ResolvedMember;
use crate::steps::advance;

/// The members that the requests read so far have added to a group, and whether they removed all members that it had in
/// the previous snapshot.
pub(super) struct MemberChanges<'a> {
    before: &'a DirectorySnapshot,
    group: GroupId,
    /// Whether all members of the previous snapshot were removed. They may have been added again.
    cleared: bool,
    /// The users whom the input added and did not remove again.
    added_users: BTreeSet<UserId>,
    /// The groups that the input added and did not remove again.
    added_groups: BTreeSet<GroupId>,
}

impl<'a> MemberChanges<'a> {
    pub(super) fn new(before: &'a DirectorySnapshot, group: GroupId) -> Self {
        Self { before, group, cleared: false, added_users: BTreeSet::new(), added_groups: BTreeSet::new() }
    }

    /// Starts without members, whatever the previous snapshot contains. For a removed group.
    pub(super) fn empty(before: &'a DirectorySnapshot, group: GroupId) -> Self {
        Self { cleared: true, ..Self::new(before, group) }
    }

    pub(super) fn add(&mut self, resolved_members: Vec<ResolvedMember>) -> Vec<DirectoryChange> {
        advance(resolved_members.len());
        for resolved in &resolved_members {
            self.added_users.extend(resolved.user.clone());
            self.added_groups.extend(resolved.group.clone());
        }
        resolved_members.into_iter().flat_map(|resolved| resolved.addition_to(&self.group)).collect()
    }

    pub(super) fn remove(&mut self, resolved_members: Vec<ResolvedMember>) -> Vec<DirectoryChange> {
        advance(resolved_members.len());
        for resolved in &resolved_members {
            if let Some(user) = &resolved.user {
                self.added_users.remove(user);
            }
            if let Some(group) = &resolved.group {
                self.added_groups.remove(group);
            }
        }
        resolved_members.into_iter().flat_map(|resolved| resolved.removal_from(&self.group)).collect()
    }

    /// Returns whether all members of the previous snapshot were removed. They may have been added again.
    pub(super) fn is_cleared(&self) -> bool {
        self.cleared
    }

    /// Replaces all members. `previous_users` are the group's direct users in the previous snapshot; they are ignored
    /// if [`is_cleared`](Self::is_cleared). A member that was already removed alone is removed again, which has no
    /// effect.
    pub(super) fn replace(
        &mut self,
        members: Vec<ResolvedMember>,
        previous_users: BTreeSet<UserId>,
    ) -> Vec<DirectoryChange> {
        let mut changes = self.remove_all_but(&members, previous_users);
        changes.extend(self.add(members));
        changes
    }

    /// Removes all members except `kept`, which the caller adds.
    fn remove_all_but(&mut self, kept: &[ResolvedMember], previous_users: BTreeSet<UserId>) -> Vec<DirectoryChange> {
        let (mut users, mut groups) = (std::mem::take(&mut self.added_users), std::mem::take(&mut self.added_groups));
        if !std::mem::replace(&mut self.cleared, true) {
            users.extend(previous_users);
            groups.extend(self.before.child_groups(&self.group).into_iter().cloned());
        }
        advance(kept.len() + users.len() + groups.len());
        for resolved in kept {
            if let Some(user) = &resolved.user {
                users.remove(user);
            }
            if let Some(group) = &resolved.group {
                groups.remove(group);
            }
        }
        let users = users.into_iter().map(|user| DirectoryChange::RemoveMember(self.group.clone(), user));
        users.chain(groups.into_iter().map(|group| DirectoryChange::RemoveNesting(self.group.clone(), group))).collect()
    }
}
