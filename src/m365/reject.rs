//! Why a record could not be taken.

use std::fmt;
use std::io;

use thiserror::Error;

use super::Format;
use crate::activity::ActivityError;
use crate::input::InputKind;
use crate::text::TextError;

/// A record that could not be taken, and where it begins. Repeats nothing of what the record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct Rejected {
    line: u64,
    reason: RejectReason,
}

impl Rejected {
    pub(super) fn new(line: u64, reason: RejectReason) -> Self {
        Self { line, reason }
    }

    /// The line on which the record begins, the first line being 1. Lines end with a line feed.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// What was wrong, and what was expected.
    #[must_use]
    pub fn reason(&self) -> &RejectReason {
        &self.reason
    }
}

/// What is wrong with a record, or with the input as a whole.
///
/// Names fields and places, never a value: the record may be somebody's private activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// The input could not be read any further. Nothing comes after this.
    #[error("reading failed ({kind}), expected the input to go on")]
    Io {
        /// What the operating system, or the reader beneath, said.
        kind: io::ErrorKind,
    },
    /// The input is something else than UTF-8 text. Nothing comes after this.
    #[error("the input is {kind}")]
    OtherInput {
        /// What it is.
        kind: InputKind,
    },
    /// The input is in no format that is read here. Nothing comes after this.
    #[error(
        "not a known format, expected UTF-8 text: JSON Lines, a JSON array, or CSV with distinct column names and \
         a column `AuditData` or `Operation`"
    )]
    UnknownFormat,
    /// The input is not in the format that it was said to be in. Nothing comes after this.
    #[error("not {expected}")]
    OtherFormat {
        /// The format that it was said to be in.
        expected: Format,
    },
    /// The record is longer than a record may be; it was skipped without being held in memory.
    #[error("record is too long, expected at most {max} bytes")]
    TooLong {
        /// The longest that a record may be, in bytes.
        max: usize,
    },
    /// The record is not UTF-8.
    #[error("not UTF-8 at byte {at} of the record, expected UTF-8")]
    NotUtf8 {
        /// Where it stops being UTF-8, in bytes from the start of the record.
        at: usize,
    },
    /// The record is not JSON.
    #[error("{fault} at line {line}, column {column} of the record, expected one JSON object")]
    Json {
        /// What kind of fault it is.
        fault: JsonFault,
        /// The line within the record, the first being 1.
        line: usize,
        /// The column within that line, in bytes, the first being 1.
        column: usize,
    },
    /// The record is something else than a JSON object.
    #[error("not a JSON object, expected one JSON object per record")]
    NotAnObject,
    /// A field of the record, or of an object in it, stands there twice, so that readers could disagree on who acted.
    #[error("a field is given twice, expected each field once")]
    RepeatedField,
    /// The JSON array ends before its closing bracket, maybe in the middle of this record.
    #[error("input ends within the JSON array, expected its closing `]`")]
    Truncated,
    /// Something follows the JSON array. It is not read.
    #[error("text after the end of the JSON array, expected nothing")]
    AfterEnd,
    /// A quoted CSV field that is still open when the input ends: everything from this line on is in it.
    #[error("input ends within a quoted CSV field, expected its closing quote")]
    UnclosedQuote,
    /// A CSV record with more or fewer fields than there are columns.
    #[error("{found} CSV fields, expected {expected}")]
    FieldCount {
        /// How many fields the record has.
        found: usize,
        /// How many columns there are.
        expected: usize,
    },
    /// A field that no activity can do without is missing or empty.
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
    /// Day and month of a time could be either way round, and neither the caller nor the first rows say which comes first.
    #[error(
        "field `{field}`: day and month cannot be told apart{}",
        first.map_or(
            "; expected their order from the caller, see `Reader::with_date_order`".to_owned(),
            |line| format!(", as on line {line}; expected their order from the caller"),
        )
    )]
    AmbiguousDate {
        /// Its name.
        field: &'static str,
        /// The line of the first such rejection, if this is not the first.
        first: Option<u64>,
    },
    /// A field holds a text that is no id or name.
    #[error("field `{field}`: {error}")]
    Text {
        /// Its name.
        field: &'static str,
        /// What is wrong with the text.
        error: TextError,
    },
    /// The record is more than an activity may be.
    #[error("record is too large: {0}")]
    TooLarge(ActivityError),
}

/// What kind of fault a JSON text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonFault {
    /// It breaks the grammar, nests too deeply, or goes on after its end.
    Syntax,
    /// It ends too early.
    Incomplete,
    /// It is well-formed, but something in it is not what it should be.
    Data,
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "JSON syntax error",
            Self::Incomplete => "JSON ends too early",
            Self::Data => "unexpected JSON",
        })
    }
}

impl From<serde_json::Error> for RejectReason {
    /// Keeps the place and drops the message, which can quote the record.
    fn from(error: serde_json::Error) -> Self {
        use serde_json::error::Category;

        let fault = match error.classify() {
            Category::Eof => JsonFault::Incomplete,
            Category::Data => JsonFault::Data,
            Category::Syntax | Category::Io => JsonFault::Syntax,
        };
        Self::Json { fault, line: error.line(), column: error.column() }
    }
}

impl From<io::Error> for RejectReason {
    /// Keeps the kind and drops the message, which can be anything.
    fn from(error: io::Error) -> Self {
        Self::Io { kind: error.kind() }
    }
}
