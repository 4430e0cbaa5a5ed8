//! The members of a group while a request changes them.

use std::collections::BTreeSet;

use crate::directory::{DirectoryChange, DirectorySnapshot};
use crate::identity::{GroupId, UserId};
use crate::import::facts::ResolvedMember;
use crate::steps::advance;

/// The members of a group, as far as they are known while a request is applied.
pub(super) struct GroupMembers<'a> {
    before: &'a DirectorySnapshot,
    group: GroupId,
    /// Whether the members in the previous snapshot were removed.
    cleared: bool,
    users: BTreeSet<UserId>,
    groups: BTreeSet<GroupId>,
}

impl<'a> GroupMembers<'a> {
    pub(super) fn new(before: &'a DirectorySnapshot, group: GroupId) -> Self {
        Self { before, group, cleared: false, users: BTreeSet::new(), groups: BTreeSet::new() }
    }

    /// Returns a group without members, whatever the previous snapshot contains.
    pub(super) fn empty(before: &'a DirectorySnapshot, group: GroupId) -> Self {
        Self { cleared: true, ..Self::new(before, group) }
    }

    pub(super) fn add(&mut self, resolved_members: Vec<ResolvedMember>) -> Vec<DirectoryChange> {
        advance(resolved_members.len());
        for resolved in &resolved_members {
            self.users.extend(resolved.user.clone());
            self.groups.extend(resolved.group.clone());
        }
        resolved_members.into_iter().flat_map(|resolved| resolved.addition_to(&self.group)).collect()
    }

    pub(super) fn remove(&mut self, resolved_members: Vec<ResolvedMember>) -> Vec<DirectoryChange> {
        advance(resolved_members.len());
        for resolved in &resolved_members {
            if let Some(user) = &resolved.user {
                self.users.remove(user);
            }
            if let Some(group) = &resolved.group {
                self.groups.remove(group);
            }
        }
        resolved_members.into_iter().flat_map(|resolved| resolved.removal_from(&self.group)).collect()
    }

    /// Returns whether all members of the previous snapshot were removed. They may have been added again.
    pub(super) fn is_cleared(&self) -> bool {
        self.cleared
    }

    /// Removes all members except `kept`. `before` contains the users in the previous snapshot, unless they were
    /// removed already.
    pub(super) fn remove_all_but(&mut self, kept: &[ResolvedMember], before: BTreeSet<UserId>) -> Vec<DirectoryChange> {
        let (mut users, mut groups) = (std::mem::take(&mut self.users), std::mem::take(&mut self.groups));
        if !std::mem::replace(&mut self.cleared, true) {
            users.extend(before);
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
