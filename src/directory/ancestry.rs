//! The snapshots that a snapshot was made from, and the users who changed on the way.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::users::UserIndex;

/// How a snapshot was made: by one import, and by deltas since. All of these snapshots have the same numbers of users
/// and groups.
#[derive(Clone)]
pub(super) struct Ancestry {
    /// The mark of this snapshot.
    mark: Mark,
    /// The latest snapshots that deltas were applied to, each with the users whose record or memberships the next delta
    /// changed.
    past: Vec<(Mark, Arc<[UserIndex]>)>,
    /// The snapshot that the import carried over from.
    predecessor: Option<Mark>,
}

/// Identifies one snapshot, also among those that equal deltas made from the same one.
type Mark = Arc<()>;

impl Ancestry {
    /// The most deltas that are remembered, and the most changed users in all of them.
    const MAX_DELTAS: usize = 256;
    const MAX_USERS: usize = 1 << 17;

    pub(super) fn of_import() -> Self {
        Self { mark: Mark::default(), past: Vec::new(), predecessor: None }
    }

    /// Returns the ancestry of a snapshot that a delta makes of this one.
    pub(super) fn extended(&self, changed: impl IntoIterator<Item = UserIndex>) -> Self {
        let mut past = self.past.clone();
        past.push((Arc::clone(&self.mark), changed.into_iter().collect()));
        let mut users = 0;
        let kept = past.iter().rev().take(Self::MAX_DELTAS).take_while(|(_, changed)| {
            users += changed.len();
            users <= Self::MAX_USERS
        });
        let forgotten = past.len() - kept.count();
        Self { mark: Mark::default(), past: past.split_off(forgotten), predecessor: self.predecessor.clone() }
    }

    /// Returns the ancestry of an import that carries over from a snapshot. It has a new mark, because it remembers
    /// more.
    pub(super) fn carried_over_from(before: &Self) -> Self {
        Self { mark: Mark::default(), past: Vec::new(), predecessor: Some(Arc::clone(&before.mark)) }
    }

    /// Returns whether this remembers all that an earlier snapshot did: deltas made it from that one, or it carried
    /// over.
    pub(super) fn is_successor_of(&self, earlier: &Self) -> bool {
        self.since(earlier).is_some()
            || self.predecessor.as_ref().is_some_and(|before| Arc::ptr_eq(before, &earlier.mark))
    }

    /// Returns the users who changed since an earlier snapshot. Returns `None` unless deltas alone made this one from
    /// that, as far as they are remembered.
    pub(super) fn since(&self, earlier: &Self) -> Option<BTreeSet<UserIndex>> {
        if Arc::ptr_eq(&self.mark, &earlier.mark) {
            return Some(BTreeSet::new());
        }
        let from = self.past.iter().position(|(mark, _)| Arc::ptr_eq(mark, &earlier.mark))?;
        Some(self.past.iter().skip(from).flat_map(|(_, changed)| changed.iter().copied()).collect())
    }

    /// Returns the size in bytes, with what is shared with others.
    pub(super) fn heap_bytes(&self) -> usize {
        let changed = self.past.iter().map(|(_, changed)| changed.len() * size_of::<UserIndex>() + 32);
        self.past.capacity() * size_of::<(Mark, Arc<[UserIndex]>)>() + changed.sum::<usize>()
    }
}
