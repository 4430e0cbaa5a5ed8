//! A reader of the whole governance log.

use super::Inner;
use crate::governance::{GovernanceSink, RecordEntry, RecordQuery, SinkError};

/// The number of records in a page.
const PAGE: usize = 256;

/// A reader of the records that match, in sequence, page by page.
pub(super) struct LogReader<'a> {
    inner: &'a Inner,
    query: &'a RecordQuery,
    after: u64,
    is_done: bool,
}

impl LogReader<'_> {
    /// Returns whether all records were read.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Returns the next page. Its records come after those of the pages before.
    pub(super) fn page(&mut self) -> Result<Vec<RecordEntry>, SinkError> {
        let page = self.inner.sink.records(self.query, self.after, PAGE)?;
        self.is_done = page.len() < PAGE;
        if let Some(last) = page.last() {
            // The loop would not terminate.
            if last.sequence <= self.after {
                return Err(SinkError::WrongRecords);
            }
            self.after = last.sequence;
        }
        Ok(page)
    }
}

impl Inner {
    pub(super) fn read_log<'a>(&'a self, query: &'a RecordQuery) -> LogReader<'a> {
        LogReader { inner: self, query, after: 0, is_done: false }
    }

    /// Passes every record that matches to `take`, in sequence.
    pub(super) fn each_record(&self, query: &RecordQuery, mut take: impl FnMut(RecordEntry)) -> Result<(), SinkError> {
        let mut log = self.read_log(query);
        while !log.is_done() {
            log.page()?.into_iter().for_each(&mut take);
        }
        Ok(())
    }
}
