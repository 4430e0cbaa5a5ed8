//! The port behind which activities and the policy they are stamped under are kept.

use std::error::Error;
use std::sync::Arc;

use thiserror::Error;

use crate::activity::ActivityId;
use crate::applied::AppliedRecords;
use crate::change::RecordedChange;
use crate::difference::Difference;
use crate::directory::{DirectoryRevision, VanishedGroup};
use crate::identity::GroupId;
use crate::policy::{PrivacyPolicy, Revision};
use crate::query::{Count, CountBy, Position, Query};
use crate::removal::RecordedRemoval;
use crate::reveal::{Admission, SealedPage};
use crate::screen::StampedBatch;
use crate::stored::PublicActivity;

/// Keeps activities, and the policy that they are stamped under, because the two must move in one transaction.
///
/// # Contract
/// - **Fence.** [`append`](Self::append) stores nothing unless the batch's policy revision is the one in force, and it
///   is still in force when the batch commits. Once [`publish`](Self::publish) has returned, no batch of an older
///   revision is stored, by any thread, process or node, and none of them is answered with an older policy. Of several
///   changes of one revision exactly one is published. The safe wrong answer is [`StoreError::Stale`].
/// - **Atomicity.** A batch is stored whole or not at all; so is a policy, which comes back as it was published.
/// - **Idempotency.** An id is stored once, for ever, with the first content and the first stamp, whichever visibility
///   it got; within one batch too, and when several deliver it at once. Ids are compared byte for byte.
/// - **Durability.** Whatever was answered `Ok` outlives a crash: activities with their stamps and places, the policy,
///   and what is kept of vanished groups.
/// - **Records of changes.** The store keeps the records by which it changed last. They change in the transaction that
///   publishes a policy, to what [`RecordedChange::applied`] returns; and before a removal is answered with 0 (with a limit
///   above 0), once nothing that it covers is left, to what [`RecordedRemoval::applied`] returns. The safe wrong answer is
///   to keep older ones: a filter is then not opened.
/// - **Vanished groups.** Keeping and dropping are one transaction each, and what several nodes keep of one group adds
///   up. All of a [`VanishedGroup`] is kept, as its `serde` form tells it. The
///   [version](Self::vanished_version) of what is kept changes with it, in the same transaction. The safe wrong answer
///   is another version than before.
/// - **Removal.** Nothing is removed but what a [`RecordedRemoval`] covers, and all of that is, step by step: each step is
///   one transaction. What is removed is gone from every reading, and for good. Its id stays taken: delivered again, it is
///   a duplicate, whatever its content, because that is known no more. Places of what stays do not change.
/// - **Non-interference.** The `public_*` methods answer as if no private activity had ever been appended: in content,
///   order, position numbers, counts and errors. Nor may their cost grow with the number of private activities. What they
///   return was decided public. Anything else that is found where public activities should be, a private activity in a
///   damaged file for example, is [`StoreError::Unreadable`]: it is never returned, counted or silently left out.
/// - **Ordering.** Pages are newest first by [`Position`], and go on after any position, whether an activity stands
///   there or not. [`public_since`](Self::public_since) is in the order of storing: nothing is stored later in a place
///   at or before one that was read, so that whoever follows it misses nothing.
/// - **Limits.** Every limit is taken: 0 gives nothing, and memory is used for what is found, not for what is asked.
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
    fn publish(&self, change: &RecordedChange) -> Result<(), StoreError>;

    /// Returns the records of the last change and of the last removals that were applied.
    ///
    /// # Errors
    /// Returns [`StoreError`] if they cannot be read.
    fn applied(&self) -> Result<AppliedRecords, StoreError>;

    /// Every group that vanished and was kept.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    fn vanished_groups(&self) -> Result<Vec<VanishedGroup>, StoreError>;

    /// Returns a number that is greater than before whenever what is kept of vanished groups has changed, on every handle
    /// and across restarts. It is asked for with each batch while last members count, so it must cost little, however
    /// much is kept.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read. The safe wrong answer is an error, never the number of before.
    fn vanished_version(&self) -> Result<u64, StoreError>;

    /// Keeps a group that vanished, [together with](VanishedGroup::together_with) what another node kept of it, so that
    /// its last members outlive a restart.
    ///
    /// # Errors
    /// [`StoreError`] when it may not be kept.
    fn keep_vanished(&self, vanished: &VanishedGroup) -> Result<(), StoreError>;

    /// Drops what was kept of a group, if it vanished in the directory of this revision or an earlier one: what another
    /// node kept of a later time stays.
    ///
    /// # Errors
    /// [`StoreError`] when it may not be dropped.
    fn drop_vanished(&self, group: &GroupId, up_to: DirectoryRevision) -> Result<(), StoreError>;

    /// Stores a batch, if the policy that it was stamped under is still in force. Answers for each stamped activity, in
    /// order. An empty batch only asks whether its policy is in force.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the policy moved on; screen the activities again then.
    fn append(&self, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError>;

    /// Removes some of the activities that are to be removed, at most `limit` or what the store takes for a step that
    /// delays nobody, and says how many. Called again until there are none: then, and only then, the answer is 0.
    ///
    /// # Errors
    /// [`StoreError`] when they may not be removed for good. The safe wrong answer is to remove less.
    fn remove(&self, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError>;

    /// At most `limit` public activities that match, newest first, after a position.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    fn public_page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<PublicActivity>, StoreError>;

    /// One public activity. A hidden id and an unknown one get the same answer.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    fn public_activity(&self, id: &ActivityId) -> Result<Option<PublicActivity>, StoreError>;

    /// How many public activities match.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be counted.
    fn public_count(&self, query: &Query) -> Result<u64, StoreError>;

    /// How many public activities match, by [key](CountBy::key) in rising order. A key that nothing has is left out.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be counted.
    fn public_counts(&self, query: &Query, by: CountBy) -> Result<Vec<Count>, StoreError>;

    /// At most `limit` public activities in the order of storing, within a batch in that of delivery, after a place in
    /// that order (0 for the beginning), each with its own place. Places count public activities alone; they rise, and
    /// stay.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    fn public_since(&self, after: u64, limit: usize) -> Result<Vec<(u64, PublicActivity)>, StoreError>;

    /// At most `limit` activities that a reveal may see, public and private ones in one order, newest first, after a
    /// position, sealed. What it may see is what the query of the admission finds, without the public ones if the
    /// admission says so.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    fn revealed_page(
        &self,
        admission: Admission<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError>;
}

/// What became of one activity of a batch. For whoever delivers it; no viewer and no forwarder is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Appended {
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
    /// The store gave an older policy than before. Found by [`PrivacyFilter`](crate::PrivacyFilter), which goes by no
    /// policy that was left behind: what it was shown last may hide somebody, or have taken a permission away.
    #[error("the store gave policy revision {given}, expected {known} or a later one")]
    WentBack {
        /// The revision that it gave.
        given: Revision,
        /// The newest one that is known to have been in force.
        known: Revision,
    },
    /// The store and the governance log do not belong together any more: one of them was restored while this filter was
    /// open. Found by [`PrivacyFilter`](crate::PrivacyFilter), which does nothing more then.
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

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: ActivityStore + ?Sized> ActivityStore for $pointer {
            fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
                (**self).policy()
            }

            fn publish(&self, change: &RecordedChange) -> Result<(), StoreError> {
                (**self).publish(change)
            }

            fn applied(&self) -> Result<AppliedRecords, StoreError> {
                (**self).applied()
            }

            fn vanished_groups(&self) -> Result<Vec<VanishedGroup>, StoreError> {
                (**self).vanished_groups()
            }

            fn vanished_version(&self) -> Result<u64, StoreError> {
                (**self).vanished_version()
            }

            fn keep_vanished(&self, vanished: &VanishedGroup) -> Result<(), StoreError> {
                (**self).keep_vanished(vanished)
            }

            fn drop_vanished(&self, group: &GroupId, up_to: DirectoryRevision) -> Result<(), StoreError> {
                (**self).drop_vanished(group, up_to)
            }

            fn append(&self, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
                (**self).append(batch)
            }

            fn remove(&self, removal: &RecordedRemoval, limit: usize) -> Result<u64, StoreError> {
                (**self).remove(removal, limit)
            }

            fn public_page(
                &self,
                query: &Query,
                after: Option<&Position>,
                limit: usize,
            ) -> Result<Vec<PublicActivity>, StoreError> {
                (**self).public_page(query, after, limit)
            }

            fn public_activity(&self, id: &ActivityId) -> Result<Option<PublicActivity>, StoreError> {
                (**self).public_activity(id)
            }

            fn public_count(&self, query: &Query) -> Result<u64, StoreError> {
                (**self).public_count(query)
            }

            fn public_counts(&self, query: &Query, by: CountBy) -> Result<Vec<Count>, StoreError> {
                (**self).public_counts(query, by)
            }

            fn public_since(&self, after: u64, limit: usize) -> Result<Vec<(u64, PublicActivity)>, StoreError> {
                (**self).public_since(after, limit)
            }

            fn revealed_page(
                &self,
                admission: Admission<'_>,
                after: Option<&Position>,
                limit: usize,
            ) -> Result<SealedPage, StoreError> {
                (**self).revealed_page(admission, after, limit)
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);
