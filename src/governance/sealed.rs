//! What a record says of people, so that it can be forgotten later without a change to the rest of the record.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use uuid::Uuid;

use crate::digest::Digest;

/// A value in a record, and a commitment to it that stays when the value is [forgotten](Self::forget).
///
/// The commitment is the SHA-256 digest of the salt, a line feed, and the [text](SealedText::sealed_text) of the value, so
/// that `printf '%s\n%s' SALT TEXT | sha256sum` gives the same. Nobody can guess a value that was forgotten, because its
/// salt is forgotten with it. The form is that of the salted disclosures of RFC 9901.
///
/// ```
/// # fn main() -> Result<(), activity_privacy::TextError> {
/// use activity_privacy::{Justification, Sealed};
///
/// let why = Justification::new("ticket 4711")?;
/// let mut sealed = Sealed::new(why.clone(), uuid::Uuid::from_u128(7));
/// assert_eq!(sealed.value(), Some(&why));
/// let committed = sealed.commitment();
/// sealed.forget();
/// assert_eq!((sealed.value(), sealed.commitment()), (None, committed));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Sealed<T> {
    sha256: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    opening: Option<Opening<T>>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening<T> {
    salt: Uuid,
    value: T,
}

/// A value that a record can hold sealed: as the text that is committed to.
pub trait SealedText {
    /// The text. Two values that differ have texts that differ.
    fn sealed_text(&self) -> Cow<'_, str>;
}

impl<T: SealedText> Sealed<T> {
    /// Seals a value with a salt that nobody can guess and that seals nothing else.
    #[must_use]
    pub fn new(value: T, salt: Uuid) -> Self {
        let opening = Opening { salt, value };
        Self { sha256: opening.commitment(), opening: Some(opening) }
    }
}

impl<T> Sealed<T> {
    /// The value, unless it was forgotten.
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
    pub fn forget(&mut self) {
        self.opening = None;
    }
}

impl<T: SealedText> Sealed<T> {
    /// Salt and text of the value, unless it was forgotten: what the commitment is recomputed from.
    #[must_use]
    pub fn opening(&self) -> Option<(Uuid, Cow<'_, str>)> {
        self.opening.as_ref().map(|opening| (opening.salt, opening.value.sealed_text()))
    }
}

impl SealedText for u64 {
    fn sealed_text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

impl SealedText for Digest {
    fn sealed_text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

/// A sealed value of whatever kind.
pub(crate) trait Seal {
    fn is_open(&self) -> bool;
    fn close(&mut self);
    /// The commitment, the salt and the text, unless it was forgotten.
    #[cfg_attr(not(feature = "ledger"), expect(dead_code, reason = "only a ledger shows openings apart"))]
    fn opened(&self) -> Option<(Digest, Uuid, String)>;
}

impl<T: SealedText> Seal for Sealed<T> {
    fn is_open(&self) -> bool {
        self.opening.is_some()
    }

    fn close(&mut self) {
        self.forget();
    }

    fn opened(&self) -> Option<(Digest, Uuid, String)> {
        let opening = self.opening.as_ref()?;
        Some((self.sha256, opening.salt, opening.value.sealed_text().into_owned()))
    }
}

impl<T: SealedText> Opening<T> {
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

impl<'de, T: SealedText + Deserialize<'de>> Deserialize<'de> for Sealed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Document { sha256, opening } = Document::deserialize(deserializer)?;
        if opening.as_ref().is_some_and(|opening: &Opening<T>| opening.commitment() != sha256) {
            return Err(de::Error::custom("a sealed value is not the one that was committed to"));
        }
        Ok(Self { sha256, opening })
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("sha256", &self.sha256).finish_non_exhaustive()
    }
}
