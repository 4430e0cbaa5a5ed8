//! Sink names, and the reasons why a set of sinks is invalid.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text::checked_text;

checked_text! {
    /// The name of a sink, unique in its set. Records of sink changes contain it.
    SinkName, "sink name", max 64, shown
}

/// The reason why a set of sinks is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkSetError {
    /// The quorum is 0 or larger than the number of sinks.
    #[error(
        "a quorum of {quorum} is impossible with {sinks} sinks, expected 1 to {sinks}; change the quorum or keep more \
         sinks"
    )]
    Quorum {
        /// The quorum.
        quorum: u32,
        /// The number of sinks.
        sinks: u32,
    },
    /// Another sink has this name.
    #[error("sink name `{0}` is already in use; choose another name")]
    NameTaken(SinkName),
    /// No sink has this name.
    #[error("no sink is named `{0}`; use a name from the current set of sinks")]
    Unknown(SinkName),
    /// The leading sink cannot be removed, because the log is read from it.
    #[error("sink `{0}` is the leading sink, from which the log is read, so it cannot be removed; remove another sink")]
    LeadingSink(SinkName),
}
