//! The kinds of errors of the filter and of its ports.

use super::backend::kind_of;
use super::{Classify, ErrorKind, of_kind};
use crate::directory::DirectoryError;
use crate::filter::{
    BulkIngestError, DryRunError, GovernanceError, IngestError, OpenError, ReconcileError, RemovalError, RevealError,
    SaltError, UpdatePolicyError, ViewError,
};
use crate::forward::ForwardError;
use crate::governance::SinkError;
use crate::sinks::SinkChangeError;
use crate::store::StoreError;

of_kind!(Unavailable: SaltError);

impl Classify for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Stale { in_force: Some(_) } => ErrorKind::Contended,
            Self::UnknownOffset => ErrorKind::Invalid,
            // A store never loses a policy that it held.
            Self::Stale { in_force: None }
            | Self::WentBack { .. }
            | Self::StoreAndLogDiffer(_)
            | Self::Unreadable(_) => ErrorKind::Corrupt,
            Self::Backend(source) => kind_of(&**source),
        }
    }
}

impl Classify for SinkError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TimedOut => ErrorKind::TimedOut,
            Self::Panicked | Self::WrongReceipt | Self::WrongRecords | Self::IdTaken(_) => ErrorKind::BrokenContract,
            Self::Backend(source) => kind_of(&**source),
        }
    }
}

impl Classify for DirectoryError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NeverLoaded => ErrorKind::Unavailable,
            Self::Unavailable(source) => kind_of(&**source),
        }
    }
}

impl Classify for OpenError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoPolicy => ErrorKind::NotFound,
            Self::AlreadyInitialized => ErrorKind::Conflict,
            Self::StoreAndLogDiffer(difference) => difference.kind(),
            Self::Denied(denial) => denial.kind(),
            Self::InvalidPolicy(error) => error.kind(),
            Self::LogUnreadable(error) | Self::Unrecorded(error) => error.kind(),
            Self::OutcomeUnrecorded(_) => ErrorKind::OutcomeUnrecorded,
            Self::OutcomeUnknown(_) => ErrorKind::OutcomeUnknown,
            Self::Store(error) => error.kind(),
        }
    }
}

impl Classify for ForwardError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown(_) => ErrorKind::NotFound,
            Self::NotInPolicy(_) => ErrorKind::Denied,
            Self::AlreadyExists(_) | Self::Superseded(_) | Self::SetAsideFull { .. } => ErrorKind::Conflict,
            Self::ForeignBatch(_) => ErrorKind::Invalid,
            Self::ForeignOffset(_) => ErrorKind::Corrupt,
            Self::Sink(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl Classify for IngestError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Undecidable(undecidable) => undecidable.kind(),
            Self::Contended { .. } => ErrorKind::Contended,
            Self::Unanswered { .. } => ErrorKind::BrokenContract,
            Self::Store(error) => error.kind(),
        }
    }
}

impl Classify for BulkIngestError {
    fn kind(&self) -> ErrorKind {
        self.ingest_error().kind()
    }
}

impl Classify for ViewError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Cursor(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl Classify for RevealError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Denied(denial) => denial.kind(),
            Self::Unrecorded(error) | Self::ApprovalsUnreadable(error) => error.kind(),
            Self::OutcomeUnrecorded(_) => ErrorKind::OutcomeUnrecorded,
            Self::OutcomeUnknown { .. } => ErrorKind::OutcomeUnknown,
            Self::WrongPage => ErrorKind::BrokenContract,
            Self::Salt(error) => error.kind(),
            Self::Cursor(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl Classify for UpdatePolicyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Denied(denial) => denial.kind(),
            Self::Invalid(error) => error.kind(),
            Self::Unrecorded(error) => error.kind(),
            Self::OutcomeUnrecorded { .. } => ErrorKind::OutcomeUnrecorded,
            Self::OutcomeUnknown(_) => ErrorKind::OutcomeUnknown,
            Self::Contended { .. } => ErrorKind::Contended,
            Self::Store(error) => error.kind(),
        }
    }
}

impl Classify for DryRunError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Rejected(error) => error.kind(),
            Self::Unrecorded(error) => error.kind(),
            Self::Directory(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl Classify for GovernanceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Denied(denial) => denial.kind(),
            Self::Sink(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl Classify for RemovalError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Denied(denial) => denial.kind(),
            Self::Superseded => ErrorKind::Conflict,
            Self::Salt(error) => error.kind(),
            Self::Unrecorded(error) | Self::Sink(error) => error.kind(),
            Self::OutcomeUnrecorded(_) => ErrorKind::OutcomeUnrecorded,
            Self::Directory(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl Classify for ReconcileError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Directory(error) => error.kind(),
            Self::Unrecorded(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl Classify for SinkChangeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Denied(denial) => denial.kind(),
            Self::InvalidSinks(error) => error.kind(),
            Self::Unrecorded(error) | Self::ProbeFailed(error) | Self::Unreadable(error) => error.kind(),
            Self::NotInUse => ErrorKind::Misconfigured,
            Self::AlreadyMember(_) | Self::Superseded => ErrorKind::Conflict,
            Self::OutcomeUnrecorded(_) => ErrorKind::OutcomeUnrecorded,
            Self::Store(error) => error.kind(),
        }
    }
}
