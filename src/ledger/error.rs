//! Errors of a ledger.

use std::io;

use thiserror::Error;

use super::checkpoint::CheckpointError;
use super::hashes::HashStoreError;
use super::leaf::LeafError;
use super::tree::TreeError;
use crate::governance::SinkError;

/// The reason why a ledger could not be opened, updated, audited or exported, or returned no checkpoint or proof. An
/// open ledger keeps recording all the same.
///
/// `Forked`, `Lost` and `Rewritten` mean that records or hashes may have been changed. The library does not repair
/// them: compare the log with a checkpoint that was saved elsewhere.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The sink cannot be read.
    #[error("could not read the records of the ledger")]
    Sink(#[from] SinkError),
    /// The hashes cannot be read or written.
    #[error("could not read or write the hashes of the ledger")]
    Hashes(#[from] HashStoreError),
    /// The checkpoint stored with the hashes is malformed, or signed with another key.
    #[error("the checkpoint stored with the hashes is malformed, or was not signed with this ledger's key")]
    Checkpoint(#[from] CheckpointError),
    /// There are hashes without a checkpoint, so the checkpoint was deleted.
    #[error("there are hashes but no checkpoint; restore the checkpoint stored with the hashes")]
    NoCheckpoint,
    /// The hashes, the records or an earlier checkpoint contradict the stored checkpoint.
    #[error("the ledger is inconsistent with its stored checkpoint of {size} records")]
    Forked {
        /// The number of records that the checkpoint covers.
        size: u64,
    },
    /// A record is missing although it was confirmed, a checkpoint covers it, or a later record follows the gap.
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
    /// A stored hash has changed. [`rebuild`](super::LedgerSink::rebuild) computes the hashes again, unless records
    /// were removed.
    #[error("the stored hashes are damaged; open the ledger with `LedgerSink::rebuild`")]
    Damaged,
    /// The requested record or size is beyond the end of the log.
    #[error("record or size {requested} was requested, but the log has {size} records")]
    Beyond {
        /// The number of records.
        size: u64,
        /// The requested sequence number or size.
        requested: u64,
    },
    /// The record with sequence number 0 was requested.
    #[error("there is no record 0; sequence numbers start at 1")]
    NoRecordZero,
    /// The earlier one of two sizes is greater than the later one.
    #[error("the earlier size {earlier} is greater than the later size {size}")]
    Order {
        /// The requested earlier size.
        earlier: u64,
        /// The requested later size.
        size: u64,
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
            TreeError::NoLeaf { index, size } => Self::Beyond { size, requested: index.saturating_add(1) },
            TreeError::Order { earlier, size } => Self::Order { earlier, size },
            TreeError::Hashes(error) => Self::Hashes(error),
        }
    }
}
