//! The kinds of errors of the crate's own adapters.

use super::of_kind;
use crate::memory::InstallError;

of_kind!(Conflict: InstallError);

#[cfg(feature = "export")]
impl super::Classify for crate::export::ExportError {
    fn kind(&self) -> super::ErrorKind {
        match self {
            Self::Denied(denial) => denial.kind(),
            Self::Sink(error) | Self::Unrecorded(error) | Self::ApprovalsUnreadable(error) => error.kind(),
            Self::OutcomeUnrecorded(_) => super::ErrorKind::OutcomeUnrecorded,
            Self::Salt(error) => error.kind(),
            Self::WrongPage => super::ErrorKind::BrokenContract,
            Self::Cursor(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::NoParquet => super::ErrorKind::Misconfigured,
            Self::Write(error) => super::backend::kind_of(error),
        }
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use crate::error::backend::kind_of;
    use crate::error::{Classify, ErrorKind};
    use crate::sqlite::{BackupError, FileError};

    impl Classify for FileError {
        fn kind(&self) -> ErrorKind {
            match self {
                Self::NotAFile
                | Self::NotOurFormat { .. }
                | Self::UnsupportedVersion { .. }
                | Self::SqliteTooOld { .. }
                | Self::NoFts5
                | Self::ReadOnly => ErrorKind::Misconfigured,
                Self::Corrupt | Self::InvalidContent { .. } => ErrorKind::Corrupt,
                Self::Busy => ErrorKind::Busy,
                Self::Full => ErrorKind::Full,
            }
        }
    }

    impl Classify for BackupError {
        fn kind(&self) -> ErrorKind {
            match self {
                Self::Exists => ErrorKind::Conflict,
                Self::Copy(source) => kind_of(&**source),
            }
        }
    }
}

#[cfg(feature = "ledger")]
mod ledger {
    use crate::error::backend::kind_of;
    use crate::error::{Classify, ErrorKind, of_kind};
    use crate::ledger::{
        CheckpointError, HashError, HashStoreError, KeyError, LeafError, LedgerError, NoteError, ProofError, TreeError,
        VerifyError,
    };

    of_kind!(Invalid: CheckpointError, HashError, KeyError, LeafError, NoteError, ProofError);

    // A log that does not verify was changed, or damaged in transfer.
    of_kind!(Corrupt: VerifyError);

    impl Classify for HashStoreError {
        fn kind(&self) -> ErrorKind {
            match self {
                Self::Missing { .. } | Self::Gap { .. } => ErrorKind::Corrupt,
                Self::Backend(source) => kind_of(&**source),
            }
        }
    }

    impl Classify for TreeError {
        fn kind(&self) -> ErrorKind {
            match self {
                Self::Beyond { .. } | Self::NoLeaf { .. } => ErrorKind::NotFound,
                Self::Order { .. } => ErrorKind::Invalid,
                Self::Hashes(error) => error.kind(),
            }
        }
    }

    impl Classify for LedgerError {
        fn kind(&self) -> ErrorKind {
            match self {
                Self::Sink(error) => error.kind(),
                Self::Hashes(error) => error.kind(),
                Self::Checkpoint(_)
                | Self::NoCheckpoint
                | Self::Forked { .. }
                | Self::Lost { .. }
                | Self::Rewritten { .. }
                | Self::Damaged => ErrorKind::Corrupt,
                Self::RemovedMeanwhile => ErrorKind::Contended,
                Self::Beyond { .. } | Self::NoRecordZero => ErrorKind::NotFound,
                Self::Order { .. } => ErrorKind::Invalid,
                Self::Leaf(error) => error.kind(),
                Self::Export(error) => kind_of(error),
            }
        }
    }
}
