//! The people whose private activities a page showed.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::commitment::CommitmentText;
use super::ids::RevealId;
use crate::digest::{FieldHasher, from_hex, to_hex};
use crate::engine::{PrincipalRole, Reason, Visibility};
use crate::identity::{Alias, Identity, UserId};
use crate::stored::StoredActivity;

/// The data subjects of the private activities of one page, as tags. A tag identifies a person only to a reader who
/// already knows the identity.
///
/// A tag is the first half of a SHA-256 digest over the reveal and one identity, in the form in which identities are
/// compared. There is one tag for each identity on each private activity. Tags of different reveals cannot be compared.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Subjects(Vec<Tag>);

type Tag = [u8; 16];

impl Subjects {
    /// Returns the data subjects of the private ones among `activities`: the actors and the people on whose behalf they
    /// acted. The objects are included if an activity is private because of an object.
    #[must_use]
    pub fn of<'a>(reveal: RevealId, activities: impl IntoIterator<Item = &'a StoredActivity>) -> Self {
        let private = activities.into_iter().filter(|stored| stored.visibility() == Visibility::Private);
        let mut tags: Vec<Tag> = Vec::new();
        for stored in private {
            for principal in stored.activity().principals() {
                tags.extend(principal.identities().iter().map(|identity| tag(reveal, identity)));
            }
            let include_objects =
                |reason: &Reason| matches!(reason, Reason::Member { role: PrincipalRole::Object, .. });
            if stored.decision().reasons().iter().any(include_objects) {
                for object in stored.activity().objects() {
                    // An object can be an id or an alias.
                    tags.extend(UserId::new(object).map(|id| tag(reveal, &Identity::Id(id))));
                    tags.extend(Alias::new(object).map(|alias| tag(reveal, &Identity::Alias(alias))));
                }
            }
        }
        tags.sort_unstable();
        tags.dedup();
        Self(tags)
    }

    /// Returns whether these subjects of a page of `reveal` include this identity.
    #[must_use]
    pub fn contains(&self, reveal: RevealId, identity: &Identity) -> bool {
        self.0.binary_search(&tag(reveal, identity)).is_ok()
    }

    /// Returns whether there are none: no activity is private, or none of the private ones has an identity.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn tag(reveal: RevealId, identity: &Identity) -> Tag {
    let mut fields = FieldHasher::new("activity-privacy subject of a page, version 1");
    fields.add(reveal.0.as_bytes());
    match identity {
        Identity::Id(id) => {
            fields.add("id");
            fields.add(id.as_str());
        }
        Identity::Alias(alias) => {
            fields.add("alias");
            fields.add(alias.key());
        }
    }
    fields.finish().first_half()
}

/// The text has one tag a line, 32 lower-case hex digits each, in ascending order.
impl CommitmentText for Subjects {
    fn committed_text(&self) -> Cow<'_, str> {
        self.0.iter().map(|tag| to_hex(tag)).collect::<Vec<_>>().join("\n").into()
    }
}

impl Serialize for Subjects {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|tag| to_hex(tag)))
    }
}

impl<'de> Deserialize<'de> for Subjects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lines = Vec::<String>::deserialize(deserializer)?;
        let tag = |line: &String| from_hex(line).and_then(|bytes| Tag::try_from(bytes).ok());
        let tags: Option<Vec<Tag>> = lines.iter().map(tag).collect();
        tags.filter(|tags| tags.is_sorted_by(|one, next| one < next))
            .map(Self)
            .ok_or_else(|| de::Error::custom("expected tags of 32 hex digits each, in ascending order"))
    }
}

impl fmt::Debug for Subjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subjects").field("tags", &self.0.len()).finish_non_exhaustive()
    }
}
