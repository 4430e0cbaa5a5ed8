//! Directories from outside formats: bytes in, a [`DirectoryBuilder`](crate::directory::DirectoryBuilder) or a
//! [`DirectoryDelta`](crate::directory::DirectoryDelta) out.
//!
//! Whoever an import leaves out is protected by none of their groups. So what was read is an [`Import`]: with
//! [`Import::into_complete`] it is used only if nothing of it was refused, and otherwise says what was and where.

pub mod csv;
mod document;
mod facts;
pub mod graph;
pub mod ldif;
#[cfg(test)]
mod linear;
mod names;
mod reject;
pub mod scim;
mod spelling;

use std::fmt;

use thiserror::Error;

pub use self::reject::{Place, RejectReason, Rejected};

/// What was read from a source, and what of it was not taken.
#[derive(Clone)]
#[must_use]
pub struct Import<T> {
    value: T,
    read: u64,
    ignored: u64,
    rejected: Vec<Rejected>,
}

/// An import of which something was not taken, so that nothing of it may be used unseen.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} of {read} records were not taken, the first at {}", rejected.len(), rejected.first().map(ToString::to_string).unwrap_or_default())]
pub struct Incomplete {
    /// How many records there were.
    pub read: u64,
    /// Those that were not taken.
    pub rejected: Vec<Rejected>,
}

impl<T> Import<T> {
    /// What was read, if nothing of it was refused.
    ///
    /// # Errors
    /// [`Incomplete`] names every record that was refused.
    pub fn into_complete(self) -> Result<T, Incomplete> {
        let Self { value, read, rejected, .. } = self;
        if rejected.is_empty() { Ok(value) } else { Err(Incomplete { read, rejected }) }
    }

    /// What was read, whatever was refused: for a caller who has looked at [`Self::rejected`] and takes it upon
    /// themselves that nobody whom a refused record names is protected by it.
    pub fn into_partial(self) -> T {
        self.value
    }

    /// The same with its value turned into something else.
    fn map<U>(self, turn: impl FnOnce(T) -> U) -> Import<U> {
        let Self { value, read, ignored, rejected } = self;
        Import { value: turn(value), read, ignored, rejected }
    }

    /// How many records there were: those taken, ignored and rejected.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read
    }

    /// How many speak of something that no directory here holds: devices, organisational units, password policies.
    #[must_use]
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// The records that could not be taken, in order.
    #[must_use]
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }
}

impl<T> fmt::Debug for Import<T> {
    /// Says how much was read, and not whom it names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("read", &self.read)
            .field("ignored", &self.ignored)
            .field("rejected", &self.rejected)
            .finish_non_exhaustive()
    }
}
