//! Changing the policy and reading the governance log: allowed first, recorded always.

use std::sync::Arc;

use thiserror::Error;

use super::{Inner, PrivacyFilter};
use crate::directory::DirectoryError;
use crate::engine::{DryRun, PolicyEngine};
use crate::governance::{
    AppliedRecord, ChangeRefusal, Event, FailureReason, GovernanceSink, Initiator, Outcome, PendingChange,
    PendingDryRun, Record, RecordEntry, RecordQuery, RecordedChange, SinkError,
};
use crate::identity::UserId;
use crate::policy::{Denial, PolicyError, PolicyUpdate, PrivacyPolicy, Revision};
use crate::query::PageSize;
use crate::store::StoreError;

/// Why a change of the policy is not in force, or not fully on record.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// Whoever asked may not.
    #[error(transparent)]
    Denied(Denial),
    /// It does not fit the policy or the directory.
    #[error(transparent)]
    Invalid(PolicyError),
    /// It could not be recorded, so it was not made.
    #[error("the change could not be recorded, so it was not made")]
    Unrecorded(#[source] SinkError),
    /// It is in force, but the record that says so could not be written; that of the intent is there.
    #[error("the change is in force as revision {revision}, but its outcome could not be recorded")]
    OutcomeUnrecorded {
        /// The revision now in force.
        revision: Revision,
        /// Why it could not be recorded.
        source: SinkError,
    },
    /// Other changes came first again and again.
    #[error("other changes came first {attempts} times")]
    Contended {
        /// How often it was tried.
        attempts: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why nobody can say what a change would do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DryRunError {
    /// It would be refused, or names of people were asked for by an administrator who may not be told them.
    #[error(transparent)]
    Refused(ChangeRefusal),
    /// It could not be recorded, so nothing is told.
    #[error("the dry run could not be recorded, so nothing is told")]
    Unrecorded(#[source] SinkError),
    /// The directory does not answer.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why governance records are not shown.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GovernanceError {
    /// Whoever asked may not.
    #[error(transparent)]
    Denied(Denial),
    /// The sink cannot read them.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const ATTEMPTS: usize = 16;

impl PrivacyFilter {
    /// Changes the policy in the name of `by`. When this returns, no activity whose ingest starts later is stored under
    /// an older revision, on any node that shares the store.
    ///
    /// Takes one change, or several: they make one revision, with one record of the intent and one of the outcome. If
    /// another administrator changes the policy first, the changes are applied again on top of that, because each names
    /// one thing alone; unless the update is [made for](PolicyUpdate::made_for) the revision before: then it is refused.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
    /// # use activity_privacy::filter::{ChangeError, PrivacyFilter};
    /// # use activity_privacy::identity::{Domain, UserId};
    /// # use activity_privacy::policy::{Administrators, GroupRef, ManagedDomain, PolicyChange, PolicyError, PolicyUpdate};
    /// # let (officer, deputy) = (UserId::new("u-1")?, UserId::new("u-2")?);
    /// # let administrators = Administrators::new(officer.clone(), deputy)?;
    /// # let builder = PrivacyFilter::builder(MemoryStore::new(), MemoryDirectory::new(), MemorySink::new());
    /// # let filter = builder.initialize(administrators)?;
    /// let seen = filter.policy()?.revision();
    /// let externals = PolicyChange::MakePrivate(GroupRef::ExternalUsers);
    /// let managed = PolicyChange::ManageDomain(ManagedDomain::exactly(Domain::new("contoso.com")?));
    /// filter.update_policy(&officer, [managed, externals])?;
    ///
    /// // Decided by what was seen before: refused, because the policy has changed since.
    /// let late = PolicyUpdate::from([PolicyChange::MakePrivate(GroupRef::Applications)]).made_for(seen);
    /// let refused = filter.update_policy(&officer, late);
    /// assert!(matches!(refused, Err(ChangeError::Invalid(PolicyError::MovedOn { .. }))));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ChangeError`]. Only with [`ChangeError::OutcomeUnrecorded`] is the change in force all the same; and perhaps with
    /// [`ChangeError::Store`], if the store failed twice: at the change, and when it was asked whether it is in force.
    pub fn update_policy(&self, by: &UserId, update: impl Into<PolicyUpdate>) -> Result<Revision, ChangeError> {
        let update = update.into();
        for _ in 0..ATTEMPTS {
            let policy = self.inner.policy()?;
            let directory = self.inner.directory().ok();
            let (record, now) = (self.inner.fresh_record(), self.inner.now());
            let pending = PendingChange::authorise(&policy, &update, by, directory.as_deref(), record, now);
            let pending = match pending {
                Ok(pending) => pending,
                Err(refused) => {
                    self.inner.record_refusal(&refused.record);
                    return Err(match refused.reason {
                        ChangeRefusal::Denied(denial) => ChangeError::Denied(denial),
                        ChangeRefusal::Invalid(error) => ChangeError::Invalid(error),
                    });
                }
            };
            self.inner.make_ready_for(&pending);
            let recorded = self.inner.record_change(pending).map_err(ChangeError::Unrecorded)?;
            let revision = recorded.policy().revision();
            match self.inner.publish(&recorded) {
                (Ok(()), Ok(())) => {
                    // What fails is tried again with the next batch.
                    let _ = self.inner.follow_now();
                    return Ok(revision);
                }
                (Ok(()), Err(source)) => return Err(ChangeError::OutcomeUnrecorded { revision, source }),
                (Err(StoreError::Stale { .. }), _) => {}
                (Err(error), _) => return Err(error.into()),
            }
        }
        Err(ChangeError::Contended { attempts: ATTEMPTS })
    }

    /// Says whom a change of the policy would hide or stop monitoring, and changes nothing. Only an administrator who may
    /// make the change may ask. That they asked is recorded before they are answered; a refusal is recorded too.
    ///
    /// The answer counts people, in all and for each group. With a `sample` above 0 it also names as many of them at
    /// most, by their ids; that takes the permission to view private activities. Who is protected can be more than the
    /// directory tells an administrator: nested groups are followed, and members of groups that are gone remembered. The
    /// record names nobody.
    ///
    /// Reads everybody in the directory once.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::SystemTime;
    /// use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
    /// use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision};
    /// use activity_privacy::filter::PrivacyFilter;
    /// use activity_privacy::identity::{GroupId, UserId};
    /// use activity_privacy::policy::{Administrators, PolicyChange};
    ///
    /// let (admin, council) = (UserId::new("admin-1")?, GroupId::new("g-1")?);
    /// let directory = MemoryDirectory::new();
    /// let import = DirectoryBuilder::new().group(council.clone(), "Works council").member(&council, &UserId::new("u-1")?);
    /// directory.install(import.build(DirectoryRevision(1), SystemTime::now().into())?)?;
    /// let administrators = Administrators::new(admin.clone(), UserId::new("deputy")?)?;
    /// let filter = PrivacyFilter::builder(MemoryStore::new(), directory, MemorySink::new()).initialize(administrators)?;
    ///
    /// let run = filter.dry_run(&admin, &PolicyChange::MakePrivate(council.into()), 0)?;
    /// assert_eq!(run.hidden().users(), 1);
    /// assert!(filter.policy()?.private_groups().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`DryRunError`]: as [`Self::update_policy`] would refuse it, and when names are asked for without that permission. Nothing
    /// is told then.
    pub fn dry_run(&self, by: &UserId, update: impl Into<PolicyUpdate>, sample: usize) -> Result<DryRun, DryRunError> {
        let (policy, directory, now) = (self.inner.policy()?, self.inner.directory(), self.inner.now());
        let accepted = directory.as_deref().ok();
        let record = self.inner.fresh_record();
        let pending = PendingDryRun::authorise(&policy, &update.into(), sample, by, accepted, record, now).map_err(
            |refused| {
                self.inner.record_refusal(&refused.record);
                DryRunError::Refused(refused.reason)
            },
        )?;
        let directory = match directory {
            Ok(directory) => directory,
            Err(error) => {
                self.inner.record_refusal(&pending.undecidable());
                return Err(error.into());
            }
        };
        let (_, kept) = self.inner.kept_groups()?;
        let engine =
            |policy| PolicyEngine::with_shared_removed_groups(policy, Ok(Arc::clone(&directory)), Arc::clone(&kept));
        let run = engine(policy).dry_run(&engine(Arc::new(pending.policy().clone())), sample);
        let receipt = self.inner.sink.record(pending.record()).map_err(DryRunError::Unrecorded)?;
        receipt.confirm(pending.record()).map_err(DryRunError::Unrecorded)?;
        Ok(run)
    }

    /// The governance records that match, in sequence, after sequence number `after` (0 for all), at most `size`.
    ///
    /// Read by privacy administrators and by admins who may view private activities; a refusal is recorded. To a reader who
    /// may not view private activities the records do not tell what depends on them: how many were on a page, were seen in a
    /// reveal or were removed, and how long that took; the commitments to it stay. Whose activities a page showed is told to
    /// no reader, and [`report`](Self::access_report) tells each of those people.
    ///
    /// # Errors
    /// [`GovernanceError::Denied`] to anybody else.
    pub fn governance_records(
        &self,
        reader: &UserId,
        query: &RecordQuery,
        after: u64,
        size: PageSize,
    ) -> Result<Vec<RecordEntry>, GovernanceError> {
        let policy = self.inner.policy()?;
        self.inner.check_reader(&policy, reader).map_err(GovernanceError::Denied)?;
        let may_view_private = policy.may_view_private(reader).is_ok();
        let records = self.inner.sink.records(query, after, size.get())?;
        Ok(records.into_iter().map(|entry| entry.told(may_view_private)).collect())
    }
}

impl Inner {
    pub(super) fn record_change(&self, pending: PendingChange) -> Result<RecordedChange, SinkError> {
        let receipt = self.sink.record(pending.record())?;
        pending.recorded(&receipt)
    }

    /// Publishes a change and records what came of it. Should the record fail, the intent is durable, and an auditor
    /// sees that its outcome is missing.
    pub(super) fn publish(&self, change: &RecordedChange) -> (Result<(), StoreError>, Result<(), SinkError>) {
        let published = match self.store.publish(change) {
            // A store can fail once it is done, as when its answer is lost on the way. Then the record by which it changed last
            // tells: another change may have made the same policy.
            Err(_) if self.is_applied(change) => Ok(()),
            published => published,
        };
        if published.is_ok() {
            self.in_force(change.policy().revision());
        }
        let failure = match &published {
            Ok(()) => None,
            Err(StoreError::Stale { .. }) => Some(FailureReason::Superseded),
            Err(_) => Some(FailureReason::Store),
        };
        let outcome = self.sink.record(&change.outcome(self.fresh_record(), self.now(), failure));
        (published, outcome.map(drop))
    }

    /// Makes ready what is decided with once a change is in force, so that no batch has to wait for it. Should that
    /// fail, the first batch does it. Comes before the record of the change, because it can take a while.
    fn make_ready_for(&self, change: &PendingChange) {
        if let Ok(directory) = self.directory() {
            let _ = self.make_ready(Arc::new(change.policy().clone()), Ok(directory));
        }
    }

    fn is_applied(&self, change: &RecordedChange) -> bool {
        let applied = self.store.applied().ok();
        applied.is_some_and(|applied| applied.change().map(AppliedRecord::record) == Some(change.record()))
    }

    /// Whether somebody may read the governance log. A refusal is recorded.
    pub(super) fn check_reader(&self, policy: &PrivacyPolicy, reader: &UserId) -> Result<(), Denial> {
        policy.may_read_governance(reader).inspect_err(|denial| {
            self.record_refusal(&Record {
                id: self.fresh_record(),
                at: self.now(),
                initiator: Initiator::User(reader.clone()),
                policy: Some(policy.revision()),
                event: Event::ReadGovernance,
                outcome: Outcome::Denied(*denial),
            });
        })
    }

    /// Records that something was refused. It is refused all the same should the sink fail.
    pub(super) fn record_refusal(&self, record: &Record) {
        let _ = self.sink.record(record);
    }
}
