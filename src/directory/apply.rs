//! Applies a delta to a snapshot.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::additions::Additions;
use super::builder::ImportError;
use super::delta::{DirectoryChange, DirectoryDelta};
use super::groups::{GroupIndex, Groups, Knowledge, Removal};
use super::membership::MAX_GROUPS;
use super::records::{self, MAX_RECORD, UserRecord};
use super::revision::DirectoryRevision;
use super::snapshot::{DirectorySnapshot, LastMembersMark, LastNames};
use super::user::User;
use super::users::{EncodedRecord, MAX_USERS, UserIndex};
use crate::identity::{Alias, GroupId, UserId};
use crate::steps;

impl DirectorySnapshot {
    /// Returns the snapshot after a delta. It is a [successor](Self::carry_over_from) of this one.
    ///
    /// The cost depends on the size of the delta, and hardly on that of the directory: for each changed user, the
    /// memberships of 32 users are copied, and the records of 512. Only a delta that removes or restores groups reads
    /// all memberships, once. If a sixteenth of all records have changed, the index of all users is built again.
    ///
    /// A group that the delta adds and that was removed before, by this delta or an earlier one, continues from its
    /// last known members; [`Self::carry_over_from`] states how long these are remembered. If they were forgotten, the
    /// members of the group are unknown until an import lists it, and a policy that names the group, or a group that it
    /// is nested in, hides everything.
    ///
    /// # Errors
    /// Returns [`ImportError`] if the delta is not consistent or exceeds a limit. This snapshot does not change in any
    /// case.
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
                draft.apply(at, change)?;
            }
            draft.settle_removed()?;
            next = Some(draft.finish(as_of)?);
        }
        // INVARIANT: every delta has a part, which can be empty.
        next.map_or_else(|| Draft::over(self, revision).finish(as_of), Ok)
    }
}

/// A snapshot that is being made from the one before.
pub(super) struct Draft<'a> {
    pub(super) before: &'a DirectorySnapshot,
    pub(super) revision: DirectoryRevision,
    pub(super) groups: Arc<Groups>,
    /// All groups of the users with a changed membership.
    pub(super) memberships: BTreeMap<u32, BTreeSet<u32>>,
    pub(super) records: BTreeMap<u32, DraftRecord>,
    /// New users.
    added: HashMap<UserId, u32>,
    /// The groups that the delta removed, and those that it restored.
    pub(super) removed: BTreeSet<GroupIndex>,
    pub(super) restored: BTreeSet<GroupIndex>,
    pub(super) additions: Additions,
    pub(super) last_names: Arc<LastNames>,
    /// Whether anything changed for a last member of a removed group.
    pub(super) changes_last_members: bool,
}

/// The new record of a user.
pub(super) struct DraftRecord {
    pub(super) user: User,
    pub(super) recorded: bool,
    /// Whether it was carried over from an earlier snapshot, so that it keeps all names.
    pub(super) carried: bool,
    /// The number of the change in the delta, from 1.
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
            changes_last_members: false,
        }
    }

    fn apply(&mut self, at: usize, change: &DirectoryChange) -> Result<(), ImportError> {
        steps::advance(1);
        match change {
            DirectoryChange::User(user) => {
                let number = self.number_or_new(user.id())?;
                self.records.insert(number, DraftRecord { user: user.clone(), recorded: true, carried: false, at });
            }
            DirectoryChange::RemoveUser(id) => {
                if let Some(number) = self.number(id) {
                    let user = self.user(number).unwrap_or_else(|| User::new(id.clone()));
                    self.records.insert(number, DraftRecord { user, recorded: false, carried: false, at });
                }
            }
            DirectoryChange::Group(id, name) => {
                let known = self.groups.index_even_if_removed(id);
                if known.is_none() {
                    self.check_room_for_a_group()?;
                }
                if let Some(known) = known.filter(|known| !self.groups.is_in_directory(*known)) {
                    self.restored.insert(known);
                    // The nested groups count as they are now, and not as they were when the group was removed.
                    let children = self.groups.all_children(known).iter();
                    children.for_each(|child| self.additions.add_nesting(known, *child));
                }
                Arc::make_mut(&mut self.groups).put(id.clone(), name.clone(), Knowledge::SinceAdded);
            }
            DirectoryChange::RemoveGroup(id) => self.remove_group(id),
            DirectoryChange::Member(group, user) => {
                let (group, user) = (self.group(group)?, self.number_or_new(user)?);
                self.memberships_of(user).insert(group.0);
                self.additions.add_member(group, user);
            }
            DirectoryChange::RemoveMember(group, user) => {
                if let (Some(group), Some(user)) = (self.groups.index_of(group), self.number(user)) {
                    self.memberships_of(user).remove(&group.0);
                    self.additions.remove_member(group, user);
                }
            }
            DirectoryChange::Nested(group, child) => {
                let (group, child) = (self.group(group)?, self.group(child)?);
                Arc::make_mut(&mut self.groups).nest(group, child);
                self.additions.add_nesting(group, child);
            }
            DirectoryChange::RemoveNesting(group, child) => {
                if let (Some(group), Some(child)) = (self.groups.index_of(group), self.groups.index_of(child)) {
                    Arc::make_mut(&mut self.groups).remove_nesting(group, child);
                    self.additions.remove_nesting(group, child);
                }
            }
        }
        Ok(())
    }

    fn group(&self, id: &GroupId) -> Result<GroupIndex, ImportError> {
        self.groups.index_of(id).ok_or_else(|| ImportError::UnknownGroup(id.clone()))
    }

    pub(super) fn check_room_for_a_group(&self) -> Result<(), ImportError> {
        match self.groups.slots() < MAX_GROUPS {
            true => Ok(()),
            false => Err(ImportError::TooMany { what: "groups", max: MAX_GROUPS }),
        }
    }

    fn remove_group(&mut self, id: &GroupId) {
        let Some(group) = self.groups.index_of(id) else { return };
        let removal = Removal { last_seen: self.before.revision, removed_in: self.revision };
        Arc::make_mut(&mut self.groups).remove(group, removal);
        self.removed.insert(group);
        self.additions.keep_recent();
    }

    pub(super) fn number(&self, id: &UserId) -> Option<u32> {
        self.added.get(id).copied().or_else(|| self.before.find(id).map(UserIndex::as_u32))
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
        self.records
            .insert(number, DraftRecord { user: User::new(id.clone()), recorded: false, carried: false, at: 0 });
        Ok(number)
    }

    pub(super) fn memberships_of(&mut self, user: u32) -> &mut BTreeSet<u32> {
        let before = &self.before.memberships;
        self.memberships.entry(user).or_insert_with(|| before.of(user).inspect(|_| steps::advance(1)).collect())
    }

    fn user(&self, number: u32) -> Option<User> {
        match self.records.get(&number) {
            Some(draft) => Some(draft.user.clone()),
            None => self.before.record(UserIndex(number)).map(UserRecord::to_user),
        }
    }

    pub(super) fn finish(mut self, as_of: DateTime<Utc>) -> Result<DirectorySnapshot, ImportError> {
        self.drop_names();
        self.keep_last_names();
        self.changes_last_members |= !Arc::ptr_eq(&self.groups, &self.before.groups);
        let before = self.before;
        let mut homes = before.users.home_numbers();
        let mut encoded = BTreeMap::new();
        for (number, DraftRecord { user, recorded, at, .. }) in &self.records {
            let mut bytes = Vec::new();
            if *recorded || self.is_listed(*number) {
                records::write(user, *recorded, &mut bytes)
                    .map_err(|_| ImportError::UserTooLarge { at: *at, max: MAX_RECORD })?;
            }
            encoded.insert(*number, EncodedRecord { bytes, home: homes.number_of(user) });
        }
        let memberships: Vec<(u32, Vec<u32>)> =
            self.memberships.iter().map(|(user, groups)| (*user, groups.iter().copied().collect())).collect();
        let changed: BTreeSet<u32> = encoded.keys().chain(self.memberships.keys()).copied().collect();

        let mut next = DirectorySnapshot {
            revision: self.revision,
            as_of,
            users: if encoded.is_empty() { before.users.clone() } else { before.users.replacing(&encoded, homes) },
            groups: self.groups,
            memberships: before.memberships.replacing(&memberships),
            last_names: self.last_names,
            last_members: match self.changes_last_members {
                true => LastMembersMark::default(),
                false => before.last_members.clone(),
            },
            ancestry: before.ancestry.clone(),
        };
        let sharers = encoded.keys().flat_map(|user| next.users_sharing_names_with(before, UserIndex(*user)));
        let affected: BTreeSet<UserIndex> = changed.iter().copied().map(UserIndex).chain(sharers).collect();
        next.ancestry = before.ancestry.extended(affected);
        Ok(next)
    }

    /// Updates the names of users without a record. They keep their former names, except those that the record of
    /// another user has now. A user without a record and without memberships keeps no name.
    fn drop_names(&mut self) {
        let taken: HashSet<String> = self.on_record().flat_map(User::aliases).map(Alias::key).collect();
        let before = self.before;
        let others = self.on_record().flat_map(User::aliases).flat_map(|alias| {
            let called = before.users.called(alias.into()).filter(|(_, record)| !record.is_recorded());
            called.map(|(user, _)| user.as_u32()).collect::<Vec<_>>()
        });
        let unlisted = self.memberships.iter().filter(|(_, groups)| groups.is_empty()).map(|(user, _)| *user);
        steps::advance(self.records.len() + self.memberships.len());
        let revisited: BTreeSet<u32> = others.chain(unlisted).filter(|user| !self.records.contains_key(user)).collect();
        for number in revisited {
            if let Some(record) = before.record(UserIndex(number)).filter(|record| !record.is_recorded()) {
                let user = record.to_user();
                self.records.insert(number, DraftRecord { user, recorded: false, carried: false, at: 0 });
            }
        }
        let replaced: BTreeSet<u32> = self.records.keys().copied().collect();
        let is_held = |alias: &Alias, holder: u32| {
            taken.contains(&alias.key())
                || before.users.called(alias.into()).any(|(user, record)| {
                    record.is_recorded() && user.as_u32() != holder && !replaced.contains(&user.as_u32())
                })
        };
        for (number, draft) in self.records.iter_mut().filter(|(_, draft)| !draft.recorded && !draft.carried) {
            let had_record = before.record(UserIndex(*number)).is_some_and(|record| record.was_recorded());
            draft.user = match had_record {
                true => draft.user.without_record(|alias| !is_held(alias, *number)),
                false => User::new(draft.user.id().clone()),
            };
        }
    }

    /// Returns the users whose records the delta has.
    fn on_record(&self) -> impl Iterator<Item = &User> {
        self.records.values().filter(|draft| draft.recorded).map(|draft| &draft.user)
    }

    fn is_listed(&self, user: u32) -> bool {
        match self.memberships.get(&user) {
            Some(groups) => !groups.is_empty(),
            None => self.before.memberships.of(user).next().is_some(),
        }
    }
}

impl DirectorySnapshot {
    /// Returns the users who have or had a name that a user has or had.
    fn users_sharing_names_with(&self, before: &Self, user: UserIndex) -> BTreeSet<UserIndex> {
        let records = [before.record(user), self.record(user)].into_iter().flatten();
        let keys = records.flat_map(UserRecord::aliases).map(|alias| alias.key());
        let users = keys.flat_map(|key| self.users.called(key).chain(before.users.called(key)));
        users.map(|(user, _)| user).collect()
    }
}
