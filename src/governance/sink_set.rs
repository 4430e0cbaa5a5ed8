//! The names of sinks, and the errors of a set of sinks.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text::checked_text;

checked_text! {
    /// The name of a sink in the records of changes of the sinks.
    SinkName, "sink name", max 64, shown
}

/// The reason why a set of sinks is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkSetError {
    /// The quorum is 0 or larger than the number of sinks.
    #[error("quorum {quorum} of {sinks} sinks; expected a quorum from 1 to the number of sinks")]
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
    #[error("no sink is named `{0}`")]
    Unknown(SinkName),
    /// The leading sink cannot be dropped, because the log is read from it.
    #[error("sink `{0}` is the leading one and cannot be dropped")]
    Leading(SinkName),
}
