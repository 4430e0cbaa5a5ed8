//! A directory of the organisation, from an import in random order.

use std::time::{Duration, Instant};

use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, DirectorySnapshot, User};
use activity_privacy::identity::{Alias, GroupId, UserId};

use super::as_of;
use super::chance::{Shuffled, SplitMix64};
use super::organisation::{MEMBERSHIPS, Organisation, group_id, id, mail, upn};
use super::policies::administrator;

/// A snapshot, and the time that the library took for it.
pub(crate) struct Imported {
    pub(crate) snapshot: DirectorySnapshot,
    /// Adding the parts, one by one.
    pub(crate) collecting: Duration,
    /// Building the snapshot.
    pub(crate) building: Duration,
}

enum Part {
    User(Option<User>),
    Group(GroupId),
    Member(GroupId, UserId),
    Nested(GroupId, GroupId),
}

pub(crate) fn user_id(user: u32) -> UserId {
    UserId::new(id(user)).unwrap()
}

pub(crate) fn group(group: u32) -> GroupId {
    GroupId::new(group_id(group)).unwrap()
}

/// The record of a user: an id, a UPN and one other address.
pub(crate) fn record(user: u32) -> User {
    User::new(user_id(user)).with_alias(Alias::new(upn(user)).unwrap()).with_alias(Alias::new(mail(user)).unwrap())
}

/// A user with an account in SharePoint. Without one the engine could not decide about account names of that app (D9).
fn account_holder() -> User {
    User::new(administrator()).with_alias(Alias::account("SharePoint", "administrator").unwrap())
}

/// Imports all parts in random order. Creating the parts is not timed, because a source has parsed them before.
pub(crate) fn import(organisation: &Organisation, revision: u64) -> Imported {
    const AT_ONCE: usize = 4_096;
    let nestings: Vec<(u32, u32)> = Organisation::nestings().collect();
    let groups = Organisation::groups().count() as u64;
    let users = u64::from(organisation.users);
    let all = groups + nestings.len() as u64 + users * u64::from(1 + MEMBERSHIPS);
    let part = |number: u64| -> Part {
        let Some(nesting) = number.checked_sub(groups) else { return Part::Group(group(number as u32)) };
        if let Some((parent, child)) = nestings.get(nesting as usize) {
            return Part::Nested(group(*parent), group(*child));
        }
        let number = nesting - nestings.len() as u64;
        let (user, place) = ((number % users) as u32, (number / users) as u32);
        match place.checked_sub(1) {
            None => Part::User(Some(record(user))),
            Some(place) => Part::Member(group(organisation.group_of(user, place)), user_id(user)),
        }
    };
    let shuffled = Shuffled::new(all, 10);
    let mut parts = (0..all).map(|place| part(shuffled.at(place)));
    let (mut builder, mut collecting) = (DirectoryBuilder::new().user(account_holder()), Duration::ZERO);
    loop {
        let mut some: Vec<Part> = parts.by_ref().take(AT_ONCE).collect();
        if some.is_empty() {
            break;
        }
        let start = Instant::now();
        for part in &mut some {
            builder = match part {
                Part::User(user) => builder.user(user.take().unwrap()),
                Part::Group(id) => builder.group(id.clone(), id.as_str()),
                Part::Member(group, user) => builder.member(group, user),
                Part::Nested(group, child) => builder.nested(group, child),
            };
        }
        collecting += start.elapsed();
    }
    let start = Instant::now();
    let snapshot = builder.build(DirectoryRevision(revision), as_of()).unwrap();
    Imported { snapshot, collecting, building: start.elapsed() }
}

/// Returns the time that it takes to sort one number for each membership.
pub(crate) fn sorting(organisation: &Organisation) -> Duration {
    let mut chance = SplitMix64::new(11);
    let mut numbers: Vec<u64> =
        (0..u64::from(organisation.users) * u64::from(MEMBERSHIPS)).map(|_| chance.next()).collect();
    let start = Instant::now();
    numbers.sort_unstable();
    let sorting = start.elapsed();
    std::hint::black_box(numbers);
    sorting
}
