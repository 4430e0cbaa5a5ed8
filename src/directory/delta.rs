//! The changes of a directory that a source reports.

use super::user::User;
use crate::identity::{GroupId, UserId};

/// The changes of a directory since an earlier state: facts that are true from now on, in the order of their report.
///
/// A later fact overrides an earlier one. A fact that was true before is no error, so a delta can be applied to a state
/// that already has some of its changes.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::directory::{DirectoryBuilder, DirectoryDelta, DirectoryRevision};
/// use activity_privacy::identity::{GroupId, UserId};
///
/// let (council, adele) = (GroupId::new("g-1")?, UserId::new("u-1")?);
/// let before = DirectoryBuilder::new()
///     .group(council.clone(), "Works council")
///     .build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse()?)?;
/// let joined = DirectoryDelta::new().member(&council, &adele);
/// let after = before.apply(&joined, DirectoryRevision(2), "2026-03-01T00:05:00Z".parse()?)?;
/// assert!(after.all_members(&council).contains(&adele));
/// assert!(before.all_members(&council).is_empty(), "a snapshot never changes");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct DirectoryDelta {
    changes: Vec<DirectoryChange>,
    /// For each delta but the first that was concatenated, the number of changes before it. In order, and each below
    /// the number of changes.
    joints: Vec<usize>,
}

/// One fact of a [`DirectoryDelta`]. `Debug` shows no user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryChange {
    /// A user has this record, which replaces any earlier one.
    User(User),
    /// A user has no record any more. The user stays a member of the groups that still list the user.
    RemoveUser(UserId),
    /// A group exists under this display name.
    Group(GroupId, Box<str>),
    /// A group does not exist any more, nor do its memberships and nestings.
    RemoveGroup(GroupId),
    /// A group lists a user.
    Member(GroupId, UserId),
    /// A group does not list a user any more.
    RemoveMember(GroupId, UserId),
    /// The second group is nested in the first.
    Nested(GroupId, GroupId),
    /// The second group is not nested in the first any more.
    RemoveNesting(GroupId, GroupId),
}

impl DirectoryDelta {
    /// Returns an empty delta.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces the record of a user.
    pub fn user(self, user: User) -> Self {
        self.push(DirectoryChange::User(user))
    }

    /// Removes the record of a user. Memberships stay until they are removed too.
    pub fn without_user(self, user: &UserId) -> Self {
        self.push(DirectoryChange::RemoveUser(user.clone()))
    }

    /// Adds a group, or changes its display name.
    pub fn group(self, id: GroupId, name: impl Into<String>) -> Self {
        self.push(DirectoryChange::Group(id, name.into().into_boxed_str()))
    }

    /// Removes a group and all of its memberships.
    pub fn without_group(self, group: &GroupId) -> Self {
        self.push(DirectoryChange::RemoveGroup(group.clone()))
    }

    /// Adds a user to a group.
    pub fn member(self, group: &GroupId, user: &UserId) -> Self {
        self.push(DirectoryChange::Member(group.clone(), user.clone()))
    }

    /// Removes a user from a group.
    pub fn without_member(self, group: &GroupId, user: &UserId) -> Self {
        self.push(DirectoryChange::RemoveMember(group.clone(), user.clone()))
    }

    /// Nests `child` in `group`.
    pub fn nested(self, group: &GroupId, child: &GroupId) -> Self {
        self.push(DirectoryChange::Nested(group.clone(), child.clone()))
    }

    /// Removes the nesting of `child` in `group`.
    pub fn without_nested(self, group: &GroupId, child: &GroupId) -> Self {
        self.push(DirectoryChange::RemoveNesting(group.clone(), child.clone()))
    }

    /// Adds a fact.
    pub fn push(mut self, change: DirectoryChange) -> Self {
        self.changes.push(change);
        self
    }

    /// Appends another delta. Applying the result equals applying both in turn, except that it makes only one revision.
    /// It takes as long as both.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use activity_privacy::directory::{DirectoryBuilder, DirectoryDelta, DirectoryRevision};
    /// use activity_privacy::identity::{GroupId, UserId};
    ///
    /// let (council, adele, bob) = (GroupId::new("g-1")?, UserId::new("u-1")?, UserId::new("u-2")?);
    /// let morning = DirectoryDelta::new().group(council.clone(), "Works council").member(&council, &adele);
    /// let evening = DirectoryDelta::new().without_member(&council, &adele).member(&council, &bob);
    /// let day = morning.then(evening);
    ///
    /// let before = DirectoryBuilder::new().build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse()?)?;
    /// let after = before.apply(&day, DirectoryRevision(2), "2026-03-02T00:00:00Z".parse()?)?;
    /// assert_eq!(after.all_members(&council), [bob].into());
    /// # Ok(())
    /// # }
    /// ```
    pub fn then(mut self, mut later: Self) -> Self {
        if self.is_empty() || later.is_empty() {
            return if later.is_empty() { self } else { later };
        }
        let before = self.changes.len();
        self.joints.push(before);
        self.joints.extend(later.joints.iter().map(|joint| before + joint));
        self.changes.append(&mut later.changes);
        self
    }

    /// Returns the deltas that were concatenated, each with the number of changes before it.
    pub(super) fn parts(&self) -> impl Iterator<Item = (usize, &[DirectoryChange])> {
        let starts = std::iter::once(0).chain(self.joints.iter().copied());
        let ends = self.joints.iter().copied().chain([self.changes.len()]);
        starts.zip(ends).map(|(from, to)| (from, self.changes.get(from..to).unwrap_or_default()))
    }

    /// Returns the changes in order.
    #[must_use]
    pub fn changes(&self) -> &[DirectoryChange] {
        &self.changes
    }

    /// Returns whether the delta has no changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl std::fmt::Debug for DirectoryDelta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectoryDelta").field("changes", &self.changes.len()).finish()
    }
}
