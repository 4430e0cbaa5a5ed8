//! Who did or tried what, when, why, under which policy, with which outcome.

mod applied;
mod commitment;
mod difference;
mod event;
mod outcome;
mod policy_update;
mod record;
mod removal;
mod salt;
mod sink;
mod sink_set;
mod subjects;

pub(crate) use self::applied::KnownRemovals;
pub use self::applied::{AppliedRecord, AppliedRecords};
pub use self::commitment::{Commitment, CommitmentText};
pub use self::difference::{AcceptedDifference, Difference, WriteOnlySink};
pub(crate) use self::event::query_digest;
pub use self::event::{
    ApprovalDecision, ChangeMark, ChangeSummary, Event, Justification, RemovalSummary, RequestSummary, RevealSummary,
    RevealTerms,
};
pub use self::outcome::{FailureReason, Outcome, OutcomeKind};
pub(crate) use self::policy_update::{Acceptance, PendingDryRun};
pub use self::policy_update::{ChangeRefusal, PendingChange, RecordedChange};
pub use self::record::{Initiator, Record, RecordId, RecordKind, Refused, RequestId, RevealId};
pub use self::removal::{PendingRemoval, RecordedRemoval};
pub use self::salt::{ParseSaltError, Salt};
pub use self::sink::{GovernanceSink, Receipt, RecordEntry, RecordQuery, SinkError};
pub use self::sink_set::{SinkName, SinkSetError};
pub use self::subjects::Subjects;
pub use crate::digest::Digest;
