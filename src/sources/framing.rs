//! Framing: the separation of an input into records, for every reader of activities.
//!
//! A framing stores at most one record. Behind a damaged record it continues with the next one, except where the input
//! no longer shows where a record begins.

mod array;
mod documents;
mod json_scan;
mod scan;

use std::io::BufRead;
use std::sync::Arc;

pub(super) use self::array::ArrayPosition;
pub(super) use self::documents::{DocumentPosition, JsonLayout, PageFormat};
use super::{RejectReason, Rejected};
#[cfg(feature = "m365")]
use crate::input::csv::RowReader;
use crate::input::{InputStream, RecordBuffer};

/// The next part of an input.
pub(super) enum Frame {
    /// A record that begins on this line. Its bytes are in the buffer, or it is the row of the [`RowReader`].
    Record(u64),
    /// A part of the input that is no record. Reading continues behind it.
    Rejected(Rejected),
    /// A fault behind which nothing can be read.
    Failed(Rejected),
    End,
}

/// An input, and how its records are separated.
pub(super) enum Framing<R> {
    /// One record a line.
    Lines(InputStream<R>),
    /// The elements of one JSON array.
    Array(InputStream<R>, ArrayPosition),
    /// JSON documents, concatenated.
    Documents(InputStream<R>, DocumentPosition, Arc<PageFormat>),
    /// The rows of a CSV table.
    #[cfg(feature = "m365")]
    Rows(Box<RowReader<R>>),
    Ended,
}

impl<R: BufRead> Framing<R> {
    /// Reads the next record, into `record` unless it is a row.
    pub(super) fn next(&mut self, record: &mut RecordBuffer) -> Frame {
        let frame = match self {
            Self::Lines(input) => next_line(input, record),
            Self::Array(input, position) => match array::next_element(input, position, record) {
                Frame::End => array::after_array(input),
                frame => frame,
            },
            Self::Documents(input, position, pages) => documents::next_document(input, position, pages, record),
            #[cfg(feature = "m365")]
            Self::Rows(rows) => next_row(rows),
            Self::Ended => Frame::End,
        };
        if matches!(frame, Frame::Failed(_) | Frame::End) {
            *self = Self::Ended;
        }
        frame
    }
}

impl Frame {
    /// Returns the frame of an input on this line that could not be read.
    fn failed(line: u64, reason: impl Into<RejectReason>) -> Self {
        Self::Failed(Rejected::new(line, reason))
    }
}

/// Reads the next line that is not blank. Nothing in a line affects the next.
fn next_line<R: BufRead>(input: &mut InputStream<R>, record: &mut RecordBuffer) -> Frame {
    loop {
        let line = input.line();
        match input.read_line_into(record) {
            Err(error) => return Frame::failed(input.line(), error),
            Ok(None) if record.is_blank() => return Frame::End,
            Ok(_) if record.is_blank() => {}
            Ok(_) => return Frame::Record(line),
        }
    }
}

/// Reads the next row that is not blank.
#[cfg(feature = "m365")]
fn next_row<R: BufRead>(rows: &mut RowReader<R>) -> Frame {
    loop {
        match rows.next() {
            Err(error) => return Frame::failed(rows.input().line(), error),
            Ok(false) => return Frame::End,
            Ok(true) if rows.is_blank() => {}
            Ok(true) => return Frame::Record(rows.line()),
        }
    }
}

/// Returns the JSON text of a record, without white space and byte order marks around it.
///
/// # Errors
/// Returns [`RejectReason`] if the record is too long or is not UTF-8.
pub(super) fn json_text(record: &RecordBuffer) -> Result<&str, RejectReason> {
    Ok(record.text()?.trim_ascii().trim_start_matches('\u{feff}').trim_ascii())
}
