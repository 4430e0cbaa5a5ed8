//! The tree of distinguished names. An entry knows the one above it, so that whatever is moved takes along all that is
//! below it without a look at it.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::dn::{Dn, MAX_PARTS};
use crate::steps;

/// All names that were read, each with the place of its entry.
#[derive(Clone)]
pub(super) struct NameTree {
    // INVARIANT: the first is the root, which is its own parent; all others are less than `MAX_PARTS` below it.
    names: Vec<NameNode>,
    by_parent: HashTable<usize>,
    hashing: RandomState,
}

#[derive(Clone)]
struct NameNode {
    parent: usize,
    rdn: Box<str>,
    /// How many levels there may be below it. Some of them may have moved away.
    height: usize,
    /// How many entries at it and below it have no other id than their names.
    named_by_dn: usize,
    /// Whether it was said to be no person.
    non_people: bool,
}

/// Why something cannot be moved.
pub(super) enum MoveError {
    /// Something at it or below it has no other id than its name.
    NamedByDn,
    /// There was something of the new name before.
    Taken,
}

const ROOT: usize = 0;

impl Default for NameTree {
    fn default() -> Self {
        let root = NameNode { parent: ROOT, rdn: "".into(), height: 0, named_by_dn: 0, non_people: false };
        Self { names: vec![root], by_parent: HashTable::new(), hashing: RandomState::new() }
    }
}

impl NameTree {
    /// How many there are, the root among them.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns the place of a name, if it was ever read.
    pub(super) fn find(&self, dn: &Dn) -> Option<usize> {
        steps::advance(dn.parts.len());
        dn.parts.iter().rev().try_fold(ROOT, |parent, rdn| self.child(parent, rdn))
    }

    /// Returns the place of a name, which it has from now on.
    pub(super) fn place(&mut self, dn: &Dn) -> usize {
        steps::advance(dn.parts.len());
        dn.parts.iter().rev().fold(ROOT, |parent, rdn| self.child(parent, rdn).unwrap_or_else(|| self.add(parent, rdn)))
    }

    fn child(&self, parent: usize, rdn: &str) -> Option<usize> {
        let is = |at: &usize| self.names.get(*at).is_some_and(|name| name.parent == parent && *name.rdn == *rdn);
        self.by_parent.find(self.hashing.hash_one((parent, rdn)), is).copied()
    }

    fn add(&mut self, parent: usize, rdn: &str) -> usize {
        let at = self.names.len();
        self.names.push(NameNode { parent, rdn: rdn.into(), height: 0, named_by_dn: 0, non_people: false });
        self.index(at);
        self.raise(parent, 1);
        at
    }

    fn index(&mut self, at: usize) {
        let Self { names, by_parent, hashing } = self;
        let hash = |at: &usize| {
            let name = names.get(*at);
            hashing.hash_one(name.map_or((ROOT, ""), |name| (name.parent, &*name.rdn)))
        };
        by_parent.insert_unique(hash(&at), at, hash);
    }

    /// Notes that there are so many levels below a name.
    fn raise(&mut self, from: usize, levels: usize) {
        let (mut at, mut levels) = (from, levels);
        while let Some(name) = self.names.get_mut(at).filter(|name| name.height < levels) {
            steps::advance(1);
            name.height = levels;
            levels += 1;
            if at == ROOT {
                return;
            }
            at = name.parent;
        }
    }

    /// The name and those above it, up to the root.
    fn upwards(&self, from: usize) -> impl Iterator<Item = usize> {
        let above = |at: &usize| self.names.get(*at).map(|name| name.parent).filter(|_| *at != ROOT);
        std::iter::successors(Some(from), above).inspect(|_| steps::advance(1))
    }

    /// Writes a name in the form in which it is compared.
    pub(super) fn text(&self, at: usize) -> String {
        let parts = self.upwards(at).filter(|at| *at != ROOT).filter_map(|at| self.names.get(at));
        parts.map(|name| &*name.rdn).collect::<Vec<_>>().join(",")
    }

    /// The relative name.
    pub(super) fn rdn(&self, at: usize) -> &str {
        self.names.get(at).map_or("", |name| &name.rdn)
    }

    pub(super) fn parent(&self, at: usize) -> usize {
        self.names.get(at).map_or(ROOT, |name| name.parent)
    }

    /// Notes that a name, and whatever is below it, is no person. The root stands for itself alone.
    pub(super) fn leave_out(&mut self, at: usize) {
        if let Some(name) = self.names.get_mut(at) {
            name.non_people = true;
        }
    }

    /// Whether it was said that there are no people here.
    pub(super) fn is_left_out(&self, at: usize) -> bool {
        let said = |at: usize| self.names.get(at).is_some_and(|name| name.non_people);
        if at == ROOT { said(ROOT) } else { self.upwards(at).any(|above| above != ROOT && said(above)) }
    }

    /// Notes that an entry which has no other id than its name is there, or is not there any more.
    pub(super) fn count_named_by_dn(&mut self, at: usize, is_there: bool) {
        self.add_named_by_dn(at, if is_there { 1 } else { -1 });
    }

    fn add_named_by_dn(&mut self, from: usize, more: isize) {
        for at in self.upwards(from).collect::<Vec<_>>() {
            if let Some(name) = self.names.get_mut(at) {
                name.named_by_dn = name.named_by_dn.saturating_add_signed(more);
            }
        }
    }

    /// Whether an entry can be moved, and with it everything below it.
    pub(super) fn check_move(&self, at: usize, parent: usize, rdn: &str) -> Result<(), MoveError> {
        let Some(name) = self.names.get(at) else { return Err(MoveError::Taken) };
        if name.named_by_dn > 0 {
            return Err(MoveError::NamedByDn);
        }
        let is_taken = self.child(parent, rdn).is_some_and(|other| other != at);
        let (is_below_itself, depth) = (self.upwards(parent).any(|above| above == at), self.upwards(parent).count());
        if is_taken || is_below_itself || depth + name.height > MAX_PARTS { Err(MoveError::Taken) } else { Ok(()) }
    }

    /// Moves an entry, and with it everything below it.
    pub(super) fn rename(&mut self, at: usize, parent: usize, rdn: &str) {
        let Some(name) = self.names.get(at) else { return };
        let (hash, height) = (self.hashing.hash_one((name.parent, &*name.rdn)), name.height);
        if let Ok(entry) = self.by_parent.find_entry(hash, |other| *other == at) {
            entry.remove();
        }
        if let Some(name) = self.names.get_mut(at) {
            (name.parent, name.rdn) = (parent, rdn.into());
        }
        self.index(at);
        self.raise(parent, height + 1);
    }
}
