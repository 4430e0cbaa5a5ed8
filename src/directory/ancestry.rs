//! From which snapshots a snapshot was made, and who changed on the way.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::people::UserIndex;

/// How a snapshot came about: by one import, and the deltas since. The numbers of users and groups are the same all
/// along.
#[derive(Clone)]
pub(super) struct Lineage {
    /// Of this snapshot.
    mark: Mark,
    /// The last snapshots that deltas led through, each with whoever was changed by the delta that followed it: in
    /// their records or in their memberships.
    past: Vec<(Mark, Arc<[UserIndex]>)>,
    /// The snapshot that the import was made to succeed.
    after: Option<Mark>,
}

/// Tells one snapshot from every other, also from another that the same delta made of the same one.
type Mark = Arc<()>;

impl Lineage {
    /// How many deltas, and how many changed users in all, can be told apart.
    const DELTAS: usize = 256;
    const USERS: usize = 1 << 17;

    pub(super) fn of_import() -> Self {
        Self { mark: Mark::default(), past: Vec::new(), after: None }
    }

    /// Of what a delta made of this.
    pub(super) fn and(&self, changed: impl IntoIterator<Item = UserIndex>) -> Self {
        let mut past = self.past.clone();
        past.push((Arc::clone(&self.mark), changed.into_iter().collect()));
        let mut users = 0;
        let kept = past.iter().rev().take(Self::DELTAS).take_while(|(_, changed)| {
            users += changed.len();
            users <= Self::USERS
        });
        let forgotten = past.len() - kept.count();
        Self { mark: Mark::default(), past: past.split_off(forgotten), after: self.after.clone() }
    }

    /// Of what was made to succeed a snapshot. It is another than before, because it remembers more.
    pub(super) fn after(before: &Self) -> Self {
        Self { mark: Mark::default(), past: Vec::new(), after: Some(Arc::clone(&before.mark)) }
    }

    /// Whether this remembers all that an earlier snapshot did: it came from that by deltas, or was made to succeed it.
    pub(super) fn is_successor_of(&self, earlier: &Self) -> bool {
        self.since(earlier).is_some() || self.after.as_ref().is_some_and(|after| Arc::ptr_eq(after, &earlier.mark))
    }

    /// Whether this came from that by deltas alone, or is the same; and if so, whoever changed, while that is
    /// remembered.
    pub(super) fn since(&self, earlier: &Self) -> Option<BTreeSet<UserIndex>> {
        if Arc::ptr_eq(&self.mark, &earlier.mark) {
            return Some(BTreeSet::new());
        }
        let from = self.past.iter().position(|(mark, _)| Arc::ptr_eq(mark, &earlier.mark))?;
        Some(self.past.iter().skip(from).flat_map(|(_, changed)| changed.iter().copied()).collect())
    }

    /// How much memory it takes, shared with others or not.
    pub(super) fn heap_bytes(&self) -> usize {
        let changed = self.past.iter().map(|(_, changed)| changed.len() * size_of::<UserIndex>() + 32);
        self.past.capacity() * size_of::<(Mark, Arc<[UserIndex]>)>() + changed.sum::<usize>()
    }
}
