//! The decision on an activity, as it is stored: the visibility and the reasons.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::reason::{Reason, Reasons};
use crate::activity::Activity;
use crate::directory::DirectoryRevision;
use crate::policy::{GroupRef, Revision};
use crate::text::deserialize_without_quoting;
use crate::text::words;

/// The result of a decision on an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Out of scope: counted, and neither stored nor forwarded.
    NotMonitored,
    /// Stored, and shown to all viewers of the log.
    Public,
    /// Stored, and hidden.
    Private,
}

words!(Verdict, "verdict": NotMonitored = "not_monitored", Public = "public", Private = "private");

/// Whether a stored activity is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Shown to all viewers of the log.
    Public,
    /// Shown only in a reveal.
    Private,
}

words!(Visibility, "visibility": Public = "public", Private = "private");

/// The decision on a stored activity, with everything that is needed to explain it later without deciding again.
///
/// `Debug` does not show the reasons, because they reveal groups and apps of a hidden activity.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    visibility: Visibility,
    policy: Revision,
    directory: Option<DirectoryRevision>,
    decided_at: DateTime<Utc>,
    reasons: Reasons,
}

#[derive(Deserialize)]
#[serde(remote = "Decision", deny_unknown_fields)]
struct DecisionDocument {
    visibility: Visibility,
    policy: Revision,
    directory: Option<DirectoryRevision>,
    decided_at: DateTime<Utc>,
    reasons: Reasons,
}

deserialize_without_quoting!(Decision, DecisionDocument);

impl Decision {
    pub(super) fn new(
        visibility: Visibility,
        policy: Revision,
        directory: Option<DirectoryRevision>,
        decided_at: DateTime<Utc>,
        reasons: Reasons,
    ) -> Self {
        Self { visibility, policy, directory, decided_at, reasons }
    }

    /// Returns whether the activity is hidden.
    #[must_use]
    pub fn visibility(&self) -> Visibility {
        self.visibility
    }

    /// Returns the revision of the policy that it was decided under.
    #[must_use]
    pub fn policy(&self) -> Revision {
        self.policy
    }

    /// Returns the revision of the directory that it was decided against. Returns `None` if there was no directory.
    #[must_use]
    pub fn directory(&self) -> Option<DirectoryRevision> {
        self.directory
    }

    /// Returns the time of the decision, in microseconds.
    #[must_use]
    pub fn decided_at(&self) -> DateTime<Utc> {
        self.decided_at
    }

    /// Returns the decision with another time. A store can store a decision once for many activities, and the time for
    /// each.
    #[must_use]
    pub fn with_decided_at(self, decided_at: DateTime<Utc>) -> Self {
        Self { decided_at, ..self }
    }

    /// Returns whether both decisions are equal except for the time.
    #[must_use]
    pub fn differs_in_time_only(&self, other: &Self) -> bool {
        let Self { visibility, policy, directory, decided_at: _, reasons } = self;
        *policy == other.policy
            && *directory == other.directory
            && *visibility == other.visibility
            && *reasons == other.reasons
    }

    /// Returns the reasons.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// Returns the groups that the reasons name.
    pub fn groups(&self) -> impl Iterator<Item = &GroupRef> {
        self.reasons.iter().filter_map(Reason::group)
    }

    /// Returns the decision in words.
    #[must_use]
    pub fn explain(&self) -> Explanation<'_> {
        Explanation(self)
    }
}

impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("visibility", &self.visibility)
            .field("policy", &self.policy)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// A [`Decision`] in words: `hidden because the actor was in group …; decided … under policy revision 3 and directory
/// revision 7`.
#[derive(Debug, Clone, Copy)]
pub struct Explanation<'a>(&'a Decision);

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decision = self.0;
        f.write_str(match (decision.visibility, decision.reasons.is_empty()) {
            (Visibility::Private, _) => "hidden because ",
            (Visibility::Public, true) => "shown because no actor was in a private group",
            (Visibility::Public, false) => "shown: ",
        })?;
        for (at, reason) in decision.reasons.iter().enumerate() {
            write!(f, "{}{reason}", if at == 0 { "" } else { "; " })?;
        }
        let at = decision.decided_at.format("%Y-%m-%d %H:%M:%S UTC");
        write!(f, "; decided at {at} under policy revision {}", decision.policy)?;
        match decision.directory {
            Some(directory) => write!(f, " and directory revision {directory}"),
            None => f.write_str(" without a directory"),
        }
    }
}

/// An activity with the decision on it.
#[derive(Debug, Clone)]
pub struct DecidedActivity<'a> {
    activity: &'a Activity,
    decision: Decision,
}

impl<'a> DecidedActivity<'a> {
    /// Returns the activity.
    #[must_use]
    pub fn activity(&self) -> &'a Activity {
        self.activity
    }

    /// Returns the decision.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }
}

/// A batch that was decided under one policy revision.
///
/// Only [`PolicyEngine::decide`](crate::engine::PolicyEngine::decide) creates one, so that no activity is stored
/// undecided.
pub struct DecidedBatch<'a> {
    policy: Revision,
    monitored: Vec<bool>,
    decided: Vec<DecidedActivity<'a>>,
}

impl<'a> DecidedBatch<'a> {
    pub(super) fn new(policy: Revision, activities: usize) -> Self {
        Self { policy, monitored: Vec::with_capacity(activities), decided: Vec::with_capacity(activities) }
    }

    pub(super) fn push_unmonitored(&mut self) {
        self.monitored.push(false);
    }

    pub(super) fn push(&mut self, activity: &'a Activity, decision: Decision) {
        self.monitored.push(true);
        self.decided.push(DecidedActivity { activity, decision });
    }

    /// Returns the revision of the policy that the batch was decided under.
    #[must_use]
    pub fn policy(&self) -> Revision {
        self.policy
    }

    /// Returns the monitored activities, which are to be stored, in the order of delivery.
    #[must_use]
    pub fn decided(&self) -> &[DecidedActivity<'a>] {
        &self.decided
    }

    /// Returns whether each activity of the batch is monitored, in the order of delivery.
    pub fn monitored(&self) -> impl Iterator<Item = bool> {
        self.monitored.iter().copied()
    }
}

impl fmt::Debug for DecidedBatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecidedBatch").field("policy", &self.policy).finish_non_exhaustive()
    }
}
