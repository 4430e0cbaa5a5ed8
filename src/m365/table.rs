//! The two CSV shapes: the export of the audit log, and the flat `OfficeActivity` table.

use serde_json::{Map, Value};

use super::Format;
use super::fields::Fields;
use super::record;
use super::reject::RejectReason;
use super::split::Row;
use crate::activity::Activity;
use crate::json::canonical;

/// The column of the export that holds the whole record as JSON.
const AUDIT_DATA: &str = "AuditData";

/// What the header of a table says.
pub(super) struct Columns {
    names: Vec<String>,
    /// Where the record stands as JSON, if the table is an export.
    audit_data: Option<usize>,
}

impl Columns {
    /// Reads the header; `format` is what the table was said to be, if anything.
    pub(super) fn new(header: &str, format: Option<Format>) -> Result<Self, RejectReason> {
        let wrong = match format {
            Some(expected) => RejectReason::OtherFormat { expected },
            None => RejectReason::UnknownFormat,
        };
        let names: Vec<String> = Row::of(header).iter().map(|name| name.trim().to_owned()).collect();
        let mut sorted: Vec<&str> = names.iter().map(|name| without_zone(name)).collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| matches!(pair, [a, b] if a == b && !a.is_empty())) {
            return Err(wrong);
        }
        let audit_data = names.iter().position(|name| name == AUDIT_DATA);
        let flat = names.iter().any(|name| name == "Operation");
        match (format, audit_data) {
            (None | Some(Format::AuditLogCsv), Some(_)) => Ok(Self { names, audit_data }),
            (None | Some(Format::OfficeActivityCsv), _) if flat => Ok(Self { names, audit_data: None }),
            _ => Err(wrong),
        }
    }

    /// The activity that a row tells of.
    pub(super) fn activity(&self, row: &str) -> Result<Activity, RejectReason> {
        let row = Row::of(row);
        if row.len() != self.names.len() {
            return Err(RejectReason::FieldCount { found: row.len(), expected: self.names.len() });
        }
        match self.audit_data {
            Some(at) => match row.get(at).map(str::trim) {
                None | Some("") => {
                    Err(RejectReason::MissingField { field: AUDIT_DATA, expected: "the record as a JSON object" })
                }
                Some(json) => record::from_json(json),
            },
            None => self.flat(&row),
        }
    }

    fn flat(&self, row: &Row) -> Result<Activity, RejectReason> {
        let mut map = Map::new();
        let mut details = String::from("{");
        for (name, value) in self.names.iter().zip(row.iter()).filter(|(_, value)| !value.trim().is_empty()) {
            if details.len() > 1 {
                details.push(',');
            }
            details.push_str(&serde_json::to_string(name)?);
            details.push(':');
            details.push_str(&serde_json::to_string(value)?);
            map.insert(without_zone(name).to_owned(), Value::String(value.to_owned()));
        }
        details.push('}');
        record::from_fields(&Fields::flat(map), canonical(&details)?)
    }
}

/// The name of a column without the zone that a portal puts behind those of times.
fn without_zone(name: &str) -> &str {
    name.strip_suffix(" [UTC]").unwrap_or(name).trim_end()
}
