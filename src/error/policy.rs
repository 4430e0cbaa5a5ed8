//! The kinds of errors of the policy: denials, and changes that do not fit.

use super::{Classify, ErrorKind};
use crate::engine::{Undecidable, UndecidableReason};
use crate::governance::{Difference, PolicyUpdateError, SinkSetError};
use crate::policy::{Denial, PolicyError};

impl Classify for Denial {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAdmin
            | Self::MayNotManage
            | Self::NotPermitted
            | Self::MayNotReadGovernance
            | Self::ApprovalsMissing
            | Self::SelfApproval => ErrorKind::Denied,
            Self::JustificationMissing | Self::LifetimeNotAllowed | Self::ForeignCursor | Self::PurposeNotAllowed => {
                ErrorKind::Invalid
            }
            Self::NotRequested => ErrorKind::NotFound,
            Self::Expired | Self::Closed | Self::RequestOver => ErrorKind::Ended,
        }
    }
}

impl Classify for PolicyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAnAddress => ErrorKind::Invalid,
            Self::UnknownGroup(_) | Self::UnknownPerson | Self::UnknownFollower(_) => ErrorKind::NotFound,
            Self::SelfGrant | Self::MayNotDisclose => ErrorKind::Denied,
            Self::Unchanged
            | Self::AmbiguousPerson
            | Self::NotAnAdmin
            | Self::LastAdministrator
            | Self::MovedOn { .. }
            | Self::LastRevision => ErrorKind::Conflict,
            Self::NoDirectory => ErrorKind::Unavailable,
            Self::InUpdate { reason, .. } => reason.kind(),
        }
    }
}

impl Classify for PolicyUpdateError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Denied(denial) => denial.kind(),
            Self::Invalid(error) => error.kind(),
        }
    }
}

impl Classify for SinkSetError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Quorum { .. } => ErrorKind::Invalid,
            Self::NameTaken(_) | Self::LeadingSink(_) => ErrorKind::Conflict,
            Self::Unknown(_) => ErrorKind::NotFound,
        }
    }
}

impl Classify for Undecidable {
    fn kind(&self) -> ErrorKind {
        match self.reason {
            // The next import can contain the user, but no retry before it can succeed.
            UndecidableReason::NoUsableActor | UndecidableReason::AmbiguousAlias => ErrorKind::Invalid,
            UndecidableReason::DirectoryNeverLoaded
            | UndecidableReason::DirectoryUnavailable
            | UndecidableReason::DirectoryTooOld
            | UndecidableReason::GroupRemoved(_) => ErrorKind::Unavailable,
        }
    }
}

impl Classify for Difference {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Corrupt
    }
}
