//! The salt of a commitment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::digest::{from_hex, to_hex};

/// 16 random bytes for the commitment to one value and to no other.
///
/// A reader who has a commitment and not its salt cannot test a guess at the value. That holds only for bytes from a
/// cryptographic source: [`PrivacyFilter`](crate::filter::PrivacyFilter) reads them from the operating system, and
/// never from the embedder's source of ids. [`Commitment::new`](super::Commitment::new) consumes the salt, so that it
/// is not used twice.
///
/// [`Display`](fmt::Display) and serde write it as 32 lower-case hex digits.
///
/// ```
/// # fn main() -> Result<(), activity_privacy::governance::ParseSaltError> {
/// use activity_privacy::governance::Salt;
///
/// let salt: Salt = "000102030405060708090a0b0c0d0e0f".parse()?;
/// assert_eq!(salt.to_string(), "000102030405060708090a0b0c0d0e0f");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; Self::BYTES]);

/// A text that is not a salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a salt, expected 32 lower-case hex digits")]
pub struct ParseSaltError;

impl Salt {
    /// The length of a salt in bytes.
    pub const BYTES: usize = 16;

    /// Creates a salt from bytes, which must come from a cryptographic source and be used once.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl FromStr for Salt {
    type Err = ParseSaltError;

    fn from_str(text: &str) -> Result<Self, ParseSaltError> {
        from_hex(text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(ParseSaltError)
    }
}

impl Serialize for Salt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Shows no byte, because a salt makes it possible to guess the value.
impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}
