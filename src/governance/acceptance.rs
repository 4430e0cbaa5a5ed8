//! Accepting a difference between a store and its governance log. It is recorded as a change of the policy that changes
//! only the revision, and it decides which removals the store still remembers.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::applied::OnKnownRemovals;
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
    /// The effect on the removals that the store remembers.
    pub(crate) removals: OnKnownRemovals,
}

impl NewPolicy {
    /// Accepts a difference in the name of `by`, if `by` may manage privacy under `policy`. `policy` is the store's
    /// policy, and `in_force` its revision; if the store holds none, `policy` is the first policy and `in_force` is
    /// `None`. The content of the policy stays. Its new revision is later than any in the store or in the log.
    ///
    /// # Errors
    /// Returns [`Rejection`] with the reason and the record to write.
    pub(crate) fn accept_difference(
        policy: &PrivacyPolicy,
        in_force: Option<Revision>,
        by: &UserId,
        acceptance: Acceptance,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Pending<Self>, Box<Rejection<PolicyUpdateError>>> {
        let Acceptance { difference, newest, removals } = acceptance;
        let next = policy.may_manage_privacy(by).map_err(PolicyUpdateError::Denied).and_then(|()| {
            let revision = newest.max(policy.revision()).next().ok_or(PolicyError::LastRevision)?;
            Ok(policy.renumbered(revision))
        });
        // A rejection leaves the revision in force, or the newest known one if the store holds no policy.
        let revision = next.as_ref().map_or(in_force.unwrap_or(newest), PrivacyPolicy::revision);
        // Recorded only for a first policy.
        let administrators = match in_force {
            Some(_) => BTreeSet::new(),
            None => policy.admins().keys().cloned().collect(),
        };
        let event = Event::AcceptDifference { difference, revision, administrators };
        Self::pending(next, in_force, removals, by, event, record, now)
    }
}
