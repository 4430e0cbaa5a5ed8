//! The contenders: ways to decide.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::hint::black_box;
use std::time::{Duration, Instant};

use activity_privacy::engine::{PolicyEngine, Verdict, Visibility};
use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::as_of;
use super::block::{Block, Form};
use super::organisation::{Organisation, id, mail, upn};

/// One way to decide a block.
pub(crate) struct Contender<'a> {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    /// Whether it is compared with the floor of batches.
    pub(crate) is_batch: bool,
    pub(crate) decide: Decide<'a>,
    /// Returns whether activities of a user are to be hidden.
    pub(crate) is_hidden: IsHidden<'a>,
}

/// Returns the time it took, and which activities are hidden.
pub(crate) type Decide<'a> = Box<dyn Fn(&Block) -> (Duration, Vec<bool>) + 'a>;
pub(crate) type IsHidden<'a> = &'a dyn Fn(u32) -> bool;

/// Times one decision after the other.
pub(crate) fn one_by_one<T>(
    items: impl Iterator<Item = T>,
    mut is_hidden: impl FnMut(T) -> bool,
) -> (Duration, Vec<bool>) {
    let mut hidden = Vec::with_capacity(super::block::BLOCK);
    let start = Instant::now();
    items.for_each(|item| hidden.push(is_hidden(item)));
    let took = start.elapsed();
    (took, black_box(hidden))
}

pub(crate) fn verdict(engine: &PolicyEngine) -> Decide<'_> {
    let now = as_of();
    Box::new(move |block| {
        one_by_one(block.activities.iter(), |activity| black_box(engine.verdict(activity, now)).0 == Verdict::Private)
    })
}

pub(crate) fn verdicts(engine: &PolicyEngine) -> Decide<'_> {
    let now = as_of();
    Box::new(move |block| {
        let start = Instant::now();
        let verdicts = black_box(engine.verdicts(&block.activities, now));
        (start.elapsed(), verdicts.iter().map(|(verdict, _)| *verdict == Verdict::Private).collect())
    })
}

pub(crate) fn decision(engine: &PolicyEngine) -> Decide<'_> {
    let now = as_of();
    Box::new(move |block| {
        let start = Instant::now();
        let batch = black_box(engine.decide(&block.activities, now)).unwrap();
        let took = start.elapsed();
        let private = batch.decided().iter().map(|decided| decided.decision().visibility() == Visibility::Private);
        (took, private.collect())
    })
}

/// The first version that one writes by hand: the groups of every user, with the nesting resolved in advance.
pub(crate) struct GroupsByName {
    groups: HashMap<String, Vec<u32>>,
    private: HashSet<u32>,
}

impl GroupsByName {
    pub(crate) fn new(organisation: &Organisation) -> Self {
        let groups = (0..organisation.users).map(|user| (upn(user), organisation.all_groups_of(user))).collect();
        Self { groups, private: organisation.private_groups().collect() }
    }

    pub(crate) fn decide(&self) -> Decide<'_> {
        Box::new(move |block| {
            one_by_one(block.raw().into_iter(), |actor| {
                let groups = self.groups.get(&actor.to_lowercase());
                groups.is_some_and(|groups| groups.iter().any(|group| self.private.contains(group)))
            })
        })
    }
}

/// The faster version that one writes by hand: the verdict on every user.
pub(crate) struct VerdictByName(HashMap<String, bool>);

impl VerdictByName {
    pub(crate) fn new(organisation: &Organisation) -> Self {
        Self((0..organisation.users).map(|user| (upn(user), organisation.is_protected(user))).collect())
    }

    pub(crate) fn decide(&self) -> Decide<'_> {
        Box::new(move |block| {
            one_by_one(block.raw().into_iter(), |actor| self.0.get(&actor.to_lowercase()).copied().unwrap_or(false))
        })
    }
}

/// The minimal cost of a decision: one probe of a table with a name that is already folded.
pub(crate) struct Names<T> {
    hashing: RandomState,
    names: HashTable<(Box<str>, T)>,
}

impl<T> Names<T> {
    fn new(all: impl Iterator<Item = (String, T)>) -> Self {
        let hashing = RandomState::default();
        let mut names = HashTable::new();
        for (name, what) in all {
            let hash = hashing.hash_one(name.as_str());
            names.insert_unique(hash, (name.into_boxed_str(), what), |(name, _)| hashing.hash_one(&**name));
        }
        Self { hashing, names }
    }

    #[inline]
    fn get(&self, name: &str) -> Option<&T> {
        self.names.find(self.hashing.hash_one(name), |(there, _)| **there == *name).map(|(_, what)| what)
    }
}

impl Names<()> {
    /// All identities of the protected users.
    pub(crate) fn of_protected(organisation: &Organisation) -> Self {
        let protected = (0..organisation.users).filter(|user| organisation.is_protected(*user));
        Self::new(protected.flat_map(|user| [id(user), upn(user), mail(user).to_lowercase()]).map(|name| (name, ())))
    }

    pub(crate) fn decide(&self) -> Decide<'_> {
        Box::new(move |block| one_by_one(block.folded.iter(), |name| self.get(name).is_some()))
    }

    /// Hashes 64 names, then reads the memory for all of them, then compares those that may be in the table.
    pub(crate) fn decide_at_once(&self) -> Decide<'_> {
        const AT_ONCE: usize = 64;
        Box::new(move |block| {
            let mut hidden = Vec::with_capacity(block.folded.len());
            let start = Instant::now();
            for names in block.folded.chunks(AT_ONCE) {
                let (mut hashes, mut may_be_there) = ([0; AT_ONCE], [false; AT_ONCE]);
                for (hash, name) in hashes.iter_mut().zip(names) {
                    *hash = self.hashing.hash_one(name.as_str());
                }
                for (may_be_there, hash) in may_be_there.iter_mut().zip(hashes) {
                    *may_be_there = self.names.find(hash, |_| true).is_some();
                }
                for ((name, hash), may_be_there) in names.iter().zip(hashes).zip(may_be_there) {
                    hidden.push(may_be_there && self.names.find(hash, |(there, ())| **there == **name).is_some());
                }
            }
            (start.elapsed(), black_box(hidden))
        })
    }
}

impl Names<bool> {
    /// The UPNs of all users.
    pub(crate) fn of_all(organisation: &Organisation) -> Self {
        Self::new((0..organisation.users).map(|user| (upn(user), organisation.is_protected(user))))
    }

    pub(crate) fn decide(&self) -> Decide<'_> {
        Box::new(move |block| one_by_one(block.folded.iter(), |name| self.get(name).copied().unwrap_or(false)))
    }
}
