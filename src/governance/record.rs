//! One governance record.

use std::collections::HashSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::act::{Act, ChangeSummary, RemovalSummary, RequestSummary, RevealSummary};
use super::outcome::Outcome;
use super::sealed::Seal;
use crate::identity::UserId;
use crate::policy::Revision;
use crate::text::deserialize_silently;

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

uuid_newtype! {
    /// The id of one request for approvals of a reveal, fresh for each.
    RequestId
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

/// The kind of a record, for finding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A change of the policy, its initialization included.
    PolicyChange,
    /// A grant of the permission to view private activities.
    Grant,
    /// The end of such a grant.
    Revocation,
    /// A reveal.
    Reveal,
    /// A page within a reveal.
    Page,
    /// A request for approvals of a reveal.
    RevealRequest,
    /// An answer to such a request, or its withdrawal.
    Approval,
    /// The erasure of what somebody did, or of what a record says of people.
    Erasure,
    /// The removal of what is older than the policy lets it be kept.
    Retention,
    /// A change of the sinks, or the trial of one.
    SinkChange,
    /// Reading governance records.
    GovernanceRead,
    /// A group of the policy that vanished from the directory or came back.
    Directory,
}

impl Record {
    /// Returns the kind of this record; of a record of several changes, the kind of the first. It is found by each of its
    /// [`kinds`](Self::kinds).
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        match &self.act {
            Act::ChangePolicy(changes) => changes.first().map_or(RecordKind::PolicyChange, ChangeSummary::kind),
            Act::InitializePolicy { .. } => RecordKind::PolicyChange,
            Act::Reveal(_) => RecordKind::Reveal,
            Act::Page { .. } => RecordKind::Page,
            Act::RequestReveal(_) => RecordKind::RevealRequest,
            Act::AnswerRequest { .. } => RecordKind::Approval,
            Act::Remove(RemovalSummary::Aged { .. }) => RecordKind::Retention,
            Act::Remove(_) => RecordKind::Erasure,
            Act::ChangeSinks { .. } | Act::ProbeSink { .. } => RecordKind::SinkChange,
            Act::ReadGovernance => RecordKind::GovernanceRead,
            Act::GroupVanished { .. } | Act::GroupReturned { .. } => RecordKind::Directory,
        }
    }

    /// Returns every kind of this record, each once: a record of several changes can be a policy change, a grant and a
    /// revocation in one.
    #[must_use]
    pub fn kinds(&self) -> Vec<RecordKind> {
        let mut kinds = vec![self.kind()];
        if let Act::ChangePolicy(changes) = &self.act {
            for kind in changes.iter().map(ChangeSummary::kind) {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
        kinds
    }

    /// Returns what it was done to, each once: groups, users, domains, a reveal, a request, a record or a sink, by id.
    #[must_use]
    pub fn targets(&self) -> Vec<String> {
        let mut targets: Vec<String> = match &self.act {
            Act::ReadGovernance | Act::ChangeSinks { .. } => Vec::new(),
            Act::InitializePolicy { administrators } => {
                administrators.iter().map(|user| user.as_str().to_owned()).collect()
            }
            Act::ProbeSink { sink } => vec![sink.to_string()],
            Act::RequestReveal(summary) => vec![summary.request.to_string()],
            Act::AnswerRequest { request, .. } => vec![request.to_string()],
            Act::Remove(removal) => removal.target().into_iter().collect(),
            Act::Reveal(summary) => vec![summary.reveal.to_string()],
            Act::Page { reveal, .. } => vec![reveal.to_string()],
            Act::ChangePolicy(changes) => changes.iter().filter_map(ChangeSummary::target).collect(),
            Act::GroupVanished { group, .. } | Act::GroupReturned { group } => vec![group.as_str().to_owned()],
        };
        let mut seen = HashSet::new();
        targets.retain(|target| seen.insert(target.clone()));
        targets
    }
}

impl Record {
    /// Forgets every [sealed](super::Sealed) value in it, for good. Whether there was one that was not forgotten yet.
    pub fn forget(&mut self) -> bool {
        let mut forgot = false;
        for sealed in self.sealed() {
            forgot |= sealed.is_open();
            sealed.close();
        }
        forgot
    }

    /// Every sealed value in it.
    pub(crate) fn sealed(&mut self) -> Vec<&mut dyn Seal> {
        let mut sealed: Vec<&mut dyn Seal> = Vec::new();
        match &mut self.act {
            Act::Reveal(RevealSummary { about, .. }) | Act::RequestReveal(RequestSummary { about, .. }) => {
                sealed.push(&mut about.query);
                sealed.extend(about.justification.as_mut().map(|why| why as &mut dyn Seal));
            }
            Act::Page { subjects, .. } => sealed.extend(subjects.as_mut().map(|whose| whose as &mut dyn Seal)),
            _ => {}
        }
        if let Outcome::Removed { activities, .. } | Outcome::RemovedInPart { activities, .. } = &mut self.outcome {
            sealed.push(activities);
        }
        sealed
    }

    /// The same record as it is told to whoever reads the log. Nobody is told whose activities a page showed: everybody who
    /// is known could be held against those tags. And only who may view private activities is told what tells whether
    /// somebody has any: how many were removed, and what a query can be guessed by.
    #[must_use]
    pub(crate) fn told(mut self, may_view_private: bool) -> Self {
        if let Act::Page { subjects: Some(subjects), .. } = &mut self.act {
            subjects.forget();
        }
        if !may_view_private {
            if let Act::Reveal(RevealSummary { about, .. }) | Act::RequestReveal(RequestSummary { about, .. }) =
                &mut self.act
            {
                about.query.forget();
            }
            if let Outcome::Removed { activities, .. } | Outcome::RemovedInPart { activities, .. } = &mut self.outcome {
                activities.forget();
            }
        }
        self
    }

    /// The same record as it will always be: without what can be forgotten, with the commitments to that.
    #[must_use]
    pub fn without_openings(&self) -> Self {
        let mut record = self.clone();
        record.forget();
        record
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
            Self::RevealRequest => "reveal request",
            Self::Approval => "approval",
            Self::Erasure => "erasure",
            Self::Retention => "retention",
            Self::SinkChange => "sink change",
            Self::GovernanceRead => "governance read",
            Self::Directory => "directory",
        })
    }
}
