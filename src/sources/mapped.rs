//! A reader of JSON records from any source, by a map.
mod app;
mod condition;
mod cut;
mod detect;
mod document;
mod embedded;
mod error;
mod field_texts;
mod form;
mod json_path;
mod map;
mod names;
mod node;
mod objects;
mod pages;
mod place;
mod pointer;
mod principals;
mod record;
mod report;
mod rule;
mod salesforce_id;
mod shipped;
mod text_source;
mod time;

use std::fmt;
use std::io::BufRead;
use std::iter::FusedIterator;
use std::sync::Arc;

pub use self::detect::detect;
pub use self::error::MapError;
pub use self::map::Map;
use self::map::Rules;
use super::framing::{self, ArrayPosition, DocumentPosition, Frame, Framing, JsonLayout};
use super::{MAX_RECORD_BYTES, RejectReason, Rejected};
use crate::activity::Activity;
use crate::input::{InputStream, RecordBuffer};

/// The format of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One JSON object a line.
    JsonLines,
    /// One JSON array of objects.
    JsonArray,
    /// Concatenated JSON values: objects in any layout, arrays of objects, and pages that contain such an array in one
    /// of the members that the map lists as `pages`.
    JsonDocuments,
}

impl Format {
    /// Any of the formats, as an error names it.
    const ANY: &'static str = "UTF-8 text: JSON Lines, a JSON array, or JSON objects";

    /// Returns the description of an input in this format.
    fn expected(self) -> &'static str {
        match self {
            Self::JsonLines => "JSON Lines: one JSON object a line",
            Self::JsonArray => "a JSON array: `[` and objects",
            Self::JsonDocuments => "JSON documents: objects, arrays of objects, or pages of them",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected())
    }
}

/// An iterator over the activities in an input; see the [module](self).
///
/// The reader stores one record, of at most [`MAX_RECORD_BYTES`] and [`MAX_RECORD_VALUES`](super::MAX_RECORD_VALUES),
/// and up to 64 KiB of the input behind it. It never panics, and it ends when the input does.
pub struct Reader<R> {
    unopened: Option<(R, Option<Format>)>,
    framing: Framing<R>,
    format: Option<Format>,
    record: RecordBuffer,
    rules: Arc<Rules>,
}

impl<R: BufRead> Reader<R> {
    /// Creates a reader that detects the format: JSON Lines if the first object is one line, and otherwise JSON
    /// documents.
    pub fn new(input: R, map: &Map) -> Self {
        Self::with(input, map, None)
    }

    /// Creates a reader of one format.
    ///
    /// It rejects an input in another format as a whole. As JSON Lines, it reads or rejects each line of any input.
    pub fn with_format(input: R, map: &Map, format: Format) -> Self {
        Self::with(input, map, Some(format))
    }

    fn with(input: R, map: &Map, format: Option<Format>) -> Self {
        Self {
            unopened: Some((input, format)),
            framing: Framing::Ended,
            format: None,
            record: RecordBuffer::new(MAX_RECORD_BYTES),
            rules: map.rules().clone(),
        }
    }

    /// Returns the format of the input, once the first record was read. Returns `None` if the input is empty or in
    /// another format.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    fn open(&self, input: R, format: Option<Format>) -> Result<Framing<R>, Rejected> {
        let mut input = InputStream::new(input).map_err(|error| Rejected::new(1, error))?;
        let first = input.skip_white_space().map_err(|error| Rejected::new(input.line(), error))?;
        let pages = &self.rules.pages;
        match (format, first) {
            (_, None) => Ok(Framing::Ended),
            (Some(Format::JsonLines), _) => Ok(Framing::Lines(input)),
            (None, Some(b'{')) => match JsonLayout::detect(&mut input, pages) {
                Ok(JsonLayout::Lines) => Ok(Framing::Lines(input)),
                Ok(JsonLayout::Documents) => Ok(Framing::Documents(input, DocumentPosition::Between, pages.clone())),
                Err(error) => Err(Rejected::new(input.line(), error)),
            },
            (Some(Format::JsonDocuments), _) | (None, Some(b'[')) => {
                Ok(Framing::Documents(input, DocumentPosition::Between, pages.clone()))
            }
            (Some(Format::JsonArray), Some(b'[')) => {
                input.skip(1).map_err(|error| Rejected::new(input.line(), error))?;
                Ok(Framing::Array(input, ArrayPosition::Start))
            }
            (Some(format @ Format::JsonArray), Some(_)) => {
                Err(Rejected::new(input.line(), RejectReason::OtherFormat { expected: format.expected() }))
            }
            (None, Some(_)) => Err(Rejected::new(input.line(), RejectReason::UnknownFormat { expected: Format::ANY })),
        }
    }

    /// Reads the next part of the input into the buffer.
    fn next_frame(&mut self) -> Frame {
        if let Some((input, format)) = self.unopened.take() {
            match self.open(input, format) {
                Ok(framing) => {
                    self.format = match &framing {
                        Framing::Lines(_) => Some(Format::JsonLines),
                        Framing::Array(..) => Some(Format::JsonArray),
                        Framing::Documents(..) => Some(Format::JsonDocuments),
                        Framing::Rows(_) | Framing::Ended => None,
                    };
                    self.framing = framing;
                }
                Err(rejected) => return Frame::Failed(rejected),
            }
        }
        self.framing.next(&mut self.record)
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Activity, Rejected>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_frame() {
            Frame::Record(line) => {
                let text = framing::json_text(&self.record);
                let activity = text.and_then(|text| record::activity(&self.rules, text));
                Some(activity.map_err(|reason| Rejected::new(line, reason)))
            }
            Frame::Rejected(rejected) | Frame::Failed(rejected) => Some(Err(rejected)),
            Frame::End => None,
        }
    }
}

impl<R: BufRead> FusedIterator for Reader<R> {}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}
