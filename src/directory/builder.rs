//! Builds a snapshot from an import, in any order of its parts.

use std::hint::black_box;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use hashbrown::HashTable;
use thiserror::Error;

use super::ancestry::Ancestry;
use super::groups::{GroupIndex, Groups, Knowledge};
use super::hashing::Hashing;
use super::membership::{MAX_GROUPS, Memberships};
use super::records::{self, BLOCK, MAX_RECORD, RecordBlockBuilder, UserRecord};
use super::revision::DirectoryRevision;
use super::snapshot::{DirectorySnapshot, LastMembersMark};
use super::user::User;
use super::users::{HomeNumbers, MAX_USERS, Users};
use crate::identity::{GroupId, UserId};
use crate::steps;

/// Collects one full import and builds a snapshot from it.
///
/// Users, groups and memberships may be added in any order. A member without a user record is a user known by id alone,
/// and protected like any other. A membership in a group that was not imported is an error, because the import must
/// have been truncated.
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

/// The parts of an import that were added so far.
struct Collected {
    users: CollectedUsers,
    /// All groups that were named, by number. A group has its name once it was imported.
    groups: Vec<(GroupId, Option<Box<str>>)>,
    groups_by_id: HashTable<u32>,
    members: Vec<(u32, u32)>,
    pending: PendingMembers,
    nested: Vec<(u32, u32)>,
    /// The first error.
    error: Option<ImportError>,
}

/// Why an import or a delta was rejected. Nothing of it is in force then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImportError {
    /// A membership names a group that is not in the import.
    #[error("a membership names group `{0}`, which is not in the import")]
    UnknownGroup(GroupId),
    /// Two groups have one id.
    #[error("group `{0}` occurs twice in the import")]
    GroupTwice(GroupId),
    /// Two users have one id. The error does not contain the id, because it can identify a person.
    #[error("user record {at} of the import has the same id as an earlier one")]
    UserTwice {
        /// The number of the user record, from 1.
        at: usize,
    },
    /// The names of a user are too long.
    #[error("user {at} of the import is too large, expected at most {max} bytes of names")]
    UserTooLarge {
        /// The number of the user record in an import, or of the change in a delta, from 1.
        at: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// There are more groups or users than can be numbered.
    #[error("there are more than {max} {what}")]
    TooMany {
        /// `groups` or `users`.
        what: &'static str,
        /// The limit.
        max: usize,
    },
}

/// Memberships whose users were not looked up yet. Ids come in any order, so that each lookup misses the cache; many
/// lookups at once take a fraction of the time of as many alone.
#[derive(Default)]
struct PendingMembers {
    /// The group, the hash of the user's id, and the end of the id in `ids`.
    listed: Vec<(u32, u64, usize)>,
    ids: String,
}

/// The records of users in the order of the import, and which of them counts for each user.
struct CollectedUsers {
    hashing: Hashing,
    by_id: HashTable<u32>,
    /// The start and the length of the record of each user.
    spans: Vec<(u64, u32)>,
    /// The hash of the id of each user.
    hashes: Vec<u64>,
    homes_of: Vec<u32>,
    homes: HomeNumbers,
    bytes: Vec<u8>,
    /// How many user records were added.
    recorded: usize,
}

impl Default for Collected {
    fn default() -> Self {
        let users = CollectedUsers {
            hashing: Hashing::new(),
            by_id: HashTable::new(),
            spans: Vec::new(),
            hashes: Vec::new(),
            homes_of: Vec::new(),
            homes: HomeNumbers::default(),
            bytes: Vec::new(),
            recorded: 0,
        };
        let (groups, groups_by_id, members, pending, nested) = <_>::default();
        Self { users, groups, groups_by_id, members, pending, nested, error: None }
    }
}

impl CollectedUsers {
    fn bytes_of(&self, user: u32) -> &[u8] {
        let span = self.spans.get(user as usize);
        span.and_then(|(start, len)| self.bytes.get(*start as usize..)?.get(..*len as usize)).unwrap_or_default()
    }

    fn record(&self, user: u32) -> Option<UserRecord<'_>> {
        UserRecord::read(self.bytes_of(user))
    }

    fn number(&self, hash: u64, id: &str) -> Option<u32> {
        let is = |user: &u32| {
            let same_hash = self.hashes.get(*user as usize) == Some(&hash);
            same_hash && self.record(*user).is_some_and(|record| record.has_id(id))
        };
        self.by_id.find(hash, is).copied()
    }

    /// Returns the number of the user with an id. If there is none yet, adds a user who is known by the id alone.
    fn number_or_new(&mut self, hash: u64, id: &str) -> Result<u32, ImportError> {
        match self.number(hash, id) {
            Some(user) => Ok(user),
            None => self.add(hash, &User::new(UserId::from_checked(id)), false),
        }
    }

    /// Reads what [`Self::number`] reads for some hashes at the same time, because the processor waits for each that is
    /// read alone.
    fn prefetch(&self, hashes: impl Iterator<Item = u64>) {
        let users: Vec<usize> =
            hashes.map(|hash| self.by_id.find(hash, |_| true).map_or(0, |user| *user as usize)).collect();
        black_box(users.iter().filter_map(|user| self.hashes.get(*user)).fold(0, |sum, hash| sum ^ hash));
        let starts: Vec<u64> = users.iter().filter_map(|user| self.spans.get(*user)).map(|(start, _)| *start).collect();
        // The id is at the beginning, and mostly extends into a second cache line.
        let ends = |start: &u64| [*start as usize, *start as usize + 40];
        let bytes = starts.iter().flat_map(ends).filter_map(|at| self.bytes.get(at));
        black_box(bytes.fold(0, |sum: u8, byte| sum ^ byte));
    }

    fn add_record(&mut self, user: &User) -> Result<(), ImportError> {
        self.recorded += 1;
        let hash = self.hashing.of_id(user.id().as_str());
        match self.number(hash, user.id().as_str()) {
            None => self.add(hash, user, true).map(drop),
            Some(known) if self.record(known).is_some_and(UserRecord::is_recorded) => {
                Err(ImportError::UserTwice { at: self.recorded })
            }
            Some(known) => {
                let (span, home) = self.write(user, true)?;
                if let (Some(old_span), Some(old_home)) =
                    (self.spans.get_mut(known as usize), self.homes_of.get_mut(known as usize))
                {
                    (*old_span, *old_home) = (span, home);
                }
                Ok(())
            }
        }
    }

    fn add(&mut self, hash: u64, user: &User, recorded: bool) -> Result<u32, ImportError> {
        if self.spans.len() >= MAX_USERS {
            return Err(ImportError::TooMany { what: "users", max: MAX_USERS });
        }
        let (span, home) = self.write(user, recorded)?;
        let number = self.spans.len() as u32;
        self.spans.push(span);
        self.homes_of.push(home);
        self.hashes.push(hash);
        let Self { by_id, hashes, .. } = self;
        by_id.insert_unique(hash, number, |user| hashes.get(*user as usize).copied().unwrap_or(0));
        Ok(number)
    }

    fn write(&mut self, user: &User, recorded: bool) -> Result<((u64, u32), u32), ImportError> {
        let start = self.bytes.len();
        records::write(user, recorded, &mut self.bytes)
            .map_err(|_| ImportError::UserTooLarge { at: self.recorded, max: MAX_RECORD })?;
        Ok(((start as u64, (self.bytes.len() - start) as u32), self.homes.number_of(user)))
    }

    /// Returns the users in the order of their numbers.
    fn into_users(self) -> Users {
        let mut blocks = Vec::with_capacity(self.spans.len().div_ceil(BLOCK));
        steps::advance(self.spans.len());
        for (first, spans) in (0_u32..).step_by(BLOCK).zip(self.spans.chunks(BLOCK)) {
            let mut block = RecordBlockBuilder::default();
            let homes = self.homes_of.iter().skip(first as usize);
            for (user, home) in (first..).zip(homes).take(spans.len()) {
                block.push(self.bytes_of(user), *home);
            }
            blocks.push(block.build());
        }
        let Self { hashing, homes, .. } = self;
        Users::new(blocks, homes, hashing)
    }
}

impl DirectoryBuilder {
    /// Returns an empty import.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user.
    pub fn user(mut self, user: User) -> Self {
        steps::advance(1);
        let added = self.0.users.add_record(&user);
        self.0.check(added);
        self
    }

    /// Adds a group with its immutable id and its display name.
    pub fn group(mut self, id: GroupId, name: impl Into<String>) -> Self {
        steps::advance(1);
        let group = self.0.group_number(&id);
        match self.0.groups.get_mut(group as usize) {
            Some((_, missing @ None)) => *missing = Some(name.into().into_boxed_str()),
            _ => self.0.check(Err(ImportError::GroupTwice(id))),
        }
        self
    }

    /// Adds a user to a group.
    pub fn member(mut self, group: &GroupId, user: &UserId) -> Self {
        const BATCH: usize = 1_024;
        steps::advance(1);
        let group = self.0.group_number(group);
        let Collected { users, pending, .. } = &mut *self.0;
        pending.ids.push_str(user.as_str());
        pending.listed.push((group, users.hashing.of_id(user.as_str()), pending.ids.len()));
        if pending.listed.len() == BATCH {
            self.0.add_pending();
        }
        self
    }

    /// Nests `child` in `group`, so that all members of the child are members of the group.
    pub fn nested(mut self, group: &GroupId, child: &GroupId) -> Self {
        let nesting = (self.0.group_number(group), self.0.group_number(child));
        self.0.nested.push(nesting);
        self
    }

    /// Builds the snapshot.
    ///
    /// # Errors
    /// Returns [`ImportError`] if the import is not consistent or exceeds a limit.
    pub fn build(self, revision: DirectoryRevision, as_of: DateTime<Utc>) -> Result<DirectorySnapshot, ImportError> {
        let mut collected = *self.0;
        collected.add_pending();
        let Collected { users, groups: named, members, nested, error, .. } = collected;
        if let Some(error) = error {
            return Err(error);
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
        let memberships = Memberships::sorted_by_user(users.spans.len(), &members);
        drop(members);
        Ok(DirectorySnapshot {
            revision,
            as_of,
            users: users.into_users(),
            groups: Arc::new(groups),
            memberships,
            last_names: Arc::default(),
            last_members: LastMembersMark::default(),
            ancestry: Ancestry::of_import(),
        })
    }
}

impl Collected {
    fn group_number(&mut self, id: &GroupId) -> u32 {
        let Self { users: CollectedUsers { hashing, .. }, groups, groups_by_id, .. } = self;
        let hash = hashing.of_id(id.as_str());
        let id_of = |group: u32| groups.get(group as usize).map(|(id, _)| id);
        if let Some(group) = groups_by_id.find(hash, |group| id_of(*group) == Some(id)) {
            return *group;
        }
        let group = groups.len() as u32;
        if groups.len() >= MAX_GROUPS {
            self.check(Err(ImportError::TooMany { what: "groups", max: MAX_GROUPS }));
            return group;
        }
        groups_by_id.insert_unique(hash, group, |group| id_of(*group).map_or(0, |id| hashing.of_id(id.as_str())));
        self.groups.push((id.clone(), None));
        group
    }

    /// Looks up the users of the pending memberships.
    fn add_pending(&mut self) {
        let PendingMembers { mut listed, mut ids } = std::mem::take(&mut self.pending);
        self.users.prefetch(listed.iter().map(|(_, hash, _)| *hash));
        steps::advance(listed.len());
        let mut start = 0;
        for (group, hash, end) in listed.drain(..) {
            match self.users.number_or_new(hash, ids.get(start..end).unwrap_or_default()) {
                Ok(user) => self.members.push((user, group)),
                Err(error) => self.check(Err(error)),
            }
            start = end;
        }
        // Their memory is used again.
        ids.clear();
        self.pending = PendingMembers { listed, ids };
    }

    /// Stores the first error.
    fn check(&mut self, outcome: Result<(), ImportError>) {
        if let Err(error) = outcome {
            self.error.get_or_insert(error);
        }
    }
}

impl std::fmt::Debug for DirectoryBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectoryBuilder").finish_non_exhaustive()
    }
}
