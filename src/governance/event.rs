//! The event in a governance record. It contains neither the content of an activity nor text from a query. A viewer's
//! justification is a commitment.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::commitment::{Commitment, CommitmentText};
use super::difference::Difference;
use super::export::ExportSummary;
use super::ids::{RecordId, RequestId, RevealId};
use super::record_kind::RecordKind;
use super::sink_set::SinkName;
use super::subjects::Subjects;
use crate::digest::{Digest, FieldHasher};
use crate::forward::{ForwarderName, Start};
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
    /// A dry run computed the effect of policy changes without making them.
    DryRun {
        /// The changes, in order.
        changes: Vec<ChangeSummary>,
        /// The maximum number of people that the result names for each kind of effect, or 0 if it only counts them.
        /// This record names none of them.
        sample: u64,
    },
    /// A difference between the store and this log was accepted. The store's policy continues under a new revision. A
    /// store without a policy gets a first one.
    AcceptDifference {
        /// The difference.
        difference: Difference,
        /// The new revision, which is later than any in the store or in the log. If the acceptance was rejected, the
        /// revision in force, or the newest known one if the store held no policy.
        revision: Revision,
        /// The administrators of a first policy. Empty if the policy of the store continues.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        administrators: BTreeSet<UserId>,
    },
    /// A reveal was opened or closed. The outcome tells which.
    Reveal(RevealSummary),
    /// A page of a reveal was shown or rejected. All values that depend on private activities are commitments, even if
    /// the page has no private activities. Only readers who may view private activities see the values; no reader sees
    /// `subjects`.
    Page {
        /// The id of the reveal.
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
    /// Activities were exported under a reveal. The record precedes the first byte. The pages that the export read are
    /// records of their own, if it wrote rows for private activities; otherwise it read public activities only.
    Export(ExportSummary),
    /// A viewer asked other admins to approve a reveal.
    RequestReveal(RequestSummary),
    /// An admin answered a request to approve a reveal, or the viewer withdrew it.
    DecideRequest {
        /// The id of the request.
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
    /// A new sink was tested with this record before it was accepted. No other sink holds it.
    ProbeSink {
        /// The name of the sink.
        sink: SinkName,
    },
    /// A user tried to read governance records and was denied. Permitted reads are not recorded.
    ReadGovernance,
    /// A group of the policy was removed from the directory.
    GroupRemoved {
        /// The id of the group.
        group: GroupId,
        /// The number of people who were members before the removal and are still treated as members. `None` if the
        /// former members are unknown: all activities are then hidden until the group is restored or removed from the
        /// policy.
        members: Option<u64>,
    },
    /// A removed group of the policy was restored in the directory. Its members in the directory count again.
    GroupRestored {
        /// The id of the group.
        group: GroupId,
    },
}

/// A summary of one policy change, with the ids that it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ChangeSummary {
    /// Makes a group private.
    MakePrivate(GroupRef),
    /// Makes a group public.
    MakePublic(GroupRef),
    /// Adds a scope rule.
    AddScopeRule(ScopeRule),
    /// Removes a scope rule.
    RemoveScopeRule(ScopeRule),
    /// Makes a domain managed.
    ManageDomain {
        /// The domain.
        domain: Domain,
        /// Whether its subdomains are included.
        with_subdomains: bool,
    },
    /// Makes a domain unmanaged.
    UnmanageDomain(Domain),
    /// Gives a user an admin role.
    SetAdmin(UserId, Role),
    /// Removes the admin role of a user.
    RemoveAdmin(UserId),
    /// Grants an admin the permission to view private activities. `None` if the name or address in the change belongs
    /// to no user; it is not recorded.
    Grant(Option<UserId>),
    /// Revokes an admin's permission to view private activities. `None` if the name or address in the change belongs to
    /// no user; it is not recorded.
    Revoke(Option<UserId>),
    /// Adds a follower of these records.
    AddFollower(ForwarderName, Start),
    /// Removes a follower of these records.
    RemoveFollower(ForwarderName),
    /// Includes the values that depend on private activities in the records of a follower.
    DiscloseToFollower(ForwarderName),
    /// Leaves the values that depend on private activities out of the records of a follower.
    WithholdFromFollower(ForwarderName),
    /// Changes the options that the patch sets.
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

/// A reveal, without the content of its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevealSummary {
    /// The id of the reveal.
    pub reveal: RevealId,
    /// The approved request, if the reveal needed approvals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The scope of the reveal, and the reasons for it.
    #[serde(rename = "about")]
    pub terms: RevealTerms,
    /// The time at which it expires.
    pub expires_at: DateTime<Utc>,
}

/// A request for approvals, without the content of its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSummary {
    /// The id of the request.
    pub request: RequestId,
    /// The scope of the reveal, and the reasons for it.
    #[serde(rename = "about")]
    pub terms: RevealTerms,
    /// The lifetime of the reveal, counted from the last approval.
    pub lifetime: Duration,
    /// The time from which the request can no longer be approved, or `None` if it does not expire.
    pub expires_at: Option<DateTime<Utc>>,
}

/// The scope of a reveal and the reasons for it, without the content of its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevealTerms {
    /// A digest that binds the query to this reveal or request. A reader who knows the query and may view private
    /// activities can [check](RevealSummary::is_about) it.
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
    /// Returns whether `query` is the query of the reveal. Returns false if its digest was redacted or is withheld from
    /// the reader.
    #[must_use]
    pub fn is_about(&self, query: &Query) -> bool {
        self.terms.query.value() == Some(&query_digest(query, self.reveal.0.as_bytes()))
    }
}

impl RequestSummary {
    /// Returns whether `query` is the query of the request, so that an admin can check it before they approve. Returns
    /// false if its digest was redacted or is withheld from the reader.
    #[must_use]
    pub fn is_about(&self, query: &Query) -> bool {
        self.terms.query.value() == Some(&query_digest(query, self.request.0.as_bytes()))
    }
}

/// Returns the digest of a query, bound to the id of one reveal or request, so that the same query has another digest
/// elsewhere.
pub(crate) fn query_digest(query: &Query, bound_to: &[u8; 16]) -> Digest {
    let mut fields = FieldHasher::new("activity-privacy query of a reveal, version 1");
    fields.add(bound_to);
    query.feed(&mut fields);
    fields.finish()
}

/// An answer to a request for a reveal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
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
        /// The number of identities by which the person's activities are found, including `subject`.
        identities: u64,
    },
    /// Activities and records that are older than the policy allows: retention.
    Aged {
        /// Activities that were decided before this time are removed.
        activities_before: DateTime<Utc>,
        /// Governance records that were made before this time are removed. `None` if no records are removed.
        records_before: Option<DateTime<Utc>>,
        /// The change that put the policy in force. Stated here because this removal may remove the record of that
        /// change from the log.
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
            | Self::AddFollower(..)
            | Self::RemoveFollower(_)
            | Self::DiscloseToFollower(_)
            | Self::WithholdFromFollower(_)
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
            Self::AddFollower(name, _)
            | Self::RemoveFollower(name)
            | Self::DiscloseToFollower(name)
            | Self::WithholdFromFollower(name) => Some(name.as_str().to_owned()),
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
