//! The records of an input, and what becomes of them.

use std::io::{self, BufRead, Chain, Cursor, Read};

use super::line::{self, AttributeLine, LineReader, NextLine};
use super::tree::DirectoryTree;
use crate::import::{Import, Place, RejectReason, Rejected};
use crate::input::InputKind;
use crate::steps;

const LAST_LINE: &str = "a line feed at the end of the last line";

/// Where and why a record cannot be taken; without a line it is the whole record.
pub(super) type RecordError = (Option<u64>, RejectReason);
/// Takes in one line of a record.
pub(super) type LineHandler<'a> = &'a mut dyn FnMut(&[u8], line::LineInfo) -> Result<(), RejectReason>;
/// Gives all lines of a record to somebody, up to the first that is refused; where that was, and why.
pub(super) type ForEachLine<'a> = &'a mut dyn FnMut(LineHandler<'_>) -> Option<(u64, RejectReason)>;

/// The records of an input, and what became of them.
pub(super) struct RecordReader<R> {
    lines: LineReader<Chain<Cursor<Vec<u8>>, R>>,
    /// Whether there is anything to be read.
    is_open: bool,
    read: u64,
    ignored: u64,
    rejected: Vec<Rejected>,
}

impl<R: BufRead> RecordReader<R> {
    /// The records of an input, of which the first bytes are looked at: what is no text is named for what it is, and
    /// nothing of it is read.
    pub(super) fn new(mut input: R) -> Self {
        let (head, failed) = head(&mut input);
        let other = InputKind::of(&head).map(|kind| RejectReason::OtherInput { kind });
        let is_open = other.is_none() && failed.is_none();
        let reason = other.map(|reason| (Place::Whole, reason));
        let reason = reason.or(failed.map(|kind| (Place::Line(1), RejectReason::Io { kind })));
        let rejected: Vec<_> = reason.into_iter().map(|(place, reason)| Rejected { place, reason }).collect();
        let lines = LineReader::new(Cursor::new(head).chain(input));
        Self { lines, is_open, read: rejected.len() as u64, ignored: 0, rejected }
    }

    /// Reads one record. Whether there may be more.
    pub(super) fn next(&mut self, mut take: impl FnMut(ForEachLine<'_>) -> Result<bool, RecordError>) -> bool {
        if !self.is_open {
            return false;
        }
        // The first line that belongs to the record.
        let mut line = match self.first_line() {
            Ok(Some(line)) => line,
            Ok(None) => return false,
            Err(reason) => {
                self.read += 1;
                self.reject(self.lines.number(), reason);
                return false;
            }
        };
        let (begun, mut goes_on) = (line.number, true);
        let lines = &mut self.lines;
        let taken = take(&mut |take_line| {
            let mut fault = None;
            loop {
                steps::advance(1);
                if line.cut {
                    goes_on = false;
                    return fault.or(Some((line.number, RejectReason::Truncated { expected: LAST_LINE })));
                }
                // After a fault, the rest of the record is skipped.
                if fault.is_none() {
                    fault = take_line(lines.bytes(), line).err().map(|reason| (line.number, reason));
                }
                match lines.next() {
                    Ok(NextLine::Line(next)) => line = next,
                    Ok(NextLine::Blank) => return fault,
                    Ok(NextLine::End) => {
                        goes_on = false;
                        return fault;
                    }
                    Err(error) => {
                        goes_on = false;
                        return fault.or(Some((lines.number(), RejectReason::Io { kind: error.kind() })));
                    }
                }
            }
        });
        self.read += 1;
        match taken {
            Ok(true) => {}
            Ok(false) => self.ignored += 1,
            Err((line, reason)) => self.reject(line.unwrap_or(begun), reason),
        }
        goes_on
    }

    /// The next line that belongs to a record. One before it may tell the version, also where several files are read as
    /// one.
    fn first_line(&mut self) -> Result<Option<line::LineInfo>, RejectReason> {
        loop {
            let found = self.lines.next().map_err(|error| RejectReason::Io { kind: error.kind() })?;
            match found {
                NextLine::End => return Ok(None),
                NextLine::Blank => {}
                NextLine::Line(place) => {
                    let field = AttributeLine::parse(self.lines.bytes()).ok().filter(|field| field.is("version"));
                    let Some(version) = field.filter(|_| !place.cut) else { return Ok(Some(place)) };
                    if version.text("version")?.trim() != "1" {
                        return Err(RejectReason::InvalidField { field: "version", expected: "`1`" });
                    }
                }
            }
        }
    }

    fn reject(&mut self, line: u64, reason: RejectReason) {
        self.rejected.push(Rejected { place: Place::Line(line), reason });
    }

    /// What became of the records, the rejections in order, with what was read of them.
    pub(super) fn ended<T>(
        mut self,
        tree: &mut DirectoryTree,
        value: impl FnOnce(&mut DirectoryTree) -> T,
    ) -> Import<T> {
        let (rejected, left_out) = tree.resolve_unresolved();
        self.rejected.extend(rejected);
        self.rejected.sort_by_key(|rejected| match rejected.place {
            Place::Line(line) => line,
            _ => 0,
        });
        let Self { read, ignored, rejected, .. } = self;
        // A member who was left out is a record of its own.
        Import { value: value(tree), read: read + left_out, ignored: ignored + left_out, rejected }
    }
}

/// The first bytes of an input, and what kept it from giving more.
fn head(input: &mut impl BufRead) -> (Vec<u8>, Option<io::ErrorKind>) {
    let mut head = Vec::with_capacity(InputKind::HEAD_BYTES);
    while head.len() < InputKind::HEAD_BYTES {
        match input.fill_buf() {
            Ok([]) => break,
            Ok(bytes) => {
                let taken = bytes.len().min(InputKind::HEAD_BYTES - head.len());
                head.extend(bytes.iter().take(taken));
                input.consume(taken);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (head, Some(error.kind())),
        }
    }
    (head, None)
}
