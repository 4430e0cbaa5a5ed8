//! Sinks made of other sinks, and changes of them while they are in use.

mod quorum;
mod quorum_sink;
mod sink_change;
mod timeout;

pub(crate) use self::quorum_sink::{Member, Members};
pub use self::quorum_sink::{QuorumSink, QuorumSinkBuilder};
pub use self::sink_change::{NotAccepted, PendingSinks, RecordedSinks, SinksRefusal};
pub use self::timeout::TimeoutSink;
