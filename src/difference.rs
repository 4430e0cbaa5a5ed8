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

use crate::governance::{Act, ChangeMark, Outcome, Receipt, Record, RecordEntry, RecordId, RemovalSummary};
use crate::identity::UserId;
use crate::policy::Revision;

/// The governance records of the last change and of the last removals that a store applied.
///
/// A store keeps it as it is: [`RecordedChange::applied`](crate::RecordedChange::applied) and
/// [`RecordedRemoval::applied`](crate::RecordedRemoval::applied) say what it becomes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedRecords {
    change: Option<AppliedRecord>,
    /// By sequence number, at most [`MAX_REMOVALS`]: several, because removals can run beside each other, and end in another
    /// order than they began in.
    removals: Vec<AppliedRecord>,
}

/// How many removals a store remembers.
const MAX_REMOVALS: usize = 16;

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

    /// Returns the records of the last removals that were completed, by sequence number.
    #[must_use]
    pub fn removals(&self) -> &[AppliedRecord] {
        &self.removals
    }

    pub(crate) fn with_change(self, change: AppliedRecord) -> Self {
        Self { change: Some(change), ..self }
    }

    pub(crate) fn with_removal(mut self, removal: AppliedRecord) -> Self {
        if !self.removals.contains(&removal) {
            self.removals.push(removal);
            self.removals.sort_by_key(|removal| removal.sequence);
            let excess = self.removals.len().saturating_sub(MAX_REMOVALS);
            self.removals.drain(..excess);
        }
        self
    }

    /// Begins anew with the record of an acceptance. `removals` says what becomes of those that were known.
    pub(crate) fn accepted(self, record: AppliedRecord, removals: KnownRemovals) -> Self {
        let removals = match removals {
            KnownRemovals::Kept => self.removals,
            KnownRemovals::Dropped => Vec::new(),
            KnownRemovals::Settled => vec![record],
        };
        Self { change: Some(record), removals }
    }

    /// Returns whether the store may lack a removal that the log records as done, with the sequence number of its outcome.
    /// `begun_since` are the removals that were begun after the oldest one that the store remembers.
    fn may_lack(&self, (removal, outcome): (RecordId, u64), begun_since: &[RecordId]) -> bool {
        if self.removals.iter().any(|known| known.record == removal) {
            return false;
        }
        match self.removals.first() {
            // What was done before another one began was in the store before that one.
            Some(oldest) if outcome < oldest.sequence => false,
            // A store that remembers fewer than it could remembers all.
            Some(_) => self.removals.len() < MAX_REMOVALS || begun_since.contains(&removal),
            None => true,
        }
    }
}

/// What becomes of the removals that a store knows when a difference is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KnownRemovals {
    /// The log knows them too.
    Kept,
    /// The log does not: what it records of removals is compared anew, and accepted in its own words.
    Dropped,
    /// What the log records of removals is accepted.
    Settled,
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
#[derive(Debug, Clone)]
pub(crate) struct StoreState {
    /// Read before the policy, so that the policy is never the older one of the two.
    pub(crate) applied: AppliedRecords,
    pub(crate) policy: Option<Revision>,
}

/// What a log says, read before the store says anything.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogState {
    /// The newest change that is recorded as done: the record of its intent, and the revision that it made.
    pub(crate) change: Option<(RecordId, Revision)>,
    /// The removals of each kind that were recorded as done last: the record of the intent, and the sequence number of the
    /// outcome.
    pub(crate) removals: Vec<(RecordId, u64)>,
}

/// What a log holds of that which the store knows, read after the store.
#[derive(Debug, Clone)]
pub(crate) struct KnownToLog {
    pub(crate) change: Found,
    /// The last removal that the store knows.
    pub(crate) removal: Found,
    /// The removals that were begun after the oldest one that the store remembers, as far as it was read.
    pub(crate) begun_since: Vec<RecordId>,
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

impl LogState {
    /// Takes in the record of a change that is done.
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

    /// Takes in the record of a removal that is done.
    pub(crate) fn add_removal(&mut self, entry: &RecordEntry) {
        if let Some(intent) = entry.record.outcome.intent() {
            self.removals.push((intent, entry.sequence));
        }
    }
}

impl Difference {
    /// Returns how a store and a log differ, and none if they belong together.
    pub(crate) fn between(store: &StoreState, log: &LogState, known: &KnownToLog) -> Option<Self> {
        let Some(policy) = store.policy else { return log.change.map(|(_, log)| Self::StoreEmpty { log }) };
        Self::of_change(policy, store, log, known).or_else(|| Self::of_removals(policy, store, log, known))
    }

    fn of_change(policy: Revision, store: &StoreState, log: &LogState, known: &KnownToLog) -> Option<Self> {
        match (log.change, store.applied.change) {
            // An older copy of the store.
            (Some((_, log)), _) if log > policy => Some(Self::StoreBehind { store: policy, log }),
            // The two agree.
            (Some((intent, _)), Some(applied)) if intent == applied.record => None,
            // Two histories with the same number of changes.
            (Some((_, revision)), Some(applied)) if revision == policy => {
                Some(Self::OtherLog { sequence: applied.sequence })
            }
            // The log does not say yet that the newest change is done, but holds its intent; or it is an older copy.
            (_, Some(applied)) => known.change.difference(policy, &applied, known.newest),
            (None, None) if known.newest == 0 => Some(Self::LogEmpty { store: policy }),
            (_, None) => None,
        }
    }

    fn of_removals(policy: Revision, store: &StoreState, log: &LogState, known: &KnownToLog) -> Option<Self> {
        let applied = &store.applied;
        let lacks = |removal: &&(RecordId, u64)| applied.may_lack(**removal, &known.begun_since);
        let last = applied.removals.last();
        if let Some((_, log)) = log.removals.iter().filter(lacks).max_by_key(|(_, outcome)| outcome) {
            return Some(Self::RemovalUnknown { store: last.map_or(0, AppliedRecord::sequence), log: *log });
        }
        match known.removal {
            // Later runs of retention removed the record.
            Found::Removed => None,
            found => last.and_then(|last| found.difference(policy, last, known.newest)),
        }
    }

    /// Returns what becomes of the removals that a store knows once this difference is accepted.
    pub(crate) fn removals_if_accepted(self, store: &StoreState, log: &LogState, known: &KnownToLog) -> KnownRemovals {
        match self {
            Self::StoreEmpty { .. } | Self::LogEmpty { .. } | Self::RemovalUnknown { .. } => KnownRemovals::Settled,
            Self::StoreBehind { .. } | Self::LogBehind { .. } | Self::OtherLog { .. } => {
                let policy = store.policy.unwrap_or(Revision::FIRST);
                match Self::of_removals(policy, store, log, known) {
                    None => KnownRemovals::Kept,
                    Some(_) => KnownRemovals::Dropped,
                }
            }
        }
    }
}
