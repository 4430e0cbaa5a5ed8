//! What a record says of people or of hidden activities, so that it can be withheld or forgotten without a change to the
//! rest of the record.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::salt::Salt;
use crate::activity::ActivityId;
use crate::digest::Digest;

/// A value in a record, and a commitment to it that stays when the value is [forgotten](Self::redact) or withheld from a
/// reader.
///
/// The commitment is the SHA-256 digest of the [salt](Salt) in 32 lower-case hex digits, a line feed, and the
/// [text](CommitmentText::sealed_text) of the value, so that `printf '%s\n%s' SALT TEXT | sha256sum` gives the same. Nobody can
/// guess a value that was forgotten or withheld, because its salt goes with it. The form is that of the salted disclosures of
/// RFC 9901. An auditor to whom salt and value are disclosed seals them again and compares the commitments.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::governance::{Commitment, Justification, Salt};
///
/// let salt: Salt = "2f6a51c8dd1749b0a3e1f0728b5d9c46".parse()?;
/// let why = Justification::new("ticket 4711")?;
/// let mut sealed = Commitment::new(why.clone(), salt.clone());
/// assert_eq!(sealed.value(), Some(&why));
/// let committed = sealed.commitment();
/// sealed.redact();
/// assert_eq!((sealed.value(), sealed.commitment()), (None, committed));
/// assert_eq!(Commitment::new(why, salt).commitment(), committed);
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

/// A value that a record can hold sealed: as the text that is committed to.
pub trait CommitmentText {
    /// The text. Two values that differ have texts that differ.
    fn sealed_text(&self) -> Cow<'_, str>;
}

impl<T: CommitmentText> Commitment<T> {
    /// Seals a value with a salt that nobody can guess and that seals nothing else: see [`Salt`].
    #[must_use]
    pub fn new(value: T, salt: Salt) -> Self {
        let opening = Opening { salt, value };
        Self { sha256: opening.commitment(), opening: Some(opening) }
    }
}

impl<T> Commitment<T> {
    /// The value, unless it was forgotten or is not for the reader to know.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.opening.as_ref().map(|opening| &opening.value)
    }

    /// What stays for ever: a digest of the value and its salt.
    #[must_use]
    pub fn commitment(&self) -> Digest {
        self.sha256
    }

    /// Forgets value and salt, for good.
    pub fn redact(&mut self) {
        self.opening = None;
    }
}

impl<T: CommitmentText> Commitment<T> {
    /// Salt and text of the value, unless it was forgotten: what the commitment is recomputed from.
    #[must_use]
    pub fn opening(&self) -> Option<(&Salt, Cow<'_, str>)> {
        self.opening.as_ref().map(|opening| (&opening.salt, opening.value.sealed_text()))
    }
}

impl Commitment<Digest> {
    /// Whether this is the [digest](Digest::of_ids) of these activity ids, in this order: what an auditor holds against the
    /// record of a page. Never, once the digest was forgotten or is not for the reader to know.
    #[must_use]
    pub fn is_of_ids<'a>(&self, ids: impl IntoIterator<Item = &'a ActivityId>) -> bool {
        self.value() == Some(&Digest::of_ids(ids))
    }
}

impl CommitmentText for u64 {
    fn sealed_text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

impl CommitmentText for Digest {
    fn sealed_text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

/// As JSON has it, RFC 3339 in UTC: `2026-03-02T09:00:00.25Z`, without a fraction of zero.
impl CommitmentText for DateTime<Utc> {
    fn sealed_text(&self) -> Cow<'_, str> {
        self.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
    }
}

/// A sealed value of whatever kind.
pub(crate) trait Seal {
    fn is_open(&self) -> bool;
    fn close(&mut self);
    /// The commitment, the salt and the text, unless it was forgotten.
    #[cfg_attr(not(feature = "ledger"), expect(dead_code, reason = "only a ledger shows openings apart"))]
    fn opened(&self) -> Option<(Digest, String, String)>;
}

impl<T: CommitmentText> Seal for Commitment<T> {
    fn is_open(&self) -> bool {
        self.opening.is_some()
    }

    fn close(&mut self) {
        self.redact();
    }

    fn opened(&self) -> Option<(Digest, String, String)> {
        let opening = self.opening.as_ref()?;
        Some((self.sha256, opening.salt.to_string(), opening.value.sealed_text().into_owned()))
    }
}

impl<T: CommitmentText> Opening<T> {
    fn commitment(&self) -> Digest {
        Digest::of_text(&format!("{}\n{}", self.salt, self.value.sealed_text()))
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
            return Err(de::Error::custom("a sealed value is not the one that was committed to"));
        }
        Ok(Self { sha256, opening })
    }
}

impl<T> fmt::Debug for Commitment<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commitment").field("sha256", &self.sha256).finish_non_exhaustive()
    }
}
