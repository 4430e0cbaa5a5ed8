//! Parting a stream into records without holding more than one of them, and never more of it than allowed.

use std::io::{self, BufRead, Chain, Cursor, Read};

use super::MAX_RECORD_BYTES;
use super::reject::RejectReason;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A stream that knows on which line it is.
pub(super) struct Input<R> {
    inner: Chain<Cursor<Vec<u8>>, R>,
    line: u64,
}

impl<R: BufRead> Input<R> {
    /// Begins after the byte order mark, if there is one.
    pub(super) fn new(mut inner: R) -> io::Result<Self> {
        let mut head = Vec::new();
        (&mut inner).take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut head)?;
        if head == BYTE_ORDER_MARK {
            head.clear();
        }
        Ok(Self { inner: Cursor::new(head).chain(inner), line: 1 })
    }

    /// The line on which the next byte stands.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Skips white space; the next byte, not consumed.
    pub(super) fn skip_space(&mut self) -> io::Result<Option<u8>> {
        let mut next = None;
        self.walk(|byte| {
            let space = byte.is_ascii_whitespace();
            next = (!space).then_some(byte);
            if space { Step::Take } else { Step::StopBefore }
        })?;
        Ok(next)
    }

    /// Puts bytes into `record` up to the one at which `ends` says so, which is consumed and given back; `None` when
    /// the input ends first.
    fn until(&mut self, record: &mut Record, mut ends: impl FnMut(u8) -> bool) -> io::Result<Option<u8>> {
        let mut stop = None;
        record.clear();
        self.walk(|byte| {
            if ends(byte) {
                stop = Some(byte);
                return Step::StopAfter;
            }
            record.push(byte);
            Step::Take
        })?;
        Ok(stop)
    }

    fn walk(&mut self, mut step: impl FnMut(u8) -> Step) -> io::Result<()> {
        loop {
            let buffer = match self.inner.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                return Ok(());
            }
            let (mut taken, mut stopped) = (0, false);
            for &byte in buffer {
                let step = step(byte);
                stopped = !matches!(step, Step::Take);
                if matches!(step, Step::StopBefore) {
                    break;
                }
                taken += 1;
                self.line += u64::from(byte == b'\n');
                if stopped {
                    break;
                }
            }
            self.inner.consume(taken);
            if stopped {
                return Ok(());
            }
        }
    }
}

enum Step {
    Take,
    StopBefore,
    StopAfter,
}

/// The bytes of one record, or the knowledge that it is too long.
#[derive(Default)]
pub(super) struct Record {
    bytes: Vec<u8>,
    too_long: bool,
    /// Whether there is anything but white space in it, also where it is too long.
    holds_something: bool,
}

impl Record {
    fn clear(&mut self) {
        self.bytes.clear();
        self.too_long = false;
        self.holds_something = false;
    }

    // INVARIANT: never holds more than the limit.
    fn push(&mut self, byte: u8) {
        self.holds_something |= !byte.is_ascii_whitespace();
        if self.bytes.len() < MAX_RECORD_BYTES {
            self.bytes.push(byte);
        } else {
            self.too_long = true;
        }
    }

    fn is_blank(&self) -> bool {
        !self.holds_something
    }

    /// The record as text.
    pub(super) fn text(&self) -> Result<&str, RejectReason> {
        if self.too_long {
            return Err(RejectReason::TooLong { max: MAX_RECORD_BYTES });
        }
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => Ok(text),
            Err(error) => Err(RejectReason::NotUtf8 { at: error.valid_up_to() }),
        }
    }
}

/// Where a record was found; what it holds is in the [`Record`] that was passed in.
pub(super) enum Found {
    /// A record that begins on this line.
    Record(u64),
    /// Something on this line that is no record.
    Fault(u64, RejectReason),
    /// A fault after which nothing more can be read.
    Fatal(u64, RejectReason),
    /// Nothing more.
    End,
}

/// One record a line. Nothing in a line can reach into the next.
pub(super) fn next_line<R: BufRead>(input: &mut Input<R>, record: &mut Record) -> Found {
    loop {
        let line = input.line();
        match input.until(record, |byte| byte == b'\n') {
            Err(error) => return Found::Fatal(input.line(), error.into()),
            Ok(None) if record.is_blank() => return Found::End,
            Ok(_) if record.is_blank() => {}
            Ok(_) => return Found::Record(line),
        }
    }
}

/// How far into its JSON array the input is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// After the opening bracket.
    Opened,
    /// After a comma.
    Between,
    /// After the closing bracket.
    Closed,
}

/// Consumes the opening bracket, which is known to come next.
pub(super) fn open_array<R: BufRead>(input: &mut Input<R>) -> io::Result<()> {
    input.walk(|_| Step::StopAfter)
}

/// One record an element of an array whose opening bracket was consumed.
///
/// An element ends at a comma or closing bracket that stands in no string and no brackets. Only their depth is
/// counted, not their kind: the parser will find what is wrong inside, and the elements around it are not harmed.
pub(super) fn next_element<R: BufRead>(input: &mut Input<R>, place: &mut Place, record: &mut Record) -> Found {
    let next = match input.skip_space() {
        Ok(next) => next,
        Err(error) => return Found::Fatal(input.line(), error.into()),
    };
    let line = input.line();
    match (*place, next) {
        (Place::Closed, None) => return Found::End,
        (Place::Closed, Some(_)) => return Found::Fatal(line, RejectReason::AfterEnd),
        _ => {}
    }
    let mut scan = JsonScan::default();
    match input.until(record, |byte| scan.ends_at(byte)) {
        Err(error) => Found::Fatal(input.line(), error.into()),
        Ok(None) => Found::Fatal(line, RejectReason::Truncated),
        Ok(Some(b',')) => {
            *place = Place::Between;
            Found::Record(line)
        }
        Ok(Some(_)) if *place == Place::Opened && record.is_blank() => {
            *place = Place::Closed;
            next_element(input, place, record)
        }
        Ok(Some(_)) => {
            *place = Place::Closed;
            Found::Record(line)
        }
    }
}

#[derive(Default)]
struct JsonScan {
    depth: u64,
    in_string: bool,
    escaped: bool,
}

impl JsonScan {
    fn ends_at(&mut self, byte: u8) -> bool {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b',' | b']' if self.depth == 0 => return true,
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        false
    }
}

/// One record a CSV row, which goes on over the line breaks in its quoted fields (RFC 4180). Blank lines between rows
/// are none.
///
/// A row that is too long is skipped by the same rules, so that nothing inside its quotes can pass for a row.
pub(super) fn next_row<R: BufRead>(input: &mut Input<R>, record: &mut Record) -> Found {
    loop {
        let line = input.line();
        let mut scan = CsvScan::Start;
        match input.until(record, |byte| scan.ends_at(byte)) {
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
    pub(super) fn of(row: &str) -> Self {
        let (mut text, mut ends, mut scan) = (String::with_capacity(row.len()), Vec::new(), CsvScan::Start);
        for c in row.chars() {
            let before = scan;
            // No letter beyond ASCII means anything here.
            scan.ends_at(u8::try_from(c).unwrap_or(b'x'));
            match (before, c) {
                // It opens the field, or closes it, or is the first of two that stand for one.
                (CsvScan::Start | CsvScan::Quoted, '"') => {}
                (CsvScan::Start | CsvScan::Plain | CsvScan::QuoteInQuoted, ',') => ends.push(text.len()),
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
    fn ends_at(&mut self, byte: u8) -> bool {
        *self = match (*self, byte) {
            (Self::Start | Self::QuoteInQuoted, b'"') => Self::Quoted,
            (Self::Quoted, b'"') => Self::QuoteInQuoted,
            (Self::Quoted, _) => Self::Quoted,
            (_, b'\n' | b'\r') => return true,
            (_, b',') => Self::Start,
            _ => Self::Plain,
        };
        false
    }
}
