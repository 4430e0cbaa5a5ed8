//! What stands before the header of a table, and what parts its fields.

use std::io::{self, BufRead, Read};

use super::MAX_ROW_BYTES;
use super::row::fill;
use crate::import::RejectReason;
use crate::input::InputKind;
use crate::steps::advance;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What parts fields, the one first that is taken where nothing tells.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// The start of a table, up to its header.
pub(super) struct Preamble {
    /// What was read of the header.
    pub(super) head: Vec<u8>,
    pub(super) delimiter: u8,
    /// The line on which the header begins, the first being 1.
    pub(super) line: u64,
    /// What is wrong with the input before its header.
    pub(super) failed: Option<RejectReason>,
}

impl Preamble {
    /// Reads lines up to the header: none, or those that spreadsheets, PowerShell and Entra put before it.
    pub(super) fn read(input: &mut impl BufRead) -> Self {
        let mut preamble = Self { head: Vec::new(), delimiter: b',', line: 1, failed: None };
        preamble.failed = preamble.fill(input).err();
        preamble
    }

    fn fill(&mut self, input: &mut impl BufRead) -> Result<(), RejectReason> {
        let mut start = Vec::new();
        read_up_to(input, InputKind::HEAD_BYTES, &mut start)?;
        let mut rest: &[u8] = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&start);
        if let Some(kind) = InputKind::of(rest) {
            return Err(RejectReason::OtherInput { kind });
        }
        let mut said = None;
        loop {
            self.head.clear();
            read_line(&mut rest, &mut self.head)?;
            if self.head.last() != Some(&b'\n') {
                read_line(input, &mut self.head)?;
            }
            advance(1 + self.head.len() / 64);
            if self.head.is_empty() {
                break;
            }
            match delimiter_of(&self.head) {
                // More than one line, for whoever ends lines by a carriage return alone.
                _ if ends_within(&self.head) => break,
                Some(delimiter) => said = Some(delimiter),
                None if self.head.trim_ascii().is_empty() || is_note(&self.head) => {}
                None => break,
            }
            // A line without an end is the last one.
            self.line += u64::from(self.head.last() == Some(&b'\n'));
        }
        self.delimiter = said.unwrap_or_else(|| most_frequent(&self.head));
        // What was looked at and is of later lines comes after the header again.
        self.head.extend_from_slice(rest);
        Ok(())
    }
}

/// Whether a carriage return ends a line before the end of a text.
fn ends_within(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text).contains(&b'\r')
}

/// What a line `sep=;` says, which spreadsheets read and write before the header.
fn delimiter_of(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii_start();
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\"").map_or(line, |line| line.strip_suffix(b"\"").unwrap_or(line));
    match line {
        [s, e, p, b'=', delimiter, ..] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => Some(*delimiter),
        _ => None,
    }
}

/// Whether a line is one that tells of the table and is no part of it: the type of its rows, or the version of a form.
fn is_note(line: &[u8]) -> bool {
    let line = line.trim_ascii().trim_ascii_start();
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    ["#TYPE ", "version:v"]
        .iter()
        .any(|note| line.get(..note.len()).is_some_and(|start| start.eq_ignore_ascii_case(note.as_bytes())))
}

/// The delimiter that parts the most fields of a header.
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

/// Reads until a buffer holds so many bytes, or the input ends.
fn read_up_to(input: &mut impl BufRead, bytes: usize, into: &mut Vec<u8>) -> Result<(), RejectReason> {
    let read = input.take(bytes as u64).read_to_end(into);
    read.map(|_| ()).map_err(|error| RejectReason::Io { kind: error.kind() })
}

/// Reads a line with its end, or as much of it as a row can hold.
fn read_line(input: &mut impl BufRead, into: &mut Vec<u8>) -> Result<(), RejectReason> {
    let failed = |error: io::Error| RejectReason::Io { kind: error.kind() };
    while into.len() <= MAX_ROW_BYTES {
        let buffer = fill(input).map_err(failed)?;
        if buffer.is_empty() {
            break;
        }
        let line = buffer.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let taken = line.unwrap_or(buffer.len());
        advance(1 + taken / 64);
        into.extend(buffer.iter().take(taken));
        input.consume(taken);
        if line.is_some() {
            break;
        }
    }
    Ok(())
}
