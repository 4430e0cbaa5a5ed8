//! Approvals of a request for a reveal.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::request::RevealRequest;
use crate::governance::{
    ApprovalDecision, Event, Initiator, Outcome, Pending, Record, RecordEntry, RecordId, Rejection, RequestId,
    RequestSummary,
};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy, Revision};
use crate::text::words;

/// A request for a reveal and the answers to it, as recorded in the governance log.
///
/// All readers of the same records get the same state. The position of an answer in the log counts, so that of a
/// concurrent approval and withdrawal one comes first. There is no other state.
#[derive(Debug, Clone)]
pub struct Approvals {
    request: RequestId,
    asked: Option<Asked>,
    /// The latest known time. Later events are no earlier than this, whatever a clock shows.
    latest_time: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
struct Asked {
    by: UserId,
    /// The revision of the policy that was in force.
    policy: Revision,
    summary: RequestSummary,
    /// In the order of the log, at most one for each admin and policy.
    approvals: Vec<Approval>,
    /// Whether it was denied or withdrawn.
    ended: Option<RequestStatus>,
}

#[derive(Debug, Clone)]
struct Approval {
    by: UserId,
    at: DateTime<Utc>,
    /// The revision of the policy that was in force. It distinguishes the grant of the admin from a later one.
    policy: Revision,
}

words!(ApprovalDecision, "answer to a request": Approve = "approve", Deny = "deny", Withdraw = "withdraw");

/// The status of a request for a reveal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum RequestStatus {
    /// It needs more approvals.
    Waiting {
        /// The number of missing approvals, at least 1.
        missing: u32,
    },
    /// It is approved. The reveal can be opened until the requested lifetime is over.
    Approved {
        /// The time of the last approval that it needed.
        at: DateTime<Utc>,
    },
    /// An admin denied it.
    Denied,
    /// The viewer withdrew it.
    Withdrawn,
    /// It was not approved before it expired.
    Expired,
    /// The viewer lost the grant under which they made the request.
    Void,
}

impl Approvals {
    /// Reads the state of a request from records of the log, in their order. Other records are ignored.
    #[must_use]
    pub fn read<'a>(request: RequestId, records: impl IntoIterator<Item = &'a RecordEntry>) -> Self {
        let mut approvals = Self::none(request);
        records.into_iter().for_each(|entry| approvals.add(&entry.record));
        approvals
    }

    /// Returns the state of a request that is not on record.
    pub(crate) fn none(request: RequestId) -> Self {
        Self { request, asked: None, latest_time: None }
    }

    /// Adds the next record of the log.
    pub(crate) fn add(&mut self, record: &Record) {
        match &record.event {
            Event::RequestReveal(summary) if summary.request == self.request => {}
            Event::DecideRequest { request, .. } if *request == self.request => {}
            _ => return,
        }
        let at = record.at.max(self.latest_time.unwrap_or(record.at));
        if record.outcome == Outcome::Recorded {
            self.apply(record, at);
        }
        // A rejection counts too: the record of a late answer shows how late it was.
        self.note_time(at);
    }

    /// Notes that it is this time or later.
    pub(crate) fn note_time(&mut self, time: DateTime<Utc>) {
        self.latest_time = self.latest_time.max(Some(time));
    }

    /// Returns the latest time in the log, or at which this process read the request.
    pub(super) fn latest_time(&self) -> Option<DateTime<Utc>> {
        self.latest_time
    }

    /// Returns the time of the clock, or the latest known time if that is later.
    fn no_earlier_than(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.latest_time.map_or(now, |latest| latest.max(now))
    }

    /// Applies the record of a request or an answer. `time` is no earlier than that of any record before it.
    fn apply(&mut self, record: &Record, time: DateTime<Utc>) {
        let Record { initiator: Initiator::User(by), policy: Some(policy), at, event, .. } = record else { return };
        match (event, &mut self.asked) {
            (Event::RequestReveal(summary), asked @ None) if summary.request == self.request => {
                let (by, summary, approvals) = (by.clone(), summary.clone(), Vec::new());
                *asked = Some(Asked { by, policy: *policy, summary, approvals, ended: None });
            }
            (Event::DecideRequest { request, answer }, Some(asked)) if *request == self.request => {
                asked.answer(by, *at, time, *policy, *answer);
            }
            _ => {}
        }
    }

    /// Returns whether an approval of this admin already counts, so that another one would have no effect.
    pub(crate) fn has_one_of(&self, by: &UserId, policy: &PrivacyPolicy) -> bool {
        self.asked.as_ref().is_some_and(|asked| {
            asked.approvals.iter().any(|approval| approval.by == *by && approval.counts(&asked.by, policy))
        })
    }

    /// Returns the state as a reader of the log may see it. Only a reader who may view private activities sees the
    /// digest of the query, because the query can be guessed with it.
    pub(crate) fn visible_to_reader(mut self, may_view_private: bool) -> Self {
        if let Some(asked) = self.asked.as_mut().filter(|_| !may_view_private) {
            asked.summary.terms.query.redact();
        }
        self
    }

    /// Returns the id of the request.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// Returns the viewer and the content of the request, and `None` if no such request is on record.
    #[must_use]
    pub fn asked(&self) -> Option<(&UserId, &RequestSummary)> {
        self.asked.as_ref().map(|asked| (&asked.by, &asked.summary))
    }

    /// Returns the status under a policy at a time, and `None` if no such request is on record. An approval counts as
    /// long as the admin still has the grant under which they approved.
    ///
    /// An expired request stays expired, even if the clock is set back: a time before the latest one in the records of
    /// the request is not used. Records of rejected answers count as well.
    #[must_use]
    pub fn status(&self, policy: &PrivacyPolicy, now: DateTime<Utc>) -> Option<RequestStatus> {
        let asked = self.asked.as_ref()?;
        Some(match (asked.ended, asked.approved(policy)) {
            (Some(ended), _) => ended,
            (None, _) if asked.is_void(policy) => RequestStatus::Void,
            (None, Ok(at)) => RequestStatus::Approved { at: at.unwrap_or(now) },
            (None, Err(_)) if !asked.is_open_at(self.no_earlier_than(now)) => RequestStatus::Expired,
            (None, Err(missing)) => RequestStatus::Waiting { missing },
        })
    }

    /// Answers the request in the name of `by`. The answer consists of its record. It takes effect once that is
    /// durable, unless a record before it in the log ended the request. Accepted or rejected, there is a record to
    /// write.
    ///
    /// # Errors
    /// Returns [`Rejection`] with the denial and the record to write.
    pub fn answer(
        &self,
        policy: &PrivacyPolicy,
        by: &UserId,
        answer: ApprovalDecision,
        record: RecordId,
        now: DateTime<Utc>,
    ) -> Result<Pending<ApprovalDecision>, Box<Rejection<Denial>>> {
        let allowed = self.may_answer(policy, by, answer, now).map(|()| answer);
        let record = Record {
            id: record,
            at: now,
            initiator: Initiator::User(by.clone()),
            policy: Some(policy.revision()),
            event: Event::DecideRequest { request: self.request, answer },
            outcome: Outcome::Recorded,
        };
        Pending::allowed_or_rejected(record, allowed.map_err(|denial| (Outcome::Denied(denial), denial)))
    }

    fn may_answer(
        &self,
        policy: &PrivacyPolicy,
        by: &UserId,
        answer: ApprovalDecision,
        now: DateTime<Utc>,
    ) -> Result<(), Denial> {
        // Checked first, so that a user who may answer no request learns nothing about this one.
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
        if asked.ended.is_some() { Err(Denial::RequestOver) } else { Ok(()) }
    }

    /// Returns the time since which exactly this reveal is approved, and `None` if no approval is needed any more.
    pub(super) fn approved_for(
        &self,
        request: &RevealRequest,
        policy: &PrivacyPolicy,
    ) -> Result<Option<DateTime<Utc>>, Denial> {
        let asked = self.asked.as_ref().ok_or(Denial::NotRequested)?;
        if asked.by != *request.viewer() || !request.matches(&asked.summary) {
            return Err(Denial::NotRequested);
        }
        policy.permission(&asked.by)?;
        if asked.is_void(policy) {
            return Err(Denial::RequestOver);
        }
        self.approved_at(policy)
    }

    /// Returns the time since which the request is approved, if it still is.
    pub(super) fn approved_at(&self, policy: &PrivacyPolicy) -> Result<Option<DateTime<Utc>>, Denial> {
        let asked = self.asked.as_ref().ok_or(Denial::NotRequested)?;
        if asked.ended.is_some() {
            return Err(Denial::RequestOver);
        }
        asked.approved(policy).map_err(|_| Denial::ApprovalsMissing)
    }
}

impl Asked {
    /// Returns whether the request can still be approved.
    fn is_open_at(&self, time: DateTime<Utc>) -> bool {
        self.summary.expires_at.is_none_or(|end| time < end)
    }

    /// Returns whether the viewer lost the grant under which they made the request. A later grant does not revive it.
    fn is_void(&self, policy: &PrivacyPolicy) -> bool {
        policy.permission(&self.by).map_or(true, |grant| grant.granted_in() > self.policy)
    }

    /// Applies an answer. `time` is that of the log, which never goes back.
    fn answer(
        &mut self,
        by: &UserId,
        at: DateTime<Utc>,
        time: DateTime<Utc>,
        policy: Revision,
        answer: ApprovalDecision,
    ) {
        // The first end counts.
        if self.ended.is_some() {
            return;
        }
        match answer {
            ApprovalDecision::Approve => {
                // Another approval by the same admin counts only after a new grant, which needs another policy.
                let again = self.approvals.iter().any(|known| known.by == *by && known.policy == policy);
                if self.is_open_at(time) && !again {
                    self.approvals.push(Approval { by: by.clone(), at, policy });
                }
            }
            ApprovalDecision::Deny => self.ended = Some(RequestStatus::Denied),
            ApprovalDecision::Withdraw => self.ended = Some(RequestStatus::Withdrawn),
        }
    }

    /// Returns the time of the last approval that this policy requires, `None` if it requires none, or the number of
    /// missing approvals.
    fn approved(&self, policy: &PrivacyPolicy) -> Result<Option<DateTime<Utc>>, u32> {
        let mut missing = policy.options().approvals_required;
        let (mut admins, mut at) = (BTreeSet::new(), None);
        for approval in self.approvals.iter().filter(|approval| approval.counts(&self.by, policy)) {
            if missing > 0 && admins.insert(&approval.by) {
                missing -= 1;
                // The clocks of nodes may differ. The lifetime begins with the latest time.
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
            Self::Waiting { missing } => write!(f, "waiting for {missing} more approvals"),
            Self::Approved { at } => write!(f, "approved since {at}"),
            Self::Denied => f.write_str("denied"),
            Self::Withdrawn => f.write_str("withdrawn"),
            Self::Expired => f.write_str("expired before it was approved"),
            Self::Void => f.write_str("void, because the viewer lost the grant under which they made the request"),
        }
    }
}
