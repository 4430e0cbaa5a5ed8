//! Making a snapshot from an import, in any order of its parts.

use std::hint::black_box;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use hashbrown::HashTable;
use thiserror::Error;

use super::ancestry::Lineage;
use super::groups::{GroupIndex, Groups, Knowledge};
use super::hashing::Hashing;
use super::membership::{MAX_GROUPS, Memberships};
use super::names::{self, BLOCK, Entry, MAX_RECORD, NamesBuilder};
use super::people::{KnownHomes, MAX_USERS, People};
use super::revision::DirectoryRevision;
use super::snapshot::{DirectorySnapshot, LastMembersMark};
use super::user::User;
use crate::identity::{GroupId, UserId};
use crate::steps;

/// Collects one full import and makes a snapshot of it, or nothing.
///
/// Users, groups and memberships may come in any order. A member without a user record is a user known by id alone:
/// they are protected all the same. A membership that names a group which was not imported is an error, because the
/// import was cut somewhere.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, User};
/// use activity_privacy::identity::{Alias, GroupId, UserId};
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
/// assert!(snapshot.all_members(&council).contains(&adele));
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use]
pub struct DirectoryBuilder(Box<Collected>);

/// What came in so far.
struct Collected {
    records: Records,
    /// Every group that was named, by its number: with its name once it was imported.
    groups: Vec<(GroupId, Option<Box<str>>)>,
    groups_by_id: HashTable<u32>,
    members: Vec<(u32, u32)>,
    waiting: Waiting,
    nested: Vec<(u32, u32)>,
    /// What keeps the import from being taken.
    fault: Option<ImportError>,
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
    /// A user with more names than fit.
    #[error("user {at} of the import is too large, expected at most {max} bytes of names")]
    UserTooLarge {
        /// Which user record of an import it was, or which change of a delta, from 1.
        at: usize,
        /// How many bytes of names there may be.
        max: usize,
    },
    /// More than can be numbered.
    #[error("there are more than {max} {what}")]
    TooMany {
        /// Of what there are too many: groups or users.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
}

/// Memberships of which it is not known yet who the user is. Ids come in any order, so that each is somewhere else in
/// memory; to look for many at once takes a fraction of the time that it takes one after the other.
#[derive(Default)]
struct Waiting {
    /// The group, the hash of the id of the user, and where the id ends.
    listed: Vec<(u32, u64, usize)>,
    ids: String,
}

/// Users as they came in: one record after the other, and where the one that counts of each user is.
struct Records {
    hashing: Hashing,
    by_id: HashTable<u32>,
    /// Where the record of each user begins and ends.
    places: Vec<(u64, u32)>,
    /// The hash of the id of each user.
    hashes: Vec<u64>,
    homes_of: Vec<u32>,
    homes: KnownHomes,
    bytes: Vec<u8>,
    /// How many user records there were.
    recorded: usize,
}

impl Default for Collected {
    fn default() -> Self {
        let records = Records {
            hashing: Hashing::new(),
            by_id: HashTable::new(),
            places: Vec::new(),
            hashes: Vec::new(),
            homes_of: Vec::new(),
            homes: KnownHomes::default(),
            bytes: Vec::new(),
            recorded: 0,
        };
        let (groups, groups_by_id, members, waiting, nested) = <_>::default();
        Self { records, groups, groups_by_id, members, waiting, nested, fault: None }
    }
}

impl Records {
    fn bytes_of(&self, user: u32) -> &[u8] {
        let place = self.places.get(user as usize);
        place.and_then(|(start, len)| self.bytes.get(*start as usize..)?.get(..*len as usize)).unwrap_or_default()
    }

    fn entry(&self, user: u32) -> Option<Entry<'_>> {
        Entry::read(self.bytes_of(user))
    }

    fn number(&self, hash: u64, id: &str) -> Option<u32> {
        let is = |user: &u32| {
            let same_hash = self.hashes.get(*user as usize) == Some(&hash);
            same_hash && self.entry(*user).is_some_and(|entry| entry.has_id(id))
        };
        self.by_id.find(hash, is).copied()
    }

    /// The number of whoever has this id, who is known by it alone if nobody has it yet.
    fn number_or_new(&mut self, hash: u64, id: &str) -> Result<u32, ImportError> {
        match self.number(hash, id) {
            Some(user) => Ok(user),
            None => self.add(hash, &User::new(UserId::from_checked(id)), false),
        }
    }

    /// Has what [`Self::number`] reads for these hashes brought from memory, all at the same time.
    fn touch(&self, hashes: impl Iterator<Item = u64>) {
        let users: Vec<usize> =
            hashes.map(|hash| self.by_id.find(hash, |_| true).map_or(0, |user| *user as usize)).collect();
        black_box(users.iter().filter_map(|user| self.hashes.get(*user)).fold(0, |sum, hash| sum ^ hash));
        let starts: Vec<u64> =
            users.iter().filter_map(|user| self.places.get(*user)).map(|(start, _)| *start).collect();
        // The id stands at the beginning, and mostly reaches into a second cache line.
        let ends = |start: &u64| [*start as usize, *start as usize + 40];
        let bytes = starts.iter().flat_map(ends).filter_map(|at| self.bytes.get(at));
        black_box(bytes.fold(0, |sum: u8, byte| sum ^ byte));
    }

    fn record(&mut self, user: &User) -> Result<(), ImportError> {
        self.recorded += 1;
        let hash = self.hashing.of_id(user.id().as_str());
        match self.number(hash, user.id().as_str()) {
            None => self.add(hash, user, true).map(drop),
            Some(known) if self.entry(known).is_some_and(Entry::is_recorded) => {
                Err(ImportError::UserTwice { at: self.recorded })
            }
            Some(known) => {
                let (place, home) = self.write(user, true)?;
                if let (Some(old_place), Some(old_home)) =
                    (self.places.get_mut(known as usize), self.homes_of.get_mut(known as usize))
                {
                    (*old_place, *old_home) = (place, home);
                }
                Ok(())
            }
        }
    }

    fn add(&mut self, hash: u64, user: &User, recorded: bool) -> Result<u32, ImportError> {
        if self.places.len() >= MAX_USERS {
            return Err(ImportError::TooMany { what: "users", max: MAX_USERS });
        }
        let (place, home) = self.write(user, recorded)?;
        let number = self.places.len() as u32;
        self.places.push(place);
        self.homes_of.push(home);
        self.hashes.push(hash);
        let Self { by_id, hashes, .. } = self;
        by_id.insert_unique(hash, number, |user| hashes.get(*user as usize).copied().unwrap_or(0));
        Ok(number)
    }

    fn write(&mut self, user: &User, recorded: bool) -> Result<((u64, u32), u32), ImportError> {
        let start = self.bytes.len();
        names::write(user, recorded, &mut self.bytes)
            .map_err(|_| ImportError::UserTooLarge { at: self.recorded, max: MAX_RECORD })?;
        Ok(((start as u64, (self.bytes.len() - start) as u32), self.homes.number_of(user)))
    }

    /// All records side by side, in order of their numbers.
    fn into_people(self) -> People {
        let mut blocks = Vec::with_capacity(self.places.len().div_ceil(BLOCK));
        steps::advance(self.places.len());
        for (first, places) in (0_u32..).step_by(BLOCK).zip(self.places.chunks(BLOCK)) {
            let mut names = NamesBuilder::default();
            let homes = self.homes_of.iter().skip(first as usize);
            for (user, home) in (first..).zip(homes).take(places.len()) {
                names.push(self.bytes_of(user), *home);
            }
            blocks.push(names.build());
        }
        let Self { hashing, homes, .. } = self;
        People::new(blocks, homes, hashing)
    }
}

impl DirectoryBuilder {
    /// An empty import.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user.
    pub fn user(mut self, user: User) -> Self {
        steps::advance(1);
        let recorded = self.0.records.record(&user);
        self.0.checked(recorded);
        self
    }

    /// Adds a group under its immutable id, with the name to show.
    pub fn group(mut self, id: GroupId, name: impl Into<String>) -> Self {
        steps::advance(1);
        let group = self.0.group_number(&id);
        match self.0.groups.get_mut(group as usize) {
            Some((_, name_there @ None)) => *name_there = Some(name.into().into_boxed_str()),
            _ => self.0.checked(Err(ImportError::GroupTwice(id))),
        }
        self
    }

    /// Adds a user to a group.
    pub fn member(mut self, group: &GroupId, user: &UserId) -> Self {
        const AT_ONCE: usize = 1_024;
        steps::advance(1);
        let group = self.0.group_number(group);
        let Collected { records, waiting, .. } = &mut *self.0;
        waiting.ids.push_str(user.as_str());
        waiting.listed.push((group, records.hashing.of_id(user.as_str()), waiting.ids.len()));
        if waiting.listed.len() == AT_ONCE {
            self.0.find_waiting();
        }
        self
    }

    /// Nests `child` in `group`: whoever is in the child is in the group.
    pub fn nested(mut self, group: &GroupId, child: &GroupId) -> Self {
        let nesting = (self.0.group_number(group), self.0.group_number(child));
        self.0.nested.push(nesting);
        self
    }

    /// The snapshot, if the import holds together.
    ///
    /// # Errors
    /// [`ImportError`] names what does not fit.
    pub fn build(self, revision: DirectoryRevision, as_of: DateTime<Utc>) -> Result<DirectorySnapshot, ImportError> {
        let mut collected = *self.0;
        collected.find_waiting();
        let Collected { records, groups: named, members, nested, fault, .. } = collected;
        if let Some(fault) = fault {
            return Err(fault);
        }
        steps::advance(named.len() + nested.len());
        let mut groups = Groups::default();
        for (id, name) in named {
            match name {
                Some(name) => groups.put(id, name, Knowledge::Whole),
                None => return Err(ImportError::UnknownGroup(id)),
            };
        }
        for (group, child) in nested {
            groups.nest(GroupIndex(group), GroupIndex(child));
        }
        let memberships = Memberships::sorted_by_user(records.places.len(), &members);
        drop(members);
        Ok(DirectorySnapshot {
            revision,
            as_of,
            people: records.into_people(),
            groups: Arc::new(groups),
            memberships,
            last_names: Arc::default(),
            last_members: LastMembersMark::default(),
            lineage: Lineage::of_import(),
        })
    }
}

impl Collected {
    fn group_number(&mut self, id: &GroupId) -> u32 {
        let Self { records: Records { hashing, .. }, groups, groups_by_id, .. } = self;
        let hash = hashing.of_id(id.as_str());
        let id_of = |group: u32| groups.get(group as usize).map(|(id, _)| id);
        if let Some(group) = groups_by_id.find(hash, |group| id_of(*group) == Some(id)) {
            return *group;
        }
        let group = groups.len() as u32;
        if groups.len() >= MAX_GROUPS {
            self.checked(Err(ImportError::TooMany { what: "groups", max: MAX_GROUPS }));
            return group;
        }
        groups_by_id.insert_unique(hash, group, |group| id_of(*group).map_or(0, |id| hashing.of_id(id.as_str())));
        self.groups.push((id.clone(), None));
        group
    }

    /// Finds out who those are that groups list.
    fn find_waiting(&mut self) {
        let Waiting { mut listed, mut ids } = std::mem::take(&mut self.waiting);
        self.records.touch(listed.iter().map(|(_, hash, _)| *hash));
        steps::advance(listed.len());
        let mut start = 0;
        for (group, hash, end) in listed.drain(..) {
            match self.records.number_or_new(hash, ids.get(start..end).unwrap_or_default()) {
                Ok(user) => self.members.push((user, group)),
                Err(fault) => self.checked(Err(fault)),
            }
            start = end;
        }
        // What they were held in is used again.
        ids.clear();
        self.waiting = Waiting { listed, ids };
    }

    /// Keeps the first fault.
    fn checked(&mut self, outcome: Result<(), ImportError>) {
        if let Err(fault) = outcome {
            self.fault.get_or_insert(fault);
        }
    }
}

impl std::fmt::Debug for DirectoryBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectoryBuilder").finish_non_exhaustive()
    }
}
