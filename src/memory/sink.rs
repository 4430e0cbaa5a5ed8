//! The governance sink in memory.

use std::sync::PoisonError;

use crate::governance::{GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, Recorded, Removal, SinkError};
use crate::sync::RwLock;

/// A sink that keeps records until the process ends.
#[derive(Debug, Default)]
pub struct MemorySink {
    entries: RwLock<Vec<RecordEntry>>,
}

impl MemorySink {
    /// Returns a sink without records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl GovernanceSink for MemorySink {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = entries.iter().find(|entry| entry.record.id == record.id) {
            // A redaction in the meantime does not make it another record.
            return if known.record.without_openings() == record.without_openings() {
                Ok(Receipt::assertion(record.id, known.sequence))
            } else {
                Err(SinkError::IdTaken(record.id))
            };
        }
        let sequence = entries.last().map_or(1, |last| last.sequence + 1);
        entries.push(RecordEntry { sequence, record: record.clone() });
        Ok(Receipt::assertion(record.id, sequence))
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let later = entries.iter().filter(|entry| entry.sequence > after);
        Ok(later.filter(|entry| query.matches(&entry.record)).take(limit).cloned().collect())
    }

    fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        Ok(entries.iter().rfind(|entry| query.matches(&entry.record)).cloned())
    }

    fn remove(&self, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = removal.records_before() {
            let aged = entries.iter().take_while(|entry| entry.record.at < before).count();
            let removed = aged.min(entries.len().saturating_sub(1));
            entries.drain(..removed);
            return Ok(removed as u64);
        }
        let of = removal.redacted_record();
        let record = entries.iter_mut().find(|entry| Some(entry.record.id) == of);
        Ok(record.is_some_and(|entry| entry.record.redact()).into())
    }
}
