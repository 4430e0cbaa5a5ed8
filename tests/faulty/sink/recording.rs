//! Sinks that write, or read, records wrongly.

use super::*;
use activity_privacy::governance::{RecordId, Recorded};

/// Answers at once, and writes a record when the next one comes.
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

/// Takes the first record that matches for the newest.
#[derive(Default)]
pub(crate) struct TheFirstIsTheNewest;

impl Fault for TheFirstIsTheNewest {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        right.record(record)
    }

    fn newest(&self, (): &(), right: &MemorySink, query: &RecordQuery) -> Newest {
        Ok(right.records(query, 0, 1)?.pop())
    }
}

/// Gives the receipt of the record before.
#[derive(Default)]
pub(crate) struct ReceiptForAnother(Mutex<Option<Receipt>>);

impl Fault for ReceiptForAnother {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        let receipt = right.record(record)?;
        Ok(self.0.lock().unwrap().replace(receipt.clone()).unwrap_or(receipt))
    }
}

/// The numbers of a sequence that goes on with every attempt.
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

/// Believes that whoever offers a used id offers the same record.
#[derive(Default)]
pub(crate) struct TakesAUsedId;

impl Fault for TakesAUsedId {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        match all(right).into_iter().find(|entry| entry.record.id == record.id) {
            Some(known) => Ok(Receipt::assertion(record.id, known.sequence)),
            None => right.record(record),
        }
    }
}

/// Keeps a list, and puts everything on it that comes.
#[derive(Default)]
pub(crate) struct NumbersARecordTwice;

impl Fault for NumbersARecordTwice {
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

/// Counts from the number of records that this process wrote.
#[derive(Default)]
pub(crate) struct ForgetsItsNumbers;

impl Fault for ForgetsItsNumbers {
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

/// The newest record is lost at a crash.
#[derive(Default)]
pub(crate) struct LosesTheTail;

impl Fault for LosesTheTail {
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

/// Reads in the order of the clock.
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

/// Cuts to the limit, and then looks for what was asked.
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

/// Finds a record of several changes by the kind and the target of the first one alone.
#[derive(Default)]
pub(crate) struct FindsByTheFirst;

impl Fault for FindsByTheFirst {
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

/// Compares with what it holds, byte for byte.
#[derive(Default)]
pub(crate) struct TakesItForAnother;

impl Fault for TakesItForAnother {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        match all(right).into_iter().find(|entry| entry.record.id == record.id) {
            Some(known) if known.record != *record => Err(SinkError::IdTaken(record.id)),
            _ => right.record(record),
        }
    }
}

/// Looks at the list, takes its time, and writes it back.
#[derive(Default)]
pub(crate) struct WritesTheListBack;

impl Fault for WritesTheListBack {
    type Shared = Numbered;

    fn record(&self, numbered: &Numbered, _: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        // So that others come while a removal takes its time.
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
