//! One state of the directory, immutable and complete.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::ancestry::Lineage;
use super::groups::{GroupIndex, Groups, Knowledge, Removal};
use super::hashing::{Hashing, Print};
use super::membership::Memberships;
use super::names::Entry;
use super::packed::Packed;
use super::people::{Holder, Home, People, UserIndex};
use super::removed_groups::RemovedGroup;
use super::revision::DirectoryRevision;
use super::user::{FEW_NAMES, User};
use crate::identity::{Alias, GroupId, Identity, UserId};
use crate::steps;

/// To whom an identity leads in one state of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// To one user.
    Known(User),
    /// An alias that several users hold.
    Ambiguous,
    /// To nobody.
    Unknown,
}

/// One state of the directory: users, their aliases, and groups that may hold users and other groups.
///
/// Made by a [`DirectoryBuilder`](crate::directory::DirectoryBuilder) or from the one before [with](Self::with) what changed,
/// whole or not at all, and never changed afterwards. What a delta leaves alone is shared between the two. `Debug`
/// shows the revision and how much there is, never who.
///
/// Beyond the bytes of ids and names a user takes about 60 bytes, of which three are for each group that lists them.
#[derive(Clone)]
pub struct DirectorySnapshot {
    pub(super) revision: DirectoryRevision,
    pub(super) as_of: DateTime<Utc>,
    pub(super) people: People,
    pub(super) groups: Arc<Groups>,
    pub(super) memberships: Memberships,
    /// The names that members of removed groups had since, beside those that they have.
    pub(super) last_names: Arc<LastNames>,
    pub(super) last_members: LastMembersMark,
    pub(super) lineage: Lineage,
}

pub(super) type LastNames = HashMap<UserId, User>;

/// The same for two snapshots only if they remember the same last members under the same names.
#[derive(Clone, Default)]
pub(crate) struct LastMembersMark(Arc<()>);

impl PartialEq for LastMembersMark {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
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

    /// A group that is gone, with its last members, if they are remembered. Reads all memberships.
    #[must_use]
    pub fn removed_group(&self, group: &GroupId) -> Option<RemovedGroup> {
        let removed = self.groups.known(group)?;
        let removal = self.remembered(removed)?;
        let members = self.members_counted_below(removed).into_iter().filter_map(|user| self.people.entry(user));
        let members = members.map(|entry| {
            let mut member = entry.to_user();
            self.last_names.get(member.id()).into_iter().for_each(|names| member.learn(names));
            member
        });
        Some(RemovedGroup::new(group.clone(), removal.last_seen, removal.removed_in, members.collect()))
    }

    /// When a removed group went, if all of its last members are remembered.
    pub(crate) fn remembered(&self, group: GroupIndex) -> Option<Removal> {
        let removal = self.groups.removal(group)?;
        let below = self.groups.counted_below(group);
        below.iter().all(|group| self.knowledge(*group) != Knowledge::Unknown).then_some(removal)
    }

    pub(crate) fn removal(&self, group: GroupIndex) -> Option<Removal> {
        self.groups.removal(group)
    }

    /// Returns those of some names by which a user does not go, and did not as a member of a removed group.
    pub(crate) fn not_called<'n>(&self, user: UserIndex, names: &'n [Alias]) -> Vec<&'n Alias> {
        let Some(entry) = self.entry(user) else { return names.iter().collect() };
        let last = match self.last_names.is_empty() {
            true => None,
            false => self.last_names.get(&UserId::from_checked(entry.id())),
        };
        let last = last.map_or(&[][..], User::aliases);
        steps::advance(names.len());
        if names.len() <= FEW_NAMES {
            let is_known = |name: &&Alias| {
                steps::advance(1 + last.len());
                entry.is_called(name.form().as_bytes()) || last.iter().any(|known| known.matches(name))
            };
            return names.iter().filter(|name| !is_known(name)).collect();
        }
        steps::advance(last.len());
        let here = entry.aliases().inspect(|_| steps::advance(1)).map(|alias| alias.to_alias().key());
        let known: HashSet<String> = here.chain(last.iter().map(Alias::key)).collect();
        names.iter().filter(|name| !known.contains(&name.key())).collect()
    }

    /// Changes whenever the groups do, or anything that is remembered of removed ones.
    pub(crate) fn last_members_mark(&self) -> &LastMembersMark {
        &self.last_members
    }

    /// Every name that a member of a removed group had since, beside those that they have, by the user's id.
    pub(crate) fn last_names(&self) -> &LastNames {
        &self.last_names
    }

    /// What counts of a group that is gone: what is remembered here, and what was kept by whichever node. Neither does
    /// if the group has been there again since.
    ///
    /// What was kept of an earlier time that the group was gone is over. What was kept of a later one counts beside what
    /// is remembered: a node that lags decides by its own directory, in which the group went as it remembers, and
    /// whoever left one of the two would be shown.
    pub(crate) fn last_known<'a>(&self, group: &GroupId, kept: Option<&'a RemovedGroup>) -> LastKnown<'a> {
        self.last_known_of(self.groups.known(group).and_then(|group| self.remembered(group)), kept)
    }

    /// What counts of a group that went then, if its last members are remembered.
    pub(crate) fn last_known_of<'a>(
        &self,
        remembered: Option<Removal>,
        kept: Option<&'a RemovedGroup>,
    ) -> LastKnown<'a> {
        let restored_in = kept.and_then(|kept| kept.back_by(self.revision));
        let remembered =
            remembered.filter(|removal| restored_in.is_none_or(|restored_in| restored_in <= removal.last_seen));
        let outdated = |kept: &RemovedGroup| remembered.is_some_and(|removal| kept.removed_in() <= removal.last_seen);
        LastKnown {
            is_remembered: remembered.is_some(),
            kept: kept.filter(|kept| restored_in.is_none() && !outdated(kept)),
        }
    }

    /// Every group, with its display name.
    pub fn groups(&self) -> impl Iterator<Item = (&GroupId, &str)> {
        self.groups.iter()
    }

    /// The display name of a group, if it was imported.
    #[must_use]
    pub fn group_name(&self, group: &GroupId) -> Option<&str> {
        self.groups.number(group).and_then(|group| self.groups.name(group))
    }

    /// Whether somebody has a record or is listed by a group that is there, and is not only a last member of a removed one.
    fn is_there(&self, user: UserIndex, entry: Entry<'_>) -> bool {
        entry.is_recorded() || self.groups_of_user(user).any(|group| self.groups.is_there(group))
    }

    /// Every user: those with a record, and those whom a group lists.
    pub fn users(&self) -> impl Iterator<Item = User> {
        let there = self.people.entries().filter(|(user, entry)| self.is_there(*user, *entry));
        there.map(|(_, entry)| entry.to_user())
    }

    /// To whom an identity leads.
    #[must_use]
    pub fn resolve(&self, identity: &Identity) -> Resolution {
        match self.people.holder(identity, |user, entry| self.is_there(user, entry)) {
            Holder::One(user) => {
                self.people.entry(user).map_or(Resolution::Unknown, |entry| Resolution::Known(entry.to_user()))
            }
            Holder::Several => Resolution::Ambiguous,
            Holder::Nobody => Resolution::Unknown,
        }
    }

    /// Every group that a user is in, directly or through other groups; nothing for an unknown user.
    #[must_use]
    pub fn groups_of(&self, user: &UserId) -> BTreeSet<&GroupId> {
        let direct = self.find(user).into_iter().flat_map(|user| self.groups_of_user(user));
        self.groups.above(direct).into_iter().filter_map(|group| self.groups.id(group)).collect()
    }

    /// Every user in a group, directly or through other groups; nothing for an unknown group. Reads all memberships.
    #[must_use]
    pub fn all_members(&self, group: &GroupId) -> BTreeSet<UserId> {
        self.entries_below(group).map(|entry| UserId::from_checked(entry.id())).collect()
    }

    /// Every user whom a group lists itself; nothing for an unknown group. Reads all memberships.
    #[must_use]
    pub fn direct_members(&self, group: &GroupId) -> BTreeSet<UserId> {
        let listed = self.groups.number(group).map(|group| self.listed_in_any(&[group].into()));
        let entries = listed.into_iter().flatten().filter_map(|user| self.people.entry(user));
        entries.map(|entry| UserId::from_checked(entry.id())).collect()
    }

    /// Every group that is nested in a group itself; nothing for an unknown group.
    #[must_use]
    pub fn child_groups(&self, group: &GroupId) -> BTreeSet<&GroupId> {
        let children = self.groups.number(group).into_iter().flat_map(|group| self.groups.children(group));
        children.filter_map(|child| self.groups.id(child)).collect()
    }

    fn entries_below(&self, group: &GroupId) -> impl Iterator<Item = Entry<'_>> {
        let below = self.groups.number(group).map(|group| self.listed_in_any(&self.groups.below(group)));
        below.unwrap_or_default().into_iter().filter_map(|user| self.people.entry(user))
    }

    /// Whoever counts as a member of a group, in order of their numbers: its members, and the last members of removed
    /// groups that are nested in it.
    pub(crate) fn members_counted_below(&self, group: GroupIndex) -> Vec<UserIndex> {
        self.listed_in_any(&self.groups.counted_below(group))
    }

    fn listed_in_any(&self, groups: &BTreeSet<GroupIndex>) -> Vec<UserIndex> {
        let mut wanted = vec![false; self.groups.numbers()];
        for group in groups {
            if let Some(wanted) = wanted.get_mut(group.place()) {
                *wanted = true;
            }
        }
        self.memberships.listed_in(&wanted).into_iter().map(UserIndex).collect()
    }

    /// The groups whose members count as those of a group, because they are nested in it now, or were last.
    pub(crate) fn counted_children(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        self.groups.counted_children(group)
    }

    /// The groups that are there and that a group is nested in itself.
    pub(crate) fn nesting(&self, group: GroupIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        let parents = self.groups.neighbours(group).0.iter().copied().inspect(|_| steps::advance(1));
        parents.filter(|parent| self.groups.is_there(*parent))
    }

    /// How many numbers of groups are in use, or were.
    pub(crate) fn group_numbers(&self) -> usize {
        self.groups.numbers()
    }

    /// The number of a group that is there or was removed.
    pub(crate) fn group_index(&self, group: &GroupId) -> Option<GroupIndex> {
        self.groups.known(group)
    }

    pub(crate) fn has_group(&self, group: GroupIndex) -> bool {
        self.groups.is_there(group)
    }

    pub(crate) fn group_id(&self, group: GroupIndex) -> Option<&GroupId> {
        self.groups.id(group)
    }

    pub(crate) fn knowledge(&self, group: GroupIndex) -> Knowledge {
        self.groups.knowledge(group)
    }

    /// Whether both hold the very same groups, nested in the same way.
    pub(crate) fn has_the_groups_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.groups, &other.groups)
    }

    /// The numbers of all users.
    pub(crate) fn user_range(&self) -> Range<u32> {
        // INVARIANT: there are at most `people::MAX_USERS`.
        0..self.people.numbers() as u32
    }

    /// Who holds an identity.
    pub(crate) fn holder(&self, identity: &Identity) -> Holder {
        self.people.holder(identity, |_, _| true)
    }

    /// Whether any user has a name in a namespace: that of an app, or the empty text for names that are bound to none.
    pub(crate) fn has_namespace(&self, namespace: &str) -> bool {
        self.people.has_namespace(namespace)
    }

    /// Whether any user has an id of the form of this one: a GUID, or something else.
    pub(crate) fn has_ids_like(&self, id: &UserId) -> bool {
        self.people.has_ids_like(id)
    }

    /// The number of a user who is known by this id.
    pub(crate) fn find(&self, id: &UserId) -> Option<UserIndex> {
        self.people.find(id)
    }

    pub(crate) fn entry(&self, user: UserIndex) -> Option<Entry<'_>> {
        self.people.entry(user)
    }

    pub(crate) fn home(&self, user: UserIndex) -> Home<'_> {
        self.people.home(user)
    }

    /// The number of the home of a user.
    pub(crate) fn home_number(&self, user: UserIndex) -> u32 {
        self.people.home_number(user)
    }

    /// Every home, in order of their numbers.
    pub(crate) fn all_homes(&self) -> impl Iterator<Item = Home<'_>> {
        self.people.all_homes()
    }

    /// Whether the import has a record of a user that names them. One who is only remembered by some names may have had
    /// others.
    pub(crate) fn is_named_on_record(&self, user: UserIndex) -> bool {
        self.entry(user).is_some_and(|entry| entry.is_recorded() && entry.aliases().next().is_some())
    }

    /// The groups that list this user themselves.
    pub(crate) fn groups_of_user(&self, user: UserIndex) -> impl Iterator<Item = GroupIndex> + '_ {
        self.memberships.of(user.number()).map(GroupIndex)
    }

    /// Calls `found` for each user with one of these numbers, in order, with the groups that list them.
    pub(crate) fn each_membership(&self, users: Range<u32>, found: impl FnMut(u32, &[Packed])) {
        self.memberships.each(users, found);
    }

    /// How identities are hashed here, and in every snapshot that a delta made of this one.
    pub(crate) fn hashing(&self) -> &Hashing {
        self.people.hashing()
    }

    /// Has the records of users brought from memory, all at the same time.
    pub(crate) fn touch(&self, users: impl Iterator<Item = UserIndex>) {
        self.people.touch(users);
    }

    /// The prints of all identities of a user.
    pub(crate) fn prints_of(&self, user: UserIndex) -> impl Iterator<Item = Print> + '_ {
        self.people.entry(user).into_iter().flat_map(|entry| self.people.prints(entry))
    }

    /// The aliases that several users hold, in the form in which they are compared.
    pub(crate) fn shared_aliases(&self) -> &Arc<BTreeSet<String>> {
        self.people.shared()
    }

    /// Whether this is the [successor](Self::carry_over_from) of an earlier snapshot, so far as that is remembered: deltas
    /// made it of that one, or it was made to succeed it.
    #[must_use]
    pub fn is_successor_of(&self, earlier: &Self) -> bool {
        self.lineage.is_successor_of(&earlier.lineage)
    }

    /// What changed since an earlier snapshot that this one was made of, if that can still be told.
    pub(crate) fn changes_since(&self, earlier: &Self) -> Option<BTreeSet<UserIndex>> {
        self.lineage.since(&earlier.lineage)
    }

    /// How much memory this takes, shared with others or not, and how much of it is the bytes of ids and aliases
    /// themselves.
    #[must_use]
    pub fn heap_bytes(&self) -> (usize, usize) {
        let (people, names) = self.people.heap_bytes();
        let last_names = self.last_names.iter().map(|(id, user)| {
            let aliases = user.aliases().iter().map(|alias| size_of::<Alias>() + 2 * alias.as_str().len());
            size_of::<(UserId, User)>() + 2 * id.as_str().len() + aliases.sum::<usize>()
        });
        let others = self.groups.heap_bytes() + last_names.sum::<usize>() + self.lineage.heap_bytes();
        (people + self.memberships.heap_bytes() + others, names)
    }
}

/// What counts of a group that is gone.
pub(crate) struct LastKnown<'a> {
    /// Whether what this process saw counts.
    pub(crate) is_remembered: bool,
    /// What any node kept.
    pub(crate) kept: Option<&'a RemovedGroup>,
}

impl fmt::Debug for DirectorySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectorySnapshot")
            .field("revision", &self.revision)
            .field("as_of", &self.as_of)
            .field("users", &self.people.numbers())
            .field("groups", &self.groups.len())
            .finish_non_exhaustive()
    }
}
