//! What a sink is called in the records.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text::checked_text;

checked_text! {
    /// The name of a sink, for the records that say which sinks there are.
    SinkName, "sink name", max 64, shown
}

/// Why there are no such sinks.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkSetError {
    /// Nobody could answer for so few, or so many.
    #[error("a quorum of {quorum} among {sinks} sinks, expected from 1 to as many as there are")]
    Quorum {
        /// How many were to answer.
        quorum: u32,
        /// How many sinks there would be.
        sinks: u32,
    },
    /// Two sinks have one name.
    #[error("sink `{0}` is there already, expected a name that no other has")]
    NameTaken(SinkName),
    /// There is no sink of this name.
    #[error("there is no sink `{0}`")]
    Unknown(SinkName),
    /// The leading sink stays: everybody reads from it.
    #[error("sink `{0}` is the leading one, expected another")]
    Leading(SinkName),
}
