//! Clauses of a contract, and their violations.

use std::error::Error;
use std::fmt;

use thiserror::Error;

use crate::error::with_sources;

/// A testable sentence of a port's contract.
#[derive(Clone, Copy)]
pub struct Clause {
    /// The name of the clause, which begins with its rule: `d4_first_decision_is_kept`. The generated test has the same
    /// name.
    pub name: &'static str,
    /// The chapter of the contract to which the clause belongs.
    pub chapter: &'static str,
    /// The promise of the contract, in one sentence.
    pub promise: &'static str,
    pub(super) run: fn() -> Checked,
}

impl Clause {
    /// Runs the clause against a fresh adapter.
    ///
    /// # Errors
    /// Returns [`Violation`] if the adapter breaks the clause.
    ///
    /// # Panics
    /// Panics only if the adapter or its harness panics.
    pub fn check(&self) -> Result<(), Violation> {
        let Self { name: clause, promise, .. } = *self;
        (self.run)().map_err(|Breach(seen)| Violation { clause, promise, seen })
    }
}

impl fmt::Debug for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clause").field("name", &self.name).field("promise", &self.promise).finish_non_exhaustive()
    }
}

/// The violation of a clause by an adapter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{clause} does not hold\n  promised: {promise}\n  seen: {seen}")]
pub struct Violation {
    /// The name of the clause.
    pub clause: &'static str,
    /// The promise of the contract.
    pub promise: &'static str,
    /// The observation that violates the clause.
    pub seen: String,
}

/// An observation that breaks a clause. It is not an error itself, so that `?` converts every error into one: any error
/// of an adapter where the clause expects success breaks the clause.
#[derive(Debug)]
pub(super) struct Breach(String);

impl Breach {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl<E: Error> From<E> for Breach {
    fn from(error: E) -> Self {
        Self(format!("unexpected error: {}", with_sources(&error)))
    }
}

/// The result of a clause, or of one step of it.
pub(super) type Checked<T = ()> = Result<T, Breach>;

/// Returns from the clause with an observation unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($seen:tt)*) => {
        if !$holds {
            return Err($crate::conformance::clause::Breach::new(format!($($seen)*)));
        }
    };
}

pub(super) use ensure;
