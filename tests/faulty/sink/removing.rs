//! Sinks that remove too much, too little, or not permanently.

use super::*;
use activity_privacy::governance::{RecordId, Recorded};

/// Defines sinks that are correct except for removals.
macro_rules! faulty_removals {
    ($($(#[$doc:meta])* $name:ident: |$numbered:ident, $removal:ident| $remove:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Default)]
        pub(crate) struct $name;

        impl Fault for $name {
            type Shared = Numbered;

            fn record(&self, numbered: &Numbered, _: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
                numbered.write_next(record)
            }

            fn records(
                &self,
                numbered: &Numbered,
                _: &MemorySink,
                query: &RecordQuery,
                after: u64,
                limit: usize,
            ) -> Entries {
                numbered.read(query, after, limit)
            }

            fn remove(
                &self,
                $numbered: &Numbered,
                _: &MemorySink,
                $removal: &Recorded<Removal>,
            ) -> Result<u64, SinkError> {
                Ok($remove)
            }
        }
    )+};
}

faulty_removals! {
    /// Removes old records at any position.
    RemovesAnyOld: |numbered, removal| match removal.records_before() {
        Some(before) => {
            let mut entries = numbered.entries.lock().unwrap();
            let (count, newest) = (entries.len(), entries.last().map(|newest| newest.sequence));
            entries.retain(|entry| entry.record.at >= before || Some(entry.sequence) == newest);
            (count - entries.len()) as u64
        }
        None => numbered.remove(removal),
    };

    /// Removes records made exactly at the cutoff time.
    RemovesAtCutoff: |numbered, removal| match removal.records_before() {
        Some(before) => {
            numbered.cut(|entries| aged(entries, |at| at <= before).min(entries.len().saturating_sub(1)))
        }
        None => numbered.remove(removal),
    };

    /// Compares whole seconds.
    RemovesBySeconds: |numbered, removal| match removal.records_before() {
        Some(before) => numbered.cut(|entries| {
            aged(entries, |at| at.timestamp() < before.timestamp()).min(entries.len().saturating_sub(1))
        }),
        None => numbered.remove(removal),
    };

    /// Removes the newest record too if it is old.
    RemovesNewest: |numbered, removal| match removal.records_before() {
        Some(before) => numbered.cut(|entries| aged(entries, |at| at < before)),
        None => numbered.remove(removal),
    };

    /// Renumbers the remaining records from 1.
    RenumbersRemaining: |numbered, removal| {
        let removed = numbered.remove(removal);
        if removal.records_before().is_some() {
            let mut entries = numbered.entries.lock().unwrap();
            (1..).zip(entries.iter_mut()).for_each(|(number, entry)| entry.sequence = number);
            *numbered.last.lock().unwrap() = entries.len() as u64;
        }
        removed
    };

    /// Removes records by the age limit of activities.
    UsesActivityAge: |numbered, removal| match removal.activities_before() {
        Some(before) => {
            numbered.cut(|entries| aged(entries, |at| at < before).min(entries.len().saturating_sub(1)))
        }
        None => numbered.remove(removal),
    };

    /// Reports a removed record at each call.
    NeverCompletes: |numbered, removal| numbered.remove(removal).max(1);

    /// Redacts all records when one is to be redacted.
    RedactsAll: |numbered, removal| {
        let forgot = numbered.remove(removal);
        if forgot > 0 && removal.redacted_record().is_some() {
            for entry in numbered.entries.lock().unwrap().iter_mut() {
                entry.record.redact();
            }
        }
        forgot
    };

    /// Redacts the totals too, not only the personal values.
    RedactsTotals: |numbered, removal| {
        let forgot = numbered.remove(removal);
        let of = removal.redacted_record();
        for entry in numbered.entries.lock().unwrap().iter_mut().filter(|entry| Some(entry.record.id) == of) {
            entry.record = entry.record.without_openings();
        }
        forgot
    };
}

/// Uses a sequence number as an index into its list.
#[derive(Default)]
pub(crate) struct ReadsByIndex;

impl Fault for ReadsByIndex {
    type Shared = Numbered;

    fn record(&self, numbered: &Numbered, _: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        numbered.write_next(record)
    }

    fn records(&self, numbered: &Numbered, _: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        let entries = numbered.entries.lock().unwrap().clone();
        let later = entries.into_iter().skip(usize::try_from(after).unwrap_or(usize::MAX));
        Ok(later.filter(|entry| query.matches(&entry.record)).take(limit).collect())
    }

    fn remove(&self, numbered: &Numbered, _: &MemorySink, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        Ok(numbered.remove(removal))
    }
}

/// Removes and redacts in memory only.
#[derive(Default)]
pub(crate) struct RemovesInMemory;

impl Fault for RemovesInMemory {
    type Shared = Mutex<Vec<RecordEntry>>;

    fn record(&self, written: &Self::Shared, right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        let receipt = right.record(record)?;
        let mut written = written.lock().unwrap();
        if written.iter().all(|entry| entry.record.id != record.id) {
            written.push(RecordEntry { sequence: receipt.sequence(), record: record.clone() });
        }
        Ok(receipt)
    }

    fn crash(written: &Self::Shared, right: &mut MemorySink) {
        *right = of(written.lock().unwrap().clone());
    }
}

/// Redacts for the handle of the call only.
#[derive(Default)]
pub(crate) struct RedactsPerHandle(Mutex<Vec<RecordId>>);

impl Fault for RedactsPerHandle {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        right.record(record)
    }

    fn records(&self, (): &(), right: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        let forgotten = self.0.lock().unwrap();
        let mut found = right.records(query, after, limit)?;
        for entry in found.iter_mut().filter(|entry| forgotten.contains(&entry.record.id)) {
            entry.record.redact();
        }
        Ok(found)
    }

    fn remove(&self, (): &(), right: &MemorySink, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        let Some(of) = removal.redacted_record() else { return right.remove(removal) };
        let mut forgotten = self.0.lock().unwrap();
        let speaks = all(right).into_iter().any(|mut entry| entry.record.id == of && entry.record.redact());
        if !speaks || forgotten.contains(&of) {
            return Ok(0);
        }
        forgotten.push(of);
        Ok(1)
    }
}
