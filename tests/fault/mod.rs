//! A sink and a store that fail, hang, lie or break off on command, and that say what they were asked.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use activity_privacy::memory::MemorySink;
use activity_privacy::*;
use uuid::Uuid;

/// What a sink does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It says that it failed.
    Fails,
    /// It makes the record durable and says that it failed.
    FailsLate,
    /// It answers for a record that nobody offered.
    AnswersForAnother,
    /// It gives the receipt of the record before.
    AnswersForTheLast,
    /// It panics.
    Panics,
    /// It makes the record durable, long after its time.
    Hangs,
}

pub(crate) const FAULTS: [Fault; 6] =
    [Fault::Fails, Fault::FailsLate, Fault::AnswersForAnother, Fault::AnswersForTheLast, Fault::Panics, Fault::Hangs];

/// How long a sink in these tests may take, and how long one that hangs does.
pub(crate) const LIMIT: Duration = Duration::from_millis(200);
pub(crate) const HANG: Duration = Duration::from_millis(600);

/// What was asked, in order, of a sink and a store that share it.
pub(crate) type Log = Arc<Mutex<Vec<&'static str>>>;

/// A sink in memory that does wrong at certain calls, counted from 0.
#[derive(Default)]
pub(crate) struct FaultySink {
    inner: MemorySink,
    calls: AtomicUsize,
    faults: Mutex<HashMap<usize, Fault>>,
    last: Mutex<Option<Receipt>>,
    log: Log,
}

impl FaultySink {
    pub(crate) fn new(log: &Log) -> Arc<Self> {
        Arc::new(Self { log: Arc::clone(log), ..Self::default() })
    }

    /// Does wrong at the `n`th call from now, 0 being the next.
    pub(crate) fn fault_in(&self, n: usize, fault: Fault) {
        self.faults.lock().unwrap().insert(self.calls.load(Ordering::SeqCst) + n, fault);
    }

    pub(crate) fn durable(&self) -> Vec<Record> {
        let entries = self.inner.records(&RecordQuery::default(), 0, usize::MAX).unwrap();
        entries.into_iter().map(|entry| entry.record).collect()
    }
}

impl GovernanceSink for FaultySink {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let fault = self.faults.lock().unwrap().get(&call).copied();
        self.log.lock().unwrap().push(if fault.is_some() { "sink at fault" } else { "sink" });
        let failed = || Err(SinkError::Backend("on command".into()));
        match fault {
            Some(Fault::Fails) => failed(),
            Some(Fault::FailsLate) => {
                let _durable = self.inner.record(record)?;
                failed()
            }
            Some(Fault::AnswersForAnother) => Ok(Receipt::assertion(RecordId(Uuid::max()), 1)),
            Some(Fault::AnswersForTheLast) => Ok(self.last.lock().unwrap().clone().expect("not the first call")),
            // Without the hook, which can take its time to print a backtrace.
            Some(Fault::Panics) => std::panic::resume_unwind(Box::new("on command")),
            Some(Fault::Hangs) => {
                thread::sleep(HANG);
                self.inner.record(record)
            }
            None => {
                let receipt = self.inner.record(record)?;
                *self.last.lock().unwrap() = Some(receipt.clone());
                Ok(receipt)
            }
        }
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        self.inner.records(query, after, limit)
    }
}

/// A store that says when it is asked for a revealed page or a policy to publish, and fails on command.
pub(crate) struct SpyStore {
    pub(crate) inner: Arc<dyn ActivityStore>,
    log: Log,
    /// For each publication from now on, what it answers instead; none once it is empty.
    publications: Mutex<Vec<StoreError>>,
}

impl SpyStore {
    pub(crate) fn new(inner: Arc<dyn ActivityStore>, log: &Log) -> Arc<Self> {
        Arc::new(Self { inner, log: Arc::clone(log), publications: Mutex::default() })
    }

    pub(crate) fn fail_to_publish(&self, error: StoreError) {
        self.publications.lock().unwrap().insert(0, error);
    }
}

impl ActivityStore for SpyStore {
    fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        self.inner.policy()
    }

    fn publish(&self, change: &RecordedChange) -> Result<(), StoreError> {
        self.log.lock().unwrap().push("publish");
        match self.publications.lock().unwrap().pop() {
            Some(error) => Err(error),
            None => self.inner.publish(change),
        }
    }

    fn vanished_groups(&self) -> Result<Vec<VanishedGroup>, StoreError> {
        self.inner.vanished_groups()
    }

    fn keep_vanished(&self, vanished: &VanishedGroup) -> Result<(), StoreError> {
        self.inner.keep_vanished(vanished)
    }

    fn drop_vanished(&self, group: &GroupId, up_to: DirectoryRevision) -> Result<(), StoreError> {
        self.inner.drop_vanished(group, up_to)
    }

    fn append(&self, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        self.inner.append(batch)
    }

    fn public_page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<PublicActivity>, StoreError> {
        self.inner.public_page(query, after, limit)
    }

    fn public_activity(&self, id: &ActivityId) -> Result<Option<PublicActivity>, StoreError> {
        self.inner.public_activity(id)
    }

    fn public_count(&self, query: &Query) -> Result<u64, StoreError> {
        self.inner.public_count(query)
    }

    fn public_counts(&self, query: &Query, by: CountBy) -> Result<Vec<Count>, StoreError> {
        self.inner.public_counts(query, by)
    }

    fn public_since(&self, after: u64, limit: usize) -> Result<Vec<(u64, PublicActivity)>, StoreError> {
        self.inner.public_since(after, limit)
    }

    fn revealed_page(
        &self,
        admission: Admission<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        self.log.lock().unwrap().push("revealed_page");
        self.inner.revealed_page(admission, after, limit)
    }
}
