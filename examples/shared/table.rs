//! Output as tables that fit a terminal.

use std::io::Write;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, LineStyle, Table};

use crate::terminal::{Output, Result};

/// The width of a terminal that every reader has.
pub(crate) const WIDTH: u16 = 80;

pub(crate) fn heading(out: &mut Output, text: &str) -> Result<()> {
    Ok(writeln!(out, "\n== {text}")?)
}

/// Returns a table that wraps cells, so that it is at most 80 columns wide.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none())).set_header(header);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    table
}

/// Returns external text without control characters, truncated to a width.
pub(crate) fn plain(text: &str, width: usize) -> String {
    let mut plain: String = text.chars().filter(|c| !c.is_control()).take(width + 1).collect();
    if plain.chars().count() > width {
        plain = plain.chars().take(width - 1).chain(['…']).collect();
    }
    plain
}
