//! Who is listed by which group, and what becomes of it.

use super::attribute::{Attribute, Mark};
use super::entry::{Entry, Member};
use super::tree::{Listed, MAX_SHARED, Tree};
use super::unresolved::{Claim, Doubt};
use crate::directory::DirectoryChange;
use crate::steps;

impl Tree {
    /// Whom a group lists by one attribute.
    pub(super) fn listed_by(&self, group: usize, mark: Mark) -> Vec<usize> {
        self.group(group).into_iter().flat_map(|group| group.members.by(mark)).collect()
    }

    /// Takes back what was told before of whom a group lists by account names, and is not decided yet: one of them, or
    /// all.
    pub(super) fn let_go(&mut self, group: usize, uid: Option<&str>, line: u64) {
        if self.awaiting_uids.contains(&group) {
            self.doubts.push(Doubt { line, claim: Claim::LetsGo { group, uid: uid.map(Into::into) } });
        }
    }

    /// The groups in which an entry is because it says so itself.
    pub(super) fn said_groups(&self, node: usize) -> Vec<usize> {
        self.nodes.get(node).into_iter().flat_map(|node| node.groups.by(Mark::MemberOf)).collect()
    }

    /// Lists somebody in a group, and tells of it.
    pub(super) fn list(&mut self, group: usize, member: &Member, by: Attribute, line: u64) {
        let is_open = match member {
            Member::Node(node) => {
                if let Some(place) = self.nodes.get_mut(*node) {
                    place.awaited |= matches!(place.entry, Entry::Unknown);
                }
                self.link(group, *node, by.mark());
                matches!(self.entry(*node), Entry::Unknown | Entry::Neither | Entry::Foreign)
            }
            Member::Uid(uid) => {
                for node in self.holders(uid).unwrap_or_default() {
                    self.link(group, node, by.mark());
                }
                // Whoever is called by this uid can come later too.
                self.awaiting_uids.insert(group);
                true
            }
        };
        if is_open {
            self.doubts.push(Doubt { line, claim: Claim::Lists { group, member: member.clone(), by } });
        }
    }

    /// Notes that somebody is listed, and tells of it if they were not.
    pub(super) fn link(&mut self, group: usize, node: usize, mark: Mark) {
        let Some(held) = self.group_mut(group) else { return };
        let is_new = !held.members.holds(node);
        if !held.members.insert(mark, node) {
            return;
        }
        if let Some(place) = self.nodes.get_mut(node) {
            place.groups.insert(mark, group);
        }
        if is_new {
            self.tell_edges(group, node, true);
        }
    }

    pub(super) fn unlink(&mut self, group: usize, node: usize, mark: Mark) {
        let removed = self.group_mut(group).is_some_and(|group| group.members.remove(mark, node));
        if let Some(place) = self.nodes.get_mut(node).filter(|_| removed) {
            place.groups.remove(mark, group);
        }
        if removed && !self.group(group).is_some_and(|group| group.members.holds(node)) {
            self.tell_edges(group, node, false);
        }
    }

    /// Lists somebody in a group because they say so themselves.
    pub(super) fn list_in(&mut self, group: usize, node: usize, line: u64) {
        if self.group(group).is_some() {
            self.list(group, &Member::Node(node), Attribute::MemberOf, line);
        } else {
            self.doubts.push(Doubt { line, claim: Claim::IsIn { node, group } });
        }
    }

    /// Takes somebody out of a group, and tells of it.
    pub(super) fn unlist(&mut self, group: usize, node: usize, by: Attribute) {
        self.unlink(group, node, by.mark());
        // What the group says of itself, the member repeats.
        if by.holds_dns() && by != Attribute::MemberOf {
            self.unlink(group, node, Mark::MemberOf);
        }
    }

    /// Those whom an account name leads to, unless there are too many.
    pub(super) fn holders(&self, uid: &str) -> Option<Vec<usize>> {
        match self.by_uid.get(uid) {
            None => Some(Vec::new()),
            Some(holders) if holders.len() > MAX_SHARED => None,
            Some(holders) => Some(holders.iter().inspect(|_| steps::advance(1)).copied().collect()),
        }
    }

    pub(super) fn tell_edges(&mut self, group: usize, node: usize, listed: bool) {
        if self.told.is_none() {
            return;
        }
        let Some(group) = self.group(group).map(|group| group.id.clone()) else { return };
        for id in self.listed(node) {
            steps::advance(1);
            let group = group.clone();
            self.tell(|| match (id, listed) {
                (Listed::User(user), true) => DirectoryChange::Member(group, user),
                (Listed::User(user), false) => DirectoryChange::RemoveMember(group, user),
                (Listed::Group(child), true) => DirectoryChange::Nested(group, child),
                (Listed::Group(child), false) => DirectoryChange::RemoveNesting(group, child),
            });
        }
    }
}
