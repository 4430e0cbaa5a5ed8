//! Concatenated JSON documents: objects in any layout, arrays of objects, and pages that contain such an array.

use std::io::{self, BufRead};

use super::array::{ArrayPosition, next_element};
use super::json_scan::JsonScan;
use super::scan::Step;
use super::{Frame, RejectReason, Rejected};
use crate::input::{InputStream, RecordBuffer};
use crate::steps::advance;

/// The most bytes of an object that are inspected to find out whether it is a page.
const MAX_PAGE_HEAD: usize = 4 * 1024;

/// The names of the members of a page, which distinguish it from a record. Names are compared without regard to case.
pub(crate) struct PageFormat {
    /// The members that contain the records.
    pub(crate) lists: Vec<Box<str>>,
    /// The other members.
    pub(crate) metadata: &'static [&'static str],
    /// The beginnings of the names of still others, such as `@odata.`.
    pub(crate) metadata_prefixes: &'static [&'static str],
}

impl PageFormat {
    fn is_list(&self, name: &[u8]) -> bool {
        self.lists.iter().any(|list| name.eq_ignore_ascii_case(list.as_bytes()))
    }

    fn is_metadata(&self, name: &[u8]) -> bool {
        let begins_with =
            |prefix: &&str| name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()));
        self.metadata.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
            || self.metadata_prefixes.iter().any(begins_with)
    }
}

/// A position in the documents of an input.
#[derive(Clone, Copy)]
pub(crate) enum DocumentPosition {
    Between,
    InArray(ArrayPosition),
    InPage(ArrayPosition),
}

/// The layout of an input that begins with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonLayout {
    /// One object a line.
    Lines,
    /// Any other.
    Documents,
}

impl JsonLayout {
    /// Finds the layout of an input from its first object.
    pub(crate) fn detect<R: BufRead>(input: &mut InputStream<R>, pages: &PageFormat) -> io::Result<Self> {
        /// The most bytes that are inspected. A longer first line is one record.
        const MAX_FIRST_LINE: usize = 16 * 1024;
        loop {
            if let Some(layout) = Self::of_head(input.lookahead(), pages) {
                return Ok(layout);
            }
            if input.lookahead().len() >= MAX_FIRST_LINE || !input.look_further()? {
                return Ok(Self::Lines);
            }
        }
    }

    /// Returns the layout that these first bytes show, or `None` if they are too few.
    fn of_head(head: &[u8], pages: &PageFormat) -> Option<Self> {
        if list_start(head, pages).flatten().is_some() {
            return Some(Self::Documents);
        }
        let mut scan = JsonScan::default();
        for (at, byte) in head.iter().enumerate() {
            let rest = || head.get(at + 1..).unwrap_or_default();
            if *byte == b'\n' && !scan.is_in_string() {
                // The next line of the same object begins with a name or a closing bracket, a new record with neither.
                let next = rest().iter().find(|byte| !byte.is_ascii_whitespace())?;
                return Some(if matches!(next, b'"' | b'}') { Self::Documents } else { Self::Lines });
            }
            scan.advance(*byte);
            if scan.is_closed() {
                let mut following = rest().iter().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
                // A second object on the same line.
                return following.next().map(|byte| if *byte == b'{' { Self::Documents } else { Self::Lines });
            }
        }
        None
    }
}

/// Returns the index behind the opening bracket of the list of a page, or `None` if these bytes are too few.
///
/// Returns `Some(None)` if the object is not a page: it has no list, or a member before the list that no page has.
fn list_start(head: &[u8], pages: &PageFormat) -> Option<Option<usize>> {
    let mut at = skip_white_space(head, 0);
    if *head.get(at)? != b'{' {
        return Some(None);
    }
    at += 1;
    loop {
        at = skip_white_space(head, at);
        if *head.get(at)? != b'"' {
            return Some(None);
        }
        let length = head.get(at + 1..)?.iter().position(|byte| *byte == b'"')?;
        let name = head.get(at + 1..at + 1 + length)?;
        at = skip_white_space(head, at + length + 2);
        if *head.get(at)? != b':' {
            return Some(None);
        }
        at = skip_white_space(head, at + 1);
        let first = *head.get(at)?;
        if pages.is_list(name) {
            return Some((first == b'[').then_some(at + 1));
        }
        // The metadata of a page are strings and numbers.
        if !pages.is_metadata(name) || matches!(first, b'{' | b'[') {
            return Some(None);
        }
        let mut scan = JsonScan::default();
        let length = head.get(at..)?.iter().position(|byte| {
            let ends = !scan.is_in_string() && matches!(byte, b',' | b'}' | b']');
            scan.advance(*byte);
            ends
        })?;
        at += length;
        if *head.get(at)? != b',' {
            return Some(None);
        }
        at += 1;
    }
}

fn skip_white_space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len())
}

/// Reads the next record of the documents.
pub(super) fn next_document<R: BufRead>(
    input: &mut InputStream<R>,
    position: &mut DocumentPosition,
    pages: &PageFormat,
    record: &mut RecordBuffer,
) -> Frame {
    loop {
        match position {
            DocumentPosition::Between => match begin(input, pages) {
                Err(error) => return Frame::failed(input.line(), error),
                Ok(Start::End) => return Frame::End,
                Ok(Start::Records(next)) => *position = next,
                Ok(Start::Object(line)) => {
                    return match read_object(input, record) {
                        Err(error) => Frame::failed(input.line(), error),
                        Ok(()) => Frame::Record(line),
                    };
                }
                Ok(Start::Other(line)) => {
                    return match input.read_line_into(record) {
                        Err(error) => Frame::failed(input.line(), error),
                        Ok(_) => Frame::Rejected(Rejected::new(line, RejectReason::NotAnObject)),
                    };
                }
            },
            DocumentPosition::InArray(ArrayPosition::End) => *position = DocumentPosition::Between,
            DocumentPosition::InPage(ArrayPosition::End) => {
                let line = input.line();
                *position = DocumentPosition::Between;
                match end_page(input, pages) {
                    Err(error) => return Frame::failed(input.line(), error),
                    Ok(true) => {}
                    // A record that also has a list of that name.
                    Ok(false) => {
                        let expected = "a page: beside its list, only members such as `@odata.nextLink`";
                        let list = pages.lists.first().map_or("value", |list| &**list).to_owned();
                        let reason = RejectReason::InvalidField { field: list.into(), expected };
                        return Frame::Rejected(Rejected::new(line, reason));
                    }
                }
            }
            DocumentPosition::InArray(array) | DocumentPosition::InPage(array) => {
                match next_element(input, array, record) {
                    Frame::End => {}
                    frame => return frame,
                }
            }
        }
    }
}

/// How a document begins.
enum Start {
    End,
    /// An array or a page, of which the opening bracket of the list was consumed.
    Records(DocumentPosition),
    /// An object that is a record, on this line.
    Object(u64),
    /// Anything else, on this line.
    Other(u64),
}

fn begin<R: BufRead>(input: &mut InputStream<R>, pages: &PageFormat) -> io::Result<Start> {
    loop {
        input.skip_white_space()?;
        while input.lookahead().len() < 3 && input.look_further()? {}
        let before = input.lookahead().len();
        input.skip_byte_order_mark();
        if input.lookahead().len() == before {
            break;
        }
    }
    let line = input.line();
    match input.skip_white_space()? {
        None => Ok(Start::End),
        Some(b'[') => {
            input.skip(1)?;
            Ok(Start::Records(DocumentPosition::InArray(ArrayPosition::Start)))
        }
        Some(b'{') => {
            let is_undecided = |head: &[u8]| head.len() < MAX_PAGE_HEAD && list_start(head, pages).is_none();
            while is_undecided(input.lookahead()) && input.look_further()? {}
            let head = input.lookahead().get(..MAX_PAGE_HEAD).unwrap_or(input.lookahead());
            advance(head.len());
            match list_start(head, pages).flatten() {
                Some(start) => {
                    input.skip(start)?;
                    Ok(Start::Records(DocumentPosition::InPage(ArrayPosition::Start)))
                }
                None => Ok(Start::Object(line)),
            }
        }
        Some(_) => Ok(Start::Other(line)),
    }
}

/// Reads an object into `record` with its closing bracket, or to the end of the input.
fn read_object<R: BufRead>(input: &mut InputStream<R>, record: &mut RecordBuffer) -> io::Result<()> {
    let mut scan = JsonScan::default();
    let end = input.read_until(record, |chunk| scan.find_closing_bracket(chunk))?;
    record.extend(end.as_slice());
    Ok(())
}

/// Consumes the rest of a page behind its list. Returns whether all members there are metadata of a page.
fn end_page<R: BufRead>(input: &mut InputStream<R>, pages: &PageFormat) -> io::Result<bool> {
    /// The names of metadata are shorter, in bytes.
    const MAX_NAME: usize = 64;
    let mut scan = JsonScan::inside_object();
    let (mut is_page, mut in_name, mut name) = (true, true, Vec::new());
    input.scan(|byte| {
        let was_in_string = scan.is_in_string();
        scan.advance(byte);
        if in_name && was_in_string && scan.is_in_string() && name.len() < MAX_NAME {
            name.push(byte);
        } else if !was_in_string && scan.is_at_top_level() {
            match byte {
                b':' => {
                    is_page &= pages.is_metadata(&name);
                    in_name = false;
                }
                b',' => {
                    name.clear();
                    in_name = true;
                }
                _ => {}
            }
        }
        if scan.is_closed() { Step::StopAfter } else { Step::Continue }
    })?;
    Ok(is_page)
}
