//! The memberships in the tree.

use super::attribute::{Attribute, MembershipSource};
use super::entry::{DirectoryEntry, MemberRef};
use super::tree::{DirectoryTree, ListedId, MAX_SHARED};
use super::unresolved::{MembershipStatement, UnresolvedMembership};
use crate::directory::DirectoryChange;
use crate::steps;

impl DirectoryTree {
    /// Returns the members that a group lists by one source.
    pub(super) fn listed_by(&self, group: usize, source: MembershipSource) -> Vec<usize> {
        self.group(group).into_iter().flat_map(|group| group.members.by(source)).collect()
    }

    /// Defers the removal of one account name, or of all, from a group with unresolved account names.
    pub(super) fn defer_uid_removal(&mut self, group: usize, uid: Option<&str>, line: u64) {
        if self.awaiting_uids.contains(&group) {
            self.unresolved.push(UnresolvedMembership {
                line,
                statement: MembershipStatement::GroupRemovesUid { group, uid: uid.map(Into::into) },
            });
        }
    }

    /// Returns the groups that an entry lists in `memberOf`.
    pub(super) fn groups_named_by(&self, node: usize) -> Vec<usize> {
        self.nodes.get(node).into_iter().flat_map(|node| node.groups.by(MembershipSource::MemberOf)).collect()
    }

    /// Adds a member to a group, and records the change.
    pub(super) fn list(&mut self, group: usize, member: &MemberRef, by: Attribute, line: u64) {
        let is_open = match member {
            MemberRef::Node(node) => {
                if let Some(state) = self.nodes.get_mut(*node) {
                    state.awaited |= matches!(state.entry, DirectoryEntry::Unknown);
                }
                self.link(group, *node, by.source());
                matches!(self.entry(*node), DirectoryEntry::Unknown | DirectoryEntry::Other | DirectoryEntry::Foreign)
            }
            MemberRef::Uid(uid) => {
                for node in self.uid_holders(uid).unwrap_or_default() {
                    self.link(group, node, by.source());
                }
                // A later entry may have this account name too.
                self.awaiting_uids.insert(group);
                true
            }
        };
        if is_open {
            self.unresolved.push(UnresolvedMembership {
                line,
                statement: MembershipStatement::GroupListsMember { group, member: member.clone(), by },
            });
        }
    }

    /// Links a member to a group, and records the change if it is new.
    pub(super) fn link(&mut self, group: usize, node: usize, source: MembershipSource) {
        let Some(held) = self.group_mut(group) else { return };
        let is_new = !held.members.holds(node);
        if !held.members.insert(source, node) {
            return;
        }
        if let Some(state) = self.nodes.get_mut(node) {
            state.groups.insert(source, group);
        }
        if is_new {
            self.record_edges(group, node, true);
        }
    }

    pub(super) fn unlink(&mut self, group: usize, node: usize, source: MembershipSource) {
        let removed = self.group_mut(group).is_some_and(|group| group.members.remove(source, node));
        if let Some(state) = self.nodes.get_mut(node).filter(|_| removed) {
            state.groups.remove(source, group);
        }
        if removed && !self.group(group).is_some_and(|group| group.members.holds(node)) {
            self.record_edges(group, node, false);
        }
    }

    /// Adds an entry to a group that its `memberOf` lists.
    pub(super) fn list_in(&mut self, group: usize, node: usize, line: u64) {
        if self.group(group).is_some() {
            self.list(group, &MemberRef::Node(node), Attribute::MemberOf, line);
        } else {
            self.unresolved
                .push(UnresolvedMembership { line, statement: MembershipStatement::EntryNamesGroup { node, group } });
        }
    }

    /// Removes a member from a group, and records the change.
    pub(super) fn unlist(&mut self, group: usize, node: usize, by: Attribute) {
        self.unlink(group, node, by.source());
        // The server derives `memberOf` from the group's list, so it ends too.
        if by.holds_dns() && by != Attribute::MemberOf {
            self.unlink(group, node, MembershipSource::MemberOf);
        }
    }

    /// Returns the users with an account name, or `None` if they are too many.
    pub(super) fn uid_holders(&self, uid: &str) -> Option<Vec<usize>> {
        match self.by_uid.get(uid) {
            None => Some(Vec::new()),
            Some(uid_holders) if uid_holders.len() > MAX_SHARED => None,
            Some(uid_holders) => Some(uid_holders.iter().inspect(|_| steps::advance(1)).copied().collect()),
        }
    }

    pub(super) fn record_edges(&mut self, group: usize, node: usize, listed: bool) {
        if self.delta.is_none() {
            return;
        }
        let Some(group) = self.group(group).map(|group| group.id.clone()) else { return };
        for id in self.listed(node) {
            steps::advance(1);
            let group = group.clone();
            self.record_change(|| match (id, listed) {
                (ListedId::User(user), true) => DirectoryChange::Member(group, user),
                (ListedId::User(user), false) => DirectoryChange::RemoveMember(group, user),
                (ListedId::Group(child), true) => DirectoryChange::Nested(group, child),
                (ListedId::Group(child), false) => DirectoryChange::RemoveNesting(group, child),
            });
        }
    }
}
