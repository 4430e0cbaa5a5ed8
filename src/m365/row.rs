//! The rows of a table and their fields.

use std::io::BufRead;

use super::framing::{Found, Input, Record};
use super::reject::RejectReason;

/// One record a CSV row, which goes on over the line breaks in its quoted fields (RFC 4180). Blank lines between rows
/// are none.
///
/// A row that is too long is skipped by the same rules, so that nothing inside its quotes can pass for a row.
pub(super) fn next_row<R: BufRead>(input: &mut Input<R>, delimiter: u8, record: &mut Record) -> Found {
    loop {
        let line = input.line();
        let mut scan = CsvScan::Start;
        match input.until(record, |byte| scan.ends_at(byte, delimiter)) {
            Err(error) => return Found::Fatal(input.line(), error.into()),
            Ok(None) if scan == CsvScan::Quoted => return Found::Fault(line, RejectReason::UnclosedQuote),
            Ok(None) if record.is_blank() => return Found::End,
            Ok(Some(_)) if record.is_blank() => {}
            Ok(_) => return Found::Record(line),
        }
    }
}

/// The fields of a CSV row, without the quotes around them. Read by the rules by which rows are parted from each other,
/// so that nothing is a quote for the one and none for the other.
pub(super) struct Row {
    text: String,
    /// Where each field ends in the text.
    ends: Vec<usize>,
}

impl Row {
    pub(super) fn of(row: &str, delimiter: u8) -> Self {
        let (mut text, mut ends, mut scan) = (String::with_capacity(row.len()), Vec::new(), CsvScan::Start);
        for c in row.chars() {
            let before = scan;
            // No letter beyond ASCII means anything here.
            scan.ends_at(u8::try_from(c).unwrap_or(b'x'), delimiter);
            match (before, c) {
                // It opens the field, or closes it, or is the first of two that stand for one.
                (CsvScan::Start | CsvScan::Quoted, '"') => {}
                (CsvScan::Start | CsvScan::Plain | CsvScan::QuoteInQuoted, c) if c == char::from(delimiter) => {
                    ends.push(text.len());
                }
                _ => text.push(c),
            }
        }
        ends.push(text.len());
        Self { text, ends }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&str> {
        let from = match at.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(from..*self.ends.get(at)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map_while(|at| self.get(at))
    }
}

/// Where in a CSV field a byte stands. A quote opens a field only at its start; one that stands elsewhere is a quote.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CsvScan {
    Start,
    Plain,
    Quoted,
    QuoteInQuoted,
}

impl CsvScan {
    fn ends_at(&mut self, byte: u8, delimiter: u8) -> bool {
        *self = match (*self, byte) {
            (Self::Start | Self::QuoteInQuoted, b'"') => Self::Quoted,
            (Self::Quoted, b'"') => Self::QuoteInQuoted,
            (Self::Quoted, _) => Self::Quoted,
            (_, b'\n' | b'\r') => return true,
            (_, byte) if byte == delimiter => Self::Start,
            _ => Self::Plain,
        };
        false
    }
}
