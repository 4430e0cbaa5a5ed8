//! Sinks that write or read records incorrectly.

use super::*;
use activity_privacy::governance::{RecordId, RecordKind, Recorded};

/// Returns a receipt at once and writes the record when the next one is offered.
#[derive(Default)]
pub(crate) struct ReceiptBeforeDurability(Mutex<Option<Record>>);

impl Fault for ReceiptBeforeDurability {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        let mut waiting = self.0.lock().unwrap();
        if let Some(waiting) = waiting.take() {
            let _receipt = right.record(&waiting)?;
        }
        if let Some(known) = all(right).into_iter().find(|entry| entry.record.id == record.id) {
            return right.record(record).map(|_| Receipt::assertion(record.id, known.sequence));
        }
        *waiting = Some(record.clone());
        Ok(Receipt::assertion(record.id, all(right).len() as u64 + 1))
    }

    fn records(&self, (): &(), right: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        if let Some(waiting) = self.0.lock().unwrap().take() {
            let _receipt = right.record(&waiting)?;
        }
        right.records(query, after, limit)
    }
}

/// Returns receipts for records that it does not store.
#[derive(Default)]
pub(crate) struct StoresNothing;

impl Fault for StoresNothing {
    type Shared = AtomicU64;

    fn record(&self, last: &AtomicU64, _: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        Ok(Receipt::assertion(record.id, last.fetch_add(1, Ordering::SeqCst) + 1))
    }
}

/// Returns pages where changes of the sinks are queried.
#[derive(Default)]
pub(crate) struct ConfusesTwoKinds;

impl Fault for ConfusesTwoKinds {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        right.record(record)
    }

    fn records(&self, (): &(), right: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        match query.kind {
            Some(RecordKind::SinkChange) => {
                right.records(&RecordQuery { kind: Some(RecordKind::Page), ..query.clone() }, after, limit)
            }
            _ => right.records(query, after, limit),
        }
    }
}

/// Returns the first matching record as the newest.
#[derive(Default)]
pub(crate) struct ReturnsFirstAsNewest;

impl Fault for ReturnsFirstAsNewest {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        right.record(record)
    }

    fn newest(&self, (): &(), right: &MemorySink, query: &RecordQuery) -> Newest {
        Ok(right.records(query, 0, 1)?.pop())
    }
}

/// Returns the receipt of the previous record.
#[derive(Default)]
pub(crate) struct ReceiptForAnother(Mutex<Option<Receipt>>);

impl Fault for ReceiptForAnother {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        let receipt = right.record(record)?;
        Ok(self.0.lock().unwrap().replace(receipt.clone()).unwrap_or(receipt))
    }
}

/// Assigns numbers from a sequence that failed attempts advance.
#[derive(Default)]
pub(crate) struct LeavesGaps;

impl Fault for LeavesGaps {
    type Shared = Mutex<(u64, HashMap<RecordId, u64>)>;

    fn record(&self, numbers: &Self::Shared, right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        let mut numbers = numbers.lock().unwrap();
        numbers.0 += 1;
        let next = numbers.0;
        let receipt = right.record(record)?;
        Ok(Receipt::assertion(receipt.record(), *numbers.1.entry(record.id).or_insert(next)))
    }

    fn records(
        &self,
        numbers: &Self::Shared,
        right: &MemorySink,
        query: &RecordQuery,
        after: u64,
        limit: usize,
    ) -> Entries {
        let numbers = numbers.lock().unwrap();
        let numbered = right.records(query, 0, usize::MAX)?.into_iter().map(|entry| {
            let sequence = numbers.1[&entry.record.id];
            RecordEntry { sequence, ..entry }
        });
        Ok(numbered.filter(|entry| entry.sequence > after).take(limit).collect())
    }
}

/// Treats every record with a used id as the same record.
#[derive(Default)]
pub(crate) struct AcceptsUsedId;

impl Fault for AcceptsUsedId {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        match all(right).into_iter().find(|entry| entry.record.id == record.id) {
            Some(known) => Ok(Receipt::assertion(record.id, known.sequence)),
            None => right.record(record),
        }
    }
}

/// Appends every record to its list, repeated or not.
#[derive(Default)]
pub(crate) struct NumbersRepeatedRecord;

impl Fault for NumbersRepeatedRecord {
    type Shared = Mutex<Vec<Record>>;

    fn record(&self, list: &Self::Shared, _: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        let mut list = list.lock().unwrap();
        if list.iter().any(|known| known.id == record.id && known != record) {
            return Err(SinkError::IdTaken(record.id));
        }
        list.push(record.clone());
        Ok(Receipt::assertion(record.id, list.len() as u64))
    }

    fn records(&self, list: &Self::Shared, _: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        let entries = (1..).zip(list.lock().unwrap().clone());
        let entries = entries.map(|(sequence, record)| RecordEntry { sequence, record });
        let found = entries.filter(|entry| entry.sequence > after && query.matches(&entry.record));
        Ok(found.take(limit).collect())
    }
}

/// Numbers records by the count written in this process.
#[derive(Default)]
pub(crate) struct RestartsNumbering;

impl Fault for RestartsNumbering {
    type Shared = Mutex<Vec<RecordEntry>>;

    fn record(&self, _: &Self::Shared, right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        right.record(record)
    }

    fn records(
        &self,
        before: &Self::Shared,
        right: &MemorySink,
        query: &RecordQuery,
        after: u64,
        limit: usize,
    ) -> Entries {
        let before = before.lock().unwrap().clone().into_iter();
        let all = before.chain(right.records(query, 0, usize::MAX)?);
        Ok(all.filter(|entry| entry.sequence > after && query.matches(&entry.record)).take(limit).collect())
    }

    fn crash(before: &Self::Shared, right: &mut MemorySink) {
        before.lock().unwrap().extend(all(right));
        *right = MemorySink::new();
    }
}

/// Loses the newest record in a crash.
#[derive(Default)]
pub(crate) struct LosesTail;

impl Fault for LosesTail {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        right.record(record)
    }

    fn crash((): &(), right: &mut MemorySink) {
        let mut entries = all(right);
        entries.pop();
        *right = of(entries);
    }
}

/// Reads records in the order of their time.
#[derive(Default)]
pub(crate) struct ReadsByTime;

impl Fault for ReadsByTime {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        right.record(record)
    }

    fn records(&self, (): &(), right: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        let mut found = right.records(query, after, usize::MAX)?;
        found.sort_by_key(|entry| entry.record.at);
        found.truncate(limit);
        Ok(found)
    }
}

/// Applies the limit before the query.
#[derive(Default)]
pub(crate) struct LimitBeforeFilter;

impl Fault for LimitBeforeFilter {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        right.record(record)
    }

    fn records(&self, (): &(), right: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        let found = right.records(&RecordQuery::default(), after, limit)?;
        Ok(found.into_iter().filter(|entry| query.matches(&entry.record)).collect())
    }
}

/// Finds a record of several changes by the kind and target of the first one only.
#[derive(Default)]
pub(crate) struct FindsByFirstChange;

impl Fault for FindsByFirstChange {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        right.record(record)
    }

    fn records(&self, (): &(), right: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        let mut found = right.records(query, after, usize::MAX)?;
        found.retain(|RecordEntry { record, .. }| {
            query.kind.is_none_or(|kind| record.kind() == kind)
                && query.target.as_ref().is_none_or(|target| record.targets().first() == Some(target))
        });
        found.truncate(limit);
        Ok(found)
    }
}

/// Compares a repeated record byte for byte.
#[derive(Default)]
pub(crate) struct ComparesBytes;

impl Fault for ComparesBytes {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        match all(right).into_iter().find(|entry| entry.record.id == record.id) {
            Some(known) if known.record != *record => Err(SinkError::IdTaken(record.id)),
            _ => right.record(record),
        }
    }
}

/// Reads the list, waits, and writes it back.
#[derive(Default)]
pub(crate) struct WritesListBack;

impl Fault for WritesListBack {
    type Shared = Numbered;

    fn record(&self, numbered: &Numbered, _: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        // Gives others time during a removal.
        thread::sleep(Duration::from_millis(1));
        numbered.write_next(record)
    }

    fn records(&self, numbered: &Numbered, _: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        numbered.read(query, after, limit)
    }

    fn remove(&self, numbered: &Numbered, _: &MemorySink, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        let Some(before) = removal.records_before() else { return Ok(numbered.remove(removal)) };
        let mut entries = numbered.entries.lock().unwrap().clone();
        let count = aged(&entries, |at| at < before).min(entries.len().saturating_sub(1));
        if count > 0 {
            entries.drain(..count);
            thread::sleep(Duration::from_millis(20));
            *numbered.entries.lock().unwrap() = entries;
        }
        Ok(count as u64)
    }
}
