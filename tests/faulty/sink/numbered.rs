//! A list of records with sequence numbers that the in-memory sink would not assign.

use super::*;

/// Records with sequence numbers that the in-memory sink would not assign.
#[derive(Default)]
pub(crate) struct Numbered {
    pub(super) last: Mutex<u64>,
    pub(super) entries: Mutex<Vec<RecordEntry>>,
    /// The greatest number read so far.
    pub(super) read: AtomicU64,
}

impl Numbered {
    pub(super) fn write(&self, record: &Record, number: impl FnOnce() -> u64) -> Result<Receipt, SinkError> {
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

    pub(super) fn write_next(&self, record: &Record) -> Result<Receipt, SinkError> {
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

    pub(super) fn read(&self, query: &RecordQuery, after: u64, limit: usize) -> Entries {
        let entries = self.entries.lock().unwrap();
        let found = entries.iter().filter(|entry| entry.sequence > after && query.matches(&entry.record));
        let found: Vec<RecordEntry> = found.take(limit).cloned().collect();
        self.read.fetch_max(found.last().map_or(0, |last| last.sequence), Ordering::Relaxed);
        Ok(found)
    }

    /// Waits for a short time until a reader has read past a number.
    pub(super) fn await_reading_past(&self, number: u64) {
        let patience = Instant::now();
        while self.read.load(Ordering::Relaxed) <= number && patience.elapsed() < Duration::from_millis(20) {
            thread::sleep(Duration::from_micros(100));
        }
    }

    /// Removes a number of the first records. Returns how many.
    pub(super) fn cut(&self, count: impl FnOnce(&[RecordEntry]) -> usize) -> u64 {
        let mut entries = self.entries.lock().unwrap();
        let count = count(&entries);
        entries.drain(..count);
        count as u64
    }

    /// Removes records as a correct sink does.
    pub(super) fn remove(&self, removal: &Recorded<Removal>) -> u64 {
        if let Some(before) = removal.records_before() {
            return self.cut(|entries| aged(entries, |at| at < before).min(entries.len().saturating_sub(1)));
        }
        let mut entries = self.entries.lock().unwrap();
        let of = entries.iter_mut().find(|entry| Some(entry.record.id) == removal.redacted_record());
        of.is_some_and(|entry| entry.record.redact()).into()
    }

    pub(super) fn next(&self) -> u64 {
        let mut last = self.last.lock().unwrap();
        *last += 1;
        *last
    }
}

pub(super) fn aged(entries: &[RecordEntry], is_old: impl Fn(DateTime<Utc>) -> bool) -> usize {
    entries.iter().take_while(|entry| is_old(entry.record.at)).count()
}
