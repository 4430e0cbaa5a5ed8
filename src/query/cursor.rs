//! Cursors: opaque tokens for the next page.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;
use uuid::Uuid;

use super::Query;
use crate::activity::{Activity, ActivityId};
use crate::digest::{FieldHasher, from_hex, to_hex};
use crate::governance::RevealId;
use crate::identity::UserId;
use crate::stored::StoredActivity;
use crate::text::without_values;

/// A position in the activity log. Pages are newest first, by time and then by id, and continue after a position.
///
/// `Ord` is by time, then by the bytes of the id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    occurred_at: DateTime<Utc>,
    id: ActivityId,
}

impl Position {
    /// Returns the position of an activity.
    #[must_use]
    pub fn of(activity: &Activity) -> Self {
        Self { occurred_at: activity.occurred_at(), id: activity.id().clone() }
    }

    /// Returns the time at which the activity occurred.
    #[must_use]
    pub fn occurred_at(&self) -> DateTime<Utc> {
        self.occurred_at
    }

    /// Returns the id of the activity.
    #[must_use]
    pub fn id(&self) -> &ActivityId {
        &self.id
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Position(..)")
    }
}

/// Truncates `activities` to `size`. The caller must have read at least one more than that if there are more. Returns
/// the position after which the next page continues, or `None` on the last page. `stopped_at` is the last position that
/// the store read, if it stopped before the end.
pub(crate) fn end_page(
    activities: &mut Vec<StoredActivity>,
    size: usize,
    stopped_at: Option<Position>,
) -> Option<Position> {
    if activities.len() <= size {
        return stopped_at;
    }
    activities.truncate(size);
    activities.last().map(|last| Position::of(last.activity()))
}

/// An opaque token that continues after a page. It is valid only for the same query and viewer, or the same reveal.
/// [`Display`](fmt::Display), [`FromStr`] and serde convert it to and from text.
///
/// The cursor of a view contains the position of the last public activity that was read for the page, on the page or
/// not. The cursor of a reveal contains only the id of the reveal and a page number, so it discloses nothing about the
/// activities.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(Inner);

#[derive(Clone, PartialEq, Eq)]
enum Inner {
    View { binding: [u8; 16], position: Position },
    Reveal { reveal: RevealId, page: u32 },
}

/// The reason why a cursor was rejected. It depends on the cursor alone, so it discloses nothing about the stored
/// activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CursorError {
    /// The text is not a cursor.
    #[error("malformed cursor; use one that was returned with a page")]
    Malformed,
    /// The cursor belongs to another query, viewer or reveal.
    #[error(
        "the cursor belongs to another query, viewer or reveal; use it with those that it was returned for, or begin \
         with the first page"
    )]
    Foreign,
}

impl Cursor {
    pub(crate) fn of_view(viewer: &UserId, query: &Query, position: Position) -> Self {
        Self(Inner::View { binding: view_binding(viewer, query), position })
    }

    pub(crate) fn of_reveal(reveal: RevealId, page: u32) -> Self {
        Self(Inner::Reveal { reveal, page })
    }

    /// Returns the position after which the view continues, if this is a cursor of the same view.
    pub(crate) fn in_view(&self, viewer: &UserId, query: &Query) -> Result<&Position, CursorError> {
        match &self.0 {
            Inner::View { binding: bound, position } if *bound == view_binding(viewer, query) => Ok(position),
            Inner::View { .. } | Inner::Reveal { .. } => Err(CursorError::Foreign),
        }
    }

    /// Returns the page after which the reveal continues, if this is a cursor of the same reveal.
    pub(crate) fn in_reveal(&self, of: RevealId) -> Result<u32, CursorError> {
        match &self.0 {
            Inner::Reveal { reveal, page } if *reveal == of => Ok(*page),
            Inner::View { .. } | Inner::Reveal { .. } => Err(CursorError::Foreign),
        }
    }
}

/// Ties a cursor to a viewer and a query.
fn view_binding(viewer: &UserId, query: &Query) -> [u8; 16] {
    let mut fields = FieldHasher::new("activity-privacy cursor of a view, version 1");
    fields.add(viewer.as_str());
    query.feed(&mut fields);
    fields.finish().first_half()
}

const VIEW: u8 = 1;
const REVEAL: u8 = 2;

/// The bytes before the id in the cursor of a view: the kind, the binding and the time.
const VIEW_HEADER: usize = 1 + 16 + 8;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::new();
        match &self.0 {
            Inner::View { binding, position } => {
                bytes.push(VIEW);
                bytes.extend(binding);
                bytes.extend(position.occurred_at.timestamp_micros().to_be_bytes());
                bytes.extend(position.id.as_str().as_bytes());
            }
            Inner::Reveal { reveal, page } => {
                bytes.push(REVEAL);
                bytes.extend(reveal.0.as_bytes());
                bytes.extend(page.to_be_bytes());
            }
        }
        f.write_str(&to_hex(&bytes))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(token: &str) -> Result<Self, CursorError> {
        // A longer token cannot be valid, and is not decoded, so that its length does not cost memory.
        if token.len() > 2 * (VIEW_HEADER + ActivityId::MAX_BYTES) {
            return Err(CursorError::Malformed);
        }
        from_hex(token).and_then(|bytes| parse(&bytes)).map(Self).ok_or(CursorError::Malformed)
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let token = String::deserialize(deserializer);
        let token = token.map_err(|error| de::Error::custom(without_values(&error.to_string())))?;
        token.parse().map_err(de::Error::custom)
    }
}

fn parse(bytes: &[u8]) -> Option<Inner> {
    match bytes.split_first()? {
        (&VIEW, rest) => {
            let (binding, rest) = rest.split_first_chunk::<16>()?;
            let (micros, id) = rest.split_first_chunk::<8>()?;
            let occurred_at = DateTime::from_timestamp_micros(i64::from_be_bytes(*micros))?;
            let id = ActivityId::new(str::from_utf8(id).ok()?).ok()?;
            Some(Inner::View { binding: *binding, position: Position { occurred_at, id } })
        }
        (&REVEAL, rest) => {
            let (reveal, rest) = rest.split_first_chunk::<16>()?;
            let page = u32::from_be_bytes(rest.try_into().ok()?);
            Some(Inner::Reveal { reveal: RevealId(Uuid::from_bytes(*reveal)), page })
        }
        _ => None,
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor(..)")
    }
}
