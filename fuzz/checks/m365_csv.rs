//! Checks bytes as the export of the audit log, as `OfficeActivity`, and in the format that the reader detects.

use activity_privacy::sources::RejectReason;
use activity_privacy::sources::m365::Format;
use serde_json::{Map, Value};

use super::reader::{IDS, Item, is_no_text, protects, read, unmarked};

/// The columns of the actor.
const WHO: [&str; 2] = ["UserId", "UserKey"];

pub(crate) fn check(input: &[u8]) {
    read(input, None);
    let export = read(input, Some(Format::AuditLogCsv));
    let table = read(input, Some(Format::OfficeActivityCsv));
    let Some(rows) = rows(input) else { return };
    let Some((header, rest)) = rows.split_first().filter(|_| !is_no_text(&table)) else { return };
    if is_parted_by_commas(header, "AuditData") {
        counted(&rows, &export);
    }
    if is_parted_by_commas(header, "Operation") {
        counted(&rows, &table);
        for (row, item) in rest.iter().zip(&table) {
            same_fields(header, row, item);
        }
    }
}

/// Returns whether a header that is separated by commas has this column.
fn is_parted_by_commas(header: &csv::StringRecord, column: &str) -> bool {
    header.iter().any(|name| name.trim().eq_ignore_ascii_case(column))
}

/// Returns the rows that the `csv` crate reads, the header first, without blank ones. Returns `None` if the input is
/// not UTF-8.
fn rows(input: &[u8]) -> Option<Vec<csv::StringRecord>> {
    let text = std::str::from_utf8(unmarked(input)).ok()?.trim_start_matches(|c: char| c.is_ascii_whitespace());
    // The crate removes a byte order mark only at the start, so this one protects the next.
    let text = format!("\u{feff}{text}");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let (mut rows, mut record, mut from) = (Vec::new(), csv::StringRecord::new(), 3);
    while reader.read_record(&mut record).unwrap() {
        let to = (reader.position().byte() as usize).max(3);
        if !text.as_bytes()[from..to].trim_ascii().is_empty() {
            rows.push(record.clone());
        }
        from = to;
    }
    Some(rows)
}

/// Checks that there are as many items as rows, or one rejection of the header.
fn counted(rows: &[csv::StringRecord], items: &[Item]) {
    let header = matches!(items, [Err(only)] if match only.reason() {
        RejectReason::OtherFormat { .. } => true,
        RejectReason::UnclosedQuote => rows.len() == 1,
        _ => false,
    });
    assert!(header || items.len() == rows.len().saturating_sub(1), "B1: every row is an item");
}

/// Checks that a row has the fields that the `csv` crate reads.
fn same_fields(header: &csv::StringRecord, row: &csv::StringRecord, item: &Item) {
    match item {
        Err(rejected) => match rejected.reason() {
            RejectReason::FieldCount { found, expected } => {
                assert_eq!((*found, *expected), (row.len(), header.len()), "B1");
            }
            RejectReason::UnclosedQuote | RejectReason::OtherFormat { .. } => {}
            _ => assert_eq!(row.len(), header.len(), "B1: {rejected}"),
        },
        Ok(activity) => {
            assert_eq!(row.len(), header.len(), "B1: a row with more or fewer fields than columns was accepted");
            let held = header.iter().zip(row).filter(|(_, value)| !value.trim().is_empty());
            let without_zone =
                |name: &str| name.trim().strip_suffix(" [UTC]").unwrap_or(name.trim()).trim_end().to_owned();
            let held: Map<String, Value> = held.map(|(name, value)| (without_zone(name), value.into())).collect();
            let kept: Map<String, Value> = serde_json::from_str(activity.details().unwrap()).unwrap();
            let is_id = |name: &str| IDS.iter().any(|id| name.eq_ignore_ascii_case(id));
            let content = |map: &Map<String, Value>| {
                map.iter()
                    .filter(|(name, _)| !is_id(name))
                    .map(|(name, it)| (name.clone(), it.clone()))
                    .collect::<Vec<_>>()
            };
            assert!(content(&kept) == content(&held), "B1: the details are the columns that are not empty");
            protects(activity, WHO.iter().filter_map(|field| held.get(*field)?.as_str()));
        }
    }
}
