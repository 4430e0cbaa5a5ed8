//! Where the crate gets the locks, atomics, threads, channels and the atomically swapped `Arc` from through which its
//! threads meet: from the standard library and `arc_swap`; and under `--cfg shuttle` from
//! [shuttle](https://docs.rs/shuttle), which runs one thread at a time and lets a scheduler choose which, so that
//! `tests/races.rs` can explore how they interleave.

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

/// What the crate uses of `arc_swap`, over a lock. Explored is every order of loads and stores, and that an update by
/// [`rcu`](ArcSwapOption::rcu) begins again when another came first. Not explored are memory orders weaker than one
/// order for all threads, and the inside of `arc_swap`.
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

/// A channel for one message, because shuttle's own never times out. Time is a thread here: a receiver that waits with
/// a limit starts one, and its time is up as soon as the scheduler lets that thread run, so that a timeout comes at any
/// moment, early or late, whatever the limit. A limit of [a lifetime](LIFETIME) or more never ends, so that a wake-up
/// that is lost shows as a deadlock.
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
        /// Never fails: a message that comes too late goes with the channel.
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
