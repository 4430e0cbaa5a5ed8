//! Counts how often each operation and each outcome was reached, so that a test can assert it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

/// How often each operation and each outcome was reached: agreement with the model covers no others.
#[derive(Debug, Clone, Default)]
pub struct Coverage(BTreeMap<String, u64>);

thread_local! {
    static REACHED: RefCell<Coverage> = RefCell::default();
}

fn start() {
    REACHED.take();
}

fn finish() -> Coverage {
    REACHED.take()
}

pub(super) fn reached(what: impl Into<String>) {
    reached_times(what, 1);
}

pub(super) fn reached_times(what: impl Into<String>, times: u64) {
    REACHED.with_borrow_mut(|tally| *tally.0.entry(what.into()).or_default() += times);
}

impl Coverage {
    /// Runs `act` on this thread, and returns its result with what the [`Nodes`](super::Nodes) in it reached.
    pub fn during<T>(act: impl FnOnce() -> T) -> (T, Self) {
        start();
        let result = act();
        (result, finish())
    }

    /// Returns how often the outcomes with this prefix were reached.
    #[must_use]
    pub fn times_like(&self, what: &str) -> u64 {
        self.0.iter().filter(|(reached, _)| reached.starts_with(what)).map(|(_, times)| times).sum()
    }

    /// Returns how often an outcome was reached.
    #[must_use]
    pub fn times(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, times) in &self.0 {
            writeln!(f, "{times:>9}  {what}")?;
        }
        Ok(())
    }
}
