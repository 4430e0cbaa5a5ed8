//! The elements of a JSON array.

use std::io::BufRead;

use super::json_scan::JsonScan;
use super::{Frame, RejectReason};
use crate::input::{InputStream, RecordBuffer};

/// A position between the elements of an array.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArrayPosition {
    /// Behind the opening bracket.
    Start,
    /// Behind a comma.
    Element,
    /// Behind the closing bracket.
    End,
}

/// Reads the next element of an array of which the opening bracket was consumed.
///
/// An element ends at a comma or a closing bracket outside of strings and brackets. Brackets are counted whatever their
/// kind: the parser finds the fault in a damaged element, and the elements around it are read.
pub(super) fn next_element<R: BufRead>(
    input: &mut InputStream<R>,
    position: &mut ArrayPosition,
    record: &mut RecordBuffer,
) -> Frame {
    if *position == ArrayPosition::End {
        return Frame::End;
    }
    if let Err(error) = input.skip_white_space() {
        return Frame::failed(input.line(), error);
    }
    let line = input.line();
    let mut scan = JsonScan::default();
    match input.read_until(record, |chunk| scan.find_end_of_element(chunk)) {
        Err(error) => Frame::failed(input.line(), error),
        Ok(None) => Frame::failed(line, RejectReason::Truncated),
        Ok(Some(b',')) => {
            *position = ArrayPosition::Element;
            Frame::Record(line)
        }
        Ok(Some(_)) => match std::mem::replace(position, ArrayPosition::End) {
            ArrayPosition::Start if record.is_blank() => Frame::End,
            _ => Frame::Record(line),
        },
    }
}

/// Checks that nothing follows an array of which the closing bracket was consumed.
pub(super) fn after_array<R: BufRead>(input: &mut InputStream<R>) -> Frame {
    match input.skip_white_space() {
        Err(error) => Frame::failed(input.line(), error),
        Ok(None) => Frame::End,
        Ok(Some(_)) => Frame::failed(input.line(), RejectReason::AfterEnd),
    }
}
