//! One state of the directory, immutable and complete.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::revision::DirectoryRevision;
use super::user::User;
use super::vanished::{Told, VanishedGroup};
use crate::identity::{AliasKey, GroupId, Identity, UserId};

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

impl Holder {
    /// Notes a user under all their aliases.
    pub(super) fn take(by_alias: &mut HashMap<AliasKey, Self>, user: &User, index: UserIndex) {
        for alias in user.aliases() {
            let holder = by_alias.entry(alias.key().clone()).or_insert(Self::One(index));
            if !matches!(holder, Self::One(known) if *known == index) {
                *holder = Self::Several;
            }
        }
    }
}

pub(super) struct UserNode {
    pub(super) user: User,
    /// Whether the import has a record of them, and not only a membership.
    pub(super) recorded: bool,
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

    /// The same snapshot as the one that follows `before`. Groups that stood there and are gone keep their last members,
    /// from one import to the next, until they come back; and a member of whom the import has no record, because the user was
    /// deleted, stays known by the aliases of before, unless somebody else holds them now. Every adapter puts its snapshots
    /// in force in this way, so that what is remembered depends on the imports alone.
    ///
    /// Both are remembered by the process that saw the imports; for the next start, groups that vanished are kept by
    /// [`PrivacyFilter::follow_directory`](crate::PrivacyFilter::follow_directory), while deleted members of a group that is
    /// still there are then known by id alone. An adapter does best to import deleted users with their records.
    ///
    /// Costs the members of every group that vanished, in time now and in memory until it comes back.
    #[must_use]
    pub fn succeeding(mut self, before: &Self) -> Self {
        let gone = |group: &&GroupId| self.group_index(group).is_none();
        let names = |user: &UserId| before.by_id.get(user).and_then(|index| before.user(*index));
        let long_gone = before.vanished.values().filter(|vanished| gone(&&vanished.group));
        let now_gone = before.groups().map(|(group, _)| group).filter(gone).map(|group| {
            let members = before.users_below(group).cloned().collect();
            let (last_seen, gone_in) = (before.revision, self.revision);
            Arc::new(VanishedGroup {
                group: group.clone(),
                last_seen,
                gone_in,
                members,
                back_in: None,
                told: Told::Nothing,
            })
        });
        // Whoever is renamed now or later is to be known by the new name too, once their record is gone.
        let here = |user: &UserId| self.by_id.get(user).and_then(|index| self.user(*index));
        let learned = |vanished: Arc<VanishedGroup>| vanished.learning(here).map_or(vanished, Arc::new);
        let vanished = long_gone.cloned().chain(now_gone).map(learned);
        self.vanished = vanished.map(|vanished| (vanished.group.clone(), vanished)).collect();
        let mut remembered = HashMap::new();
        for (index, node) in self.users.iter_mut().enumerate().filter(|(_, node)| !node.recorded) {
            let Some(known) = names(node.user.id()) else { continue };
            // An alias that somebody else holds by now is theirs, and never comes back.
            node.user = known.remembered(|alias| !self.by_alias.contains_key(alias.key()));
            Holder::take(&mut remembered, &node.user, UserIndex(index));
        }
        for (alias, holder) in remembered {
            self.by_alias.entry(alias).or_insert(holder);
        }
        self
    }

    /// A group that is gone, with its last members.
    #[must_use]
    pub fn vanished_group(&self, group: &GroupId) -> Option<&VanishedGroup> {
        self.vanished.get(group).map(|vanished| &**vanished)
    }

    /// What counts of a group that is gone: what is remembered here, and what was kept by whichever node. Neither does if the
    /// group has been there again since.
    pub(crate) fn last_known<'a>(&'a self, group: &GroupId, kept: &'a [VanishedGroup]) -> LastKnown<'a> {
        let kept = kept.iter().find(|kept| kept.group() == group);
        let back_in = kept.and_then(|kept| kept.back_by(self.revision));
        let remembered = self.vanished_group(group);
        let remembered = remembered.filter(|vanished| back_in.is_none_or(|back_in| back_in <= vanished.last_seen));
        let outdated = |kept: &VanishedGroup| remembered.is_some_and(|vanished| kept.is_before(vanished));
        LastKnown { remembered, kept: kept.filter(|kept| back_in.is_none() && !outdated(kept)) }
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

    /// Whether the import has a record of a user that names them. One who is only remembered by some names may have had others.
    pub(crate) fn is_named_on_record(&self, id: &UserId) -> bool {
        let node = self.by_id.get(id).and_then(|index| self.users.get(index.0));
        node.is_some_and(|node| node.recorded && !node.user.aliases().is_empty())
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

/// What counts of a group that is gone.
pub(crate) struct LastKnown<'a> {
    /// What this process saw.
    pub(crate) remembered: Option<&'a VanishedGroup>,
    /// What any node kept.
    pub(crate) kept: Option<&'a VanishedGroup>,
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
