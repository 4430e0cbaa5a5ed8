//! Acceptance of a difference between a store and its governance log: a change of the policy's revision and of nothing
//! else.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::applied::KnownRemovals;
use super::difference::Difference;
use super::event::Event;
use super::ids::RecordId;
use super::policy_update::{NewPolicy, PolicyUpdateError};
use super::recorded::{Pending, Rejection};
use crate::identity::UserId;
use crate::policy::{PolicyError, PrivacyPolicy, Revision};

/// The difference to accept, and its consequences.
#[derive(Clone, Copy)]
pub(crate) struct Acceptance {
    /// The difference between the store and the log.
    pub(crate) difference: Difference,
    /// The newest revision that the store or the log knows.
    pub(crate) newest: Revision,
    /// What happens to the removals that the store remembers.
    pub(crate) removals: KnownRemovals,
}

impl NewPolicy {
    /// Accepts a difference in the name of `by`, if `by` may change `policy`. `policy` is the store's own, whose revision is
    /// `in_force`, or the first one of a store that holds none. Its content stays; its revision becomes later than any that
    /// the store or the log knows.
    ///
    /// # Errors
    /// Returns [`Rejection`] with the reason and the record to write.
    pub(crate) fn accepting(
        policy: &PrivacyPolicy,
        in_force: Option<Revision>,
        by: &UserId,
        accepted: Acceptance,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Pending<Self>, Box<Rejection<PolicyUpdateError>>> {
        let Acceptance { difference, newest, removals } = accepted;
        let next = policy.may_manage_privacy(by).map_err(PolicyUpdateError::Denied).and_then(|()| {
            let revision = newest.max(policy.revision()).next().ok_or(PolicyError::LastRevision)?;
            Ok(policy.renumbered(revision))
        });
        let revision = next.as_ref().map_or(in_force.unwrap_or(newest), PrivacyPolicy::revision);
        let administrators = match in_force {
            Some(_) => BTreeSet::new(),
            None => policy.admins().keys().cloned().collect(),
        };
        let event = Event::AcceptDifference { difference, revision, administrators };
        Self::pending(next, in_force, removals, by, event, record, now)
    }
}
