//! One sentence of a contract, and what is said when it is broken.

use std::error::Error;
use std::fmt;

use thiserror::Error;

/// One sentence of a port's contract that can be tried out.
#[derive(Clone, Copy)]
pub struct Clause {
    /// What the clause is called, rule first: `d4_the_first_verdict_wins`. The test that holds an adapter to it has
    /// this name.
    pub name: &'static str,
    /// The chapter of the contract that it belongs to.
    pub chapter: &'static str,
    /// What the contract promises, in one sentence.
    pub promise: &'static str,
    pub(super) try_out: fn() -> Checked,
}

impl Clause {
    /// Tries the clause out on an adapter that is fresh.
    ///
    /// # Errors
    /// [`Violation`] when the adapter does not keep it.
    ///
    /// # Panics
    /// Only when the adapter, or its harness, does.
    pub fn check(&self) -> Result<(), Violation> {
        let Self { name: clause, promise, .. } = *self;
        (self.try_out)().map_err(|Breach(seen)| Violation { clause, promise, seen })
    }
}

impl fmt::Debug for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clause").field("name", &self.name).field("promise", &self.promise).finish_non_exhaustive()
    }
}

/// A clause that an adapter does not keep.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{clause} does not hold\n  promised: {promise}\n  seen: {seen}")]
pub struct Violation {
    /// The name of the clause.
    pub clause: &'static str,
    /// What the contract promises.
    pub promise: &'static str,
    /// What was seen instead.
    pub seen: String,
}

/// What a clause saw that it should not have seen. Not an error itself, so that every error can become one by `?`:
/// whatever an adapter fails with, where nothing should fail, is a breach.
#[derive(Debug)]
pub(super) struct Breach(String);

impl Breach {
    pub(super) fn seen(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl<E: Error> From<E> for Breach {
    fn from(error: E) -> Self {
        Self(format!("an error where none is expected: {}", in_full(&error)))
    }
}

/// An error with its sources.
pub(super) fn in_full(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        said = format!("{said}: {error}");
        source = error.source();
    }
    said
}

/// What comes of a clause, or of a step in one.
pub(super) type Checked<T = ()> = Result<T, Breach>;

/// Breaks off the clause, with what was seen, unless something holds.
macro_rules! ensure {
    ($holds:expr, $($seen:tt)*) => {
        if !$holds {
            return Err($crate::conformance::clause::Breach::seen(format!($($seen)*)));
        }
    };
}

pub(super) use ensure;
