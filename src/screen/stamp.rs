//! What a decision leaves behind: the verdict, and enough to say later why.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::reason::{Reason, Reasons};
use crate::activity::Activity;
use crate::directory::DirectoryRevision;
use crate::policy::{GroupRef, Revision};
use crate::text::deserialize_silently;

/// What was decided about an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Out of scope: counted, and neither stored nor passed on.
    NotMonitored,
    /// Stored, and shown to whoever may see the log.
    Public,
    /// Stored, and hidden.
    Private,
}

/// Whether a stored activity is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Shown to whoever may see the log.
    Public,
    /// Seen only within a reveal.
    Private,
}

/// The verdict on a stored activity, with everything needed to explain it later without deciding again.
///
/// `Debug` does not show the reasons, because they say of a hidden activity in whose group and in which app it was.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Stamp {
    visibility: Visibility,
    policy: Revision,
    directory: Option<DirectoryRevision>,
    decided_at: DateTime<Utc>,
    reasons: Reasons,
}

#[derive(Deserialize)]
#[serde(remote = "Stamp", deny_unknown_fields)]
struct StampDocument {
    visibility: Visibility,
    policy: Revision,
    directory: Option<DirectoryRevision>,
    decided_at: DateTime<Utc>,
    reasons: Reasons,
}

deserialize_silently!(Stamp, StampDocument);

impl Stamp {
    pub(super) fn new(
        visibility: Visibility,
        policy: Revision,
        directory: Option<DirectoryRevision>,
        decided_at: DateTime<Utc>,
        reasons: Reasons,
    ) -> Self {
        Self { visibility, policy, directory, decided_at, reasons }
    }

    /// Whether the activity is hidden.
    #[must_use]
    pub fn visibility(&self) -> Visibility {
        self.visibility
    }

    /// The one policy that it was decided under.
    #[must_use]
    pub fn policy(&self) -> Revision {
        self.policy
    }

    /// The one directory that it was decided against, unless there was none.
    #[must_use]
    pub fn directory(&self) -> Option<DirectoryRevision> {
        self.directory
    }

    /// When it was decided, to the microsecond.
    #[must_use]
    pub fn decided_at(&self) -> DateTime<Utc> {
        self.decided_at
    }

    /// Returns the same, decided at another time. A store that keeps once what many activities share keeps the time beside it.
    #[must_use]
    pub fn with_decided_at(self, decided_at: DateTime<Utc>) -> Self {
        Self { decided_at, ..self }
    }

    /// Returns whether both are equal but for the time.
    #[must_use]
    pub fn differs_in_time_only(&self, other: &Self) -> bool {
        let Self { visibility, policy, directory, decided_at: _, reasons } = self;
        *policy == other.policy
            && *directory == other.directory
            && *visibility == other.visibility
            && *reasons == other.reasons
    }

    /// Why.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// Every group that the reasons speak of.
    pub fn groups(&self) -> impl Iterator<Item = &GroupRef> {
        self.reasons.iter().filter_map(Reason::group)
    }

    /// The verdict in words.
    #[must_use]
    pub fn explain(&self) -> Explanation<'_> {
        Explanation(self)
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stamp")
            .field("visibility", &self.visibility)
            .field("policy", &self.policy)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// A [`Stamp`] in words: `hidden because the one who acted was in group …; decided … under policy revision 3 and
/// directory revision 7`.
#[derive(Debug, Clone, Copy)]
pub struct Explanation<'a>(&'a Stamp);

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stamp = self.0;
        f.write_str(match (stamp.visibility, stamp.reasons.is_empty()) {
            (Visibility::Private, _) => "hidden because ",
            (Visibility::Public, true) => "shown because nobody who acted was in a private group",
            (Visibility::Public, false) => "shown: ",
        })?;
        for (at, reason) in stamp.reasons.iter().enumerate() {
            write!(f, "{}{reason}", if at == 0 { "" } else { "; " })?;
        }
        let at = stamp.decided_at.format("%Y-%m-%d %H:%M:%S UTC");
        write!(f, "; decided at {at} under policy revision {}", stamp.policy)?;
        match stamp.directory {
            Some(directory) => write!(f, " and directory revision {directory}"),
            None => f.write_str(" without a directory"),
        }
    }
}

/// An activity that was decided.
#[derive(Debug, Clone)]
pub struct Stamped<'a> {
    activity: &'a Activity,
    stamp: Stamp,
}

impl<'a> Stamped<'a> {
    /// The activity.
    #[must_use]
    pub fn activity(&self) -> &'a Activity {
        self.activity
    }

    /// What was decided about it.
    #[must_use]
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }
}

/// A batch that was decided under one policy revision. Only [`Screen::screen`](crate::Screen::screen) makes one, so
/// nothing reaches a store undecided.
pub struct StampedBatch<'a> {
    policy: Revision,
    monitored: Vec<bool>,
    stamped: Vec<Stamped<'a>>,
}

impl<'a> StampedBatch<'a> {
    pub(super) fn new(policy: Revision, activities: usize) -> Self {
        Self { policy, monitored: Vec::with_capacity(activities), stamped: Vec::with_capacity(activities) }
    }

    pub(super) fn leave_out(&mut self) {
        self.monitored.push(false);
    }

    pub(super) fn stamp(&mut self, activity: &'a Activity, stamp: Stamp) {
        self.monitored.push(true);
        self.stamped.push(Stamped { activity, stamp });
    }

    /// The policy that all of it was decided under.
    #[must_use]
    pub fn policy(&self) -> Revision {
        self.policy
    }

    /// What is to be stored, in the order of delivery. What is not monitored is not in here.
    #[must_use]
    pub fn stamped(&self) -> &[Stamped<'a>] {
        &self.stamped
    }

    /// For each activity that was delivered, in order, whether it is monitored.
    pub fn monitored(&self) -> impl Iterator<Item = bool> {
        self.monitored.iter().copied()
    }
}

impl fmt::Debug for StampedBatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StampedBatch").field("policy", &self.policy).finish_non_exhaustive()
    }
}
