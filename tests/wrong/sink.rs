//! Sinks that are almost right: the one in memory with one thing bent.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use activity_privacy::conformance::SinkHarness;
use activity_privacy::memory::MemorySink;
use activity_privacy::*;
use chrono::{DateTime, Utc};

/// What a sink does wrong, with one value for each handle and one that all handles share.
pub(crate) trait Fault: Default + Send + Sync {
    /// What all handles know.
    type Shared: Default + Send + Sync;

    fn record(&self, shared: &Self::Shared, right: &MemorySink, record: &Record) -> Result<Receipt, SinkError>;

    fn records(&self, _: &Self::Shared, right: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        right.records(query, after, limit)
    }

    fn newest(&self, shared: &Self::Shared, right: &MemorySink, query: &RecordQuery) -> Newest {
        Ok(self.records(shared, right, query, 0, usize::MAX)?.pop())
    }

    fn remove(&self, _: &Self::Shared, right: &MemorySink, removal: &RecordedRemoval) -> Result<u64, SinkError> {
        right.remove(removal)
    }

    fn crash(_: &Self::Shared, _: &mut MemorySink) {}
}

pub(crate) type Entries = Result<Vec<RecordEntry>, SinkError>;

pub(crate) type Newest = Result<Option<RecordEntry>, SinkError>;

/// A place with a sink that has a fault.
pub(crate) struct Place<F: Fault>(Arc<RwLock<MemorySink>>, Arc<F::Shared>);

/// A handle on it.
pub(crate) struct Bent<F: Fault>(Arc<RwLock<MemorySink>>, Arc<F::Shared>, F);

impl<F: Fault> SinkHarness for Place<F> {
    type Sink = Bent<F>;

    fn fresh() -> Self {
        Self(Arc::default(), Arc::default())
    }

    fn open(&self) -> Bent<F> {
        Bent(Arc::clone(&self.0), Arc::clone(&self.1), F::default())
    }

    fn crash(&mut self) {
        F::crash(&self.1, &mut self.0.write().unwrap());
    }
}

impl<F: Fault> GovernanceSink for Bent<F> {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        self.2.record(&self.1, &self.0.read().unwrap(), record)
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        self.2.records(&self.1, &self.0.read().unwrap(), query, after, limit)
    }

    fn newest(&self, query: &RecordQuery) -> Newest {
        self.2.newest(&self.1, &self.0.read().unwrap(), query)
    }

    fn remove(&self, removal: &RecordedRemoval) -> Result<u64, SinkError> {
        self.2.remove(&self.1, &self.0.read().unwrap(), removal)
    }
}

fn all(sink: &MemorySink) -> Vec<RecordEntry> {
    sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap()
}

/// A sink of these alone.
fn of(entries: Vec<RecordEntry>) -> MemorySink {
    let sink = MemorySink::new();
    for entry in entries {
        let _receipt = sink.record(&entry.record).unwrap();
    }
    sink
}

/// Nothing at all: the sink in memory as it is.
#[derive(Default)]
pub(crate) struct NoFault;

impl Fault for NoFault {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        right.record(record)
    }
}

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

/// Each handle takes ten numbers at a time.
#[derive(Default)]
pub(crate) struct NumbersInTens(Mutex<std::ops::Range<u64>>);

/// What was written, under numbers that the sink in memory would not give.
#[derive(Default)]
pub(crate) struct Numbered {
    last: Mutex<u64>,
    entries: Mutex<Vec<RecordEntry>>,
    /// The greatest number that anybody read.
    read: AtomicU64,
}

impl Numbered {
    fn write(&self, record: &Record, number: impl FnOnce() -> u64) -> Result<Receipt, SinkError> {
        if let Some(known) = self.entries.lock().unwrap().iter().find(|known| known.record.id == record.id) {
            let receipt = Receipt::assertion(record.id, known.sequence);
            let same = known.record.without_openings() == record.without_openings();
            return if same { Ok(receipt) } else { Err(SinkError::IdTaken(record.id)) };
        }
        let sequence = number();
        let mut entries = self.entries.lock().unwrap();
        entries.push(RecordEntry { sequence, record: record.clone() });
        entries.sort_by_key(|entry| entry.sequence);
        Ok(Receipt::assertion(record.id, sequence))
    }

    fn write_next(&self, record: &Record) -> Result<Receipt, SinkError> {
        let mut entries = self.entries.lock().unwrap();
        if let Some(known) = entries.iter().find(|known| known.record.id == record.id) {
            let same = known.record.without_openings() == record.without_openings();
            let receipt = Receipt::assertion(record.id, known.sequence);
            return if same { Ok(receipt) } else { Err(SinkError::IdTaken(record.id)) };
        }
        let sequence = match entries.last() {
            Some(last) => last.sequence + 1,
            None => 1,
        };
        entries.push(RecordEntry { sequence, record: record.clone() });
        Ok(Receipt::assertion(record.id, sequence))
    }

    fn read(&self, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        let entries = self.entries.lock().unwrap();
        let found = entries.iter().filter(|entry| entry.sequence > after && query.matches(&entry.record));
        let found: Vec<RecordEntry> = found.take(limit).cloned().collect();
        self.read.fetch_max(found.last().map_or(0, |last| last.sequence), Ordering::Relaxed);
        Ok(found)
    }

    /// Dawdles until somebody has read past a number, if that happens soon.
    fn await_reading_past(&self, number: u64) {
        let patience = Instant::now();
        while self.read.load(Ordering::Relaxed) <= number && patience.elapsed() < Duration::from_millis(20) {
            thread::sleep(Duration::from_micros(100));
        }
    }

    /// Removes so many of the first, and says so.
    fn cut(&self, count: impl FnOnce(&[RecordEntry]) -> usize) -> u64 {
        let mut entries = self.entries.lock().unwrap();
        let count = count(&entries);
        entries.drain(..count);
        count as u64
    }

    /// What a sink does that does right.
    fn remove(&self, removal: &RecordedRemoval) -> u64 {
        if let Some(before) = removal.records_before() {
            return self.cut(|entries| aged(entries, |at| at < before).min(entries.len().saturating_sub(1)));
        }
        let mut entries = self.entries.lock().unwrap();
        let of = entries.iter_mut().find(|entry| Some(entry.record.id) == removal.forgotten_record());
        of.is_some_and(|entry| entry.record.forget()).into()
    }

    fn next(&self) -> u64 {
        let mut last = self.last.lock().unwrap();
        *last += 1;
        *last
    }
}

impl Fault for NumbersInTens {
    type Shared = Numbered;

    fn record(&self, shared: &Numbered, _: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        shared.write(record, || {
            let mut mine = self.0.lock().unwrap();
            if mine.is_empty() {
                let tens = shared.next();
                *mine = tens * 10 - 9..tens * 10 + 1;
            }
            mine.next().unwrap()
        })
    }

    fn records(&self, shared: &Numbered, _: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        shared.read(query, after, limit)
    }

    fn remove(&self, shared: &Numbered, _: &MemorySink, removal: &RecordedRemoval) -> Result<u64, SinkError> {
        Ok(shared.remove(removal))
    }
}

/// Gives a number, and writes the record a moment later.
#[derive(Default)]
pub(crate) struct NumbersBeforeCommit;

impl Fault for NumbersBeforeCommit {
    type Shared = Numbered;

    fn record(&self, shared: &Numbered, _: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        shared.write(record, || {
            let number = shared.next();
            if number % 2 == 1 {
                shared.await_reading_past(number);
            }
            number
        })
    }

    fn records(&self, shared: &Numbered, _: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        shared.read(query, after, limit)
    }

    fn remove(&self, shared: &Numbered, _: &MemorySink, removal: &RecordedRemoval) -> Result<u64, SinkError> {
        Ok(shared.remove(removal))
    }
}

/// The second of two comes before the first.
#[derive(Default)]
pub(crate) struct SwapsNeighbours;

impl Fault for SwapsNeighbours {
    type Shared = Numbered;

    fn record(&self, shared: &Numbered, _: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        shared.write(record, || match shared.next() {
            odd if odd % 2 == 1 => odd + 1,
            even => even - 1,
        })
    }

    fn records(&self, shared: &Numbered, _: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        shared.read(query, after, limit)
    }

    fn remove(&self, shared: &Numbered, _: &MemorySink, removal: &RecordedRemoval) -> Result<u64, SinkError> {
        Ok(shared.remove(removal))
    }
}

fn aged(entries: &[RecordEntry], is_old: impl Fn(DateTime<Utc>) -> bool) -> usize {
    entries.iter().take_while(|entry| is_old(entry.record.at)).count()
}

/// Sinks that do right until something is to be removed.
macro_rules! wrong_at_removal {
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
                $removal: &RecordedRemoval,
            ) -> Result<u64, SinkError> {
                Ok($remove)
            }
        }
    )+};
}

wrong_at_removal! {
    /// Removes what is old, wherever it stands.
    RemovesWhateverIsOld: |numbered, removal| match removal.records_before() {
        Some(before) => {
            let mut entries = numbered.entries.lock().unwrap();
            let (count, newest) = (entries.len(), entries.last().map(|newest| newest.sequence));
            entries.retain(|entry| entry.record.at >= before || Some(entry.sequence) == newest);
            (count - entries.len()) as u64
        }
        None => numbered.remove(removal),
    };

    /// Takes what was made at the time for what was made before it.
    RemovesTheVeryTime: |numbered, removal| match removal.records_before() {
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

    /// Leaves nothing over.
    RemovesTheNewest: |numbered, removal| match removal.records_before() {
        Some(before) => numbered.cut(|entries| aged(entries, |at| at < before)),
        None => numbered.remove(removal),
    };

    /// Begins to count anew from the first that is left.
    NumbersAnew: |numbered, removal| {
        let removed = numbered.remove(removal);
        if removal.records_before().is_some() {
            let mut entries = numbered.entries.lock().unwrap();
            (1..).zip(entries.iter_mut()).for_each(|(number, entry)| entry.sequence = number);
            *numbered.last.lock().unwrap() = entries.len() as u64;
        }
        removed
    };

    /// Removes records that are as old as activities may be.
    RemovesWithTheActivities: |numbered, removal| match removal.activities_before() {
        Some(before) => {
            numbered.cut(|entries| aged(entries, |at| at < before).min(entries.len().saturating_sub(1)))
        }
        None => numbered.remove(removal),
    };

    /// Says that it removed something as long as it is asked.
    NeverEnds: |numbered, removal| numbered.remove(removal).max(1);

    /// Forgets what every record says of people, when one is to.
    ForgetsEverything: |numbered, removal| {
        let forgot = numbered.remove(removal);
        if forgot > 0 && removal.forgotten_record().is_some() {
            for entry in numbered.entries.lock().unwrap().iter_mut() {
                entry.record.forget();
            }
        }
        forgot
    };

    /// Forgets how much was seen as well, not only what a record says of people.
    ForgetsWhatWasSeen: |numbered, removal| {
        let forgot = numbered.remove(removal);
        let of = removal.forgotten_record();
        for entry in numbered.entries.lock().unwrap().iter_mut().filter(|entry| Some(entry.record.id) == of) {
            entry.record = entry.record.without_openings();
        }
        forgot
    };
}

/// Takes numbers for places in its list.
#[derive(Default)]
pub(crate) struct ReadsByPlace;

impl Fault for ReadsByPlace {
    type Shared = Numbered;

    fn record(&self, numbered: &Numbered, _: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        numbered.write_next(record)
    }

    fn records(&self, numbered: &Numbered, _: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        let entries = numbered.entries.lock().unwrap().clone();
        let later = entries.into_iter().skip(usize::try_from(after).unwrap_or(usize::MAX));
        Ok(later.filter(|entry| query.matches(&entry.record)).take(limit).collect())
    }

    fn remove(&self, numbered: &Numbered, _: &MemorySink, removal: &RecordedRemoval) -> Result<u64, SinkError> {
        Ok(numbered.remove(removal))
    }
}

/// Removes and forgets in memory alone.
#[derive(Default)]
pub(crate) struct RemovesUntilACrash;

impl Fault for RemovesUntilACrash {
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

/// Forgets for the handle that was told to.
#[derive(Default)]
pub(crate) struct ForgetsForItself(Mutex<Vec<RecordId>>);

impl Fault for ForgetsForItself {
    type Shared = ();

    fn record(&self, (): &(), right: &MemorySink, record: &Record) -> Result<Receipt, SinkError> {
        right.record(record)
    }

    fn records(&self, (): &(), right: &MemorySink, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        let forgotten = self.0.lock().unwrap();
        let mut found = right.records(query, after, limit)?;
        for entry in found.iter_mut().filter(|entry| forgotten.contains(&entry.record.id)) {
            entry.record.forget();
        }
        Ok(found)
    }

    fn remove(&self, (): &(), right: &MemorySink, removal: &RecordedRemoval) -> Result<u64, SinkError> {
        let Some(of) = removal.forgotten_record() else { return right.remove(removal) };
        let mut forgotten = self.0.lock().unwrap();
        let speaks = all(right).into_iter().any(|mut entry| entry.record.id == of && entry.record.forget());
        if !speaks || forgotten.contains(&of) {
            return Ok(0);
        }
        forgotten.push(of);
        Ok(1)
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

    fn remove(&self, numbered: &Numbered, _: &MemorySink, removal: &RecordedRemoval) -> Result<u64, SinkError> {
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
