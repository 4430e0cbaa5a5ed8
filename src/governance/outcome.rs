//! The outcome in a governance record.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::commitment::Commitment;
use super::ids::RecordId;
use super::sink_set::SinkSetError;
use crate::policy::{Denial, PolicyError};
use crate::text::words;

/// How far an event got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// About to be done. Without a later outcome, the event was interrupted. Pages and dry runs have no later outcome,
    /// because their record comes before they are returned.
    Intended,
    /// Observed by the library, which did not cause it.
    Observed,
    /// Done with the record itself: a request for approvals and an answer to one consist of their records.
    Recorded,
    /// Done.
    ///
    /// The process that did it records this once. Each process that opens the store between the event and this record
    /// writes it too, because it cannot tell whether the first process still runs.
    Done {
        /// The record of the intent.
        intent: RecordId,
    },
    /// A reveal was closed.
    Closed {
        /// The record of the intent.
        intent: RecordId,
        /// The number of pages that were shown.
        pages: u64,
        /// The number of private activities on them. For readers who may view private activities.
        private: Commitment<u64>,
    },
    /// Removed. The record carries the time of its intent, so that it does not tell how long the removal took. Its
    /// position among other records still does, roughly, if others made records in between.
    Removed {
        /// The record of the intent.
        intent: RecordId,
        /// The number of activities. A commitment, because a reader who knows how many of them were public could
        /// compute how many were private.
        activities: Commitment<u64>,
        /// The time of completion. A commitment, because the duration tells whether there was anything to remove.
        ended_at: Commitment<DateTime<Utc>>,
        /// The number of governance records that were removed, or that were redacted.
        records: u64,
    },
    /// Removed in part, because something failed. The rest may be removed too. The record carries the time of its
    /// intent. A removal that failed after its first step tells that there was something to remove.
    RemovedInPart {
        /// The record of the intent.
        intent: RecordId,
        /// The number of activities that are known to be removed.
        activities: Commitment<u64>,
        /// The time of the failure.
        ended_at: Commitment<DateTime<Utc>>,
        /// The number of governance records that are known to be removed.
        records: u64,
        /// The reason for the failure.
        reason: FailureReason,
    },
    /// Not done, because something failed. With [`FailureReason::Store`], it may be done all the same.
    Failed {
        /// The record of the intent.
        intent: RecordId,
        /// The reason for the failure.
        reason: FailureReason,
    },
    /// Not done, because the initiator may not do it.
    Denied(Denial),
    /// Not done, because it does not fit the policy or the directory.
    Invalid(PolicyError),
    /// Not done, because it does not fit the current sinks.
    InvalidSinks(SinkSetError),
}

/// The reason why an intended event was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// Another change came first, and the event was tried again on top of it. For a removal: it was stopped, because
    /// the policy now keeps activities or records for longer.
    Superseded,
    /// The store failed. The event may be done all the same, if only the store's answer was lost. The policy in force
    /// shows whether it is.
    Store,
    /// A sink failed: a probed sink was not accepted, or a sink did not remove all records.
    Sink,
    /// The output of an export could not be written.
    Output,
    /// The initiator lost the permission.
    Denied(Denial),
    /// The process that began a change ended before the change, or has not made it within minutes. Another process
    /// writes this and cannot tell the two apart. A later outcome of the same intent takes precedence.
    Interrupted,
}

/// The kind of an outcome, as a search criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// About to be done.
    Intended,
    /// Done: recorded, closed or removed included.
    Done,
    /// Observed by the library.
    Observed,
    /// Failed.
    Failed,
    /// Rejected: the initiator may not do it, or it is invalid.
    Refused,
}

words!(OutcomeKind, "outcome kind": Intended = "intended", Done = "done", Observed = "observed", Failed = "failed", Refused = "refused");

impl Outcome {
    /// Returns the record of the intent, if this is the outcome of one.
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

    /// Returns the kind of this outcome.
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
