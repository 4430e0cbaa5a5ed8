//! How long a reveal has lived, and what ended it.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::policy::Denial;
use crate::sync::Mutex;

/// The life of one reveal. Its clones are the same life: what one value of a reveal found ended is ended for all of them.
///
/// The reveal has a time of its own, which never goes back and loses nothing when the clock does: it moves on with the
/// clock, by as much as passes on it.
#[derive(Clone)]
pub(super) struct Life(Arc<Mutex<State>>);

struct State {
    /// The reveal's own time when it was opened.
    opened: DateTime<Utc>,
    /// The reveal's own time.
    time: DateTime<Utc>,
    /// What the clock said last.
    clock: DateTime<Utc>,
    ended: Option<Denial>,
}

impl Life {
    /// Begins at a time of the clock. Its lifetime began at `since`, which clocks that differ can put later.
    pub(super) fn begin(clock: DateTime<Utc>, since: DateTime<Utc>) -> Self {
        let opened = clock.max(since);
        Self(Arc::new(Mutex::new(State { opened, time: opened, clock, ended: None })))
    }

    /// Asks whether the reveal may go on, by its own time. Once a refusal was final it never may again: if nothing else
    /// speaks against it, the first such refusal does.
    pub(super) fn ask(
        &self,
        clock: DateTime<Utc>,
        may_go_on: impl FnOnce(DateTime<Utc>) -> Result<(), Denial>,
        is_final: impl FnOnce(Denial) -> bool,
    ) -> Result<(), Denial> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.see(clock);
        may_go_on(state.time).inspect_err(|denial| {
            if is_final(*denial) {
                state.ended.get_or_insert(*denial);
            }
        })?;
        state.ended.map_or(Ok(()), Err)
    }

    /// Takes down how long ago the reveal was opened, by a clock that does not go back.
    pub(super) fn lasted(&self, at_least: Duration) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at_least = TimeDelta::from_std(at_least).unwrap_or(TimeDelta::MAX);
        let time = state.opened.checked_add_signed(at_least).unwrap_or(DateTime::<Utc>::MAX_UTC);
        state.time = state.time.max(time);
    }

    /// Ends the reveal, unless something else ended it before.
    pub(super) fn end(&self, why: Denial) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ended.get_or_insert(why);
    }
}

impl State {
    fn see(&mut self, clock: DateTime<Utc>) {
        let passed = (clock - self.clock).max(TimeDelta::zero());
        let time = self.time.checked_add_signed(passed).unwrap_or(DateTime::<Utc>::MAX_UTC);
        (self.time, self.clock) = (time.max(clock), clock);
    }
}

/// Without its times: they tell how long a page took.
impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Life").finish_non_exhaustive()
    }
}
