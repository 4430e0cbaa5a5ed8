//! The results as tables.

use std::fmt;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use super::source::Source;
use super::times::{Ratio, Times};

/// The rate of each source beside that of serde_json.
#[derive(Default)]
pub(crate) struct Report(Vec<[String; 7]>);

impl Report {
    pub(crate) fn source(&mut self, source: &Source, ours: &Times, theirs: &Times) {
        let Ratio { median, whole } = ours.over(theirs);
        let bytes = source.bytes_of_record();
        self.0.push([
            source.name.to_owned(),
            format!("{bytes:.0}"),
            grouped(ours.rate()),
            format!("{:.0}", ours.rate() * bytes / 1e6),
            format!("{:.0}", theirs.rate() * bytes / 1e6),
            format!("{median:.2}"),
            format!("{whole:.2}"),
        ]);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header =
            ["source", "bytes/record", "records/s", "MB/s", "serde_json MB/s", "ratio, median", "ratio, total"];
        table(&header, &self.0).fmt(f)
    }
}

/// Returns a table of which all columns but the first are right-aligned.
pub(crate) fn table<const N: usize>(header: &[&str; N], rows: &[[String; N]]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for row in rows {
        table.add_row(row);
    }
    table
}

/// Formats a number with thousands separators.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
