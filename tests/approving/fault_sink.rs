//! A sink whose records cannot be read, from some moment on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

pub(crate) struct Unreadable {
    inner: Arc<dyn GovernanceSink>,
    failing: AtomicBool,
}

impl Unreadable {
    pub(crate) fn over(inner: Arc<dyn GovernanceSink>) -> Self {
        Self { inner, failing: AtomicBool::new(false) }
    }

    pub(crate) fn fail(&self) {
        self.failing.store(true, Ordering::SeqCst);
    }
}

impl GovernanceSink for Unreadable {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        self.inner.record(record)
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        if self.failing.load(Ordering::SeqCst) {
            return Err(SinkError::Backend("on command".into()));
        }
        self.inner.records(query, after, limit)
    }

    fn remove(&self, removal: &RecordedRemoval) -> Result<u64, SinkError> {
        self.inner.remove(removal)
    }
}
