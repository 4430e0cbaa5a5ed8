//! Maps: the rules by which records of one source become activities.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::app::AppRule;
use super::condition::Condition;
use super::document::{ConditionDocument, MapDocument, RejectionDocument, ReportDocument, TextOr};
use super::error::{MapError, Path};
use super::node::{Node, Part, RecordNode};
use super::pages::page_format;
use super::place::{Place, PlaceParser};
use super::pointer::Pointer;
use super::rule::Rule;
use super::text_source::TextSource;
use super::time::TimePlace;
use crate::json::{self, UniqueValue, Unreadable};
use crate::sources::framing::PageFormat;

/// The rules by which the JSON records of one source become activities; see the [module](super).
///
/// A map is read from JSON and checked. It serialises to the same document. A clone is cheap. Deserializing a map checks
/// the same as [`Map::from_json`], except its length.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::sources::mapped::Map;
///
/// let error = r#"{"version": 1, "name": "door_log", "title": "Door log",
///     "time": [{"at": "/time", "format": "rfc3339"}], "action": ["/action"], "app": {"name": "Doors"},
///     "actor": [{"kind": "user", "identities": [{"at": "person", "as": "name"}]}]}"#
///     .parse::<Map>()
///     .unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "actor[0].identities[0].at: invalid place, expected a JSON Pointer such as `/actor/id`, or a JSONPath such as \
///      `$.target[*].id`"
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Map {
    document: Arc<MapDocument>,
    rules: Arc<Rules>,
}

/// The rules of a map, ready for use.
pub(super) struct Rules {
    pub(super) pages: Arc<PageFormat>,
    pub(super) wrappers: Box<[Pointer]>,
    /// Where texts contain JSON that is read as a part of the record.
    pub(super) embedded: Box<[Pointer]>,
    detect: Box<[Sign]>,
    pub(super) reject: Box<[Rejection]>,
    pub(super) id: Box<[Place]>,
    pub(super) time: Box<[TimePlace]>,
    pub(super) action: Box<[TextSource]>,
    pub(super) app: AppRule,
    pub(super) actor: Box<[Rule]>,
    pub(super) on_behalf_of: Box<[Rule]>,
    /// The conditions of the records that a service writes about a person.
    pub(super) reports: Box<[Box<[Condition]>]>,
    pub(super) objects: Box<[Place]>,
    /// The number of trees in which JSONPaths search.
    trees: usize,
}

/// A sign by which a record of the source is recognized.
enum Sign {
    Place(Place),
    Condition(Condition),
}

/// The records that are no activities, and why.
pub(super) struct Rejection {
    pub(super) when: Box<[Condition]>,
    pub(super) reason: Box<str>,
}

impl Map {
    /// The version of the format that this crate reads.
    pub const VERSION: u64 = 1;
    /// The most bytes that a map may have.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// Parses a map and checks it.
    ///
    /// # Errors
    /// Returns [`MapError`] with the path of the first part that is missing or invalid.
    pub fn from_json(text: &str) -> Result<Self, MapError> {
        /// More than a map of this length with 1,000 places contains.
        const MAX_VALUES: usize = 50_000;
        if text.len() > Self::MAX_BYTES {
            return Err(MapError::TooLong { max: Self::MAX_BYTES });
        }
        let document = json::parse(text, MAX_VALUES).map_err(|unreadable| match unreadable {
            Unreadable::NotJson(error) => MapError::NotJson { line: error.line(), column: error.column() },
            Unreadable::Repeated => MapError::RepeatedMember,
            Unreadable::TooManyValues(count) => {
                Path::Map.error(format!("{count} values, expected at most {MAX_VALUES}"))
            }
        })?;
        Self::from_value(document)
    }

    fn from_value(document: serde_json::Value) -> Result<Self, MapError> {
        if !document.is_object() {
            return Err(Path::Map.error("not an object, expected one JSON object"));
        }
        // Before all else, because another version can have other members.
        match document.get("version") {
            Some(version) if *version != serde_json::json!(Self::VERSION) => {
                let found = if version.is_number() { version.to_string() } else { "that is no number".to_owned() };
                return Err(MapError::UnsupportedVersion { found });
            }
            _ => {}
        }
        let document: MapDocument = serde_path_to_error::deserialize(document).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { "map".to_owned() } else { path };
            MapError::Invalid { path, reason: error.into_inner().to_string() }
        })?;
        let rules = Rules::parse(&document)?;
        Ok(Self { document: document.into(), rules: rules.into() })
    }

    /// Returns the name of the map, such as `okta_system_log`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.document.name
    }

    /// Returns the name of the source for people, such as `Okta System Log`.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.document.title
    }

    /// Returns the address of the documentation of the records.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.document.source.as_deref()
    }

    /// Returns the name of the source with which each id begins.
    pub(super) fn source_of_ids(&self) -> &str {
        self.document.ids_of.as_deref().unwrap_or(&self.document.name)
    }

    pub(super) fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.document == other.document
    }
}

impl FromStr for Map {
    type Err = MapError;

    fn from_str(text: &str) -> Result<Self, MapError> {
        Self::from_json(text)
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let UniqueValue(document) = UniqueValue::deserialize(deserializer)?;
        Self::from_value(document).map_err(de::Error::custom)
    }
}

impl Rules {
    /// The most bytes of a title or a reason.
    const MAX_TEXT_BYTES: usize = 256;

    fn parse(document: &MapDocument) -> Result<Self, MapError> {
        let path = Path::Map;
        check_name(&document.name, path.member("name"))?;
        document.ids_of.as_deref().map_or(Ok(()), |name| check_name(name, path.member("ids_of")))?;
        check_text(&document.title, path.member("title"))?;
        document.source.as_deref().map_or(Ok(()), |source| check_text(source, path.member("source")))?;
        let mut places = PlaceParser::new(document.dotted.unwrap_or_default());
        let places = &mut places;

        let wrappers = pointers(document.wrappers.as_deref(), path.member("wrappers"))?;
        let embedded = pointers(document.embedded.as_deref(), path.member("embedded"))?;
        let detect = document.detect.as_deref().unwrap_or_default();
        let signs = detect.iter().enumerate();
        let detect = signs.map(|(index, sign)| Sign::parse(sign, places, path.member("detect").entry(index)));
        let detect = detect.collect::<Result<_, _>>()?;
        let rejections = document.reject.iter().flatten().enumerate();
        let reject = rejections.map(|(index, it)| Rejection::parse(it, places, path.member("reject").entry(index)));
        let reject = reject.collect::<Result<_, _>>()?;
        let id = places.parse_all(document.id.as_deref().unwrap_or_default(), path.member("id"))?;
        if document.time.is_empty() {
            return Err(path.member("time").error("no places, expected at least one"));
        }
        let times = document.time.iter().enumerate();
        let time = times.map(|(index, time)| TimePlace::parse(time, places, path.member("time").entry(index)));
        let time = time.collect::<Result<Box<[TimePlace]>, _>>()?;
        if document.action.is_empty() {
            return Err(path.member("action").error("no places, expected at least one"));
        }
        let action: Box<[TextSource]> = TextSource::parse_all(&document.action, places, path.member("action"))?;
        let app = AppRule::parse(&document.app, places, path.member("app"))?;
        let account_app = app.name().as_str();
        let actor = Rule::parse_all(&document.actor, account_app, places, path.member("actor"))?;
        let on_behalf_of = document.on_behalf_of.as_deref().unwrap_or_default();
        let on_behalf_of = Rule::parse_all(on_behalf_of, account_app, places, path.member("on_behalf_of"))?;
        let reports = document.reports.iter().flatten().enumerate();
        let reports = reports.map(|(index, ReportDocument { when })| {
            Condition::parse_all(when, places, path.member("reports").entry(index).member("when"))
        });
        let reports = reports.collect::<Result<_, _>>()?;
        let objects = places.parse_all(document.objects.as_deref().unwrap_or_default(), path.member("objects"))?;
        let pages = page_format(document.pages.as_deref().unwrap_or_default(), &time, &action, path.member("pages"))?;
        let trees = places.trees();
        Ok(Self {
            pages: pages.into(),
            wrappers,
            embedded,
            detect,
            reject,
            id,
            time,
            action,
            app,
            actor,
            on_behalf_of,
            reports,
            objects,
            trees,
        })
    }

    /// Returns a record in which the places of the map are looked up.
    pub(super) fn node<'r>(&self, record: Part<'r>) -> RecordNode<'r> {
        RecordNode::new(record, self.trees)
    }

    /// Returns whether a record is of the source.
    pub(super) fn recognize(&self, record: Node<'_>) -> bool {
        !self.detect.is_empty() && self.detect.iter().all(|sign| sign.holds(record))
    }

    /// Returns whether the map has signs by which its source is recognized.
    pub(super) fn has_signs(&self) -> bool {
        !self.detect.is_empty()
    }
}

impl Sign {
    fn parse(document: &TextOr<ConditionDocument>, places: &mut PlaceParser, path: Path<'_>) -> Result<Self, MapError> {
        match document {
            TextOr::Text(text) => places.parse(text).map(Self::Place).map_err(|fault| path.error(fault)),
            TextOr::Object(document) => Condition::parse(document, places, path).map(Self::Condition),
        }
    }

    fn holds(&self, record: Node<'_>) -> bool {
        match self {
            Self::Place(place) => place.is_there(record),
            Self::Condition(condition) => condition.holds(record),
        }
    }
}

impl Rejection {
    fn parse(document: &RejectionDocument, places: &mut PlaceParser, path: Path<'_>) -> Result<Self, MapError> {
        check_text(&document.reason, path.member("reason"))?;
        // Without a condition, every record would be rejected.
        if document.when.is_empty() {
            return Err(path.member("when").error("no conditions, expected at least one"));
        }
        let when = Condition::parse_all(&document.when, places, path.member("when"))?;
        Ok(Self { when, reason: document.reason.as_str().into() })
    }
}

fn check_name(name: &str, path: Path<'_>) -> Result<(), MapError> {
    let is_word = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    match is_word && (1..=64).contains(&name.len()) {
        true => Ok(()),
        false => Err(path.error("invalid name, expected 1 to 64 lower-case letters, digits and `_`")),
    }
}

fn check_text(text: &str, path: Path<'_>) -> Result<(), MapError> {
    let max = Rules::MAX_TEXT_BYTES;
    match text.trim() == text && (1..=max).contains(&text.len()) && !text.contains(char::is_control) {
        true => Ok(()),
        false => Err(path.error(format!("invalid text, expected 1 to {max} bytes in one line"))),
    }
}

/// Parses a short list of pointers.
fn pointers(texts: Option<&[String]>, path: Path<'_>) -> Result<Box<[Pointer]>, MapError> {
    /// Each can be looked up several times.
    const MAX_POINTERS: usize = 16;
    let texts = texts.unwrap_or_default();
    if texts.len() > MAX_POINTERS {
        return Err(path.error(format!("{} pointers, expected at most {MAX_POINTERS}", texts.len())));
    }
    let parse = |(index, text): (usize, &String)| {
        let path = path.entry(index);
        match texts.iter().take(index).any(|known| known == text) {
            true => Err(path.error("the same pointer again; remove it")),
            false => Pointer::parse(text).map_err(|fault| path.error(fault)),
        }
    };
    texts.iter().enumerate().map(parse).collect()
}
