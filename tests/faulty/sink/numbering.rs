//! Sinks with faulty sequence numbers.

use super::*;

/// Reserves ten numbers at a time for each handle.
#[derive(Default)]
pub(crate) struct NumbersInTens(Mutex<std::ops::Range<u64>>);

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

    fn remove(&self, shared: &Numbered, _: &MemorySink, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        Ok(shared.remove(removal))
    }
}

/// Assigns a number and writes the record a moment later.
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

    fn remove(&self, shared: &Numbered, _: &MemorySink, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        Ok(shared.remove(removal))
    }
}

/// Writes the second of two records before the first.
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

    fn remove(&self, shared: &Numbered, _: &MemorySink, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        Ok(shared.remove(removal))
    }
}
