//! Errors of a ledger.

use std::io;

use thiserror::Error;

use super::checkpoint::CheckpointError;
use super::hashes::HashStoreError;
use super::leaf::LeafError;
use super::tree::TreeError;
use crate::governance::SinkError;

/// The reason why a ledger returned no checkpoint, proof or export. Recording is not affected.
///
/// Some of these errors mean that the log has changed. The library does not repair it: the checkpoints stored elsewhere
/// determine what it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The sink cannot be read.
    #[error("could not read the records of the ledger")]
    Sink(#[from] SinkError),
    /// The hashes cannot be read or written.
    #[error("could not read or write the hashes of the ledger")]
    Hashes(#[from] HashStoreError),
    /// The checkpoint stored with the hashes is invalid, or signed by another key.
    #[error("the checkpoint stored with the hashes is not one of this ledger")]
    Checkpoint(#[from] CheckpointError),
    /// There are hashes without a checkpoint, so the checkpoint was deleted.
    #[error("the checkpoint stored with the hashes is missing")]
    NoCheckpoint,
    /// The hashes do not match the stored checkpoint, or two checkpoints contradict each other.
    #[error("the hashes do not match the stored checkpoint of {size} records")]
    Forked {
        /// The number of records that the checkpoint covers.
        size: u64,
    },
    /// A record is missing that was recorded, that a checkpoint covers, or that has a successor.
    #[error("record {sequence} is missing")]
    Lost {
        /// The sequence number of the record.
        sequence: u64,
    },
    /// Retention removed records while the log was read. Try again.
    #[error("records were removed while the log was read; try again")]
    RemovedMeanwhile,
    /// A record differs from the one that was hashed.
    #[error("record {sequence} differs from the record that was hashed")]
    Rewritten {
        /// The sequence number of the record.
        sequence: u64,
    },
    /// A stored hash has changed. [`rebuild`](super::LedgerSink::rebuild) computes the hashes again.
    #[error("the hashes do not match the root of their tree; rebuild the ledger")]
    Damaged,
    /// The log never contained the requested record, or so many records.
    #[error("the log has {size} records, not {requested}")]
    Beyond {
        /// The number of records.
        size: u64,
        /// The requested sequence number or size.
        requested: u64,
    },
    /// A record cannot be hashed.
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// The export cannot be written.
    #[error("could not write the export")]
    Export(#[source] io::Error),
}

impl From<TreeError> for LedgerError {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Beyond { size, requested } => Self::Beyond { size, requested },
            TreeError::Hashes(error) => Self::Hashes(error),
        }
    }
}
