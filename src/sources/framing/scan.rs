//! Reading an input byte by byte.

use std::io::{self, BufRead};

use memchr::memchr;

use crate::input::{InputStream, RecordBuffer};

/// Whether a scan continues behind a byte.
pub(super) enum Step {
    Continue,
    StopBefore,
    StopAfter,
}

impl<R: BufRead> InputStream<R> {
    /// Calls `step` with each byte until one stops the scan or the input ends.
    pub(super) fn scan(&mut self, mut step: impl FnMut(u8) -> Step) -> io::Result<()> {
        loop {
            let stopped = self.read_chunk(|chunk| {
                for (at, byte) in chunk.iter().enumerate() {
                    match step(*byte) {
                        Step::Continue => {}
                        Step::StopBefore => return (at, true),
                        Step::StopAfter => return (at + 1, true),
                    }
                }
                (chunk.len(), false)
            })?;
            if stopped.unwrap_or(true) {
                return Ok(());
            }
        }
    }

    /// Consumes white space. Returns the byte behind it, which is not consumed, or `None` at the end of the input.
    pub(in crate::sources) fn skip_white_space(&mut self) -> io::Result<Option<u8>> {
        let mut next = None;
        self.scan(|byte| {
            if byte.is_ascii_whitespace() {
                return Step::Continue;
            }
            next = Some(byte);
            Step::StopBefore
        })?;
        Ok(next)
    }

    /// Consumes this many bytes, or those that are left.
    pub(in crate::sources) fn skip(&mut self, bytes: usize) -> io::Result<()> {
        let mut left = bytes;
        while left > 0
            && let Some(used) = self.read_chunk(|chunk| (left.min(chunk.len()), left.min(chunk.len())))?
        {
            left -= used;
        }
        Ok(())
    }

    /// Reads into `record` up to the byte whose index in the next bytes `find` returns. That byte is consumed, not
    /// stored, and returned. Returns `None` if the input ends first.
    pub(super) fn read_until(
        &mut self,
        record: &mut RecordBuffer,
        mut find: impl FnMut(&[u8]) -> Option<usize>,
    ) -> io::Result<Option<u8>> {
        record.clear();
        loop {
            let end = self.read_chunk(|chunk| match find(chunk) {
                Some(at) => {
                    record.extend(chunk.get(..at).unwrap_or_default());
                    (at + 1, chunk.get(at).copied())
                }
                None => {
                    record.extend(chunk);
                    (chunk.len(), None)
                }
            })?;
            match end {
                Some(None) => {}
                Some(end @ Some(_)) => return Ok(end),
                None => return Ok(None),
            }
        }
    }

    /// Reads the rest of a line into `record`. Returns the line feed, which is consumed and not stored, or `None` if the
    /// input ends first.
    pub(super) fn read_line_into(&mut self, record: &mut RecordBuffer) -> io::Result<Option<u8>> {
        self.read_until(record, |chunk| memchr(b'\n', chunk))
    }
}
