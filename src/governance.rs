//! Who did or tried what, when, why, under which policy, with which outcome.

mod act;
mod ballot;
mod bounded;
mod outcome;
mod record;
mod salt;
mod sealed;
mod several;
mod sink;
mod sink_name;
mod subjects;

pub(crate) use self::act::query_digest;
pub use self::act::{
    Act, Answer, ChangeMark, ChangeSummary, Justification, RemovalSummary, RequestSummary, RevealSummary, RevealTerms,
};
pub use self::bounded::BoundedSink;
pub use self::outcome::{Failure, Outcome, OutcomeKind};
pub use self::record::{Initiator, Record, RecordId, RecordKind, Refused, RequestId, RevealId};
pub use self::salt::{ParseSaltError, Salt};
pub use self::sealed::{Sealed, SealedText};
pub(crate) use self::several::{Member, Members};
pub use self::several::{SeveralSinks, SeveralSinksBuilder, SinksError};
pub use self::sink::{GovernanceSink, Receipt, RecordEntry, RecordQuery, SinkError};
pub use self::sink_name::SinkName;
pub use self::subjects::Subjects;
