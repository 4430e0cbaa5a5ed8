//! A governance record.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::commitment::Committed;
use super::event::{ChangeSummary, Event, RemovalSummary, RequestSummary, RevealSummary};
use super::export::ExportSummary;
use super::ids::RecordId;
use super::outcome::Outcome;
use super::record_kind::RecordKind;
#[cfg(feature = "ledger")]
use crate::digest::Digest;
use crate::identity::UserId;
use crate::policy::Revision;
use crate::text::deserialize_without_quoting;

/// A governance record, as a sink stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The id.
    pub id: RecordId,
    /// The time at which it was made.
    pub at: DateTime<Utc>,
    /// The user or system that caused the event.
    pub initiator: Initiator,
    /// The revision of the policy that was in force, if there was one.
    pub policy: Option<Revision>,
    /// The event.
    pub event: Event,
    /// How far the event got.
    pub outcome: Outcome,
}

#[derive(Deserialize)]
// A damaged or newer document must not read as a record with less in it.
#[serde(remote = "Record", deny_unknown_fields)]
struct RecordDocument {
    id: RecordId,
    at: DateTime<Utc>,
    initiator: Initiator,
    policy: Option<Revision>,
    event: Event,
    outcome: Outcome,
}

deserialize_without_quoting!(Record, RecordDocument);

/// The user or system that caused an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initiator {
    /// A person. Membership in a private group never hides them here.
    User(UserId),
    /// The library itself: it applies retention, and reconciles with the directory.
    System,
}

impl Record {
    /// Returns the kind of this record. For a record of several changes, that is the kind of the first; a search finds
    /// the record by each of its [`kinds`](Self::kinds).
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        match &self.event {
            Event::ChangePolicy(changes) => changes.first().map_or(RecordKind::PolicyChange, ChangeSummary::kind),
            Event::InitializePolicy { .. } | Event::AcceptDifference { .. } => RecordKind::PolicyChange,
            Event::DryRun { .. } => RecordKind::DryRun,
            Event::Reveal(_) => RecordKind::Reveal,
            Event::Page { .. } => RecordKind::Page,
            Event::Export(_) => RecordKind::Export,
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

    /// Returns every kind of this record, each once. A record of several changes can be a policy change, a grant and a
    /// revocation at the same time.
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

    /// Returns the ids of what the event is about, each once: groups, users, domains, a reveal, a request, a record or
    /// a sink.
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
            Event::Page { reveal, .. } | Event::Export(ExportSummary { reveal, .. }) => vec![reveal.to_string()],
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

/// The content of a committed value in a record. It decides which readers see the value, and whether it can be
/// redacted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// The justification of a reveal. Every reader of the log sees it.
    Justification,
    /// The query of a reveal. A reader could guess the query from its digest, and it can contain a name.
    Query,
    /// The people whose private activities were shown. No reader sees it, because a reader could test any known person
    /// against it.
    Subjects,
    /// The number of activities shown in a reveal, and their digest. An auditor needs it and it names no person, so it
    /// is never redacted.
    Shown,
    /// The number of removed activities, and the duration of the removal.
    Removed,
}

impl Record {
    /// Returns the revision that the event puts in force, if it is a change of the policy.
    #[must_use]
    pub fn made_revision(&self) -> Option<Revision> {
        match &self.event {
            Event::InitializePolicy { .. } => Some(Revision::FIRST),
            Event::ChangePolicy(_) => self.policy?.next(),
            Event::AcceptDifference { revision, .. } => Some(*revision),
            _ => None,
        }
    }

    /// Removes the personal data in the record for good: justifications and queries, the people whose activities a page
    /// showed, and the number of removed activities. Their [commitments](super::Commitment) stay. Returns whether there
    /// was anything left to remove.
    ///
    /// The number of activities that a reveal showed stays, and so does their digest.
    pub fn redact(&mut self) -> bool {
        let mut redacted = false;
        for (_, value) in self.committed().into_iter().filter(|(content, _)| *content != Content::Shown) {
            redacted |= value.is_open();
            value.close();
        }
        redacted
    }

    /// Returns every committed value in the record.
    fn committed(&mut self) -> Vec<(Content, &mut dyn Committed)> {
        let mut committed: Vec<(Content, &mut dyn Committed)> = Vec::new();
        match &mut self.event {
            Event::Reveal(RevealSummary { terms, .. }) | Event::RequestReveal(RequestSummary { terms, .. }) => {
                committed.push((Content::Query, &mut terms.query));
                committed.extend(
                    terms.justification.as_mut().map(|why| (Content::Justification, why as &mut dyn Committed)),
                );
            }
            Event::Page { reveal: _, activities, private, digest, subjects } => {
                committed.push((Content::Shown, activities));
                committed.push((Content::Shown, private));
                committed.push((Content::Shown, digest));
                committed.push((Content::Subjects, subjects));
            }
            Event::InitializePolicy { .. }
            | Event::ChangePolicy(_)
            | Event::AcceptDifference { .. }
            | Event::DryRun { .. }
            | Event::Export(_)
            | Event::DecideRequest { .. }
            | Event::Remove(_)
            | Event::ChangeSinks { .. }
            | Event::ProbeSink { .. }
            | Event::ReadGovernance
            | Event::GroupRemoved { .. }
            | Event::GroupRestored { .. } => {}
        }
        match &mut self.outcome {
            Outcome::Closed { intent: _, pages: _, private } => committed.push((Content::Shown, private)),
            Outcome::Removed { activities, ended_at, .. } | Outcome::RemovedInPart { activities, ended_at, .. } => {
                committed.push((Content::Removed, activities));
                committed.push((Content::Removed, ended_at));
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
        committed
    }

    /// Returns the commitment, salt and text of each committed value that was not redacted.
    #[cfg(feature = "ledger")]
    pub(crate) fn openings(&self) -> Vec<(Digest, String, String)> {
        let mut record = self.clone();
        record.committed().into_iter().filter_map(|(_, value)| value.opened()).collect()
    }

    /// Returns the record as a reader of the log may see it. Only a reader who may view private activities sees the
    /// values that depend on them, and the digest of a query. A withheld value leaves its commitment.
    #[must_use]
    pub(crate) fn visible_to_reader(mut self, may_view_private: bool) -> Self {
        for (content, value) in self.committed() {
            let is_visible = match content {
                Content::Justification => true,
                Content::Query | Content::Shown | Content::Removed => may_view_private,
                Content::Subjects => false,
            };
            if !is_visible {
                value.close();
            }
        }
        self
    }

    /// Returns the record with every committed value removed. This form never changes, because the commitments stay.
    #[must_use]
    pub fn without_openings(&self) -> Self {
        let mut record = self.clone();
        record.committed().into_iter().for_each(|(_, value)| value.close());
        record
    }
}
