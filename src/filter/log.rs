//! The governance log, read from its beginning to its end.

use super::Inner;
use crate::governance::{GovernanceSink, RecordEntry, RecordQuery, SinkError};

/// How many records are read at a time.
const PAGE: usize = 256;

/// The records that match, in sequence, a page at a time.
pub(super) struct Log<'a> {
    inner: &'a Inner,
    query: &'a RecordQuery,
    after: u64,
    is_done: bool,
}

impl Log<'_> {
    /// Whether everything was read.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// The next page; what it holds comes after all that was read before.
    pub(super) fn page(&mut self) -> Result<Vec<RecordEntry>, SinkError> {
        let page = self.inner.sink.records(self.query, self.after, PAGE)?;
        self.is_done = page.len() < PAGE;
        if let Some(last) = page.last() {
            // It would never come to an end.
            if last.sequence <= self.after {
                return Err(SinkError::NotReadBack);
            }
            self.after = last.sequence;
        }
        Ok(page)
    }
}

impl Inner {
    pub(super) fn log<'a>(&'a self, query: &'a RecordQuery) -> Log<'a> {
        Log { inner: self, query, after: 0, is_done: false }
    }

    /// Hands every record that matches to `take`, in sequence.
    pub(super) fn each_record(&self, query: &RecordQuery, mut take: impl FnMut(RecordEntry)) -> Result<(), SinkError> {
        let mut log = self.log(query);
        while !log.is_done() {
            log.page()?.into_iter().for_each(&mut take);
        }
        Ok(())
    }
}
