//! A sink with faults on command.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use activity_privacy::governance::{
    GovernanceSink, Receipt, Record, RecordEntry, RecordId, RecordQuery, Recorded, Removal, SinkError,
};
use activity_privacy::memory::MemorySink;
use uuid::Uuid;

use super::{HANG, LIMIT, Log, panic_on_command};

/// A fault of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// Returns an error.
    Fails,
    /// Makes the record durable and returns an error.
    FailsLate,
    /// Returns a receipt for a record that was never offered.
    AnswersForAnother,
    /// Returns the receipt of the previous record.
    AnswersForTheLast,
    /// Panics.
    Panics,
    /// Makes the record durable and panics.
    PanicsLate,
    /// Makes the record durable long after its timeout.
    Hangs,
    /// Is slow, but returns within its timeout.
    Dawdles,
    /// Offers the record twice to the inner sink.
    RecordsTwice,
    /// Returns a correct receipt for a record that it does not store.
    Loses,
}

/// The faults after which the caller must not assume that the record is durable.
pub(crate) const FAULTS: [Fault; 7] = [
    Fault::Fails,
    Fault::FailsLate,
    Fault::AnswersForAnother,
    Fault::AnswersForTheLast,
    Fault::Panics,
    Fault::PanicsLate,
    Fault::Hangs,
];

/// The harmless faults, and the one that a caller cannot detect.
pub(crate) const UNDETECTABLE_FAULTS: [Fault; 3] = [Fault::Dawdles, Fault::RecordsTwice, Fault::Loses];

/// A sink with a fault at certain calls, counted from 0.
pub(crate) struct FaultySink {
    inner: Arc<dyn GovernanceSink>,
    calls: AtomicUsize,
    faults: Mutex<HashMap<usize, Fault>>,
    last: Mutex<Option<Receipt>>,
    log: Log,
}

impl FaultySink {
    /// Creates a sink in front of an in-memory one.
    pub(crate) fn new(log: &Log) -> Arc<Self> {
        Self::over(Arc::new(MemorySink::new()), log)
    }

    /// Creates a sink in front of a correct one.
    pub(crate) fn over(inner: Arc<dyn GovernanceSink>, log: &Log) -> Arc<Self> {
        Arc::new(Self {
            inner,
            calls: AtomicUsize::new(0),
            faults: Mutex::default(),
            last: Mutex::default(),
            log: Arc::clone(log),
        })
    }

    /// Sets a fault for the `n`th call from now, 0 being the next.
    pub(crate) fn fault_in(&self, n: usize, fault: Fault) {
        self.faults.lock().unwrap().insert(self.calls() + n, fault);
    }

    /// Removes all faults.
    pub(crate) fn recover(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// Returns the number of calls so far, to record or to read.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn durable(&self) -> Vec<Record> {
        let entries = self.inner.records(&RecordQuery::default(), 0, usize::MAX).unwrap();
        entries.into_iter().map(|entry| entry.record).collect()
    }

    fn begin(&self) -> Option<Fault> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        self.faults.lock().unwrap().get(&call).copied()
    }
}

fn failed() -> SinkError {
    SinkError::Backend("on command".into())
}

impl GovernanceSink for FaultySink {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        let fault = self.begin();
        self.log.lock().unwrap().push(if fault.is_some() { "sink at fault" } else { "sink" });
        match fault {
            Some(Fault::Fails) => Err(failed()),
            Some(Fault::FailsLate) => {
                let _durable = self.inner.record(record)?;
                Err(failed())
            }
            Some(Fault::AnswersForAnother) => Ok(Receipt::assertion(RecordId(Uuid::max()), 1)),
            Some(Fault::AnswersForTheLast) => match self.last.lock().unwrap().clone() {
                Some(last) => Ok(last),
                None => Ok(Receipt::assertion(RecordId(Uuid::nil()), 0)),
            },
            Some(Fault::Panics) => panic_on_command(),
            Some(Fault::PanicsLate) => {
                let _durable = self.inner.record(record)?;
                panic_on_command()
            }
            Some(Fault::Hangs) => {
                thread::sleep(HANG);
                self.inner.record(record)
            }
            Some(Fault::Dawdles) => {
                thread::sleep(LIMIT / 20);
                self.inner.record(record)
            }
            Some(Fault::RecordsTwice) => {
                let _first = self.inner.record(record)?;
                self.inner.record(record)
            }
            Some(Fault::Loses) => Ok(Receipt::assertion(record.id, 1)),
            None => {
                let receipt = self.inner.record(record)?;
                *self.last.lock().unwrap() = Some(receipt.clone());
                Ok(receipt)
            }
        }
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        match self.begin() {
            Some(Fault::Fails | Fault::FailsLate) => Err(failed()),
            Some(Fault::Panics | Fault::PanicsLate) => panic_on_command(),
            Some(Fault::Hangs) => {
                thread::sleep(HANG);
                self.inner.records(query, after, limit)
            }
            Some(Fault::Loses) => Ok(Vec::new()),
            Some(_) | None => self.inner.records(query, after, limit),
        }
    }

    fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
        match self.begin() {
            Some(Fault::Fails | Fault::FailsLate) => Err(failed()),
            Some(Fault::Panics | Fault::PanicsLate) => panic_on_command(),
            Some(Fault::Hangs) => {
                thread::sleep(HANG);
                self.inner.newest(query)
            }
            Some(Fault::Loses) => Ok(None),
            Some(_) | None => self.inner.newest(query),
        }
    }

    fn remove(&self, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        match self.begin() {
            Some(Fault::Fails) => Err(failed()),
            Some(Fault::FailsLate) => self.inner.remove(removal).and(Err(failed())),
            Some(Fault::Panics | Fault::PanicsLate) => panic_on_command(),
            Some(Fault::Hangs) => {
                thread::sleep(HANG);
                self.inner.remove(removal)
            }
            Some(Fault::Loses) => Ok(0),
            Some(_) | None => self.inner.remove(removal),
        }
    }
}
