//! The next snapshot: the one before, with what changed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::additions::Additions;
use super::builder::ImportError;
use super::delta::{DirectoryChange, DirectoryDelta};
use super::groups::{GroupIndex, Groups, Knowledge, Removal};
use super::membership::MAX_GROUPS;
use super::names::{self, MAX_RECORD};
use super::people::{MAX_USERS, NewRecord, UserIndex};
use super::revision::DirectoryRevision;
use super::snapshot::{DirectorySnapshot, LastMembersMark, LastNames};
use super::user::User;
use crate::identity::{Alias, GroupId, Identity, UserId};
use crate::steps;

impl DirectorySnapshot {
    /// The snapshot that follows this one once a delta was applied: whole, or not at all. It is the
    /// [successor](Self::carry_over_from) of this one already.
    ///
    /// Costs what changed, and hardly what there is: the memberships of 32 users are copied for each of them that
    /// changed, and the records of 512. Only a delta that removes or restores groups reads all memberships, once. When a
    /// sixteenth of all records have changed, everybody is indexed anew.
    ///
    /// A group that the delta adds and that was removed before continues from its last known members, in this delta or an
    /// earlier one; see [`Self::carry_over_from`] for how long these are remembered. If they were forgotten, the members of the
    /// group are unknown until an import lists it, and a policy that names the group or one that it is nested in hides
    /// everybody.
    ///
    /// # Errors
    /// [`ImportError`] names what does not fit; this snapshot is then as it was, and so is whatever is in force.
    pub fn apply(
        &self,
        delta: &DirectoryDelta,
        revision: DirectoryRevision,
        as_of: DateTime<Utc>,
    ) -> Result<Self, ImportError> {
        let mut next: Option<Self> = None;
        for (before, changes) in delta.parts() {
            let mut draft = Draft::over(next.as_ref().unwrap_or(self), revision);
            for (at, change) in (before + 1..).zip(changes) {
                draft.take(at, change)?;
            }
            draft.settle_removed()?;
            next = Some(draft.finish(as_of)?);
        }
        // INVARIANT: every delta has a part, be it an empty one.
        next.map_or_else(|| Draft::over(self, revision).finish(as_of), Ok)
    }
}

/// A snapshot in the making.
pub(super) struct Draft<'a> {
    pub(super) before: &'a DirectorySnapshot,
    pub(super) revision: DirectoryRevision,
    pub(super) groups: Arc<Groups>,
    /// The groups of users for whom any membership changed.
    pub(super) memberships: BTreeMap<u32, BTreeSet<u32>>,
    pub(super) records: BTreeMap<u32, Written>,
    /// Users who were not there before.
    added: HashMap<UserId, u32>,
    /// The groups that the delta removed, and those that it restored.
    pub(super) removed: BTreeSet<GroupIndex>,
    pub(super) restored: BTreeSet<GroupIndex>,
    pub(super) additions: Additions,
    /// See [`DirectorySnapshot`]; with what is new.
    pub(super) last_names: Arc<LastNames>,
    /// Whether anything changed for somebody who is a member of a removed group.
    pub(super) moves_last_members: bool,
}

/// What a user is known by from now on.
pub(super) struct Written {
    pub(super) user: User,
    pub(super) recorded: bool,
    /// Whether this was carried over from an earlier snapshot, so that none of the names is to be dropped.
    pub(super) carried: bool,
    /// Which change of the delta said so, from 1.
    pub(super) at: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn over(before: &'a DirectorySnapshot, revision: DirectoryRevision) -> Self {
        Self {
            before,
            revision,
            groups: Arc::clone(&before.groups),
            memberships: BTreeMap::new(),
            records: BTreeMap::new(),
            added: HashMap::new(),
            removed: BTreeSet::new(),
            restored: BTreeSet::new(),
            additions: Additions::default(),
            last_names: Arc::clone(&before.last_names),
            moves_last_members: false,
        }
    }

    fn take(&mut self, at: usize, change: &DirectoryChange) -> Result<(), ImportError> {
        steps::advance(1);
        match change {
            DirectoryChange::User(user) => {
                let number = self.number_or_new(user.id())?;
                self.records.insert(number, Written { user: user.clone(), recorded: true, carried: false, at });
            }
            DirectoryChange::RemoveUser(id) => {
                if let Some(number) = self.number(id) {
                    let user = self.user(number).unwrap_or_else(|| User::new(id.clone()));
                    self.records.insert(number, Written { user, recorded: false, carried: false, at });
                }
            }
            DirectoryChange::Group(id, name) => {
                let known = self.groups.known(id);
                if known.is_none() {
                    self.check_room_for_a_group()?;
                }
                if let Some(known) = known.filter(|known| !self.groups.is_there(*known)) {
                    self.restored.insert(known);
                    // What is nested in it is what it is now, and not what it was when the group went.
                    let children = self.groups.neighbours(known).1.iter();
                    children.for_each(|child| self.additions.nested(known, *child));
                }
                Arc::make_mut(&mut self.groups).put(id.clone(), name.clone(), Knowledge::SinceAdded);
            }
            DirectoryChange::RemoveGroup(id) => self.remove_group(id),
            DirectoryChange::Member(group, user) => {
                let (group, user) = (self.group(group)?, self.number_or_new(user)?);
                self.memberships_of(user).insert(group.0);
                self.additions.member(group, user);
            }
            DirectoryChange::RemoveMember(group, user) => {
                if let (Some(group), Some(user)) = (self.groups.number(group), self.number(user)) {
                    self.memberships_of(user).remove(&group.0);
                    self.additions.no_member(group, user);
                }
            }
            DirectoryChange::Nested(group, child) => {
                let (group, child) = (self.group(group)?, self.group(child)?);
                Arc::make_mut(&mut self.groups).nest(group, child);
                self.additions.nested(group, child);
            }
            DirectoryChange::RemoveNesting(group, child) => {
                if let (Some(group), Some(child)) = (self.groups.number(group), self.groups.number(child)) {
                    Arc::make_mut(&mut self.groups).take_out(group, child);
                    self.additions.not_nested(group, child);
                }
            }
        }
        Ok(())
    }

    fn group(&self, id: &GroupId) -> Result<GroupIndex, ImportError> {
        self.groups.number(id).ok_or_else(|| ImportError::UnknownGroup(id.clone()))
    }

    pub(super) fn check_room_for_a_group(&self) -> Result<(), ImportError> {
        match self.groups.numbers() < MAX_GROUPS {
            true => Ok(()),
            false => Err(ImportError::TooMany { what: "groups", max: MAX_GROUPS }),
        }
    }

    fn remove_group(&mut self, id: &GroupId) {
        let Some(group) = self.groups.number(id) else { return };
        let removal = Removal { last_seen: self.before.revision, removed_in: self.revision };
        Arc::make_mut(&mut self.groups).remove(group, removal);
        self.removed.insert(group);
        self.additions.settle();
    }

    pub(super) fn number(&self, id: &UserId) -> Option<u32> {
        self.added.get(id).copied().or_else(|| self.before.find(id).map(UserIndex::number))
    }

    pub(super) fn number_or_new(&mut self, id: &UserId) -> Result<u32, ImportError> {
        if let Some(number) = self.number(id) {
            return Ok(number);
        }
        let number = self.before.user_range().len() + self.added.len();
        if number >= MAX_USERS {
            return Err(ImportError::TooMany { what: "users", max: MAX_USERS });
        }
        let number = number as u32;
        self.added.insert(id.clone(), number);
        self.records.insert(number, Written { user: User::new(id.clone()), recorded: false, carried: false, at: 0 });
        Ok(number)
    }

    pub(super) fn memberships_of(&mut self, user: u32) -> &mut BTreeSet<u32> {
        let before = &self.before.memberships;
        self.memberships.entry(user).or_insert_with(|| before.of(user).inspect(|_| steps::advance(1)).collect())
    }

    fn user(&self, number: u32) -> Option<User> {
        match self.records.get(&number) {
            Some(written) => Some(written.user.clone()),
            None => self.before.entry(UserIndex(number)).map(|entry| entry.to_user()),
        }
    }

    pub(super) fn finish(mut self, as_of: DateTime<Utc>) -> Result<DirectorySnapshot, ImportError> {
        self.drop_names();
        self.keep_last_names();
        self.moves_last_members |= !Arc::ptr_eq(&self.groups, &self.before.groups);
        let before = self.before;
        let mut homes = before.people.known_homes();
        let mut records = BTreeMap::new();
        for (number, Written { user, recorded, at, .. }) in &self.records {
            let mut bytes = Vec::new();
            if *recorded || self.is_listed(*number) {
                names::write(user, *recorded, &mut bytes)
                    .map_err(|_| ImportError::UserTooLarge { at: *at, max: MAX_RECORD })?;
            }
            records.insert(*number, NewRecord { bytes, home: homes.number_of(user) });
        }
        let memberships: Vec<(u32, Vec<u32>)> =
            self.memberships.iter().map(|(user, groups)| (*user, groups.iter().copied().collect())).collect();
        let changed: BTreeSet<u32> = records.keys().chain(self.memberships.keys()).copied().collect();

        let mut next = DirectorySnapshot {
            revision: self.revision,
            as_of,
            people: if records.is_empty() { before.people.clone() } else { before.people.replacing(&records, homes) },
            groups: self.groups,
            memberships: before.memberships.replacing(&memberships),
            last_names: self.last_names,
            last_members: match self.moves_last_members {
                true => LastMembersMark::default(),
                false => before.last_members.clone(),
            },
            lineage: before.lineage.clone(),
        };
        let sharers = records.keys().flat_map(|user| next.sharing_a_name_with(before, UserIndex(*user)));
        let affected: BTreeSet<UserIndex> = changed.iter().copied().map(UserIndex).chain(sharers).collect();
        next.lineage = before.lineage.and(affected);
        Ok(next)
    }

    /// Whoever is known without a record keeps the names of before, but for those that somebody else's record has now;
    /// and whoever lost the last membership that they were known by is not known any more.
    fn drop_names(&mut self) {
        let taken: HashSet<String> = self.on_record().flat_map(User::aliases).map(Alias::key).collect();
        let others = self.on_record().flat_map(|user| user.aliases().to_vec()).flat_map(|alias| {
            let alias = Identity::Alias(alias);
            let called = self.before.people.called(&alias).filter(|(_, entry)| !entry.is_recorded());
            called.map(|(user, _)| user.number()).collect::<Vec<_>>()
        });
        let unlisted = self.memberships.iter().filter(|(_, groups)| groups.is_empty()).map(|(user, _)| *user);
        steps::advance(self.records.len() + self.memberships.len());
        let revisited: BTreeSet<u32> = others.chain(unlisted).filter(|user| !self.records.contains_key(user)).collect();
        for number in revisited {
            if let Some(entry) = self.before.entry(UserIndex(number)).filter(|entry| !entry.is_recorded()) {
                self.records.insert(number, Written { user: entry.to_user(), recorded: false, carried: false, at: 0 });
            }
        }
        let before = self.before;
        let replaced: BTreeSet<u32> = self.records.keys().copied().collect();
        let is_held = |alias: &Alias, holder: u32| {
            taken.contains(&alias.key())
                || before.people.called(&Identity::Alias(alias.clone())).any(|(user, entry)| {
                    entry.is_recorded() && user.number() != holder && !replaced.contains(&user.number())
                })
        };
        for (number, written) in self.records.iter_mut().filter(|(_, written)| !written.recorded && !written.carried) {
            let known = before.entry(UserIndex(*number)).is_some_and(|entry| entry.is_known_by_more_than_an_id());
            written.user = match known {
                true => written.user.remembered(|alias| !is_held(alias, *number)),
                false => User::new(written.user.id().clone()),
            };
        }
    }

    /// The records that the delta gives.
    fn on_record(&self) -> impl Iterator<Item = &User> {
        self.records.values().filter(|written| written.recorded).map(|written| &written.user)
    }

    fn is_listed(&self, user: u32) -> bool {
        match self.memberships.get(&user) {
            Some(groups) => !groups.is_empty(),
            None => self.before.memberships.of(user).next().is_some(),
        }
    }
}

impl DirectorySnapshot {
    /// Whoever goes, or went, by a name that a user has or had.
    fn sharing_a_name_with(&self, before: &Self, user: UserIndex) -> BTreeSet<UserIndex> {
        let entries = [before.entry(user), self.entry(user)].into_iter().flatten();
        let aliases = entries.flat_map(|entry| entry.aliases().map(|alias| Identity::Alias(alias.to_alias())));
        aliases
            .flat_map(|alias| {
                let now = self.people.called(&alias).map(|(user, _)| user);
                now.chain(before.people.called(&alias).map(|(user, _)| user)).collect::<Vec<_>>()
            })
            .collect()
    }
}
