//! Groups that are gone from the directory, and who was in them last.

use serde::{Deserialize, Serialize};

use super::revision::DirectoryRevision;
use super::user::User;
use crate::identity::GroupId;
use crate::text::deserialize_silently;

/// A group that vanished from the directory, with its last members. While a policy speaks of it they go on to count.
///
/// `Debug` shows how many there are, never who.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct VanishedGroup {
    pub(super) group: GroupId,
    pub(super) last_seen: DirectoryRevision,
    pub(super) gone_in: DirectoryRevision,
    pub(super) members: Vec<User>,
}

#[derive(Deserialize)]
#[serde(remote = "VanishedGroup", deny_unknown_fields)]
struct VanishedGroupDocument {
    group: GroupId,
    last_seen: DirectoryRevision,
    gone_in: DirectoryRevision,
    members: Vec<User>,
}

deserialize_silently!(VanishedGroup, VanishedGroupDocument);

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
    /// both, under the names of both: a node that missed an import knows of fewer, and whoever is left out here would be shown. Otherwise what is
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
            match self.members.iter_mut().find(|known| known.id() == member.id()) {
                Some(known) => known.learn(member),
                None => self.members.push(member.clone()),
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
