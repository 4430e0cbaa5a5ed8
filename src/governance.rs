//! Who did or tried what, when, why, under which policy, with which outcome.

mod bounded;
mod record;
mod sink;

pub use self::bounded::BoundedSink;
pub use self::record::{
    Act, ChangeSummary, Failure, Initiator, Justification, Outcome, OutcomeKind, Record, RecordId, RecordKind, Refused,
    RevealId, RevealSummary,
};
pub use self::sink::{GovernanceSink, Receipt, RecordEntry, RecordQuery, SinkError};
