//! The records of an input, and the counts of the import.

use std::io::{self, BufRead, Chain, Cursor, Read};

use super::line::{self, AttributeLine, LineReader, NextLine};
use super::tree::DirectoryTree;
use crate::import::{EntryRejectReason, Import, Place, RejectedEntry};
use crate::input::InputKind;
use crate::steps;

const LAST_LINE: &str = "a line feed at the end of the last line";

/// The line and the reason of a rejection. Without a line, it concerns the whole record.
pub(super) type RecordError = (Option<u64>, EntryRejectReason);
/// A function that reads one line of a record.
pub(super) type LineHandler<'a> = &'a mut dyn FnMut(&[u8], line::LineInfo) -> Result<(), EntryRejectReason>;
/// A function that passes the lines of a record to a handler, until the handler rejects one. It returns the rejected
/// line and the reason.
pub(super) type ForEachLine<'a> = &'a mut dyn FnMut(LineHandler<'_>) -> Option<(u64, EntryRejectReason)>;

/// The records of an input, with the counts and rejections so far.
pub(super) struct RecordReader<R> {
    lines: LineReader<Chain<Cursor<Vec<u8>>, R>>,
    /// Whether more input can be read.
    is_open: bool,
    read: u64,
    ignored: u64,
    rejected: Vec<RejectedEntry>,
}

impl<R: BufRead> RecordReader<R> {
    /// Creates a reader of the records of an input. If the first bytes show that the input is not text, its kind is
    /// reported and nothing is read.
    pub(super) fn new(mut input: R) -> Self {
        let (head, failed) = read_head(&mut input);
        let other = InputKind::of(&head).map(|kind| EntryRejectReason::OtherInput { kind });
        let is_open = other.is_none() && failed.is_none();
        let reason = other.map(|reason| (Place::Whole, reason));
        let reason = reason.or(failed.map(|kind| (Place::Line(1), EntryRejectReason::Io { kind })));
        let rejected: Vec<_> = reason.into_iter().map(|(place, reason)| RejectedEntry { place, reason }).collect();
        let lines = LineReader::new(Cursor::new(head).chain(input));
        Self { lines, is_open, read: rejected.len() as u64, ignored: 0, rejected }
    }

    /// Reads one record. Returns whether there may be more.
    pub(super) fn next(&mut self, mut take: impl FnMut(ForEachLine<'_>) -> Result<bool, RecordError>) -> bool {
        if !self.is_open {
            return false;
        }
        // The first line of the record.
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
                    return fault.or(Some((line.number, EntryRejectReason::Truncated { expected: LAST_LINE })));
                }
                // After an error, the rest of the record is skipped.
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
                        return fault.or(Some((lines.number(), EntryRejectReason::Io { kind: error.kind() })));
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

    /// Reads the first line of the next record. A `version` line may precede it, even after the first record, because
    /// several files may be concatenated.
    fn first_line(&mut self) -> Result<Option<line::LineInfo>, EntryRejectReason> {
        loop {
            let found = self.lines.next().map_err(|error| EntryRejectReason::Io { kind: error.kind() })?;
            match found {
                NextLine::End => return Ok(None),
                NextLine::Blank => {}
                NextLine::Line(place) => {
                    let field = AttributeLine::parse(self.lines.bytes()).ok().filter(|field| field.is("version"));
                    let Some(version) = field.filter(|_| !place.cut) else { return Ok(Some(place)) };
                    if version.text("version")?.trim() != "1" {
                        return Err(EntryRejectReason::InvalidField { field: "version", expected: "`1`" });
                    }
                }
            }
        }
    }

    fn reject(&mut self, line: u64, reason: EntryRejectReason) {
        self.rejected.push(RejectedEntry { place: Place::Line(line), reason });
    }

    /// Returns the import, with the rejections in order.
    pub(super) fn into_import<T>(
        mut self,
        tree: &mut DirectoryTree,
        value: impl FnOnce(&mut DirectoryTree) -> T,
    ) -> Import<T> {
        let (rejected, non_people) = tree.resolve_pending();
        self.rejected.extend(rejected);
        self.rejected.sort_by_key(|rejected| match rejected.place {
            Place::Line(line) => line,
            _ => 0,
        });
        let Self { read, ignored, rejected, .. } = self;
        // An ignored member counts as a record.
        Import { value: value(tree), read: read + non_people, ignored: ignored + non_people, rejected }
    }
}

/// Reads the first bytes of an input, and returns the error that stopped it, if any.
fn read_head(input: &mut impl BufRead) -> (Vec<u8>, Option<io::ErrorKind>) {
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
