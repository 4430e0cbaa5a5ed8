//! What a governance record says. Ids, digests and counts: never the content of an activity, never a name typed into
//! a query.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Digest;
use crate::identity::{Domain, GroupId, UserId};
use crate::policy::{Denial, GroupRef, PolicyError, PolicyOptions, Revision, Role, ScopeRule};
use crate::text::{checked_text, deserialize_silently};

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_newtype! {
    /// The id of one governance record, fresh for each.
    RecordId
}

uuid_newtype! {
    /// The id of one reveal, fresh for each.
    RevealId
}

/// One governance record, as it is handed to a sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Its own id.
    pub id: RecordId,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Who did or tried it.
    pub initiator: Initiator,
    /// The policy that was in force, if there was one.
    pub policy: Option<Revision>,
    /// What was done or tried.
    pub act: Act,
    /// How far it came.
    pub outcome: Outcome,
}

#[derive(Deserialize)]
// What is damaged or newer must not read as a record that says less.
#[serde(remote = "Record", deny_unknown_fields)]
struct RecordDocument {
    id: RecordId,
    at: DateTime<Utc>,
    initiator: Initiator,
    policy: Option<Revision>,
    act: Act,
    outcome: Outcome,
}

deserialize_silently!(Record, RecordDocument);

/// Something that was refused for a reason, and the record that is to say so.
#[derive(Debug)]
pub struct Refused<R> {
    /// Why.
    pub reason: R,
    /// The record of the refusal.
    pub record: Record,
}

/// Who did or tried something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initiator {
    /// A person. Being in a private group never hides this.
    User(UserId),
    /// The library, keeping the policy up with the directory.
    System,
}

/// What was done or tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// The first policy.
    FoundPolicy,
    /// A change of the policy.
    ChangePolicy(ChangeSummary),
    /// A reveal, from its opening to its closing.
    Reveal(RevealSummary),
    /// One page seen within a reveal.
    Page {
        /// The reveal.
        reveal: RevealId,
        /// How many activities it holds.
        activities: u64,
        /// How many of them are private.
        private: u64,
        /// The digest of the ids of the private ones, in the order of the page: see [`Digest::of_ids`].
        digest: Digest,
    },
    /// Reading governance records.
    ReadGovernance,
    /// A group of the policy vanished from the directory.
    GroupVanished {
        /// The group.
        group: GroupId,
        /// How many last members go on to count. None when nobody knows them: then everything is hidden until the group
        /// comes back, or leaves the policy.
        members: Option<u64>,
    },
    /// Such a group came back: what the directory says counts again.
    GroupReturned {
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
    /// The options changed to these.
    SetOptions(PolicyOptions),
}

checked_text! {
    /// Why somebody wants to see private activities, in their own words. Goes into the governance record as it is.
    ///
    /// `Debug` does not show it, because it can name a person.
    Justification, "justification", max 4096, redacted
}

/// What a reveal is about, without a word that was typed into its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevealSummary {
    /// The reveal.
    pub reveal: RevealId,
    /// A digest that binds the query to this reveal: whoever knows the query can check it.
    pub query: Digest,
    /// The beginning of the time range, if it has one.
    pub from: Option<DateTime<Utc>>,
    /// The end of the time range, if it has one.
    pub until: Option<DateTime<Utc>>,
    /// Whether the query names one actor.
    pub one_actor: bool,
    /// Whether only private activities are asked for.
    pub private_only: bool,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// Why, in the viewer's own words.
    pub justification: Option<Justification>,
}

/// How far something came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// About to be done. Stands alone for what was interrupted, and for pages, which are recorded before they are
    /// handed out.
    Intended,
    /// Seen by the library, which did not do it.
    Noted,
    /// Done.
    Done {
        /// The record of the intent.
        intent: RecordId,
    },
    /// A reveal was closed.
    Closed {
        /// The record of the intent.
        intent: RecordId,
        /// How many pages were seen.
        pages: u64,
        /// How many private activities were on them.
        private: u64,
    },
    /// Not done, because something failed; or, with [`Failure::Store`], not known to be done.
    Failed {
        /// The record of the intent.
        intent: RecordId,
        /// What failed.
        cause: Failure,
    },
    /// Not done, because the initiator may not.
    Denied(Denial),
    /// Not done, because it does not fit the policy or the directory.
    Invalid(PolicyError),
}

/// What kept an intended act from being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Another change came first; the act was tried again on top of it.
    Superseded,
    /// The store failed. It may have done it all the same, if only its answer was lost: the policy in force tells.
    Store,
    /// The initiator may not any more.
    Denied(Denial),
}

/// The kind of a record, for finding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A change of the policy, its founding included.
    PolicyChange,
    /// A grant of the permission to view private activities.
    Grant,
    /// The end of such a grant.
    Revocation,
    /// A reveal.
    Reveal,
    /// A page within a reveal.
    Page,
    /// Reading governance records.
    GovernanceRead,
    /// A group of the policy that vanished from the directory or came back.
    Directory,
}

/// The kind of an outcome, for finding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// About to be done.
    Intended,
    /// Done, or a reveal closed.
    Done,
    /// Seen by the library.
    Noted,
    /// Failed.
    Failed,
    /// Refused: denied, or it did not fit.
    Refused,
}

impl Record {
    /// The kind of this record.
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        match &self.act {
            Act::ChangePolicy(ChangeSummary::Grant(_)) => RecordKind::Grant,
            Act::ChangePolicy(ChangeSummary::Revoke(_)) => RecordKind::Revocation,
            Act::FoundPolicy | Act::ChangePolicy(_) => RecordKind::PolicyChange,
            Act::Reveal(_) => RecordKind::Reveal,
            Act::Page { .. } => RecordKind::Page,
            Act::ReadGovernance => RecordKind::GovernanceRead,
            Act::GroupVanished { .. } | Act::GroupReturned { .. } => RecordKind::Directory,
        }
    }

    /// What it was done to: a group, a user, a domain or a reveal, by id.
    #[must_use]
    pub fn target(&self) -> Option<String> {
        match &self.act {
            Act::FoundPolicy | Act::ReadGovernance => None,
            Act::Reveal(summary) => Some(summary.reveal.to_string()),
            Act::Page { reveal, .. } => Some(reveal.to_string()),
            Act::ChangePolicy(change) => change.target(),
            Act::GroupVanished { group, .. } | Act::GroupReturned { group } => Some(group.as_str().to_owned()),
        }
    }
}

impl ChangeSummary {
    fn target(&self) -> Option<String> {
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

impl Outcome {
    /// The kind of this outcome.
    #[must_use]
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Intended => OutcomeKind::Intended,
            Self::Noted => OutcomeKind::Noted,
            Self::Done { .. } | Self::Closed { .. } => OutcomeKind::Done,
            Self::Failed { .. } => OutcomeKind::Failed,
            Self::Denied(_) | Self::Invalid(_) => OutcomeKind::Refused,
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PolicyChange => "policy change",
            Self::Grant => "grant",
            Self::Revocation => "revocation",
            Self::Reveal => "reveal",
            Self::Page => "page",
            Self::GovernanceRead => "governance read",
            Self::Directory => "directory",
        })
    }
}

impl fmt::Display for OutcomeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Intended => "intended",
            Self::Noted => "noted",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
        })
    }
}
