//! Several sinks asked at once: whether enough of them have answered.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::governance::SinkError;
use crate::sync::Mutex;
use crate::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};

/// Counts answers until it is settled: enough are there, or so many failed that there will never be enough.
pub(super) struct Quorum {
    count: Arc<Mutex<Count>>,
    settled: Receiver<Result<u64, SinkError>>,
}

struct Count {
    /// How many answers are still needed, and how many more may fail.
    missing: usize,
    may_fail: usize,
    /// The greatest number that was answered.
    most: u64,
    /// None once it is settled: what is answered later counts for nothing.
    verdict: Option<SyncSender<Result<u64, SinkError>>>,
}

/// What one sink is to answer with. Falls silent when the sink panics, and that counts as a failure.
pub(super) struct Vote(Option<Arc<Mutex<Count>>>);

impl Quorum {
    /// Among so many that are asked so many answers are needed, no more than there are.
    pub(super) fn new(asked: usize, needed: usize) -> Self {
        let (verdict, settled) = mpsc::sync_channel(1);
        let count = Count { missing: needed, may_fail: asked.saturating_sub(needed), most: 0, verdict: Some(verdict) };
        Self { count: Arc::new(Mutex::new(count)), settled }
    }

    /// For one of those that are asked.
    pub(super) fn vote(&self) -> Vote {
        Vote(Some(Arc::clone(&self.count)))
    }

    /// Waits until it is settled, no longer than this. The greatest number that was answered by then.
    pub(super) fn wait(self, limit: Duration) -> Result<u64, SinkError> {
        // Where nobody else is needed, no answer will settle it.
        let settled = |count: &Count| (count.missing == 0).then_some(count.most);
        if let Some(most) = settled(&self.count.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(most);
        }
        match self.settled.recv_timeout(limit) {
            Ok(verdict) => verdict,
            Err(RecvTimeoutError::Timeout) => Err(SinkError::TimedOut),
            // Nobody is left who could answer.
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
            && let Some(verdict) = self.verdict.take()
        {
            // Whoever gave up waiting does not hear it.
            let _ = verdict.send(settled);
        }
    }
}

impl Vote {
    pub(super) fn say(mut self, answer: Result<u64, SinkError>) {
        self.tell(answer);
    }

    fn tell(&mut self, answer: Result<u64, SinkError>) {
        if let Some(count) = self.0.take() {
            count.lock().unwrap_or_else(PoisonError::into_inner).add(answer);
        }
    }
}

impl Drop for Vote {
    fn drop(&mut self) {
        self.tell(Err(SinkError::Panicked));
    }
}
