//! The actors: 10,000 users, every tenth of them in the only private group.

use std::time::SystemTime;

use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, DirectorySnapshot, User};
use activity_privacy::identity::{Alias, GroupId, UserId};

use super::chance::{SplitMix64, mix};

pub(crate) const USERS: u32 = 10_000;

/// Zipf's distribution: rank `n` is drawn with a weight of `1/n`.
pub(crate) struct Zipf(Vec<f64>);

impl Zipf {
    pub(crate) fn new(ranks: u32) -> Self {
        let mut sum = 0.0;
        let step = |rank| {
            sum += 1.0 / f64::from(rank);
            sum
        };
        Self((1..=ranks).map(step).collect())
    }

    pub(crate) fn draw(&self, chance: &mut SplitMix64) -> u32 {
        let drawn = chance.fraction() * self.0.last().copied().unwrap_or_default();
        self.0.partition_point(|sum| *sum <= drawn).min(self.0.len() - 1) as u32
    }
}

/// Returns the user of a rank among the hidden users, or among the others.
pub(crate) fn ranked(rank: u32, hidden: bool) -> u32 {
    if hidden { rank * 10 } else { rank + rank / 9 + 1 }
}

pub(crate) fn ranks(hidden: bool) -> u32 {
    if hidden { USERS / 10 } else { USERS - USERS / 10 }
}

pub(crate) fn id(user: u32) -> UserId {
    let (high, low) = (mix(user.into()), mix(!u64::from(user)));
    UserId::new(uuid::Uuid::from_u64_pair(high, low).to_string()).unwrap()
}

pub(crate) fn upn(user: u32) -> Alias {
    Alias::new(format!("adele.vance{user}@contoso.com")).unwrap()
}

pub(crate) fn private_group() -> GroupId {
    GroupId::new("works-council").unwrap()
}

pub(crate) fn directory() -> DirectorySnapshot {
    let mut builder = DirectoryBuilder::new().group(private_group(), "Works council");
    for user in 0..USERS {
        builder = builder.user(User::new(id(user)).with_alias(upn(user)));
        if user % 10 == 0 {
            builder = builder.member(&private_group(), &id(user));
        }
    }
    builder.build(DirectoryRevision(1), SystemTime::now().into()).unwrap()
}
