//! The comparison of a store with a governance log.

use crate::governance::{
    AppliedRecord, AppliedRecords, ChangeMark, Difference, Event, OnKnownRemovals, Outcome, Record, RecordEntry,
    RecordId, RemovalSummary,
};
use crate::policy::Revision;

/// Returns the difference between a store and a log, and `None` if they belong together.
pub(super) fn difference(store: &StoreState, log: &LogState, known: &KnownToLog) -> Option<Difference> {
    let Some(policy) = store.policy else { return log.change.map(|(_, log)| Difference::StoreEmpty { log }) };
    of_change(policy, store, log, known).or_else(|| of_removals(policy, store, log, known))
}

fn of_change(policy: Revision, store: &StoreState, log: &LogState, known: &KnownToLog) -> Option<Difference> {
    match (log.change, store.applied.change()) {
        // An older copy of the store.
        (Some((_, log)), _) if log > policy => Some(Difference::StoreBehind { store: policy, log }),
        // The two agree.
        (Some((intent, _)), Some(applied)) if intent == applied.record() => None,
        // Two histories with the same number of changes.
        (Some((_, revision)), Some(applied)) if revision == policy => {
            Some(Difference::OtherLog { sequence: applied.sequence() })
        }
        // The log holds the intent of the newest change and no outcome yet, or is an older copy.
        (_, Some(applied)) => known.change.difference(policy, applied, known.newest),
        (None, None) if known.newest == 0 => Some(Difference::LogEmpty { store: policy }),
        (_, None) => None,
    }
}

fn of_removals(policy: Revision, store: &StoreState, log: &LogState, known: &KnownToLog) -> Option<Difference> {
    let applied = &store.applied;
    let lacks = |removal: &&(RecordId, u64)| applied.may_lack(**removal, &known.begun_since);
    let last = applied.removals().last();
    if let Some((_, log)) = log.removals.iter().filter(lacks).max_by_key(|(_, outcome)| outcome) {
        return Some(Difference::RemovalUnknown { store: last.map_or(0, AppliedRecord::sequence), log: *log });
    }
    match known.removal {
        // A later run of retention removed the record.
        Found::Removed => None,
        found => last.and_then(|last| found.difference(policy, last, known.newest)),
    }
}

/// Returns the effect on the removals that a store remembers if a difference is accepted.
pub(super) fn removals_if_accepted(
    difference: Difference,
    store: &StoreState,
    log: &LogState,
    known: &KnownToLog,
) -> OnKnownRemovals {
    match difference {
        Difference::StoreEmpty { .. } | Difference::LogEmpty { .. } | Difference::RemovalUnknown { .. } => {
            OnKnownRemovals::Replace
        }
        Difference::StoreBehind { .. } | Difference::LogBehind { .. } | Difference::OtherLog { .. } => {
            let policy = store.policy.unwrap_or(Revision::FIRST);
            match of_removals(policy, store, log, known) {
                None => OnKnownRemovals::Keep,
                Some(_) => OnKnownRemovals::Forget,
            }
        }
    }
}

/// The state of a store.
#[derive(Debug, Clone)]
pub(super) struct StoreState {
    /// Read before the policy, so that the policy is never the older of the two.
    pub(super) applied: AppliedRecords,
    pub(super) policy: Option<Revision>,
}

/// The state of a log, read before the store.
#[derive(Debug, Clone, Default)]
pub(super) struct LogState {
    /// The newest change that is recorded as done: the record of its intent, and its revision.
    pub(super) change: Option<(RecordId, Revision)>,
    /// The last removals of each kind that are recorded as done: the record of the intent, and the sequence number of
    /// the outcome.
    pub(super) removals: Vec<(RecordId, u64)>,
}

/// The part of the log that concerns the records in the store, read after the store.
#[derive(Debug, Clone)]
pub(super) struct KnownToLog {
    pub(super) change: Found,
    /// The record of the last removal that the store remembers.
    pub(super) removal: Found,
    /// The removals that began after the oldest one that the store remembers, as far as they were read.
    pub(super) begun_since: Vec<RecordId>,
    /// The sequence number of the last record, 0 if there is none.
    pub(super) newest: u64,
}

/// The content of a log at a sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The expected record, or there was none to look for.
    Here,
    /// Another record.
    Other,
    /// No record, because retention removed it.
    Removed,
    /// No record, because the log ends before it.
    Missing,
}

impl Found {
    /// Compares `entry`, the first one at or after the sequence number of `applied`, with `applied`.
    pub(super) fn of(applied: &AppliedRecord, entry: Option<&RecordEntry>) -> Self {
        match entry {
            None => Self::Missing,
            Some(entry) if entry.sequence > applied.sequence() => Self::Removed,
            Some(entry) if entry.record.id == applied.record() => Self::Here,
            Some(_) => Self::Other,
        }
    }

    /// Returns the difference that follows if the store applied this record.
    fn difference(self, policy: Revision, applied: &AppliedRecord, newest: u64) -> Option<Difference> {
        match self {
            Self::Here => None,
            Self::Missing if newest == 0 => Some(Difference::LogEmpty { store: policy }),
            Self::Missing => Some(Difference::LogBehind { log: newest, store: applied.sequence() }),
            Self::Other | Self::Removed => Some(Difference::OtherLog { sequence: applied.sequence() }),
        }
    }
}

impl LogState {
    /// Adds the record of a change that is done.
    pub(super) fn add_change(&mut self, record: &Record) {
        if let (Outcome::Done { intent }, Some(revision)) = (&record.outcome, record.made_revision()) {
            self.add_mark(*intent, revision);
        }
    }

    /// Adds the last change of the policy before a retention run, which the record of the run contains.
    pub(super) fn add_mark_of(&mut self, record: &Record) {
        if let Event::Remove(RemovalSummary::Aged { policy: Some(ChangeMark { record, revision }), .. }) = &record.event
        {
            self.add_mark(*record, *revision);
        }
    }

    fn add_mark(&mut self, intent: RecordId, revision: Revision) {
        if self.change.is_none_or(|(_, known)| known < revision) {
            self.change = Some((intent, revision));
        }
    }

    /// Adds the record of a removal that is done.
    pub(super) fn add_removal(&mut self, entry: &RecordEntry) {
        if let Some(intent) = entry.record.outcome.intent() {
            self.removals.push((intent, entry.sequence));
        }
    }
}
