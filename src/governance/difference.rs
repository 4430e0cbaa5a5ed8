//! Differences between a store and its governance log.
//!
//! A store keeps the records of the last change of the policy and of the last removals that it applied, in the
//! transaction that applied them. A comparison with the newest of each that the log records as done shows which of the
//! two lacks something: a store that was restored from an older copy, a log that was lost, or two that never belonged
//! together.
//!
//! A loss after the last change and the last removal leaves no such mark, and is not detected here: activities that a
//! restored store lacks, or records that a restored log lacks. A saved checkpoint of a
#![cfg_attr(feature = "ledger", doc = "[ledger](crate::ledger)")]
#![cfg_attr(not(feature = "ledger"), doc = "ledger")]
//! holds the number of records, and so reveals a loss of records.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::identity::UserId;
use crate::policy::Revision;

/// A difference between a store and a governance log that should belong together.
///
/// Restore the one that is behind from a newer copy. If there is no newer copy, an administrator can
/// [accept](AcceptedDifference) the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Difference {
    /// The store holds no policy, and the log records one. The store is missing, empty or not the one of this log.
    #[error("the store holds no policy, but the governance log records policy revision {log}; restore the store")]
    StoreEmpty {
        /// The newest revision that the log records as in force.
        log: Revision,
    },
    /// The store holds an older policy than the log records. It was restored from an older copy, or lost its newest
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
    /// The log records a removal as done that the store does not know. The store may still hold the removed activities.
    #[error(
        "the store is behind the governance log: it lacks the removal that log record {log} reports as done; restore a \
         newer copy of the store, or accept the difference and remove again"
    )]
    RemovalUnknown {
        /// The sequence number of the last removal that the store knows, 0 if it knows none.
        store: u64,
        /// The sequence number of the outcome of the removal in the log.
        log: u64,
    },
    /// The log holds no record, and the store holds a policy. The log is missing, empty or not the one of this store.
    #[error("the governance log is empty, but the store holds policy revision {store}; restore the log")]
    LogEmpty {
        /// The revision that the store holds.
        store: Revision,
    },
    /// The log ends before a record by which the store changed. It was restored from an older copy, or lost its newest
    /// records.
    #[error(
        "the governance log is behind the store: it ends with record {log}, but the store applied record {store}; restore \
         a newer copy of the log"
    )]
    LogBehind {
        /// The sequence number of the last record in the log.
        log: u64,
        /// The sequence number of the newest record that the store knows.
        store: u64,
    },
    /// The log holds another record at a sequence number that the store knows. The two do not belong together, or each
    /// continued without the other after one was restored.
    #[error(
        "the governance log does not belong to this store: record {sequence} differs; open each with its own counterpart"
    )]
    OtherLog {
        /// The sequence number at which the log holds another record.
        sequence: u64,
    },
}

/// An administrator's acceptance of the loss behind a difference between a store and a log.
///
/// [`PrivacyFilterBuilder::accept_difference`](crate::filter::PrivacyFilterBuilder::accept_difference) uses it. The
/// acceptance is recorded as a change of the policy, and holds for this one difference.
#[derive(Debug, Clone)]
#[must_use]
pub struct AcceptedDifference {
    by: UserId,
    difference: Difference,
}

impl AcceptedDifference {
    /// Accepts in the name of `by`, a privacy administrator, that the missing data is lost.
    pub fn i_accept_that_what_is_missing_is_lost(by: UserId, difference: Difference) -> Self {
        Self { by, difference }
    }

    /// Returns the administrator who accepts it.
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
    /// States that the sink is write-only. A restored older copy of the store or the log then goes undetected.
    #[must_use]
    pub fn i_know_that_a_restored_store_goes_unnoticed() -> Self {
        Self(())
    }
}
