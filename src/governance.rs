//! Governance records, the acts that they record, and the port that stores them.
//!
//! A record states who did or tried what, when, why, under which policy, and with which outcome. An act is allowed,
//! recorded, and only then takes effect: see [`Pending`] and [`Recorded`].

mod acceptance;
mod applied;
mod commitment;
mod difference;
mod dry_run;
mod event;
mod export;
mod ids;
mod outcome;
mod policy_update;
mod receipt;
mod record;
mod record_kind;
mod recorded;
mod removal;
mod salt;
mod sink;
mod sink_error;
mod sink_set;
mod subjects;

pub(crate) use self::acceptance::Acceptance;
pub(crate) use self::applied::OnKnownRemovals;
pub use self::applied::{AppliedRecord, AppliedRecords};
pub use self::commitment::{Commitment, CommitmentText};
pub use self::difference::{AcceptedDifference, Difference, WriteOnlySink};
pub(crate) use self::dry_run::AuthorisedDryRun;
pub(crate) use self::event::query_digest;
pub use self::event::{
    ApprovalDecision, ChangeMark, ChangeSummary, Event, Justification, RemovalSummary, RequestSummary, RevealSummary,
    RevealTerms,
};
pub use self::export::{ExportFormat, ExportSummary, PrivateRows};
pub use self::ids::{ParseIdError, RecordId, RequestId, RevealId};
pub use self::outcome::{FailureReason, Outcome, OutcomeKind};
pub use self::policy_update::{NewPolicy, PolicyUpdateError};
pub use self::receipt::Receipt;
pub use self::record::{Initiator, Record};
pub use self::record_kind::RecordKind;
pub use self::recorded::{Pending, Recorded, Rejection};
pub use self::removal::Removal;
pub use self::salt::{ParseSaltError, Salt};
pub use self::sink::{GovernanceSink, RecordEntry, RecordQuery};
pub use self::sink_error::SinkError;
pub use self::sink_set::{SinkName, SinkSetError};
pub use self::subjects::Subjects;
pub use crate::digest::{Digest, ParseDigestError};
