//! The organisation in all measurements: the same for each number of users, and computed wherever it is needed, without
//! lists in memory.
//!
//! It has 10,000 groups, half of them nested in another, at most three deep, 8 direct memberships a user, and 50
//! private groups. One more group has a tenth of all users, and is private only in some policies. About one user in
//! fourteen is protected.

use super::chance::{Shuffled, SplitMix64, mix, scale};

pub(crate) const GROUPS: u32 = 10_000;
/// The group with a tenth of all users.
pub(crate) const LARGE: u32 = GROUPS;
pub(crate) const PRIVATE: u64 = 50;
pub(crate) const MEMBERSHIPS: u32 = 8;
pub(crate) const DOMAIN: &str = "contoso.com";

const FIRST: [&str; 16] = [
    "adele", "alex", "bianca", "christie", "diego", "enrico", "gerhart", "grady", "irvin", "johanna", "joni", "lee",
    "lidia", "miriam", "nestor", "pradeep",
];
const LAST: [&str; 16] = [
    "vance",
    "wilber",
    "pisani",
    "cline",
    "siciliani",
    "cattaneo",
    "moeller",
    "archie",
    "sayers",
    "lorenz",
    "sherman",
    "gu",
    "holloway",
    "graham",
    "wilke",
    "gupta",
];
const NOT_ASCII: [&str; 6] = ["müller", "garcía", "sjöström", "łukasz", "dvořák", "αλεξίου"];

pub(crate) struct Organisation {
    pub(crate) users: u32,
    /// For each group, the group itself and all groups that it is nested in.
    above: Vec<Vec<u32>>,
    is_private: Vec<bool>,
    /// For each group, whether one of these is private.
    protects: Vec<bool>,
}

impl Organisation {
    pub(crate) fn new(users: u32) -> Self {
        let mut above: Vec<Vec<u32>> = Vec::new();
        for group in 0..=LARGE {
            let groups = std::iter::successors(Some(group), |group| parent(*group));
            above.push(groups.collect());
        }
        let shuffled = Shuffled::new(GROUPS.into(), 1);
        let mut is_private = vec![false; above.len()];
        for place in 0..PRIVATE {
            is_private[shuffled.at(place) as usize] = true;
        }
        let protects = above.iter().map(|groups| groups.iter().any(|group| is_private[*group as usize])).collect();
        Self { users, above, is_private, protects }
    }

    pub(crate) fn groups() -> std::ops::RangeInclusive<u32> {
        0..=LARGE
    }

    /// Returns each nested group, with the group that it is nested in.
    pub(crate) fn nestings() -> impl Iterator<Item = (u32, u32)> {
        Self::groups().filter_map(|group| Some((parent(group)?, group)))
    }

    pub(crate) fn private_groups(&self) -> impl Iterator<Item = u32> + '_ {
        (0..).zip(&self.is_private).filter(|(_, private)| **private).map(|(group, _)| group)
    }

    /// Returns the groups that list a user.
    pub(crate) fn groups_of(&self, user: u32) -> [u32; MEMBERSHIPS as usize] {
        std::array::from_fn(|place| self.group_of(user, place as u32))
    }

    pub(crate) fn group_of(&self, user: u32, place: u32) -> u32 {
        let random = mix(mix(u64::from(user) << 3 | u64::from(place)) ^ 2);
        if place == 0 && self.is_in_large(user) { LARGE } else { scale(random, GROUPS.into()) as u32 }
    }

    pub(crate) fn is_in_large(&self, user: u32) -> bool {
        scale(mix(u64::from(user) ^ 0x3000_0000_0000), 10) == 0
    }

    /// Returns all groups that a user is in, in order.
    pub(crate) fn all_groups_of(&self, user: u32) -> Vec<u32> {
        let mut all: Vec<u32> =
            self.groups_of(user).iter().flat_map(|group| &self.above[*group as usize]).copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    pub(crate) fn is_protected(&self, user: u32) -> bool {
        self.groups_of(user).iter().any(|group| self.protects[*group as usize])
    }
}

/// Returns the group that a group is nested in: half of all are nested in none, a quarter in one of these, and so on.
fn parent(group: u32) -> Option<u32> {
    if group == LARGE {
        return None;
    }
    let depth = group.trailing_ones().min(3);
    let above = depth.checked_sub(1)?;
    let any = scale(mix(u64::from(group) ^ 0x4000_0000_0000), GROUPS.into()) as u32;
    Some(any & !((1 << depth) - 1) | ((1 << above) - 1))
}

/// Returns the immutable id of a group.
pub(crate) fn group_id(group: u32) -> String {
    guid(0x5000_0000_0000 | u64::from(group))
}

/// Returns the immutable id of a user.
pub(crate) fn id(user: u32) -> String {
    guid(0x6000_0000_0000 | u64::from(user))
}

fn guid(number: u64) -> String {
    let (high, low) = (mix(number), mix(!number));
    let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0xfff);
    format!("{a:08x}-{b:04x}-4{c:03x}-{:04x}-{:012x}", low >> 48 & 0x3fff | 0x8000, low & 0xffff_ffff_ffff)
}

/// Returns the name that a user signs in with.
pub(crate) fn upn(user: u32) -> String {
    let (first, last) = names(user);
    format!("{first}.{last}{user}@{DOMAIN}")
}

/// Returns the other address of a user. One in 64 has letters that are not in ASCII.
pub(crate) fn mail(user: u32) -> String {
    let (first, last) = names(user);
    match is_spelt_beyond_ascii(user) {
        true => format!("{first}.{}{user}@mail.{DOMAIN}", NOT_ASCII[user as usize / 64 % NOT_ASCII.len()]),
        false => format!("{last}_{first}{user}@mail.{DOMAIN}"),
    }
}

pub(crate) fn is_spelt_beyond_ascii(user: u32) -> bool {
    user.is_multiple_of(64)
}

fn names(user: u32) -> (&'static str, &'static str) {
    let random = mix(u64::from(user) ^ 0x7000_0000_0000);
    (FIRST[random as usize % 16], LAST[(random >> 8) as usize % 16])
}

/// Returns a name as a source writes it: two in five not in lower case.
pub(crate) fn as_written(name: &str, chance: &mut SplitMix64) -> String {
    if chance.below(5) >= 2 {
        return name.to_owned();
    }
    match chance.below(3) {
        0 => name.to_uppercase(),
        1 => {
            let mut starts = true;
            let write = |letter: char| {
                let here = if starts { letter.to_uppercase().next() } else { None }.unwrap_or(letter);
                starts = matches!(letter, '.' | '@' | '_');
                here
            };
            name.chars().map(write).collect()
        }
        _ => {
            let random = chance.next();
            let upper = |at: usize| random >> (at % 64) & 1 == 1;
            let write =
                |(at, letter): (usize, char)| letter.to_uppercase().next().filter(|_| upper(at)).unwrap_or(letter);
            name.chars().enumerate().map(write).collect()
        }
    }
}

/// The distribution of the actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Actors {
    /// The second user acts half as often as the first, the third a third as often.
    Zipf,
    /// All users act equally often.
    Uniform,
}

impl Actors {
    pub(crate) const BOTH: [Self; 2] = [Self::Zipf, Self::Uniform];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zipf => "Zipf",
            Self::Uniform => "uniform",
        }
    }

    /// Returns `count` actors out of `users` users.
    pub(crate) fn draw(self, users: u32, count: usize) -> Vec<u32> {
        let mut chance = SplitMix64::new(8);
        match self {
            Self::Uniform => (0..count).map(|_| chance.below(users.into()) as u32).collect(),
            Self::Zipf => {
                let mut sum = 0.0;
                let sums: Vec<f64> = (1..=users)
                    .map(|rank| {
                        sum += 1.0 / f64::from(rank);
                        sum
                    })
                    .collect();
                // Who acts most is not who was imported first.
                let shuffled = Shuffled::new(users.into(), 9);
                let rank = |drawn: f64| sums.partition_point(|sum| *sum < drawn).min(users as usize - 1);
                (0..count).map(|_| shuffled.at(rank(chance.fraction() * sum) as u64) as u32).collect()
            }
        }
    }
}
