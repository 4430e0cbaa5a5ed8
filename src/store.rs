//! The store port: the activities and the policy under which they are decided.

mod order;

use std::error::Error;
use std::sync::Arc;

use thiserror::Error;

pub use self::order::PublicOrder;
use crate::directory::{DirectoryRevision, RemovedGroup};
use crate::engine::DecidedBatch;
use crate::forward::OffsetError;
use crate::governance::{AppliedRecords, Difference, NewPolicy, Recorded, Removal};
use crate::identity::GroupId;
use crate::policy::{PrivacyPolicy, Revision};
use crate::query::{CountBy, Counts, Position, Query};
use crate::reveal::{PagePermit, SealedPage};
pub use crate::stored::{PublicActivity, StoredActivity};
pub use crate::versioned::Versioned;

/// A store of activities and of the policy under which they are decided. One store keeps both, because a batch and the
/// check of its policy revision must be one transaction.
///
/// # Contract
/// - **Fence.** [`append`](Self::append) stores nothing unless the policy revision of the batch is the one in force,
///   and still is when the batch commits. After [`publish`](Self::publish) has returned, no thread, process or node
///   stores a batch of an older revision or reads an older policy. Of several changes that follow one revision exactly
///   one is published. The safe wrong answer is [`StoreError::Stale`].
/// - **Atomicity.** A batch is stored whole or not at all. So is a policy, which is read back as it was published.
/// - **Idempotency.** An id is stored once, for ever, with its first content and first decision, whatever its
///   visibility. This also holds within one batch, and if several callers deliver the id at the same time. Ids are
///   compared byte for byte, and contents by [`Activity::is_same_content`](crate::activity::Activity::is_same_content).
/// - **Durability.** All data confirmed with `Ok` survives a crash: activities with their decisions and offsets, the
///   policy, and the removed groups.
/// - **Records of changes.** The store keeps the records of the last changes that it applied. The transaction that
///   publishes a policy sets them to what [`Recorded::applied`] returns. Once no activity that a removal covers is
///   left, the store sets them to what [`Recorded::applied`] returns, before it returns 0 for a limit above 0.
///   The safe wrong answer is to keep older records: a filter then does not open the store.
/// - **Removed groups.** Each update is one transaction, and updates of one group by several nodes are merged. The
///   whole [`RemovedGroup`] is stored in its `serde` form. The [version](RemovedGroups::version) grows with each
///   change, in the same transaction. The safe wrong answer is a different version than before.
/// - **Removal.** A removal removes exactly the activities that its [`Recorded<Removal>`] covers, in steps; each step
///   is one transaction. No method returns a removed activity again. Its id stays taken: a later delivery is a
///   duplicate, also with other content, because the first content is no longer stored.
/// - **Non-interference.** The `public_*` methods answer as if no private activity had ever been appended: in content,
///   order, counts and errors. Their cost must not grow with the number of private activities. They return only
///   activities that were decided public. Anything else in the place of a public activity, for example a private
///   activity in a damaged file, is [`StoreError::Unreadable`]: it is never returned, counted or silently left out.
/// - **Ordering.** Pages are newest first by [`Position`], and continue after any position, whether it holds an
///   activity or not. The order in which public activities were stored is a contract of its own: [`PublicOrder`].
/// - **Limits.** Every limit is accepted: 0 returns nothing, and memory grows with the activities found, not with the
///   limit. A store may stop a page or a count that would read too much, and must report it:
///   [`PublicPage::stopped_at`], [`SealedPage::seal`], [`Counts::is_complete`]. A page that stops has read at least one
///   activity after its start.
/// - **Concurrency.** Any thread may call any method, through any number of handles. Readers see whole batches.
/// - **Errors.** No error contains the content of an activity.
///
/// With the feature `conformance`, the module of that name tests an adapter against every clause except the one on
/// cost.
pub trait ActivityStore: PublicOrder {
    /// Returns the policy in force. Returns `None` before the first policy was published.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the policy cannot be read. The safe wrong answer is an error, never an older policy.
    fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError>;

    /// Puts a policy in force if the revision that it follows is in force, or if it is the first policy and there is
    /// none.
    ///
    /// # Errors
    /// Returns [`StoreError::Stale`] if another change was published first, and never because of this change: a store
    /// that retries internally must distinguish its own change from another. After any other error the policy may be in
    /// force; the caller reads it to find out.
    fn publish(&self, change: &Recorded<NewPolicy>) -> Result<(), StoreError>;

    /// Returns the records of the last policy change and of the last removals that were applied.
    ///
    /// # Errors
    /// Returns [`StoreError`] if they cannot be read.
    fn applied(&self) -> Result<AppliedRecords, StoreError>;

    /// Returns the groups that were removed from the directory and whose last members are stored, with the version of
    /// that data. Returns `None` if the version is still `known`. The filter calls this with each batch if the policy
    /// names an imported group, so an unchanged version must be cheap to check, however many groups are stored.
    ///
    /// # Errors
    /// Returns [`StoreError`] if they cannot be read. The safe wrong answer is an error, never older data.
    fn removed_groups(&self, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError>;

    /// Updates the stored data of one removed group.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the update might not have been applied.
    fn update_removed_groups(&self, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError>;

    /// Stores a batch if the policy under which it was decided is in force. Returns one outcome for each decided
    /// activity, in order. An empty batch only checks that its policy is in force.
    ///
    /// # Errors
    /// Returns [`StoreError::Stale`] if another policy is in force; the caller then decides the activities again.
    fn append(&self, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError>;

    /// Removes at most `limit` of the activities that the removal covers and returns how many. A store may remove fewer
    /// in one step, so that it does not delay other callers. It returns 0 only if none is left, or if `limit` is 0, and
    /// not because another caller removed the same activities. The caller repeats the call until it returns 0.
    ///
    /// # Errors
    /// Returns [`StoreError`] if the activities might not have been removed for good. The safe wrong answer is to
    /// remove fewer.
    fn remove(&self, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError>;

    /// Returns at most `limit` matching public activities, newest first, after a position. The answer for the id of a
    /// private activity equals the answer for an unknown id.
    ///
    /// # Errors
    /// Returns [`StoreError`] if they cannot be read.
    fn public_page(&self, query: &Query, after: Option<&Position>, limit: usize) -> Result<PublicPage, StoreError>;

    /// Counts the matching public activities: the total, and by [key](CountBy::key) if `by` is given. A store that
    /// stops before it has read all candidates reports that the counts are not complete.
    ///
    /// # Errors
    /// Returns [`StoreError`] if they cannot be counted.
    fn public_counts(&self, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError>;

    /// Returns at most `limit` activities that a reveal may show, sealed, newest first, after a position. Public and
    /// private activities are in one order. The permit's query selects them; public activities are left out if the
    /// permit says so.
    ///
    /// # Errors
    /// Returns [`StoreError`] if they cannot be read.
    fn revealed_page(
        &self,
        permit: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError>;
}

/// The groups that were removed from the directory, as a store keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemovedGroups {
    /// A number that grows with every change of this data, on every handle and across restarts.
    pub version: u64,
    /// The groups, in the order of their ids.
    pub groups: Vec<RemovedGroup>,
}

/// An update of the stored data of one removed group.
#[derive(Debug, Clone, Copy)]
pub enum RemovedGroupsUpdate<'a> {
    /// Stores the group, [merged](RemovedGroup::merge) with the data of other nodes, so that its last members survive a
    /// restart.
    Keep(&'a RemovedGroup),
    /// Removes the stored data of the group if it was removed in this directory revision or an earlier one. Data that
    /// another node stored for a later revision remains.
    Drop {
        /// The group.
        group: &'a GroupId,
        /// The last revision whose removal is dropped.
        up_to: DirectoryRevision,
    },
}

/// A page of public activities, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublicPage {
    /// The activities, at most as many as requested.
    pub activities: Vec<PublicActivity>,
    /// The position of the last activity that was read, if the store stopped at its maximum number of reads for one
    /// answer, before the page was full and before the end. The next page continues after it.
    pub stopped_at: Option<Position>,
}

/// The outcome of one activity of a batch. Only the caller of the ingest receives it, never a viewer or a forwarder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppendOutcome {
    /// The activity was stored.
    Stored,
    /// The id was stored before with the same content, and keeps its first decision; or the activity of this id was
    /// removed.
    Duplicate,
    /// The id was stored before with other content, which is kept.
    Conflict,
}

/// The error of a store.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another policy revision is in force.
    #[error("the policy was changed; revision {} is in force", in_force.map_or(0, Revision::number))]
    Stale {
        /// The revision in force, if there is a policy.
        in_force: Option<Revision>,
    },
    /// The store returned an older policy than before. [`PrivacyFilter`](crate::filter::PrivacyFilter) checks this and
    /// applies no older policy, because a later one may have hidden a user or revoked a permission.
    #[error("the store returned policy revision {given}, which is older than revision {known}")]
    WentBack {
        /// The revision that the store returned.
        given: Revision,
        /// The newest revision that is known to have been in force.
        known: Revision,
    },
    /// This store cannot have made the offset.
    #[error("the offset was not made by this store; use `Offset::START` or an offset that this store returned")]
    UnknownOffset,
    /// The store and the governance log no longer belong together: one of them was restored while this filter was open.
    /// [`PrivacyFilter`](crate::filter::PrivacyFilter) checks this and then rejects every call.
    #[error("the store and the governance log no longer belong together; open them again")]
    StoreAndLogDiffer(#[source] Difference),
    /// The stored data cannot be read: it is damaged, or another program or a newer version wrote it. A private
    /// activity in the place of a public one is damage, too.
    #[error("the stored data cannot be read")]
    Unreadable(#[source] Box<dyn Error + Send + Sync>),
    /// The back end failed.
    #[error("the store failed")]
    Backend(#[source] Box<dyn Error + Send + Sync>),
}

impl From<OffsetError> for StoreError {
    fn from(_: OffsetError) -> Self {
        Self::UnknownOffset
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: ActivityStore + ?Sized> ActivityStore for $pointer {
            fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
                (**self).policy()
            }

            fn publish(&self, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
                (**self).publish(change)
            }

            fn applied(&self) -> Result<AppliedRecords, StoreError> {
                (**self).applied()
            }

            fn removed_groups(&self, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError> {
                (**self).removed_groups(known)
            }

            fn update_removed_groups(&self, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError> {
                (**self).update_removed_groups(update)
            }

            fn append(&self, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
                (**self).append(batch)
            }

            fn remove(&self, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError> {
                (**self).remove(removal, limit)
            }

            fn public_page(
                &self,
                query: &Query,
                after: Option<&Position>,
                limit: usize,
            ) -> Result<PublicPage, StoreError> {
                (**self).public_page(query, after, limit)
            }

            fn public_counts(&self, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
                (**self).public_counts(query, by)
            }

            fn revealed_page(
                &self,
                permit: PagePermit<'_>,
                after: Option<&Position>,
                limit: usize,
            ) -> Result<SealedPage, StoreError> {
                (**self).revealed_page(permit, after, limit)
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);
