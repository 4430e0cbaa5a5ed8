//! One state of the directory, immutable and complete.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::vanished::VanishedGroup;
use crate::identity::{Alias, AliasKey, Domain, GroupId, Identity, UserId};

/// Which state of the directory an activity was decided against. Grows with every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DirectoryRevision(pub u64);

impl fmt::Display for DirectoryRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a user can sign in. Plays no part in deciding: whoever was disabled or deleted stays protected until
/// their group says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// Can sign in.
    #[default]
    Active,
    /// Disabled or suspended.
    Disabled,
    /// Deleted at the source, though a group may still list them.
    Deleted,
}

/// A user as the directory knows them. `Debug` shows neither id nor aliases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    id: UserId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<Alias>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    home_domain: Option<Domain>,
    #[serde(default)]
    status: UserStatus,
}

impl User {
    /// A user who is known by an id alone.
    #[must_use]
    pub fn new(id: UserId) -> Self {
        Self { id, aliases: Vec::new(), home_domain: None, status: UserStatus::Active }
    }

    /// The same user, known by one more alias. Say the UPN first: unless told otherwise, its domain is the user's home.
    #[must_use]
    pub fn with_alias(mut self, alias: Alias) -> Self {
        if !self.aliases.contains(&alias) {
            self.aliases.push(alias);
        }
        self
    }

    /// The same user with a home domain that overrides what the aliases suggest, as for a guest whose `#EXT#` name
    /// hides a home in a managed domain.
    #[must_use]
    pub fn with_home_domain(self, domain: Domain) -> Self {
        Self { home_domain: Some(domain), ..self }
    }

    /// The same user with a status.
    #[must_use]
    pub fn with_status(self, status: UserStatus) -> Self {
        Self { status, ..self }
    }

    /// The immutable id.
    #[must_use]
    pub fn id(&self) -> &UserId {
        &self.id
    }

    /// The names by which the user is known, the UPN first.
    #[must_use]
    pub fn aliases(&self) -> &[Alias] {
        &self.aliases
    }

    /// The home domain that the directory states in so many words.
    #[must_use]
    pub fn stated_home_domain(&self) -> Option<&Domain> {
        self.home_domain.as_ref()
    }

    /// Whether the user can sign in.
    #[must_use]
    pub fn status(&self) -> UserStatus {
        self.status
    }
}

/// To whom an identity leads in one state of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution<'a> {
    /// To one user.
    Known(&'a User),
    /// An alias that several users hold.
    Ambiguous,
    /// To nobody.
    Unknown,
}

/// The place of a user in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UserIndex(pub(super) usize);

/// The place of a group in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupIndex(pub(super) usize);

#[derive(Debug, Clone, Copy)]
pub(super) enum Holder {
    One(UserIndex),
    Several,
}

pub(super) struct UserNode {
    pub(super) user: User,
    pub(super) groups: Vec<GroupIndex>,
}

pub(super) struct GroupNode {
    pub(super) id: GroupId,
    pub(super) name: Box<str>,
    pub(super) users: Vec<UserIndex>,
    pub(super) parents: Vec<GroupIndex>,
    pub(super) children: Vec<GroupIndex>,
}

/// One state of the directory: users, their aliases, and groups that may hold users and other groups.
///
/// Made by a [`DirectoryBuilder`](crate::DirectoryBuilder), whole or not at all, and never changed afterwards.
/// `Debug` shows the revision and how much there is, never who.
pub struct DirectorySnapshot {
    pub(super) revision: DirectoryRevision,
    pub(super) as_of: DateTime<Utc>,
    pub(super) users: Vec<UserNode>,
    pub(super) groups: Vec<GroupNode>,
    pub(super) by_id: HashMap<UserId, UserIndex>,
    pub(super) by_alias: HashMap<AliasKey, Holder>,
    pub(super) by_group: HashMap<GroupId, GroupIndex>,
    pub(super) vanished: HashMap<GroupId, Arc<VanishedGroup>>,
}

impl DirectorySnapshot {
    /// Which state this is.
    #[must_use]
    pub fn revision(&self) -> DirectoryRevision {
        self.revision
    }

    /// As of when the source said so.
    #[must_use]
    pub fn as_of(&self) -> DateTime<Utc> {
        self.as_of
    }

    /// Every group, with its display name.
    pub fn groups(&self) -> impl Iterator<Item = (&GroupId, &str)> {
        self.groups.iter().map(|group| (&group.id, &*group.name))
    }

    /// The display name of a group, if it was imported.
    #[must_use]
    pub fn group_name(&self, group: &GroupId) -> Option<&str> {
        self.by_group.get(group).and_then(|index| self.groups.get(index.0)).map(|group| &*group.name)
    }

    /// To whom an identity leads.
    #[must_use]
    pub fn resolve(&self, identity: &Identity) -> Resolution<'_> {
        match self.locate(identity) {
            Some(Holder::One(index)) => match self.users.get(index.0) {
                Some(node) => Resolution::Known(&node.user),
                None => Resolution::Unknown,
            },
            Some(Holder::Several) => Resolution::Ambiguous,
            None => Resolution::Unknown,
        }
    }

    /// Every group that a user is in, directly or through other groups; nothing for an unknown user.
    #[must_use]
    pub fn groups_of(&self, user: &UserId) -> BTreeSet<&GroupId> {
        let direct = self.by_id.get(user).map_or(&[][..], |index| self.groups_of_user(*index)).iter().copied();
        self.closure(direct, |group| &group.parents).filter_map(|index| self.group(index)).map(|g| &g.id).collect()
    }

    /// Every user in a group, directly or through other groups; nothing for an unknown group.
    #[must_use]
    pub fn members_of(&self, group: &GroupId) -> BTreeSet<&UserId> {
        self.users_below(group).map(|user| user.id()).collect()
    }

    pub(crate) fn users_below(&self, group: &GroupId) -> impl Iterator<Item = &User> {
        let start = self.by_group.get(group).copied();
        let below: BTreeSet<UserIndex> = self
            .closure(start, |group| &group.children)
            .filter_map(|index| self.group(index))
            .flat_map(|group| group.users.iter().copied())
            .collect();
        below.into_iter().filter_map(|index| self.users.get(index.0)).map(|node| &node.user)
    }

    /// The group itself and every group nested in it.
    pub(crate) fn groups_below(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> {
        self.closure([group], |group| &group.children)
    }

    pub(crate) fn group_index(&self, group: &GroupId) -> Option<GroupIndex> {
        self.by_group.get(group).copied()
    }

    pub(crate) fn user_index(&self, identity: &Identity) -> Result<Option<UserIndex>, Ambiguous> {
        match self.locate(identity) {
            Some(Holder::One(index)) => Ok(Some(index)),
            Some(Holder::Several) => Err(Ambiguous),
            None => Ok(None),
        }
    }

    pub(crate) fn user(&self, index: UserIndex) -> Option<&User> {
        self.users.get(index.0).map(|node| &node.user)
    }

    /// The groups that list this user themselves.
    pub(crate) fn groups_of_user(&self, index: UserIndex) -> &[GroupIndex] {
        self.users.get(index.0).map_or(&[], |node| &node.groups)
    }

    fn locate(&self, identity: &Identity) -> Option<Holder> {
        match identity {
            Identity::Id(id) => self.by_id.get(id).map(|index| Holder::One(*index)),
            Identity::Alias(alias) => self.by_alias.get(alias.key()).copied(),
        }
    }

    fn group(&self, index: GroupIndex) -> Option<&GroupNode> {
        self.groups.get(index.0)
    }

    /// Follows `next` from `start`, each group once, so that cycles and diamonds end.
    fn closure<'a>(
        &'a self,
        start: impl IntoIterator<Item = GroupIndex>,
        next: impl Fn(&GroupNode) -> &[GroupIndex] + 'a,
    ) -> impl Iterator<Item = GroupIndex> + 'a {
        let mut seen: BTreeSet<GroupIndex> = start.into_iter().collect();
        let mut open: Vec<GroupIndex> = seen.iter().copied().collect();
        std::iter::from_fn(move || {
            let index = open.pop()?;
            for more in self.group(index).map_or(&[][..], &next) {
                if seen.insert(*more) {
                    open.push(*more);
                }
            }
            Some(index)
        })
    }
}

/// Several users hold the alias.
pub(crate) struct Ambiguous;

impl fmt::Debug for DirectorySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectorySnapshot")
            .field("revision", &self.revision)
            .field("as_of", &self.as_of)
            .field("users", &self.users.len())
            .field("groups", &self.groups.len())
            .finish_non_exhaustive()
    }
}
