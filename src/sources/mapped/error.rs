//! The reason why a map is rejected, and its place in the document.

use std::fmt;

use thiserror::Error;

use super::Map;

/// The error of a text that is no valid [`Map`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MapError {
    /// The text is longer than the limit. None of it was parsed.
    #[error("map is too long, expected at most {max} bytes")]
    TooLong {
        /// The most bytes that a map may have.
        max: usize,
    },
    /// The text is not JSON.
    #[error("map is not JSON at line {line}, column {column}, expected one JSON object")]
    NotJson {
        /// The line of the fault, the first being 1.
        line: usize,
        /// The column in that line in bytes, the first being 1.
        column: usize,
    },
    /// An object in the map has two members of one name.
    #[error("an object in the map has two members of one name; remove one")]
    RepeatedMember,
    /// The map has a version that this version of the crate does not read.
    #[error("version: unsupported map version {found}, expected {}", Map::VERSION)]
    UnsupportedVersion {
        /// The version in the map.
        found: String,
    },
    /// A part of the map is missing or invalid.
    #[error("{path}: {reason}")]
    Invalid {
        /// The path of the part, for example `actor[2].identities[0].at`, or `map` for the map as a whole.
        path: String,
        /// The fault, and what the map should contain there.
        reason: String,
    },
}

/// The path of a part of a map, for errors.
#[derive(Clone, Copy)]
pub(super) enum Path<'p> {
    Map,
    Member(&'p Self, &'p str),
    Entry(&'p Self, usize),
}

impl<'p> Path<'p> {
    pub(super) fn member(&'p self, name: &'p str) -> Self {
        Self::Member(self, name)
    }

    pub(super) fn entry(&'p self, index: usize) -> Self {
        Self::Entry(self, index)
    }

    /// Returns the error of the part at this path.
    pub(super) fn error(&self, reason: impl Into<String>) -> MapError {
        MapError::Invalid { path: self.to_string(), reason: reason.into() }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map => f.write_str("map"),
            Self::Member(Self::Map, name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Entry(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}
