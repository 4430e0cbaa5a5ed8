//! Commitments to values in a record that can be withheld or redacted without a change to the rest of the record.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::salt::Salt;
use crate::activity::ActivityId;
use crate::digest::Digest;

/// A value in a record, and a commitment to it that stays when the value is [redacted](Self::redact) or withheld from a
/// reader.
///
/// The commitment is the SHA-256 digest of the [salt](Salt) in 32 lower-case hex digits, a line feed, and the
/// [text](CommitmentText::committed_text) of the value: `printf '%s\n%s' SALT TEXT | sha256sum` prints it. A redacted
/// or withheld value cannot be guessed, because its salt is removed with it. The form is that of the salted disclosures
/// of RFC
/// 9901. An auditor who has salt and value computes the commitment again and compares the two.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::governance::{Commitment, Justification, Salt};
///
/// let salt: Salt = "2f6a51c8dd1749b0a3e1f0728b5d9c46".parse()?;
/// let why = Justification::new("ticket 4711")?;
/// let mut commitment = Commitment::new(why.clone(), salt.clone());
/// assert_eq!(commitment.value(), Some(&why));
/// let digest = commitment.commitment();
/// commitment.redact();
/// assert_eq!((commitment.value(), commitment.commitment()), (None, digest));
/// assert_eq!(Commitment::new(why, salt).commitment(), digest);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Commitment<T> {
    sha256: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    opening: Option<Opening<T>>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening<T> {
    salt: Salt,
    value: T,
}

/// A value that a record can commit to.
pub trait CommitmentText {
    /// Returns the text that the commitment covers. Different values have different texts.
    fn committed_text(&self) -> Cow<'_, str>;
}

impl<T: CommitmentText> Commitment<T> {
    /// Commits to a value. The salt must be secret and used for this value alone: see [`Salt`].
    #[must_use]
    pub fn new(value: T, salt: Salt) -> Self {
        let opening = Opening { salt, value };
        Self { sha256: opening.commitment(), opening: Some(opening) }
    }
}

impl<T> Commitment<T> {
    /// Returns the value, and `None` if it was redacted or is withheld from the reader.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.opening.as_ref().map(|opening| &opening.value)
    }

    /// Returns the digest of the value and its salt, which is never removed.
    #[must_use]
    pub fn commitment(&self) -> Digest {
        self.sha256
    }

    /// Removes value and salt for good.
    pub fn redact(&mut self) {
        self.opening = None;
    }
}

impl<T: CommitmentText> Commitment<T> {
    /// Returns the salt and the text that the commitment is computed from, and `None` if they were removed.
    #[must_use]
    pub fn opening(&self) -> Option<(&Salt, Cow<'_, str>)> {
        self.opening.as_ref().map(|opening| (&opening.salt, opening.value.committed_text()))
    }
}

impl Commitment<Digest> {
    /// Returns whether this commits to the [digest](Digest::of_ids) of these activity ids in this order. An auditor
    /// checks the record of a page with it. Returns false if the digest was redacted or is withheld from the reader.
    #[must_use]
    pub fn is_of_ids<'a>(&self, ids: impl IntoIterator<Item = &'a ActivityId>) -> bool {
        self.value() == Some(&Digest::of_ids(ids))
    }
}

impl CommitmentText for u64 {
    fn committed_text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

impl CommitmentText for Digest {
    fn committed_text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

/// The text is RFC 3339 in UTC as in JSON, `2026-03-02T09:00:00.25Z`, without a fraction of zero.
impl CommitmentText for DateTime<Utc> {
    fn committed_text(&self) -> Cow<'_, str> {
        self.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
    }
}

/// A commitment to a value of any type.
pub(super) trait Committed {
    fn is_open(&self) -> bool;
    fn close(&mut self);
    /// Returns the commitment, the salt and the text, and `None` if they were removed.
    #[cfg_attr(not(feature = "ledger"), expect(dead_code, reason = "only a ledger stores openings apart"))]
    fn opened(&self) -> Option<(Digest, String, String)>;
}

impl<T: CommitmentText> Committed for Commitment<T> {
    fn is_open(&self) -> bool {
        self.opening.is_some()
    }

    fn close(&mut self) {
        self.redact();
    }

    fn opened(&self) -> Option<(Digest, String, String)> {
        let opening = self.opening.as_ref()?;
        Some((self.sha256, opening.salt.to_string(), opening.value.committed_text().into_owned()))
    }
}

impl<T: CommitmentText> Opening<T> {
    fn commitment(&self) -> Digest {
        Digest::of_text(&format!("{}\n{}", self.salt, self.value.committed_text()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<T> {
    sha256: Digest,
    #[serde(default = "Option::default")]
    opening: Option<Opening<T>>,
}

impl<'de, T: CommitmentText + Deserialize<'de>> Deserialize<'de> for Commitment<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Document { sha256, opening } = Document::deserialize(deserializer)?;
        if opening.as_ref().is_some_and(|opening: &Opening<T>| opening.commitment() != sha256) {
            return Err(de::Error::custom("a value does not match its commitment"));
        }
        Ok(Self { sha256, opening })
    }
}

impl<T> fmt::Debug for Commitment<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commitment").field("sha256", &self.sha256).finish_non_exhaustive()
    }
}
