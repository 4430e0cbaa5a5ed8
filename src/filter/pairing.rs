//! Whether the store and the governance log of a filter still belong together: asked when it is opened, and now and then
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

/// The kinds of records that change the policy.
const CHANGES: [RecordKind; 3] = [RecordKind::PolicyChange, RecordKind::Grant, RecordKind::Revocation];
/// The kinds of records that remove activities.
const REMOVALS: [RecordKind; 2] = [RecordKind::Erasure, RecordKind::Retention];
/// How often the two are compared while a filter is open.
const INTERVAL: TimeDelta = TimeDelta::seconds(1);
/// How long after a comparison that failed, so that a sink that hangs does not hold up every batch.
const PAUSE: TimeDelta = TimeDelta::seconds(30);
/// How long an intent without an outcome is left to the process that began it.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(5);
/// How many records of a kind are read after one that the store knows, at most.
const SINCE: usize = 1_024;
/// How much longer than it takes the next comparison is put off.
const AT_MOST_ONE_IN: i32 = 20;

/// What a filter knows of its store and its log.
pub(super) struct Pairing {
    is_read: bool,
    next_check: Mutex<Option<DateTime<Utc>>>,
    /// Whether they differed when they were last compared.
    is_apart: AtomicBool,
    /// The revision that was seen last, and the record of the change that made it.
    seen: Mutex<Option<(Revision, RecordId)>>,
}

/// Store and log, read for a comparison.
pub(super) struct Pair {
    store: StoreState,
    log: LogState,
    known: KnownToLog,
    pub(super) difference: Option<Difference>,
}

/// Why the two cannot be compared.
pub(super) enum Unread {
    Store(StoreError),
    Log(SinkError),
}

impl From<StoreError> for Unread {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<SinkError> for Unread {
    fn from(error: SinkError) -> Self {
        Self::Log(error)
    }
}

impl Pairing {
    /// `is_read`: whether the log can be read at all.
    pub(super) fn new(is_read: bool) -> Self {
        Self { is_read, next_check: Mutex::default(), is_apart: AtomicBool::new(false), seen: Mutex::default() }
    }

    pub(super) fn is_read(&self) -> bool {
        self.is_read
    }
}

impl Pair {
    /// What it means to accept a difference.
    pub(super) fn acceptance(&self, difference: Difference) -> Acceptance {
        let log = self.log.change.map(|(_, revision)| revision);
        let newest = self.store.policy.max(log).unwrap_or(Revision::FIRST);
        let removals = comparison::removals_if_accepted(difference, &self.store, &self.log, &self.known);
        Acceptance { difference, newest, removals }
    }
}

impl Inner {
    /// Refuses while the store and the log are known to differ. Costs nothing while they are not.
    pub(super) fn not_apart(&self) -> Result<(), StoreError> {
        if self.pairing.is_apart.load(Ordering::SeqCst) { self.check_pairing() } else { Ok(()) }
    }

    /// Holds store and log against each other, if that was not done just now. As long as they differ, nothing goes on.
    pub(super) fn check_pairing(&self) -> Result<(), StoreError> {
        if !self.pairing.is_read {
            return Ok(());
        }
        let is_apart = self.pairing.is_apart.load(Ordering::SeqCst);
        let mut next_check = match self.pairing.next_check.try_lock() {
            Ok(next_check) => next_check,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Another caller compares them.
            Err(TryLockError::WouldBlock) if !is_apart => return Ok(()),
            Err(TryLockError::WouldBlock) => self.pairing.next_check.lock().unwrap_or_else(PoisonError::into_inner),
        };
        let now = self.now();
        // A clock that goes back does not put it off for long.
        if !is_apart && next_check.is_some_and(|next| now < next && next - now <= PAUSE) {
            return Ok(());
        }
        let begun = Instant::now();
        let (difference, wait) = match self.pair() {
            Ok(pair) => {
                let took = TimeDelta::from_std(begun.elapsed()).unwrap_or(PAUSE);
                (pair.difference, (took * AT_MOST_ONE_IN).clamp(INTERVAL, PAUSE))
            }
            // Nobody knows, and they may have come together again.
            Err(Unread::Store(error)) if is_apart => return Err(error),
            Err(Unread::Log(error)) if is_apart => return Err(StoreError::Backend(Box::new(error))),
            Err(_) => (None, PAUSE),
        };
        *next_check = self.now().checked_add_signed(wait);
        self.pairing.is_apart.store(difference.is_some(), Ordering::SeqCst);
        difference.map_or(Ok(()), |difference| Err(StoreError::Differs(difference)))
    }

    /// Notes that the two were compared just now.
    pub(super) fn paired(&self) {
        let mut next_check = self.pairing.next_check.lock().unwrap_or_else(PoisonError::into_inner);
        *next_check = self.now().checked_add_signed(INTERVAL);
    }

    /// Reads a bounded number of records, and holds them against what the store says.
    ///
    /// In this order, because other nodes go on meanwhile: what the log records as done is in the store that is read
    /// afterwards, and what the store applied is in the log that is read after that.
    pub(super) fn pair(&self) -> Result<Pair, Unread> {
        let before = self.store.applied()?;
        let mut log = LogState::default();
        for kind in CHANGES {
            if let Some(entry) = self.newest(kind, OutcomeKind::Done)? {
                log.add_change(&entry.record);
            }
            // Nodes record their outcomes in another order than they publish in.
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

    /// Whether the store holds another policy under the revision that was seen last: both it and the log were put back, and
    /// went on without this filter.
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
        // A sink that answers with another record says nothing of those that were asked for.
        let newest = self.sink.newest(&query)?;
        if newest.as_ref().is_some_and(|entry| !query.matches(&entry.record)) {
            return Err(SinkError::NotReadBack);
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

    /// The removals that were begun after the oldest one that the store remembers.
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

    /// Records what came of the newest change and the newest erasure, if nobody has: the process that began it may have
    /// ended in between. What fails here is done when a filter is opened again.
    ///
    /// Of a removal that is not complete nothing is recorded: it may go on, and how long it takes is not to be told. Nor is
    /// anything of a run of retention, which goes on with the records once the store is done.
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
            // What was not done yet may be done any moment.
            let is_old = (self.now() - record.at).abs() >= UNDER_WAY;
            if applied && !is_done {
                self.complete(record, Outcome::Done { intent })?;
            } else if !applied && !is_done && !is_failed && is_old {
                self.complete(record, Outcome::Failed { intent, cause: FailureReason::Interrupted })?;
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

    /// Whether the newest record of this kind and outcome is what came of an intent, the newest one of its kind.
    fn has_outcome(&self, intent: &Record, outcome: OutcomeKind) -> Result<bool, SinkError> {
        let newest = self.newest(intent.kind(), outcome)?;
        Ok(newest.is_some_and(|entry| entry.record.outcome.intent() == Some(intent.id)))
    }

    fn complete(&self, intent: Record, outcome: Outcome) -> Result<(), SinkError> {
        let record = Record { id: self.fresh_record(), at: self.now(), outcome, ..intent };
        self.sink.record(&record)?.confirm(&record).map(drop)
    }
}
