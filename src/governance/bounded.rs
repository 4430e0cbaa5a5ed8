//! A sink that answers in time or not at all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::record::Record;
use super::sink::{GovernanceSink, Receipt, RecordEntry, RecordQuery, SinkError};

/// Puts a limit on how long a sink may take, and keeps what it does wrong away from the caller: a panic becomes an
/// error, a late answer never counts, and a receipt for another record is refused.
///
/// The sink runs on threads of its own, because a call that hangs cannot be ended: as many as there were calls at once,
/// up to [`MAX_CALLS`](Self::MAX_CALLS). While that many hang, every further call is refused when its time is up. The
/// threads end with the `BoundedSink`, those that hang as soon as their call comes back.
pub struct BoundedSink {
    limit: Duration,
    jobs: SyncSender<Job>,
    pool: Arc<Pool>,
}

type Job = Box<dyn FnOnce(&dyn GovernanceSink) + Send>;

struct Pool {
    sink: Arc<dyn GovernanceSink>,
    inbox: Mutex<Receiver<Job>>,
    threads: AtomicUsize,
    /// Threads that wait, less the jobs that wait.
    spare: AtomicIsize,
}

impl BoundedSink {
    /// How many calls may be under way at once.
    pub const MAX_CALLS: usize = 16;

    /// Gives `sink` at most `limit` for each call.
    pub fn new(sink: Arc<dyn GovernanceSink>, limit: Duration) -> Self {
        let (jobs, inbox) = mpsc::sync_channel(Self::MAX_CALLS);
        let pool = Pool { sink, inbox: Mutex::new(inbox), threads: AtomicUsize::new(0), spare: AtomicIsize::new(0) };
        Self { limit, jobs, pool: Arc::new(pool) }
    }

    fn call<T: Send + 'static>(
        &self,
        act: impl FnOnce(&dyn GovernanceSink) -> Result<T, SinkError> + Send + 'static,
    ) -> Result<T, SinkError> {
        let begun = Instant::now();
        let limit = self.limit;
        let (answer, answered) = mpsc::sync_channel(1);
        let job: Job = Box::new(move |sink| {
            // Whoever waited for so long was told that it failed, so it must not be begun now.
            if begun.elapsed() < limit {
                let result = catch_unwind(AssertUnwindSafe(|| act(sink))).unwrap_or_else(|payload| {
                    // Never dropped, because its drop can panic too and would take the thread along.
                    std::mem::forget(payload);
                    Err(SinkError::Panicked)
                });
                // A late answer finds nobody waiting.
                let _ = answer.send(result);
            }
        });
        if self.pool.spare.fetch_sub(1, Ordering::SeqCst) <= 0 {
            Pool::grow(&self.pool);
        }
        if self.jobs.try_send(job).is_err() {
            self.pool.spare.fetch_add(1, Ordering::SeqCst);
            return Err(SinkError::TimedOut);
        }
        match answered.recv_timeout(limit.saturating_sub(begun.elapsed())) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(SinkError::TimedOut),
        }
    }
}

impl Pool {
    fn grow(pool: &Arc<Self>) {
        let grown = pool.threads.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |threads| {
            (threads < BoundedSink::MAX_CALLS).then_some(threads + 1)
        });
        let worker = Arc::clone(pool);
        let started = grown.is_ok()
            && thread::Builder::new().name("governance-sink".to_owned()).spawn(move || worker.work()).is_ok();
        if grown.is_ok() && !started {
            pool.threads.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn work(&self) {
        loop {
            self.spare.fetch_add(1, Ordering::SeqCst);
            let job = self.inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
            match job {
                Ok(job) => job(&*self.sink),
                Err(_all_senders_gone) => return,
            }
        }
    }
}

impl GovernanceSink for BoundedSink {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        let offered = record.clone();
        let receipt = self.call(move |sink| sink.record(&offered))?;
        receipt.confirm(record)?;
        Ok(receipt)
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        let query = query.clone();
        self.call(move |sink| sink.records(&query, after, limit))
    }
}

impl std::fmt::Debug for BoundedSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoundedSink").field("limit", &self.limit).finish_non_exhaustive()
    }
}
