//! Directories from outside formats: bytes in, a [`DirectoryBuilder`](crate::DirectoryBuilder) or a
//! [`DirectoryDelta`](crate::DirectoryDelta) out.
//!
//! Whoever an import leaves out is protected by none of their groups. So what was read is an [`Import`]: with
//! [`Import::whole`] it is used only if nothing of it was refused, and otherwise says what was and where.

use std::fmt;

use thiserror::Error;

/// What was read from a source, and what of it was not taken.
#[derive(Clone)]
#[must_use]
pub struct Import<T> {
    value: T,
    read: u64,
    ignored: u64,
    rejected: Vec<Rejected>,
}

/// A record that could not be taken. Repeats nothing that names a person.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {reason}")]
pub struct Rejected {
    /// Where the record is.
    pub place: Place,
    /// What was wrong, and what was expected.
    pub reason: RejectReason,
}

/// Where in its input a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The line on which it begins, the first being 1.
    Line(u64),
    /// The record of this number in a page, a list or a request, the first being 1.
    Record(u64),
    /// The input as a whole.
    Whole,
}

/// What is wrong with a record, or with the input as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// The input could not be read any further.
    #[error("reading failed ({kind}), expected the input to go on")]
    Io {
        /// What the operating system, or the reader beneath, said.
        kind: std::io::ErrorKind,
    },
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
    pub fn whole(self) -> Result<T, Incomplete> {
        let Self { value, read, rejected, .. } = self;
        if rejected.is_empty() { Ok(value) } else { Err(Incomplete { read, rejected }) }
    }

    /// What was read, whatever was refused: for a caller who has looked at [`Self::rejected`] and takes it upon themselves
    /// that nobody whom a refused record names is protected by it.
    pub fn despite_rejections(self) -> T {
        self.value
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

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Record(record) => write!(f, "record {record}"),
            Self::Whole => f.write_str("the input as a whole"),
        }
    }
}
