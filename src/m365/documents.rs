//! JSON values one after the other: objects however they are laid out, arrays of them, and pages that hold such an array.

use std::io::{self, BufRead};

use super::framing::{Found, Input, JsonScan, Place, Record, Step, next_element};
use super::reject::RejectReason;

/// The members of a page that hold its records: of Microsoft Graph, of an event hub.
const LISTS: [&[u8]; 2] = [b"value", b"records"];

/// The members by which a page says something of itself, beside those that begin with `@` or `odata.`.
const OF_PAGES: [&[u8]; 6] = [b"count", b"nextlink", b"deltalink", b"hasmore", b"total", b"context"];

fn is_of_pages(name: &[u8]) -> bool {
    let is_odata = name.get(..6).is_some_and(|head| head.eq_ignore_ascii_case(b"odata."));
    name.starts_with(b"@") || is_odata || OF_PAGES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// How much of an object is looked at to tell whether it is a page, in bytes.
const MAX_HEAD: usize = 4 * 1024;

/// How far into its documents an input is.
#[derive(Clone, Copy)]
pub(super) enum Documents {
    /// Between two of them.
    Between,
    /// In an array.
    List(Place),
    /// In the array of a page.
    Page(Place),
}

/// How an input is laid out that begins with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// One object a line.
    Lines,
    /// Anything else.
    Documents,
}

impl Layout {
    /// Looks at the first object.
    pub(super) fn of<R: BufRead>(input: &mut Input<R>) -> io::Result<Self> {
        /// A longer first line is one record.
        const MAX_LINE: usize = 16 * 1024;
        loop {
            if let Some(layout) = Self::told_by(input.ahead()) {
                return Ok(layout);
            }
            if input.ahead().len() >= MAX_LINE || !input.look_further()? {
                return Ok(Self::Lines);
            }
        }
    }

    /// What the first bytes tell, if they are enough.
    fn told_by(head: &[u8]) -> Option<Self> {
        if list_start(head).flatten().is_some() {
            return Some(Self::Documents);
        }
        let mut scan = JsonScan::default();
        for (at, byte) in head.iter().enumerate() {
            let rest = || head.get(at + 1..).unwrap_or_default();
            if *byte == b'\n' && !scan.is_in_string() {
                // The next line of an object begins with a name or ends it; that of a record of its own does not.
                let next = rest().iter().find(|byte| !byte.is_ascii_whitespace())?;
                return Some(if matches!(next, b'"' | b'}') { Self::Documents } else { Self::Lines });
            }
            scan.takes(*byte);
            if scan.is_closed() {
                let mut behind = rest().iter().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
                // Another one on the same line.
                return behind.next().map(|byte| if *byte == b'{' { Self::Documents } else { Self::Lines });
            }
        }
        None
    }
}

/// Returns where the list of a page begins, behind its bracket, or `Some(None)` if the object is no page: it has no list of
/// that name, or something before it that no page says of itself. Returns `None` if more has to be looked at.
fn list_start(head: &[u8]) -> Option<Option<usize>> {
    let mut at = skip_space(head, 0);
    if *head.get(at)? != b'{' {
        return Some(None);
    }
    at += 1;
    loop {
        at = skip_space(head, at);
        if *head.get(at)? != b'"' {
            return Some(None);
        }
        let length = head.get(at + 1..)?.iter().position(|byte| *byte == b'"')?;
        let name = head.get(at + 1..at + 1 + length)?;
        at = skip_space(head, at + length + 2);
        if *head.get(at)? != b':' {
            return Some(None);
        }
        at = skip_space(head, at + 1);
        let first = *head.get(at)?;
        let is_list = LISTS.iter().any(|list| name.eq_ignore_ascii_case(list));
        if is_list {
            return Some((first == b'[').then_some(at + 1));
        }
        // `@odata.context` and the like, of which each is a text or a number.
        if !is_of_pages(name) || matches!(first, b'{' | b'[') {
            return Some(None);
        }
        let mut scan = JsonScan::default();
        let length = head.get(at..)?.iter().position(|byte| {
            let ends = !scan.is_in_string() && matches!(byte, b',' | b'}' | b']');
            scan.takes(*byte);
            ends
        })?;
        at += length;
        if *head.get(at)? != b',' {
            return Some(None);
        }
        at += 1;
    }
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len())
}

/// The next record of the documents.
pub(super) fn next_document<R: BufRead>(input: &mut Input<R>, documents: &mut Documents, record: &mut Record) -> Found {
    loop {
        match documents {
            Documents::Between => match begin(input) {
                Err(error) => return Found::Fatal(input.line(), error.into()),
                Ok(Begun::End) => return Found::End,
                Ok(Begun::Document(next)) => *documents = next,
                Ok(Begun::Object(line)) => {
                    let mut scan = JsonScan::default();
                    let found = input.through(record, |byte| {
                        scan.takes(byte);
                        scan.is_closed()
                    });
                    return match found {
                        Err(error) => Found::Fatal(input.line(), error.into()),
                        Ok(()) => Found::Record(line),
                    };
                }
                Ok(Begun::Other(line)) => {
                    let rest = input.until(record, |byte| byte == b'\n');
                    return match rest {
                        Err(error) => Found::Fatal(input.line(), error.into()),
                        Ok(_) => Found::Fault(line, RejectReason::NotAnObject),
                    };
                }
            },
            Documents::List(Place::Closed) => *documents = Documents::Between,
            Documents::Page(Place::Closed) => {
                let line = input.line();
                *documents = Documents::Between;
                match end_page(input) {
                    Err(error) => return Found::Fatal(input.line(), error.into()),
                    Ok(true) => {}
                    // A record that has a list of that name too.
                    Ok(false) => {
                        let expected = "a page: beside its list, nothing but members such as `@odata.nextLink`";
                        return Found::Fault(line, RejectReason::InvalidField { field: "value", expected });
                    }
                }
            }
            Documents::List(place) | Documents::Page(place) => match next_element(input, place, record) {
                Found::End => {}
                found => return found,
            },
        }
    }
}

enum Begun {
    End,
    /// An array or a page, of which the bracket was read.
    Document(Documents),
    /// An object that is a record, on this line.
    Object(u64),
    /// Something else on this line.
    Other(u64),
}

fn begin<R: BufRead>(input: &mut Input<R>) -> io::Result<Begun> {
    loop {
        input.skip_space()?;
        while input.ahead().len() < 3 && input.look_further()? {}
        let before = input.ahead().len();
        input.skip_mark();
        if input.ahead().len() == before {
            break;
        }
    }
    let line = input.line();
    match input.skip_space()? {
        None => Ok(Begun::End),
        Some(b'[') => {
            input.skip(1)?;
            Ok(Begun::Document(Documents::List(Place::Opened)))
        }
        Some(b'{') => {
            while input.ahead().len() < MAX_HEAD && list_start(input.ahead()).is_none() && input.look_further()? {}
            crate::steps::advance(input.ahead().len().min(MAX_HEAD));
            let head = input.ahead().get(..MAX_HEAD).unwrap_or(input.ahead());
            match list_start(head).flatten() {
                Some(start) => {
                    input.skip(start)?;
                    Ok(Begun::Document(Documents::Page(Place::Opened)))
                }
                None => Ok(Begun::Object(line)),
            }
        }
        Some(_) => Ok(Begun::Other(line)),
    }
}

/// Skips what a page says of itself behind its list; returns whether that is all there is.
fn end_page<R: BufRead>(input: &mut Input<R>) -> io::Result<bool> {
    /// The names of members of pages are shorter.
    const MAX_NAME: usize = 64;
    let mut scan = JsonScan::within_an_object();
    let (mut is_page, mut is_name, mut name) = (true, true, Vec::new());
    input.walk(|byte| {
        let was_in_string = scan.is_in_string();
        scan.takes(byte);
        if is_name && was_in_string && scan.is_in_string() && name.len() < MAX_NAME {
            name.push(byte);
        } else if !was_in_string && scan.is_outermost() {
            match byte {
                b':' => {
                    is_page &= is_of_pages(&name);
                    is_name = false;
                }
                b',' => {
                    name.clear();
                    is_name = true;
                }
                _ => {}
            }
        }
        if scan.is_closed() { Step::StopAfter } else { Step::Take }
    })?;
    Ok(is_page)
}
