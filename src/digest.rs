//! SHA-256 digests (FIPS 180-4), and an unambiguous encoding of their input.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::activity::ActivityId;

/// A SHA-256 digest, written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// A text that is not a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("invalid digest, expected 64 lower-case hex digits")]
pub struct ParseDigestError;

impl Digest {
    /// Returns the digest of the ids in order, each followed by a line feed. An id contains no line feed. For one id or
    /// more, `printf '%s\n' ID ... | sha256sum` gives the same; the digest of no ids is that of empty input.
    ///
    /// ```
    /// # fn main() -> Result<(), activity_privacy::identity::TextError> {
    /// use activity_privacy::activity::ActivityId;
    /// use activity_privacy::governance::Digest;
    ///
    /// let ids = [ActivityId::new("a")?, ActivityId::new("b")?];
    /// assert_eq!(
    ///     Digest::of_ids(&ids).to_string(),
    ///     "911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2",
    /// );
    /// # Ok(())
    /// # }
    /// ```
    pub fn of_ids<'a>(ids: impl IntoIterator<Item = &'a ActivityId>) -> Self {
        let mut hasher = Sha256::new();
        for id in ids {
            hasher.update(id.as_str());
            hasher.update("\n");
        }
        Self(hasher.finalize().into())
    }

    /// Returns the digest of a text.
    pub(crate) fn of_text(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Returns the 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the first 16 bytes.
    pub(crate) fn first_half(&self) -> [u8; 16] {
        let mut half = [0; 16];
        half.copy_from_slice(self.0.split_at(16).0);
        half
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        from_hex(text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(ParseDigestError)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A hasher of a list of fields. Each field is preceded by its length, so that two different lists never
/// give the same input.
pub(crate) struct FieldHasher(Sha256);

impl FieldHasher {
    /// Begins with the purpose of the digest, so that digests for different purposes differ.
    pub(crate) fn new(purpose: &str) -> Self {
        let mut fields = Self(Sha256::new());
        fields.add(purpose);
        fields
    }

    pub(crate) fn add(&mut self, field: impl AsRef<[u8]>) {
        let field = field.as_ref();
        self.0.update((field.len() as u64).to_be_bytes());
        self.0.update(field);
    }

    pub(crate) fn add_option(&mut self, field: Option<impl AsRef<[u8]>>) {
        match field {
            Some(field) => {
                self.add([1]);
                self.add(field);
            }
            None => self.add([0]),
        }
    }

    pub(crate) fn add_list(&mut self, list: impl ExactSizeIterator<Item = impl AsRef<[u8]>>) {
        self.add((list.len() as u64).to_be_bytes());
        list.for_each(|field| self.add(field));
    }

    pub(crate) fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// Returns the bytes as lower-case hex digits, two for each byte.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text
}

/// Returns the bytes that lower-case hex digits stand for, or `None` if `text` is anything else.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
