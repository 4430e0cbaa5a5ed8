//! The errors of exports.

use std::io;

use thiserror::Error;

use crate::filter::{RevealError, SaltError, ViewError};
use crate::governance::SinkError;
use crate::policy::Denial;
use crate::query::CursorError;
use crate::store::StoreError;

/// The reason why an export stopped. Data written before the error remains in the output. The error of an export
/// without a reveal does not depend on private activities.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The caller may not export, or no longer may.
    #[error(transparent)]
    Denied(Denial),
    /// The sink cannot read the records.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The export under a reveal could not be recorded, so nothing more is written.
    #[error("the export could not be recorded, so nothing more is written")]
    Unrecorded(#[source] SinkError),
    /// The export is complete, but its outcome could not be recorded.
    #[error("the export is complete, but its outcome could not be recorded")]
    OutcomeUnrecorded(#[source] SinkError),
    /// The approvals of the reveal cannot be read, so nothing more is written.
    #[error("the approvals cannot be read, so nothing more is written")]
    ApprovalsUnreadable(#[source] SinkError),
    /// There were no random bytes for the salts of the record, so nothing more is written.
    #[error(transparent)]
    Salt(#[from] SaltError),
    /// The store broke its contract: it returned a page of another reveal.
    #[error("the store returned a page of another reveal, so nothing more is written")]
    WrongPage,
    /// The cursor does not belong to this view or reveal.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This build cannot write the format.
    #[error("this build cannot write Parquet; enable the feature `parquet`")]
    NoParquet,
    /// The output cannot be written.
    #[error("could not write the export")]
    Write(#[from] io::Error),
}

impl From<ViewError> for ExportError {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Cursor(error) => Self::Cursor(error),
            ViewError::Store(error) => Self::Store(error),
        }
    }
}

impl From<RevealError> for ExportError {
    fn from(error: RevealError) -> Self {
        match error {
            RevealError::Denied(denial) => Self::Denied(denial),
            RevealError::Unrecorded(error) | RevealError::OutcomeUnknown { source: error, .. } => {
                Self::Unrecorded(error)
            }
            RevealError::OutcomeUnrecorded(error) => Self::OutcomeUnrecorded(error),
            RevealError::ApprovalsUnreadable(error) => Self::ApprovalsUnreadable(error),
            RevealError::WrongPage => Self::WrongPage,
            RevealError::Salt(error) => Self::Salt(error),
            RevealError::Cursor(error) => Self::Cursor(error),
            RevealError::Store(error) => Self::Store(error),
        }
    }
}
