//! Counts how often each operation and each outcome was reached, so that tests can assert it.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

/// How often each outcome was reached.
#[derive(Clone, Default)]
pub(crate) struct Tally(BTreeMap<String, u64>);

thread_local! {
    static TALLY: RefCell<Tally> = RefCell::default();
}

pub(crate) fn start() {
    TALLY.take();
}

pub(crate) fn finish() -> Tally {
    TALLY.take()
}

pub(crate) fn reached(what: impl Into<String>) {
    reached_times(what, 1);
}

pub(crate) fn reached_times(what: impl Into<String>, times: u64) {
    TALLY.with_borrow_mut(|tally| *tally.0.entry(what.into()).or_default() += times);
}

impl Tally {
    /// Returns how often the outcomes with this prefix were reached.
    pub(crate) fn times_like(&self, what: &str) -> u64 {
        self.0.iter().filter(|(reached, _)| reached.starts_with(what)).map(|(_, times)| times).sum()
    }

    pub(crate) fn times(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, times) in &self.0 {
            writeln!(f, "{times:>9}  {what}")?;
        }
        Ok(())
    }
}
