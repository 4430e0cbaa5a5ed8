//! The reason why a record of a directory was rejected, and its place in the input.

use std::fmt;

use thiserror::Error;

use crate::input::InputKind;
use crate::text::TextError;

/// A record that was rejected. It contains no value that could name a person.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {reason}")]
pub struct RejectedEntry {
    /// The place of the record in the input.
    pub place: Place,
    /// The reason, with the expected format where there is one.
    pub reason: EntryRejectReason,
}

/// The place of a record in its input. All numbers start at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The line on which the record begins, or the line of the error if the record spans several lines.
    Line(u64),
    /// The number of the record in a page, a list or a request.
    Record(u64),
    /// A line of one of several inputs that are imported together.
    LineOf {
        /// The number of the input.
        input: u64,
        /// The number of the line in that input.
        line: u64,
    },
    /// The input as a whole.
    Whole,
    /// A record in one of several pages that are imported together.
    Page {
        /// The number of the page, in the order in which the pages were read.
        page: u64,
        /// The number of the record in the page.
        record: u64,
        /// The number of the member in the record, if the record was rejected because of a member.
        member: Option<u64>,
    },
}

/// The reason why a record, or the input as a whole, was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EntryRejectReason {
    /// Reading stopped because of an I/O error.
    #[error("reading the input failed: {kind}")]
    Io {
        /// The kind of the I/O error.
        kind: std::io::ErrorKind,
    },
    /// The input is not UTF-8 text of the expected format. None of it was read.
    #[error("{kind}")]
    OtherInput {
        /// The detected kind of input.
        kind: InputKind,
    },
    /// The value or record is not valid UTF-8.
    #[error("invalid UTF-8 at byte {at}; export the input as UTF-8")]
    NotUtf8 {
        /// The offset of the first invalid byte, from the start of the value or record.
        at: usize,
    },
    /// The value or record exceeds the size limit. It was skipped without being held in memory.
    #[error("too long, expected at most {max} bytes")]
    TooLong {
        /// The size limit, in bytes.
        max: usize,
    },
    /// The record cannot be parsed.
    #[error("cannot be parsed, expected {expected}")]
    Syntax {
        /// The expected format.
        expected: &'static str,
    },
    /// The input is not JSON.
    #[error("not JSON at line {line}, column {column}, expected one JSON object")]
    NotJson {
        /// The line of the error, from 1.
        line: usize,
        /// The column of the error, in bytes from 1.
        column: usize,
    },
    /// The input ended unexpectedly.
    #[error("unexpected end of input, expected {expected}")]
    Truncated {
        /// The part that is missing.
        expected: &'static str,
    },
    /// The input, or a record in it, is not a JSON object.
    #[error("wrong JSON type, expected an object")]
    NotAnObject,
    /// The JSON contains more values, objects and arrays than allowed.
    #[error("{count} JSON values, expected at most {max}")]
    TooManyValues {
        /// The number of values in the JSON.
        count: usize,
        /// The most values that the JSON may contain.
        max: usize,
    },
    /// A JSON object contains the same key twice, so readers could disagree about the person that it names. In SCIM,
    /// keys that differ only in case are the same.
    #[error("a JSON object contains the same key twice; remove one")]
    DuplicateJsonKey,
    /// A required field is missing or empty.
    #[error("field `{field}` is missing or empty, expected {expected}")]
    MissingField {
        /// The name of the field.
        field: &'static str,
        /// The expected content.
        expected: &'static str,
    },
    /// A field is invalid, or contradicts the rest of the record.
    #[error("field `{field}` is invalid, expected {expected}")]
    InvalidField {
        /// The name of the field.
        field: &'static str,
        /// The expected content.
        expected: &'static str,
    },
    /// A field occurs more than once.
    #[error("field `{field}` occurs more than once; keep only one")]
    RepeatedField {
        /// The name of the field.
        field: &'static str,
    },
    /// A field that can have only one value has several different ones.
    #[error("field `{field}` has several different values; keep only one of them")]
    DifferentValues {
        /// The name of the field.
        field: &'static str,
    },
    /// Another operation of the bulk request has the same `bulkId`.
    #[error("field `bulkId` has the value of another operation; use a unique value")]
    RepeatedBulkId,
    /// The text in a field is not a valid id or name.
    #[error("field `{field}`: {error}")]
    Text {
        /// The name of the field.
        field: &'static str,
        /// The reason why the text is invalid.
        error: TextError,
    },
    /// The source returned only part of the values of a field.
    #[error("field `{field}` contains only some of its values; export all of them")]
    PartialValues {
        /// The name of the field.
        field: &'static str,
    },
    /// Another record has the same name or id.
    #[error("another record has the same name or id; keep only one of them")]
    RepeatedRecord,
    /// A group lists a member that the input does not contain. It may be a group, whose members would not be protected.
    #[error(
        "members that the input does not contain: {count}; add them, or pass those that are not people to \
         `ignoring_members`"
    )]
    UnknownMember {
        /// The number of such members.
        count: u64,
    },
    /// A group lists a member that the input contains, but the member is neither user nor group. It may be a principal
    /// of another domain, which would not be protected.
    #[error(
        "members that are neither users nor groups: {count}; pass them to `ignoring_members` if they are not people"
    )]
    OtherMember {
        /// The number of such members.
        count: u64,
    },
    /// The server computes the members of a group, so the input does not list them.
    #[error(
        "the members of this group cannot be determined from `{field}`; export the group with its members in `member`"
    )]
    ComputedMembers {
        /// The attribute from which the server computes the members.
        field: &'static str,
    },
    /// The search whose result is the input failed, or was cut short by a limit.
    #[error("the search failed or was cut short (`result` is not 0); export again without a size or time limit")]
    IncompleteSearch,
    /// A record is a member of a group that the input does not contain.
    #[error("member of groups that the input does not contain: {count}; add them")]
    UnknownGroup {
        /// The number of such groups.
        count: u64,
    },
    /// The input does not contain the primary group of a user.
    #[error(
        "`{field}` refers to a group that the input does not contain; add the group, or export without this attribute"
    )]
    UnknownPrimaryGroup {
        /// The attribute that refers to the group.
        field: &'static str,
    },
    /// Too many records have the same number or account name, so it does not identify any of them.
    #[error("`{field}` contains a value that more than {max} records have; make it unique")]
    AmbiguousReference {
        /// The attribute with the number or name.
        field: &'static str,
        /// The most records that may have the same value.
        max: usize,
    },
    /// The record refers to entries on another server. The DN of the referral is that of a referral entry, or the one
    /// in the URL of a search reference.
    #[error(
        "refers to another server; add the entries of that server, and pass the DN of the referral to \
         `ignoring_members`"
    )]
    Referral,
    /// The record changes an entry that no earlier record added.
    #[error("changes an entry that no earlier record added; import the full directory first")]
    UnknownRecord,
    /// The record is a change that this reader does not support.
    #[error("unsupported change; {advice}")]
    UnsupportedChange {
        /// What to do instead.
        advice: &'static str,
    },
    /// The column has an unknown name, and the caller did not exclude it. The names in a misspelt column would protect
    /// no user.
    #[error("column {column}{} is unknown, expected {expected}", space_and_quoted(name.as_deref()))]
    UnknownColumn {
        /// The number of the column, from 1.
        column: usize,
        /// The name of the column, truncated to 64 characters, or `None` if it does not look like a column name.
        name: Option<Box<str>>,
        /// The known columns.
        expected: &'static str,
    },
    /// The number of fields in a row differs from the number of columns.
    #[error("{found} fields, expected {expected}")]
    FieldCount {
        /// The number of fields in the row.
        found: usize,
        /// The number of columns.
        expected: usize,
    },
    /// A user has more names than allowed.
    #[error("too many names for one user, expected at most {max}")]
    TooManyNames {
        /// The most names that one user may have.
        max: usize,
    },
    /// The link does not belong to a pending page.
    #[error("this link is not pending; pass one that `next_link` returned and that was not read yet")]
    LinkNotPending,
    /// The number of entries changed between pages, so an entry may be on none of the pages.
    #[error("`totalResults` changed between pages; read the list again")]
    ListChanged,
}

/// Returns the name in backticks with a leading space, or an empty string if there is no name.
fn space_and_quoted(name: Option<&str>) -> String {
    name.map(|name| format!(" `{name}`")).unwrap_or_default()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Record(record) => write!(f, "record {record}"),
            Self::LineOf { input, line } => write!(f, "line {line} of input {input}"),
            Self::Whole => f.write_str("input"),
            Self::Page { page, record, member: None } => write!(f, "page {page}, record {record}"),
            Self::Page { page, record, member: Some(member) } => {
                write!(f, "page {page}, record {record}, member {member}")
            }
        }
    }
}
