//! The members of a group while a request changes them.

use std::collections::BTreeSet;

use crate::directory::{DirectoryChange, DirectorySnapshot};
use crate::identity::{GroupId, UserId};
use crate::import::facts::Party;
use crate::steps::advance;

/// Whom a group lists, as far as that is known while a request is done.
pub(super) struct Listed<'a> {
    before: &'a DirectorySnapshot,
    group: GroupId,
    /// Whether whoever was in the snapshot before is out already.
    cleared: bool,
    users: BTreeSet<UserId>,
    groups: BTreeSet<GroupId>,
}

impl<'a> Listed<'a> {
    pub(super) fn new(before: &'a DirectorySnapshot, group: GroupId) -> Self {
        Self { before, group, cleared: false, users: BTreeSet::new(), groups: BTreeSet::new() }
    }

    /// A group that lists nobody, whoever was in it before.
    pub(super) fn empty(before: &'a DirectorySnapshot, group: GroupId) -> Self {
        Self { cleared: true, ..Self::new(before, group) }
    }

    pub(super) fn add(&mut self, parties: Vec<Party>) -> Vec<DirectoryChange> {
        advance(parties.len());
        for party in &parties {
            self.users.extend(party.user.clone());
            self.groups.extend(party.group.clone());
        }
        parties.into_iter().flat_map(|party| party.joining(&self.group)).collect()
    }

    pub(super) fn remove(&mut self, parties: Vec<Party>) -> Vec<DirectoryChange> {
        advance(parties.len());
        for party in &parties {
            if let Some(user) = &party.user {
                self.users.remove(user);
            }
            if let Some(group) = &party.group {
                self.groups.remove(group);
            }
        }
        parties.into_iter().flat_map(|party| party.leaving(&self.group)).collect()
    }

    /// Whether nobody whom the snapshot before lists is in it any more, unless listed since.
    pub(super) fn is_cleared(&self) -> bool {
        self.cleared
    }

    /// Takes out everybody else, among them those users whom the snapshot before lists, unless they are out already.
    pub(super) fn remove_all_but(&mut self, kept: &[Party], before: BTreeSet<UserId>) -> Vec<DirectoryChange> {
        let (mut users, mut groups) = (std::mem::take(&mut self.users), std::mem::take(&mut self.groups));
        if !std::mem::replace(&mut self.cleared, true) {
            users.extend(before);
            groups.extend(self.before.child_groups(&self.group).into_iter().cloned());
        }
        advance(kept.len() + users.len() + groups.len());
        for party in kept {
            if let Some(user) = &party.user {
                users.remove(user);
            }
            if let Some(group) = &party.group {
                groups.remove(group);
            }
        }
        let users = users.into_iter().map(|user| DirectoryChange::RemoveMember(self.group.clone(), user));
        users.chain(groups.into_iter().map(|group| DirectoryChange::RemoveNesting(self.group.clone(), group))).collect()
    }
}
