//! Whether the store and the governance log of a filter still belong together: asked when it is opened, and now and then
//! while it is open.

use std::sync::{PoisonError, TryLockError};

use chrono::{DateTime, TimeDelta, Utc};

use super::Inner;
use crate::difference::{AppliedRecord, Difference, Found, KnownToLog, LogState, StoreState};
use crate::governance::{
    Failure, GovernanceSink, Outcome, OutcomeKind, Record, RecordEntry, RecordId, RecordKind, RecordQuery, SinkError,
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
/// How many records after an intent are searched for its outcome.
const NEARBY: usize = 64;

/// What a filter knows of its store and its log.
pub(super) struct Pairing {
    is_read: bool,
    next_check: Mutex<Option<DateTime<Utc>>>,
    /// Whether they differed when they were last compared.
    is_apart: AtomicBool,
}

/// Store and log, read for a comparison.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    store: StoreState,
    log: LogState,
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
        Self { is_read, next_check: Mutex::default(), is_apart: AtomicBool::new(false) }
    }

    pub(super) fn is_read(&self) -> bool {
        self.is_read
    }
}

impl Pair {
    /// The newest revision that either of the two knows.
    pub(super) fn newest_revision(&self) -> Revision {
        let log = self.log.change.map(|(_, revision)| revision);
        self.store.policy.max(log).unwrap_or(Revision::FIRST)
    }

    /// Whether the store applied what this record is the intent of.
    fn applied(&self, record: RecordId) -> bool {
        let applied = [self.store.applied.change(), self.store.applied.removal()];
        applied.into_iter().flatten().any(|applied| applied.record() == record)
    }
}

impl Inner {
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
        let (difference, wait) = match self.pair() {
            Ok(pair) => (pair.difference, INTERVAL),
            // Nobody knows, and they may have come together again.
            Err(Unread::Store(error)) if is_apart => return Err(error),
            Err(Unread::Log(error)) if is_apart => return Err(StoreError::Backend(Box::new(error))),
            Err(_) => (None, PAUSE),
        };
        *next_check = now.checked_add_signed(wait);
        self.pairing.is_apart.store(difference.is_some(), Ordering::SeqCst);
        difference.map_or(Ok(()), |difference| Err(StoreError::Differs(difference)))
    }

    /// Notes that the two were compared just now.
    pub(super) fn paired(&self) {
        let mut next_check = self.pairing.next_check.lock().unwrap_or_else(PoisonError::into_inner);
        *next_check = self.now().checked_add_signed(INTERVAL);
    }

    /// Reads a constant number of records, and holds them against what the store says.
    ///
    /// In this order, because other nodes go on meanwhile: what the log records as done is in the store that is read
    /// afterwards, and what the store applied is in the log that is read after that.
    pub(super) fn pair(&self) -> Result<Pair, Unread> {
        let mut log = LogState::default();
        for kind in CHANGES {
            if let Some(entry) = self.newest(kind, OutcomeKind::Done)? {
                log.add_change(&entry.record);
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
            change: self.found(applied.change())?,
            removal: self.found(applied.removal())?,
            removed_since: self.removed_since(applied.removal(), &log)?,
            newest: self.sink.newest(&RecordQuery::default())?.map_or(0, |entry| entry.sequence),
        };
        let difference = Difference::between(&store, &log, &known);
        Ok(Pair { store, log, difference })
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

    /// Whether the newest removal that the log records as done was begun after the one that the store knows.
    fn removed_since(&self, applied: Option<&AppliedRecord>, log: &LogState) -> Result<bool, SinkError> {
        let (Some(applied), Some((newest, outcome))) = (applied, log.removal) else { return Ok(false) };
        if newest == applied.record() || outcome <= applied.sequence() {
            return Ok(false);
        }
        for kind in REMOVALS {
            let outcome = Some(OutcomeKind::Intended);
            let begun = RecordQuery { kind: Some(kind), outcome, ..RecordQuery::default() };
            let begun = self.sink.records(&begun, applied.sequence(), NEARBY)?;
            // Of so many, one may be it.
            if begun.len() == NEARBY || begun.iter().any(|entry| entry.record.id == newest) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Records what came of the newest change and the newest removal, if nobody has: the process that began it may have
    /// ended in between. What fails here is done when a filter is opened again.
    pub(super) fn complete_intents(&self, pair: &Pair) -> Result<(), SinkError> {
        for kinds in [&CHANGES[..], &REMOVALS] {
            let mut newest: Option<RecordEntry> = None;
            for kind in kinds {
                let intent = self.newest(*kind, OutcomeKind::Intended)?;
                newest = newest.into_iter().chain(intent).max_by_key(|entry| entry.sequence);
            }
            let Some(RecordEntry { record, .. }) = newest else { continue };
            let is_of_it = |entry: &RecordEntry| entry.record.outcome.intent() == Some(record.id);
            let done = self.newest(record.kind(), OutcomeKind::Done)?;
            let failed = self.newest(record.kind(), OutcomeKind::Failed)?;
            if done.iter().chain(&failed).any(is_of_it) {
                continue;
            }
            let intent = record.id;
            let outcome = match pair.applied(intent) {
                true => Outcome::Done { intent },
                // It may be done any moment.
                false if (self.now() - record.at).abs() < UNDER_WAY => continue,
                false => Outcome::Failed { intent, cause: Failure::Interrupted },
            };
            let record = Record { id: self.fresh_record(), at: self.now(), outcome, ..record };
            self.sink.record(&record)?.confirm(&record)?;
        }
        Ok(())
    }
}
