//! One governance record.

use std::collections::HashSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::commitment::Seal;
use super::event::{ChangeSummary, Event, RemovalSummary, RequestSummary, RevealSummary};
use super::outcome::Outcome;
#[cfg(feature = "ledger")]
use crate::digest::Digest;
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
    pub event: Event,
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
    event: Event,
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
    /// A dry run of a change of the policy.
    DryRun,
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
    /// The erasure of what somebody did.
    Erasure,
    /// The removal of what a record says of people.
    Redaction,
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
        match &self.event {
            Event::ChangePolicy(changes) => changes.first().map_or(RecordKind::PolicyChange, ChangeSummary::kind),
            Event::InitializePolicy { .. } | Event::AcceptDifference { .. } => RecordKind::PolicyChange,
            Event::DryRun { .. } => RecordKind::DryRun,
            Event::Reveal(_) => RecordKind::Reveal,
            Event::Page { .. } => RecordKind::Page,
            Event::RequestReveal(_) => RecordKind::RevealRequest,
            Event::DecideRequest { .. } => RecordKind::Approval,
            Event::Remove(RemovalSummary::Aged { .. }) => RecordKind::Retention,
            Event::Remove(RemovalSummary::Subject { .. }) => RecordKind::Erasure,
            Event::Remove(RemovalSummary::Commitment { .. }) => RecordKind::Redaction,
            Event::ChangeSinks { .. } | Event::ProbeSink { .. } => RecordKind::SinkChange,
            Event::ReadGovernance => RecordKind::GovernanceRead,
            Event::GroupRemoved { .. } | Event::GroupRestored { .. } => RecordKind::Directory,
        }
    }

    /// Returns every kind of this record, each once: a record of several changes can be a policy change, a grant and a
    /// revocation in one.
    #[must_use]
    pub fn kinds(&self) -> Vec<RecordKind> {
        let mut kinds = vec![self.kind()];
        if let Event::ChangePolicy(changes) = &self.event {
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
        let mut targets: Vec<String> = match &self.event {
            Event::ReadGovernance | Event::ChangeSinks { .. } => Vec::new(),
            Event::InitializePolicy { administrators } | Event::AcceptDifference { administrators, .. } => {
                administrators.iter().map(|user| user.as_str().to_owned()).collect()
            }
            Event::ProbeSink { sink } => vec![sink.to_string()],
            Event::RequestReveal(summary) => vec![summary.request.to_string()],
            Event::DecideRequest { request, .. } => vec![request.to_string()],
            Event::Remove(removal) => removal.target().into_iter().collect(),
            Event::Reveal(summary) => vec![summary.reveal.to_string()],
            Event::Page { reveal, .. } => vec![reveal.to_string()],
            Event::ChangePolicy(changes) | Event::DryRun { changes, .. } => {
                changes.iter().filter_map(ChangeSummary::target).collect()
            }
            Event::GroupRemoved { group, .. } | Event::GroupRestored { group } => vec![group.as_str().to_owned()],
        };
        let mut seen = HashSet::new();
        targets.retain(|target| seen.insert(target.clone()));
        targets
    }
}

/// What a sealed value of a record says: that decides which readers are told it, and whether a record can forget it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    /// Why somebody wanted to see: every reader of the log is told.
    Why,
    /// What was searched for: it can be guessed, and a name can stand in it.
    Query,
    /// Whose private activities were seen. Nobody is told, because everybody who is known could be held against those tags.
    Whose,
    /// How much was seen in a reveal, and a digest of it. This is what an auditor needs, and it names nobody, so no record
    /// forgets it.
    Seen,
    /// How many activities were removed, and how long that took.
    Removed,
}

impl Record {
    /// Returns the revision of the policy that this puts in force once it is done, if it is a change of the policy.
    #[must_use]
    pub fn made_revision(&self) -> Option<Revision> {
        match &self.event {
            Event::InitializePolicy { .. } => Some(Revision::FIRST),
            Event::ChangePolicy(_) => self.policy?.next(),
            Event::AcceptDifference { revision, .. } => Some(*revision),
            _ => None,
        }
    }

    /// Forgets what it says of people, for good: [sealed](super::Commitment) justifications and queries, whose activities a page
    /// showed, and how many were removed. Tells whether there was anything of it that was not forgotten yet.
    ///
    /// How much was seen in a reveal stays, and so does the digest of it.
    pub fn redact(&mut self) -> bool {
        let mut forgot = false;
        for (_, sealed) in self.sealed().into_iter().filter(|(says, _)| *says != Says::Seen) {
            forgot |= sealed.is_open();
            sealed.close();
        }
        forgot
    }

    /// Every sealed value in it.
    fn sealed(&mut self) -> Vec<(Says, &mut dyn Seal)> {
        let mut sealed: Vec<(Says, &mut dyn Seal)> = Vec::new();
        match &mut self.event {
            Event::Reveal(RevealSummary { about, .. }) | Event::RequestReveal(RequestSummary { about, .. }) => {
                sealed.push((Says::Query, &mut about.query));
                sealed.extend(about.justification.as_mut().map(|why| (Says::Why, why as &mut dyn Seal)));
            }
            Event::Page { reveal: _, activities, private, digest, subjects } => {
                sealed.push((Says::Seen, activities));
                sealed.push((Says::Seen, private));
                sealed.push((Says::Seen, digest));
                sealed.push((Says::Whose, subjects));
            }
            Event::InitializePolicy { .. }
            | Event::ChangePolicy(_)
            | Event::AcceptDifference { .. }
            | Event::DryRun { .. }
            | Event::DecideRequest { .. }
            | Event::Remove(_)
            | Event::ChangeSinks { .. }
            | Event::ProbeSink { .. }
            | Event::ReadGovernance
            | Event::GroupRemoved { .. }
            | Event::GroupRestored { .. } => {}
        }
        match &mut self.outcome {
            Outcome::Closed { intent: _, pages: _, private } => sealed.push((Says::Seen, private)),
            Outcome::Removed { activities, ended_at, .. } | Outcome::RemovedInPart { activities, ended_at, .. } => {
                sealed.push((Says::Removed, activities));
                sealed.push((Says::Removed, ended_at));
            }
            Outcome::Intended
            | Outcome::Observed
            | Outcome::Recorded
            | Outcome::Done { .. }
            | Outcome::Failed { .. }
            | Outcome::Denied(_)
            | Outcome::Invalid(_)
            | Outcome::InvalidSinks(_) => {}
        }
        sealed
    }

    /// What is sealed in it and was not forgotten: each commitment with the salt and the text of the value.
    #[cfg(feature = "ledger")]
    pub(crate) fn openings(&self) -> Vec<(Digest, String, String)> {
        let mut record = self.clone();
        record.sealed().into_iter().filter_map(|(_, sealed)| sealed.opened()).collect()
    }

    /// The same record as it is told to a reader of the log. Only a reader who may view private activities is told what
    /// depends on them, and what a query can be guessed by. Withheld values leave their commitments.
    #[must_use]
    pub(crate) fn told(mut self, may_view_private: bool) -> Self {
        for (says, sealed) in self.sealed() {
            let is_told = match says {
                Says::Why => true,
                Says::Query | Says::Seen | Says::Removed => may_view_private,
                Says::Whose => false,
            };
            if !is_told {
                sealed.close();
            }
        }
        self
    }

    /// The same record as it will always be: with the commitments to what is sealed, and without the values.
    #[must_use]
    pub fn without_openings(&self) -> Self {
        let mut record = self.clone();
        record.sealed().into_iter().for_each(|(_, sealed)| sealed.close());
        record
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PolicyChange => "policy change",
            Self::DryRun => "dry run",
            Self::Grant => "grant",
            Self::Revocation => "revocation",
            Self::Reveal => "reveal",
            Self::Page => "page",
            Self::RevealRequest => "reveal request",
            Self::Approval => "approval",
            Self::Erasure => "erasure",
            Self::Redaction => "redaction",
            Self::Retention => "retention",
            Self::SinkChange => "sink change",
            Self::GovernanceRead => "governance read",
            Self::Directory => "directory",
        })
    }
}
