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
                self.fill(|writer, out| {
                    let (result, written) = writer.delimiter(out);
                    (result, 0, written)
                });
            }
            let mut rest = field.as_ref().as_bytes();
            // Also for an empty field, so that it is known to be there.
            self.fill(|writer, out| {
                let (result, read, written) = writer.field(rest, out);
                rest = rest.get(read..).unwrap_or_default();
                (result, read, written)
            });
        }
        self.fill(|writer, out| {
            let (result, written) = writer.terminator(out);
            (result, 0, written)
        });
    }

    /// Calls the writer with more and more space until its input is empty.
    fn fill(&mut self, mut write: impl FnMut(&mut Writer, &mut [u8]) -> (WriteResult, usize, usize)) {
        loop {
            let before = self.buffer.len();
            self.buffer.resize(before + 1024, 0);
            let space = self.buffer.get_mut(before..).unwrap_or_default();
            let (result, _, written) = write(&mut self.writer, space);
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
