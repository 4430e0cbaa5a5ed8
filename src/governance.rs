//! Who did or tried what, when, why, under which policy, with which outcome.

mod commitment;
mod event;
mod outcome;
mod quorum;
mod quorum_sink;
mod record;
mod salt;
mod sink;
mod sink_name;
mod subjects;
mod timeout;

pub use self::commitment::{Commitment, CommitmentText};
pub(crate) use self::event::query_digest;
pub use self::event::{
    ApprovalDecision, ChangeMark, ChangeSummary, Event, Justification, RemovalSummary, RequestSummary, RevealSummary,
    RevealTerms,
};
pub use self::outcome::{FailureReason, Outcome, OutcomeKind};
pub(crate) use self::quorum_sink::{Member, Members};
pub use self::quorum_sink::{QuorumSink, QuorumSinkBuilder, SinkSetError};
pub use self::record::{Initiator, Record, RecordId, RecordKind, Refused, RequestId, RevealId};
pub use self::salt::{ParseSaltError, Salt};
pub use self::sink::{GovernanceSink, Receipt, RecordEntry, RecordQuery, SinkError};
pub use self::sink_name::SinkName;
pub use self::subjects::Subjects;
pub use self::timeout::TimeoutSink;
