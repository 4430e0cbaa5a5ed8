//! Tables of comma-separated values ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)), with the crate `csv-core`.

use std::borrow::Cow;
use std::io;

use csv_core::{Terminator, WriteResult, Writer, WriterBuilder};

use super::Row;
use super::columns::{NAMES, texts};

/// The rows that were not written yet.
pub(super) struct CsvRows {
    writer: Writer,
    buffer: Vec<u8>,
}

impl CsvRows {
    pub(super) fn new(with_header: bool) -> Self {
        let mut rows = Self { writer: WriterBuilder::new().terminator(Terminator::CRLF).build(), buffer: Vec::new() };
        if with_header {
            rows.row(NAMES);
        }
        rows
    }

    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    pub(super) fn add(&mut self, row: &Row) -> io::Result<()> {
        let texts = texts(row)?;
        self.row(texts.each_ref().map(|text| without_formula(text)));
        Ok(())
    }

    fn row<T: AsRef<str>, const N: usize>(&mut self, fields: [T; N]) {
        for (at, field) in fields.iter().enumerate() {
            if at > 0 {
                self.write(4, |writer, out| writer.delimiter(out));
            }
            let mut rest = field.as_ref().as_bytes();
            // Also for an empty field, so that it is known to be there.
            self.write(rest.len() + 16, |writer, out| {
                let (result, read, written) = writer.field(rest, out);
                rest = rest.get(read..).unwrap_or_default();
                (result, written)
            });
        }
        self.write(4, |writer, out| writer.terminator(out));
    }

    /// Calls the writer with `space` more bytes until its input is empty.
    fn write(&mut self, space: usize, mut write: impl FnMut(&mut Writer, &mut [u8]) -> (WriteResult, usize)) {
        loop {
            let before = self.buffer.len();
            self.buffer.resize(before + space, 0);
            let free = self.buffer.get_mut(before..).unwrap_or_default();
            let (result, written) = write(&mut self.writer, free);
            self.buffer.truncate(before + written);
            if matches!(result, WriteResult::InputEmpty) {
                return;
            }
        }
    }
}

/// Puts an apostrophe before a cell that a spreadsheet would read as a formula, and before one that begins with an
/// apostrophe. A reader restores every cell by removing one apostrophe from its start, if there is one.
fn without_formula(cell: &str) -> Cow<'_, str> {
    let begins_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '\'']);
    if begins_formula { format!("'{cell}").into() } else { cell.into() }
}
