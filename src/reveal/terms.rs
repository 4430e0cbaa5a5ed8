//! The conditions under which a viewer may see the pages of a reveal.

use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::approval::Approvals;
use super::life::Life;
use super::request::after;
use crate::digest::Digest;
use crate::engine::Visibility;
use crate::governance::{Commitment, Event, Initiator, Outcome, Record, RecordId, RevealId, Salt, Subjects};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy, Revision};
use crate::stored::StoredActivity;

/// The conditions that hold for each page of a reveal, from its request to its display.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    reveal: RevealId,
    viewer: UserId,
    /// Distinguishes the grant that the reveal was opened with from a later one.
    granted_in: Revision,
    /// The start of the lifetime.
    since: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// Shared by all values of the reveal.
    life: Life,
    /// The state of the request, if the reveal was opened with one.
    approvals: Option<Approvals>,
}

impl Terms {
    pub(super) fn new(
        reveal: RevealId,
        viewer: UserId,
        granted_in: Revision,
        lifetime: Range<DateTime<Utc>>,
        approvals: Option<Approvals>,
        now: DateTime<Utc>,
    ) -> Self {
        let Range { start: since, end: expires_at } = lifetime;
        Self { reveal, viewer, granted_in, since, expires_at, life: Life::begin(now, since), approvals }
    }

    /// Returns the terms with the current state of the request.
    pub(super) fn with_approvals(&self, approvals: Option<Approvals>) -> Self {
        Self { approvals, ..self.clone() }
    }

    pub(super) fn reveal(&self) -> RevealId {
        self.reveal
    }

    pub(super) fn viewer(&self) -> &UserId {
        &self.viewer
    }

    pub(super) fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Notes how long ago the reveal was opened, by a monotonic clock.
    pub(super) fn elapsed(&self, at_least: Duration) {
        self.life.elapsed(at_least);
    }

    /// Ends the reveal, unless it has ended before.
    pub(super) fn end(&self, why: Denial) {
        self.life.end(why);
    }

    /// Checks whether the viewer may see a page under this policy at this time. A denial is final, unless it is for
    /// approvals that admins can still give.
    pub(super) fn check(&self, policy: &PrivacyPolicy, now: DateTime<Utc>) -> Result<(), Denial> {
        let is_final = |denial| match denial {
            Denial::ApprovalsMissing | Denial::NotRequested => self.approvals.is_none(),
            _ => true,
        };
        self.life.check(now, |time| self.allowed(policy, time), is_final)
    }

    /// `time` is the reveal's own.
    fn allowed(&self, policy: &PrivacyPolicy, time: DateTime<Utc>) -> Result<(), Denial> {
        if policy.permission(&self.viewer)?.granted_in() != self.granted_in {
            return Err(Denial::NotPermitted);
        }
        match &self.approvals {
            Some(approvals) => drop(approvals.approved_at(policy)?),
            None if policy.options().approvals_required > 0 => return Err(Denial::ApprovalsMissing),
            None => {}
        }
        // The clock of another node can be ahead.
        let time = self.approvals.as_ref().and_then(Approvals::latest_time).map_or(time, |latest| latest.max(time));
        // The lifetime is the shorter of the requested one and the one that the policy allows now.
        let allowed = policy.options().max_reveal_lifetime.and_then(|max| after(self.since, max));
        let is_over = time >= self.expires_at || allowed.is_some_and(|end| time >= end);
        if is_over { Err(Denial::Expired) } else { Ok(()) }
    }

    /// Returns the event of a page with these activities. All values that depend on private activities are commitments,
    /// whether or not there are any.
    pub(super) fn page(&self, activities: &[StoredActivity], salts: [Salt; 4]) -> Event {
        let [of_activities, of_private, of_digest, of_subjects] = salts;
        let private: Vec<_> = activities
            .iter()
            .filter(|activity| activity.visibility() == Visibility::Private)
            .map(|activity| activity.activity().id())
            .collect();
        Event::Page {
            reveal: self.reveal,
            activities: Commitment::new(activities.len() as u64, of_activities),
            private: Commitment::new(private.len() as u64, of_private),
            digest: Commitment::new(Digest::of_ids(private), of_digest),
            subjects: Commitment::new(Subjects::of(self.reveal, activities), of_subjects),
        }
    }

    pub(super) fn record(
        &self,
        id: RecordId,
        at: DateTime<Utc>,
        policy: Revision,
        event: Event,
        outcome: Outcome,
    ) -> Record {
        Record { id, at, initiator: Initiator::User(self.viewer.clone()), policy: Some(policy), event, outcome }
    }
}
