//! CSV tables (RFC 4180), row by row, with the crate `csv-core`.
//!
//! `csv-core` separates rows and fields and removes quotes. It reports no error, has no limit, and returns a row that
//! was cut off like a whole one. So this module adds the limit on the bytes of a row, the check for UTF-8, the line on
//! which a row begins, the rule for a quote that is never closed, and the lines before the header.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::{InputStream, RecordBuffer, RecordError};
use crate::steps::advance;

/// The delimiters that a table may have without stating one, the most usual first.
pub(crate) const DELIMITERS: [u8; 4] = *b",;\t|";

/// Reads the rows of a table, of which it stores one.
///
/// A row continues over the line breaks in its quoted fields. A quote opens a field only at its start; elsewhere it is
/// a quote like any other character. A carriage return, a line feed or both end a row. Empty lines are not rows.
pub(crate) struct RowReader<R> {
    input: InputStream<R>,
    parser: Parser,
    raw: RecordBuffer,
    /// The line on which the row begins.
    line: u64,
    end: RowEnd,
}

/// The fields of a row, without the quotes around them.
pub(crate) struct Row<'a> {
    /// The fields, with nothing between them.
    text: &'a str,
    /// The end of each field in `text`.
    ends: &'a [usize],
    end: RowEnd,
}

/// How a row ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowEnd {
    LineEnd,
    EndOfInput,
    /// The input ended inside a quoted field.
    OpenQuote,
}

impl<R: BufRead> RowReader<R> {
    /// Creates a reader that rejects rows longer than `max_bytes`, and skips them without storing more of them.
    pub(crate) fn new(input: InputStream<R>, delimiter: u8, max_bytes: usize) -> Self {
        let (parser, raw) = (Parser::new(delimiter), RecordBuffer::new(max_bytes));
        let line = input.line();
        Self { input, parser, raw, line, end: RowEnd::LineEnd }
    }

    /// Returns the input behind the row.
    pub(crate) fn input(&mut self) -> &mut InputStream<R> {
        &mut self.input
    }

    /// Returns the line on which the row begins, the first being 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Returns whether the row contains nothing but ASCII white space, however long it is.
    pub(crate) fn is_blank(&self) -> bool {
        self.raw.is_blank()
    }

    /// Reads the next row. Returns `false` at the end of the input.
    ///
    /// A row that is too long ends where it would otherwise, so that text inside its quotes is never read as a row.
    pub(crate) fn next(&mut self) -> io::Result<bool> {
        self.raw.clear();
        self.parser.clear();
        self.end = RowEnd::LineEnd;
        if !self.skip_line_ends()? {
            return Ok(false);
        }
        self.line = self.input.line();
        loop {
            let (parser, raw) = (&mut self.parser, &mut self.raw);
            let parsed = self.input.read_chunk(|chunk| {
                let (result, used) = parser.parse(chunk);
                // The last byte of a row that has ended is the line end.
                let text = used - usize::from(result == ReadRecordResult::Record);
                raw.extend(chunk.get(..text).unwrap_or_default());
                (used, result)
            })?;
            if parsed.is_none() {
                self.end = RowEnd::EndOfInput;
            }
            // Inside quotes, the parser takes this line feed for a part of the field; elsewhere it ends the row.
            match parsed.unwrap_or_else(|| self.parser.parse(b"\n").0) {
                ReadRecordResult::Record => return Ok(true),
                ReadRecordResult::End => return Ok(false),
                ReadRecordResult::InputEmpty if self.end == RowEnd::EndOfInput => {
                    self.end = RowEnd::OpenQuote;
                    return Ok(true);
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull if self.raw.is_too_long() => {
                    self.parser.clear();
                }
                ReadRecordResult::OutputFull => self.parser.grow_text(),
                ReadRecordResult::OutputEndsFull => self.parser.grow_ends(),
            }
        }
    }

    /// Returns the row that was read last.
    ///
    /// # Errors
    /// Returns [`RecordError`] if the row is too long, is not UTF-8, or ends inside a quoted field.
    pub(crate) fn row(&self) -> Result<Row<'_>, RecordError> {
        if self.end == RowEnd::OpenQuote {
            return Err(RecordError::UnclosedQuote);
        }
        // The raw bytes are checked, because two fields can be UTF-8 put together and not by themselves.
        self.raw.text()?;
        let (text, ends) = self.parser.fields();
        advance(1 + ends.len() + text.len() / 64);
        let text = str::from_utf8(text).map_err(|error| RecordError::NotUtf8 { at: error.valid_up_to() })?;
        Ok(Row { text, ends, end: self.end })
    }

    /// Consumes the line ends before the next row. Returns `false` at the end of the input.
    pub(crate) fn skip_line_ends(&mut self) -> io::Result<bool> {
        loop {
            let has_more = self.input.read_chunk(|chunk| {
                let line_ends = chunk.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
                (line_ends, line_ends < chunk.len())
            })?;
            match has_more {
                None => return Ok(false),
                Some(true) => return Ok(true),
                Some(false) => {}
            }
        }
    }
}

impl Row<'_> {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether the input ends behind the row without a line end, so that the row may be cut off.
    #[cfg_attr(not(feature = "import"), expect(dead_code, reason = "only a reader of directories rejects such a row"))]
    pub(crate) fn ends_with_input(&self) -> bool {
        self.end == RowEnd::EndOfInput
    }

    pub(crate) fn get(&self, at: usize) -> Option<&str> {
        let start = match at.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..*self.ends.get(at)?)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map_while(|at| self.get(at))
    }
}

/// The parser of `csv-core` with the buffers that it writes to.
struct Parser {
    core: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// How much of each buffer the row fills.
    text_len: usize,
    ends_len: usize,
}

impl Parser {
    fn new(delimiter: u8) -> Self {
        let mut core = ReaderBuilder::new().delimiter(delimiter).build();
        let (mut text, mut ends) = (vec![0; 1024], vec![0; 16]);
        // The parser removes a byte order mark at the start, and takes a first buffer of nothing else for the end of
        // the input. The mark was consumed already; behind a line end, which is not a row, the parser looks for none.
        let _ = core.read_record(b"\n", &mut text, &mut ends);
        Self { core, text, ends, text_len: 0, ends_len: 0 }
    }

    fn clear(&mut self) {
        (self.text_len, self.ends_len) = (0, 0);
    }

    /// Parses up to the end of a row. Returns how many bytes it consumed.
    fn parse(&mut self, bytes: &[u8]) -> (ReadRecordResult, usize) {
        advance(1);
        let text = self.text.get_mut(self.text_len..).unwrap_or_default();
        let ends = self.ends.get_mut(self.ends_len..).unwrap_or_default();
        let (result, used, written, ended) = self.core.read_record(bytes, text, ends);
        self.text_len += written;
        self.ends_len += ended;
        (result, used)
    }

    fn grow_text(&mut self) {
        self.text.resize(self.text.len() * 2, 0);
    }

    fn grow_ends(&mut self) {
        self.ends.resize(self.ends.len() * 2, 0);
    }

    fn fields(&self) -> (&[u8], &[usize]) {
        (self.text.get(..self.text_len).unwrap_or_default(), self.ends.get(..self.ends_len).unwrap_or_default())
    }
}

/// The lines before the header of a table, and the first line of the header.
pub(crate) struct Preamble {
    /// The delimiter that a line `sep=` states, if there is one.
    pub(crate) stated_delimiter: Option<u8>,
    /// The first line of the header, or as much of it as a row may have.
    pub(crate) header: Vec<u8>,
}

impl Preamble {
    /// Consumes the lines before the header: blank lines, and those that spreadsheets, PowerShell and Entra write.
    pub(crate) fn skip<R: BufRead>(input: &mut InputStream<R>, max_bytes: usize) -> io::Result<Self> {
        let (mut stated_delimiter, mut line) = (None, Vec::new());
        loop {
            let number = input.line();
            line.clear();
            input.read_line(&mut line, max_bytes)?;
            match self::stated_delimiter(&line) {
                // If carriage returns end the lines, the header is among these bytes too.
                _ if line.is_empty() || has_inner_carriage_return(&line) => {}
                Some(delimiter) => {
                    stated_delimiter = Some(delimiter);
                    continue;
                }
                None if line.trim_ascii().is_empty() || is_note(&line) => continue,
                None => {}
            }
            input.put_back(&line, number);
            return Ok(Self { stated_delimiter, header: line });
        }
    }

    /// Returns the delimiter that is stated, or else the one of [`DELIMITERS`] that occurs most often in the header
    /// outside of quotes. If several do, it is the first of them.
    pub(crate) fn delimiter(&self) -> u8 {
        self.stated_delimiter.unwrap_or_else(|| most_frequent(&self.header))
    }
}

/// Returns whether a carriage return ends a line before the end of these bytes.
fn has_inner_carriage_return(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line).contains(&b'\r')
}

/// Returns the delimiter that a line `sep=;` states. Spreadsheets read and write such a line before the header.
fn stated_delimiter(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii_start();
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\"").map_or(line, |line| line.strip_suffix(b"\"").unwrap_or(line));
    match line {
        // A delimiter beyond ASCII could split a character.
        [s, e, p, b'=', delimiter, ..] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") && delimiter.is_ascii() => {
            Some(*delimiter)
        }
        _ => None,
    }
}

/// Returns whether a line describes the table and is no part of it: the type of its rows, or the version of a form.
fn is_note(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let starts_with = |note: &[u8]| line.get(..note.len()).is_some_and(|start| start.eq_ignore_ascii_case(note));
    line.eq_ignore_ascii_case(b"#TYPE") || starts_with(b"#TYPE ") || starts_with(b"version:v")
}

fn most_frequent(header: &[u8]) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut in_quotes = false;
    advance(header.len() / 64);
    for byte in header {
        in_quotes ^= *byte == b'"';
        if let Some(count) = DELIMITERS.iter().zip(&mut counts).find(|(of, _)| *of == byte && !in_quotes) {
            *count.1 += 1;
        }
    }
    let most = counts.iter().max().copied().unwrap_or_default();
    let first = DELIMITERS.iter().zip(counts).find(|(_, count)| *count == most);
    first.map_or(b',', |(delimiter, _)| *delimiter)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn rows(bytes: &[u8], delimiter: u8) -> Vec<Result<Vec<String>, RecordError>> {
        let mut rows = RowReader::new(InputStream::behind(bytes, 1), delimiter, 20);
        let mut read = Vec::new();
        while rows.next().unwrap() {
            read.push(rows.row().map(|row| row.iter().map(str::to_owned).collect()));
        }
        read
    }

    #[test]
    fn b1_character_split_by_quote_or_delimiter_is_not_utf8() {
        for (bytes, at) in [(&b"\"\xc3\"\xa9,x\n"[..], 1), (b"\xc3,\xa9\n", 0), (b"b,\xffb\n", 2)] {
            assert_eq!(rows(bytes, b','), [Err(RecordError::NotUtf8 { at })], "{bytes:?}");
        }
        assert_eq!(stated_delimiter("sep=é\n".as_bytes()), None);
    }

    #[test]
    fn b3_row_at_limit_is_read_and_longer_is_skipped() {
        let long = [vec![b'x'; 20], b"\r\n".to_vec(), vec![b','; 21], b"\na,b".to_vec()].concat();
        let read = rows(&long, b',');
        assert_eq!(read[0], Ok(vec!["x".repeat(20)]));
        assert_eq!(read[1], Err(RecordError::TooLong { max: 20 }));
        assert_eq!(read[2], Ok(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn b1_text_in_quotes_of_long_row_is_no_row() {
        let hidden = "a\n".repeat(30);
        let read = rows(format!("\"{hidden}\",\nw,w\n\"{hidden}").as_bytes(), b',');
        let (too_long, row) = (Err(RecordError::TooLong { max: 20 }), Ok(vec!["w".to_owned(), "w".to_owned()]));
        assert_eq!(read, [too_long, row, Err(RecordError::UnclosedQuote)]);
    }
}
