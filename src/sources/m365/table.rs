//! The two tables: the export of the audit log, and `OfficeActivity`.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::field::Field;
use super::fields::{Fields, OFFICE_ACTIVITY, without_zone};
use super::time::DateOrderEvidence;
use super::{DateOrder, Format, MAX_RECORD_BYTES, RejectReason, record};
use crate::activity::Activity;
use crate::input::InputStream;
use crate::input::csv::{DELIMITERS, Preamble, Row, RowReader};
use crate::sources::field_names::FieldNames;
use crate::sources::json;

/// The column of the export that contains the whole record as JSON.
const AUDIT_DATA: &str = "AuditData";

/// The columns of a table.
pub(super) struct Table {
    names: Vec<String>,
    /// The index of the column with the record as JSON, if the table is an export.
    audit_data: Option<usize>,
    pub(super) delimiter: u8,
}

impl Table {
    /// Returns the delimiter that the input states, or else the first with which the header is one of a table.
    pub(super) fn delimiter(preamble: &Preamble, format: Option<Format>) -> u8 {
        let is_table = |delimiter: &u8| {
            let mut rows = RowReader::new(InputStream::behind(&*preamble.header, 1), *delimiter, preamble.header.len());
            let has_row = rows.next().is_ok_and(|has_row| has_row);
            has_row && rows.row().is_ok_and(|row| Self::from_header(&row, format, *delimiter).is_some())
        };
        let stated = preamble.stated_delimiter;
        stated.or_else(|| DELIMITERS.into_iter().find(is_table)).unwrap_or_else(|| preamble.delimiter())
    }

    /// Returns the columns of a header, or `None` if it is not the header of a table in the format that the caller
    /// stated.
    pub(super) fn from_header(row: &Row<'_>, format: Option<Format>, delimiter: u8) -> Option<Self> {
        let names: Vec<String> = row.iter().map(|name| name.trim().to_owned()).collect();
        let mut sorted: Vec<&str> = names.iter().map(|name| without_zone(name)).collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| matches!(pair, [a, b] if a == b && !a.is_empty())) {
            return None;
        }
        let audit_data = names.iter().position(|name| name.eq_ignore_ascii_case(AUDIT_DATA));
        let has_operation = names.iter().any(|name| name.eq_ignore_ascii_case("Operation"));
        match (format, audit_data) {
            (None | Some(Format::AuditLogCsv), Some(_)) => Some(Self { names, audit_data, delimiter }),
            (None | Some(Format::OfficeActivityCsv), _) if has_operation => {
                Some(Self { names, audit_data: None, delimiter })
            }
            _ => None,
        }
    }

    pub(super) fn format(&self) -> Format {
        if self.audit_data.is_some() { Format::AuditLogCsv } else { Format::OfficeActivityCsv }
    }

    /// Returns the order of day and month on which the rows agree that can be read ahead.
    pub(super) fn date_order<R: BufRead>(&self, input: &mut InputStream<R>) -> Option<DateOrder> {
        // If the first row has an unambiguous format, no other is read ahead.
        while !input.lookahead().contains(&b'\n') && input.look_further().ok()? {}
        // Only the first row, because the number of the others that were read ahead depends on how the input arrives.
        let first = input.lookahead().split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let (orders, is_ambiguous) = self.date_orders(first);
        if orders.is_empty() && !is_ambiguous {
            return None;
        }
        while input.look_further().ok()? {}
        // The last row that was read ahead may be incomplete.
        let complete = input.lookahead().iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let (orders, _) = self.date_orders(input.lookahead().get(..complete).unwrap_or_default());
        orders.first().copied().filter(|first| orders.iter().all(|order| order == first))
    }

    /// Returns the orders of day and month that the rows show, and whether a row is ambiguous.
    fn date_orders(&self, bytes: &[u8]) -> (Vec<DateOrder>, bool) {
        let (mut orders, mut is_ambiguous) = (Vec::new(), false);
        let mut rows = RowReader::new(InputStream::behind(bytes, 1), self.delimiter, MAX_RECORD_BYTES);
        while let Ok(true) = rows.next() {
            match rows.row().map(|row| self.date_order_of(&row)) {
                Ok(DateOrderEvidence::Order(order)) => orders.push(order),
                Ok(DateOrderEvidence::Ambiguous) => is_ambiguous = true,
                Ok(DateOrderEvidence::None) | Err(_) => {}
            }
        }
        (orders, is_ambiguous)
    }

    fn date_order_of(&self, row: &Row<'_>) -> DateOrderEvidence {
        if self.audit_data.is_some() {
            return DateOrderEvidence::None;
        }
        let text = |field: &Field| {
            let at = self.names.iter().position(|name| without_zone(name).eq_ignore_ascii_case(field.name()))?;
            row.get(at).map(str::trim).filter(|text| !text.is_empty())
        };
        OFFICE_ACTIVITY.time.iter().find_map(text).map_or(DateOrderEvidence::None, DateOrderEvidence::of)
    }

    /// Returns the activity in a row.
    pub(super) fn activity(
        &self,
        row: &Row<'_>,
        names: &mut FieldNames,
        order: Option<DateOrder>,
    ) -> Result<Activity, RejectReason> {
        if row.len() != self.names.len() {
            return Err(RejectReason::FieldCount { found: row.len(), expected: self.names.len() });
        }
        match self.audit_data {
            Some(at) => match row.get(at).map(str::trim) {
                None | Some("") => Err(RejectReason::MissingField {
                    field: AUDIT_DATA.into(),
                    expected: "the record as a JSON object",
                }),
                Some(json) => match record::from_json(json, names, order) {
                    // Some tools double the quotes twice.
                    Err(reason @ RejectReason::Json { .. }) => {
                        record::from_json(&json.replace("\"\"", "\""), names, order).map_err(|_| reason)
                    }
                    activity => activity,
                },
            },
            None => self.office_activity(row, names, order),
        }
    }

    fn office_activity(
        &self,
        row: &Row<'_>,
        names: &mut FieldNames,
        order: Option<DateOrder>,
    ) -> Result<Activity, RejectReason> {
        let cells = self.names.iter().map(|name| without_zone(name)).zip(row.iter());
        let cells: BTreeMap<&str, &str> = cells.filter(|(_, cell)| !cell.trim().is_empty()).collect();
        let details = serde_json::to_string(&cells)?;
        let document = json::document(&details)?;
        record::from_fields(&Fields::of_row(document.root(), names, order), names, &details)
    }
}
