//! A sink that fails to record or to read on command.

use activity_privacy::governance::{GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, SinkError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::forward::forward;

pub(crate) struct SwitchableSink {
    inner: Arc<dyn GovernanceSink>,
    failing: AtomicBool,
    unreadable: AtomicBool,
    unreadable_after_record: AtomicBool,
}

impl SwitchableSink {
    pub(crate) fn over(inner: Arc<dyn GovernanceSink>) -> Self {
        let [failing, unreadable, unreadable_after_record] = [const { AtomicBool::new(false) }; 3];
        Self { inner, failing, unreadable, unreadable_after_record }
    }

    pub(crate) fn fail(&self) {
        self.failing.store(true, Ordering::SeqCst);
    }

    pub(crate) fn recover(&self) {
        self.failing.store(false, Ordering::SeqCst);
    }

    pub(crate) fn fail_to_read(&self) {
        self.unreadable.store(true, Ordering::SeqCst);
    }

    /// Makes reading fail once the next record is durable.
    pub(crate) fn fail_to_read_after_record(&self) {
        self.unreadable_after_record.store(true, Ordering::SeqCst);
    }
}

impl GovernanceSink for SwitchableSink {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        if self.failing.load(Ordering::SeqCst) {
            return Err(SinkError::Backend("on command".into()));
        }
        let receipt = self.inner.record(record)?;
        self.unreadable.fetch_or(self.unreadable_after_record.load(Ordering::SeqCst), Ordering::SeqCst);
        Ok(receipt)
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        if self.unreadable.load(Ordering::SeqCst) {
            return Err(SinkError::Backend("on command".into()));
        }
        self.inner.records(query, after, limit)
    }

    fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
        if self.unreadable.load(Ordering::SeqCst) {
            return Err(SinkError::Backend("on command".into()));
        }
        self.inner.newest(query)
    }

    forward! { inner: remove }
}
