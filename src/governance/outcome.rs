//! How far something came.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::commitment::Commitment;
use super::record::RecordId;
use super::sink_set::SinkSetError;
use crate::policy::{Denial, PolicyError};

/// How far something came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// About to be done. Stands alone for what was interrupted, and for pages and dry runs, which are recorded before
    /// they are handed out.
    Intended,
    /// RevealTotals by the library, which did not do it.
    Observed,
    /// Done by being on record: a request and what is said to it are nothing else.
    Recorded,
    /// Done.
    ///
    /// Recorded once, and once more by each process that opens the store between the event and its outcome: it cannot tell
    /// whether the first one is still there to record it.
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
        /// How many private activities were on them: sealed, for readers who may view private activities.
        private: Commitment<u64>,
    },
    /// Removed. The record is made at the time of its intent, so that it does not tell how long the removal took. Its place
    /// among the records of others still does, roughly, where others made records meanwhile.
    Removed {
        /// The record of the intent.
        intent: RecordId,
        /// How many activities: sealed, because whoever knows how many of them were public learns how many were not.
        activities: Commitment<u64>,
        /// When it was done: sealed, because it tells how long that took, and so whether there was anything to remove.
        ended_at: Commitment<DateTime<Utc>>,
        /// How many governance records, or how many that had something of people in them.
        records: u64,
    },
    /// Removed in part, because something failed; the rest may be removed too. The record is made at the time of its intent.
    /// That a removal was cut short after its first step tells that there was something to remove.
    RemovedInPart {
        /// The record of the intent.
        intent: RecordId,
        /// How many activities are known to be, sealed too.
        activities: Commitment<u64>,
        /// When it failed, sealed as well.
        ended_at: Commitment<DateTime<Utc>>,
        /// How many governance records are known to be.
        records: u64,
        /// What failed.
        cause: FailureReason,
    },
    /// Not done, because something failed; or, with [`FailureReason::Store`], not known to be done.
    Failed {
        /// The record of the intent.
        intent: RecordId,
        /// What failed.
        cause: FailureReason,
    },
    /// Not done, because the initiator may not.
    Denied(Denial),
    /// Not done, because it does not fit the policy or the directory.
    Invalid(PolicyError),
    /// Not done, because it does not fit the sinks that there are.
    InvalidSinks(SinkSetError),
}

/// What kept an intended event from being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// Another change came first: the event was tried again on top of it; or a removal was given up, because the policy lets
    /// more be kept now.
    Superseded,
    /// The store failed. It may have done it all the same, if only its answer was lost: the policy in force tells.
    Store,
    /// A sink failed: one that was tried out and is not accepted; or it did not remove records, or not all of them.
    Sink,
    /// The initiator may not any more.
    Denied(Denial),
    /// The process that began a change ended before it was made, or has not made it in minutes. Written by another process,
    /// which cannot tell the two apart: a later outcome of the same intent counts.
    Interrupted,
}

/// The kind of an outcome, for finding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// About to be done.
    Intended,
    /// Done: by being on record, a reveal closed, or something removed.
    Done,
    /// RevealTotals by the library.
    Observed,
    /// Failed.
    Failed,
    /// Refused: denied, or it did not fit.
    Refused,
}

impl Outcome {
    /// Returns the record of the intent, if this is what came of one.
    #[must_use]
    pub fn intent(&self) -> Option<RecordId> {
        match self {
            Self::Done { intent }
            | Self::Closed { intent, .. }
            | Self::Removed { intent, .. }
            | Self::RemovedInPart { intent, .. }
            | Self::Failed { intent, .. } => Some(*intent),
            Self::Intended
            | Self::Observed
            | Self::Recorded
            | Self::Denied(_)
            | Self::Invalid(_)
            | Self::InvalidSinks(_) => None,
        }
    }

    /// The kind of this outcome.
    #[must_use]
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Intended => OutcomeKind::Intended,
            Self::Observed => OutcomeKind::Observed,
            Self::Recorded | Self::Done { .. } | Self::Closed { .. } | Self::Removed { .. } => OutcomeKind::Done,
            Self::Failed { .. } | Self::RemovedInPart { .. } => OutcomeKind::Failed,
            Self::Denied(_) | Self::Invalid(_) | Self::InvalidSinks(_) => OutcomeKind::Refused,
        }
    }
}

impl fmt::Display for OutcomeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Intended => "intended",
            Self::Observed => "observed",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
        })
    }
}
