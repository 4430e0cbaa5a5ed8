//! Faulty sinks: the in-memory sink with one fault each.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

mod numbered;
mod numbering;
mod recording;
mod removing;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use activity_privacy::conformance::SinkHarness;
use activity_privacy::governance::{
    GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, Recorded, Removal, SinkError,
};
use activity_privacy::memory::MemorySink;
use chrono::{DateTime, Utc};

use self::numbered::*;
pub(crate) use self::numbering::*;
pub(crate) use self::recording::*;
pub(crate) use self::removing::*;

/// A fault of a sink, with one value per handle and one shared by all handles. The default methods are correct.
pub(crate) trait Fault: Default + Send + Sync {
    /// The state that all handles share.
    type Shared: Default + Send + Sync;

    fn record(&self, shared: &Self::Shared, right: &MemorySink, record: &Record) -> Result<Receipt, SinkError>;

    fn records(&self, _: &Self::Shared, right: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        right.records(query, after, limit)
    }

    fn newest(&self, shared: &Self::Shared, right: &MemorySink, query: &RecordQuery) -> Newest {
        Ok(self.records(shared, right, query, 0, usize::MAX)?.pop())
    }

    fn remove(&self, _: &Self::Shared, right: &MemorySink, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        right.remove(removal)
    }

    fn crash(_: &Self::Shared, _: &mut MemorySink) {}
}

pub(crate) type Entries = Result<Vec<RecordEntry>, SinkError>;

pub(crate) type Newest = Result<Option<RecordEntry>, SinkError>;

/// A harness for a sink with a fault.
pub(crate) struct Place<F: Fault>(Arc<RwLock<MemorySink>>, Arc<F::Shared>);

/// A handle to the sink.
pub(crate) struct FaultyHandle<F: Fault>(Arc<RwLock<MemorySink>>, Arc<F::Shared>, F);

impl<F: Fault> SinkHarness for Place<F> {
    type Sink = FaultyHandle<F>;

    fn fresh() -> Self {
        Self(Arc::default(), Arc::default())
    }

    fn open(&self) -> FaultyHandle<F> {
        FaultyHandle(Arc::clone(&self.0), Arc::clone(&self.1), F::default())
    }

    fn crash(&mut self) {
        F::crash(&self.1, &mut self.0.write().unwrap());
    }
}

impl<F: Fault> GovernanceSink for FaultyHandle<F> {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        self.2.record(&self.1, &self.0.read().unwrap(), record)
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        self.2.records(&self.1, &self.0.read().unwrap(), query, after, limit)
    }

    fn newest(&self, query: &RecordQuery) -> Newest {
        self.2.newest(&self.1, &self.0.read().unwrap(), query)
    }

    fn remove(&self, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        self.2.remove(&self.1, &self.0.read().unwrap(), removal)
    }
}

fn all(sink: &MemorySink) -> Vec<RecordEntry> {
    sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap()
}

/// Returns a sink that contains these entries.
fn of(entries: Vec<RecordEntry>) -> MemorySink {
    let sink = MemorySink::new();
    for entry in entries {
        let _receipt = sink.record(&entry.record).unwrap();
    }
    sink
}

/// No fault: the in-memory sink itself.
#[derive(Default)]
pub(crate) struct NoFault;

impl Fault for NoFault {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        right.record(record)
    }
}
