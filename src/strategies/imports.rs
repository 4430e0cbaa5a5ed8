//! Directory imports.

use chrono::{DateTime, Utc};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::names::{USERS, accounts_of, aliases, all_groups, domains, group_ids, user_id};
use crate::directory::{
    DirectoryBuilder, DirectoryDelta, DirectoryRevision, DirectorySnapshot, ImportError, User, UserStatus,
};
use crate::identity::{Alias, Domain, GroupId, UserId};

/// An import as plain data, which builds a snapshot and can be inspected.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ImportedDirectory {
    /// The user records.
    pub users: Vec<User>,
    /// The groups.
    pub groups: Vec<GroupId>,
    /// Direct memberships. Some members have no record.
    pub members: Vec<(GroupId, UserId)>,
    /// Nested groups, the outer one first. They include cycles, diamonds and groups nested in themselves.
    pub nested: Vec<(GroupId, GroupId)>,
}

impl ImportedDirectory {
    /// Returns a builder with this import.
    pub fn builder(&self) -> DirectoryBuilder {
        let Self { users, groups, members, nested } = self;
        let mut builder = DirectoryBuilder::new();
        // Memberships come first, to show that the order does not matter.
        for (group, user) in members {
            builder = builder.member(group, user);
        }
        for (group, child) in nested {
            builder = builder.nested(group, child);
        }
        for user in users {
            builder = builder.user(user.clone());
        }
        for group in groups {
            builder = builder.group(group.clone(), title(group));
        }
        builder
    }

    /// Returns the changes from this import to a later one, as a source with delta queries reports them.
    pub fn delta_to(&self, next: &Self) -> DirectoryDelta {
        let mut delta = DirectoryDelta::new();
        // Groups come first, so that no membership precedes its group. Removed groups come before added ones.
        for group in self.groups.iter().filter(|group| !next.groups.contains(group)) {
            delta = delta.without_group(group);
        }
        for group in next.groups.iter().filter(|group| !self.groups.contains(group)) {
            delta = delta.group(group.clone(), title(group));
        }
        for user in self.users.iter().filter(|user| next.users.iter().all(|other| other.id() != user.id())) {
            delta = delta.without_user(user.id());
        }
        for user in next.users.iter().filter(|user| !self.users.contains(user)) {
            delta = delta.user(user.clone());
        }
        for (group, user) in next.members.iter().filter(|member| !self.members.contains(member)) {
            delta = delta.member(group, user);
        }
        for (group, user) in self.members.iter().filter(|member| !next.members.contains(member)) {
            delta = delta.without_member(group, user);
        }
        for (group, child) in next.nested.iter().filter(|nesting| !self.nested.contains(nesting)) {
            delta = delta.nested(group, child);
        }
        for (group, child) in self.nested.iter().filter(|nesting| !next.nested.contains(nesting)) {
            delta = delta.without_nested(group, child);
        }
        delta
    }

    /// Returns the snapshot. An import from [`imports`] is always consistent.
    ///
    /// # Errors
    /// Returns [`ImportError`] if a membership names an unknown group, or a user or group occurs twice.
    pub fn snapshot(
        &self,
        revision: DirectoryRevision,
        as_of: DateTime<Utc>,
    ) -> Result<DirectorySnapshot, ImportError> {
        self.builder().build(revision, as_of)
    }
}

/// Generates imports of up to six users and four groups. Aliases move between users or are shared by several. Users are
/// disabled, deleted, or members without a record. Groups are empty, missing, or nested in cycles.
///
/// ```
/// use activity_privacy::directory::DirectoryRevision;
/// use activity_privacy::strategies::imports;
/// use proptest::prelude::*;
///
/// proptest!(ProptestConfig::with_cases(8), |(import in imports())| {
///     prop_assert!(import.snapshot(DirectoryRevision(1), Default::default()).is_ok());
/// });
/// ```
pub fn imports() -> impl Strategy<Value = ImportedDirectory> {
    let ids: Vec<UserId> = USERS.iter().copied().map(user_id).collect();
    let users = USERS.iter().enumerate().map(|(at, name)| record(at, name)).collect::<Vec<_>>();
    let groups = all_groups();
    let few = groups.len() - 1;
    (
        users,
        prop_oneof![2 => Just(groups.clone()), 1 => subsequence(groups.clone(), few..=few), 1 => subsequence(groups, 0..=few)],
        vec((group_ids(), select(ids)), 0..8),
        vec((group_ids(), group_ids()), 0..4),
    )
        .prop_map(|(users, groups, mut members, mut nested)| {
            members.retain(|(group, _)| groups.contains(group));
            nested.retain(|(group, child)| groups.contains(group) && groups.contains(child));
            ImportedDirectory { users: users.into_iter().flatten().collect(), groups, members, nested }
        })
}

fn title(group: &GroupId) -> String {
    format!("The {}", group.as_str())
}

fn record(at: usize, name: &'static str) -> BoxedStrategy<Option<User>> {
    let id = user_id(name);
    let own: Vec<BoxedStrategy<Option<Alias>>> =
        accounts_of(name).into_iter().map(|spellings| weighted(0.85, select(spellings)).boxed()).collect();
    let status =
        prop_oneof![4 => Just(UserStatus::Active), 1 => Just(UserStatus::Disabled), 1 => Just(UserStatus::Deleted)];
    // The first user is nearly always present, so that a grant can succeed.
    let there = if at == 0 { 0.98 } else { 0.85 };
    let make = (own, weighted(0.1, aliases()), weighted(0.1, domains()), status).prop_map(
        move |(own, other, home, status): (Vec<Option<Alias>>, Option<Alias>, Option<Domain>, UserStatus)| {
            let user = User::new(id.clone()).with_status(status);
            let user = own.into_iter().flatten().chain(other).fold(user, User::with_alias);
            home.into_iter().fold(user, User::with_home_domain)
        },
    );
    weighted(there, make).boxed()
}
