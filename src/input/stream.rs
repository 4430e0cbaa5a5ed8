//! A stream of UTF-8 text that counts its lines and can be inspected before it is consumed.

use std::io::{self, BufRead};

use memchr::{memchr, memchr_iter};

use super::InputKind;
use crate::steps::advance;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The reason why an input cannot be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputError {
    /// Reading failed.
    Io(io::ErrorKind),
    /// The input is not UTF-8 text.
    NotText(InputKind),
}

impl From<io::Error> for InputError {
    /// Keeps the kind and drops the message, which can contain anything.
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// A stream of UTF-8 text that counts its lines and can be inspected before it is consumed.
pub(crate) struct InputStream<R> {
    /// Bytes that were read from `inner` ahead of their turn.
    lookahead: Vec<u8>,
    /// The number of bytes of `lookahead` that were consumed.
    consumed: usize,
    inner: R,
    /// The line of the next byte, the first being 1.
    line: u64,
}

impl<R: BufRead> InputStream<R> {
    /// The most bytes that are inspected before they are consumed.
    pub(crate) const MAX_LOOKAHEAD: usize = 64 * 1024;

    /// Opens an input and consumes its byte order mark.
    ///
    /// # Errors
    /// Returns [`InputError`] if reading fails, or if the first bytes are those of something else than UTF-8 text.
    pub(crate) fn new(inner: R) -> Result<Self, InputError> {
        let mut input = Self::behind(inner, 1);
        while input.lookahead.len() < BYTE_ORDER_MARK.len() + InputKind::HEAD_BYTES && input.look_further()? {}
        input.skip_byte_order_mark();
        match InputKind::of(input.lookahead()) {
            Some(kind) => Err(InputError::NotText(kind)),
            None => Ok(input),
        }
    }

    /// Wraps the rest of an input that was opened before. The rest begins on `line`.
    pub(crate) fn behind(inner: R, line: u64) -> Self {
        Self { lookahead: Vec::new(), consumed: 0, inner, line }
    }

    /// Consumes a byte order mark if it is next. Concatenated files have one in the middle.
    pub(crate) fn skip_byte_order_mark(&mut self) {
        if self.lookahead().starts_with(BYTE_ORDER_MARK) {
            self.consumed += BYTE_ORDER_MARK.len();
        }
    }

    /// Returns the bytes that were read ahead and not consumed.
    pub(crate) fn lookahead(&self) -> &[u8] {
        self.lookahead.get(self.consumed..).unwrap_or_default()
    }

    /// Reads more bytes ahead. Returns `false` at the end of the input, or if [`Self::MAX_LOOKAHEAD`] is reached.
    pub(crate) fn look_further(&mut self) -> io::Result<bool> {
        let room = Self::MAX_LOOKAHEAD.saturating_sub(self.lookahead().len());
        if room == 0 {
            return Ok(false);
        }
        let buffer = fill(&mut self.inner)?;
        let buffer = buffer.get(..room).unwrap_or(buffer);
        self.lookahead.drain(..self.consumed);
        self.consumed = 0;
        self.lookahead.extend_from_slice(buffer);
        let read = buffer.len();
        self.inner.consume(read);
        Ok(read > 0)
    }

    /// Puts consumed bytes back, of which the first is on `line`.
    pub(crate) fn put_back(&mut self, bytes: &[u8], line: u64) {
        self.lookahead.splice(..self.consumed, bytes.iter().copied());
        (self.consumed, self.line) = (0, line);
    }

    /// Returns the line of the next byte, the first being 1. A line ends with a line feed.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Calls `read` with the next bytes and consumes as many of them as it returns. Returns `None` at the end of the
    /// input.
    pub(crate) fn read_chunk<T>(&mut self, read: impl FnOnce(&[u8]) -> (usize, T)) -> io::Result<Option<T>> {
        let is_ahead = self.consumed < self.lookahead.len();
        let chunk =
            if is_ahead { self.lookahead.get(self.consumed..).unwrap_or_default() } else { fill(&mut self.inner)? };
        if chunk.is_empty() {
            return Ok(None);
        }
        let (used, result) = read(chunk);
        let lines = memchr_iter(b'\n', chunk.get(..used).unwrap_or(chunk)).count();
        advance(used);
        self.line += lines as u64;
        if is_ahead {
            self.consumed += used;
        } else {
            self.inner.consume(used);
        }
        Ok(Some(result))
    }

    /// Reads a line into `bytes` with its line feed. Stops in the line once `bytes` is longer than `max_bytes`.
    pub(crate) fn read_line(&mut self, bytes: &mut Vec<u8>, max_bytes: usize) -> io::Result<()> {
        while bytes.len() <= max_bytes {
            let has_ended = self.read_chunk(|chunk| {
                let end = memchr(b'\n', chunk).map(|at| at + 1);
                let line = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
                bytes.extend_from_slice(line);
                (line.len(), end.is_some())
            })?;
            if has_ended.unwrap_or(true) {
                break;
            }
        }
        Ok(())
    }
}

/// Returns the next bytes of an input, and none at its end. Retries a call that was interrupted.
fn fill<R: BufRead>(input: &mut R) -> io::Result<&[u8]> {
    loop {
        match input.fill_buf() {
            // The borrow checker does not accept returning this buffer from inside the loop.
            Ok(_) => return input.fill_buf(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
