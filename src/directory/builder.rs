//! Making a snapshot from an import, in any order of its parts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::revision::DirectoryRevision;
use super::snapshot::{DirectorySnapshot, GroupIndex, GroupNode, Holder, UserIndex, UserNode};
use super::user::User;
use crate::identity::{GroupId, UserId};

/// Collects one full import and makes a snapshot of it, or nothing.
///
/// Users, groups and memberships may come in any order. A member without a user record is a user known by id alone:
/// they are protected all the same. A membership that names a group which was not imported is an error, because the
/// import was cut somewhere.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::{Alias, DirectoryBuilder, DirectoryRevision, GroupId, User, UserId};
///
/// let (council, board) = (GroupId::new("g-1")?, GroupId::new("g-2")?);
/// let adele = UserId::new("u-1")?;
/// let snapshot = DirectoryBuilder::new()
///     .group(council.clone(), "Works council")
///     .group(board.clone(), "Board")
///     .user(User::new(adele.clone()).with_alias(Alias::new("adele@contoso.com")?))
///     .member(&board, &adele)
///     .nested(&council, &board)
///     .build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse()?)?;
/// assert!(snapshot.members_of(&council).contains(&adele));
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use]
pub struct DirectoryBuilder {
    users: Vec<User>,
    groups: Vec<(GroupId, String)>,
    members: Vec<(GroupId, UserId)>,
    nested: Vec<(GroupId, GroupId)>,
}

/// Why an import makes no snapshot. Nothing of it is then in force.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImportError {
    /// A membership names a group that is not in the import.
    #[error("a membership names group `{0}`, which the import does not hold")]
    UnknownGroup(GroupId),
    /// Two groups with one id.
    #[error("group `{0}` stands twice in the import")]
    GroupTwice(GroupId),
    /// Two users with one id. The id is not repeated, because it may be somebody's.
    #[error("user record {at} of the import has the same id as an earlier one")]
    UserTwice {
        /// Which user record it was, from 1.
        at: usize,
    },
}

impl DirectoryBuilder {
    /// An empty import.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user.
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Adds a group under its immutable id, with the name to show.
    pub fn group(mut self, id: GroupId, name: impl Into<String>) -> Self {
        self.groups.push((id, name.into()));
        self
    }

    /// Adds a user to a group.
    pub fn member(mut self, group: &GroupId, user: &UserId) -> Self {
        self.members.push((group.clone(), user.clone()));
        self
    }

    /// Nests `child` in `group`: whoever is in the child is in the group.
    pub fn nested(mut self, group: &GroupId, child: &GroupId) -> Self {
        self.nested.push((group.clone(), child.clone()));
        self
    }

    /// The snapshot, if the import holds together.
    ///
    /// # Errors
    /// [`ImportError`] names what does not fit.
    pub fn build(self, revision: DirectoryRevision, as_of: DateTime<Utc>) -> Result<DirectorySnapshot, ImportError> {
        let mut by_group = HashMap::with_capacity(self.groups.len());
        let mut groups = Vec::with_capacity(self.groups.len());
        for (id, name) in self.groups {
            if by_group.insert(id.clone(), GroupIndex(groups.len())).is_some() {
                return Err(ImportError::GroupTwice(id));
            }
            let name = name.into_boxed_str();
            groups.push(GroupNode { id, name, users: Vec::new(), parents: Vec::new(), children: Vec::new() });
        }

        let mut by_id = HashMap::with_capacity(self.users.len());
        let mut users = Vec::with_capacity(self.users.len());
        for (at, user) in (1..).zip(self.users) {
            if by_id.insert(user.id().clone(), UserIndex(users.len())).is_some() {
                return Err(ImportError::UserTwice { at });
            }
            users.push(UserNode { user, recorded: true, groups: Vec::new() });
        }

        let find =
            |group: &GroupId| by_group.get(group).copied().ok_or_else(|| ImportError::UnknownGroup(group.clone()));
        for (group, user) in self.members {
            let group = find(&group)?;
            let user = *by_id.entry(user).or_insert_with_key(|id| {
                users.push(UserNode { user: User::new(id.clone()), recorded: false, groups: Vec::new() });
                UserIndex(users.len() - 1)
            });
            if let (Some(group_node), Some(user_node)) = (groups.get_mut(group.0), users.get_mut(user.0))
                && !user_node.groups.contains(&group)
            {
                group_node.users.push(user);
                user_node.groups.push(group);
            }
        }
        for (group, child) in self.nested {
            let (group, child) = (find(&group)?, find(&child)?);
            if let Some(node) = groups.get_mut(group.0) {
                node.children.push(child);
            }
            if let Some(node) = groups.get_mut(child.0) {
                node.parents.push(group);
            }
        }

        let mut by_alias = HashMap::with_capacity(users.len());
        for (index, node) in users.iter().enumerate() {
            Holder::take(&mut by_alias, &node.user, UserIndex(index));
        }
        let vanished = HashMap::new();
        Ok(DirectorySnapshot { revision, as_of, users, groups, by_id, by_alias, by_group, vanished })
    }
}

impl std::fmt::Debug for DirectoryBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectoryBuilder").finish_non_exhaustive()
    }
}
