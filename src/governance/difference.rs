//! Whether a store and a governance log belong together.
//!
//! A store keeps which recorded change of the policy and which recorded removal it applied last, in the transaction that
//! applied them. Held against the newest of each that the log records as done, that tells which of the two lacks what the
//! other has: a store that was restored from an older copy, a log that was lost, or two that never belonged together.
//!
//! What was lost after the last change and the last removal leaves no such mark, and is not noticed here: activities that
//! are gone with a restored store, or records that are gone with a restored log. A saved checkpoint of a
#![cfg_attr(feature = "ledger", doc = "[ledger](crate::ledger)")]
#![cfg_attr(not(feature = "ledger"), doc = "ledger")]
//! says how many records there were, and so shows the latter.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::identity::UserId;
use crate::policy::Revision;

/// How a store and a governance log differ that should belong together.
///
/// Restore the one that is behind from a newer copy. If there is none, an administrator can
/// [accept](AcceptedDifference) that what is missing is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Difference {
    /// The store holds no policy, and the log records one: the store is missing, empty or another one.
    #[error("the store holds no policy, but the governance log records policy revision {log}; restore the store")]
    StoreEmpty {
        /// The newest revision that the log records as in force.
        log: Revision,
    },
    /// The store holds an older policy than the log records: it was restored from an older copy, or lost its newest
    /// transactions.
    #[error(
        "the store is behind the governance log: it holds policy revision {store}, the log records {log}; restore a newer \
         copy of the store"
    )]
    StoreBehind {
        /// The revision that the store holds.
        store: Revision,
        /// The newest revision that the log records as in force.
        log: Revision,
    },
    /// The log records a removal as done that the store does not know, so the store may hold what was removed.
    #[error(
        "the store is behind the governance log: it does not know the removal that record {log} says is done; restore a \
         newer copy of the store, or accept the difference and remove again"
    )]
    RemovalUnknown {
        /// The sequence number of the last removal that the store knows, 0 if it knows none.
        store: u64,
        /// The sequence number of the record that says that the removal was done.
        log: u64,
    },
    /// The log holds no record, and the store holds a policy: the log is missing, empty or another one.
    #[error("the governance log is empty, but the store holds policy revision {store}; restore the log")]
    LogEmpty {
        /// The revision that the store holds.
        store: Revision,
    },
    /// The log ends before a record by which the store changed: it was restored from an older copy, or lost its newest
    /// records.
    #[error(
        "the governance log is behind the store: it ends with record {log}, the store knows record {store}; restore a newer \
         copy of the log"
    )]
    LogBehind {
        /// The sequence number of the last record in the log.
        log: u64,
        /// The sequence number of the newest record that the store knows.
        store: u64,
    },
    /// The log holds another record where the store knows one: the two do not belong together, or both went on by
    /// themselves after one was restored.
    #[error(
        "the governance log is not the one of this store: record {sequence} is another one; open them with their own"
    )]
    OtherLog {
        /// The sequence number at which the log holds another record.
        sequence: u64,
    },
}

/// An administrator's statement that a store and a log differ, and that what is missing is lost.
///
/// Given to [`PrivacyFilterBuilder::accept_difference`](crate::filter::PrivacyFilterBuilder::accept_difference). It is put on
/// record as a change of the policy, and holds for this one difference.
#[derive(Debug, Clone)]
#[must_use]
pub struct AcceptedDifference {
    by: UserId,
    difference: Difference,
}

impl AcceptedDifference {
    /// States in the name of `by`, a privacy administrator, that what the store or the log lacks is lost.
    pub fn i_accept_that_what_is_missing_is_lost(by: UserId, difference: Difference) -> Self {
        Self { by, difference }
    }

    /// Returns who accepts it.
    #[must_use]
    pub fn by(&self) -> &UserId {
        &self.by
    }

    /// Returns the difference.
    #[must_use]
    pub fn difference(&self) -> Difference {
        self.difference
    }
}

/// An embedder's statement that the sink cannot be read.
#[derive(Debug)]
pub struct WriteOnlySink(());

impl WriteOnlySink {
    /// States that the sink is write-only, so that nobody notices when the store or the log is restored from an older copy.
    #[must_use]
    pub fn i_know_that_a_restored_store_goes_unnoticed() -> Self {
        Self(())
    }
}
