//! Directories from outside formats: bytes in, a [`DirectoryBuilder`](crate::DirectoryBuilder) or a
//! [`DirectoryDelta`](crate::DirectoryDelta) out.
//!
//! Whoever an import leaves out is protected by none of their groups. So what was read is an [`Import`]: with
//! [`Import::whole`] it is used only if nothing of it was refused, and otherwise says what was and where.

mod document;
mod facts;
pub mod graph;
mod names;
pub mod scim;

use std::fmt;

use thiserror::Error;

use crate::text::TextError;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The line on which it begins, the first being 1.
    Line(u64),
    /// The record of this number in a page, a list or a request, the first being 1.
    Record(u64),
    /// The input as a whole.
    Whole,
    /// In one of several pages that were read together.
    Page {
        /// Which page, in the order in which they were read, the first being 1.
        page: u64,
        /// Which record of it, the first being 1.
        record: u64,
        /// Which of the members that the record lists, the first being 1, if it is one of them.
        member: Option<u64>,
    },
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
    /// The input is longer than it may be.
    #[error("too long, expected at most {max} bytes")]
    TooLong {
        /// The longest that it may be, in bytes.
        max: usize,
    },
    /// The input is not UTF-8.
    #[error("not UTF-8 at byte {at}, expected UTF-8")]
    NotUtf8 {
        /// Where it stops being UTF-8, in bytes from the start.
        at: usize,
    },
    /// The input is not JSON.
    #[error("not JSON at line {line}, column {column}, expected one JSON object")]
    NotJson {
        /// The line, the first being 1.
        line: usize,
        /// The column within that line, in bytes, the first being 1.
        column: usize,
    },
    /// The input ends too early.
    #[error("the input ends too early, expected {expected}")]
    Truncated {
        /// What should come yet.
        expected: &'static str,
    },
    /// The input, or a record in it, is something else than a JSON object.
    #[error("not a JSON object, expected one")]
    NotAnObject,
    /// The JSON holds more values, objects and lists than it may.
    #[error("{count} values in the JSON, expected at most {max}")]
    TooManyValues {
        /// How many it holds.
        count: usize,
        /// The most that it may hold.
        max: usize,
    },
    /// A field stands twice in one object, so that readers could disagree on whom it names.
    #[error("a field is given twice, expected each field once")]
    GivenTwice,
    /// A field that nothing can be made of the record without is missing or empty.
    #[error("field `{field}` is missing, expected {expected}")]
    MissingField {
        /// Its name.
        field: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// A field holds something that cannot be understood.
    #[error("field `{field}` cannot be understood, expected {expected}")]
    InvalidField {
        /// Its name.
        field: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// A field holds a text that is no id or name.
    #[error("field `{field}`: {error}")]
    Text {
        /// Its name.
        field: &'static str,
        /// What is wrong with the text.
        error: TextError,
    },
    /// A user has more names than anybody may have.
    #[error("too many names of one user, expected at most {max}")]
    TooManyNames {
        /// The most names that a user may have.
        max: usize,
    },
    /// The page is none of those that are still open.
    #[error("not an open page, expected the link of a page that was asked for and not read yet")]
    NotAsked,
    /// The number of entries changed while a list was read, so that pages of it may hold what others do not.
    #[error("the list changed while it was read, expected the same `totalResults` on each page")]
    ListChanged,
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

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Record(record) => write!(f, "record {record}"),
            Self::Whole => f.write_str("the input as a whole"),
            Self::Page { page, record, member: None } => write!(f, "page {page}, record {record}"),
            Self::Page { page, record, member: Some(member) } => {
                write!(f, "page {page}, record {record}, member {member}")
            }
        }
    }
}
