//! Who is listed by which group, and what becomes of it.

use super::attribute::{Attribute, MembershipSource};
use super::entry::{DirectoryEntry, MemberRef};
use super::tree::{DirectoryTree, ListedId, MAX_SHARED};
use super::unresolved::{MembershipClaim, UnresolvedMembership};
use crate::directory::DirectoryChange;
use crate::steps;

impl DirectoryTree {
    /// Whom a group lists by one attribute.
    pub(super) fn listed_by(&self, group: usize, source: MembershipSource) -> Vec<usize> {
        self.group(group).into_iter().flat_map(|group| group.members.by(source)).collect()
    }

    /// Takes back what was told before of whom a group lists by account names, and is not decided yet: one of them, or
    /// all.
    pub(super) fn defer_uid_removal(&mut self, group: usize, uid: Option<&str>, line: u64) {
        if self.awaiting_uids.contains(&group) {
            self.unresolved.push(UnresolvedMembership {
                line,
                claim: MembershipClaim::GroupRemovesUid { group, uid: uid.map(Into::into) },
            });
        }
    }

    /// The groups in which an entry is because it says so itself.
    pub(super) fn groups_named_by(&self, node: usize) -> Vec<usize> {
        self.nodes.get(node).into_iter().flat_map(|node| node.groups.by(MembershipSource::MemberOf)).collect()
    }

    /// Lists somebody in a group, and tells of it.
    pub(super) fn list(&mut self, group: usize, member: &MemberRef, by: Attribute, line: u64) {
        let is_open = match member {
            MemberRef::Node(node) => {
                if let Some(place) = self.nodes.get_mut(*node) {
                    place.awaited |= matches!(place.entry, DirectoryEntry::Unknown);
                }
                self.link(group, *node, by.source());
                matches!(self.entry(*node), DirectoryEntry::Unknown | DirectoryEntry::Other | DirectoryEntry::Foreign)
            }
            MemberRef::Uid(uid) => {
                for node in self.uid_holders(uid).unwrap_or_default() {
                    self.link(group, node, by.source());
                }
                // Whoever is called by this uid can come later too.
                self.awaiting_uids.insert(group);
                true
            }
        };
        if is_open {
            self.unresolved.push(UnresolvedMembership {
                line,
                claim: MembershipClaim::GroupListsMember { group, member: member.clone(), by },
            });
        }
    }

    /// Notes that somebody is listed, and tells of it if they were not.
    pub(super) fn link(&mut self, group: usize, node: usize, source: MembershipSource) {
        let Some(held) = self.group_mut(group) else { return };
        let is_new = !held.members.holds(node);
        if !held.members.insert(source, node) {
            return;
        }
        if let Some(place) = self.nodes.get_mut(node) {
            place.groups.insert(source, group);
        }
        if is_new {
            self.record_edges(group, node, true);
        }
    }

    pub(super) fn unlink(&mut self, group: usize, node: usize, source: MembershipSource) {
        let removed = self.group_mut(group).is_some_and(|group| group.members.remove(source, node));
        if let Some(place) = self.nodes.get_mut(node).filter(|_| removed) {
            place.groups.remove(source, group);
        }
        if removed && !self.group(group).is_some_and(|group| group.members.holds(node)) {
            self.record_edges(group, node, false);
        }
    }

    /// Lists somebody in a group because they say so themselves.
    pub(super) fn list_in(&mut self, group: usize, node: usize, line: u64) {
        if self.group(group).is_some() {
            self.list(group, &MemberRef::Node(node), Attribute::MemberOf, line);
        } else {
            self.unresolved
                .push(UnresolvedMembership { line, claim: MembershipClaim::EntryNamesGroup { node, group } });
        }
    }

    /// Takes somebody out of a group, and tells of it.
    pub(super) fn unlist(&mut self, group: usize, node: usize, by: Attribute) {
        self.unlink(group, node, by.source());
        // What the group says of itself, the member repeats.
        if by.holds_dns() && by != Attribute::MemberOf {
            self.unlink(group, node, MembershipSource::MemberOf);
        }
    }

    /// Those whom an account name leads to, unless there are too many.
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
