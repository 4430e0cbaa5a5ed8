//! Microsoft 365 management-activity records into activities.
//!
//! Reads what the [Office 365 Management Activity API][schema] delivers, and the tables into which others pour it:
//!
//! | Format | Where it comes from | One record is |
//! |---|---|---|
//! | [`JsonLines`](Format::JsonLines) | collectors, `Search-UnifiedAuditLog` post-processed | a line |
//! | [`JsonArray`](Format::JsonArray) | the content blobs of the API | an element |
//! | [`JsonDocuments`](Format::JsonDocuments) | pages of Microsoft Graph (`value`), pretty-printed files, files put behind each other | an object |
//! | [`AuditLogCsv`](Format::AuditLogCsv) | the export of the audit log, JSON in a column `AuditData` | a row |
//! | [`OfficeActivityCsv`](Format::OfficeActivityCsv) | the Azure Monitor table [`OfficeActivity`][table] | a row |
//!
//! A JSON record whose `AuditData` holds the record, as a text or as an object, is read as that record, and one with the
//! columns of `OfficeActivity` as a row of that table. Names of fields and columns are known in any case. A table may be
//! parted by commas, semicolons, tabs or bars, and begin with `sep=` or `#TYPE`.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use activity_privacy::m365::Reader;
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
//! # Nothing is dropped
//! Every line that is not blank, every element, document and row gives exactly one item: an [`Activity`], or a
//! [`Rejected`] that says on which line it begins and what was expected, and repeats nothing of it. After a rejection
//! reading continues, except where nothing tells any more where a record begins. White space between records and byte
//! order marks count for nothing. An empty input contains no records. An input that is no UTF-8 text (UTF-16, gzip, a
//! workbook) is rejected once, [named for what it is](crate::input::InputKind).
//!
//! # Who acted
//! The safe wrong answer is "hidden". So:
//! - `UserType` decides between people, applications (5, 6) and the system (4, 7, 8). Without it, or with one that is
//!   not known, the actor is a person. Names that Microsoft gives to no person (`app@sharepoint`, `NT AUTHORITY\...`,
//!   `DlpAgent`, well-known security identifiers such as `S-1-5-18`, ...) are applications or system accounts whatever
//!   `UserType` says. An application that only `Actor` names is an application.
//! - Everybody whom `UserId`, `UserKey`, `Actor` and `LogonUserSid` name becomes an identity of the actor, also of an
//!   application or a system account: if it is a protected person's, it protects.
//! - A record that names nobody (`UserId` and `UserKey` empty, `Unknown`, `Not Available`, `anonymous`,
//!   `NT AUTHORITY\ANONYMOUS LOGON`) has the [unknown](crate::activity::Actor::unknown) actor.
//! - These perform beside the actor, and the activity is done on their behalf: the sender as whom or for whom somebody
//!   sent; the user of a token, of an impersonation, of a Power Platform session (`UserUPN`, `enduser.*`,
//!   `AppAccessContext`, `OnBehalfOf`, ...); the person whose doing a data-loss-prevention agent reports; the owner of a
//!   mailbox in which somebody else acted. An owner known only by a security identifier or mailbox id is an unknown
//!   principal unless the directory resolves it.
//! - A record that names more principals, identities or objects than an activity can carry is not lost: one unknown principal
//!   stands for the rest, so that the activity is hidden.
//! - Where a service reports on somebody (an alert, a match of a rule, a risk, an application in the session of a user) and
//!   no such field says on whom, **every** identity in the record performs. A service that acts by itself keeps whom it
//!   acts on as objects.
//! - A record is rejected in which `Actor`, `SharePointMetaData` or `ExchangeMetaData` is a list or an object written
//!   as a text that breaks off: whom it names by an id would be passed over.
//! - A record in which a field is given twice, at whatever depth, is rejected: readers could disagree on who acted.
//!   So is a table with two columns of one name, ` [UTC]` not counting.
//!
//! # What an identity looks like
//! One place reads every form, whatever field it is in, and gives the form that directories contain:
//!
//! | In a record | Identity |
//! |---|---|
//! | `adele@contoso.com`, after `SMTP:`, `mailto:`, `sip:` or `live.com#`, before a port, path or device, within other text, percent-encoded, with marks of byte order or direction | the address |
//! | `i:0#.f\|membership\|adele@contoso.com` and other claims | whom the claim names |
//! | an Entra object id: with or without hyphens, in braces, as `urn:uuid:`, as `User_...`, in `S-1-12-1-...` | the id in lower case |
//! | a passport id: 16 hexadecimal digits, alone or before a tenant | an account of [`Alias::PASSPORT_IDS`](crate::identity::Alias::PASSPORT_IDS) |
//! | a person's security identifier | an account of [`Alias::SECURITY_IDS`](crate::identity::Alias::SECURITY_IDS) |
//! | the GUID of a mailbox | an account of [`Alias::MAILBOX_IDS`](crate::identity::Alias::MAILBOX_IDS) |
//! | `CONTOSO\adele`, a legacy distinguished name of Exchange | the whole, and `adele` |
//! | a `UserKey` that is nothing of all this | an account of [`Alias::SOURCE_KEYS`](crate::identity::Alias::SOURCE_KEYS) |
//!
//! Guests (`#EXT#`) are kept as they are written.
//!
//! # What else becomes of a record
//! - Its id is `Id` (in the table `OfficeId`, else `SourceRecordId`, `RecordId`, `Id`), a GUID in lower case. One without
//!   gets an id made from its content, a version 5 UUID (RFC 9562) over its canonical form: the same record delivered
//!   again in another file is a duplicate. Two things that truly happened twice, and of which no field differs, become
//!   one.
//! - The app is its `Workload`, else the one that its `RecordType` belongs to, else `Microsoft 365`; all are in the
//!   suite `Microsoft 365`.
//! - Its time is `CreationTime`, in UTC when it names no zone. In a table also `TimeGenerated`, `Start_Time` or
//!   `CreationDate`, with or without ` [UTC]` behind, also as portals and spreadsheets write them. Whether `3/4/2026` is in
//!   March or in April is told by [the caller](Reader::with_date_order), by the first rows, or by the comma and the
//!   capitals of the American portal (`4/26/2021, 7:17:10.000 AM`). Otherwise the row is rejected.
//! - Its objects are `ObjectId` and whom it concerned, in whatever field: addresses, ids and account names, each by
//!   itself. A OneDrive address (`/personal/adele_contoso_com/`) names each owner whom it can mean.
//! - Its details are the record in its canonical form: that of [RFC 8785](https://www.rfc-editor.org/rfc/rfc8785.html),
//!   except that numbers which a double does not hold keep their text. So a record that comes again with its keys in
//!   another order, other escapes or other white space is a duplicate and no conflict. Of a row in the flat table, it is
//!   an object of the columns that contain something.
//!
//! [schema]: https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema
//! [table]: https://learn.microsoft.com/azure/azure-monitor/reference/tables/officeactivity

mod actor;
mod documents;
mod fields;
mod framing;
mod identity;
mod json;
mod objects;
mod record;
mod reject;
mod report;
mod row;
mod scan;
mod services;
mod shape;
mod table;
mod time;
mod walk;

use std::fmt;
use std::io::BufRead;
use std::iter::FusedIterator;

pub use reject::{JsonFault, RejectReason, Rejected};

use crate::activity::Activity;
use documents::{Documents, Layout, next_document};
use framing::{Found, Input, Place, Record};
use row::next_row;
use table::Columns;
use time::Dated;

/// The longest that a record may be, in bytes. A longer one is rejected, and skipped without being held in memory.
pub const MAX_RECORD_BYTES: usize = Activity::MAX_DETAILS_BYTES;

/// The most values that the JSON of a record may hold at all depths: objects, lists, and what stands in them. One with
/// more is rejected.
pub const MAX_RECORD_VALUES: usize = 100_000;

/// How the records are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One JSON object a line.
    JsonLines,
    /// One JSON array of objects.
    JsonArray,
    /// JSON values one after the other: objects in any layout, arrays of objects, and pages that hold such an array as
    /// `value` (Microsoft Graph) or `records` (an event hub).
    JsonDocuments,
    /// CSV with the record as JSON in the column `AuditData`.
    AuditLogCsv,
    /// CSV with a column for each field, as of the Azure Monitor table `OfficeActivity`.
    OfficeActivityCsv,
}

impl fmt::Display for Format {
    /// What is expected of an input in this format.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JsonLines => "JSON Lines, expected one JSON object a line",
            Self::JsonArray => "a JSON array, expected `[`",
            Self::JsonDocuments => "JSON documents, expected objects, arrays of objects, or pages of them",
            Self::AuditLogCsv => "an audit log export, expected CSV with distinct column names and `AuditData`",
            Self::OfficeActivityCsv => {
                "an OfficeActivity table, expected CSV with distinct column names and `Operation`"
            }
        })
    }
}

/// Which of day and month comes first in a date such as `3/4/2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateOrder {
    /// `3/4/2026` is the third of April.
    DayFirst,
    /// `3/4/2026` is the fourth of March.
    MonthFirst,
}

/// Reads activities from a stream, one record at a time; see the [module](self).
///
/// Holds one record in memory, of at most [`MAX_RECORD_BYTES`] and [`MAX_RECORD_VALUES`], and up to 64 KiB of what comes
/// next. Never panics, and ends when the input does.
pub struct Reader<R> {
    state: State<R>,
    record: Record,
    order: Option<DateOrder>,
    /// The first line whose date could be read either way round.
    ambiguous: Option<u64>,
}

enum State<R> {
    Unopened(R, Option<Format>),
    Lines(Input<R>),
    Elements(Input<R>, Place),
    Documents(Input<R>, Documents),
    Rows(Input<R>, Columns),
    Ended,
}

impl<R: BufRead> Reader<R> {
    /// Finds out the format from how the input begins: `[` and `{` are JSON, in lines if the first object is one, and
    /// anything else is CSV, whose header tells which.
    pub fn new(input: R) -> Self {
        Self::opening(input, None)
    }

    /// Reads one format only. An input in another is rejected as a whole, except that JSON Lines are never more than
    /// lines, each taken or rejected by itself.
    pub fn with_format(input: R, format: Format) -> Self {
        Self::opening(input, Some(format))
    }

    fn opening(input: R, format: Option<Format>) -> Self {
        Self { state: State::Unopened(input, format), record: Record::default(), order: None, ambiguous: None }
    }

    /// Says which of day and month comes first in dates such as `3/4/2026`, in rows where neither is above 12.
    ///
    /// Without it, the rows within the first 64 KiB of a table tell, if they agree. Where they do not tell either, each such
    /// row is rejected as [`RejectReason::AmbiguousDate`].
    #[must_use]
    pub fn with_date_order(self, order: DateOrder) -> Self {
        Self { order: Some(order), ..self }
    }

    fn open(&mut self, input: R, format: Option<Format>) -> Result<State<R>, Rejected> {
        let mut input = Input::new(input).map_err(|reason| Rejected::new(1, reason))?;
        let first = input.skip_space().map_err(|error| Rejected::new(input.line(), error.into()))?;
        match (format, first) {
            (None, None) => Ok(State::Ended),
            (Some(Format::JsonLines), _) => Ok(State::Lines(input)),
            (None, Some(b'{')) => match Layout::of(&mut input) {
                Ok(Layout::Lines) => Ok(State::Lines(input)),
                Ok(Layout::Documents) => Ok(State::Documents(input, Documents::Between)),
                Err(error) => Err(Rejected::new(input.line(), error.into())),
            },
            (Some(Format::JsonDocuments), _) | (None, Some(b'[')) => Ok(State::Documents(input, Documents::Between)),
            (Some(Format::JsonArray), Some(b'[')) => {
                input.skip(1).map_err(|error| Rejected::new(input.line(), error.into()))?;
                Ok(State::Elements(input, Place::Opened))
            }
            (Some(expected @ Format::JsonArray), _) => {
                Err(Rejected::new(input.line(), RejectReason::OtherFormat { expected }))
            }
            (Some(Format::AuditLogCsv | Format::OfficeActivityCsv) | None, _) => {
                let line = input.line();
                let columns = self.columns(&mut input, format).map_err(|reason| Rejected::new(line, reason))?;
                if self.order.is_none() {
                    self.order = order_told_by_rows(&mut input, &columns);
                }
                Ok(State::Rows(input, columns))
            }
        }
    }

    /// Reads the header of a table, behind the lines that spreadsheets and PowerShell put before it.
    fn columns(&mut self, input: &mut Input<R>, format: Option<Format>) -> Result<Columns, RejectReason> {
        let mut delimiter = None;
        loop {
            match next_row(input, delimiter.unwrap_or(b','), &mut self.record) {
                Found::End => return Columns::new("", format, delimiter),
                Found::Fault(_, reason) | Found::Fatal(_, reason) => return Err(reason),
                Found::Record(_) => {}
            }
            let header = self.record.text()?;
            match header.trim().as_bytes() {
                [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', sign] => delimiter = Some(*sign),
                [b'#', ..] if header.trim().get(..5).is_some_and(|head| head.eq_ignore_ascii_case("#TYPE")) => {}
                _ => return Columns::new(header, format, delimiter),
            }
        }
    }
}

/// Returns the order of day and month on which the rows agree that can be looked at beforehand.
fn order_told_by_rows<R: BufRead>(input: &mut Input<R>, columns: &Columns) -> Option<DateOrder> {
    // Where the first row tells a time by itself, there is nothing to look for.
    while !input.ahead().contains(&b'\n') && input.look_further().ok()? {}
    let rows = |bytes: &[u8]| {
        let (mut told, mut unclear) = (Vec::new(), false);
        let Ok(mut ahead) = Input::new(bytes) else { return (told, unclear) };
        let mut record = Record::default();
        while let Found::Record(_) = next_row(&mut ahead, columns.delimiter, &mut record) {
            match record.text().map(|row| columns.order_told_by(row)) {
                Ok(Dated::In(order)) => told.push(order),
                Ok(Dated::InEither) => unclear = true,
                Ok(Dated::Clearly) | Err(_) => {}
            }
        }
        (told, unclear)
    };
    // Of the first row alone, because how much more is there depends on how the input comes.
    let first = input.ahead().split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
    if let (told, false) = rows(first)
        && told.is_empty()
    {
        return None;
    }
    while input.look_further().ok()? {}
    // The last row that was looked at may be cut.
    let whole = input.ahead().iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let told = rows(input.ahead().get(..whole).unwrap_or_default()).0;
    told.first().copied().filter(|first| told.iter().all(|order| order == first))
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Activity, Rejected>;

    fn next(&mut self) -> Option<Self::Item> {
        if let State::Unopened(..) = self.state
            && let State::Unopened(input, format) = std::mem::replace(&mut self.state, State::Ended)
        {
            match self.open(input, format) {
                Ok(state) => self.state = state,
                Err(rejected) => return Some(Err(rejected)),
            }
        }
        let record = &mut self.record;
        let found = match &mut self.state {
            State::Unopened(..) | State::Ended => Found::End,
            State::Lines(input) => framing::next_line(input, record),
            State::Elements(input, place) => match framing::next_element(input, place, record) {
                Found::End => framing::after_array(input),
                found => found,
            },
            State::Documents(input, documents) => next_document(input, documents, record),
            State::Rows(input, columns) => next_row(input, columns.delimiter, record),
        };
        match found {
            Found::Record(line) => {
                let activity = record.text().and_then(|text| match &self.state {
                    State::Rows(_, columns) => columns.activity(text, self.order),
                    _ => record::from_json(text.trim_ascii().trim_start_matches('\u{feff}').trim_ascii(), self.order),
                });
                Some(activity.map_err(|reason| Rejected::new(line, self.named_once(line, reason))))
            }
            Found::Fault(line, reason) => Some(Err(Rejected::new(line, reason))),
            Found::Fatal(line, reason) => {
                self.state = State::Ended;
                Some(Err(Rejected::new(line, reason)))
            }
            Found::End => {
                self.state = State::Ended;
                None
            }
        }
    }
}

impl<R> Reader<R> {
    /// A reason that holds of many rows refers to the first of them.
    fn named_once(&mut self, line: u64, reason: RejectReason) -> RejectReason {
        let RejectReason::AmbiguousDate { field, .. } = reason else { return reason };
        let first = self.ambiguous;
        self.ambiguous = first.or(Some(line));
        RejectReason::AmbiguousDate { field, first }
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

    const LONG_NAME: &str = "a long name of a field, of which not all is looked at again for each text in it; a long name of a \
                             field, of which not all is looked at again for each text in it";

    fn reads_all(input: String) {
        for item in Reader::new(input.as_bytes()) {
            item.unwrap();
        }
    }

    #[test]
    fn b3_reading_records_is_linear() {
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
    fn b3_reading_one_record_is_linear_in_what_it_holds() {
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
