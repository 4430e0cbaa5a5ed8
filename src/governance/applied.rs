//! By which governance records a store changed last.

use serde::{Deserialize, Serialize};

use crate::governance::{Receipt, RecordId};

/// The governance records of the last change and of the last removals that a store applied.
///
/// A store keeps it as it is: [`RecordedChange::applied`](crate::governance::RecordedChange::applied) and
/// [`RecordedRemoval::applied`](crate::governance::RecordedRemoval::applied) say what it becomes.
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
    pub(crate) fn may_lack(&self, (removal, outcome): (RecordId, u64), begun_since: &[RecordId]) -> bool {
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
