//! The event in a governance record: ids, digests and counts. It never contains the content of an activity, nor a name from
//! a query.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::commitment::{Commitment, CommitmentText};
use super::difference::Difference;
use super::ids::{RecordId, RequestId, RevealId};
use super::record_kind::RecordKind;
use super::sink_set::SinkName;
use super::subjects::Subjects;
use crate::digest::{Digest, Fields};
use crate::identity::{Domain, GroupId, UserId};
use crate::policy::{GroupRef, OptionsPatch, Purpose, Revision, Role, ScopeRule};
use crate::query::Query;
use crate::text::checked_text;

/// An event that happened or was attempted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The first policy was created.
    InitializePolicy {
        /// The privacy administrators, who may change it.
        administrators: BTreeSet<UserId>,
    },
    /// The policy was changed. The changes are in order and make one revision.
    ChangePolicy(Vec<ChangeSummary>),
    /// A dry run computed the effect of changes of the policy without making them.
    DryRun {
        /// The changes, in order.
        changes: Vec<ChangeSummary>,
        /// The largest number of people that the result names for each kind of effect, 0 if it only counts them. No record
        /// names them.
        sample: u64,
    },
    /// A difference between the store and this log was accepted. The policy of the store is in force under a new revision, or
    /// a first policy if the store held none.
    AcceptDifference {
        /// The difference.
        difference: Difference,
        /// The new revision, which is later than any that the store or the log knows.
        revision: Revision,
        /// The administrators of a first policy. Empty if the policy of the store continues.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        administrators: BTreeSet<UserId>,
    },
    /// A reveal was opened or closed.
    Reveal(RevealSummary),
    /// A page of a reveal was shown or rejected. All values that depend on private activities are commitments, whether or not
    /// the page has any. Only readers who may view private activities see the values.
    Page {
        /// The reveal.
        reveal: RevealId,
        /// The number of activities on the page.
        activities: Commitment<u64>,
        /// The number of private activities among them.
        private: Commitment<u64>,
        /// The digest of the ids of the private ones, in the order of the page. See [`Digest::of_ids`], and
        /// [`Commitment::is_of_ids`] to check ids against it.
        digest: Commitment<Digest>,
        /// The data subjects of the private ones, for access reports. No reader of the log sees them.
        subjects: Commitment<Subjects>,
    },
    /// A viewer asked other admins to approve a reveal.
    RequestReveal(RequestSummary),
    /// An admin answered such a request, or the viewer withdrew it.
    DecideRequest {
        /// The request.
        request: RequestId,
        /// The answer.
        answer: ApprovalDecision,
    },
    /// Activities, records, or the personal data in a record were removed.
    Remove(RemovalSummary),
    /// The sinks were changed.
    ChangeSinks {
        /// The names of the new set of sinks, the leading one first.
        sinks: Vec<SinkName>,
        /// The number of sinks that must confirm each record.
        quorum: u32,
    },
    /// A sink was probed before it was accepted. Only that sink holds the record.
    ProbeSink {
        /// The name of the sink.
        sink: SinkName,
    },
    /// A user tried to read governance records.
    ReadGovernance,
    /// A group of the policy was removed from the directory.
    GroupRemoved {
        /// The group.
        group: GroupId,
        /// The number of last members who still count as members. `None` if the last members are unknown: all activities are
        /// then hidden until the group is restored or leaves the policy.
        members: Option<u64>,
    },
    /// Such a group was restored. Its members in the directory count again.
    GroupRestored {
        /// The group.
        group: GroupId,
    },
}

/// A change of the policy, by the ids that it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ChangeSummary {
    /// Made a group private.
    MakePrivate(GroupRef),
    /// Made a group public.
    MakePublic(GroupRef),
    /// Added a scope rule.
    AddScopeRule(ScopeRule),
    /// Removed a scope rule.
    RemoveScopeRule(ScopeRule),
    /// Made a domain managed.
    ManageDomain {
        /// The domain.
        domain: Domain,
        /// Whether its subdomains are included.
        with_subdomains: bool,
    },
    /// Made a domain unmanaged.
    UnmanageDomain(Domain),
    /// Gave a user an admin role.
    SetAdmin(UserId, Role),
    /// Removed the admin role of a user.
    RemoveAdmin(UserId),
    /// Granted an admin the permission to view private activities. `None` if the name belongs to no user.
    Grant(Option<UserId>),
    /// Revoked that permission. `None` if the name belongs to no user.
    Revoke(Option<UserId>),
    /// Changed the options that the patch sets.
    SetOptions(OptionsPatch),
}

checked_text! {
    /// A viewer's reason to view private activities, in their own words. The governance record holds it unchanged.
    ///
    /// `Debug` does not show it, because it can name a person.
    Justification, "justification", max 4096, redacted
}

impl CommitmentText for Justification {
    fn committed_text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }
}

/// A reveal, without the terms of its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevealSummary {
    /// The reveal.
    pub reveal: RevealId,
    /// The approved request, if the reveal needed approvals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The scope of the reveal, and the reasons for it.
    pub about: RevealTerms,
    /// The time at which it expires.
    pub expires_at: DateTime<Utc>,
}

/// A request for approvals, without the terms of its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSummary {
    /// The request.
    pub request: RequestId,
    /// The scope of the reveal, and the reasons for it.
    pub about: RevealTerms,
    /// The lifetime of the reveal, counted from the last approval.
    pub lifetime: Duration,
    /// The time from which it can no longer be approved, and `None` if it does not expire.
    pub expires_at: Option<DateTime<Utc>>,
}

/// The scope of a reveal and the reasons for it, without the terms of its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevealTerms {
    /// A digest that binds the query to this reveal or request. A reader who knows the query and may view private activities
    /// can [check](RevealSummary::is_about) it.
    pub query: Commitment<Digest>,
    /// The start of the time range of the query, if it has one.
    pub from: Option<DateTime<Utc>>,
    /// The end of the time range of the query, if it has one.
    pub until: Option<DateTime<Utc>>,
    /// The number of actors that the query names, 0 if it is not limited to actors.
    pub actors: u64,
    /// Whether public activities are excluded.
    pub private_only: bool,
    /// The purpose, which access reports state to the data subjects.
    pub purpose: Option<Purpose>,
    /// The justification, in the viewer's own words.
    pub justification: Option<Commitment<Justification>>,
}

impl RevealSummary {
    /// Returns whether this is the query of the reveal. Returns false if its digest was redacted or is withheld from the reader.
    #[must_use]
    pub fn is_about(&self, query: &Query) -> bool {
        self.about.query.value() == Some(&query_digest(query, self.reveal.0.as_bytes()))
    }
}

impl RequestSummary {
    /// Returns whether this is the query of the request, so that an admin can check it before they approve. Returns false if its
    /// digest was redacted or is withheld from the reader.
    #[must_use]
    pub fn is_about(&self, query: &Query) -> bool {
        self.about.query.value() == Some(&query_digest(query, self.request.0.as_bytes()))
    }
}

/// Returns a digest of a query that cannot be compared with the digest for another reveal or request.
pub(crate) fn query_digest(query: &Query, bound_to: &[u8; 16]) -> Digest {
    let mut fields = Fields::of("activity-privacy query of a reveal, version 1");
    fields.add(bound_to);
    query.feed(&mut fields);
    fields.digest()
}

/// An answer to a request for a reveal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalDecision {
    /// An admin approves the request.
    Approve,
    /// An admin denies the request, which ends it.
    Deny,
    /// The viewer who made the request withdraws it, which ends it.
    Withdraw,
}

/// The scope of a removal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RemovalSummary {
    /// The activities of one person: an erasure.
    Subject {
        /// The person.
        subject: UserId,
        /// The number of identities by which their activities are found, including that id.
        identities: u64,
    },
    /// Activities and records that are older than the policy allows: retention.
    Aged {
        /// The time before which an activity must have been decided to be removed.
        activities_before: DateTime<Utc>,
        /// The time before which a governance record must have been made to be removed, if records are removed.
        records_before: Option<DateTime<Utc>>,
        /// The change that put the policy in force. It stays in the log even if the removal removes its own record.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<ChangeMark>,
    },
    /// The personal data in one governance record: the values behind its [commitments](Commitment).
    Commitment {
        /// The record.
        record: RecordId,
    },
}

/// The last change of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeMark {
    /// The record of its intent.
    pub record: RecordId,
    /// The revision that it put in force.
    pub revision: Revision,
}

impl ChangeSummary {
    pub(crate) fn kind(&self) -> RecordKind {
        match self {
            Self::Grant(_) => RecordKind::Grant,
            Self::Revoke(_) => RecordKind::Revocation,
            Self::MakePrivate(_)
            | Self::MakePublic(_)
            | Self::AddScopeRule(_)
            | Self::RemoveScopeRule(_)
            | Self::ManageDomain { .. }
            | Self::UnmanageDomain(_)
            | Self::SetAdmin(..)
            | Self::RemoveAdmin(_)
            | Self::SetOptions(_) => RecordKind::PolicyChange,
        }
    }

    pub(super) fn target(&self) -> Option<String> {
        match self {
            Self::MakePrivate(group) | Self::MakePublic(group) => Some(group_target(group)),
            Self::AddScopeRule(rule) | Self::RemoveScopeRule(rule) => Some(group_target(rule.group())),
            Self::ManageDomain { domain, .. } | Self::UnmanageDomain(domain) => Some(domain.as_str().to_owned()),
            Self::SetAdmin(user, _) | Self::RemoveAdmin(user) => Some(user.as_str().to_owned()),
            Self::Grant(user) | Self::Revoke(user) => user.as_ref().map(|user| user.as_str().to_owned()),
            Self::SetOptions(_) => None,
        }
    }
}

fn group_target(group: &GroupRef) -> String {
    match group {
        GroupRef::Imported(id) => id.as_str().to_owned(),
        GroupRef::Applications => "applications".to_owned(),
        GroupRef::ExternalUsers => "external_users".to_owned(),
    }
}

impl RemovalSummary {
    pub(super) fn target(&self) -> Option<String> {
        match self {
            Self::Subject { subject, .. } => Some(subject.as_str().to_owned()),
            Self::Aged { .. } => None,
            Self::Commitment { record } => Some(record.to_string()),
        }
    }
}
