//! Groups that were removed from the directory, and their last members.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::revision::DirectoryRevision;
use super::user::User;
use crate::identity::GroupId;
use crate::text::deserialize_without_quoting;

/// A group that was removed from the directory, with its last members. While a policy names the group, they count as
/// its members.
///
/// `Debug` shows the number of members, and no member.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct RemovedGroup {
    pub(super) group: GroupId,
    pub(super) last_seen: DirectoryRevision,
    pub(super) removed_in: DirectoryRevision,
    pub(super) members: Vec<User>,
    /// The first directory with the group again, as far as any node knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restored_in: Option<DirectoryRevision>,
    pub(super) audit_state: AuditState,
    /// The groups of a policy that it was nested in.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) nested_in: BTreeSet<GroupId>,
}

/// How far the governance log has recorded a removed group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuditState {
    #[default]
    Unrecorded,
    RemovalRecorded,
    RestorationRecorded,
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

deserialize_without_quoting!(RemovedGroup, RemovedGroupDocument);

impl RemovedGroup {
    /// Returns a removed group of which nothing is recorded yet.
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
            audit_state: AuditState::Unrecorded,
            nested_in: BTreeSet::new(),
        }
    }

    /// Returns the id of the group.
    #[must_use]
    pub fn group(&self) -> &GroupId {
        &self.group
    }

    /// Returns the revision of the first directory without the group.
    #[must_use]
    pub fn removed_in(&self) -> DirectoryRevision {
        self.removed_in
    }

    /// Returns the group as restored in the directory of a revision. A node with an earlier directory still needs the
    /// last members.
    #[must_use]
    pub fn restored(self, restored_in: DirectoryRevision) -> Self {
        Self { restored_in: Some(self.restored_in.map_or(restored_in, |known| known.min(restored_in))), ..self }
    }

    /// Returns the groups of a policy that it was nested in, directly or through other groups, when it was removed. Its
    /// last members still count as members of these.
    pub fn nested_in(&self) -> impl Iterator<Item = &GroupId> {
        self.nested_in.iter()
    }

    /// Returns the group as nested in these groups of a policy too.
    pub(crate) fn with_nested_in(mut self, groups: impl IntoIterator<Item = GroupId>) -> Self {
        self.nested_in.extend(groups);
        self
    }

    /// Returns whether it is known to have been nested in a group of a policy.
    pub(crate) fn is_nested_in(&self, group: &GroupId) -> bool {
        self.nested_in.contains(group)
    }

    /// Returns what is recorded of it.
    pub(crate) fn audit_state(&self) -> AuditState {
        self.audit_state
    }

    /// Returns the group with more of it recorded.
    pub(crate) fn with_audit_state(self, audit_state: AuditState) -> Self {
        Self { audit_state: self.audit_state.max(audit_state), ..self }
    }

    /// Returns the revision in which the group was restored if a directory of this revision has it again.
    pub(crate) fn restored_by(&self, revision: DirectoryRevision) -> Option<DirectoryRevision> {
        self.restored_in.filter(|restored_in| *restored_in <= revision)
    }

    /// Returns whether it is known to have been restored.
    pub(crate) fn was_restored(&self) -> bool {
        self.restored_in.is_some()
    }

    /// Returns whether it counts for every later directory as it does for one of this revision.
    pub(crate) fn is_settled_by(&self, revision: DirectoryRevision) -> bool {
        self.removed_in < revision && self.restored_in.is_none_or(|restored_in| restored_in <= revision)
    }

    /// Returns whether this is an earlier removal than `other`, which saw the group after it.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        self.removed_in <= other.last_seen
    }

    /// Returns the last members, direct or through nested groups, as the directory knew them then.
    #[must_use]
    pub fn members(&self) -> &[User] {
        &self.members
    }

    /// Merges what two nodes know of one group. For the same removal, the result has the members of both with the names
    /// of both: a node that missed an import knows fewer, and a missing member would lose the protection. For different
    /// removals, it is the later one.
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
                Some(known) => known.add_names_of(member),
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
