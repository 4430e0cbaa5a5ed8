//! The kinds of errors of texts, queries, tokens and documents: all of them are invalid input.

use thiserror::Error;

use super::of_kind;
use crate::activity::ActivityError;
use crate::directory::ImportError;
use crate::forward::OffsetError;
use crate::governance::{ParseDigestError, ParseIdError, ParseSaltError};
use crate::identity::{DomainError, TextError};
use crate::policy::{MissingOption, PolicyDocumentError, RetentionError, SameAdministrator};
use crate::query::{CursorError, PageSizeError};

/// The error of a text that is none of the words for an enum. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown {what}, expected one of `{}`", expected.join("`, `"))]
pub struct UnknownWord {
    what: &'static str,
    expected: &'static [&'static str],
}

impl UnknownWord {
    pub(crate) fn new(what: &'static str, expected: &'static [&'static str]) -> Self {
        Self { what, expected }
    }

    /// Returns the words that are accepted.
    #[must_use]
    pub fn expected(&self) -> &'static [&'static str] {
        self.expected
    }
}

of_kind!(
    Invalid: ActivityError,
    CursorError,
    DomainError,
    ImportError,
    MissingOption,
    OffsetError,
    PageSizeError,
    ParseDigestError,
    ParseIdError,
    ParseSaltError,
    PolicyDocumentError,
    RetentionError,
    SameAdministrator,
    TextError,
    UnknownWord,
);

#[cfg(feature = "import")]
of_kind!(
    Invalid: crate::import::Incomplete,
    crate::import::RejectedEntry,
    crate::import::graph::IncompleteSync,
    crate::import::ldif::InvalidDn,
    crate::import::scim::IncompleteList,
);
