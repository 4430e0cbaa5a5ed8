//! Why a record of a directory could not be taken, and where it is.

use std::fmt;

use thiserror::Error;

use crate::input::InputKind;
use crate::text::TextError;

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
    /// The line on which it begins, or the line within it that is at fault where a record has many; the first being 1.
    Line(u64),
    /// The record of this number in a page, a list or a request, the first being 1.
    Record(u64),
    /// The line of this number in the input of this number, where several are read as one; the first of each being 1.
    LineOf {
        /// Which input.
        input: u64,
        /// Which line of it.
        line: u64,
    },
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
    /// The input is something else than the UTF-8 text that is read here, and nothing of it was read.
    #[error("the input is {kind}")]
    OtherInput {
        /// What it is.
        kind: InputKind,
    },
    /// It is not UTF-8.
    #[error("not UTF-8 at byte {at}, expected UTF-8")]
    NotUtf8 {
        /// Where it stops being UTF-8, in bytes from the start of the value or record.
        at: usize,
    },
    /// It is longer than it may be; it was skipped without being held in memory.
    #[error("too long, expected at most {max} bytes")]
    TooLong {
        /// The longest that it may be, in bytes.
        max: usize,
    },
    /// It cannot be understood at all.
    #[error("cannot be understood, expected {expected}")]
    Syntax {
        /// What should be there.
        expected: &'static str,
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
    /// A field that the record cannot do without is missing or empty.
    #[error("field `{field}` is missing, expected {expected}")]
    MissingField {
        /// Its name.
        field: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// A field holds something that cannot be understood or that does not fit the rest of the record.
    #[error("field `{field}` cannot be understood, expected {expected}")]
    InvalidField {
        /// Its name.
        field: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// A field stands there twice.
    #[error("field `{field}` is given twice, expected once")]
    RepeatedField {
        /// Its name.
        field: &'static str,
    },
    /// A field holds a text that is no id or name.
    #[error("field `{field}`: {error}")]
    Text {
        /// Its name.
        field: &'static str,
        /// What is wrong with the text.
        error: TextError,
    },
    /// The source gave a part of the values only.
    #[error("field `{field}` holds a part of its values, expected all of them")]
    PartialValues {
        /// Its name.
        field: &'static str,
    },
    /// Another record has the same name or the same id.
    #[error("another record has the same name or id, expected each once")]
    RepeatedRecord,
    /// A group lists somebody of whom the input tells nothing: maybe a group, whose members would not be protected.
    #[error(
        "lists {count} members that are no user and no group of the input, expected the whole input to hold them, or `with_non_people` to name those that are no people"
    )]
    UnknownMember {
        /// How many.
        count: u64,
    },
    /// Somebody is said to be in a group of which the input tells nothing.
    #[error("is a member of {count} groups that the input does not hold, expected the whole input to hold them")]
    UnknownGroup {
        /// How many.
        count: u64,
    },
    /// A user has a primary group of which the input tells nothing.
    #[error("`{field}` leads to no group of the input, expected that group too, or an export without this attribute")]
    UnknownPrimaryGroup {
        /// The attribute that says which group it is.
        field: &'static str,
    },
    /// A number or an account name leads to so many records that it tells none of them apart.
    #[error("more than {max} records have the same value of what `{field}` says, expected it to lead to one")]
    TooManyHolders {
        /// The attribute that holds the number or the name.
        field: &'static str,
        /// The most records that may have it in common.
        max: usize,
    },
    /// What is asked for stands on another server.
    #[error(
        "refers to another server, expected the entries of that server in the input, and `with_non_people` to name the place that the reference leads to"
    )]
    Referral,
    /// A change to something of which nothing is known.
    #[error("changes a record that is not known, expected one that was read before")]
    UnknownRecord,
    /// A change that cannot be told as a difference.
    #[error("a change of a kind that is not read, expected {expected}")]
    UnsupportedChange {
        /// What to do instead.
        expected: &'static str,
    },
    /// A column that nobody reads, and nobody said is to be passed over: a misspelt one would protect nobody by its
    /// names.
    #[error("column {column}{} has a name that is not known, expected {expected}", quoted(name.as_deref()))]
    UnknownColumn {
        /// Which column, the first being 1.
        column: usize,
        /// What it is called, cut after 64 characters; `None` if it does not look like the name of a column.
        name: Option<Box<str>>,
        /// What columns there are.
        expected: &'static str,
    },
    /// A row with more or fewer fields than there are columns.
    #[error("{found} fields, expected {expected}")]
    FieldCount {
        /// How many fields the row has.
        found: usize,
        /// How many columns there are.
        expected: usize,
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

/// A name in backticks with a space before it.
fn quoted(name: Option<&str>) -> String {
    name.map(|name| format!(" `{name}`")).unwrap_or_default()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Record(record) => write!(f, "record {record}"),
            Self::LineOf { input, line } => write!(f, "line {line} of input {input}"),
            Self::Whole => f.write_str("the input as a whole"),
            Self::Page { page, record, member: None } => write!(f, "page {page}, record {record}"),
            Self::Page { page, record, member: Some(member) } => {
                write!(f, "page {page}, record {record}, member {member}")
            }
        }
    }
}
