//! A sink with a time limit.

use std::cell::Cell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::quorum::Vote;
use crate::governance::{GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, Recorded, Removal, SinkError};
use crate::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use crate::sync::{Condvar, Mutex, MutexGuard, thread};
#[cfg(shuttle)]
use shuttle::thread_local;

thread_local! {
    /// Whether the thread runs calls of a `TimeoutSink`: of any one, because a `QuorumSink` waits for its members.
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// A sink that limits the time of each call of another sink, and isolates the caller from its faults: a panic becomes
/// an error, a late answer is ignored, and a receipt for another record is rejected.
///
/// The inner sink runs on separate threads, because a call that hangs cannot be stopped. There are as many threads as
/// there were concurrent calls, up to [`MAX_CALLS`](Self::MAX_CALLS). Further callers wait in a queue. If a caller's
/// time runs out in the queue, the caller gets an error and its call never starts.
///
/// Dropping a `TimeoutSink` blocks until all running and queued calls have ended and its threads have released the
/// inner sink, for at most the limit. So the inner sink is closed, and its file complete, once the last handle is
/// dropped. If a call hangs for longer, its thread releases the inner sink as soon as the call returns.
///
/// A drop within a call of the sink does not block, because it would wait for that call. The threads release the inner
/// sink later.
pub struct TimeoutSink {
    limit: Duration,
    threads: Threads,
    recording: Arc<Pool>,
    /// A separate pool, so that readers of the log do not delay records.
    reading: Arc<Pool>,
}

/// Reports when every thread has released the sink.
struct Threads {
    /// Each thread holds a clone and drops it last.
    running: Option<Arc<SyncSender<Infallible>>>,
    /// Disconnects when the last clone is dropped. No message is ever sent.
    ended: Mutex<Receiver<Infallible>>,
}

type Job = Box<dyn FnOnce(&dyn GovernanceSink) + Send>;

struct Pool {
    sink: Arc<dyn GovernanceSink>,
    max_calls: usize,
    queue: Mutex<Queue>,
    /// Notified when a job is queued or the pool is closed.
    called: Condvar,
}

/// The queued jobs and the threads that run them.
#[derive(Default)]
struct Queue {
    /// Jobs with their tickets, in order of arrival. INVARIANT: at most one for each waiting caller, and
    /// [`MAX_UNAWAITED`] for callers that do not wait.
    jobs: VecDeque<(u64, Job)>,
    next_ticket: u64,
    threads: usize,
    /// The number of threads that wait for a job.
    idle: usize,
    closed: bool,
}

/// The largest number of queued jobs that no caller waits for: records that a quorum of other sinks has confirmed.
const MAX_UNAWAITED: usize = 1_024;

/// A call that was queued for a [`Vote`].
pub(super) struct QueuedCall {
    pool: Arc<Pool>,
    ticket: u64,
}

impl QueuedCall {
    /// Removes the call from the queue, unless it has started.
    pub(super) fn withdraw(&self) {
        self.pool.withdraw(self.ticket);
    }
}

impl TimeoutSink {
    /// The largest number of concurrent calls that record.
    pub const MAX_CALLS: usize = 16;
    /// The largest number of concurrent calls that read or remove.
    pub const MAX_READS: usize = 4;

    /// Limits each call of `sink` to `limit`, including the time that the call waits in the queue.
    pub fn new(sink: Arc<dyn GovernanceSink>, limit: Duration) -> Self {
        let pool = |max_calls| {
            let sink = Arc::clone(&sink);
            Arc::new(Pool { sink, max_calls, queue: Mutex::default(), called: Condvar::new() })
        };
        let (running, ended) = mpsc::sync_channel(1);
        let threads = Threads { running: Some(Arc::new(running)), ended: Mutex::new(ended) };
        Self { limit, threads, recording: pool(Self::MAX_CALLS), reading: pool(Self::MAX_READS) }
    }

    /// Queues a record without waiting for it. The vote receives the result, and a failure at once if the queue is
    /// full.
    pub(super) fn begin_record(&self, record: &Record, begun: Instant, vote: Vote) -> Option<QueuedCall> {
        let offered = record.clone();
        self.begin(&self.recording, begun, vote, move |sink| {
            let receipt = sink.record(&offered)?;
            receipt.confirm(&offered).map(|_| 0)
        })
    }

    /// Queues a step of a removal without waiting for it, likewise.
    pub(super) fn begin_remove(&self, removal: &Recorded<Removal>, begun: Instant, vote: Vote) -> Option<QueuedCall> {
        let removal = removal.clone();
        self.begin(&self.reading, begun, vote, move |sink| sink.remove(&removal))
    }

    fn begin(
        &self,
        pool: &Arc<Pool>,
        begun: Instant,
        vote: Vote,
        act: impl FnOnce(&dyn GovernanceSink) -> Result<u64, SinkError> + Send + 'static,
    ) -> Option<QueuedCall> {
        if pool.queue().jobs.len() >= MAX_UNAWAITED {
            vote.cast(Err(SinkError::TimedOut));
            return None;
        }
        let limit = self.limit;
        let act = Box::new(move |sink: &dyn GovernanceSink| {
            vote.cast(if begun.elapsed() < limit { act(sink) } else { Err(SinkError::TimedOut) });
        });
        Some(QueuedCall { pool: Arc::clone(pool), ticket: Pool::enqueue(pool, &self.threads, act) })
    }

    fn call<T: Send + 'static>(
        &self,
        pool: &Arc<Pool>,
        act: impl FnOnce(&dyn GovernanceSink) -> Result<T, SinkError> + Send + 'static,
    ) -> Result<T, SinkError> {
        let begun = Instant::now();
        let limit = self.limit;
        let (answer, answered) = mpsc::sync_channel(1);
        let ticket = Pool::enqueue(
            pool,
            &self.threads,
            Box::new(move |sink| {
                // The caller has timed out by then, so the call must not start.
                let result = if begun.elapsed() < limit { act(sink) } else { Err(SinkError::TimedOut) };
                // The caller may have stopped waiting.
                let _ = answer.send(result);
            }),
        );
        match answered.recv_timeout(limit.saturating_sub(begun.elapsed())) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => {
                pool.withdraw(ticket);
                Err(SinkError::TimedOut)
            }
            // Only a panic drops the sender without an answer.
            Err(RecvTimeoutError::Disconnected) => Err(SinkError::Panicked),
        }
    }
}

impl Drop for TimeoutSink {
    fn drop(&mut self) {
        for pool in [&self.recording, &self.reading] {
            pool.queue().closed = true;
            pool.called.notify_all();
        }
        // A worker that waited here would wait for itself, for the whole limit.
        if IS_WORKER.try_with(Cell::get).unwrap_or(false) {
            return;
        }
        // Every queued job ends within the limit, because none starts after it.
        self.threads.wait(self.limit);
    }
}

impl Threads {
    fn wait(&mut self, limit: Duration) {
        self.running = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        // After the limit, calls that hang are abandoned.
        let _ = ended.recv_timeout(limit);
    }
}

impl Pool {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job to the end of the queue, and starts a thread if there are more jobs than idle threads.
    fn enqueue(pool: &Arc<Self>, threads: &Threads, job: Job) -> u64 {
        let mut queue = pool.queue();
        let ticket = queue.next_ticket;
        queue.next_ticket += 1;
        queue.jobs.push_back((ticket, job));
        let grows = queue.jobs.len() > queue.idle && queue.threads < pool.max_calls;
        queue.threads += usize::from(grows);
        drop(queue);
        pool.called.notify_one();
        if grows {
            let (worker, running) = (Arc::clone(pool), threads.running.clone());
            let thread = thread::Builder::new().name("governance-sink".to_owned());
            let work = move || {
                worker.work();
                // The sink first, because a caller that waits for the thread expects the sink to be released.
                drop(worker);
                drop(running);
            };
            if thread.spawn(work).is_err() {
                // Another thread will run the job.
                pool.queue().threads -= 1;
            }
        }
        ticket
    }

    /// Removes a job from the queue, unless it has started.
    fn withdraw(&self, ticket: u64) {
        let mut queue = self.queue();
        if let Ok(index) = queue.jobs.binary_search_by_key(&ticket, |(ticket, _)| *ticket) {
            queue.jobs.remove(index);
        }
    }

    fn work(&self) {
        let _ = IS_WORKER.try_with(|is_worker| is_worker.set(true));
        while let Some(job) = self.next() {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| job(&*self.sink))) {
                // Leaked, because its drop can panic too and would end the thread.
                std::mem::forget(payload);
            }
        }
    }

    /// Waits for a job. Returns `None` once the pool is closed and the queue is empty.
    fn next(&self) -> Option<Job> {
        let mut queue = self.queue();
        loop {
            if let Some((_, job)) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            queue.idle += 1;
            queue = self.called.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.idle -= 1;
        }
    }
}

impl GovernanceSink for TimeoutSink {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        let offered = record.clone();
        let receipt = self.call(&self.recording, move |sink| sink.record(&offered))?;
        receipt.confirm(record)?;
        Ok(receipt)
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        let query = query.clone();
        self.call(&self.reading, move |sink| sink.records(&query, after, limit))
    }

    fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
        let query = query.clone();
        self.call(&self.reading, move |sink| sink.newest(&query))
    }

    fn remove(&self, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        let removal = removal.clone();
        self.call(&self.reading, move |sink| sink.remove(&removal))
    }
}

impl std::fmt::Debug for TimeoutSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TimeoutSink").field("limit", &self.limit).finish_non_exhaustive()
    }
}
