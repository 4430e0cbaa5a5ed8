//! Several changes of the policy that make one revision.

use serde::{Deserialize, Serialize};

use super::{PolicyChange, Revision};
use crate::text::deserialize_without_quoting;

/// Changes of the policy that make one revision with one pair of governance records. They apply in order; if one is
/// rejected, none is made.
///
/// Each change concerns one thing and leaves the rest as it is. An update can therefore be applied again on top of a
/// change that another administrator made first. An update that depends on the policy that its author read names that
/// revision with [`made_for`](Self::made_for), and is rejected if another revision is in force.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::identity::GroupId;
/// use activity_privacy::policy::{PolicyChange, PolicyUpdate, Revision};
///
/// let groups = ["g-council", "g-board"].map(GroupId::new);
/// let mut update = PolicyUpdate::default().made_for(Revision::FIRST);
/// for group in groups {
///     update.push(PolicyChange::MakePrivate(group?.into()));
/// }
/// assert_eq!(update.changes().len(), 2);
/// # Ok(())
/// # }
/// ```
///
/// The serde form has the fields `changes` and, if the update names a revision, `made_for`. Unknown fields are
/// rejected: an ignored `made_for` would apply an update to a policy that its author never read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[must_use]
pub struct PolicyUpdate {
    changes: Vec<PolicyChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    made_for: Option<Revision>,
}

#[derive(Deserialize)]
#[serde(remote = "PolicyUpdate", deny_unknown_fields, expecting = "a policy update")]
struct UpdateDocument {
    changes: Vec<PolicyChange>,
    #[serde(default)]
    made_for: Option<Revision>,
}

deserialize_without_quoting!(PolicyUpdate, UpdateDocument);

impl PolicyUpdate {
    /// Adds a change after the others.
    pub fn push(&mut self, change: PolicyChange) {
        self.changes.push(change);
    }

    /// Requires that this revision is in force when the update is applied.
    pub fn made_for(self, revision: Revision) -> Self {
        Self { made_for: Some(revision), ..self }
    }

    /// Returns the changes in order.
    #[must_use]
    pub fn changes(&self) -> &[PolicyChange] {
        &self.changes
    }

    /// Returns the revision that must be in force, if the update names one.
    #[must_use]
    pub fn expected(&self) -> Option<Revision> {
        self.made_for
    }
}

impl From<Vec<PolicyChange>> for PolicyUpdate {
    fn from(changes: Vec<PolicyChange>) -> Self {
        Self { changes, made_for: None }
    }
}

impl<const N: usize> From<[PolicyChange; N]> for PolicyUpdate {
    fn from(changes: [PolicyChange; N]) -> Self {
        Self::from(Vec::from(changes))
    }
}

impl From<&[PolicyChange]> for PolicyUpdate {
    fn from(changes: &[PolicyChange]) -> Self {
        Self::from(changes.to_vec())
    }
}

impl From<PolicyChange> for PolicyUpdate {
    fn from(change: PolicyChange) -> Self {
        Self::from([change])
    }
}

impl From<&PolicyChange> for PolicyUpdate {
    fn from(change: &PolicyChange) -> Self {
        Self::from(change.clone())
    }
}

impl From<&Self> for PolicyUpdate {
    fn from(update: &Self) -> Self {
        update.clone()
    }
}

impl FromIterator<PolicyChange> for PolicyUpdate {
    fn from_iter<I: IntoIterator<Item = PolicyChange>>(changes: I) -> Self {
        Self::from(Vec::from_iter(changes))
    }
}
