//! What was done or tried. Ids, digests and counts: never the content of an activity, never a name typed into a query.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::commitment::{Commitment, CommitmentText};
use super::record::{RecordId, RecordKind, RequestId, RevealId};
use super::sink_set::SinkName;
use super::subjects::Subjects;
use crate::digest::{Digest, Fields};
use crate::governance::Difference;
use crate::identity::{Domain, GroupId, UserId};
use crate::policy::{GroupRef, OptionsPatch, Purpose, Revision, Role, ScopeRule};
use crate::query::Query;
use crate::text::checked_text;

/// What was done or tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The first policy.
    InitializePolicy {
        /// Who may change it.
        administrators: BTreeSet<UserId>,
    },
    /// Changes of the policy that are one revision, in order.
    ChangePolicy(Vec<ChangeSummary>),
    /// Asking what changes of the policy would do, without making them.
    DryRun {
        /// The changes, in order.
        changes: Vec<ChangeSummary>,
        /// At most how many people the answer names in each way in which they would be affected: none, where it only
        /// counts them. Who they are is in no record.
        sample: u64,
    },
    /// Accepting that the store and this log differ, which puts the policy of the store in force anew, or a first one if the
    /// store holds none.
    AcceptDifference {
        /// How they differ.
        difference: Difference,
        /// The revision from then on: later than any that the store or the log knows.
        revision: Revision,
        /// The administrators of a policy that begins anew. None where the policy goes on.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        administrators: BTreeSet<UserId>,
    },
    /// A reveal, from its opening to its closing.
    Reveal(RevealSummary),
    /// One page seen within a reveal. All that depends on hidden activities is sealed, on a page without any as on another,
    /// and on one that was refused: only readers who may view private activities are told it.
    Page {
        /// The reveal.
        reveal: RevealId,
        /// How many activities it holds.
        activities: Commitment<u64>,
        /// How many of them are private.
        private: Commitment<u64>,
        /// The digest of the ids of the private ones, in the order of the page: see [`Digest::of_ids`], and
        /// [`Commitment::is_of_ids`] for holding ids against it.
        digest: Commitment<Digest>,
        /// Whose they are, so that they can be told. No reader of the log is.
        subjects: Commitment<Subjects>,
    },
    /// Asking other admins to approve a reveal.
    RequestReveal(RequestSummary),
    /// Answering such a request, or taking it back.
    DecideRequest {
        /// The request.
        request: RequestId,
        /// With what.
        answer: ApprovalDecision,
    },
    /// Removing what is not to be kept any longer.
    Remove(RemovalSummary),
    /// Changing the sinks that records go to: to these, in order.
    ChangeSinks {
        /// Their names, the leading one first.
        sinks: Vec<SinkName>,
        /// How many of them must answer for each record.
        quorum: u32,
    },
    /// Trying out a sink before it is accepted: the record stands in that sink, and in no other.
    ProbeSink {
        /// Its name.
        sink: SinkName,
    },
    /// Reading governance records.
    ReadGovernance,
    /// A group of the policy vanished from the directory.
    GroupRemoved {
        /// The group.
        group: GroupId,
        /// How many last members go on to count. None when nobody knows them: then everything is hidden until the group
        /// comes back, or leaves the policy.
        members: Option<u64>,
    },
    /// Such a group came back: what the directory says counts again.
    GroupRestored {
        /// The group.
        group: GroupId,
    },
}

/// A change of the policy, by the ids that it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ChangeSummary {
    /// A group was made private.
    MakePrivate(GroupRef),
    /// A group was made public.
    MakePublic(GroupRef),
    /// A scope rule was added.
    AddScopeRule(ScopeRule),
    /// A scope rule was removed.
    RemoveScopeRule(ScopeRule),
    /// A domain became managed.
    ManageDomain {
        /// The domain.
        domain: Domain,
        /// Whether with everything below it.
        with_subdomains: bool,
    },
    /// A domain is managed no more.
    UnmanageDomain(Domain),
    /// Somebody got an admin role.
    SetAdmin(UserId, Role),
    /// Somebody lost their admin role.
    RemoveAdmin(UserId),
    /// An admin got the permission to view private activities. Nobody, when the name led to nobody.
    Grant(Option<UserId>),
    /// An admin lost that permission.
    Revoke(Option<UserId>),
    /// Options changed: those that the patch names.
    SetOptions(OptionsPatch),
}

checked_text! {
    /// Why somebody wants to see private activities, in their own words. Goes into the governance record as it is.
    ///
    /// `Debug` does not show it, because it can name a person.
    Justification, "justification", max 4096, redacted
}

impl CommitmentText for Justification {
    fn sealed_text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }
}

/// A reveal, without a word that was typed into its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevealSummary {
    /// The reveal.
    pub reveal: RevealId,
    /// The request that was approved, if it needed approvals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// What is to be seen, and why.
    pub about: RevealTerms,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
}

/// A request for approvals, without a word that was typed into its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSummary {
    /// The request.
    pub request: RequestId,
    /// What is to be seen, and why.
    pub about: RevealTerms,
    /// How long it may be seen once it is approved.
    pub lifetime: Duration,
    /// When it cannot be approved any more; none if it waits for ever.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a reveal is to show, and why, without a word that was typed into its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevealTerms {
    /// A digest that binds the query to this reveal or request: whoever knows the query, and may view private
    /// activities, can [check](RevealSummary::is_about) it.
    pub query: Commitment<Digest>,
    /// The beginning of the time range, if it has one.
    pub from: Option<DateTime<Utc>>,
    /// The end of the time range, if it has one.
    pub until: Option<DateTime<Utc>>,
    /// How many actors the query names; none if it is about everybody.
    pub actors: u64,
    /// Whether only private activities are asked for.
    pub private_only: bool,
    /// For what purpose: what the protected are told.
    pub purpose: Option<Purpose>,
    /// Why, in the viewer's own words.
    pub justification: Option<Commitment<Justification>>,
}

impl RevealSummary {
    /// Whether this is the query of the reveal. Never, once that was forgotten or is not for the reader to know.
    #[must_use]
    pub fn is_about(&self, query: &Query) -> bool {
        self.about.query.value() == Some(&query_digest(query, self.reveal.0.as_bytes()))
    }
}

impl RequestSummary {
    /// Whether this is the query of the request, as far as that is known: what an admin checks before they approve it.
    #[must_use]
    pub fn is_about(&self, query: &Query) -> bool {
        self.about.query.value() == Some(&query_digest(query, self.request.0.as_bytes()))
    }
}

/// A digest of a query that cannot be compared with that of another reveal or request.
pub(crate) fn query_digest(query: &Query, bound_to: &[u8; 16]) -> Digest {
    let mut fields = Fields::of("activity-privacy query of a reveal, version 1");
    fields.add(bound_to);
    query.feed(&mut fields);
    fields.digest()
}

/// What an admin, or whoever asked, says to a request for a reveal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalDecision {
    /// Another admin approves.
    Approve,
    /// Another admin is against it: the request is over.
    Deny,
    /// Whoever asked takes it back: the request is over.
    Withdraw,
}

/// What is to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RemovalSummary {
    /// Whatever one person did: erasure.
    Subject {
        /// Who.
        subject: UserId,
        /// By how many identities their activities are found, that id among them.
        identities: u64,
    },
    /// Whatever is older than the policy lets it be kept: retention.
    Aged {
        /// Activities that were decided before this time.
        activities_before: DateTime<Utc>,
        /// Governance records that were made before this time, if they are removed at all.
        records_before: Option<DateTime<Utc>>,
        /// The change that put the policy in force: the log knows it also once the record of it is removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy: Option<ChangeMark>,
    },
    /// What one governance record says of people: the [sealed](Commitment) values in it.
    Commitment {
        /// The record.
        record: RecordId,
    },
}

/// Which change of the policy was the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeMark {
    /// The record of its intent.
    pub record: RecordId,
    /// The revision that it made.
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
