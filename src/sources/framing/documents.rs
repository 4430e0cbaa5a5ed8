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

/// The members of a page and of a record, by which they differ. Names are compared without regard to case.
pub(crate) struct PageFormat {
    /// The lists of records: for each the name of the member, behind those of the objects around it.
    pub(crate) lists: Vec<Box<[Box<str>]>>,
    /// The members with the time and with the action of a record. An object that has one of each is a record.
    pub(crate) record: [Vec<Box<str>>; 2],
}

/// Which members of a record an object has, of [`PageFormat::record`].
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen([bool; 2]);

impl PageFormat {
    /// Returns the lists whose names continue with this one, each without it.
    fn lists_within<'l>(lists: &[&'l [Box<str>]], name: &[u8]) -> Vec<&'l [Box<str>]> {
        let within = lists.iter().filter_map(|names| names.split_first());
        within.filter(|(first, _)| name.eq_ignore_ascii_case(first.as_bytes())).map(|(_, rest)| rest).collect()
    }

    /// Remembers the name of a member. Returns whether the object is a record.
    fn is_record(&self, seen: &mut Seen, name: &[u8]) -> bool {
        // `event.action` is a member of `event`.
        let outer = name.split(|byte| *byte == b'.').next().unwrap_or(name);
        let is = |known: &str| [name, outer].iter().any(|name| name.eq_ignore_ascii_case(known.as_bytes()));
        for (names, is_seen) in self.record.iter().zip(&mut seen.0) {
            *is_seen |= names.iter().any(|known| is(known));
        }
        let is_expected = || self.record.iter().map(|names| !names.is_empty());
        is_expected().any(|is_expected| is_expected) && is_expected().eq(seen.0)
    }
}

/// A position in the documents of an input.
#[derive(Clone, Copy)]
pub(crate) enum DocumentPosition {
    Between,
    InArray(ArrayPosition),
    InPage(ArrayPosition, PageStart),
}

/// The part of a page before its records.
#[derive(Clone, Copy)]
pub(crate) struct PageStart {
    /// The number of bytes up to the first record.
    length: usize,
    /// The number of objects around the list.
    depth: usize,
    seen: Seen,
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
                let page = Head::of(input.lookahead(), pages).into_page();
                return Ok(page.map_or(Self::Lines, |_| Self::Documents));
            }
        }
    }

    /// Returns the layout that these first bytes show, or `None` if they are too few.
    fn of_head(head: &[u8], pages: &PageFormat) -> Option<Self> {
        let kind = Head::of(head, pages);
        if let Head::Page(_) = kind {
            return Some(Self::Documents);
        }
        let may_be_page = kind.into_page().is_some();
        let mut scan = JsonScan::default();
        for (at, byte) in head.iter().enumerate() {
            let rest = || head.get(at + 1..).unwrap_or_default();
            if *byte == b'\n' && !scan.is_in_string() {
                // The next line of the same object begins with a name or a closing bracket, a new record with neither.
                let next = rest().iter().find(|byte| !byte.is_ascii_whitespace())?;
                let is_same_object = may_be_page || matches!(next, b'"' | b'}');
                return Some(if is_same_object { Self::Documents } else { Self::Lines });
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

/// The kind of an object, by its first bytes.
enum Head {
    /// The bytes are too few. If the object has a list of records, it is a page so far.
    Undecided(Option<PageStart>),
    Page(PageStart),
    Record,
}

impl Head {
    fn of(head: &[u8], pages: &PageFormat) -> Self {
        let mut page = None;
        match (is_record(head, pages, &mut page), page) {
            (None, page) => Self::Undecided(page),
            (Some(false), Some(page)) => Self::Page(page),
            (Some(_), _) => Self::Record,
        }
    }

    /// Returns the start of the page, if the bytes are all that can be inspected.
    fn into_page(self) -> Option<PageStart> {
        match self {
            Self::Page(page) | Self::Undecided(Some(page)) => Some(page),
            Self::Undecided(None) | Self::Record => None,
        }
    }
}

/// Returns whether an object has the members of a record, or `None` if these bytes are too few. Stores the start of its
/// list of records in `page`.
fn is_record(head: &[u8], pages: &PageFormat, page: &mut Option<PageStart>) -> Option<bool> {
    let mut at = skip_white_space(head, 0);
    if *head.get(at)? != b'{' {
        return Some(false);
    }
    let mut seen = Seen::default();
    // For each object that is open, the names that are left of those of lists in it.
    let mut open: Vec<Vec<&[Box<str>]>> = vec![pages.lists.iter().map(|names| &**names).collect()];
    loop {
        at = skip_white_space(head, at + 1);
        match *head.get(at)? {
            b'"' => {}
            b',' => continue,
            b'}' => {
                open.pop();
                if open.is_empty() {
                    return Some(false);
                }
                continue;
            }
            _ => return Some(false),
        }
        let length = head.get(at + 1..)?.iter().position(|byte| *byte == b'"')?;
        let name = head.get(at + 1..at + 1 + length)?;
        at = skip_white_space(head, at + length + 2);
        if *head.get(at)? != b':' {
            return Some(false);
        }
        at = skip_white_space(head, at + 1);
        let lists = PageFormat::lists_within(open.last().map_or(&[], Vec::as_slice), name);
        match *head.get(at)? {
            b'[' if page.is_none() && lists.iter().any(|names| names.is_empty()) => {
                if matches!(*head.get(skip_white_space(head, at + 1))?, b'{' | b']') {
                    *page = Some(PageStart { length: at + 1, depth: open.len(), seen });
                }
            }
            b'{' if lists.iter().any(|names| !names.is_empty()) => {
                open.push(lists);
                continue;
            }
            _ => {}
        }
        if open.len() == 1 && pages.is_record(&mut seen, name) {
            return Some(true);
        }
        // One before the byte that ends the member.
        at += JsonScan::default().find_end_of_member(head.get(at..)?)?.checked_sub(1)?;
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
            DocumentPosition::InPage(ArrayPosition::End, start) => {
                let line = input.line();
                let end = end_page(input, pages, *start);
                *position = DocumentPosition::Between;
                match end {
                    Err(error) => return Frame::failed(input.line(), error),
                    Ok(true) => {}
                    // A record that also has a list of that name.
                    Ok(false) => {
                        let expected = "a page: beside its list, no members of a record";
                        let list = pages.lists.iter().find_map(|names| names.last());
                        let list = list.map_or("value", |list| &**list).to_owned();
                        let reason = RejectReason::InvalidField { field: list.into(), expected };
                        return Frame::Rejected(Rejected::new(line, reason));
                    }
                }
            }
            DocumentPosition::InArray(array) | DocumentPosition::InPage(array, _) => {
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
            let is_undecided =
                |head: &[u8]| head.len() < MAX_PAGE_HEAD && matches!(Head::of(head, pages), Head::Undecided(_));
            while is_undecided(input.lookahead()) && input.look_further()? {}
            let head = input.lookahead().get(..MAX_PAGE_HEAD).unwrap_or(input.lookahead());
            advance(head.len());
            match Head::of(head, pages).into_page() {
                Some(start) => {
                    input.skip(start.length)?;
                    Ok(Start::Records(DocumentPosition::InPage(ArrayPosition::Start, start)))
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

/// Consumes the rest of a page behind its list. Returns whether it is a page, and not a record with such a list.
fn end_page<R: BufRead>(input: &mut InputStream<R>, pages: &PageFormat, start: PageStart) -> io::Result<bool> {
    /// The names of the members of records are shorter, in bytes.
    const MAX_NAME: usize = 64;
    let PageStart { mut seen, depth: mut level, .. } = start;
    let mut scan = JsonScan::inside(level);
    let (mut is_page, mut in_name, mut name) = (true, true, Vec::new());
    input.scan(|byte| {
        let was_in_string = scan.is_in_string();
        scan.advance(byte);
        if in_name && was_in_string && scan.is_in_string() && name.len() < MAX_NAME {
            name.push(byte);
        } else if scan.depth() < level {
            // The object around the list ends, and that around it continues.
            (level, in_name) = (scan.depth(), false);
        } else if !was_in_string && scan.depth() == level {
            match byte {
                b':' => {
                    is_page &= level > 1 || !pages.is_record(&mut seen, &name);
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
