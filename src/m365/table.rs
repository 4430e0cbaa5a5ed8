//! The two CSV shapes: the export of the audit log, and the flat `OfficeActivity` table.

use serde_json::{Map, Value};

use super::fields::{FLAT, Fields, without_zone};
use super::reject::RejectReason;
use super::row::Row;
use super::time::Dated;
use super::{DateOrder, Format, record};
use crate::activity::Activity;
use crate::json::canonical;

/// The column of the export that holds the whole record as JSON.
const AUDIT_DATA: &str = "AuditData";

/// The delimiters that are tried on a header, in this order.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What the header of a table says.
pub(super) struct Columns {
    names: Vec<String>,
    /// Where the record stands as JSON, if the table is an export.
    audit_data: Option<usize>,
    pub(super) delimiter: u8,
}

impl Columns {
    /// Reads the header. `format` is what the table was said to be, if anything, and `delimiter` what its first line says.
    pub(super) fn new(header: &str, format: Option<Format>, delimiter: Option<u8>) -> Result<Self, RejectReason> {
        let tried = match &delimiter {
            Some(delimiter) => std::slice::from_ref(delimiter),
            None => &DELIMITERS[..],
        };
        let wrong = match format {
            Some(expected) => RejectReason::OtherFormat { expected },
            None => RejectReason::UnknownFormat,
        };
        tried.iter().find_map(|delimiter| Self::with_delimiter(header, format, *delimiter)).ok_or(wrong)
    }

    fn with_delimiter(header: &str, format: Option<Format>, delimiter: u8) -> Option<Self> {
        let names: Vec<String> = Row::of(header, delimiter).iter().map(|name| name.trim().to_owned()).collect();
        let mut sorted: Vec<&str> = names.iter().map(|name| without_zone(name)).collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| matches!(pair, [a, b] if a == b && !a.is_empty())) {
            return None;
        }
        let audit_data = names.iter().position(|name| name.eq_ignore_ascii_case(AUDIT_DATA));
        let flat = names.iter().any(|name| name.eq_ignore_ascii_case("Operation"));
        match (format, audit_data) {
            (None | Some(Format::AuditLogCsv), Some(_)) => Some(Self { names, audit_data, delimiter }),
            (None | Some(Format::OfficeActivityCsv), _) if flat => Some(Self { names, audit_data: None, delimiter }),
            _ => None,
        }
    }

    /// Returns what the time in a row tells of the order of day and month.
    pub(super) fn order_told_by(&self, row: &str) -> Dated {
        if self.audit_data.is_some() {
            return Dated::Clearly;
        }
        let row = Row::of(row, self.delimiter);
        let text = |field: &&str| {
            let at = self.names.iter().position(|name| without_zone(name).eq_ignore_ascii_case(field))?;
            row.get(at).map(str::trim).filter(|text| !text.is_empty())
        };
        FLAT.time.iter().find_map(text).map_or(Dated::Clearly, Dated::of)
    }

    /// The activity that a row tells of.
    pub(super) fn activity(&self, row: &str, order: Option<DateOrder>) -> Result<Activity, RejectReason> {
        let row = Row::of(row, self.delimiter);
        if row.len() != self.names.len() {
            return Err(RejectReason::FieldCount { found: row.len(), expected: self.names.len() });
        }
        match self.audit_data {
            Some(at) => match row.get(at).map(str::trim) {
                None | Some("") => {
                    Err(RejectReason::MissingField { field: AUDIT_DATA, expected: "the record as a JSON object" })
                }
                Some(json) => match record::from_json(json, order) {
                    // Some tools double the quotes once more.
                    Err(reason @ RejectReason::Json { .. }) => {
                        record::from_json(&json.replace("\"\"", "\""), order).map_err(|_| reason)
                    }
                    activity => activity,
                },
            },
            None => self.flat(&row, order),
        }
    }

    fn flat(&self, row: &Row, order: Option<DateOrder>) -> Result<Activity, RejectReason> {
        let mut map = Map::new();
        for (name, value) in self.names.iter().zip(row.iter()).filter(|(_, value)| !value.trim().is_empty()) {
            map.insert(without_zone(name).to_owned(), Value::String(value.to_owned()));
        }
        let details = canonical(&serde_json::to_string(&map)?)?;
        record::from_fields(&Fields::flat(map, order), details)
    }
}
