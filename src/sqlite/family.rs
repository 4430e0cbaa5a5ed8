//! The two families of tables, for public and for private activities.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::engine::Visibility;

/// Public or private activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Public,
    Private,
}

/// The table of private activities. Public ones are in [partitions](super::partition).
pub(super) const PRIVATE: &str = "private_activity";

/// The step between consecutive numbers of one family.
pub(super) const NUMBER_STEP: i64 = 2;

impl Family {
    pub(super) const BOTH: [Self; 2] = [Self::Public, Self::Private];

    /// Returns the family of activities with a visibility.
    pub(super) fn of(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Public => Self::Public,
            Visibility::Private => Self::Private,
        }
    }

    /// Returns the prefix of the names of its tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }

    /// Returns the sequence before the first one of this family. The ranges of the two families are disjoint, so that
    /// an index entry of one family is detected in the other.
    pub(super) fn sequence_before_first(self) -> i64 {
        match self {
            Self::Public => 0,
            Self::Private => 1 << 40,
        }
    }

    /// Returns whether a number of a decision, actor, app or action belongs to this family.
    pub(super) fn has_number(self, number: i64) -> bool {
        number.rem_euclid(NUMBER_STEP)
            == match self {
                Self::Public => 1,
                Self::Private => 0,
            }
    }

    /// Begins a checksum of content of this family. It has no secret key, because it detects accidents only: a process
    /// that tampers with the file could read the key in it.
    pub(super) fn checksum(self) -> SipHasher13 {
        SipHasher13::new_with_keys(self as u64, 0)
    }
}

/// Adds a text with its length to a checksum, so that different lists of texts add different bytes.
pub(super) fn add_text(hasher: &mut SipHasher13, text: Option<&str>) {
    hasher.write(&text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
    hasher.write(text.unwrap_or_default().as_bytes());
}
