//! A reader of Microsoft 365 management-activity records.
//!
//! The reader accepts the output of the [Office 365 Management Activity API][schema], and the tables that other tools
//! make of it:
//!
//! | Format | Written by | One record is |
//! |---|---|---|
//! | [`JsonLines`](Format::JsonLines) | collectors, scripts around `Search-UnifiedAuditLog` | a line |
//! | [`JsonArray`](Format::JsonArray) | the API, as content blobs | an element |
//! | [`JsonDocuments`](Format::JsonDocuments) | Microsoft Graph, as pages (`value`); pretty-printers; tools that concatenate files | an object |
//! | [`AuditLogCsv`](Format::AuditLogCsv) | the export of the audit log, with JSON in a column `AuditData` | a row |
//! | [`OfficeActivityCsv`](Format::OfficeActivityCsv) | Azure Monitor, as the table [`OfficeActivity`][table] | a row |
//!
//! A JSON record with a field `AuditData` (a string or an object) is read as the record in that field. A JSON record
//! with the columns of `OfficeActivity` is read as a row of that table. Names of fields and columns are compared
//! without regard to case. The delimiter of a table is a comma, a semicolon, a tab or a bar. A line `sep=` or `#TYPE`
//! may precede the header.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use activity_privacy::sources::m365::Reader;
//!
//! let blob = br#"[
//!   {"Id": "1f6a", "CreationTime": "2026-03-01T09:30:00", "Operation": "FileAccessed", "Workload": "SharePoint",
//!    "UserType": 0, "UserId": "adele@contoso.com", "ObjectId": "https://contoso.example/plan.docx"},
//!   {"Id": "1f6b", "Operation": "FileAccessed"}
//! ]"#;
//! let mut records = Reader::new(&blob[..]);
//!
//! let activity = records.next().ok_or("no record")??;
//! assert_eq!(activity.actor().label(), "adele@contoso.com");
//! assert_eq!(activity.app().name().as_str(), "SharePoint");
//!
//! let rejected = records.next().ok_or("no record")?.unwrap_err();
//! assert_eq!(
//!     rejected.to_string(),
//!     "line 4: field `CreationTime` is missing, expected a time such as `2026-03-01T09:30:00`, in UTC",
//! );
//! assert!(records.next().is_none());
//! # Ok(())
//! # }
//! ```
//!
//! # No record is dropped
//! Every line that is not blank, every element, document and row gives exactly one item: an [`Activity`], or a
//! [`Rejected`] with its line and the reason, which repeats nothing of the record. Reading continues behind a rejected
//! record, unless the input no longer shows where a record begins. White space and byte order marks between records are
//! skipped. An empty input contains no records. An input that is not UTF-8 text (UTF-16, gzip, a workbook) is rejected
//! once, [with its kind](crate::input::InputKind).
//!
//! # Who acted
//! If a record is unclear, the reader errs towards hiding the activity:
//! - `UserType` distinguishes people, applications (5, 6) and the system (4, 7, 8). If it is missing or unknown, the
//!   actor is a person. Names that Microsoft assigns to services are applications or system accounts whatever
//!   `UserType` is: `app@sharepoint`, `NT AUTHORITY\...`, `DlpAgent`, well-known security identifiers such as
//!   `S-1-5-18`, and others. An application that only `Actor` names is an application.
//! - Every identity in `UserId`, `UserKey`, `Actor` and `LogonUserSid` becomes an identity of the actor, also of an
//!   application or a system account. If it belongs to a protected person, the activity is hidden.
//! - A record without a name (`UserId` and `UserKey` empty, `Unknown`, `Not Available`, `anonymous`, `NT
//!   AUTHORITY\ANONYMOUS LOGON`) has the [unknown](crate::activity::Actor::unknown) actor.
//! - The activity is done on behalf of these principals: the sender of a message that another user sent for them or as
//!   them; the user of a token, of an impersonation or of a Power Platform session (`UserUPN`, `enduser.*`,
//!   `AppAccessContext`, `OnBehalfOf`, ...); the person whose action a data-loss-prevention agent reports; the owner of
//!   a mailbox in which another user acted. An owner with only a security identifier or a mailbox id is an unknown
//!   principal unless the directory resolves it.
//! - If a record names more principals, identities or objects than an activity can contain, one unknown principal
//!   represents the rest, so that the activity is hidden.
//! - If a service reports on a person (an alert, a match of a rule, a risk, an application in the session of a user)
//!   and none of these fields names the person, **every** identity in the record is a principal. If a service acts by
//!   itself, the identities that it acts on are objects.
//! - A record is rejected if its `Actor`, `SharePointMetaData` or `ExchangeMetaData` is a truncated list or object in a
//!   string, because an id in the missing part would be lost.
//! - A record is rejected if an object in it, at any depth, has two fields of one name, because readers could disagree
//!   on who acted. A table is rejected if two columns have the same name, ` [UTC]` not counting.
//!
//! # Forms of an identity
//! Every field is parsed for the same forms, and each form gives the identity that directories contain:
//!
//! | In a record | Identity |
//! |---|---|
//! | `adele@contoso.com`, behind `SMTP:`, `mailto:`, `sip:` or `live.com#`, before a port, path or device, inside other text, percent-encoded, with marks of byte order or direction | the address |
//! | `i:0#.f\|membership\|adele@contoso.com` and other claims | the identity in the claim |
//! | an Entra object id: with or without hyphens, in braces, as `urn:uuid:`, as `User_...`, in `S-1-12-1-...` | the id in lower case |
//! | a passport id: 16 hexadecimal digits, alone or before a tenant | an account of [`Alias::PASSPORT_IDS`](crate::identity::Alias::PASSPORT_IDS) |
//! | the security identifier of a person | an account of [`Alias::SECURITY_IDS`](crate::identity::Alias::SECURITY_IDS) |
//! | the GUID of a mailbox | an account of [`Alias::MAILBOX_IDS`](crate::identity::Alias::MAILBOX_IDS) |
//! | `CONTOSO\adele`, a legacy distinguished name of Exchange | the whole name, and `adele` |
//! | a `UserKey` in none of these forms | an account of [`Alias::SOURCE_KEYS`](crate::identity::Alias::SOURCE_KEYS) |
//!
//! Guests (`#EXT#`) keep the name that the record contains.
//!
//! # The other parts of an activity
//! - The id is `Id` (in the table `OfficeId`, else `SourceRecordId`, `RecordId`, `Id`); a GUID is in lower case. A
//!   record without an id gets one from its content: a version 5 UUID (RFC 9562) over its canonical form. If the same
//!   record is delivered again in another file, it is a duplicate. Two events of which all fields are equal become one
//!   activity.
//! - The app is the `Workload`, else the workload of the `RecordType`, else `Microsoft 365`. Every app is in the suite
//!   `Microsoft 365`.
//! - The time is `CreationTime`, in UTC if it has no zone. A table may instead have `TimeGenerated`, `Start_Time` or
//!   `CreationDate`, with or without ` [UTC]`, and times as portals and spreadsheets write them. Whether `3/4/2026` is
//!   in March or in April follows from [the caller](Reader::with_date_order), from the first rows, or from the comma
//!   and the capitals of the American portal (`4/26/2021, 7:17:10.000 AM`). Otherwise the row is rejected.
//! - The objects are `ObjectId` and the people whom any field names as affected: addresses, ids and account names, one
//!   by one. A OneDrive address (`/personal/adele_contoso_com/`) gives every owner that it can denote.
//! - The details are the text of the record, as it came. If a store receives an id again, it compares details in their
//!   canonical form, which is that of [RFC 8785](https://www.rfc-editor.org/rfc/rfc8785.html), except that a number that
//!   no double represents exactly keeps its text. A record that is delivered again with its keys in another order, with
//!   other escapes or other white space is a duplicate and not a conflict. The details of a row of `OfficeActivity` are
//!   an object of its columns that are not empty.
//!
//! [schema]: https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema
//! [table]: https://learn.microsoft.com/azure/azure-monitor/reference/tables/officeactivity

mod entries;
mod field;
mod fields;
mod names;
mod objects;
mod principals;
mod record;
mod report;
mod table;
mod time;

use std::fmt;
use std::io::BufRead;
use std::iter::FusedIterator;
use std::sync::Arc;

use super::field_names::FieldNames;
use super::framing::{self, ArrayPosition, DocumentPosition, Frame, Framing, JsonLayout, PageFormat};
use super::{MAX_RECORD_BYTES, RejectReason, Rejected};
use crate::activity::Activity;
use crate::input::csv::{Preamble, RowReader};
use crate::input::{InputStream, RecordBuffer};
use table::Table;

/// The pages of Microsoft Graph (`value`) and of an event hub (`records`).
fn pages() -> Arc<PageFormat> {
    let times = ["creationtime", "creationdate", "timegenerated", "timegenerated [utc]", "start_time"];
    let format = PageFormat {
        lists: ["value", "records"].map(|list| [list.into()].into()).into(),
        record: [times.map(Box::from).into(), ["operation", "operations"].map(Box::from).into()],
    };
    Arc::new(format)
}

/// The format of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One JSON object a line.
    JsonLines,
    /// One JSON array of objects.
    JsonArray,
    /// Concatenated JSON values: objects in any layout, arrays of objects, and pages that contain such an array as
    /// `value` (Microsoft Graph) or `records` (an event hub).
    JsonDocuments,
    /// CSV with the record as JSON in the column `AuditData`.
    AuditLogCsv,
    /// CSV with one column for each field, as in the Azure Monitor table `OfficeActivity`.
    OfficeActivityCsv,
}

impl Format {
    /// Any of the formats, as an error names it.
    const ANY: &'static str = "UTF-8 text: JSON Lines, a JSON array, or CSV with distinct column names and a column \
                               `AuditData` or `Operation`";

    /// Returns the description of an input in this format.
    fn expected(self) -> &'static str {
        match self {
            Self::JsonLines => "JSON Lines: one JSON object a line",
            Self::JsonArray => "a JSON array: `[` and objects",
            Self::JsonDocuments => "JSON documents: objects, arrays of objects, or pages of them",
            Self::AuditLogCsv => "an audit log export: CSV with distinct column names and a column `AuditData`",
            Self::OfficeActivityCsv => {
                "an OfficeActivity table: CSV with distinct column names and a column `Operation`"
            }
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected())
    }
}

/// The order of day and month in a date such as `3/4/2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateOrder {
    /// `3/4/2026` is the third of April.
    DayFirst,
    /// `3/4/2026` is the fourth of March.
    MonthFirst,
}

/// An iterator over the activities in an input; see the [module](self).
///
/// The reader stores one record, of at most [`MAX_RECORD_BYTES`] and [`MAX_RECORD_VALUES`](super::MAX_RECORD_VALUES),
/// and up to 64 KiB of the input behind it. It never panics, and it ends when the input does.
pub struct Reader<R> {
    unopened: Option<(R, Option<Format>)>,
    framing: Framing<R>,
    format: Option<Format>,
    /// The columns, if the records are rows.
    table: Option<Table>,
    record: RecordBuffer,
    names: FieldNames,
    order: Option<DateOrder>,
    /// The line of the first record of which the order of day and month is ambiguous.
    first_ambiguous: Option<u64>,
}

impl<R: BufRead> Reader<R> {
    /// Creates a reader that detects the format.
    ///
    /// An input that begins with `[` or `{` is JSON, and JSON Lines if the first object is one line. Any other input is
    /// CSV, of which the header shows the format.
    pub fn new(input: R) -> Self {
        Self::with(input, None)
    }

    /// Creates a reader of one format.
    ///
    /// It rejects an input in another format as a whole. As JSON Lines, it reads or rejects each line of any input.
    pub fn with_format(input: R, format: Format) -> Self {
        Self::with(input, Some(format))
    }

    fn with(input: R, format: Option<Format>) -> Self {
        Self {
            unopened: Some((input, format)),
            framing: Framing::Ended,
            format: None,
            table: None,
            record: RecordBuffer::new(MAX_RECORD_BYTES),
            names: FieldNames::new(names::meaning),
            order: None,
            first_ambiguous: None,
        }
    }

    /// Sets the order of day and month for dates such as `3/4/2026`, in which neither number is above 12.
    ///
    /// Without it, the reader uses the order of the rows within the first 64 KiB of a table, if they agree. If they
    /// show none, it rejects each such row as [`RejectReason::AmbiguousDate`].
    #[must_use]
    pub fn with_date_order(self, order: DateOrder) -> Self {
        Self { order: Some(order), ..self }
    }

    /// Returns the format of the input, once the first record was read. Returns `None` if the input is empty or in
    /// another format.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    fn open(&mut self, input: R, format: Option<Format>) -> Result<Framing<R>, Rejected> {
        let mut input = InputStream::new(input).map_err(|error| Rejected::new(1, error))?;
        let first = input.skip_white_space().map_err(|error| Rejected::new(input.line(), error))?;
        match (format, first) {
            (None, None) => Ok(Framing::Ended),
            (Some(Format::JsonLines), _) => Ok(Framing::Lines(input)),
            (None, Some(b'{')) => match JsonLayout::detect(&mut input, &pages()) {
                Ok(JsonLayout::Lines) => Ok(Framing::Lines(input)),
                Ok(JsonLayout::Documents) => Ok(Framing::Documents(input, DocumentPosition::Between, pages())),
                Err(error) => Err(Rejected::new(input.line(), error)),
            },
            (Some(Format::JsonDocuments), _) | (None, Some(b'[')) => {
                Ok(Framing::Documents(input, DocumentPosition::Between, pages()))
            }
            (Some(Format::JsonArray), Some(b'[')) => {
                input.skip(1).map_err(|error| Rejected::new(input.line(), error))?;
                Ok(Framing::Array(input, ArrayPosition::Start))
            }
            (Some(format @ Format::JsonArray), _) => {
                Err(Rejected::new(input.line(), RejectReason::OtherFormat { expected: format.expected() }))
            }
            (Some(Format::AuditLogCsv | Format::OfficeActivityCsv) | None, _) => self.open_table(input, format),
        }
    }

    fn open_table(&mut self, mut input: InputStream<R>, format: Option<Format>) -> Result<Framing<R>, Rejected> {
        let preamble = Preamble::skip(&mut input, MAX_RECORD_BYTES);
        let preamble = preamble.map_err(|error| Rejected::new(input.line(), error))?;
        let line = input.line();
        let delimiter = Table::delimiter(&preamble, format);
        let mut rows = RowReader::new(input, delimiter, MAX_RECORD_BYTES);
        let table = read_header(&mut rows, format, delimiter).map_err(|reason| Rejected::new(line, reason))?;
        if self.order.is_none() && rows.skip_line_ends().is_ok_and(|has_rows| has_rows) {
            self.order = table.date_order(rows.input());
        }
        self.table = Some(table);
        Ok(Framing::Rows(Box::new(rows)))
    }

    fn activity(&mut self) -> Result<Activity, RejectReason> {
        match (&self.framing, &self.table) {
            (Framing::Rows(rows), Some(table)) => table.activity(&rows.row()?, &mut self.names, self.order),
            _ => record::from_json(framing::json_text(&self.record)?, &mut self.names, self.order),
        }
    }

    /// Adds the line of the first ambiguous date to the reason of every later one.
    fn with_first_ambiguous(&mut self, line: u64, reason: RejectReason) -> RejectReason {
        let RejectReason::AmbiguousDate { field, .. } = reason else { return reason };
        let first = self.first_ambiguous;
        self.first_ambiguous = first.or(Some(line));
        RejectReason::AmbiguousDate { field, first }
    }
}

fn read_header<R: BufRead>(
    rows: &mut RowReader<R>,
    format: Option<Format>,
    delimiter: u8,
) -> Result<Table, RejectReason> {
    let table = if rows.next()? { Table::from_header(&rows.row()?, format, delimiter) } else { None };
    table.ok_or(match format {
        Some(format) => RejectReason::OtherFormat { expected: format.expected() },
        None => RejectReason::UnknownFormat { expected: Format::ANY },
    })
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Activity, Rejected>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some((input, format)) = self.unopened.take() {
            match self.open(input, format) {
                Ok(framing) => {
                    self.format = match &framing {
                        Framing::Lines(_) => Some(Format::JsonLines),
                        Framing::Array(..) => Some(Format::JsonArray),
                        Framing::Documents(..) => Some(Format::JsonDocuments),
                        Framing::Rows(_) => self.table.as_ref().map(Table::format),
                        Framing::Ended => None,
                    };
                    self.framing = framing;
                }
                Err(rejected) => return Some(Err(rejected)),
            }
        }
        match self.framing.next(&mut self.record) {
            Frame::Record(line) => {
                let activity = self.activity();
                Some(activity.map_err(|reason| Rejected::new(line, self.with_first_ambiguous(line, reason))))
            }
            Frame::Rejected(rejected) | Frame::Failed(rejected) => Some(Err(rejected)),
            Frame::End => None,
        }
    }
}

impl<R: BufRead> FusedIterator for Reader<R> {}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::steps::assert_linear;

    const RECORD: &str =
        r#"{"CreationTime":"2026-03-01T09:30:00","Id":"a","Operation":"Op","UserId":"bob@contoso.com""#;

    /// Longer than the part of a name that is considered.
    const LONG_NAME: &str = "a long name of a field, of which only the first part is considered for each text in the \
                             field; the rest of the name makes it longer than that part, however often it is read";

    fn reads_all(input: String) {
        for item in Reader::new(input.as_bytes()) {
            item.unwrap();
        }
    }

    #[test]
    fn b3_reading_records_takes_linear_time() {
        let lines = |count: usize| format!("{RECORD}}}\n").repeat(count);
        assert_linear("lines", 100, lines, reads_all);
        let array = |count: usize| format!("[{}{RECORD}}}]", format!("{RECORD}}},").repeat(count));
        assert_linear("an array", 100, array, reads_all);
        let documents = |count: usize| format!("{{\"value\":[{}]}}", vec![format!("{RECORD}}}"); count + 1].join(","));
        assert_linear("a page", 100, documents, reads_all);
        let table =
            |count: usize| format!("TimeGenerated,Operation\n{}", "03/04/2026,Op\n31/04/2026,Op\n".repeat(count));
        assert_linear("a table whose dates are looked at", 2_000, table, |input| {
            assert!(Reader::new(input.as_bytes()).count() > 0);
        });
    }

    #[test]
    fn b3_reading_one_record_takes_linear_time() {
        let with = |part: &'static str, sign: &'static str, field: &'static str| {
            move |count: usize| format!("{RECORD},\"{field}\":{}}}", sign.replacen('*', &part.repeat(count), 1))
        };
        let operation = |input: String| assert!(Reader::new(input.as_bytes()).count() > 0);
        for (part, sign, field) in [
            ("{\"Name\":\"User\",\"Value\":\"lee@contoso.com\"},", "[*0]", "Parameters"),
            ("\"lee@contoso.com\",", "[*0]", "Recipients"),
            ("lee@contoso.com;", "\"*\"", "UserSharedWith"),
            ("<", "\"*x\"", "Extra"),
            ("i:0#.f|", "\"*x\"", "Extra"),
            ("/personal/a_b_c_d/", "\"*\"", "Extra"),
            ("_", "\"/personal/a*b\"", "Extra"),
            ("%40", "\"*\"", "UserKey2"),
            ("[", "\"*\"", "Extra"),
            ("\"x\",", "[*0]", LONG_NAME),
        ] {
            assert_linear(part, 2_000, with(part, sign, field), operation);
        }
        let pages = |count: usize| format!("[]{}", "{\"@a\":]".repeat(count));
        assert_linear("objects that are no pages", 2_000, pages, operation);
        let fields = |count: usize| {
            let fields: String = (0..count).map(|at| format!(",\"OnBehalfOf{at}\":\"\"")).collect();
            format!("{RECORD}{fields}}}")
        };
        assert_linear("fields", 2_000, fields, operation);
    }
}
