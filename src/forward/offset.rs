//! The position of a forwarder.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::digest::{from_hex, to_hex};

/// A forwarder's position in the public activities of one store, in the order of storing, or a follower's position in
/// the governance log. It is opaque: only the store or the sink that made it can interpret it. It does not depend on
/// private activities.
///
/// [`Display`](fmt::Display), [`FromStr`] and serde write it as lower-case hex digits.
///
/// ```
/// use activity_privacy::forward::Offset;
///
/// let offset = Offset::new([0, 0, 7])?;
/// assert_eq!(offset.to_string(), "000007");
/// assert_eq!("000007".parse::<Offset>()?, offset);
/// assert_eq!(Offset::START.to_string(), "");
/// # Ok::<(), activity_privacy::forward::OffsetError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Offset(Vec<u8>);

/// A text or bytes that are not an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an offset; use one that came with a batch of this store")]
pub struct OffsetError;

impl Offset {
    /// The offset before the first activity.
    pub const START: Self = Self(Vec::new());

    /// The maximum length of an offset in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Creates an offset from the bytes by which a store identifies it. [`START`](Self::START) has no bytes.
    ///
    /// # Errors
    /// Returns [`OffsetError`] if it is longer than [`MAX_BYTES`](Self::MAX_BYTES).
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, OffsetError> {
        let bytes = bytes.into();
        if bytes.len() > Self::MAX_BYTES { Err(OffsetError) } else { Ok(Self(bytes)) }
    }

    /// Creates the offset of a store that numbers its public activities: the one after `number` of them.
    ///
    /// ```
    /// use activity_privacy::forward::Offset;
    ///
    /// assert_eq!(Offset::of_number(7).number(), Ok(7));
    /// assert_eq!(Offset::START.number(), Ok(0));
    /// ```
    #[must_use]
    pub fn of_number(number: u64) -> Self {
        Self(number.to_be_bytes().into())
    }

    /// Returns the number of an offset that [`of_number`](Self::of_number) created, and 0 for [`START`](Self::START).
    ///
    /// # Errors
    /// Returns [`OffsetError`] for any other offset.
    pub fn number(&self) -> Result<u64, OffsetError> {
        match &*self.0 {
            [] => Ok(0),
            bytes => bytes.try_into().map(u64::from_be_bytes).map_err(|_| OffsetError),
        }
    }

    /// Returns the bytes by which the store identifies it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl FromStr for Offset {
    type Err = OffsetError;

    fn from_str(text: &str) -> Result<Self, OffsetError> {
        if text.len() > 2 * Self::MAX_BYTES {
            return Err(OffsetError);
        }
        from_hex(text).map(Self).ok_or(OffsetError)
    }
}

impl Serialize for Offset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
