//! The governance records by which a store changed last.

use serde::{Deserialize, Serialize};

use super::ids::RecordId;
use super::receipt::Receipt;

/// The governance records of the last change and of the last removals that a store applied.
///
/// A store keeps this as it is. [`Recorded::<NewPolicy>::applied`](crate::governance::Recorded::applied) and its
/// counterpart for removals return what it becomes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedRecords {
    change: Option<AppliedRecord>,
    /// By sequence number, at most [`MAX_REMOVALS`]. More than one, because removals can overlap and end in another
    /// order than they began.
    removals: Vec<AppliedRecord>,
}

/// The number of removals that a store remembers.
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
    pub(super) fn of(receipt: &Receipt) -> Self {
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

    /// Returns the records of the last completed removals, by sequence number.
    #[must_use]
    pub fn removals(&self) -> &[AppliedRecord] {
        &self.removals
    }

    pub(super) fn with_change(self, change: AppliedRecord) -> Self {
        Self { change: Some(change), ..self }
    }

    pub(super) fn with_removal(mut self, removal: AppliedRecord) -> Self {
        if !self.removals.contains(&removal) {
            self.removals.push(removal);
            self.removals.sort_by_key(|removal| removal.sequence);
            let excess = self.removals.len().saturating_sub(MAX_REMOVALS);
            self.removals.drain(..excess);
        }
        self
    }

    /// Starts over with the record of an acceptance. `removals` decides about the removals that were remembered.
    pub(super) fn accepted(self, record: AppliedRecord, removals: OnKnownRemovals) -> Self {
        let removals = match removals {
            OnKnownRemovals::Keep => self.removals,
            OnKnownRemovals::Forget => Vec::new(),
            OnKnownRemovals::Replace => vec![record],
        };
        Self { change: Some(record), removals }
    }

    /// Returns whether the store may lack a removal that the log records as done, given the sequence number of its
    /// outcome. `begun_since` are the removals that began after the oldest one that the store remembers.
    pub(crate) fn may_lack(&self, (removal, outcome): (RecordId, u64), begun_since: &[RecordId]) -> bool {
        if self.removals.iter().any(|known| known.record == removal) {
            return false;
        }
        match self.removals.first() {
            // A removal that was done before another began was in the store before the other was.
            Some(oldest) if outcome < oldest.sequence => false,
            // A store that remembers fewer removals than it could remembers all of them.
            Some(_) => self.removals.len() < MAX_REMOVALS || begun_since.contains(&removal),
            None => true,
        }
    }
}

/// The effect of an accepted difference on the removals that a store remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnKnownRemovals {
    /// Keeps them, because the log contains them too.
    Keep,
    /// Forgets them, because the log does not contain them. The removals in the log are compared again, and need an
    /// acceptance of their own.
    Forget,
    /// Replaces them by the acceptance: the removals that the log records as done are accepted with it.
    Replace,
}
