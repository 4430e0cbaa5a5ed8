//! The check that the store and the governance log of a filter belong together, when it is opened and at intervals
//! while it is open.

use std::sync::{PoisonError, TryLockError};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use super::Inner;
use super::comparison::{self, Found, KnownToLog, LogState, StoreState};
use crate::governance::{
    Acceptance, AppliedRecord, Difference, FailureReason, GovernanceSink, Outcome, OutcomeKind, Record, RecordEntry,
    RecordId, RecordKind, RecordQuery, SinkError,
};
use crate::policy::Revision;
use crate::store::StoreError;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

/// The kinds of records of policy changes.
const CHANGES: [RecordKind; 3] = [RecordKind::PolicyChange, RecordKind::Grant, RecordKind::Revocation];
/// The kinds of records of removals of activities.
const REMOVALS: [RecordKind; 2] = [RecordKind::Erasure, RecordKind::Retention];
/// The shortest interval between two comparisons while a filter is open.
const INTERVAL: TimeDelta = TimeDelta::seconds(1);
/// The longest interval, also used after a failed comparison, so that a sink that hangs does not delay every batch.
const PAUSE: TimeDelta = TimeDelta::seconds(30);
/// The time that the process that recorded an intent has for its outcome.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(5);
/// The largest number of records of a kind that are read after one that the store knows.
const SINCE: usize = 1_024;
/// The interval to the next comparison as a multiple of the duration of the last one.
const INTERVAL_FACTOR: i32 = 20;

/// The state of the comparisons of a filter's store and log.
pub(super) struct Pairing {
    is_readable: bool,
    next_check: Mutex<Option<DateTime<Utc>>>,
    /// Whether they differed in the last comparison.
    is_apart: AtomicBool,
    /// The last known revision, and the record of the change that made it.
    seen: Mutex<Option<(Revision, RecordId)>>,
}

/// The state of store and log in a comparison.
pub(super) struct Pair {
    store: StoreState,
    log: LogState,
    known: KnownToLog,
    pub(super) difference: Option<Difference>,
}

/// The reason why store and log cannot be compared.
pub(super) enum ComparisonError {
    Store(StoreError),
    Log(SinkError),
}

impl From<StoreError> for ComparisonError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<SinkError> for ComparisonError {
    fn from(error: SinkError) -> Self {
        Self::Log(error)
    }
}

impl Pairing {
    /// `is_readable` states whether the sink can be read.
    pub(super) fn new(is_readable: bool) -> Self {
        Self { is_readable, next_check: Mutex::default(), is_apart: AtomicBool::new(false), seen: Mutex::default() }
    }

    pub(super) fn is_readable(&self) -> bool {
        self.is_readable
    }
}

impl Pair {
    /// Returns the consequences of accepting a difference.
    pub(super) fn acceptance(&self, difference: Difference) -> Acceptance {
        let log = self.log.change.map(|(_, revision)| revision);
        let newest = self.store.policy.max(log).unwrap_or(Revision::FIRST);
        let removals = comparison::removals_if_accepted(difference, &self.store, &self.log, &self.known);
        Acceptance { difference, newest, removals }
    }
}

impl Inner {
    /// Fails while the store and the log are known to differ. Reads nothing otherwise.
    pub(super) fn check_not_apart(&self) -> Result<(), StoreError> {
        if self.pairing.is_apart.load(Ordering::SeqCst) { self.check_pairing() } else { Ok(()) }
    }

    /// Compares store and log, unless that was done recently. Fails as long as they differ.
    pub(super) fn check_pairing(&self) -> Result<(), StoreError> {
        if !self.pairing.is_readable {
            return Ok(());
        }
        let is_apart = self.pairing.is_apart.load(Ordering::SeqCst);
        let mut next_check = match self.pairing.next_check.try_lock() {
            Ok(next_check) => next_check,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Another caller is comparing them.
            Err(TryLockError::WouldBlock) if !is_apart => return Ok(()),
            Err(TryLockError::WouldBlock) => self.pairing.next_check.lock().unwrap_or_else(PoisonError::into_inner),
        };
        let now = self.now();
        // If the clock is set back, the comparison is not delayed for long.
        if !is_apart && next_check.is_some_and(|next| now < next && next - now <= PAUSE) {
            return Ok(());
        }
        let begun = Instant::now();
        let (difference, wait) = match self.compare() {
            Ok(pair) => {
                let took = TimeDelta::from_std(begun.elapsed()).unwrap_or(PAUSE);
                (pair.difference, (took * INTERVAL_FACTOR).clamp(INTERVAL, PAUSE))
            }
            // It is unknown whether they still differ.
            Err(ComparisonError::Store(error)) if is_apart => return Err(error),
            Err(ComparisonError::Log(error)) if is_apart => return Err(StoreError::Backend(Box::new(error))),
            Err(_) => (None, PAUSE),
        };
        *next_check = self.now().checked_add_signed(wait);
        self.pairing.is_apart.store(difference.is_some(), Ordering::SeqCst);
        difference.map_or(Ok(()), |difference| Err(StoreError::StoreAndLogDiffer(difference)))
    }

    /// Notes that the two were just compared.
    pub(super) fn note_comparison(&self) {
        let mut next_check = self.pairing.next_check.lock().unwrap_or_else(PoisonError::into_inner);
        *next_check = self.now().checked_add_signed(INTERVAL);
    }

    /// Reads a bounded number of records and compares them with the state of the store.
    ///
    /// The order matters, because other nodes continue in the meantime: everything that the log records as done is in
    /// the store when it is read afterwards, and everything that the store applied is in the log when it is read after
    /// that.
    pub(super) fn compare(&self) -> Result<Pair, ComparisonError> {
        let before = self.store.applied()?;
        let mut log = LogState::default();
        for kind in CHANGES {
            if let Some(entry) = self.newest(kind, OutcomeKind::Done)? {
                log.add_change(&entry.record);
            }
            // Nodes can record their outcomes in another order than they publish.
            if let Some(change) = before.change() {
                for entry in self.since(change, kind, OutcomeKind::Done)? {
                    log.add_change(&entry.record);
                }
            }
        }
        if let Some(entry) = self.newest(RecordKind::Retention, OutcomeKind::Intended)? {
            log.add_mark_of(&entry.record);
        }
        for kind in REMOVALS {
            if let Some(entry) = self.newest(kind, OutcomeKind::Done)? {
                log.add_removal(&entry);
            }
        }
        let applied = self.store.applied()?;
        let policy = self.store.policy()?.map(|policy| policy.revision());
        let store = StoreState { applied, policy };
        let known = KnownToLog {
            change: self.found(store.applied.change())?,
            removal: self.found(store.applied.removals().last())?,
            begun_since: self.begun_since(store.applied.removals().first())?,
            newest: self.sink.newest(&RecordQuery::default())?.map_or(0, |entry| entry.sequence),
        };
        let difference = comparison::difference(&store, &log, &known).or(self.other_history(&store)?);
        Ok(Pair { store, log, known, difference })
    }

    /// Returns the difference if the store holds another policy under the last known revision. Then both store and log
    /// were restored from older copies, and continued without this filter.
    fn other_history(&self, store: &StoreState) -> Result<Option<Difference>, StoreError> {
        let (Some(revision), Some(change)) = (store.policy, store.applied.change()) else { return Ok(None) };
        // The policy may be of a later change than the one that was read before it.
        if self.store.applied()?.change() != Some(change) {
            return Ok(None);
        }
        let mut seen = self.pairing.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_other = seen.is_some_and(|(known, record)| known == revision && record != change.record());
        if !is_other {
            *seen = Some((revision, change.record()));
        }
        Ok(is_other.then_some(Difference::OtherLog { sequence: change.sequence() }))
    }

    fn newest(&self, kind: RecordKind, outcome: OutcomeKind) -> Result<Option<RecordEntry>, SinkError> {
        let query = RecordQuery { kind: Some(kind), outcome: Some(outcome), ..RecordQuery::default() };
        // A sink that returns another record does not answer the query.
        let newest = self.sink.newest(&query)?;
        if newest.as_ref().is_some_and(|entry| !query.matches(&entry.record)) {
            return Err(SinkError::WrongRecords);
        }
        Ok(newest)
    }

    fn found(&self, applied: Option<&AppliedRecord>) -> Result<Found, SinkError> {
        let Some(applied) = applied else { return Ok(Found::Here) };
        let after = applied.sequence().saturating_sub(1);
        Ok(Found::of(applied, self.sink.records(&RecordQuery::default(), after, 1)?.first()))
    }

    fn since(
        &self,
        applied: &AppliedRecord,
        kind: RecordKind,
        outcome: OutcomeKind,
    ) -> Result<Vec<RecordEntry>, SinkError> {
        let query = RecordQuery { kind: Some(kind), outcome: Some(outcome), ..RecordQuery::default() };
        self.sink.records(&query, applied.sequence(), SINCE)
    }

    /// Returns the removals that began after the oldest one that the store remembers.
    fn begun_since(&self, oldest: Option<&AppliedRecord>) -> Result<Vec<RecordId>, SinkError> {
        let mut begun = Vec::new();
        for kind in REMOVALS {
            if let Some(oldest) = oldest {
                let entries = self.since(oldest, kind, OutcomeKind::Intended)?;
                begun.extend(entries.iter().map(|entry| entry.record.id));
            }
        }
        Ok(begun)
    }

    /// Records the outcomes of the newest change and the newest erasure, if they are missing because the process that
    /// began them ended in between. If this fails, the next opening repeats it.
    ///
    /// An incomplete removal gets no outcome: it may continue, and its duration must not show. A run of retention gets
    /// none either, because it continues with the records once the store is done.
    pub(super) fn complete_intents(&self, pair: &Pair) -> Result<(), SinkError> {
        let mut change: Option<RecordEntry> = None;
        for kind in CHANGES {
            let intent = self.newest(kind, OutcomeKind::Intended)?;
            change = change.into_iter().chain(intent).max_by_key(|entry| entry.sequence);
        }
        if let Some(RecordEntry { record, .. }) = change {
            let intent = record.id;
            let applied = pair.store.applied.change().is_some_and(|applied| applied.record() == intent);
            let is_done = self.has_outcome(&record, OutcomeKind::Done)?;
            let is_failed = self.has_outcome(&record, OutcomeKind::Failed)?;
            // A recent change may still be made.
            let is_old = (self.now() - record.at).abs() >= UNDER_WAY;
            if applied && !is_done {
                self.complete(record, Outcome::Done { intent })?;
            } else if !applied && !is_done && !is_failed && is_old {
                self.complete(record, Outcome::Failed { intent, reason: FailureReason::Interrupted })?;
            }
        }
        if let Some(RecordEntry { record, .. }) = self.newest(RecordKind::Erasure, OutcomeKind::Intended)? {
            let intent = record.id;
            let applied = pair.store.applied.removals().iter().any(|applied| applied.record() == intent);
            if applied
                && !self.has_outcome(&record, OutcomeKind::Done)?
                && !self.has_outcome(&record, OutcomeKind::Failed)?
            {
                self.complete(record, Outcome::Done { intent })?;
            }
        }
        Ok(())
    }

    /// Returns whether the newest record of this kind and outcome belongs to `intent`, the newest intent of its kind.
    fn has_outcome(&self, intent: &Record, outcome: OutcomeKind) -> Result<bool, SinkError> {
        let newest = self.newest(intent.kind(), outcome)?;
        Ok(newest.is_some_and(|entry| entry.record.outcome.intent() == Some(intent.id)))
    }

    fn complete(&self, intent: Record, outcome: Outcome) -> Result<(), SinkError> {
        let record = Record { id: self.fresh_record(), at: self.now(), outcome, ..intent };
        self.sink.record(&record)?.confirm(&record).map(drop)
    }
}
