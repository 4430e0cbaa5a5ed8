//! Why a record was rejected, and where it is.

use std::borrow::Cow;
use std::fmt;
use std::io;

use thiserror::Error;

use crate::activity::ActivityError;
use crate::input::{InputError, InputKind, RecordError};
use crate::text::TextError;

/// A record that was rejected, with the line on which it begins. Contains nothing of the record itself.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct Rejected {
    line: u64,
    reason: RejectReason,
}

impl Rejected {
    pub(super) fn new(line: u64, reason: impl Into<RejectReason>) -> Self {
        Self { line, reason: reason.into() }
    }

    /// Returns the line on which the record begins, the first line being 1. A line ends with a line feed.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns the reason for the rejection.
    #[must_use]
    pub fn reason(&self) -> &RejectReason {
        &self.reason
    }
}

/// The reason why a reader rejects a record, or its input as a whole.
///
/// Contains names of fields and positions, and never a value, because the record may be a private activity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// Reading the input failed. The reader returns no more records.
    #[error("cannot read the input ({kind}); read it again from a complete copy")]
    Io {
        /// The kind of the error that the operating system or the underlying reader returned.
        kind: io::ErrorKind,
    },
    /// The input is not UTF-8 text. The reader returns no more records.
    #[error("the input is {kind}")]
    OtherInput {
        /// The kind of the input.
        kind: InputKind,
    },
    /// The input is in none of the formats of the reader. The reader returns no more records.
    #[error("unknown format, expected {expected}")]
    UnknownFormat {
        /// The formats that the reader knows.
        expected: &'static str,
    },
    /// The input is not in the format that the caller stated. The reader returns no more records.
    #[error("wrong format, expected {expected}")]
    OtherFormat {
        /// The format that the caller stated.
        expected: &'static str,
    },
    /// The record is longer than the limit. The reader skipped it without storing it in memory.
    #[error("record is too long, expected at most {max} bytes")]
    TooLong {
        /// The most bytes that a record may have.
        max: usize,
    },
    /// The record is not UTF-8.
    #[error("record is not UTF-8 at byte {at}, expected UTF-8")]
    NotUtf8 {
        /// The index of the first byte that is not UTF-8, counted from the start of the record.
        at: usize,
    },
    /// The record is not JSON.
    #[error("{fault} at line {line}, column {column} of the record, expected one JSON object")]
    Json {
        /// The kind of the fault.
        fault: JsonFault,
        /// The line within the record, the first being 1.
        line: usize,
        /// The column within that line in bytes, the first being 1.
        column: usize,
    },
    /// The record is not a JSON object.
    #[error("record is not an object, expected one JSON object per record")]
    NotAnObject,
    /// An object in the record has two fields of one name, so that readers could disagree on who acted.
    #[error("a field occurs twice in an object, expected unique field names")]
    RepeatedField,
    /// The input ends inside a JSON array, possibly in the middle of this record.
    #[error("input ends inside a JSON array, expected its closing `]`")]
    Truncated,
    /// The JSON array is followed by more text, which the reader does not read.
    #[error("text after the JSON array, expected the end of the input")]
    AfterEnd,
    /// The input ends inside a quoted CSV field. The field contains everything from this line on.
    #[error("input ends inside a quoted CSV field, expected its closing quote")]
    UnclosedQuote,
    /// A CSV row has more or fewer fields than the header has columns.
    #[error("{found} CSV fields, expected {expected}")]
    FieldCount {
        /// The number of fields in the row.
        found: usize,
        /// The number of columns in the header.
        expected: usize,
    },
    /// A required field is missing or empty.
    #[error("field `{field}` is missing, expected {expected}")]
    MissingField {
        /// The name of the field.
        field: Cow<'static, str>,
        /// The value that the field should have.
        expected: &'static str,
    },
    /// A field has a value that the reader cannot interpret.
    #[error("field `{field}` is invalid, expected {expected}")]
    InvalidField {
        /// The name of the field.
        field: Cow<'static, str>,
        /// The value that the field should have.
        expected: &'static str,
    },
    /// The order of day and month in a time is unknown: neither the caller nor the first rows show it.
    #[error(
        "field `{field}` has an ambiguous order of day and month{}; state the order with `with_date_order`",
        first.map(|line| format!(", as on line {line}")).unwrap_or_default()
    )]
    AmbiguousDate {
        /// The name of the field.
        field: Cow<'static, str>,
        /// The line of the first such rejection, if this is not the first.
        first: Option<u64>,
    },
    /// A field contains a text that is not a valid id or name.
    #[error("field `{field}`: {error}")]
    Text {
        /// The name of the field.
        field: Cow<'static, str>,
        /// The fault of the text.
        error: TextError,
    },
    /// The map of the source says that the record is no activity.
    #[error("record is no activity: {reason}")]
    NoActivity {
        /// The reason, as the map states it.
        reason: Box<str>,
    },
    /// The record exceeds a limit of an activity.
    #[error("record is too large: {0}")]
    TooLarge(ActivityError),
}

/// The kind of fault in a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonFault {
    /// The text violates the grammar, nests too deeply, or continues after its end.
    Syntax,
    /// The text ends too early.
    Incomplete,
    /// The text is well-formed, but a value in it is not of the expected type.
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
    /// Keeps the position and drops the message, which can quote the record.
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
    /// Keeps the kind and drops the message, which can contain anything.
    fn from(error: io::Error) -> Self {
        Self::Io { kind: error.kind() }
    }
}

impl From<InputError> for RejectReason {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Io(kind) => Self::Io { kind },
            InputError::NotText(kind) => Self::OtherInput { kind },
        }
    }
}

impl From<RecordError> for RejectReason {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::TooLong { max } => Self::TooLong { max },
            RecordError::NotUtf8 { at } => Self::NotUtf8 { at },
            RecordError::UnclosedQuote => Self::UnclosedQuote,
        }
    }
}

/// Converts the fault of a text to the reason to reject the record.
pub(super) fn in_field(field: impl Into<Cow<'static, str>>) -> impl FnOnce(TextError) -> RejectReason {
    move |error| RejectReason::Text { field: field.into(), error }
}
