//! What a ledger cannot go on with.

use std::io;

use thiserror::Error;

use super::checkpoint::CheckpointError;
use super::hashes::HashStoreError;
use super::leaf::LeafError;
use super::tree::TreeError;
use crate::governance::SinkError;

/// Why there is no checkpoint, no proof and no export. Nobody who records is held up by it.
///
/// Some of these say that the log is not what it was. The library changes nothing about that: what it was is what the
/// checkpoints say that were saved elsewhere.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The sink cannot be read.
    #[error("the records of the ledger cannot be read")]
    Sink(#[from] SinkError),
    /// The hashes cannot be read or written.
    #[error("the hashes of the ledger cannot be read or written")]
    Hashes(#[from] HashStoreError),
    /// The checkpoint beside the hashes is none, or another key signed it.
    #[error("the checkpoint that is kept beside the hashes is not one of this ledger")]
    Checkpoint(#[from] CheckpointError),
    /// There are hashes and no checkpoint beside them: somebody took it away.
    #[error("there is no checkpoint beside the hashes, expected the one that was kept there")]
    NoCheckpoint,
    /// The hashes do not lead to a checkpoint that was kept, or two checkpoints do not fit each other.
    #[error("the hashes do not lead to the checkpoint of {size} records that is kept beside them")]
    Forked {
        /// How many records that checkpoint counts.
        size: u64,
    },
    /// A record is not there that was answered, or counted by a checkpoint, or that has one after it.
    #[error("record {sequence} is missing")]
    Lost {
        /// Its sequence number.
        sequence: u64,
    },
    /// Retention removed records while the log was gone through: begin again.
    #[error("records were removed while the log was gone through, expected to begin again")]
    RemovedMeanwhile,
    /// A record is not what it was when its hash was made.
    #[error("record {sequence} is not what it was")]
    Rewritten {
        /// Its sequence number.
        sequence: u64,
    },
    /// Some hash below the root is not what it was: a [rebuild](super::LedgerSink::rebuild) makes it again.
    #[error("the hashes do not lead to the root of their tree")]
    Damaged,
    /// The log never had that record, or so many.
    #[error("the log has {size} records, and no {asked}")]
    Beyond {
        /// How many it has.
        size: u64,
        /// Which, or how many, it was asked for.
        asked: u64,
    },
    /// A record cannot be hashed.
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// The export cannot be written.
    #[error("the export cannot be written")]
    Export(#[source] io::Error),
}

impl From<TreeError> for LedgerError {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Beyond { size, asked } => Self::Beyond { size, asked },
            TreeError::Hashes(error) => Self::Hashes(error),
        }
    }
}
