//! The next snapshot: the one before, with what changed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::builder::ImportError;
use super::delta::{DirectoryChange, DirectoryDelta};
use super::groups::{GroupIndex, Groups};
use super::membership::MAX_GROUPS;
use super::names::{self, MAX_RECORD};
use super::people::{MAX_USERS, NewRecord, UserIndex};
use super::revision::DirectoryRevision;
use super::snapshot::DirectorySnapshot;
use super::user::User;
use crate::identity::{Alias, GroupId, Identity, UserId};

impl DirectorySnapshot {
    /// The snapshot that follows this one once a delta was applied: whole, or not at all. It is the
    /// [successor](Self::succeeding) of this one already.
    ///
    /// Costs what changed, and hardly what there is: the memberships of 32 users are copied for each of them that
    /// changed, and the records of 512. Only a group that is removed costs the reading of all memberships, and when a
    /// sixteenth of all records have changed, everybody is indexed anew.
    ///
    /// # Errors
    /// [`ImportError`] names what does not fit; this snapshot is then as it was, and so is whatever is in force.
    pub fn with(
        &self,
        delta: &DirectoryDelta,
        revision: DirectoryRevision,
        as_of: DateTime<Utc>,
    ) -> Result<Self, ImportError> {
        let mut next: Option<Self> = None;
        for (before, changes) in delta.parts() {
            let mut draft = Draft::new(next.as_ref().unwrap_or(self));
            for (at, change) in (before + 1..).zip(changes) {
                draft.take(at, change)?;
            }
            next = Some(draft.finish(revision, as_of)?);
        }
        // INVARIANT: every delta has a part, be it an empty one.
        next.map_or_else(|| Draft::new(self).finish(revision, as_of), Ok)
    }
}

/// A snapshot in the making.
struct Draft<'a> {
    before: &'a DirectorySnapshot,
    groups: Arc<Groups>,
    /// The groups of users for whom any membership changed.
    memberships: BTreeMap<u32, BTreeSet<u32>>,
    records: BTreeMap<u32, Written>,
    /// Users who were not there before.
    added: HashMap<UserId, u32>,
}

/// What a user is known by from now on.
struct Written {
    user: User,
    recorded: bool,
    /// Which change of the delta said so, from 1.
    at: usize,
}

impl<'a> Draft<'a> {
    fn new(before: &'a DirectorySnapshot) -> Self {
        let (memberships, records, added) = (BTreeMap::new(), BTreeMap::new(), HashMap::new());
        Self { before, groups: Arc::clone(&before.groups), memberships, records, added }
    }

    fn take(&mut self, at: usize, change: &DirectoryChange) -> Result<(), ImportError> {
        match change {
            DirectoryChange::User(user) => {
                let number = self.number_or_new(user.id())?;
                self.records.insert(number, Written { user: user.clone(), recorded: true, at });
            }
            DirectoryChange::NoUser(id) => {
                if let Some(number) = self.number(id) {
                    let user = self.user(number).unwrap_or_else(|| User::new(id.clone()));
                    self.records.insert(number, Written { user, recorded: false, at });
                }
            }
            DirectoryChange::Group(id, name) => {
                if self.groups.number(id).is_none() && self.groups.numbers() >= MAX_GROUPS {
                    return Err(ImportError::TooMany { what: "groups", max: MAX_GROUPS });
                }
                Arc::make_mut(&mut self.groups).put(id.clone(), name.clone());
            }
            DirectoryChange::NoGroup(id) => self.remove_group(id),
            DirectoryChange::Member(group, user) => {
                let (group, user) = (self.group(group)?, self.number_or_new(user)?);
                self.memberships_of(user).insert(group.0);
            }
            DirectoryChange::NoMember(group, user) => {
                if let (Some(group), Some(user)) = (self.groups.number(group), self.number(user)) {
                    self.memberships_of(user).remove(&group.0);
                }
            }
            DirectoryChange::Nested(group, child) => {
                let (group, child) = (self.group(group)?, self.group(child)?);
                Arc::make_mut(&mut self.groups).nest(group, child);
            }
            DirectoryChange::NotNested(group, child) => {
                if let (Some(group), Some(child)) = (self.groups.number(group), self.groups.number(child)) {
                    Arc::make_mut(&mut self.groups).take_out(group, child);
                }
            }
        }
        Ok(())
    }

    fn group(&self, id: &GroupId) -> Result<GroupIndex, ImportError> {
        self.groups.number(id).ok_or_else(|| ImportError::UnknownGroup(id.clone()))
    }

    fn remove_group(&mut self, id: &GroupId) {
        let Some(group) = self.groups.number(id) else { return };
        for user in self.before.memberships.listed_by(group.number()) {
            self.memberships_of(user);
        }
        for groups in self.memberships.values_mut() {
            groups.remove(&group.0);
        }
        Arc::make_mut(&mut self.groups).remove(group);
    }

    fn number(&self, id: &UserId) -> Option<u32> {
        self.added.get(id).copied().or_else(|| self.before.find(id).map(UserIndex::number))
    }

    fn number_or_new(&mut self, id: &UserId) -> Result<u32, ImportError> {
        if let Some(number) = self.number(id) {
            return Ok(number);
        }
        let number = self.before.user_range().len() + self.added.len();
        if number >= MAX_USERS {
            return Err(ImportError::TooMany { what: "users", max: MAX_USERS });
        }
        let number = number as u32;
        self.added.insert(id.clone(), number);
        self.records.insert(number, Written { user: User::new(id.clone()), recorded: false, at: 0 });
        Ok(number)
    }

    fn memberships_of(&mut self, user: u32) -> &mut BTreeSet<u32> {
        let before = &self.before.memberships;
        self.memberships.entry(user).or_insert_with(|| before.of(user).collect())
    }

    fn user(&self, number: u32) -> Option<User> {
        match self.records.get(&number) {
            Some(written) => Some(written.user.clone()),
            None => self.before.entry(UserIndex(number)).map(|entry| entry.to_user()),
        }
    }

    fn finish(mut self, revision: DirectoryRevision, as_of: DateTime<Utc>) -> Result<DirectorySnapshot, ImportError> {
        self.forget_names();
        let before = self.before;
        let mut homes = before.people.known_homes();
        let mut records = BTreeMap::new();
        for (number, Written { user, recorded, at }) in &self.records {
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
            revision,
            as_of,
            people: if records.is_empty() { before.people.clone() } else { before.people.replacing(&records, homes) },
            groups: self.groups,
            memberships: before.memberships.replacing(&memberships),
            vanished: HashMap::new(),
            lineage: before.lineage.clone(),
        };
        let renamed: HashMap<&UserId, u32> =
            self.records.iter().map(|(number, written)| (written.user.id(), *number)).collect();
        let since =
            |id: &UserId| renamed.get(id).and_then(|number| next.entry(UserIndex(*number))).map(|e| e.to_user());
        next.vanished = next.vanished_after(before, since);
        let sharers = records.keys().flat_map(|user| next.sharing_a_name_with(before, UserIndex(*user)));
        let affected: BTreeSet<UserIndex> = changed.iter().copied().map(UserIndex).chain(sharers).collect();
        next.lineage = before.lineage.and(affected);
        Ok(next)
    }

    /// Whoever is known without a record keeps the names of before, but for those that somebody else's record has now;
    /// and whoever lost the last membership that they were known by is not known any more.
    fn forget_names(&mut self) {
        let taken: HashSet<String> = self.on_record().flat_map(User::aliases).map(Alias::key).collect();
        let others = self.on_record().flat_map(|user| user.aliases().to_vec()).flat_map(|alias| {
            let alias = Identity::Alias(alias);
            let called = self.before.people.called(&alias).filter(|(_, entry)| !entry.is_recorded());
            called.map(|(user, _)| user.number()).collect::<Vec<_>>()
        });
        let unlisted = self.memberships.iter().filter(|(_, groups)| groups.is_empty()).map(|(user, _)| *user);
        let revisited: BTreeSet<u32> = others.chain(unlisted).filter(|user| !self.records.contains_key(user)).collect();
        for number in revisited {
            if let Some(entry) = self.before.entry(UserIndex(number)).filter(|entry| !entry.is_recorded()) {
                self.records.insert(number, Written { user: entry.to_user(), recorded: false, at: 0 });
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
        for (number, written) in self.records.iter_mut().filter(|(_, written)| !written.recorded) {
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
