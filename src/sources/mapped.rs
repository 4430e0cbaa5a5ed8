//! A reader of JSON records from any source, whose rules are data: a map.
//!
//! Requires the feature `mapped`.
//!
//! A [`Map`] is a JSON document. It says where in the records of one source the id, the time, the action, the app and the
//! objects are, which fields name the principals of which kind, and which records are no activities. The crate contains
//! the maps of many sources ([`Map::all_shipped`]; [the guide](crate::guides::maps) has the table), and you can write
//! your own. The [`Reader`] reads an input by a map; [`detect`] finds the map of an input.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use activity_privacy::sources::mapped::{Map, Reader};
//!
//! let map: Map = r#"{
//!   "version": 1, "name": "door_log", "title": "Door log",
//!   "id": ["/id"],
//!   "time": [{"at": "/time", "format": "unix_seconds"}],
//!   "action": ["/action"],
//!   "app": {"name": "Doors"},
//!   "actor": [
//!     {"when": [{"at": "/actor/type", "in": ["schedule"]}], "kind": "system", "name": {"text": "Schedule"}},
//!     {"kind": "user", "identities": [
//!       {"at": "/actor/mail", "as": "address"},
//!       {"at": "/actor/badge", "as": "account"}
//!     ]}
//!   ],
//!   "objects": ["/door"]
//! }"#
//! .parse()?;
//!
//! let log = r#"{"id": 7, "time": 1772357400, "action": "opened", "door": "main", "actor": {"mail": "adele@contoso.com"}}
//! {"id": 8, "time": "yesterday", "action": "opened", "door": "main"}"#;
//! let mut records = Reader::new(log.as_bytes(), &map);
//!
//! let activity = records.next().ok_or("no record")??;
//! assert_eq!(activity.actor().label(), "adele@contoso.com");
//! assert_eq!(activity.objects().collect::<Vec<_>>(), ["main"]);
//!
//! let rejected = records.next().ok_or("no record")?.unwrap_err();
//! assert_eq!(rejected.to_string(), "line 2: field `/time` is invalid, expected seconds since 1970");
//! # Ok(())
//! # }
//! ```
//!
//! # No record is dropped
//! Every line that is not blank, every element of an array and every object of a page gives exactly one item: an
//! [`Activity`], or a [`Rejected`] with its line and the reason, which repeats nothing of the record. Reading continues
//! behind a rejected record, unless the input no longer shows where a record begins. A record is rejected if it has no
//! time or no action, if an object in it has two fields of one name, if it is damaged JSON within another record, or if
//! the map says that it is no activity.
//!
//! # Who acted
//! - The actor is that of the first rule in `actor` that finds a name or an identity. If none does, the actor is
//!   [unknown](crate::activity::Actor::unknown), and the activity cannot be decided.
//! - Every rule in `on_behalf_of` that finds a principal adds it, unless all its identities are those of one that was
//!   found before.
//! - A name that no directory can contain, for example because it is too long, adds an unknown principal. The same holds
//!   for more identities, principals or objects than an activity can contain, and for embedded JSON that is damaged or
//!   incomplete, as tables of Azure Monitor contain it.
//! - If a record is a report of a service on a person (`reports`) and no rule finds a person, **every** identity in the
//!   record is a principal; if there is none, an unknown one.
//! - Every other identity in any field, also in JSON within a text, is an object: addresses, ids, accounts in fields that
//!   contain accounts, owners of OneDrive addresses.
//! - Empty texts and placeholders (`-`, `n/a`, `none`, `unknown`, `anonymous`, `null`, the nil UUID) are not names.
//!
//! # Forms of an identity
//! The form of an identity (`as`) decides how directories contain it: `name` is a sign-in name in any form, `address` is
//! an address, `account` is an account of the app, `id` is the immutable id of the directory, `key` is a key without
//! meaning outside of the source ([`Alias::SOURCE_KEYS`](crate::identity::Alias::SOURCE_KEYS)), `salesforce_id` is an
//! account whose id has 15 or 18 characters, and `text` is free text with identities in it. [The
//! guide](crate::guides::maps) has the details.
//!
//! # The other parts of an activity
//! - The id is the name of the map, `:`, and the first text at the places in `id`, also in what a collector wrapped around
//!   the record: `door_log:4711`. A record without an id gets one from its content: a version 5 UUID (RFC 9562) over its
//!   canonical form, so that a record that is delivered again is a duplicate. If a store contains the records of several
//!   instances of one source, [`Reader::with_instance`] distinguishes their ids.
//! - The details are the record as it came, without white space around it. A record that a collector wrapped as an object
//!   has its canonical form.
//! - An action or the name of an application is cut to its greatest length.
//!
//! # Cost
//! Reading takes time in proportion to the input, for each place of the map. A place that is a JSON Pointer costs a
//! look-up; a JSONPath turns the part of the record in which it searches into a tree, once. A map has at most 1,000
//! places, of which at most 100 are JSONPaths, and [`Map::MAX_BYTES`]. A JSONPath has at most 512 bytes, one `..`, and two
//! filters within each other; it calls no regular expressions. Anything else is refused when the map is loaded.

mod app;
mod condition;
mod cut;
mod detect;
mod document;
mod embedded;
mod error;
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
use super::field_names::FieldNames;
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
    /// The beginning of each id.
    source: String,
    names: FieldNames,
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
            source: map.source_of_ids().to_owned(),
            names: FieldNames::new(names::meaning),
        }
    }

    /// Makes the name of an instance or a tenant of the source a part of each id: `gitlab_audit@gitlab.contoso.example:4711`.
    ///
    /// Set it if a store contains the records of several instances whose ids are counters of each, such as GitLab, Jira
    /// Data Center and Tines. Otherwise the second record with an id is a conflict, and is not stored. Records that are
    /// delivered again are duplicates only if the reader has the same instance.
    #[must_use]
    pub fn with_instance(mut self, instance: &str) -> Self {
        self.source = format!("{}@{instance}", self.source);
        self
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
                        #[cfg(feature = "m365")]
                        Framing::Rows(_) => None,
                        Framing::Ended => None,
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
                let activity = text.and_then(|text| record::activity(&self.rules, &self.source, text, &mut self.names));
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::steps::assert_linear;

    const RECORD: &str = r#"{"time":"2026-03-01T09:30:00Z","id":"a","action":"Op","who":"bob@contoso.com""#;

    /// Uses every kind of rule.
    fn map() -> Map {
        let map = r#"{
            "version": 1, "name": "log", "title": "Log", "pages": ["list"], "wrappers": ["/inner", "/list/0"],
            "embedded": ["/json", "/json/json"], "dotted": true, "detect": ["/time", "/action"],
            "id": ["/id"], "time": [{"at": "/time", "format": "rfc3339"}], "action": ["/action"], "app": {"name": "App"},
            "actor": [
                {"when": [{"at": "$..kind", "in": ["none"]}, {"at": "/texts", "contains": ["x"]}], "kind": "unknown"},
                {"kind": "user", "identities": [{"at": "/who", "as": "name"}]}
            ],
            "on_behalf_of": [
                {"each": "$.list[?@.name == 'User']", "kind": "user", "identities": [{"at": "/value", "as": "name"}]},
                {"each": "$..*", "where": [{"at": "$..deep", "present": true}], "kind": "application", "name": ["/name"]},
                {"kind": "user", "identities": [{"at": "/json/json", "as": "text", "before_first": "/"}]}
            ],
            "reports": [{"when": [{"at": "/report", "present": true}]}],
            "objects": ["$.list[*, *].value", "/texts", "/a/b/c/d"]
        }"#;
        map.parse().unwrap()
    }

    fn reads(input: String) {
        assert!(Reader::new(input.as_bytes(), &map()).count() > 0);
    }

    #[test]
    fn b3_reading_records_takes_linear_time() {
        let lines = |count: usize| format!("{RECORD}}}\n").repeat(count);
        assert_linear("lines", 100, lines, reads);
        let array = |count: usize| format!("[{}{RECORD}}}]", format!("{RECORD}}},").repeat(count));
        assert_linear("an array", 100, array, reads);
        let page = |count: usize| format!("{{\"list\":[{}]}}", vec![format!("{RECORD}}}"); count + 1].join(","));
        assert_linear("a page", 100, page, reads);
    }

    #[test]
    fn b3_reading_one_record_takes_linear_time() {
        let with = |part: &'static str, sign: &'static str, field: &'static str| {
            move |count: usize| format!("{RECORD},\"{field}\":{}}}", sign.replacen('*', &part.repeat(count), 1))
        };
        for (part, sign, field) in [
            ("{\"name\":\"User\",\"value\":\"lee@contoso.com\"},", "[*0]", "list"),
            ("{\"deep\":1},", "[*0]", "list"),
            ("\"lee@contoso.com\",", "[*0]", "texts"),
            ("lee@contoso.com;", "\"*\"", "texts"),
            ("{\\\"a\\\":1},", "\"[*0]\"", "json"),
            ("<", "\"*x\"", "json"),
            ("i:0#.f|", "\"*x\"", "extra"),
            ("/personal/a_b_c_d/", "\"*\"", "extra"),
            ("_", "\"/personal/a*b\"", "extra"),
            ("%40", "\"*\"", "extra"),
            ("[", "\"*\"", "extra"),
            ("S-1-", "\"*\"", "report"),
            ("\"u@contoso.com\",", "[*0]", "report"),
        ] {
            assert_linear(part, 2_000, with(part, sign, field), reads);
        }
        let fields = |count: usize| {
            let fields: String = (0..count).map(|at| format!(",\"a.b.{at}\":{{\"c\":\"\"}}")).collect();
            format!("{RECORD}{fields}}}")
        };
        assert_linear("fields", 2_000, fields, reads);
    }

    #[test]
    fn b3_wrapped_records_take_linear_time() {
        let nested = |count: usize| {
            let open = "{\"inner\":".repeat(100);
            format!("{open}\"{}\"{}", "x".repeat(100 * count), "}".repeat(100))
        };
        assert_linear("wrappers", 100, nested, reads);
    }
}
