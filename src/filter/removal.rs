//! Removing what is not to be kept: allowed and recorded first, done step by step, and the outcome recorded too.

use thiserror::Error;

use super::{Inner, PrivacyFilter, SaltError};
use crate::directory::{DirectoryError, Resolution};
use crate::governance::{
    FailureReason, GovernanceSink, PendingRemoval, Receipt, RecordId, RecordedRemoval, Refused, SinkError,
};
use crate::identity::{Identity, Subject, UserId};
use crate::policy::Denial;
use crate::store::StoreError;
use crate::sync::thread;

/// Why something was not removed, or not all of it, or why that is not fully on record. Says nothing of how much there
/// was.
///
/// A removal that failed is called again: what is gone is gone, and the rest is removed then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RemovalError {
    /// Whoever asked may not; or not any more, and then some of it may be removed.
    #[error(transparent)]
    Denied(Denial),
    /// The policy changed meanwhile and lets more be kept. What it let be removed before may be removed.
    #[error("the policy changed meanwhile and lets more be kept")]
    Superseded,
    /// There were no salts to seal its outcome with, so nothing was removed.
    #[error(transparent)]
    Salt(#[from] SaltError),
    /// It could not be recorded, so nothing was removed.
    #[error("the removal could not be recorded, so nothing was removed")]
    Unrecorded(#[source] SinkError),
    /// Everything was removed, but the record that says so could not be written; that of the intent is there.
    #[error("everything was removed, but the outcome could not be recorded")]
    OutcomeUnrecorded(#[source] SinkError),
    /// The directory does not say under which names somebody acted, so nothing was removed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The store failed. Some activities may be removed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sink did not remove governance records, or not all of them.
    #[error("governance records could not be removed")]
    Sink(#[source] SinkError),
}

/// How many activities are removed at a time, at most.
const STEP: usize = 1_000;

impl PrivacyFilter {
    /// Erases what somebody did, hidden or not, in the name of `by`: whatever names them as the one who acted or for
    /// whom it was done, by their id, by every alias that the directory says is theirs and nobody else's now, and by
    /// what else `subject` names. Names that they had before, and names that they share, are for the caller to give.
    ///
    /// The intent is on record before anything is removed, the outcome afterwards, with the number of activities. Its
    /// receipt is what the caller gets: a number would tell whoever may not see hidden activities that there were some. The
    /// number and the time of the outcome are sealed in the record, for readers who may view private activities. What the
    /// log does not tell, the caller can still measure: an erasure of many activities, hidden or not, takes longer than one
    /// of none. A service that must not tell its administrators that either calls this from a queue.
    /// Ids of what is erased stay taken, so that a source that delivers it again does not bring it back. What they do
    /// from now on, and what is still on its way, is stored as ever: exclude them from the scope, if that is meant.
    ///
    /// Goes in small steps, so that nobody who delivers waits for long, and asks before each whether `by` still may. What governance records say of them stays: see
    /// [`forget`](Self::redact).
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
    /// let import = DirectoryBuilder::new().user(User::new(adele.clone()).with_alias(Alias::new("adele@contoso.com")?));
    /// directory.install(import.build(DirectoryRevision(1), SystemTime::now().into())?)?;
    /// let administrators = Administrators::new(admin.clone(), UserId::new("deputy")?)?;
    /// let filter = PrivacyFilter::builder(MemoryStore::new(), directory, MemorySink::new()).initialize(administrators)?;
    ///
    /// let by_name = |id: &str, name: &str| -> Result<Activity, Box<dyn std::error::Error>> {
    ///     let (actor, app) = (Actor::user(Alias::new(name)?), App::new("Box".parse()?));
    ///     Ok(Activity::builder(id.parse()?, actor, app, "Login".parse()?, "2026-03-01T09:30:00Z".parse()?).build()?)
    /// };
    /// filter.ingest(&[by_name("a-1", "Adele@contoso.com")?, by_name("a-2", "adele.v@contoso.com")?])?;
    ///
    /// let before = Alias::new("adele.v@contoso.com")?;
    /// let receipt = filter.erase(&admin, Subject::of(adele).with_identity(before))?;
    /// assert_eq!(filter.view(&admin).count(&Query::all())?.total, 0);
    /// # drop(receipt);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RemovalError`]. After [`Store`](RemovalError::Store) some of it may be left: call again.
    pub fn erase(&self, by: &UserId, subject: Subject) -> Result<Receipt, RemovalError> {
        let policy = self.inner.policy()?;
        let subject = match self.inner.with_own_names(subject.clone()) {
            Ok(subject) => subject,
            // Whoever may not is refused on record, whatever the directory says.
            Err(_) if policy.may_manage_privacy(by).is_err() => subject,
            Err(error) => return Err(error.into()),
        };
        let (record, now) = (self.inner.fresh_record(), self.inner.now());
        let pending = PendingRemoval::of_subject(&policy, by, subject, record, now);
        self.inner.carry_out(pending.map_err(|refused| self.inner.refuse_removal(&refused))?)
    }

    /// Has a governance record forget what it says of people, in the name of `by`: query and justification of a reveal, whose
    /// activities a page showed, and how many were removed. How much was seen stays, and so does the digest of it. The record
    /// stays, and so does the proof that nothing else of it was changed.
    ///
    /// # Errors
    /// [`RemovalError`]. After [`Sink`](RemovalError::Sink) it may have forgotten it all the same: call again.
    pub fn redact(&self, by: &UserId, record: RecordId) -> Result<Receipt, RemovalError> {
        let policy = self.inner.policy()?;
        let pending = PendingRemoval::of_sealed(&policy, by, record, self.inner.fresh_record(), self.inner.now());
        self.inner.carry_out(pending.map_err(|refused| self.inner.refuse_removal(&refused))?)
    }

    /// Removes what the policy lets nobody keep any longer: activities first, and only when none of them is left
    /// governance records, so that there is none without the record of who looked at it. Nothing happens as long as the
    /// policy lets everything be kept.
    ///
    /// Call it now and then, say once a day, on one node. Each run is on record, with its outcome, also one that found
    /// nothing to remove: that it looked is what an auditor wants to know, and no store says beforehand whether there is
    /// anything. Activities are as old as their decisions: time of decision, not of occurrence. A change of the policy that
    /// lets more be kept ends a run under way at its next step.
    ///
    /// # Errors
    /// [`RemovalError`]. After [`Store`](RemovalError::Store) or [`Sink`](RemovalError::Sink) some of it may be left:
    /// call again.
    pub fn apply_retention(&self) -> Result<Option<Receipt>, RemovalError> {
        let policy = self.inner.policy()?;
        // After the policy, so that its change is never the earlier one of the two.
        let applied = self.inner.store.applied()?;
        let pending = PendingRemoval::of_aged(&policy, &applied, self.inner.fresh_record(), self.inner.now());
        pending.map(|pending| self.inner.carry_out(pending)).transpose()
    }
}

impl Inner {
    /// With every alias that leads to that person and nobody else. To remove less is the safe mistake: what others did
    /// under a name that they share would be gone for good.
    fn with_own_names(&self, subject: Subject) -> Result<Subject, DirectoryError> {
        let directory = match self.directory() {
            // Nobody has a name.
            Err(DirectoryError::NeverLoaded) => return Ok(subject),
            directory => directory?,
        };
        let Resolution::Known(user) = directory.resolve(&Identity::Id(subject.id().clone())) else {
            return Ok(subject);
        };
        let names = user.aliases().iter().cloned().map(Identity::Alias);
        let is_own = |name: &Identity| matches!(directory.resolve(name), Resolution::Known(of) if of.id() == user.id());
        Ok(names.filter(is_own).fold(subject, Subject::with_identity))
    }

    fn refuse_removal(&self, refused: &Refused<Denial>) -> RemovalError {
        self.record_refusal(&refused.record);
        RemovalError::Denied(refused.reason)
    }

    /// Records, removes, and records what came of it. Should the last fail, the intent is durable, and an auditor sees
    /// that its outcome is missing.
    fn carry_out(&self, pending: PendingRemoval) -> Result<Receipt, RemovalError> {
        let salts = self.runtime.salts()?;
        let receipt = self.sink.record(pending.record()).map_err(RemovalError::Unrecorded)?;
        let removal = pending.recorded(&receipt).map_err(RemovalError::Unrecorded)?;
        let (mut activities, mut records) = (0, 0);
        let removed = self.remove(&removal, &mut activities, &mut records);
        let failure = match &removed {
            Ok(()) => None,
            Err(RemovalError::Denied(denial)) => Some(FailureReason::Denied(*denial)),
            Err(RemovalError::Superseded) => Some(FailureReason::Superseded),
            Err(RemovalError::Sink(_)) => Some(FailureReason::Sink),
            Err(_) => Some(FailureReason::Store),
        };
        let outcome = removal.outcome(self.fresh_record(), salts, self.now(), activities, records, failure);
        let recorded = self.sink.record(&outcome);
        removed?;
        recorded.map_err(RemovalError::OutcomeUnrecorded)
    }

    /// Counts activities and records as they go.
    fn remove(&self, removal: &RecordedRemoval, activities: &mut u64, records: &mut u64) -> Result<(), RemovalError> {
        if removal.forgotten_record().is_none() {
            loop {
                self.check_on(removal)?;
                match self.store.remove(removal, STEP)? {
                    0 => break,
                    removed => *activities = activities.saturating_add(removed),
                }
                // Whoever delivers comes in between.
                thread::yield_now();
            }
        }
        if removal.records_before().is_some() || removal.forgotten_record().is_some() {
            loop {
                self.check_on(removal)?;
                match self.sink.remove(removal).map_err(RemovalError::Sink)? {
                    0 => break,
                    removed => *records = records.saturating_add(removed),
                }
            }
        }
        Ok(())
    }

    /// Whether the policy of this moment lets a removal go on.
    fn check_on(&self, removal: &RecordedRemoval) -> Result<(), RemovalError> {
        removal.goes_on(&*self.policy()?).map_err(|failure| match failure {
            FailureReason::Denied(denial) => RemovalError::Denied(denial),
            _ => RemovalError::Superseded,
        })
    }
}
