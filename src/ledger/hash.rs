//! The hashes of a Merkle tree.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// A SHA-256 hash of a leaf, a subtree or a whole tree, as in [RFC 6962, section
/// 2.1](https://www.rfc-editor.org/rfc/rfc6962.html#section-2.1). Its text form is base64, as in checkpoints and
/// proofs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeHash(pub [u8; Self::LEN]);

/// The error of a text that is not a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("invalid hash, expected 44 characters of base64")]
pub struct HashError;

impl TreeHash {
    /// The length of a hash, in bytes.
    pub const LEN: usize = 32;

    /// Returns the hash of a leaf.
    #[must_use]
    pub fn of_leaf(leaf: &[u8]) -> Self {
        Self::of(&[&[0], leaf])
    }

    /// Returns the hash of two adjacent subtrees.
    #[must_use]
    pub fn of_node(left: &Self, right: &Self) -> Self {
        Self::of(&[&[1], &left.0, &right.0])
    }

    /// Returns the hash of a tree without leaves.
    #[must_use]
    pub fn of_nothing() -> Self {
        Self::of(&[])
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        parts.iter().for_each(|part| hasher.update(part));
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeHash({self})")
    }
}

impl FromStr for TreeHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        // A text of the wrong length is not decoded.
        if text.len() != Self::LEN.div_ceil(3) * 4 {
            return Err(HashError);
        }
        let bytes = STANDARD.decode(text).map_err(|_| HashError)?;
        bytes.try_into().map(Self).map_err(|_| HashError)
    }
}
