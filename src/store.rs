//! The port behind which activities and the policy they are decided under are kept.

use std::error::Error;
use std::sync::Arc;

use thiserror::Error;

use crate::directory::{DirectoryRevision, RemovedGroup};
use crate::engine::DecidedBatch;
use crate::forward::{Offset, OffsetError};
use crate::governance::{AppliedRecords, Difference, NewPolicy, Recorded, Removal};
use crate::identity::GroupId;
use crate::policy::{PrivacyPolicy, Revision};
use crate::query::{CountBy, Counts, Position, Query};
use crate::reveal::{PagePermit, SealedPage};
pub use crate::stored::{PublicActivity, StoredActivity};
pub use crate::versioned::Versioned;

/// Keeps activities, and the policy that they are decided under, because the two must move in one transaction.
///
/// # Contract
/// - **Fence.** [`append`](Self::append) stores nothing unless the batch's policy revision is the one in force, and it
///   is still in force when the batch commits. Once [`publish`](Self::publish) has returned, no batch of an older
///   revision is stored, by any thread, process or node, and none of them is answered with an older policy. Of several
///   changes of one revision exactly one is published. The safe wrong answer is [`StoreError::Stale`].
/// - **Atomicity.** A batch is stored whole or not at all; so is a policy, which comes back as it was published.
/// - **Idempotency.** An id is stored once, for ever, with the first content and the first decision, whichever visibility
///   it got; within one batch too, and when several deliver it at once. Ids are compared byte for byte.
/// - **Durability.** Whatever was answered `Ok` outlives a crash: activities with their decisions and offsets, the
///   policy, and what is kept of removed groups.
/// - **Records of changes.** The store keeps the records by which it changed last. They change in the transaction that
///   publishes a policy, to what [`Recorded::applied`] returns; and before a removal is answered with 0 (with a limit
///   above 0), once nothing that it covers is left, to what [`Recorded::applied`] returns. The safe wrong answer is
///   to keep older ones: a filter is then not opened.
/// - **Removed groups.** Each update is one transaction, and what several nodes keep of one group adds up. All of a
///   [`RemovedGroup`] is kept, as its `serde` form tells it. The [version](RemovedGroups::version) of what is kept grows with
///   each change, in the same transaction. The safe wrong answer is another version than before.
/// - **Removal.** Nothing is removed but what a [`Recorded<Removal>`] covers, and all of that is, step by step: each step is
///   one transaction. What is removed is gone from every reading, and for good. Its id stays taken: delivered again, it is
///   a duplicate, whatever its content, because that is known no more. Offsets of what stays do not change.
/// - **Non-interference.** The `public_*` methods answer as if no private activity had ever been appended: in content,
///   order, offsets, counts and errors. Nor may their cost grow with the number of private activities. What they
///   return was decided public. Anything else that is found where public activities should be, a private activity in a
///   damaged file for example, is [`StoreError::Unreadable`]: it is never returned, counted or silently left out.
/// - **Ordering.** Pages are newest first by [`Position`], and go on after any position, whether an activity stands
///   there or not. [`public_after`](Self::public_after) is in the order of storing: nothing is stored later at or before an
///   offset that was returned, so that a follower misses nothing. Offsets stay when activities are removed.
/// - **Limits.** Every limit is taken: 0 gives nothing, and memory is used for what is found, not for what is asked. A store
///   may stop a page or a count that would read very much, and says so: [`PublicPage::stopped_at`],
///   [`SealedPage::seal`], [`Counts::is_complete`]. A page that stops has read at least one activity more than where it
///   began.
/// - **Concurrency.** Called from any thread, through any number of handles; readers see whole batches.
/// - **Errors.** No error carries the content of an activity.
///
/// With the feature `conformance`, the module of that name holds an adapter to every sentence of this but the one on
/// cost.
pub trait ActivityStore: Send + Sync {
    /// The policy in force; none before the first was published.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read. The safe wrong answer is an error, never an older policy.
    fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError>;

    /// Puts a policy in force, if the revision that it follows still is; the first one, if there is none.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when another change came first, and never because this one did: a store that tries again
    /// by itself must tell its own from another's. After any other error the policy may be in force; whoever publishes
    /// asks.
    fn publish(&self, change: &Recorded<NewPolicy>) -> Result<(), StoreError>;

    /// Returns the records of the last change and of the last removals that were applied.
    ///
    /// # Errors
    /// Returns [`StoreError`] if they cannot be read.
    fn applied(&self) -> Result<AppliedRecords, StoreError>;

    /// Returns the groups that are gone from the directory and whose last members are kept, with the version of what is
    /// kept; `None` if it still has the version that is `known`. It is asked with each batch while last members count, so it
    /// must cost little then, however much is kept.
    ///
    /// # Errors
    /// Returns [`StoreError`] if they cannot be read. The safe wrong answer is an error, never what was kept before.
    fn removed_groups(&self, known: Option<u64>) -> Result<Option<RemovedGroups>, StoreError>;

    /// Changes what is kept of one removed group.
    ///
    /// # Errors
    /// Returns [`StoreError`] if it may not have been changed.
    fn update_removed_groups(&self, update: RemovedGroupsUpdate<'_>) -> Result<(), StoreError>;

    /// Stores a batch, if the policy that it was decided under is still in force. Answers for each decided activity, in
    /// order. An empty batch only asks whether its policy is in force.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the policy moved on; decide the activities again then.
    fn append(&self, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError>;

    /// Removes some of the activities that are to be removed, at most `limit` or what the store takes for a step that
    /// delays nobody, and says how many. Called again until there are none: then, and only then, the answer is 0.
    ///
    /// # Errors
    /// [`StoreError`] when they may not be removed for good. The safe wrong answer is to remove less.
    fn remove(&self, removal: &Recorded<Removal>, limit: usize) -> Result<u64, StoreError>;

    /// Returns at most `limit` public activities that match, newest first, after a position. An id that only a private
    /// activity has gets the same answer as one that none has.
    ///
    /// # Errors
    /// Returns [`StoreError`] if they cannot be read.
    fn public_page(&self, query: &Query, after: Option<&Position>, limit: usize) -> Result<PublicPage, StoreError>;

    /// Counts the public activities that match: the total, and by [key](CountBy::key) if there is one to count by. A store
    /// that stops before it has read all that could match says that the counts are not complete.
    ///
    /// # Errors
    /// Returns [`StoreError`] if they cannot be counted.
    fn public_counts(&self, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError>;

    /// Returns at most `limit` public activities in the order of storing, within a batch in that of delivery, after an
    /// offset, each with its own offset. Nothing is stored later at or before an offset that was returned.
    ///
    /// # Errors
    /// Returns [`StoreError::UnknownOffset`] for an offset that this store cannot have made, and [`StoreError`] if they
    /// cannot be read.
    fn public_after(&self, offset: &Offset, limit: usize) -> Result<Vec<(Offset, PublicActivity)>, StoreError>;

    /// Returns at most `limit` activities that a reveal may see, public and private ones in one order, newest first, after a
    /// position, sealed. What it may see is what the query of the admission finds, without the public ones if the
    /// admission says so.
    ///
    /// # Errors
    /// Returns [`StoreError`] if they cannot be read.
    fn revealed_page(
        &self,
        admission: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError>;
}

/// Groups that are gone from the directory, as a store keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemovedGroups {
    /// A number that is greater than before whenever anything of it has changed, on every handle and across restarts.
    pub version: u64,
    /// The groups, in the order of their ids.
    pub groups: Vec<RemovedGroup>,
}

/// A change of what is kept of one removed group.
#[derive(Debug, Clone, Copy)]
pub enum RemovedGroupsUpdate<'a> {
    /// Keeps the group, [merged](RemovedGroup::merge) with what another node kept of it, so that its last members outlive
    /// a restart.
    Keep(&'a RemovedGroup),
    /// Drops what is kept of the group if it was removed in the directory of this revision or an earlier one: what another
    /// node kept of a later time stays.
    Drop {
        /// The group.
        group: &'a GroupId,
        /// The last revision whose removal is dropped.
        up_to: DirectoryRevision,
    },
}

/// Public activities, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublicPage {
    /// The activities, at most as many as were asked for.
    pub activities: Vec<PublicActivity>,
    /// Where the store stopped looking before it had found as many as were asked for and before the end, because it had
    /// read as many activities as it reads for one answer: the position of the last one that it read. The next page goes on
    /// after it.
    pub stopped_at: Option<Position>,
}

/// The outcome for one activity of a batch. It is for the source; viewers and forwarders do not see it. It is not an
/// [`IngestOutcome`](crate::filter::IngestOutcome), because a store never receives an activity that is not monitored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppendOutcome {
    /// It is stored now.
    Stored,
    /// It was stored before, with the same content. The first verdict stays. Or what was stored under its id was removed.
    Duplicate,
    /// Another content was stored under its id before. That one stays.
    Conflict,
}

/// Why a store does not do what it is asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The policy moved on.
    #[error("the policy moved on to revision {}", in_force.map_or(0, Revision::number))]
    Stale {
        /// The revision in force, if there is a policy.
        in_force: Option<Revision>,
    },
    /// The store gave an older policy than before. Found by [`PrivacyFilter`](crate::filter::PrivacyFilter), which goes by no
    /// policy that was left behind: what it was shown last may hide somebody, or have taken a permission away.
    #[error("the store gave policy revision {given}, expected {known} or a later one")]
    WentBack {
        /// The revision that it gave.
        given: Revision,
        /// The newest one that is known to have been in force.
        known: Revision,
    },
    /// An offset that this store cannot have made.
    #[error("the offset was not made by this store; begin at the start, or use an offset that came with a batch")]
    UnknownOffset,
    /// The store and the governance log do not belong together any more: one of them was restored while this filter was
    /// open. Found by [`PrivacyFilter`](crate::filter::PrivacyFilter), which does nothing more then.
    #[error("the store and the governance log do not belong together any more; open them again")]
    Differs(#[source] Difference),
    /// What is stored cannot be read: it was written by something else, by a newer version, or damaged. So is a private
    /// activity that is found where public ones should be.
    #[error("the store cannot be read")]
    Unreadable(#[source] Box<dyn Error + Send + Sync>),
    /// The back-end failed.
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

            fn public_after(&self, offset: &Offset, limit: usize) -> Result<Vec<(Offset, PublicActivity)>, StoreError> {
                (**self).public_after(offset, limit)
            }

            fn revealed_page(
                &self,
                admission: PagePermit<'_>,
                after: Option<&Position>,
                limit: usize,
            ) -> Result<SealedPage, StoreError> {
                (**self).revealed_page(admission, after, limit)
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);
