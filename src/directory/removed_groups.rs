//! Groups that are gone from the directory, and who was in them last.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::revision::DirectoryRevision;
use super::user::User;
use crate::identity::GroupId;
use crate::text::deserialize_silently;

/// A group that vanished from the directory, with its last members. While a policy speaks of it they go on to count.
///
/// `Debug` shows how many there are, never who.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct RemovedGroup {
    pub(super) group: GroupId,
    pub(super) last_seen: DirectoryRevision,
    pub(super) removed_in: DirectoryRevision,
    pub(super) members: Vec<User>,
    /// The first directory that had it again, as far as anybody has seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restored_in: Option<DirectoryRevision>,
    pub(super) audit_state: AuditState,
    /// The groups of a policy in which it was nested.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) nested_in: BTreeSet<GroupId>,
}

/// What of a group that vanished is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuditState {
    #[default]
    Nothing,
    Vanished,
    Returned,
}

#[derive(Deserialize)]
#[serde(remote = "RemovedGroup", deny_unknown_fields)]
struct RemovedGroupDocument {
    group: GroupId,
    last_seen: DirectoryRevision,
    removed_in: DirectoryRevision,
    members: Vec<User>,
    #[serde(default)]
    restored_in: Option<DirectoryRevision>,
    #[serde(default)]
    audit_state: AuditState,
    #[serde(default)]
    nested_in: BTreeSet<GroupId>,
}

deserialize_silently!(RemovedGroup, RemovedGroupDocument);

impl RemovedGroup {
    /// A group that is gone, of which nothing is on record yet.
    pub(super) fn new(
        group: GroupId,
        last_seen: DirectoryRevision,
        removed_in: DirectoryRevision,
        members: Vec<User>,
    ) -> Self {
        Self {
            group,
            last_seen,
            removed_in,
            members,
            restored_in: None,
            audit_state: AuditState::Nothing,
            nested_in: BTreeSet::new(),
        }
    }

    /// The group.
    #[must_use]
    pub fn group(&self) -> &GroupId {
        &self.group
    }

    /// The first directory without it.
    #[must_use]
    pub fn removed_in(&self) -> DirectoryRevision {
        self.removed_in
    }

    /// The same group, which is there again in the directory of this revision. A node that has not come so far goes on
    /// to need its last members.
    #[must_use]
    pub fn restored(self, restored_in: DirectoryRevision) -> Self {
        Self { restored_in: Some(self.restored_in.map_or(restored_in, |known| known.min(restored_in))), ..self }
    }

    /// The groups of a policy that it was nested in, directly or through other groups, when it went. Its last members go on
    /// to count as theirs.
    pub fn nested_in(&self) -> impl Iterator<Item = &GroupId> {
        self.nested_in.iter()
    }

    /// The same group, nested in these groups of a policy too.
    pub(crate) fn nesting_in(mut self, groups: impl IntoIterator<Item = GroupId>) -> Self {
        self.nested_in.extend(groups);
        self
    }

    /// Whether it is known to have been nested in a group of a policy.
    pub(crate) fn is_nested_in(&self, group: &GroupId) -> bool {
        self.nested_in.contains(group)
    }

    /// What of it is on record.
    pub(crate) fn audit_state(&self) -> AuditState {
        self.audit_state
    }

    /// The same once more of it is on record.
    pub(crate) fn telling(self, audit_state: AuditState) -> Self {
        Self { audit_state: self.audit_state.max(audit_state), ..self }
    }

    /// Since when the group is there again, for a directory that has come so far.
    pub(crate) fn back_by(&self, revision: DirectoryRevision) -> Option<DirectoryRevision> {
        self.restored_in.filter(|restored_in| *restored_in <= revision)
    }

    /// Whether it is known to have been there again.
    pub(crate) fn has_been_back(&self) -> bool {
        self.restored_in.is_some()
    }

    /// Whether it counts for every directory from this revision on as it does for this one.
    pub(crate) fn is_settled_by(&self, revision: DirectoryRevision) -> bool {
        self.removed_in < revision && self.restored_in.is_none_or(|restored_in| restored_in <= revision)
    }

    /// Whether this tells of an earlier time that the group was gone: `other` saw it after that.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        self.removed_in <= other.last_seen
    }

    /// Whoever was in it last, directly or through other groups, as the directory knew them then.
    #[must_use]
    pub fn members(&self) -> &[User] {
        &self.members
    }

    /// What two nodes know together of one group. If they tell of the same time that it was gone, it is the members of
    /// both, under the names of both: a node that missed an import knows of fewer, and whoever is left out here would
    /// be shown. Otherwise what is from the later time.
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
        if other.is_before(&self) {
            return self;
        }
        if self.is_before(other) {
            return other.clone();
        }
        self.last_seen = self.last_seen.max(other.last_seen);
        self.removed_in = self.removed_in.min(other.removed_in);
        self.audit_state = self.audit_state.max(other.audit_state);
        self.nested_in.extend(other.nested_in.iter().cloned());
        let mut known: HashMap<_, _> = self.members.iter_mut().map(|member| (member.id().clone(), member)).collect();
        let mut others = Vec::new();
        for member in &other.members {
            match known.get_mut(member.id()) {
                Some(known) => known.learn(member),
                None => others.push(member.clone()),
            }
        }
        self.members.extend(others);
        match other.restored_in {
            Some(restored_in) => self.restored(restored_in),
            None => self,
        }
    }
}

impl std::fmt::Debug for RemovedGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemovedGroup")
            .field("group", &self.group)
            .field("last_seen", &self.last_seen)
            .field("removed_in", &self.removed_in)
            .field("members", &self.members.len())
            .finish()
    }
}
