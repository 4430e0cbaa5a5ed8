//! Combinations of sinks, and changes of them while they are in use.

mod quorum;
mod quorum_sink;
mod sink_change;
mod timeout;

pub use self::quorum_sink::{QuorumSink, QuorumSinkBuilder};
pub use self::sink_change::{SinkChange, SinkChangeError};
pub use self::timeout::TimeoutSink;
