//! Removals, performed step by step.

use thiserror::Error;

use super::{Inner, PrivacyFilter, SaltError};
use crate::directory::{DirectoryError, Resolution};
use crate::governance::{FailureReason, GovernanceSink, Pending, Receipt, RecordId, Recorded, Removal, SinkError};
use crate::identity::{Identity, Subject, UserId};
use crate::policy::Denial;
use crate::store::StoreError;
use crate::sync::thread;

/// The reason why a removal was not performed or not completed, or is not fully recorded. It does not tell how much
/// there was to remove.
///
/// A removal that failed can be repeated, and then removes the rest. That does not help after [`Denied`](Self::Denied)
/// or [`Superseded`](Self::Superseded).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RemovalError {
    /// The initiator may not remove anything, or lost that permission during the removal. In the latter case, part of
    /// it may already have been removed.
    #[error(transparent)]
    Denied(Denial),
    /// The policy changed during the removal and now keeps activities or records for longer. Part of them may already
    /// have been removed.
    #[error(
        "the policy changed during the removal and now keeps activities or records for longer; what was already \
         removed stays removed"
    )]
    Superseded,
    /// The system returned no random bytes for the salts in the record of the outcome, so nothing was removed.
    #[error(transparent)]
    Salt(#[from] SaltError),
    /// The removal could not be recorded, so nothing was removed.
    #[error("the removal could not be recorded, so nothing was removed")]
    Unrecorded(#[source] SinkError),
    /// The removal is complete, but its outcome could not be recorded. The record of the intent exists. If the removal
    /// failed too, its own error is returned instead.
    #[error("the removal is complete, but its outcome could not be recorded")]
    OutcomeUnrecorded(#[source] SinkError),
    /// The directory failed, so the aliases of the person are unknown and nothing was removed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The store failed. Part of the activities may already have been removed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sink removed or redacted no governance records, or not all of them.
    #[error("governance records could not be removed or redacted; call again")]
    Sink(#[source] SinkError),
}

/// The largest number of activities that one step removes.
const STEP: usize = 1_000;

/// The progress of a removal.
struct Progress {
    activities: u64,
    records: u64,
    result: Result<(), StepError>,
}

/// The reason why a step of a removal failed.
enum StepError {
    Denied(Denial),
    Superseded,
    Store(StoreError),
    Sink(SinkError),
}

impl StepError {
    /// Returns the reason for the record of the outcome.
    fn reason(&self) -> FailureReason {
        match self {
            Self::Denied(denial) => FailureReason::Denied(*denial),
            Self::Superseded => FailureReason::Superseded,
            Self::Store(_) => FailureReason::Store,
            Self::Sink(_) => FailureReason::Sink,
        }
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<StepError> for RemovalError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Denied(denial) => Self::Denied(denial),
            StepError::Superseded => Self::Superseded,
            StepError::Store(error) => Self::Store(error),
            StepError::Sink(error) => Self::Sink(error),
        }
    }
}

impl PrivacyFilter {
    /// Erases the activities of a person, public and private, in the name of `by`: every activity in which one of their
    /// identities acted, or on behalf of which another acted. These identities are their id, each alias that the
    /// directory assigns to them alone, and the other identities in `subject`. The caller must supply former aliases
    /// and shared ones.
    ///
    /// The intent is recorded before anything is removed, and the outcome afterwards. The caller gets the receipt of
    /// the outcome, without the number of activities, because it would tell a caller who may not see private activities
    /// whether there were any. The record of the outcome contains only commitments to the number and to the time of
    /// completion; readers who may view private activities see the values. The caller can still measure how long the
    /// call takes, and an erasure of many activities takes longer than one of none. A service that must hide that from
    /// its administrators runs erasures from a queue.
    ///
    /// The ids of erased activities stay in use, so that a source that delivers them again does not restore them. Later
    /// activities of the person, and those that are still being delivered, are stored as usual. Exclude the person from
    /// the scope to prevent that.
    ///
    /// The erasure runs in small transactions alongside ingest, and checks before each whether `by` still has the
    /// permission. Governance records about the person stay: see [`redact`](Self::redact).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::SystemTime;
    /// use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
    /// use activity_privacy::activity::{Activity, Actor, App};
    /// use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, User};
    /// use activity_privacy::filter::PrivacyFilter;
    /// use activity_privacy::identity::{Alias, Subject, UserId};
    /// use activity_privacy::policy::Administrators;
    /// use activity_privacy::query::Query;
    ///
    /// let (admin, adele) = (UserId::new("admin-1")?, UserId::new("u-1")?);
    /// let directory = MemoryDirectory::new();
    /// let user = User::new(adele.clone()).with_alias(Alias::new("adele@contoso.com")?);
    /// let import = DirectoryBuilder::new().user(user);
    /// directory.install(import.build(DirectoryRevision(1), SystemTime::now().into())?)?;
    /// let administrators = Administrators::new(admin.clone(), UserId::new("deputy")?)?;
    /// let builder = PrivacyFilter::builder(MemoryStore::new(), directory, MemorySink::new());
    /// let filter = builder.initialize(administrators)?;
    ///
    /// let by_name = |id: &str, name: &str| -> Result<Activity, Box<dyn std::error::Error>> {
    ///     let (actor, app) = (Actor::user(Alias::new(name)?), App::new("Box".parse()?));
    ///     Ok(Activity::builder(id.parse()?, actor, app, "Login".parse()?, "2026-03-01T09:30:00Z".parse()?).build()?)
    /// };
    /// filter.ingest(&[by_name("a-1", "Adele@contoso.com")?, by_name("a-2", "adele.v@contoso.com")?])?;
    ///
    /// let former = Alias::new("adele.v@contoso.com")?;
    /// let receipt = filter.erase(&admin, Subject::of(adele).with_identity(former))?;
    /// assert_eq!(filter.view(&admin).count(&Query::all())?.total, 0);
    /// # drop(receipt);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`RemovalError`] if the erasure is incomplete or not fully recorded. After
    /// [`Store`](RemovalError::Store) some activities may be left: call again.
    pub fn erase(&self, by: &UserId, subject: Subject) -> Result<Receipt, RemovalError> {
        let policy = self.inner.policy()?;
        let subject = match self.inner.with_own_aliases(subject.clone()) {
            Ok(subject) => subject,
            // The denial is recorded, whether or not the directory works.
            Err(_) if policy.may_manage_privacy(by).is_err() => subject,
            Err(error) => return Err(error.into()),
        };
        let (record, now) = (self.inner.fresh_record(), self.inner.now());
        let requested = Removal::of_subject(&policy, by, subject, record, now);
        self.inner.perform(self.inner.allowed_or_record_rejection(requested).map_err(RemovalError::Denied)?)
    }

    /// Removes the personal data in a governance record in the name of `by`: the query and the justification of a
    /// reveal, the people whose activities a page showed, or the number of activities that an erasure removed. The
    /// number of activities that a page showed and the digest of their ids stay. The record stays, and so does the
    /// proof that the rest of it is unchanged.
    ///
    /// # Errors
    /// Returns [`RemovalError`] if the redaction is incomplete or not fully recorded. After
    /// [`Sink`](RemovalError::Sink) the record may be redacted all the same: call again.
    pub fn redact(&self, by: &UserId, record: RecordId) -> Result<Receipt, RemovalError> {
        let policy = self.inner.policy()?;
        let requested = Removal::of_commitment(&policy, by, record, self.inner.fresh_record(), self.inner.now());
        self.inner.perform(self.inner.allowed_or_record_rejection(requested).map_err(RemovalError::Denied)?)
    }

    /// Removes the activities and governance records that are older than the policy allows. Records are removed only
    /// after all such activities, so that no activity remains without the records of the reveals that showed it. Does
    /// nothing if the policy sets no limit.
    ///
    /// Call it regularly, for example once a day, on one node. Each run is recorded with its outcome, even if there was
    /// nothing to remove: an auditor needs to know that it ran, and a store cannot say in advance whether there is
    /// anything to remove. The age of an activity counts from its decision, not from its occurrence. If a change of the
    /// policy keeps activities or records for longer, a running removal stops at its next step.
    ///
    /// # Errors
    /// Returns [`RemovalError`] if the removal is incomplete or not fully recorded. After
    /// [`Store`](RemovalError::Store) or [`Sink`](RemovalError::Sink) some activities or records may be left: call
    /// again.
    pub fn apply_retention(&self) -> Result<Option<Receipt>, RemovalError> {
        let policy = self.inner.policy()?;
        // Read after the policy, so that the recorded change is never older than the policy.
        let applied = self.inner.store.applied()?;
        let pending = Removal::of_aged(&policy, &applied, self.inner.fresh_record(), self.inner.now());
        pending.map(|pending| self.inner.perform(pending)).transpose()
    }
}

impl Inner {
    /// Adds the aliases that belong to this person alone. It is safer to remove too little: activities of other people
    /// under a shared alias could not be restored.
    fn with_own_aliases(&self, subject: Subject) -> Result<Subject, DirectoryError> {
        let directory = match self.directory() {
            // There are no aliases yet.
            Err(DirectoryError::NeverLoaded) => return Ok(subject),
            directory => directory?,
        };
        let Resolution::Known(user) = directory.resolve(&Identity::Id(subject.id().clone())) else {
            return Ok(subject);
        };
        let aliases = user.aliases().iter().cloned().map(Identity::Alias);
        let is_own =
            |alias: &Identity| matches!(directory.resolve(alias), Resolution::Known(of) if of.id() == user.id());
        Ok(aliases.filter(is_own).fold(subject, Subject::with_identity))
    }

    fn perform(&self, pending: Pending<Removal>) -> Result<Receipt, RemovalError> {
        // Read first, because the outcome must not fail for lack of salts.
        let salts = self.runtime.salts()?;
        let performed = self.record_then(
            pending,
            |removal| self.remove(removal),
            |removal, Progress { activities, records, result }| {
                let failure = result.as_ref().err().map(StepError::reason);
                removal.outcome(self.fresh_record(), salts, self.now(), *activities, *records, failure)
            },
        );
        let performed = performed.map_err(RemovalError::Unrecorded)?;
        performed.effect.result?;
        performed.outcome.map_err(RemovalError::OutcomeUnrecorded)
    }

    fn remove(&self, removal: &Recorded<Removal>) -> Progress {
        let (mut activities, mut records) = (0, 0);
        let result = self.remove_steps(removal, &mut activities, &mut records);
        Progress { activities, records, result }
    }

    /// Counts activities and records as it removes them.
    fn remove_steps(
        &self,
        removal: &Recorded<Removal>,
        activities: &mut u64,
        records: &mut u64,
    ) -> Result<(), StepError> {
        if removal.removes_activities() {
            loop {
                self.check_continuation(removal)?;
                match self.store.remove(removal, STEP)? {
                    0 => break,
                    removed => *activities = activities.saturating_add(removed),
                }
                // Lets ingest run in between.
                thread::yield_now();
            }
        }
        if removal.affects_records() {
            loop {
                self.check_continuation(removal)?;
                match self.sink.remove(removal).map_err(StepError::Sink)? {
                    0 => break,
                    removed => *records = records.saturating_add(removed),
                }
            }
        }
        Ok(())
    }

    /// Checks whether the policy in force lets a removal continue.
    fn check_continuation(&self, removal: &Recorded<Removal>) -> Result<(), StepError> {
        removal.may_continue(&*self.policy()?).map_err(|reason| match reason {
            FailureReason::Denied(denial) => StepError::Denied(denial),
            FailureReason::Superseded
            | FailureReason::Store
            | FailureReason::Sink
            | FailureReason::Output
            | FailureReason::Interrupted => StepError::Superseded,
        })
    }
}
