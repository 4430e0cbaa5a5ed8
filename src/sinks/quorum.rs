//! Waits until enough of several sinks have answered.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::governance::SinkError;
use crate::sync::Mutex;
use crate::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};

/// A count of answers that settles once enough sinks succeeded, or so many failed that there cannot be enough.
pub(super) struct Quorum {
    count: Arc<Mutex<Count>>,
    settled: Receiver<Result<u64, SinkError>>,
}

struct Count {
    /// The number of successes that are still needed, and of failures that are still tolerated.
    missing: usize,
    may_fail: usize,
    /// The largest number in an answer.
    most: u64,
    /// `None` once the count is settled. Later answers are ignored.
    result: Option<SyncSender<Result<u64, SinkError>>>,
}

/// The answer of one sink, to be cast once. A vote that is dropped, because the sink panicked, counts as a failure.
pub(super) struct Vote(Option<Arc<Mutex<Count>>>);

impl Quorum {
    /// Waits for `needed` successes among `asked` sinks. `needed` must be at most `asked`.
    pub(super) fn new(asked: usize, needed: usize) -> Self {
        let (result, settled) = mpsc::sync_channel(1);
        let count = Count { missing: needed, may_fail: asked.saturating_sub(needed), most: 0, result: Some(result) };
        Self { count: Arc::new(Mutex::new(count)), settled }
    }

    /// Returns the vote of one of the sinks.
    pub(super) fn vote(&self) -> Vote {
        Vote(Some(Arc::clone(&self.count)))
    }

    /// Waits until the count is settled, for at most `limit`. Returns the largest number that was answered by then.
    pub(super) fn wait(self, limit: Duration) -> Result<u64, SinkError> {
        // If no success is needed, no answer settles the count.
        let settled = |count: &Count| (count.missing == 0).then_some(count.most);
        if let Some(most) = settled(&self.count.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(most);
        }
        match self.settled.recv_timeout(limit) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(SinkError::TimedOut),
            // Every vote is gone.
            Err(RecvTimeoutError::Disconnected) => Err(SinkError::Panicked),
        }
    }
}

impl Count {
    fn add(&mut self, answer: Result<u64, SinkError>) {
        let settled = match answer {
            Ok(number) => {
                self.most = self.most.max(number);
                self.missing = self.missing.saturating_sub(1);
                (self.missing == 0).then_some(Ok(self.most))
            }
            Err(error) if self.may_fail == 0 => Some(Err(error)),
            Err(_) => {
                self.may_fail -= 1;
                None
            }
        };
        if let Some(settled) = settled
            && let Some(result) = self.result.take()
        {
            // The caller may have stopped waiting.
            let _ = result.send(settled);
        }
    }
}

impl Vote {
    pub(super) fn cast(mut self, answer: Result<u64, SinkError>) {
        self.count(answer);
    }

    fn count(&mut self, answer: Result<u64, SinkError>) {
        if let Some(count) = self.0.take() {
            count.lock().unwrap_or_else(PoisonError::into_inner).add(answer);
        }
    }
}

impl Drop for Vote {
    fn drop(&mut self) {
        self.count(Err(SinkError::Panicked));
    }
}
