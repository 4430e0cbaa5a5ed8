//! From which snapshots a snapshot was made, and who changed on the way.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::people::UserIndex;

/// How a snapshot came about: by one import, and the deltas since. The numbers of users and groups are the same all along.
#[derive(Clone)]
pub(super) struct Lineage {
    import: Mark,
    /// How many deltas there were in all.
    deltas: u64,
    /// The last of them: whose records or memberships each changed, and a mark of its own, because two deltas can be applied to
    /// one snapshot.
    last: Vec<(Mark, Arc<[UserIndex]>)>,
    /// The snapshot that the import was made to succeed.
    after: Option<Mark>,
}

/// Tells one snapshot from every other.
type Mark = Arc<()>;

impl Lineage {
    /// How many deltas, and how many changed users in all, can be told apart.
    const DELTAS: usize = 256;
    const USERS: usize = 1 << 17;

    pub(super) fn of_import() -> Self {
        Self { import: Arc::new(()), deltas: 0, last: Vec::new(), after: None }
    }

    pub(super) fn and(&self, changed: impl IntoIterator<Item = UserIndex>) -> Self {
        let mut last = self.last.clone();
        last.push((Arc::new(()), changed.into_iter().collect()));
        let mut users = 0;
        let kept = last.iter().rev().take(Self::DELTAS).take_while(|(_, changed)| {
            users += changed.len();
            users <= Self::USERS
        });
        let forgotten = last.len() - kept.count();
        let (import, after) = (Arc::clone(&self.import), self.after.clone());
        Self { import, deltas: self.deltas + 1, last: last.split_off(forgotten), after }
    }

    /// The same, of an import that was made to succeed a snapshot.
    pub(super) fn after(self, before: &Self) -> Self {
        Self { after: Some(Arc::clone(before.mark())), ..self }
    }

    /// Whether this remembers all that an earlier snapshot did: it came from that by deltas, or was made to succeed it.
    pub(super) fn succeeds(&self, earlier: &Self) -> bool {
        self.since(earlier).is_some() || self.after.as_ref().is_some_and(|after| Arc::ptr_eq(after, earlier.mark()))
    }

    fn mark(&self) -> &Mark {
        self.last.last().map_or(&self.import, |(mark, _)| mark)
    }

    /// Whether this came from that by deltas alone, or is the same; and if so, whoever changed, while that is remembered.
    pub(super) fn since(&self, earlier: &Self) -> Option<BTreeSet<UserIndex>> {
        if !Arc::ptr_eq(&self.import, &earlier.import) {
            return None;
        }
        let new = usize::try_from(self.deltas.checked_sub(earlier.deltas)?).ok()?;
        let known = self.last.len().checked_sub(new)?;
        let (old, new) = self.last.split_at_checked(known)?;
        // The last delta that both have is the same one, and not another that was applied to the same snapshot.
        let same = match (old.last(), earlier.last.last()) {
            (Some((one, _)), Some((other, _))) => Arc::ptr_eq(one, other),
            (None, None) => earlier.deltas == 0,
            (None, Some(_)) | (Some(_), None) => false,
        };
        same.then(|| new.iter().flat_map(|(_, users)| users.iter().copied()).collect())
    }
}
