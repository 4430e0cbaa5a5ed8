//! The locks, atomics, threads, channels and the atomic `Arc` that the threads of the crate share: from the standard
//! library and `arc_swap`, or under `--cfg shuttle` from [shuttle](https://docs.rs/shuttle). Shuttle runs one thread at
//! a time under a scheduler, so that `tests/races.rs` can explore the interleavings.

#[cfg(not(shuttle))]
pub(crate) use std::sync::atomic;
#[cfg(not(shuttle))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc};
#[cfg(not(shuttle))]
pub(crate) use std::thread;

#[cfg(not(shuttle))]
pub(crate) use arc_swap::ArcSwapOption;
#[cfg(shuttle)]
pub(crate) use shuttle::sync::atomic;
#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
#[cfg(shuttle)]
pub(crate) use shuttle::thread;

#[cfg(shuttle)]
pub(crate) use self::swap::ArcSwapOption;

/// The part of `arc_swap` that the crate uses, over a lock. Tests explore every order of loads and stores, and that
/// [`rcu`](ArcSwapOption::rcu) retries if another update came first. They do not explore memory orders weaker than
/// sequential consistency, nor the implementation of `arc_swap`.
#[cfg(shuttle)]
mod swap {
    use std::sync::{Arc, PoisonError};

    use super::{Mutex, MutexGuard};

    #[derive(Debug)]
    pub(crate) struct ArcSwapOption<T>(Mutex<Option<Arc<T>>>);

    impl<T> Default for ArcSwapOption<T> {
        fn default() -> Self {
            Self::empty()
        }
    }

    impl<T> ArcSwapOption<T> {
        pub(crate) fn empty() -> Self {
            Self(Mutex::new(None))
        }

        pub(crate) fn load_full(&self) -> Option<Arc<T>> {
            self.lock().clone()
        }

        pub(crate) fn store(&self, value: Option<Arc<T>>) {
            *self.lock() = value;
        }

        pub(crate) fn rcu(&self, mut next: impl FnMut(&Option<Arc<T>>) -> Option<Arc<T>>) -> Option<Arc<T>> {
            loop {
                let before = self.load_full();
                let after = next(&before);
                let mut now = self.lock();
                if now.as_ref().map(Arc::as_ptr) == before.as_ref().map(Arc::as_ptr) {
                    *now = after;
                    return before;
                }
            }
        }

        fn lock(&self) -> MutexGuard<'_, Option<Arc<T>>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}

/// A channel for one message, because the channel of shuttle never times out. A receiver that waits with a limit starts
/// a thread, and times out as soon as the scheduler runs that thread. So a timeout can occur at any moment, whatever
/// the limit. A limit of [`LIFETIME`] or more never ends, so that a lost wake-up shows as a deadlock.
#[cfg(shuttle)]
pub(crate) mod mpsc {
    pub(crate) use std::sync::mpsc::RecvTimeoutError;
    use std::sync::{Arc, PoisonError};
    use std::time::Duration;

    use super::{Condvar, Mutex, MutexGuard, thread};

    const LIFETIME: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

    pub(crate) struct SyncSender<T>(Arc<Channel<T>>);

    pub(crate) struct Receiver<T>(Arc<Channel<T>>);

    struct Channel<T> {
        state: Mutex<State<T>>,
        changed: Condvar,
    }

    struct State<T> {
        message: Option<T>,
        sender_is_gone: bool,
        time_is_up: bool,
    }

    pub(crate) fn sync_channel<T>(_one: usize) -> (SyncSender<T>, Receiver<T>) {
        let state = State { message: None, sender_is_gone: false, time_is_up: false };
        let channel = Arc::new(Channel { state: Mutex::new(state), changed: Condvar::new() });
        (SyncSender(Arc::clone(&channel)), Receiver(channel))
    }

    impl<T> Channel<T> {
        fn lock(&self) -> MutexGuard<'_, State<T>> {
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn change(&self, change: impl FnOnce(&mut State<T>)) {
            change(&mut self.lock());
            self.changed.notify_all();
        }
    }

    impl<T> SyncSender<T> {
        /// Never fails: a message that is sent after the receiver timed out is dropped with the channel.
        pub(crate) fn send(&self, message: T) -> Result<(), std::convert::Infallible> {
            self.0.change(|state| state.message = Some(message));
            Ok(())
        }
    }

    impl<T> Drop for SyncSender<T> {
        fn drop(&mut self) {
            self.0.change(|state| state.sender_is_gone = true);
        }
    }

    impl<T: Send + 'static> Receiver<T> {
        pub(crate) fn recv_timeout(&self, limit: Duration) -> Result<T, RecvTimeoutError> {
            if limit < LIFETIME {
                let channel = Arc::clone(&self.0);
                let _time = thread::spawn(move || channel.change(|state| state.time_is_up = true));
            }
            let mut state = self.0.lock();
            loop {
                if let Some(message) = state.message.take() {
                    return Ok(message);
                }
                if state.sender_is_gone {
                    return Err(RecvTimeoutError::Disconnected);
                }
                if state.time_is_up {
                    return Err(RecvTimeoutError::Timeout);
                }
                state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}
