//! Accepting that a store and its governance log differ: a change of the policy that changes nothing but its revision.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{ChangeRefusal, PendingChange};
use crate::governance::{Difference, Event, KnownRemovals, RecordId, Refused};
use crate::identity::UserId;
use crate::policy::{PolicyError, PrivacyPolicy, Revision};

/// What is accepted.
#[derive(Clone, Copy)]
pub(crate) struct Acceptance {
    /// How the store and the log differ.
    pub(crate) difference: Difference,
    /// The newest revision that either of the two knows.
    pub(crate) newest: Revision,
    /// What becomes of the removals that the store knows.
    pub(crate) removals: KnownRemovals,
}

impl PendingChange {
    /// Asks a policy whether `by` may accept that the store and the log differ: the policy of the store, whose revision is
    /// `in_force`, or the one with which a store begins anew that holds none. It goes on unchanged under a revision later than
    /// any that the two know.
    ///
    /// # Errors
    /// Returns [`Refused`] with the refusal and the record that says so.
    pub(crate) fn accepting(
        policy: &PrivacyPolicy,
        in_force: Option<Revision>,
        by: &UserId,
        accepted: Acceptance,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Self, Box<Refused<ChangeRefusal>>> {
        let Acceptance { difference, newest, removals } = accepted;
        let next = policy.may_manage_privacy(by).map_err(ChangeRefusal::Denied).and_then(|()| {
            let revision = newest.max(policy.revision()).next().ok_or(PolicyError::LastRevision)?;
            Ok(policy.renumbered(revision))
        });
        let revision = next.as_ref().map_or(in_force.unwrap_or(newest), PrivacyPolicy::revision);
        let administrators = match in_force {
            Some(_) => BTreeSet::new(),
            None => policy.admins().keys().cloned().collect(),
        };
        let event = Event::AcceptDifference { difference, revision, administrators };
        Self::asked(next, in_force, removals, by, event, record, now)
    }
}
