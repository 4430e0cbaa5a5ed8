//! The administrators of the first policy.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::identity::UserId;

/// The privacy administrators of the first policy: at least two, or exactly one by an explicit choice of the embedder.
///
/// Two administrators can make grants to each other that none may make to themselves. If one leaves, the other remains.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::identity::UserId;
/// use activity_privacy::policy::Administrators;
///
/// let (officer, deputy) = (UserId::new("u-1")?, UserId::new("u-2")?);
/// assert_eq!(Administrators::new(officer.clone(), deputy)?.users().count(), 2);
/// assert!(Administrators::new(officer.clone(), officer.clone()).is_err());
/// assert_eq!(Administrators::only_one(officer).users().count(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrators {
    first: UserId,
    others: BTreeSet<UserId>,
}

/// One user was named as both administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("both administrators are the same user; name another one, or use `only_one` for a single administrator")]
pub struct SameAdministrator;

impl Administrators {
    /// Returns two administrators. The governance record of the initialization names the first as its initiator.
    ///
    /// # Errors
    /// Returns [`SameAdministrator`] if the two are the same user.
    pub fn new(first: UserId, second: UserId) -> Result<Self, SameAdministrator> {
        if first == second { Err(SameAdministrator) } else { Ok(Self::only_one(first).with(second)) }
    }

    /// Returns a single administrator. Until this administrator adds another one, no other user can grant them the
    /// permission to view private activities.
    #[must_use]
    pub fn only_one(administrator: UserId) -> Self {
        Self { first: administrator, others: BTreeSet::new() }
    }

    /// Adds one more administrator.
    #[must_use]
    pub fn with(mut self, administrator: UserId) -> Self {
        if administrator != self.first {
            self.others.insert(administrator);
        }
        self
    }

    /// Returns the administrators, the first one first.
    pub fn users(&self) -> impl Iterator<Item = &UserId> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Returns the initiator of the initialization.
    pub(crate) fn first(&self) -> &UserId {
        &self.first
    }
}
