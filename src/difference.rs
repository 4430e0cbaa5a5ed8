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

use crate::governance::{
    Act, ChangeMark, Outcome, OutcomeKind, Receipt, Record, RecordEntry, RecordId, RemovalSummary,
};
use crate::identity::UserId;
use crate::policy::Revision;

/// The governance records of the last change and the last removal that a store applied.
///
/// A store keeps it as it is: [`RecordedChange::applied`](crate::RecordedChange::applied) and
/// [`RecordedRemoval::applied`](crate::RecordedRemoval::applied) say what it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedRecords {
    change: Option<AppliedRecord>,
    removal: Option<AppliedRecord>,
}

/// A governance record by which a store changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedRecord {
    record: RecordId,
    sequence: u64,
}

impl AppliedRecord {
    /// Returns the record that a sink made durable.
    pub(crate) fn of(receipt: &Receipt) -> Self {
        Self { record: receipt.record(), sequence: receipt.sequence() }
    }

    /// Returns the id of the record.
    #[must_use]
    pub fn record(&self) -> RecordId {
        self.record
    }

    /// Returns the sequence number of the record.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl AppliedRecords {
    /// Returns the record of the change that put the policy in force.
    #[must_use]
    pub fn change(&self) -> Option<&AppliedRecord> {
        self.change.as_ref()
    }

    /// Returns the record of the last removal that was completed.
    #[must_use]
    pub fn removal(&self) -> Option<&AppliedRecord> {
        self.removal.as_ref()
    }

    pub(crate) fn with_change(self, change: AppliedRecord) -> Self {
        Self { change: Some(change), ..self }
    }

    /// Of removals that ran at the same time, the one that was recorded last stays.
    pub(crate) fn with_removal(self, removal: AppliedRecord) -> Self {
        let is_later = self.removal.is_none_or(|known| known.sequence < removal.sequence);
        if is_later { Self { removal: Some(removal), ..self } } else { self }
    }

    /// Begins anew with one record, from which on the log and the store agree.
    pub(crate) fn since(record: AppliedRecord) -> Self {
        Self { change: Some(record), removal: Some(record) }
    }
}

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
/// Given to [`PrivacyFilterBuilder::accept_difference`](crate::PrivacyFilterBuilder::accept_difference). It is put on
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

/// What a store says of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreState {
    /// Read before the policy, so that the policy is never the older one of the two.
    pub(crate) applied: AppliedRecords,
    pub(crate) policy: Option<Revision>,
}

/// What a log says, read before the store says anything.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogState {
    /// The newest change that is recorded as done: the record of its intent, and the revision that it made.
    pub(crate) change: Option<(RecordId, Revision)>,
    /// The newest removal that is recorded as done: the record of its intent, and the sequence number of its outcome.
    pub(crate) removal: Option<(RecordId, u64)>,
}

/// What a log holds of that which the store knows, read after the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownToLog {
    pub(crate) change: Found,
    pub(crate) removal: Found,
    /// Whether the newest removal that is recorded as done was begun after the one that the store knows.
    pub(crate) removed_since: bool,
    /// The sequence number of the last record, 0 if there is none.
    pub(crate) newest: u64,
}

/// What a log holds at a sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The record, or nothing was asked for.
    Here,
    /// Another record.
    Other,
    /// Nothing any more, because retention removed it.
    Removed,
    /// Nothing yet.
    Missing,
}

impl Found {
    /// Returns what `entry`, the first one at or after the sequence number of `applied`, says.
    pub(crate) fn of(applied: &AppliedRecord, entry: Option<&RecordEntry>) -> Self {
        match entry {
            None => Self::Missing,
            Some(entry) if entry.sequence > applied.sequence => Self::Removed,
            Some(entry) if entry.record.id == applied.record => Self::Here,
            Some(_) => Self::Other,
        }
    }
}

impl LogState {
    /// Takes in the newest record of a change that is done.
    pub(crate) fn add_change(&mut self, record: &Record) {
        if let (Outcome::Done { intent }, Some(revision)) = (&record.outcome, record.made_revision()) {
            self.add_mark(*intent, revision);
        }
    }

    /// Takes in what a retention run says of the change that was the last when it began.
    pub(crate) fn add_mark_of(&mut self, record: &Record) {
        if let Act::Remove(RemovalSummary::Aged { policy: Some(ChangeMark { record, revision }), .. }) = &record.act {
            self.add_mark(*record, *revision);
        }
    }

    fn add_mark(&mut self, intent: RecordId, revision: Revision) {
        if self.change.is_none_or(|(_, known)| known < revision) {
            self.change = Some((intent, revision));
        }
    }

    /// Takes in the newest record of a removal that is done.
    pub(crate) fn add_removal(&mut self, entry: &RecordEntry) {
        if let Some(intent) = entry.record.outcome.intent()
            && entry.record.outcome.kind() == OutcomeKind::Done
            && self.removal.is_none_or(|(_, known)| known < entry.sequence)
        {
            self.removal = Some((intent, entry.sequence));
        }
    }
}

impl Difference {
    /// Returns how a store and a log differ, and none if they belong together.
    pub(crate) fn between(store: &StoreState, log: &LogState, known: &KnownToLog) -> Option<Self> {
        let Some(policy) = store.policy else { return log.change.map(|(_, log)| Self::StoreEmpty { log }) };
        Self::of_change(policy, store, log, known).or_else(|| Self::of_removal(policy, store, log, known))
    }

    fn of_change(policy: Revision, store: &StoreState, log: &LogState, known: &KnownToLog) -> Option<Self> {
        match (log.change, store.applied.change) {
            (Some((_, log)), _) if log > policy => Some(Self::StoreBehind { store: policy, log }),
            (Some((intent, revision)), Some(applied)) if revision == policy => {
                (intent != applied.record).then_some(Self::OtherLog { sequence: applied.sequence })
            }
            // The log may not say yet that the newest change is done, but it holds its intent.
            (_, Some(applied)) => known.change.difference(policy, &applied, known.newest),
            (None, None) if known.newest == 0 => Some(Self::LogEmpty { store: policy }),
            (_, None) => None,
        }
    }

    fn of_removal(policy: Revision, store: &StoreState, log: &LogState, known: &KnownToLog) -> Option<Self> {
        match (log.removal, store.applied.removal) {
            (None, None) => None,
            (Some((_, log)), None) => Some(Self::RemovalUnknown { store: 0, log }),
            (Some((intent, _)), Some(applied)) if intent == applied.record => None,
            (Some((_, log)), Some(applied)) if known.removed_since => {
                Some(Self::RemovalUnknown { store: applied.sequence, log })
            }
            (_, Some(_)) if known.removal == Found::Removed => None,
            (_, Some(applied)) => known.removal.difference(policy, &applied, known.newest),
        }
    }
}

impl Found {
    /// Returns the difference that it makes that the store applied this record.
    fn difference(self, policy: Revision, applied: &AppliedRecord, newest: u64) -> Option<Difference> {
        match self {
            Self::Here => None,
            Self::Missing if newest == 0 => Some(Difference::LogEmpty { store: policy }),
            Self::Missing => Some(Difference::LogBehind { log: newest, store: applied.sequence }),
            Self::Other | Self::Removed => Some(Difference::OtherLog { sequence: applied.sequence }),
        }
    }
}
