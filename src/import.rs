//! Importers that read directories from external formats. Each one returns a
//! [`DirectoryBuilder`](crate::directory::DirectoryBuilder) or a [`DirectoryDelta`](crate::directory::DirectoryDelta).
//!
//! Requires the feature `import`.
//!
//! A user missing from the import loses the protection of their groups. An importer therefore returns an [`Import`],
//! which records every rejected record. [`Import::into_complete`] fails if any record was rejected, and names those
//! records.

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

pub use self::reject::{EntryRejectReason, Place, RejectedEntry};

/// The value read from a source, with the records that were ignored or rejected.
#[derive(Clone)]
#[must_use]
pub struct Import<T> {
    value: T,
    read: u64,
    ignored: u64,
    rejected: Vec<RejectedEntry>,
}

/// The error of an import in which at least one record was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} of {read} records were rejected, the first at {}", rejected.len(), rejected.first().map(ToString::to_string).unwrap_or_default())]
pub struct Incomplete {
    /// The number of records in the source.
    pub read: u64,
    /// The rejected records.
    pub rejected: Vec<RejectedEntry>,
}

impl<T> Import<T> {
    /// Returns the value if no record was rejected.
    ///
    /// # Errors
    /// Returns [`Incomplete`], which lists every rejected record, if any record was rejected.
    pub fn into_complete(self) -> Result<T, Incomplete> {
        let Self { value, read, rejected, .. } = self;
        if rejected.is_empty() { Ok(value) } else { Err(Incomplete { read, rejected }) }
    }

    /// Returns the value even if records were rejected.
    ///
    /// The caller must have checked [`Self::rejected`], and accepts that the import protects no user that only a
    /// rejected record names.
    pub fn into_partial(self) -> T {
        self.value
    }

    /// Applies a function to the value, and keeps the counts and rejections.
    fn map<U>(self, convert: impl FnOnce(T) -> U) -> Import<U> {
        let Self { value, read, ignored, rejected } = self;
        Import { value: convert(value), read, ignored, rejected }
    }

    /// Returns the number of records: accepted, ignored and rejected.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Returns the number of records about objects that a directory does not contain, such as devices, organisational
    /// units and password policies.
    #[must_use]
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Returns the rejected records, in order.
    #[must_use]
    pub fn rejected(&self) -> &[RejectedEntry] {
        &self.rejected
    }
}

impl<T> fmt::Debug for Import<T> {
    /// Writes the counts and rejections, but not the value, which names people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Import")
            .field("read", &self.read)
            .field("ignored", &self.ignored)
            .field("rejected", &self.rejected)
            .finish_non_exhaustive()
    }
}
