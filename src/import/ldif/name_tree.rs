//! The tree of distinguished names. Each name refers to its parent, so moving an entry moves its subtree without
//! visiting it.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::dn::{Dn, MAX_PARTS};
use crate::steps;

/// All names read so far. The index of a name is the index of its entry.
#[derive(Clone)]
pub(super) struct NameTree {
    // INVARIANT: the first name is the root, which is its own parent. All others are less than `MAX_PARTS` levels below
    // it.
    names: Vec<NameNode>,
    by_parent: HashTable<usize>,
    hashing: RandomState,
}

#[derive(Clone)]
struct NameNode {
    parent: usize,
    rdn: Box<str>,
    /// The maximum number of levels below the name. Some of them may have moved away.
    height: usize,
    /// The number of entries at or below the name whose only id is their name.
    named_by_dn: usize,
    /// Whether the caller declared the name as a non-person.
    non_people: bool,
}

/// The reason why an entry cannot be moved.
pub(super) enum MoveError {
    /// The only id of an entry in the subtree is its name.
    NamedByDn,
    /// The new name is or was in use, or the move is not possible.
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
    /// Returns the number of names, including the root.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns the index of a name, or `None` if it was never read.
    pub(super) fn find(&self, dn: &Dn) -> Option<usize> {
        steps::advance(dn.parts.len());
        dn.parts.iter().rev().try_fold(ROOT, |parent, rdn| self.child(parent, rdn))
    }

    /// Returns the index of a name, and adds the name if needed.
    pub(super) fn get_or_insert(&mut self, dn: &Dn) -> usize {
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

    /// Records that there are this many levels below a name.
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

    /// Returns the name and its ancestors, up to the root.
    fn upwards(&self, from: usize) -> impl Iterator<Item = usize> {
        let above = |at: &usize| self.names.get(*at).map(|name| name.parent).filter(|_| *at != ROOT);
        std::iter::successors(Some(from), above).inspect(|_| steps::advance(1))
    }

    /// Returns the normalized name.
    pub(super) fn text(&self, at: usize) -> String {
        let parts = self.upwards(at).filter(|at| *at != ROOT).filter_map(|at| self.names.get(at));
        parts.map(|name| &*name.rdn).collect::<Vec<_>>().join(",")
    }

    /// Returns the relative name.
    pub(super) fn rdn(&self, at: usize) -> &str {
        self.names.get(at).map_or("", |name| &name.rdn)
    }

    pub(super) fn parent(&self, at: usize) -> usize {
        self.names.get(at).map_or(ROOT, |name| name.parent)
    }

    /// Declares that a name and its subtree are not people. For the root, this covers the root only.
    pub(super) fn mark_non_people(&mut self, at: usize) {
        if let Some(name) = self.names.get_mut(at) {
            name.non_people = true;
        }
    }

    /// Returns whether the caller declared the name, or an ancestor, as a non-person.
    pub(super) fn is_non_person(&self, at: usize) -> bool {
        let declared = |at: usize| self.names.get(at).is_some_and(|name| name.non_people);
        if at == ROOT { declared(ROOT) } else { self.upwards(at).any(|above| above != ROOT && declared(above)) }
    }

    /// Counts an entry whose only id is its name, when it is added or removed.
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

    /// Checks that an entry can be moved with its subtree.
    pub(super) fn check_move(&self, at: usize, parent: usize, rdn: &str) -> Result<(), MoveError> {
        let Some(name) = self.names.get(at) else { return Err(MoveError::Taken) };
        if name.named_by_dn > 0 {
            return Err(MoveError::NamedByDn);
        }
        let is_taken = self.child(parent, rdn).is_some_and(|other| other != at);
        let (is_below_itself, depth) = (self.upwards(parent).any(|above| above == at), self.upwards(parent).count());
        if is_taken || is_below_itself || depth + name.height > MAX_PARTS { Err(MoveError::Taken) } else { Ok(()) }
    }

    /// Moves an entry with its subtree.
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
