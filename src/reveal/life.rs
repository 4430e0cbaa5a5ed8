//! The lifetime of a reveal.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::policy::Denial;
use crate::sync::Mutex;

/// The lifetime of one reveal. Clones share it: a reveal that one value found ended is ended for all values.
///
/// The reveal has a time of its own, which advances by as much as the clock advances. It never goes back, and does not
/// fall behind when the clock is set back.
#[derive(Clone)]
pub(super) struct Life(Arc<Mutex<State>>);

struct State {
    /// The reveal's own time when it was opened.
    opened: DateTime<Utc>,
    /// The reveal's own time.
    time: DateTime<Utc>,
    /// The last time of the clock.
    clock: DateTime<Utc>,
    ended: Option<Denial>,
}

impl Life {
    /// Begins at a time of the clock. The lifetime began at `since`, which can be later if the clocks of nodes differ.
    pub(super) fn begin(clock: DateTime<Utc>, since: DateTime<Utc>) -> Self {
        let opened = clock.max(since);
        Self(Arc::new(Mutex::new(State { opened, time: opened, clock, ended: None })))
    }

    /// Checks whether the reveal may continue at its own time. After a final denial it never may again: if no other
    /// denial applies, the first final one is returned.
    pub(super) fn check(
        &self,
        clock: DateTime<Utc>,
        may_continue: impl FnOnce(DateTime<Utc>) -> Result<(), Denial>,
        is_final: impl FnOnce(Denial) -> bool,
    ) -> Result<(), Denial> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance(clock);
        may_continue(state.time).inspect_err(|denial| {
            if is_final(*denial) {
                state.ended.get_or_insert(*denial);
            }
        })?;
        state.ended.map_or(Ok(()), Err)
    }

    /// Notes how long ago the reveal was opened, by a monotonic clock.
    pub(super) fn elapsed(&self, at_least: Duration) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at_least = TimeDelta::from_std(at_least).unwrap_or(TimeDelta::MAX);
        let time = state.opened.checked_add_signed(at_least).unwrap_or(DateTime::<Utc>::MAX_UTC);
        state.time = state.time.max(time);
    }

    /// Ends the reveal, unless it has ended before.
    pub(super) fn end(&self, why: Denial) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ended.get_or_insert(why);
    }
}

impl State {
    fn advance(&mut self, clock: DateTime<Utc>) {
        let passed = (clock - self.clock).max(TimeDelta::zero());
        let time = self.time.checked_add_signed(passed).unwrap_or(DateTime::<Utc>::MAX_UTC);
        (self.time, self.clock) = (time.max(clock), clock);
    }
}

/// Does not show the times, because they tell how long a page took.
impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Life").finish_non_exhaustive()
    }
}
