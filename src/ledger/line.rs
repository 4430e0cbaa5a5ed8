//! Lines of an exported log.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hash::TreeHash;
use super::leaf::Leaf;
use crate::activity::{Activity, Actor};
use crate::digest::Digest;
use crate::governance::{RecordEntry, Salt};
use crate::json;
use crate::query::PageSize;

/// A record, or the hash of a removed record. Has no `Debug`, because disclosed values can be private.
pub(super) enum LogLine {
    Record { leaf: String, openings: BTreeMap<String, LineOpening> },
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

/// The longest record is the largest page of activities with the most identities and objects. It has one tag for each
/// identity and two for each object. A tag takes 34 bytes: its digits, and an escaped line feed.
const LONGEST: usize = {
    let identities = (1 + Activity::MAX_ON_BEHALF_OF) * Actor::MAX_IDENTITIES;
    PageSize::MAX.get() * (identities + 2 * Activity::MAX_OBJECTS) * 34
};
const _: () = assert!(LONGEST + (1 << 20) < MAX_BYTES, "every exported record can be verified");

/// The most JSON values in a line.
const MAX_VALUES: usize = 100_000;

/// The reason why a line was rejected.
pub(super) enum LineError {
    Unreadable(&'static str),
    Sequence(Option<u64>),
    Opening,
}

impl LogLine {
    /// Returns the line of a record, with or without the values that it commits to.
    pub(super) fn of(leaf: &Leaf, entry: &RecordEntry, with_openings: bool) -> Self {
        let opened = if with_openings { entry.record.openings() } else { Vec::new() };
        let opening = |(sha256, salt, text): (Digest, _, _)| (sha256.to_string(), LineOpening { salt, text });
        let openings = opened.into_iter().map(opening).collect();
        Self::Record { leaf: leaf.as_str().to_owned(), openings }
    }

    /// Returns the line as written to a file, without the line feed.
    pub(super) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&match self {
            Self::Record { leaf, openings } => SerializedLine::Record { entry: leaf, openings },
            Self::Removed(hash) => SerializedLine::Removed { leaf_hash: hash.to_string() },
        })
    }

    pub(super) fn parse(text: &[u8]) -> Result<Self, LineError> {
        let unreadable = || LineError::Unreadable("an object with `entry` and `openings`, or with `leaf_hash`");
        let value = parse(text).ok_or(LineError::Unreadable("JSON"))?;
        match serde_json::from_value(value).map_err(|_| unreadable())? {
            ParsedLine { entry: Some(leaf), openings: Some(openings), leaf_hash: None } => {
                Ok(Self::Record { leaf, openings })
            }
            ParsedLine { entry: None, openings: None, leaf_hash: Some(hash) } => {
                Ok(Self::Removed(hash.parse().map_err(|_| LineError::Unreadable("a hash in base64 as `leaf_hash`"))?))
            }
            _ => Err(unreadable()),
        }
    }

    /// Returns whether a text that does not parse can be the beginning of a text that does.
    pub(super) fn is_begun(text: &[u8]) -> bool {
        serde_json::from_slice::<IgnoredAny>(text).is_err_and(|error| error.is_eof())
    }

    /// Returns the hash of the leaf. Verifies that the record has this sequence number, and that each opening matches a
    /// commitment in it.
    pub(super) fn check(&self, sequence: u64) -> Result<TreeHash, LineError> {
        let (leaf, openings) = match self {
            Self::Record { leaf, openings } => (leaf, openings),
            Self::Removed(hash) => return Ok(*hash),
        };
        let entry = parse(leaf.as_bytes()).ok_or(LineError::Unreadable("JSON as `entry`"))?;
        let found = entry.get("sequence").and_then(Value::as_u64);
        if found != Some(sequence) {
            return Err(LineError::Sequence(found));
        }
        let mut committed = BTreeSet::new();
        commitments(&entry, &mut committed);
        let opens = |(commitment, opening): (&String, &LineOpening)| {
            committed.contains(commitment.as_str()) && opening.commitment().is_some_and(|made| made == *commitment)
        };
        if !openings.iter().all(opens) {
            return Err(LineError::Opening);
        }
        Ok(TreeHash::of_leaf(leaf.as_bytes()))
    }
}

fn parse(text: &[u8]) -> Option<Value> {
    json::parse(str::from_utf8(text).ok()?, MAX_VALUES).ok()
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

/// Collects every commitment in a record.
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
