//! Who belongs where: the port through which the library asks, and the snapshots that answer.

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
mod names;
mod namespaces;
mod packed;
mod people;
mod removed_groups;
mod revision;
mod snapshot;
#[cfg(test)]
mod tests;
mod user;

use std::error::Error;
use std::sync::Arc;

use thiserror::Error;

pub use self::builder::{DirectoryBuilder, ImportError};
pub use self::delta::{DirectoryChange, DirectoryDelta};
pub(crate) use self::fingerprint_table::Hints;
pub(crate) use self::groups::{GroupIndex, Knowledge};
pub(crate) use self::hashing::{Hashing, Print};
pub(crate) use self::packed::Packed;
pub(crate) use self::people::{Holder, Home, UserIndex};
pub(crate) use self::removed_groups::AuditState;
pub use self::removed_groups::RemovedGroup;
pub use self::revision::DirectoryRevision;
pub use self::snapshot::{DirectorySnapshot, Resolution};
pub(crate) use self::snapshot::{LastKnown, LastMembersMark};
pub use self::user::{User, UserStatus};

/// Where the library learns who belongs to which group.
///
/// # Contract
/// - **Atomicity.** A snapshot is whole: it comes from one import that succeeded to the end, never from a part of one,
///   nor from two. An import that broke off changes nothing, the revision included.
/// - **Ordering.** The revision grows whenever the content or the as-of time changes, across restarts too, and no
///   handle answers with an older one than before. Two snapshots of the same revision say the same, on every node that
///   shares a store. A directory that keeps nothing over a restart says that it was never loaded, and goes on from a
///   later revision.
/// - **Succession.** Each snapshot is the [successor](DirectorySnapshot::carry_over_from) of the one before, so that groups
///   that vanished keep their last members. While nobody knows the last members of a group of the policy, everybody is
///   hidden. After each import, [`PrivacyFilter::reconcile_directory`](crate::filter::PrivacyFilter::reconcile_directory) keeps them
///   for the next start.
/// - **Errors.** Whoever cannot answer says so. The library then hides what it cannot decide: the safe wrong answer
///   is an error, never an empty snapshot.
/// - **Concurrency.** Called from any thread, once for each batch of activities, so it should answer from memory.
///
/// With the feature `conformance`, the module of that name holds an adapter to every sentence of this.
pub trait GroupDirectory: Send + Sync {
    /// The snapshot now in force.
    ///
    /// # Errors
    /// [`DirectoryError::NeverLoaded`] before the first import, [`DirectoryError::Unavailable`] when it cannot tell.
    fn snapshot(&self) -> Result<Arc<DirectorySnapshot>, DirectoryError>;
}

/// Why a directory gives no snapshot.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// Nothing was imported yet.
    #[error("no directory was ever loaded")]
    NeverLoaded,
    /// The directory cannot be asked.
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
