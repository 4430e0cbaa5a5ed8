//! The snapshots that a snapshot was made from, and the users who changed on the way.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::users::UserIndex;

/// How a snapshot was made: by one import, and by deltas since. All of these snapshots number users and groups in the
/// same way.
#[derive(Clone)]
pub(super) struct Ancestry {
    id: SnapshotId,
    /// The latest snapshots that deltas were applied to, each with the users whose record or memberships the next delta
    /// changed.
    past: Vec<(SnapshotId, Arc<[UserIndex]>)>,
    /// The earlier snapshot whose removed groups and names the import took over.
    predecessor: Option<SnapshotId>,
}

/// The identity of one snapshot. Applying equal deltas to one snapshot twice gives two identities.
#[derive(Clone, Default)]
struct SnapshotId(Arc<()>);

impl PartialEq for SnapshotId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Ancestry {
    /// The most deltas that are remembered.
    const MAX_DELTAS: usize = 256;
    /// The most changed users that are remembered, over all deltas.
    const MAX_USERS: usize = 1 << 17;

    pub(super) fn of_import() -> Self {
        Self { id: SnapshotId::default(), past: Vec::new(), predecessor: None }
    }

    /// Returns the ancestry of the snapshot that a delta with these changed users results in.
    pub(super) fn extended(&self, changed: impl IntoIterator<Item = UserIndex>) -> Self {
        let mut past = self.past.clone();
        past.push((self.id.clone(), changed.into_iter().collect()));
        let mut users = 0;
        let kept = past.iter().rev().take(Self::MAX_DELTAS).take_while(|(_, changed)| {
            users += changed.len();
            users <= Self::MAX_USERS
        });
        let forgotten = past.len() - kept.count();
        Self { id: SnapshotId::default(), past: past.split_off(forgotten), predecessor: self.predecessor.clone() }
    }

    /// Returns the ancestry of an import that carries over from a snapshot. It has an identity of its own, because this
    /// snapshot remembers removed groups that the bare import does not.
    pub(super) fn carried_over_from(before: &Self) -> Self {
        Self { id: SnapshotId::default(), past: Vec::new(), predecessor: Some(before.id.clone()) }
    }

    /// Returns whether this snapshot is the earlier one, results from it by deltas, or comes from an import that
    /// carried over from it, alone or with later deltas.
    pub(super) fn is_successor_of(&self, earlier: &Self) -> bool {
        self.changed_since(earlier).is_some() || self.predecessor.as_ref() == Some(&earlier.id)
    }

    /// Returns the users who changed since an earlier snapshot. Returns `None` if an import lies between the two, or if
    /// the deltas are no longer remembered.
    pub(super) fn changed_since(&self, earlier: &Self) -> Option<BTreeSet<UserIndex>> {
        if self.id == earlier.id {
            return Some(BTreeSet::new());
        }
        let from = self.past.iter().position(|(id, _)| *id == earlier.id)?;
        Some(self.past.iter().skip(from).flat_map(|(_, changed)| changed.iter().copied()).collect())
    }

    /// Returns the approximate size in bytes, including what other snapshots share.
    pub(super) fn heap_bytes(&self) -> usize {
        // An `Arc` has 16 bytes of counters, and each delta has two.
        let changed = self.past.iter().map(|(_, changed)| changed.len() * size_of::<UserIndex>() + 2 * 16);
        self.past.capacity() * size_of::<(SnapshotId, Arc<[UserIndex]>)>() + changed.sum::<usize>()
    }
}
