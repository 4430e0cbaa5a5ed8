//! Accepting that a store and its governance log differ: a change of the policy that changes nothing but its revision.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{ChangeRefusal, PendingChange};
use crate::applied::KnownRemovals;
use crate::difference::Difference;
use crate::governance::{Act, Initiator, Outcome, Record, RecordId, Refused};
use crate::identity::UserId;
use crate::policy::{Administrators, PolicyError, PrivacyPolicy, Revision};

impl PendingChange {
    /// Asks the policy of a store that differs from its log whether `by` may accept that. The policy goes on unchanged under
    /// a revision later than `newest`, the newest one that the store or the log knows.
    ///
    /// # Errors
    /// Returns [`Refused`] with the refusal and the record that says so.
    pub(crate) fn accepting(
        policy: &PrivacyPolicy,
        by: &UserId,
        difference: Difference,
        newest: Revision,
        removals: KnownRemovals,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Self, Box<Refused<ChangeRefusal>>> {
        let next = policy.may_manage_privacy(by).map_err(ChangeRefusal::Denied).and_then(|()| {
            let revision = newest.max(policy.revision()).next().ok_or(PolicyError::LastRevision)?;
            Ok(policy.renumbered(revision))
        });
        let revision = next.as_ref().map_or(policy.revision(), PrivacyPolicy::revision);
        let act = Act::AcceptDifference { difference, revision, administrators: BTreeSet::new() };
        asked(next, Some(policy.revision()), removals, by, act, record, now)
    }

    /// Asks whether `by` is one of `administrators`, who may accept that a store without a policy differs from its log. The
    /// first policy then has a revision later than `newest`, which the log knows.
    ///
    /// # Errors
    /// Returns [`Refused`] with the refusal and the record that says so.
    pub(crate) fn beginning_anew(
        administrators: &Administrators,
        by: &UserId,
        difference: Difference,
        newest: Revision,
        removals: KnownRemovals,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Self, Box<Refused<ChangeRefusal>>> {
        let initial = PrivacyPolicy::initial(administrators);
        let next = initial.may_manage_privacy(by).map_err(ChangeRefusal::Denied).and_then(|()| {
            let revision = newest.next().ok_or(PolicyError::LastRevision)?;
            Ok(initial.renumbered(revision))
        });
        let revision = next.as_ref().map_or(newest, PrivacyPolicy::revision);
        let administrators = administrators.users().cloned().collect();
        let act = Act::AcceptDifference { difference, revision, administrators };
        asked(next, None, removals, by, act, record, now)
    }
}

/// Makes a pending change of `next`, or the record that says why there is none.
fn asked(
    next: Result<PrivacyPolicy, ChangeRefusal>,
    expected: Option<Revision>,
    removals: KnownRemovals,
    by: &UserId,
    act: Act,
    record: RecordId,
    now: DateTime<Utc>,
) -> Result<PendingChange, Box<Refused<ChangeRefusal>>> {
    let outcome = match &next {
        Ok(_) => Outcome::Intended,
        Err(ChangeRefusal::Denied(denial)) => Outcome::Denied(*denial),
        Err(ChangeRefusal::Invalid(error)) => Outcome::Invalid(error.clone()),
    };
    let record = Record { id: record, at: now, initiator: Initiator::User(by.clone()), policy: expected, act, outcome };
    match next {
        Ok(next) => Ok(PendingChange { record, next, expected, removals }),
        Err(reason) => Err(Box::new(Refused { reason, record })),
    }
}
