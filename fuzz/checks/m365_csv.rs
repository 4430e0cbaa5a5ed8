//! Bytes as the export of the audit log, as the flat table, and as whatever they look like.

use activity_privacy::sources::RejectReason;
use activity_privacy::sources::m365::Format;
use serde_json::{Map, Value};

use super::reader::{IDS, Item, is_no_text, protects, read, unmarked};

/// The columns that say who acted.
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

/// Whether a header has a column where commas part it, and is not that of a table with another delimiter.
fn is_parted_by_commas(header: &csv::StringRecord, column: &str) -> bool {
    header.iter().any(|name| name.trim().eq_ignore_ascii_case(column))
}

/// The rows as the `csv` crate reads them in one go, header first, those left out that are blank. None, when a quote is
/// left open or it is no text: then everything is in one row, or none.
fn rows(input: &[u8]) -> Option<Vec<csv::StringRecord>> {
    let text = std::str::from_utf8(unmarked(input)).ok()?.trim_start_matches(|c: char| c.is_ascii_whitespace());
    // A byte order mark is dropped at the beginning of the input, and nowhere else: so one stands there.
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

/// As many items as rows, or one that says what is wrong with the header.
fn counted(rows: &[csv::StringRecord], items: &[Item]) {
    let header = matches!(items, [Err(only)] if match only.reason() {
        RejectReason::OtherFormat { .. } => true,
        RejectReason::UnclosedQuote => rows.len() == 1,
        _ => false,
    });
    assert!(header || items.len() == rows.len().saturating_sub(1), "B1: every row is an item");
}

/// A row holds what the `csv` crate finds in it.
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
            assert!(content(&kept) == content(&held), "B1: the details are the columns that hold something");
            protects(activity, WHO.iter().filter_map(|field| held.get(*field)?.as_str()));
        }
    }
}
