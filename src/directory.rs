//! The directory: who is in which group. The port that the library reads it through, and its snapshots.

mod additions;
mod ancestry;
mod apply;
mod builder;
mod carry_over;
mod delta;
mod fingerprint_table;
mod groups;
mod hashing;
mod last_members;
mod membership;
mod namespaces;
mod packed;
mod records;
mod removed_groups;
mod revision;
mod snapshot;
#[cfg(test)]
mod tests;
mod user;
mod users;

use std::error::Error;
use std::sync::Arc;

use thiserror::Error;

pub use self::builder::{DirectoryBuilder, ImportError};
pub use self::delta::{DirectoryChange, DirectoryDelta};
pub(crate) use self::fingerprint_table::FingerprintTable;
pub(crate) use self::groups::{GroupIndex, Knowledge};
pub(crate) use self::hashing::{HashPair, Hashing, IdentityKey};
pub(crate) use self::packed::Packed;
pub(crate) use self::removed_groups::AuditState;
pub use self::removed_groups::RemovedGroup;
pub use self::revision::DirectoryRevision;
pub use self::snapshot::{DirectorySnapshot, Resolution};
pub(crate) use self::snapshot::{LastKnown, LastMembersMark};
pub use self::user::{User, UserStatus};
pub(crate) use self::users::{Holder, Home, UserIndex};

/// The port through which the library reads the directory.
///
/// # Contract
/// - **Atomicity.** A snapshot is complete: it comes from one import that succeeded, never from a part of one or from
///   two. An import that fails changes nothing, the revision included.
/// - **Ordering.** The revision grows whenever the content or the as-of time changes, across restarts too, and no
///   handle returns an older one than before. Two snapshots of one revision are equal on every node that shares a
///   store. A directory that stores nothing across a restart returns [`DirectoryError::NeverLoaded`], and continues
///   with a later revision.
/// - **Succession.** Each snapshot is the [successor](DirectorySnapshot::carry_over_from) of the one before, so that
///   removed groups keep their last members. While the last members of a group of the policy are unknown, everything is
///   hidden. After each import,
///   [`PrivacyFilter::reconcile_directory`](crate::filter::PrivacyFilter::reconcile_directory) stores them for the next
///   start.
/// - **Errors.** An adapter without a current snapshot returns an error. The library then hides what it cannot decide:
///   the safe wrong answer is an error, never an empty snapshot.
/// - **Concurrency.** Called from any thread, once for each batch of activities, so it should answer from memory.
///
/// The feature `conformance` has a test of an adapter for each of these clauses.
pub trait GroupDirectory: Send + Sync {
    /// Returns the snapshot in force.
    ///
    /// # Errors
    /// Returns [`DirectoryError::NeverLoaded`] before the first import, and [`DirectoryError::Unavailable`] if the
    /// directory cannot be read.
    fn snapshot(&self) -> Result<Arc<DirectorySnapshot>, DirectoryError>;
}

/// Why a directory returned no snapshot.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// No import has succeeded yet.
    #[error("no directory was ever loaded")]
    NeverLoaded,
    /// The directory cannot be read.
    #[error("the directory is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: GroupDirectory + ?Sized> GroupDirectory for $pointer {
            fn snapshot(&self) -> Result<Arc<DirectorySnapshot>, DirectoryError> {
                (**self).snapshot()
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);
