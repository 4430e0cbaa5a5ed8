//! An immutable, complete state of the directory.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::ancestry::Ancestry;
use super::groups::{GroupIndex, Groups, Knowledge, Removal};
use super::hashing::{HashPair, Hashing, IdentityKey};
use super::membership::Memberships;
use super::packed::Packed;
use super::records::UserRecord;
use super::removed_groups::RemovedGroup;
use super::revision::DirectoryRevision;
use super::user::{FEW_NAMES, User};
use super::users::{Holder, Home, UserIndex, Users};
use crate::identity::{Alias, GroupId, Identity, UserId};
use crate::steps;

/// The user who holds an identity in one state of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// One user holds it.
    Known(User),
    /// Several users hold the alias.
    Ambiguous,
    /// No user holds it.
    Unknown,
}

/// One state of the directory: users with their aliases, and groups of users and other groups.
///
/// A [`DirectoryBuilder`](crate::directory::DirectoryBuilder) builds a snapshot from an import, and
/// [`apply`](Self::apply) makes the next one from a delta. Both succeed completely or not at all, and a snapshot never
/// changes. The two share what the delta leaves unchanged. `Debug` shows the revision and counts, and no identity.
///
/// A user takes about 60 bytes beyond the bytes of ids and names, of which three are for each group that lists the
/// user.
#[derive(Clone)]
pub struct DirectorySnapshot {
    pub(super) revision: DirectoryRevision,
    pub(super) as_of: DateTime<Utc>,
    pub(super) users: Users,
    pub(super) groups: Arc<Groups>,
    pub(super) memberships: Memberships,
    /// The names that last members of removed groups lost since the removal.
    pub(super) last_names: Arc<LastNames>,
    pub(super) last_members: LastMembersMark,
    pub(super) ancestry: Ancestry,
}

pub(super) type LastNames = HashMap<UserId, User>;

/// A mark that is equal for two snapshots only if they have the same last members under the same names.
#[derive(Clone, Default)]
pub(crate) struct LastMembersMark(Arc<()>);

impl PartialEq for LastMembersMark {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl DirectorySnapshot {
    /// Returns the revision of this state.
    #[must_use]
    pub fn revision(&self) -> DirectoryRevision {
        self.revision
    }

    /// Returns the time as of which the source stated this.
    #[must_use]
    pub fn as_of(&self) -> DateTime<Utc> {
        self.as_of
    }

    /// Returns a removed group with its last members. Returns `None` if the group was not removed, or if its last
    /// members were forgotten. Reads all memberships.
    #[must_use]
    pub fn removed_group(&self, group: &GroupId) -> Option<RemovedGroup> {
        let removed = self.groups.index_even_if_removed(group)?;
        let removal = self.remembered_removal(removed)?;
        let members = self.members_counted_below(removed).into_iter().filter_map(|user| self.users.record(user));
        let members = members.map(|record| {
            let mut member = record.to_user();
            self.last_names.get(member.id()).into_iter().for_each(|names| member.add_names_of(names));
            member
        });
        Some(RemovedGroup::new(group.clone(), removal.last_seen, removal.removed_in, members.collect()))
    }

    /// Returns when a group was removed, if all of its last members are remembered.
    pub(crate) fn remembered_removal(&self, group: GroupIndex) -> Option<Removal> {
        let removal = self.groups.removal(group)?;
        let below = self.groups.counted_below(group);
        below.iter().all(|group| self.knowledge(*group) != Knowledge::Unknown).then_some(removal)
    }

    pub(crate) fn removal(&self, group: GroupIndex) -> Option<Removal> {
        self.groups.removal(group)
    }

    /// Returns those of some names that a user does not have, and did not have as a member of a removed group.
    pub(crate) fn not_called<'n>(&self, user: UserIndex, names: &'n [Alias]) -> Vec<&'n Alias> {
        let Some(record) = self.record(user) else { return names.iter().collect() };
        let last = match self.last_names.is_empty() {
            true => None,
            false => self.last_names.get(&UserId::from_checked(record.id())),
        };
        let last = last.map_or(&[][..], User::aliases);
        steps::advance(names.len());
        if names.len() <= FEW_NAMES {
            let is_known = |name: &&Alias| {
                steps::advance(1 + last.len());
                record.has((*name).into()) || last.iter().any(|known| known.matches(name))
            };
            return names.iter().filter(|name| !is_known(name)).collect();
        }
        steps::advance(last.len());
        let here = record.aliases().inspect(|_| steps::advance(1)).map(|alias| alias.key().to_lower_case());
        let known: HashSet<String> = here.chain(last.iter().map(Alias::key)).collect();
        names.iter().filter(|name| !known.contains(&name.key())).collect()
    }

    /// Returns a mark that changes whenever the groups or the last members of removed groups change.
    pub(crate) fn last_members_mark(&self) -> &LastMembersMark {
        &self.last_members
    }

    /// Returns the names that last members of removed groups lost since the removal, by the user's id.
    pub(crate) fn last_names(&self) -> &LastNames {
        &self.last_names
    }

    /// Returns which last members of a removed group count: those that this snapshot remembers, and those that any node
    /// stored. Neither count if the group was restored since.
    ///
    /// Stored members of an earlier removal do not count. Those of a later removal count beside the remembered ones,
    /// because a node that lags decides by its own directory, in which the group was removed as it remembers. Without
    /// either of the two, activities of some last members would be shown.
    pub(crate) fn last_known<'a>(&self, group: &GroupId, stored: Option<&'a RemovedGroup>) -> LastKnown<'a> {
        self.last_known_of(
            self.groups.index_even_if_removed(group).and_then(|group| self.remembered_removal(group)),
            stored,
        )
    }

    /// Like [`Self::last_known`], for a group that was removed then; `None` if its last members were forgotten.
    pub(crate) fn last_known_of<'a>(
        &self,
        remembered: Option<Removal>,
        stored: Option<&'a RemovedGroup>,
    ) -> LastKnown<'a> {
        let restored_in = stored.and_then(|stored| stored.restored_by(self.revision));
        let remembered =
            remembered.filter(|removal| restored_in.is_none_or(|restored_in| restored_in <= removal.last_seen));
        let is_outdated =
            |stored: &RemovedGroup| remembered.is_some_and(|removal| stored.removed_in() <= removal.last_seen);
        LastKnown {
            is_remembered: remembered.is_some(),
            stored: stored.filter(|stored| restored_in.is_none() && !is_outdated(stored)),
        }
    }

    /// Returns all groups with their display names.
    pub fn groups(&self) -> impl Iterator<Item = (&GroupId, &str)> {
        self.groups.iter_in_directory()
    }

    /// Returns the display name of a group if the directory has the group.
    #[must_use]
    pub fn group_name(&self, group: &GroupId) -> Option<&str> {
        self.groups.index_of(group).and_then(|group| self.groups.name(group))
    }

    /// Returns whether a user has a record or is a member of a group in the directory, and not only a last member of a
    /// removed group.
    fn is_present(&self, user: UserIndex, record: UserRecord<'_>) -> bool {
        record.is_recorded() || self.groups_of_user(user).any(|group| self.groups.is_in_directory(group))
    }

    /// Returns all users: those with a record, and those whom a group lists.
    pub fn users(&self) -> impl Iterator<Item = User> {
        let present = self.users.records().filter(|(user, record)| self.is_present(*user, *record));
        present.map(|(_, record)| record.to_user())
    }

    /// Returns the user who holds an identity.
    #[must_use]
    pub fn resolve(&self, identity: &Identity) -> Resolution {
        match self.users.holder(identity.into(), |user, record| self.is_present(user, record)) {
            Holder::One(user) => {
                self.users.record(user).map_or(Resolution::Unknown, |record| Resolution::Known(record.to_user()))
            }
            Holder::Several => Resolution::Ambiguous,
            Holder::Nobody => Resolution::Unknown,
        }
    }

    /// Returns all groups that a user is in, directly or through nested groups. The set is empty for an unknown user.
    #[must_use]
    pub fn groups_of(&self, user: &UserId) -> BTreeSet<&GroupId> {
        let direct = self.find(user).into_iter().flat_map(|user| self.groups_of_user(user));
        self.groups.above(direct).into_iter().filter_map(|group| self.groups.id(group)).collect()
    }

    /// Returns all users in a group, directly or through nested groups. The set is empty for an unknown group. Reads
    /// all memberships.
    #[must_use]
    pub fn all_members(&self, group: &GroupId) -> BTreeSet<UserId> {
        self.ids_listed_in(self.groups.index_of(group).map(|group| self.groups.below(group)))
    }

    /// Returns the users whom a group lists itself. The set is empty for an unknown group. Reads all memberships.
    #[must_use]
    pub fn direct_members(&self, group: &GroupId) -> BTreeSet<UserId> {
        self.ids_listed_in(self.groups.index_of(group).map(|group| [group].into()))
    }

    /// Returns the groups that are nested directly in a group. The set is empty for an unknown group.
    #[must_use]
    pub fn child_groups(&self, group: &GroupId) -> BTreeSet<&GroupId> {
        let children = self.groups.index_of(group).into_iter().flat_map(|group| self.groups.children(group));
        children.filter_map(|child| self.groups.id(child)).collect()
    }

    fn ids_listed_in(&self, groups: Option<BTreeSet<GroupIndex>>) -> BTreeSet<UserId> {
        let listed = groups.map(|groups| self.listed_in_any(&groups)).unwrap_or_default();
        let records = listed.into_iter().filter_map(|user| self.users.record(user));
        records.map(|record| UserId::from_checked(record.id())).collect()
    }

    /// Returns the users who count as members of a group, by number: its members, and the last members of removed
    /// groups nested in it.
    pub(crate) fn members_counted_below(&self, group: GroupIndex) -> Vec<UserIndex> {
        self.listed_in_any(&self.groups.counted_below(group))
    }

    fn listed_in_any(&self, groups: &BTreeSet<GroupIndex>) -> Vec<UserIndex> {
        let mut wanted = vec![false; self.groups.slots()];
        for group in groups {
            if let Some(wanted) = wanted.get_mut(group.as_usize()) {
                *wanted = true;
            }
        }
        self.memberships.listed_in(&wanted).into_iter().map(UserIndex).collect()
    }

    /// Returns the groups whose members count as those of a group, because they are nested in it, or were before a
    /// removal.
    pub(crate) fn counted_children(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        self.groups.counted_children(group)
    }

    /// Returns the groups in the directory that a group is nested in directly.
    pub(crate) fn parent_groups(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        let parents = self.groups.all_parents(group).iter().copied().inspect(|_| steps::advance(1));
        parents.filter(|parent| self.groups.is_in_directory(*parent))
    }

    /// Returns how many indexes of groups are or were in use.
    pub(crate) fn group_slots(&self) -> usize {
        self.groups.slots()
    }

    /// Returns the index of a group that is in the directory or was removed.
    pub(crate) fn group_index(&self, group: &GroupId) -> Option<GroupIndex> {
        self.groups.index_even_if_removed(group)
    }

    pub(crate) fn has_group(&self, group: GroupIndex) -> bool {
        self.groups.is_in_directory(group)
    }

    pub(crate) fn group_id(&self, group: GroupIndex) -> Option<&GroupId> {
        self.groups.id(group)
    }

    pub(crate) fn knowledge(&self, group: GroupIndex) -> Knowledge {
        self.groups.knowledge(group)
    }

    /// Returns whether both snapshots share their groups and nestings.
    pub(crate) fn has_same_groups_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.groups, &other.groups)
    }

    /// Returns the numbers of all users.
    pub(crate) fn user_range(&self) -> Range<u32> {
        // INVARIANT: there are at most `users::MAX_USERS`.
        0..self.users.numbers() as u32
    }

    /// Returns the holder of an identity, who can be a last member of a removed group.
    pub(crate) fn holder(&self, key: IdentityKey<'_>) -> Holder {
        self.users.holder(key, |_, _| true)
    }

    /// Returns whether any user has a name in a namespace: that of an app, or the empty text for names that are bound
    /// to none.
    pub(crate) fn has_namespace(&self, namespace: &str) -> bool {
        self.users.has_namespace(namespace)
    }

    /// Returns whether any user has an id of the form of this one: a GUID, or something else.
    pub(crate) fn has_ids_like(&self, id: &UserId) -> bool {
        self.users.has_ids_like(id)
    }

    /// Returns the user with an id.
    pub(crate) fn find(&self, id: &UserId) -> Option<UserIndex> {
        self.users.find(id)
    }

    pub(crate) fn record(&self, user: UserIndex) -> Option<UserRecord<'_>> {
        self.users.record(user)
    }

    pub(crate) fn home(&self, user: UserIndex) -> Home<'_> {
        self.users.home(user)
    }

    /// Returns the number of the home of a user.
    pub(crate) fn home_number(&self, user: UserIndex) -> u32 {
        self.users.home_number(user)
    }

    /// Returns all homes in the order of their numbers.
    pub(crate) fn all_homes(&self) -> impl Iterator<Item = Home<'_>> {
        self.users.all_homes()
    }

    /// Returns whether the import has a record of a user that has aliases. A user without a record may have had more
    /// names than those that are remembered.
    pub(crate) fn is_named_on_record(&self, user: UserIndex) -> bool {
        self.record(user).is_some_and(|record| record.is_recorded() && record.aliases().next().is_some())
    }

    /// Returns the groups that list a user themselves.
    pub(crate) fn groups_of_user(&self, user: UserIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        self.memberships.of(user.as_u32()).map(GroupIndex)
    }

    /// Calls `found` for each user in a range, in order, with the groups that list the user.
    pub(crate) fn each_membership(&self, users: Range<u32>, found: impl FnMut(u32, &[Packed])) {
        self.memberships.each(users, found);
    }

    /// Returns the hashing of this snapshot, and of all snapshots that deltas make of it.
    pub(crate) fn hashing(&self) -> &Hashing {
        self.users.hashing()
    }

    /// Reads the records of users at the same time.
    pub(crate) fn prefetch(&self, users: impl Iterator<Item = UserIndex>) {
        self.users.prefetch(users);
    }

    /// Returns the hashes of all identities of a user.
    pub(crate) fn hashes_of(&self, user: UserIndex) -> impl Iterator<Item = HashPair> + '_ {
        self.users.hashes_of(user)
    }

    /// Returns the aliases that several users hold, by [`Alias::key`].
    pub(crate) fn shared_aliases(&self) -> &Arc<BTreeSet<String>> {
        self.users.shared()
    }

    /// Returns whether this is the [successor](Self::carry_over_from) of an earlier snapshot: deltas made it from that
    /// one, or it carried over from that one. Returns `false` if that is too long ago to be remembered.
    #[must_use]
    pub fn is_successor_of(&self, earlier: &Self) -> bool {
        self.ancestry.is_successor_of(&earlier.ancestry)
    }

    /// Returns the users who changed since an earlier snapshot. Returns `None` if deltas did not make this one from
    /// that, or too many did.
    pub(crate) fn changes_since(&self, earlier: &Self) -> Option<BTreeSet<UserIndex>> {
        self.ancestry.changed_since(&earlier.ancestry)
    }

    /// Returns the size of the snapshot in bytes, with what it shares with others, and the length of ids and aliases
    /// among them.
    #[must_use]
    pub fn heap_bytes(&self) -> (usize, usize) {
        let (users, names) = self.users.heap_bytes();
        let last_names = self.last_names.iter().map(|(id, user)| {
            let aliases = user.aliases().iter().map(|alias| size_of::<Alias>() + 2 * alias.as_str().len());
            size_of::<(UserId, User)>() + 2 * id.as_str().len() + aliases.sum::<usize>()
        });
        let others = self.groups.heap_bytes() + last_names.sum::<usize>() + self.ancestry.heap_bytes();
        (users + self.memberships.heap_bytes() + others, names)
    }
}

/// Which last members of a removed group count.
pub(crate) struct LastKnown<'a> {
    /// Whether those count that the snapshot remembers.
    pub(crate) is_remembered: bool,
    /// Those that count among the ones that any node stored.
    pub(crate) stored: Option<&'a RemovedGroup>,
}

impl fmt::Debug for DirectorySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectorySnapshot")
            .field("revision", &self.revision)
            .field("as_of", &self.as_of)
            .field("users", &self.users.numbers())
            .field("groups", &self.groups.len())
            .finish_non_exhaustive()
    }
}
