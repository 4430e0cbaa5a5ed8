//! What others said to a request for a reveal.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};

use super::request::RevealRequest;
use crate::governance::{
    ApprovalDecision, Event, Initiator, Outcome, Record, RecordEntry, RecordId, Refused, RequestId, RequestSummary,
};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy, Revision};

/// A request for a reveal and the answers to it, as the governance log tells them.
///
/// Everybody who reads the same records has the same: an answer counts by its place in the log, so that of an approval
/// and a withdrawal at once one comes first. Nothing is kept elsewhere.
#[derive(Debug, Clone)]
pub struct Approvals {
    request: RequestId,
    asked: Option<Asked>,
    /// The latest time that anything is known of: what happens from then on is no earlier, whatever a clock says.
    seen: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
struct Asked {
    by: UserId,
    /// The policy that was in force.
    policy: Revision,
    summary: RequestSummary,
    /// In the order of the log, each admin once under each policy.
    approvals: Vec<Approval>,
    /// Whether it was denied or withdrawn.
    over: Option<RequestStatus>,
}

#[derive(Debug, Clone)]
struct Approval {
    by: UserId,
    at: DateTime<Utc>,
    /// The policy that was in force. Tells the grant that it was given under from one that came later.
    policy: Revision,
}

/// How far a request for a reveal has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestStatus {
    /// It waits for so many more approvals.
    Waiting {
        /// How many, at least 1.
        missing: u32,
    },
    /// It is approved, and can be opened until the lifetime that was asked for is over.
    Approved {
        /// When the last approval that it needed was given.
        at: DateTime<Utc>,
    },
    /// Somebody was against it.
    Denied,
    /// Whoever asked took it back.
    Withdrawn,
    /// It was not approved in time.
    Expired,
    /// Whoever asked is not permitted any more under the grant that they asked with.
    Void,
}

impl Approvals {
    /// What these records of the log, in their order, say of a request. Records of anything else are passed over.
    #[must_use]
    pub fn read<'a>(request: RequestId, records: impl IntoIterator<Item = &'a RecordEntry>) -> Self {
        let mut approvals = Self::none(request);
        records.into_iter().for_each(|entry| approvals.add(&entry.record));
        approvals
    }

    /// A request of which nothing is known yet.
    pub(crate) fn none(request: RequestId) -> Self {
        Self { request, asked: None, seen: None }
    }

    /// Goes on with the next record of the log.
    pub(crate) fn add(&mut self, record: &Record) {
        match &record.event {
            Event::RequestReveal(summary) if summary.request == self.request => {}
            Event::DecideRequest { request, .. } if *request == self.request => {}
            _ => return,
        }
        let at = record.at.max(self.seen.unwrap_or(record.at));
        if record.outcome == Outcome::Recorded {
            self.said(record, at);
        }
        // A refusal too: of whoever came too late, it says how late it was.
        self.saw(at);
    }

    /// Takes down that it is this time, or later.
    pub(crate) fn saw(&mut self, time: DateTime<Utc>) {
        self.seen = self.seen.max(Some(time));
    }

    /// The latest time that the log tells of, or that this process saw when it looked at the request.
    pub(crate) fn seen(&self) -> Option<DateTime<Utc>> {
        self.seen
    }

    /// A time of the clock, unless it is known to be later.
    fn no_earlier_than(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.seen.map_or(now, |seen| seen.max(now))
    }

    /// Goes on with a record of what was asked or said. Nothing is said earlier than what the log says before it.
    fn said(&mut self, record: &Record, time: DateTime<Utc>) {
        let Record { initiator: Initiator::User(by), policy: Some(policy), at, event, .. } = record else { return };
        match (event, &mut self.asked) {
            (Event::RequestReveal(summary), asked @ None) if summary.request == self.request => {
                let (by, summary, approvals) = (by.clone(), summary.clone(), Vec::new());
                *asked = Some(Asked { by, policy: *policy, summary, approvals, over: None });
            }
            (Event::DecideRequest { request, answer }, Some(asked)) if *request == self.request => {
                asked.answered(by, *at, time, *policy, *answer);
            }
            _ => {}
        }
    }

    /// Whether an approval of this admin counts already, so that another one would say nothing more.
    pub(crate) fn has_one_of(&self, by: &UserId, policy: &PrivacyPolicy) -> bool {
        self.asked.as_ref().is_some_and(|asked| {
            asked.approvals.iter().any(|approval| approval.by == *by && approval.counts(&asked.by, policy))
        })
    }

    /// The same as it is told to whoever reads the log: by what the query could be guessed only if they may view private
    /// activities.
    pub(crate) fn told(mut self, may_view_private: bool) -> Self {
        if let Some(asked) = self.asked.as_mut().filter(|_| !may_view_private) {
            asked.summary.about.query.redact();
        }
        self
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// What was asked for, and by whom; nothing if no such request is on record.
    #[must_use]
    pub fn asked(&self) -> Option<(&UserId, &RequestSummary)> {
        self.asked.as_ref().map(|asked| (&asked.by, &asked.summary))
    }

    /// How far it has come under this policy, at this time. An approval counts for as long as the admin who gave it is
    /// permitted under the grant that they gave it with. None if no such request is on record.
    ///
    /// A request that expired stays so, whatever the clock does: no time counts that is before the latest in the records
    /// of what was said to it, refusals among them.
    #[must_use]
    pub fn status(&self, policy: &PrivacyPolicy, now: DateTime<Utc>) -> Option<RequestStatus> {
        let asked = self.asked.as_ref()?;
        Some(match (asked.over, asked.approved(policy)) {
            (Some(over), _) => over,
            (None, _) if asked.is_void(policy) => RequestStatus::Void,
            (None, Ok(at)) => RequestStatus::Approved { at: at.unwrap_or(now) },
            (None, Err(_)) if !asked.is_open_at(self.no_earlier_than(now)) => RequestStatus::Expired,
            (None, Err(missing)) => RequestStatus::Waiting { missing },
        })
    }

    /// Somebody answers. The record is the answer: it stands once the record is durable, unless something else that ends
    /// the request came before it in the log. A refusal has a record too.
    ///
    /// # Errors
    /// [`Refused`] with the denial and the record that says so.
    pub fn answer(
        &self,
        policy: &PrivacyPolicy,
        by: &UserId,
        answer: ApprovalDecision,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Record, Box<Refused<Denial>>> {
        let allowed = self.may_answer(policy, by, answer, now);
        let record = Record {
            id: record,
            at: now,
            initiator: Initiator::User(by.clone()),
            policy: Some(policy.revision()),
            event: Event::DecideRequest { request: self.request, answer },
            outcome: allowed.map_or_else(Outcome::Denied, |()| Outcome::Recorded),
        };
        match allowed {
            Ok(()) => Ok(record),
            Err(reason) => Err(Box::new(Refused { reason, record })),
        }
    }

    fn may_answer(
        &self,
        policy: &PrivacyPolicy,
        by: &UserId,
        answer: ApprovalDecision,
        now: DateTime<Utc>,
    ) -> Result<(), Denial> {
        // Before anything is said of the request: whoever may not answer any learns nothing of this one.
        policy.may_view_private(by)?;
        let asked = self.asked.as_ref().ok_or(Denial::NotRequested)?;
        let own = asked.by == *by;
        match answer {
            ApprovalDecision::Withdraw if !own => return Err(Denial::NotRequested),
            ApprovalDecision::Approve if own && !policy.options().self_approval_allowed => {
                return Err(Denial::SelfApproval);
            }
            ApprovalDecision::Approve if !asked.is_open_at(self.no_earlier_than(now)) => {
                return Err(Denial::RequestOver);
            }
            ApprovalDecision::Approve | ApprovalDecision::Deny | ApprovalDecision::Withdraw => {}
        }
        if asked.over.is_some() { Err(Denial::RequestOver) } else { Ok(()) }
    }

    /// Since when the very reveal that `request` is for is approved; none if no approval is needed any more.
    pub(super) fn of(&self, request: &RevealRequest, policy: &PrivacyPolicy) -> Result<Option<DateTime<Utc>>, Denial> {
        let asked = self.asked.as_ref().ok_or(Denial::NotRequested)?;
        if asked.by != *request.viewer() || !request.is_what_was_asked(&asked.summary) {
            return Err(Denial::NotRequested);
        }
        policy.permission(&asked.by)?;
        if asked.is_void(policy) {
            return Err(Denial::RequestOver);
        }
        self.hold(policy)
    }

    /// Since when it is approved, if it still is.
    pub(super) fn hold(&self, policy: &PrivacyPolicy) -> Result<Option<DateTime<Utc>>, Denial> {
        let asked = self.asked.as_ref().ok_or(Denial::NotRequested)?;
        if asked.over.is_some() {
            return Err(Denial::RequestOver);
        }
        asked.approved(policy).map_err(|_| Denial::ApprovalsMissing)
    }
}

impl Asked {
    /// Whether it can still be approved.
    fn is_open_at(&self, time: DateTime<Utc>) -> bool {
        self.summary.expires_at.is_none_or(|end| time < end)
    }

    /// Whether whoever asked lost the grant that they asked with. One that came later does not revive the request.
    fn is_void(&self, policy: &PrivacyPolicy) -> bool {
        policy.permission(&self.by).map_or(true, |grant| grant.granted_in() > self.policy)
    }

    /// `time` is that of the log, which never goes back.
    fn answered(
        &mut self,
        by: &UserId,
        at: DateTime<Utc>,
        time: DateTime<Utc>,
        policy: Revision,
        answer: ApprovalDecision,
    ) {
        // What ended it first stands.
        if self.over.is_some() {
            return;
        }
        match answer {
            ApprovalDecision::Approve => {
                // Again by the same admin counts only if they were permitted anew, which another policy alone can say.
                let again = self.approvals.iter().any(|known| known.by == *by && known.policy == policy);
                if self.is_open_at(time) && !again {
                    self.approvals.push(Approval { by: by.clone(), at, policy });
                }
            }
            ApprovalDecision::Deny => self.over = Some(RequestStatus::Denied),
            ApprovalDecision::Withdraw => self.over = Some(RequestStatus::Withdrawn),
        }
    }

    /// When the last approval was given that this policy asks for, none if it asks for none; or how many are missing.
    fn approved(&self, policy: &PrivacyPolicy) -> Result<Option<DateTime<Utc>>, u32> {
        let mut missing = policy.options().approvals_required;
        let (mut admins, mut at) = (BTreeSet::new(), None);
        for approval in self.approvals.iter().filter(|approval| approval.counts(&self.by, policy)) {
            if missing > 0 && admins.insert(&approval.by) {
                missing -= 1;
                // Clocks of several nodes may differ; the lifetime begins with the latest.
                at = at.max(Some(approval.at));
            }
        }
        if missing == 0 { Ok(at) } else { Err(missing) }
    }
}

impl Approval {
    fn counts(&self, asked_by: &UserId, policy: &PrivacyPolicy) -> bool {
        let own = self.by == *asked_by && !policy.options().self_approval_allowed;
        !own && policy.permission(&self.by).is_ok_and(|grant| grant.granted_in() <= self.policy)
    }
}

impl fmt::Display for RequestStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting { missing } => write!(f, "waits for {missing} more approvals"),
            Self::Approved { at } => write!(f, "approved since {at}"),
            Self::Denied => f.write_str("denied"),
            Self::Withdrawn => f.write_str("withdrawn"),
            Self::Expired => f.write_str("not approved in time"),
            Self::Void => f.write_str("void, because whoever asked is not permitted any more as they were"),
        }
    }
}
