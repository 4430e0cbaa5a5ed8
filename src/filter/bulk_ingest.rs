//! Bulk ingest: a source is read on one thread while the batch before is decided and stored on another.

mod batches;

use std::fmt;
use std::ops::ControlFlow;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use serde::Serialize;
use thiserror::Error;

use self::batches::{Batch, Batches, Limits};
use super::{IngestError, IngestOutcome, IngestReport, PrivacyFilter};
use crate::activity::Activity;

/// The batches that wait between the two threads. One more is being read, and one is being stored.
const WAITING_BATCHES: usize = 1;

/// Ingests all records of a source in batches, in order, and reads the next batch while one is decided and stored.
/// [`PrivacyFilter::bulk_ingest`] creates it.
///
/// The source is an iterator whose items are activities or rejected records: a reader of
/// [`sources`](crate#features), or an iterator of the caller with a type of its own for rejected records. It runs on a
/// thread of its own, so it must be [`Send`]: read the standard input from [`std::io::stdin`] and not from its lock.
/// The calling thread decides and stores. Both end before [`run`](Self::run) returns.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
/// use std::ops::ControlFlow;
///
/// use activity_privacy::prelude::*;
/// use activity_privacy::sources::RejectCounts;
/// use activity_privacy::sources::m365::Reader;
///
/// # let administrators = Administrators::new(UserId::new("u-1")?, UserId::new("u-2")?)?;
/// # let (store, directory, sink) = (MemoryStore::new(), MemoryDirectory::new(), MemorySink::new());
/// let filter = PrivacyFilter::builder(store, directory, sink).initialize(administrators)?;
/// let input = br#"{"Id": "1f6a", "CreationTime": "2026-03-01T09:30:00", "Operation": "FileAccessed"}
/// {"Id": "1f6b", "CreationTime": "2026-03-01T09:31:00"}
/// "#;
/// let mut rejections = RejectCounts::default();
/// let progress = filter.bulk_ingest(Reader::new(&input[..])).run(|batch| {
///     batch.rejected().iter().for_each(|rejected| rejections.add(rejected));
///     ControlFlow::Continue(())
/// })?;
///
/// assert_eq!((progress.read(), progress.stored(), progress.rejected()), (2, 1, 1));
/// assert_eq!(rejections.by_reason()[0].first_lines(), [2]);
/// # Ok(())
/// # }
/// ```
///
/// # Memory
/// At most three batches are in memory: one is read, one waits, and one is stored. A batch is full at
/// [`max_records`](Self::max_records) records or at [`max_bytes`](Self::max_bytes), so memory does not depend on the
/// length of the source. The rejected records of a batch are passed on with it, and are not kept.
///
/// # Stopping and resuming
/// A run can be stopped by the caller, by an error, or by the end of the process. After a second run over the whole
/// source, the store contains the same as after one run without a stop: every activity that the first run stored is a
/// [duplicate](IngestOutcome::Duplicate) in the second and keeps its decision. The first run does not store or report a
/// record before all records in front of it are stored or reported. A second run can therefore
/// [skip](Self::skip_records) the first [`read`](BulkProgress::read) records of the last batch that was passed to the
/// caller. A run that is stopped while the source waits for its input ends when the source returns.
///
/// A panic of the source is resumed on the calling thread, after the batches that were read before it are stored. A
/// panic of the caller's closures ends the run in the same way as an error.
#[must_use = "nothing is read before `run` is called"]
pub struct BulkIngest<'a, I> {
    filter: &'a PrivacyFilter,
    source: I,
    limits: Limits,
    skip: u64,
    position: Option<Position<'a, I>>,
    retry: Option<Retry<'a>>,
}

/// Returns whether to deliver a batch again after this error and this number of attempts.
type Retry<'a> = Box<dyn FnMut(&IngestError, u32) -> bool + 'a>;

/// Returns the position of a source.
type Position<'a, I> = Box<dyn FnMut(&I) -> u64 + Send + 'a>;

/// A batch that was stored, with the records that the source rejected in its place.
pub struct BulkBatch<R> {
    activities: Vec<Activity>,
    report: IngestReport,
    rejected: Vec<R>,
    progress: BulkProgress,
}

/// The counts of a bulk ingest so far.
///
/// `read = skipped + stored + duplicates + conflicts + not monitored + rejected`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BulkProgress {
    read: u64,
    skipped: u64,
    stored: u64,
    duplicates: u64,
    conflicts: u64,
    not_monitored: u64,
    rejected: u64,
    position: Option<u64>,
    is_complete: bool,
}

/// The error of a bulk ingest that stopped at a batch, with the counts of all batches before.
///
/// Its source is the reason why the batch was not stored. The batch may be stored all the same if only the store's answer was
/// lost, and a second run does no harm.
#[derive(Debug, Error)]
#[error("bulk ingest stopped after {} records; run it again from the start or behind these records", progress.read)]
pub struct BulkIngestError {
    progress: BulkProgress,
    source: IngestError,
}

impl PrivacyFilter {
    /// Returns a bulk ingest of all records of a source, which [`run`](BulkIngest::run) starts. A batch has at most
    /// 1,000 records and about 8 MiB, unless the caller sets other limits.
    pub fn bulk_ingest<I, R>(&self, source: I) -> BulkIngest<'_, I>
    where
        I: Iterator<Item = Result<Activity, R>> + Send,
        R: Send,
    {
        BulkIngest { filter: self, source, limits: Limits::default(), skip: 0, position: None, retry: None }
    }
}

impl<'a, I, R> BulkIngest<'a, I>
where
    I: Iterator<Item = Result<Activity, R>> + Send,
    R: Send,
{
    /// Sets the most records of a batch, rejected ones included. A batch has at least one.
    pub fn max_records(mut self, records: usize) -> Self {
        self.limits.records = records.max(1);
        self
    }

    /// Sets the bytes of details and names of objects at which a batch is full. A batch exceeds them by at most one
    /// record.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes.max(1);
        self
    }

    /// Skips the first records of the source: it reads them, and neither stores nor reports them.
    ///
    /// This saves time after a run that was stopped. It is correct only if the source returns the same records in the
    /// same order as in that run.
    pub fn skip_records(mut self, records: u64) -> Self {
        self.skip = records;
        self
    }

    /// Sets how to find the position of the source behind each batch, for example the number of bytes that its input
    /// counted. The closure runs on the thread that reads.
    ///
    /// ```
    /// # use activity_privacy::filter::PrivacyFilter;
    /// use std::io::{BufReader, Read};
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// use activity_privacy::sources::m365::Reader;
    ///
    /// struct Counted<'a>(std::fs::File, &'a AtomicU64);
    ///
    /// impl Read for Counted<'_> {
    ///     fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
    ///         self.0.read(buffer).inspect(|bytes| drop(self.1.fetch_add(*bytes as u64, Ordering::Relaxed)))
    ///     }
    /// }
    ///
    /// # fn run(filter: &PrivacyFilter, file: std::fs::File) {
    /// let bytes = AtomicU64::new(0);
    /// let records = Reader::new(BufReader::new(Counted(file, &bytes)));
    /// let bulk = filter.bulk_ingest(records).position(|_| bytes.load(Ordering::Relaxed));
    /// # let _ = bulk;
    /// # }
    /// ```
    pub fn position(mut self, position: impl FnMut(&I) -> u64 + Send + 'a) -> Self {
        self.position = Some(Box::new(position));
        self
    }

    /// Sets whether to deliver a batch again after an error. The closure receives the error and the number of attempts
    /// so far. It can wait before it returns `true`. Without it, the first error ends the run.
    ///
    /// A batch that was delivered again can consist of duplicates, if only the store's answer was lost.
    ///
    /// ```
    /// # use activity_privacy::activity::Activity;
    /// # use activity_privacy::filter::PrivacyFilter;
    /// use std::thread::sleep;
    /// use std::time::Duration;
    ///
    /// use activity_privacy::error::Classify;
    ///
    /// # fn run(filter: &PrivacyFilter, source: impl Iterator<Item = Result<Activity, String>> + Send) {
    /// let bulk = filter.bulk_ingest(source).retry_if(|error, attempts| {
    ///     let retries = error.is_retryable() && attempts < 5;
    ///     if retries {
    ///         sleep(Duration::from_millis(100 << attempts));
    ///     }
    ///     retries
    /// });
    /// # let _ = bulk;
    /// # }
    /// ```
    pub fn retry_if(mut self, retry: impl FnMut(&IngestError, u32) -> bool + 'a) -> Self {
        self.retry = Some(Box::new(retry));
        self
    }

    /// Runs the ingest to the end of the source. Calls `on_batch` after each batch is stored, in order, and stops if it
    /// returns [`ControlFlow::Break`].
    ///
    /// The counts that are returned are those of all batches that were passed to `on_batch`.
    /// [`is_complete`](BulkProgress::is_complete) is true if the source was read to its end.
    ///
    /// # Errors
    /// Returns [`BulkIngestError`] if a batch is not stored and [`retry_if`](Self::retry_if) does not deliver it again.
    pub fn run(self, on_batch: impl FnMut(&BulkBatch<R>) -> ControlFlow<()>) -> Result<BulkProgress, BulkIngestError> {
        let Self { filter, source, limits, skip, position, retry } = self;
        let is_stopped = AtomicBool::new(false);
        let mut batches = Batches::new(source, limits, skip, position, &is_stopped);
        let mut run = Run { filter, retry, on_batch, progress: BulkProgress::default() };
        let two_threads = thread::scope(|scope| {
            let (sender, receiver) = mpsc::sync_channel(WAITING_BATCHES);
            let batches = &mut batches;
            // Fails if the run was stopped, which closes the channel.
            let read = move || batches.try_for_each(|batch| sender.send(batch));
            let reading = thread::Builder::new().name("bulk ingest".to_owned()).spawn_scoped(scope, read)?;
            let stop = StopOnDrop(&is_stopped);
            let result = run.ingest_all(receiver);
            drop(stop);
            match reading.join() {
                Ok(_) => Ok(result),
                Err(panic) => panic::resume_unwind(panic),
            }
        });
        match two_threads {
            Ok(result) => result,
            // The system starts no more threads.
            Err(std::io::Error { .. }) => run.ingest_all(batches),
        }
    }
}

/// Stops the reading thread, also if the calling thread panics.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The part of a bulk ingest that runs on the calling thread.
struct Run<'a, F> {
    filter: &'a PrivacyFilter,
    retry: Option<Retry<'a>>,
    on_batch: F,
    progress: BulkProgress,
}

impl<F> Run<'_, F> {
    fn ingest_all<R>(&mut self, batches: impl IntoIterator<Item = Batch<R>>) -> Result<BulkProgress, BulkIngestError>
    where
        F: FnMut(&BulkBatch<R>) -> ControlFlow<()>,
    {
        for Batch { activities, rejected, skipped, position } in batches {
            let report = self.ingest(&activities);
            let report = report.map_err(|source| BulkIngestError { progress: self.progress, source })?;
            self.progress.add(&report, activities.len(), rejected.len(), skipped);
            self.progress.position = position;
            let batch = BulkBatch { activities, report, rejected, progress: self.progress };
            if (self.on_batch)(&batch).is_break() {
                return Ok(self.progress);
            }
        }
        self.progress.is_complete = true;
        Ok(self.progress)
    }

    fn ingest(&mut self, activities: &[Activity]) -> Result<IngestReport, IngestError> {
        if activities.is_empty() {
            return Ok(IngestReport::default());
        }
        let mut attempts = 1_u32;
        loop {
            match self.filter.ingest(activities) {
                Err(error) if self.retry.as_mut().is_some_and(|retry| retry(&error, attempts)) => {
                    attempts = attempts.saturating_add(1);
                }
                result => return result,
            }
        }
    }
}

impl<R> BulkBatch<R> {
    /// Returns the activities of the batch, in the order of the source.
    #[must_use]
    pub fn activities(&self) -> &[Activity] {
        &self.activities
    }

    /// Returns the outcome for each of the [`activities`](Self::activities).
    #[must_use]
    pub fn report(&self) -> &IngestReport {
        &self.report
    }

    /// Returns the records that the source rejected between the first and the last record of the batch, in order.
    #[must_use]
    pub fn rejected(&self) -> &[R] {
        &self.rejected
    }

    /// Returns the counts of all batches so far, including this one.
    #[must_use]
    pub fn progress(&self) -> &BulkProgress {
        &self.progress
    }
}

impl BulkProgress {
    fn add(&mut self, report: &IngestReport, activities: usize, rejected: usize, skipped: u64) {
        let of = |outcome| report.count(outcome) as u64;
        self.read += skipped + activities as u64 + rejected as u64;
        self.skipped += skipped;
        self.stored += of(IngestOutcome::Stored);
        self.duplicates += of(IngestOutcome::Duplicate);
        self.conflicts += of(IngestOutcome::Conflict);
        self.not_monitored += of(IngestOutcome::NotMonitored);
        self.rejected += rejected as u64;
    }

    /// Returns the number of records that the source returned, rejected and skipped ones included.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Returns the number of records that were [skipped](BulkIngest::skip_records).
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Returns the number of activities that were stored.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// Returns the number of activities that were stored before.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Returns the number of activities of which the id was stored before with other content.
    #[must_use]
    pub fn conflicts(&self) -> u64 {
        self.conflicts
    }

    /// Returns the number of activities that are out of scope.
    #[must_use]
    pub fn not_monitored(&self) -> u64 {
        self.not_monitored
    }

    /// Returns the number of records that the source rejected.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Returns the [position](BulkIngest::position) of the source behind the last batch, if the caller asked for it.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        self.position
    }

    /// Returns whether the source was read to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }
}

impl BulkIngestError {
    /// Returns the counts of all batches before the one that was not stored.
    #[must_use]
    pub fn progress(&self) -> &BulkProgress {
        &self.progress
    }

    /// Returns why the batch was not stored.
    #[must_use]
    pub fn ingest_error(&self) -> &IngestError {
        &self.source
    }
}

impl<I> fmt::Debug for BulkIngest<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkIngest").finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for BulkBatch<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkBatch").field("progress", &self.progress).finish_non_exhaustive()
    }
}
