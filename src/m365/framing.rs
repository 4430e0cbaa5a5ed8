//! Parting a stream into records without holding more than one of them, and never more of it than allowed.

use std::io::{self, BufRead};

use super::MAX_RECORD_BYTES;
use super::reject::RejectReason;
use crate::input::InputKind;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A stream that knows on which line it is, and of which the first bytes can be looked at before they are read.
pub(super) struct Input<R> {
    /// What was looked at.
    head: Vec<u8>,
    /// How much of it was read.
    at: usize,
    inner: R,
    line: u64,
}

impl<R: BufRead> Input<R> {
    /// The most that is looked at beforehand, in bytes.
    pub(super) const MAX_LOOK: usize = 64 * 1024;

    /// Begins after the byte order mark, if there is one. Rejects an input that is no text in UTF-8, by what it is.
    pub(super) fn new(inner: R) -> Result<Self, RejectReason> {
        let mut input = Self { head: Vec::new(), at: 0, inner, line: 1 };
        while input.head.len() < InputKind::HEAD_BYTES && input.look_further()? {}
        if let Some(kind) = InputKind::of(&input.head) {
            return Err(RejectReason::OtherInput { kind });
        }
        input.skip_mark();
        Ok(input)
    }

    /// Skips a byte order mark that comes next, where one file was put behind another.
    pub(super) fn skip_mark(&mut self) {
        if self.ahead().starts_with(BYTE_ORDER_MARK) {
            self.at += BYTE_ORDER_MARK.len();
        }
    }

    /// What was looked at and not read yet.
    pub(super) fn ahead(&self) -> &[u8] {
        self.head.get(self.at..).unwrap_or_default()
    }

    /// Looks at some more bytes; returns whether there were any, and whether more may be looked at.
    pub(super) fn look_further(&mut self) -> io::Result<bool> {
        if self.ahead().len() >= Self::MAX_LOOK {
            return Ok(false);
        }
        let room = Self::MAX_LOOK - self.ahead().len();
        let read = loop {
            match self.inner.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(buffer) => {
                    let some = buffer.get(..room.min(buffer.len())).unwrap_or_default();
                    self.head.drain(..self.at);
                    self.at = 0;
                    self.head.extend_from_slice(some);
                    break some.len();
                }
            }
        };
        self.inner.consume(read);
        Ok(read > 0)
    }

    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at < self.head.len() {
            return Ok(self.ahead());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        if self.at < self.head.len() {
            self.at += bytes;
        } else {
            self.inner.consume(bytes);
        }
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

    /// Skips bytes.
    pub(super) fn skip(&mut self, bytes: usize) -> io::Result<()> {
        let mut left = bytes;
        self.walk(|_| {
            left = left.saturating_sub(1);
            if left == 0 { Step::StopAfter } else { Step::Take }
        })
    }

    /// Puts bytes into `record` up to and with the one at which `ends` says so, or to the end of the input.
    pub(super) fn through(&mut self, record: &mut Record, mut ends: impl FnMut(u8) -> bool) -> io::Result<()> {
        record.clear();
        self.walk(|byte| {
            record.push(byte);
            if ends(byte) { Step::StopAfter } else { Step::Take }
        })
    }

    /// Puts bytes into `record` up to the one at which `ends` says so, which is consumed and given back; `None` when
    /// the input ends first.
    pub(super) fn until(&mut self, record: &mut Record, mut ends: impl FnMut(u8) -> bool) -> io::Result<Option<u8>> {
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

    pub(super) fn walk(&mut self, mut step: impl FnMut(u8) -> Step) -> io::Result<()> {
        loop {
            let mut lines = 0;
            let buffer = match self.fill_buf() {
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
                lines += u64::from(byte == b'\n');
                if stopped {
                    break;
                }
            }
            self.consume(taken);
            self.line += lines;
            crate::steps::advance(taken);
            if stopped {
                return Ok(());
            }
        }
    }
}

pub(super) enum Step {
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

    pub(super) fn is_blank(&self) -> bool {
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

/// One record an element of an array whose opening bracket was consumed; the end once its closing bracket was.
///
/// An element ends at a comma or closing bracket that stands in no string and no brackets. Only their depth is
/// counted, not their kind: the parser will find what is wrong inside, and the elements around it are not harmed.
pub(super) fn next_element<R: BufRead>(input: &mut Input<R>, place: &mut Place, record: &mut Record) -> Found {
    if *place == Place::Closed {
        return Found::End;
    }
    if let Err(error) = input.skip_space() {
        return Found::Fatal(input.line(), error.into());
    }
    let line = input.line();
    let mut scan = JsonScan::default();
    match input.until(record, |byte| scan.ends_at(byte)) {
        Err(error) => Found::Fatal(input.line(), error.into()),
        Ok(None) => Found::Fatal(line, RejectReason::Truncated),
        Ok(Some(b',')) => {
            *place = Place::Between;
            Found::Record(line)
        }
        Ok(Some(_)) => match std::mem::replace(place, Place::Closed) {
            Place::Opened if record.is_blank() => Found::End,
            _ => Found::Record(line),
        },
    }
}

/// The end of an input that is one array, behind its closing bracket.
pub(super) fn after_array<R: BufRead>(input: &mut Input<R>) -> Found {
    match input.skip_space() {
        Err(error) => Found::Fatal(input.line(), error.into()),
        Ok(None) => Found::End,
        Ok(Some(_)) => Found::Fatal(input.line(), RejectReason::AfterEnd),
    }
}

/// Where in a JSON text a byte stands: in how many brackets, and whether in a string.
#[derive(Default)]
pub(super) struct JsonScan {
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// Whether the outermost bracket was closed.
    closed: bool,
}

impl JsonScan {
    /// Behind the opening bracket of an object.
    pub(super) fn within_an_object() -> Self {
        Self { depth: 1, ..Self::default() }
    }

    pub(super) fn is_in_string(&self) -> bool {
        self.in_string
    }

    /// Whether it stands in the outermost bracket and in no other.
    pub(super) fn is_outermost(&self) -> bool {
        self.depth == 1
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn takes(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.closed = self.depth == 0;
            }
            _ => {}
        }
    }

    /// Whether an element of a list ends at this byte, which is then not taken.
    fn ends_at(&mut self, byte: u8) -> bool {
        let ends = !self.in_string && self.depth == 0 && matches!(byte, b',' | b']');
        if !ends {
            self.takes(byte);
        }
        ends
    }
}
