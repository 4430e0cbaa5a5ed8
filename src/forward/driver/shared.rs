//! The state that a driver shares with its thread.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::state::DriverState;

/// The state of a driver, and the request to stop.
#[derive(Default)]
pub(super) struct Shared {
    control: Mutex<Control>,
    /// Notified when the driver must stop.
    stopping: Condvar,
}

#[derive(Default)]
struct Control {
    is_stopping: bool,
    state: DriverState,
}

impl Shared {
    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> DriverState {
        self.control().state.clone()
    }

    pub(super) fn update<T>(&self, update: impl FnOnce(&mut DriverState) -> T) -> T {
        update(&mut self.control().state)
    }

    pub(super) fn stop(&self) {
        self.control().is_stopping = true;
        self.stopping.notify_all();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.control().is_stopping
    }

    /// Waits until the driver must stop, at most for a time. Returns whether it must stop.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut control = self.control();
        while !control.is_stopping {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            control = self.stopping.wait_timeout(control, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        control.is_stopping
    }
}
