//! Groups that are gone from the directory, and who was in them last.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::snapshot::{DirectoryRevision, DirectorySnapshot, User};
use crate::identity::GroupId;

/// A group that vanished from the directory, with its last members. While a policy speaks of it they go on to count.
///
/// `Debug` shows how many there are, never who.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VanishedGroup {
    pub(super) group: GroupId,
    pub(super) last_seen: DirectoryRevision,
    pub(super) gone_in: DirectoryRevision,
    pub(super) members: Vec<User>,
}

impl VanishedGroup {
    /// The group.
    #[must_use]
    pub fn group(&self) -> &GroupId {
        &self.group
    }

    /// The first directory without it.
    #[must_use]
    pub fn gone_in(&self) -> DirectoryRevision {
        self.gone_in
    }

    /// Whether this tells of an earlier time that the group was gone: `other` saw it after that.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        self.gone_in <= other.last_seen
    }

    /// Whoever was in it last, directly or through other groups, as the directory knew them then.
    #[must_use]
    pub fn members(&self) -> &[User] {
        &self.members
    }

    /// What two nodes know together of one group. If they tell of the same time that it was gone, it is the members of
    /// both: a node that missed an import knows of fewer, and whoever is left out here would be shown. Otherwise what is
    /// from the later time.
    #[must_use]
    pub fn together_with(mut self, other: &Self) -> Self {
        if other.is_before(&self) {
            return self;
        }
        if self.is_before(other) {
            return other.clone();
        }
        self.last_seen = self.last_seen.max(other.last_seen);
        self.gone_in = self.gone_in.max(other.gone_in);
        for member in &other.members {
            if !self.members.iter().any(|known| known.id() == member.id()) {
                self.members.push(member.clone());
            }
        }
        self
    }
}

impl std::fmt::Debug for VanishedGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VanishedGroup")
            .field("group", &self.group)
            .field("last_seen", &self.last_seen)
            .field("gone_in", &self.gone_in)
            .field("members", &self.members.len())
            .finish()
    }
}

impl DirectorySnapshot {
    /// The same snapshot as the one that follows `before`: groups that stood there and are gone keep their last members,
    /// from one import to the next, until they come back. Every adapter puts its snapshots in force in this way, so that who
    /// was in a group last depends on the imports alone.
    ///
    /// Costs the members of every group that vanished, in time now and in memory until it comes back.
    #[must_use]
    pub fn succeeding(mut self, before: &Self) -> Self {
        let gone = |group: &&GroupId| self.group_index(group).is_none();
        let long_gone = before.vanished.values().filter(|vanished| gone(&&vanished.group)).map(Arc::clone);
        let now_gone = before.groups().map(|(group, _)| group).filter(gone).map(|group| {
            let members = before.users_below(group).cloned().collect();
            let (last_seen, gone_in) = (before.revision, self.revision);
            Arc::new(VanishedGroup { group: group.clone(), last_seen, gone_in, members })
        });
        let vanished = long_gone.chain(now_gone).map(|vanished| (vanished.group.clone(), vanished)).collect();
        self.vanished = vanished;
        self
    }

    /// A group that is gone, with its last members.
    #[must_use]
    pub fn vanished_group(&self, group: &GroupId) -> Option<&VanishedGroup> {
        self.vanished.get(group).map(|vanished| &**vanished)
    }
}
