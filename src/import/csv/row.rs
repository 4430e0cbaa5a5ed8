//! The rows of a table, one at a time, and never more of one than allowed.

use std::io::{self, BufRead, Chain, Cursor, Read as _};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::MAX_ROW_BYTES;
use super::preamble::Preamble;
use crate::import::RejectReason;
use crate::steps::advance;

const QUOTE: &str = "the closing quote of a field";

/// A stream of rows that knows on which line each begins.
pub(super) struct Rows<R> {
    input: Chain<Cursor<Vec<u8>>, R>,
    /// What went wrong before anything was read.
    failed: Option<RejectReason>,
    reader: Reader,
    /// What the fields hold, without anything between them.
    text: Vec<u8>,
    /// Where each of them ends, as far as there are fields.
    ends: Vec<usize>,
    fields: usize,
    /// The line on which the row begins, and the one on which the next byte stands.
    line: u64,
    next_line: u64,
    ended: bool,
    /// Whether the row was ended by the end of the input.
    is_open: bool,
}

/// What was found next. The row itself is with the [`Rows`].
pub(super) enum Found {
    Row,
    /// A row that cannot be taken.
    Fault(RejectReason),
    /// A fault after which nothing more can be read.
    Fatal(RejectReason),
    End,
}

/// The fields of a row.
pub(super) struct Row<'a> {
    text: &'a str,
    ends: &'a [usize],
    /// Whether no line feed ended it, so that it may have been cut.
    is_open: bool,
}

impl<R: BufRead> Rows<R> {
    /// Begins at the header.
    pub(super) fn new(mut input: R) -> Self {
        let Preamble { head, delimiter, line, failed } = Preamble::read(&mut input);
        // The reader takes a byte order mark away by itself, and its absence for the end of the input when nothing else
        // is in the first buffer. After a first line end, which says nothing, it does not look for one.
        let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
        let (mut text, mut ends) = (vec![0; 1024], vec![0; 16]);
        let _ = reader.read_record(b"\n", &mut text, &mut ends);
        let input = Cursor::new(head).chain(input);
        let (fields, ended, is_open) = (0, false, false);
        Self { input, failed, reader, text, ends, fields, line, next_line: line, ended, is_open }
    }

    /// The line on which the row begins.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// What the row holds.
    pub(super) fn row(&self) -> Result<Row<'_>, RejectReason> {
        let ends = self.ends.get(..self.fields).unwrap_or_default();
        let end = ends.last().copied().unwrap_or_default();
        let text = self.text.get(..end).unwrap_or_default();
        advance(1 + ends.len() + text.len() / 64);
        let text = std::str::from_utf8(text).map_err(|error| RejectReason::NotUtf8 { at: error.valid_up_to() })?;
        Ok(Row { text, ends, is_open: self.is_open })
    }

    /// Reads the next row that is not a blank line.
    pub(super) fn next(&mut self) -> Found {
        match self.advance() {
            Ok(found) => found,
            Err(error) => {
                self.ended = true;
                Found::Fatal(RejectReason::Io { kind: error.kind() })
            }
        }
    }

    fn advance(&mut self) -> io::Result<Found> {
        if let Some(reason) = self.failed.take() {
            self.ended = true;
            return Ok(Found::Fatal(reason));
        }
        if self.ended || !self.skip_line_ends()? {
            return Ok(Found::End);
        }
        let (mut filled, mut fields, mut too_long) = (0, 0, false);
        loop {
            advance(1);
            let buffer = fill(&mut self.input)?;
            self.ended = buffer.is_empty();
            // Whoever stands within quotes takes this for a part of the field, and everybody else for the end of the
            // row.
            let buffer = if self.ended { b"\n" } else { buffer };
            let text = self.text.get_mut(filled..).unwrap_or_default();
            let ends = self.ends.get_mut(fields..).unwrap_or_default();
            let (result, taken, written, ended) = self.reader.read_record(buffer, text, ends);
            (filled, fields) = (filled + written, fields + ended);
            if !self.ended {
                let used = buffer.get(..taken).unwrap_or_default();
                self.next_line += used.iter().filter(|byte| **byte == b'\n').count() as u64;
                self.input.consume(taken);
            }
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::InputEmpty if self.ended => {
                    return Ok(Found::Fault(RejectReason::Truncated { expected: QUOTE }));
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::End => return Ok(Found::End),
                // What is too long is skipped by the same rules, so that nothing inside its quotes can pass for a row.
                _ if filled + fields >= MAX_ROW_BYTES => (filled, fields, too_long) = (0, 0, true),
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
        (self.fields, self.is_open) = (fields, self.ended);
        if too_long || filled + fields > MAX_ROW_BYTES {
            return Ok(Found::Fault(RejectReason::TooLong { max: MAX_ROW_BYTES }));
        }
        Ok(Found::Row)
    }

    /// Skips blank lines. Whether anything comes after.
    fn skip_line_ends(&mut self) -> io::Result<bool> {
        loop {
            let (line, buffer) = (&mut self.next_line, fill(&mut self.input)?);
            let blank = buffer.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            if blank == 0 {
                self.line = *line;
                return Ok(!buffer.is_empty());
            }
            *line += buffer.iter().take(blank).filter(|byte| **byte == b'\n').count() as u64;
            self.input.consume(blank);
        }
    }
}

impl Row<'_> {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends).map(|(from, to)| self.text.get(from..*to).unwrap_or_default())
    }

    /// Whether no field holds anything.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

pub(super) fn fill<R: BufRead>(input: &mut R) -> io::Result<&[u8]> {
    loop {
        match input.fill_buf() {
            // Asked again, because the borrow checker cannot see that this one is not used any more.
            Ok(_) => return input.fill_buf(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
