//! A sink that answers in time or not at all.

use std::cell::Cell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::quorum::Vote;
use crate::governance::{GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, RecordedRemoval, SinkError};
use crate::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use crate::sync::{Condvar, Mutex, MutexGuard, thread};
#[cfg(shuttle)]
use shuttle::thread_local;

thread_local! {
    /// Whether the thread runs the calls of a `TimeoutSink`: of any, because a sink of several waits for its members.
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// Puts a limit on how long a sink may take, and keeps what it does wrong away from the caller: a panic becomes an
/// error, a late answer never counts, and a receipt for another record is refused.
///
/// The sink runs on threads of its own, because a call that hangs cannot be ended: as many as there were calls at once,
/// up to [`MAX_CALLS`](Self::MAX_CALLS). While that many are under way, every further caller waits for its turn; when
/// its time is up before that, it is refused and its call is never begun.
///
/// Dropping a `TimeoutSink` blocks until the calls that are under way or in line are over and its threads have released the
/// sink, for at most the limit. So the sink is closed, and its file complete, once the last handle is dropped. A call that
/// hangs for longer is left behind: its thread releases the sink as soon as the call returns.
///
/// A drop within a call of the sink does not block, because it would wait for that call: the threads release the sink later.
pub struct TimeoutSink {
    limit: Duration,
    threads: Threads,
    recording: Arc<Pool>,
    /// Apart, so that nobody who reads the log takes the place of a record.
    reading: Arc<Pool>,
}

/// Tells when every thread has released the sink.
struct Threads {
    /// Each thread holds one, and lets go of it last.
    running: Option<Arc<SyncSender<Infallible>>>,
    /// Hears that the last of these is gone. No message is ever sent.
    ended: Mutex<Receiver<Infallible>>,
}

type Job = Box<dyn FnOnce(&dyn GovernanceSink) + Send>;

struct Pool {
    sink: Arc<dyn GovernanceSink>,
    max_calls: usize,
    line: Mutex<Line>,
    /// Something changed for a thread that waits: a job came, or the end.
    called: Condvar,
}

/// The jobs that wait, and the threads there are for them.
#[derive(Default)]
struct Line {
    /// Each under its ticket, in the order in which they came. INVARIANT: at most one for each caller that waits, and
    /// [`LEFT_BEHIND`] for callers that do not.
    jobs: VecDeque<(u64, Job)>,
    next_ticket: u64,
    threads: usize,
    /// Those of the threads that wait for a job.
    idle: usize,
    closed: bool,
}

/// How many jobs may wait for which nobody waits: records that enough other sinks have.
const LEFT_BEHIND: usize = 1_024;

/// A call that was begun by somebody who does not wait for it alone.
pub(super) struct Begun {
    pool: Arc<Pool>,
    ticket: u64,
}

impl Begun {
    /// Takes the call back, unless the sink is at it.
    pub(super) fn withdraw(&self) {
        self.pool.withdraw(self.ticket);
    }
}

impl TimeoutSink {
    /// How many records may be on their way at once.
    pub const MAX_CALLS: usize = 16;
    /// How many readings of the log may be under way at once.
    pub const MAX_READS: usize = 4;

    /// Gives `sink` at most `limit` for each call, the time that the call waits for its turn included.
    pub fn new(sink: Arc<dyn GovernanceSink>, limit: Duration) -> Self {
        let pool = |max_calls| {
            let sink = Arc::clone(&sink);
            Arc::new(Pool { sink, max_calls, line: Mutex::default(), called: Condvar::new() })
        };
        let (running, ended) = mpsc::sync_channel(1);
        let threads = Threads { running: Some(Arc::new(running)), ended: Mutex::new(ended) };
        Self { limit, threads, recording: pool(Self::MAX_CALLS), reading: pool(Self::MAX_READS) }
    }

    /// Begins to record and goes on. The vote tells of it; at once, if too many wait already.
    pub(super) fn begin_record(&self, record: &Record, begun: Instant, vote: Vote) -> Option<Begun> {
        let offered = record.clone();
        self.begin(&self.recording, begun, vote, move |sink| {
            let receipt = sink.record(&offered)?;
            receipt.confirm(&offered).map(|_| 0)
        })
    }

    /// Begins a step of a removal and goes on, likewise.
    pub(super) fn begin_remove(&self, removal: &RecordedRemoval, begun: Instant, vote: Vote) -> Option<Begun> {
        let removal = removal.clone();
        self.begin(&self.reading, begun, vote, move |sink| sink.remove(&removal))
    }

    fn begin(
        &self,
        pool: &Arc<Pool>,
        begun: Instant,
        vote: Vote,
        act: impl FnOnce(&dyn GovernanceSink) -> Result<u64, SinkError> + Send + 'static,
    ) -> Option<Begun> {
        if pool.line().jobs.len() >= LEFT_BEHIND {
            vote.say(Err(SinkError::TimedOut));
            return None;
        }
        let limit = self.limit;
        let act = Box::new(move |sink: &dyn GovernanceSink| {
            vote.say(if begun.elapsed() < limit { act(sink) } else { Err(SinkError::TimedOut) });
        });
        Some(Begun { pool: Arc::clone(pool), ticket: Pool::line_up(pool, &self.threads, act) })
    }

    fn call<T: Send + 'static>(
        &self,
        pool: &Arc<Pool>,
        act: impl FnOnce(&dyn GovernanceSink) -> Result<T, SinkError> + Send + 'static,
    ) -> Result<T, SinkError> {
        let begun = Instant::now();
        let limit = self.limit;
        let (answer, answered) = mpsc::sync_channel(1);
        let ticket = Pool::line_up(
            pool,
            &self.threads,
            Box::new(move |sink| {
                // Whoever waited for so long is told that it failed, so it must not be begun now.
                let result = if begun.elapsed() < limit { act(sink) } else { Err(SinkError::TimedOut) };
                // A late answer finds nobody waiting.
                let _ = answer.send(result);
            }),
        );
        match answered.recv_timeout(limit.saturating_sub(begun.elapsed())) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => {
                pool.withdraw(ticket);
                Err(SinkError::TimedOut)
            }
            // Only a panic takes the other end away without an answer.
            Err(RecvTimeoutError::Disconnected) => Err(SinkError::Panicked),
        }
    }
}

impl Drop for TimeoutSink {
    fn drop(&mut self) {
        for pool in [&self.recording, &self.reading] {
            pool.line().closed = true;
            pool.called.notify_all();
        }
        // A thread that waited here for itself would wait for the whole limit.
        if IS_WORKER.try_with(Cell::get).unwrap_or(false) {
            return;
        }
        // Every job in line ends within the limit: later than that it is not begun any more.
        self.threads.wait(self.limit);
    }
}

impl Threads {
    fn wait(&mut self, limit: Duration) {
        self.running = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Past the limit, whatever hangs is left to itself.
        let _ = ended.recv_timeout(limit);
    }
}

impl Pool {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job at the end of the line, and starts a thread for it when there are more jobs than threads to take
    /// them.
    fn line_up(pool: &Arc<Self>, threads: &Threads, job: Job) -> u64 {
        let mut line = pool.line();
        let ticket = line.next_ticket;
        line.next_ticket += 1;
        line.jobs.push_back((ticket, job));
        let grows = line.jobs.len() > line.idle && line.threads < pool.max_calls;
        line.threads += usize::from(grows);
        drop(line);
        pool.called.notify_one();
        if grows {
            let (worker, running) = (Arc::clone(pool), threads.running.clone());
            let thread = thread::Builder::new().name("governance-sink".to_owned());
            let work = move || {
                worker.work();
                // The sink first, because whoever waits for the thread expects it to be released.
                drop(worker);
                drop(running);
            };
            if thread.spawn(work).is_err() {
                // The job waits for one of the others.
                pool.line().threads -= 1;
            }
        }
        ticket
    }

    /// Takes a job out of the line, unless it was begun.
    fn withdraw(&self, ticket: u64) {
        let mut line = self.line();
        if let Ok(place) = line.jobs.binary_search_by_key(&ticket, |(ticket, _)| *ticket) {
            line.jobs.remove(place);
        }
    }

    fn work(&self) {
        let _ = IS_WORKER.try_with(|is_worker| is_worker.set(true));
        while let Some(job) = self.next() {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| job(&*self.sink))) {
                // Never dropped, because its drop can panic too and would take the thread along.
                std::mem::forget(payload);
            }
        }
    }

    /// Waits for a job. None once there will be no more.
    fn next(&self) -> Option<Job> {
        let mut line = self.line();
        loop {
            if let Some((_, job)) = line.jobs.pop_front() {
                return Some(job);
            }
            if line.closed {
                return None;
            }
            line.idle += 1;
            line = self.called.wait(line).unwrap_or_else(PoisonError::into_inner);
            line.idle -= 1;
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

    fn remove(&self, removal: &RecordedRemoval) -> Result<u64, SinkError> {
        let removal = removal.clone();
        self.call(&self.reading, move |sink| sink.remove(&removal))
    }
}

impl std::fmt::Debug for TimeoutSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TimeoutSink").field("limit", &self.limit).finish_non_exhaustive()
    }
}
