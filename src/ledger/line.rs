//! Lines of an exported log.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::export::Disclosure;
use super::hash::TreeHash;
use super::leaf::Leaf;
use crate::activity::{Activity, Actor};
use crate::digest::Digest;
use crate::governance::{RecordEntry, Salt};
use crate::json::{self, Unreadable};
use crate::query::PageSize;

/// A record, or the hash of a removed record. Has no `Debug`, because disclosed values can be private.
pub(super) enum LogLine {
    Record { entry: String, openings: BTreeMap<String, LineOpening> },
    Removed(TreeHash),
}

#[derive(Serialize)]
#[serde(untagged)]
enum SerializedLine<'a> {
    Record { entry: &'a str, openings: &'a BTreeMap<String, LineOpening> },
    Removed { leaf_hash: String },
}

/// The salt and the text of a commitment, which is the digest of the salt, a line feed and the text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineOpening {
    salt: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParsedLine {
    entry: Option<String>,
    openings: Option<BTreeMap<String, LineOpening>>,
    leaf_hash: Option<String>,
}

/// The maximum length of a line, in bytes: 80 MiB.
pub(super) const MAX_BYTES: usize = 80 << 20;

/// The maximum bytes of the tags of a record, which are those of the largest possible page: one tag for each identity,
/// two for each object. A tag (see [`Subjects`](crate::governance::Subjects)) takes 34 bytes in JSON: 32 hex digits and
/// an escaped line feed.
const MAX_TAG_BYTES: usize = {
    let identities = (1 + Activity::MAX_ON_BEHALF_OF) * Actor::MAX_IDENTITIES;
    PageSize::MAX.get() * (identities + 2 * Activity::MAX_OBJECTS) * 34
};
// 1 MiB for the rest of the record.
const _: () =
    assert!(MAX_TAG_BYTES + (1 << 20) < MAX_BYTES, "a record can be longer than the longest line that can be verified");

/// The maximum number of JSON values in a line, and in the record inside it.
const MAX_VALUES: usize = 100_000;

/// The reason why a line was rejected.
pub(super) enum LineError {
    /// The line is not what is stated here.
    Unreadable { expected: &'static str },
    /// The record has another sequence number, or none.
    Sequence { found: Option<u64> },
    /// An opening matches no commitment in the record.
    Opening,
}

impl LogLine {
    /// Returns the line of a record, with or without the values that it commits to.
    pub(super) fn of(leaf: &Leaf, source: &RecordEntry, disclosure: Disclosure) -> Self {
        let opened = match disclosure {
            Disclosure::Include => source.record.openings(),
            Disclosure::Redact => Vec::new(),
        };
        let opening = |(sha256, salt, text): (Digest, _, _)| (sha256.to_string(), LineOpening { salt, text });
        let openings = opened.into_iter().map(opening).collect();
        Self::Record { entry: leaf.as_str().to_owned(), openings }
    }

    /// Returns the line as written to a file, without the line feed.
    pub(super) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&match self {
            Self::Record { entry, openings } => SerializedLine::Record { entry, openings },
            Self::Removed(hash) => SerializedLine::Removed { leaf_hash: hash.to_string() },
        })
    }

    pub(super) fn parse(text: &[u8]) -> Result<Self, LineError> {
        let unreadable = |expected| LineError::Unreadable { expected };
        let other_form = || unreadable("an object with `entry` and `openings`, or with `leaf_hash`");
        let value = parse_json(text, &LINE)?;
        match serde_json::from_value(value).map_err(|_| other_form())? {
            ParsedLine { entry: Some(entry), openings: Some(openings), leaf_hash: None } => {
                Ok(Self::Record { entry, openings })
            }
            ParsedLine { entry: None, openings: None, leaf_hash: Some(hash) } => {
                Ok(Self::Removed(hash.parse().map_err(|_| unreadable("a hash in base64 as `leaf_hash`"))?))
            }
            _ => Err(other_form()),
        }
    }

    /// Returns whether a text ends before its JSON value does.
    pub(super) fn is_incomplete(text: &[u8]) -> bool {
        serde_json::from_slice::<IgnoredAny>(text).is_err_and(|error| error.is_eof())
    }

    /// Verifies that a record has this sequence number and that each opening matches a commitment in it, and returns
    /// the hash of the leaf. The hash of a removed record is returned unverified: only the root of the tree confirms
    /// it.
    pub(super) fn verified_hash(&self, sequence: u64) -> Result<TreeHash, LineError> {
        let (entry, openings) = match self {
            Self::Record { entry, openings } => (entry, openings),
            Self::Removed(hash) => return Ok(*hash),
        };
        let record = parse_json(entry.as_bytes(), &ENTRY)?;
        let found = record.get("sequence").and_then(Value::as_u64);
        if found != Some(sequence) {
            return Err(LineError::Sequence { found });
        }
        let mut committed = BTreeSet::new();
        commitments(&record, &mut committed);
        let opens = |(commitment, opening): (&String, &LineOpening)| {
            committed.contains(commitment.as_str()) && opening.commitment().is_some_and(|made| made == *commitment)
        };
        if !openings.iter().all(opens) {
            return Err(LineError::Opening);
        }
        Ok(TreeHash::of_leaf(entry.as_bytes()))
    }
}

/// The expected format of a JSON text, for each reason to reject it.
struct ExpectedJson {
    json: &'static str,
    unrepeated: &'static str,
    limited: &'static str,
}

const LINE: ExpectedJson = ExpectedJson {
    json: "JSON",
    unrepeated: "JSON without repeated members",
    limited: "JSON of at most 100,000 values",
};
const ENTRY: ExpectedJson = ExpectedJson {
    json: "JSON as `entry`",
    unrepeated: "JSON without repeated members as `entry`",
    limited: "JSON of at most 100,000 values as `entry`",
};
const _: () = assert!(MAX_VALUES == 100_000, "the expected formats state another number");

fn parse_json(text: &[u8], expected: &ExpectedJson) -> Result<Value, LineError> {
    let text = str::from_utf8(text).map_err(|_| LineError::Unreadable { expected: expected.json })?;
    json::parse(text, MAX_VALUES).map_err(|error| LineError::Unreadable {
        expected: match error {
            Unreadable::NotJson(_) => expected.json,
            Unreadable::Repeated => expected.unrepeated,
            Unreadable::TooManyValues(_) => expected.limited,
        },
    })
}

impl LineOpening {
    /// Returns the commitment, or `None` if the salt is malformed. The fixed form of the salt prevents moving the
    /// boundary between salt and text.
    fn commitment(&self) -> Option<String> {
        let Self { salt, text } = self;
        let is_salt = salt.parse::<Salt>().is_ok();
        is_salt.then(|| Digest::of_text(&format!("{salt}\n{text}")).to_string())
    }
}

/// Collects the value of every member named `sha256`, at any depth: these are the commitments of a record.
fn commitments<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("sha256").and_then(Value::as_str));
            members.values().for_each(|member| commitments(member, found));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| commitments(entry, found)),
        _ => {}
    }
}
