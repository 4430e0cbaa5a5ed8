//! The kinds of errors of back ends, which the ports keep as their sources.

use std::error::Error;
use std::io;

use thiserror::Error;

use super::{Classify, ErrorKind};
use crate::directory::DirectoryError;
use crate::governance::SinkError;
use crate::store::StoreError;

/// An error of a back end with its kind, for an adapter that can tell why its back end failed.
///
/// ```
/// use activity_privacy::error::{Classify, ErrorKind, WithKind};
/// use activity_privacy::store::StoreError;
///
/// let full = std::io::Error::other("no space left in the tablespace");
/// let error = StoreError::Backend(Box::new(WithKind::new(ErrorKind::Full, full)));
/// assert_eq!(error.kind(), ErrorKind::Full);
/// assert_eq!(error.to_string(), "the store failed");
/// ```
#[derive(Debug, Error)]
#[error("{source}")]
pub struct WithKind {
    kind: ErrorKind,
    source: Box<dyn Error + Send + Sync>,
}

impl WithKind {
    /// Returns the error of a back end with its kind.
    pub fn new(kind: ErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: source.into() }
    }
}

impl Classify for WithKind {
    fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// Returns the kind of a back end's error: the first one that is known in the chain of its sources.
pub(super) fn kind_of(error: &(dyn Error + 'static)) -> ErrorKind {
    /// An adapter can make a chain without an end by mistake, and this must end nevertheless.
    const LONGEST: usize = 16;
    let mut next = Some(error);
    for _ in 0..LONGEST {
        let Some(error) = next else { break };
        match known_kind(error) {
            Some(kind) if can_be_of_backend(kind) => return kind,
            Some(_) | None => {}
        }
        // An I/O error does not return the error that it wraps as its source.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source());
    }
    ErrorKind::Unavailable
}

/// A back end can fail in many ways, but it does not evaluate a call: it knows nothing of users, requests, acts and
/// their records.
const fn can_be_of_backend(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Contended
        | ErrorKind::Busy
        | ErrorKind::TimedOut
        | ErrorKind::Unavailable
        | ErrorKind::Full
        | ErrorKind::Corrupt
        | ErrorKind::Misconfigured
        | ErrorKind::BrokenContract => true,
        ErrorKind::Denied
        | ErrorKind::Invalid
        | ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::Ended
        | ErrorKind::OutcomeUnrecorded
        | ErrorKind::OutcomeUnknown => false,
    }
}

fn known_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    fn of<E: Classify + 'static>(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
        error.downcast_ref::<E>().map(Classify::kind)
    }
    let known = of::<WithKind>(error)
        .or_else(|| of::<StoreError>(error))
        .or_else(|| of::<SinkError>(error))
        .or_else(|| of::<DirectoryError>(error));
    #[cfg(feature = "sqlite")]
    let known = known.or_else(|| of::<crate::sqlite::FileError>(error));
    #[cfg(feature = "ledger")]
    let known = known
        .or_else(|| of::<crate::ledger::LedgerError>(error))
        .or_else(|| of::<crate::ledger::HashStoreError>(error));
    known.or_else(|| error.downcast_ref().and_then(kind_of_io))
}

/// Returns the kind of an I/O error. Returns `None` if only its source may tell.
fn kind_of_io(error: &io::Error) -> Option<ErrorKind> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(ErrorKind::Full),
        io::ErrorKind::TimedOut => Some(ErrorKind::TimedOut),
        io::ErrorKind::ResourceBusy | io::ErrorKind::WouldBlock => Some(ErrorKind::Busy),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotFound => {
            Some(ErrorKind::Misconfigured)
        }
        _ => None,
    }
}
