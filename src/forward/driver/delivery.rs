//! The threads that deliver, because a call that hangs cannot be stopped.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::forwarder::{Accepted, DeliveryError, Forwarder};
use crate::forward::Batch;

/// Makes a connection to the destination.
pub(super) type Connect<T> = dyn Fn() -> Result<Box<dyn Forwarder<T>>, DeliveryError> + Send + Sync;

/// A connection in a thread of its own.
pub(super) struct Connection<T> {
    batches: SyncSender<Arc<Batch<T>>>,
    answers: Receiver<Result<Accepted, DeliveryError>>,
}

/// The answer to a delivery.
pub(super) enum Answer {
    Answered(Result<Accepted, DeliveryError>),
    /// There is none yet.
    None,
    /// The destination panicked.
    Panicked,
}

impl<T: Send + Sync + 'static> Connection<T> {
    /// Starts a thread, which connects when the first batch arrives.
    pub(super) fn start(connect: Arc<Connect<T>>, threads: &Arc<Threads>) -> io::Result<Self> {
        let (batches, arrived) = mpsc::sync_channel::<Arc<Batch<T>>>(1);
        let (answer, answers) = mpsc::sync_channel(1);
        let running = Threads::begin(threads);
        thread::Builder::new().name("forwarder-delivery".to_owned()).spawn(move || {
            // Dropped last, also in a panic, so that a driver that waits for the thread finds the connection closed.
            let _running = running;
            let mut connection: Option<Box<dyn Forwarder<T>>> = None;
            for batch in arrived {
                let deliver = || match &mut connection {
                    None => connect().and_then(|connected| connection.insert(connected).deliver(&batch)),
                    Some(connected) => connected.deliver(&batch),
                };
                let delivered = match catch_unwind(AssertUnwindSafe(deliver)) {
                    Ok(delivered) => delivered,
                    Err(payload) => {
                        // Leaked, because its drop can panic too.
                        std::mem::forget(payload);
                        break;
                    }
                };
                let is_last = matches!(delivered, Err(DeliveryError::Unavailable(_)));
                if answer.send(delivered).is_err() || is_last {
                    break;
                }
            }
        })?;
        Ok(Self { batches, answers })
    }

    /// Passes a batch to the thread. Returns false if the thread has ended.
    pub(super) fn send(&self, batch: Arc<Batch<T>>) -> bool {
        self.batches.try_send(batch).is_ok()
    }

    /// Waits for the answer, at most for a time.
    pub(super) fn answer(&self, time: Duration) -> Answer {
        match self.answers.recv_timeout(time) {
            Ok(answer) => Answer::Answered(answer),
            Err(RecvTimeoutError::Timeout) => Answer::None,
            Err(RecvTimeoutError::Disconnected) => Answer::Panicked,
        }
    }

    /// Returns the answer if there is one.
    pub(super) fn late_answer(&self) -> Answer {
        match self.answers.try_recv() {
            Ok(answer) => Answer::Answered(answer),
            Err(TryRecvError::Empty) => Answer::None,
            Err(TryRecvError::Disconnected) => Answer::Panicked,
        }
    }
}

/// Counts the threads of a driver.
#[derive(Default)]
pub(super) struct Threads {
    running: Mutex<usize>,
    ended: Condvar,
}

/// A running thread. Counts until it is dropped.
struct Running(Arc<Threads>);

impl Threads {
    fn begin(threads: &Arc<Self>) -> Running {
        *threads.lock() += 1;
        Running(Arc::clone(threads))
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn running(&self) -> usize {
        *self.lock()
    }

    /// Waits until at most `left` threads run, at most for a time.
    pub(super) fn wait_for(&self, left: usize, time: Duration) {
        let until = Instant::now() + time;
        let mut running = self.lock();
        while *running > left {
            let time = until.saturating_duration_since(Instant::now());
            if time.is_zero() {
                break;
            }
            running = self.ended.wait_timeout(running, time).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        *self.0.lock() -= 1;
        self.0.ended.notify_all();
    }
}
