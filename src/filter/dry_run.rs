//! Dry runs of policy updates.

use std::sync::Arc;

use thiserror::Error;

use super::PrivacyFilter;
use crate::directory::DirectoryError;
use crate::engine::{DryRun, PolicyEngine};
use crate::governance::{AuthorisedDryRun, PolicyUpdateError, SinkError};
use crate::identity::UserId;
use crate::policy::PolicyUpdate;
use crate::store::StoreError;

/// The reason why a dry run has no result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DryRunError {
    /// The update would be rejected, or an administrator who may not view private activities asked for names of people.
    #[error(transparent)]
    Rejected(PolicyUpdateError),
    /// The dry run could not be recorded, so its result is not returned.
    #[error("the dry run could not be recorded, so its result is not returned")]
    Unrecorded(#[source] SinkError),
    /// The directory failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PrivacyFilter {
    /// Computes whom an update of the policy would hide or stop monitoring, and changes nothing. The caller must be
    /// allowed to make the update. The dry run is recorded before its result is returned; a rejection is recorded too.
    ///
    /// The result counts people, in total and for each group. With a `sample` above 0 it also names at most that many
    /// people by their ids, which requires the permission to view private activities. The protected people can be more
    /// than an administrator finds in the directory: nested groups are followed, and the last members of removed groups
    /// count. The record names no affected person.
    ///
    /// Visits each user of the directory once.
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
    /// Returns [`DryRunError`] if [`Self::update_policy`] would reject the update, if names are requested without that
    /// permission, or if the record, the directory or the store failed.
    pub fn dry_run(&self, by: &UserId, update: impl Into<PolicyUpdate>, sample: usize) -> Result<DryRun, DryRunError> {
        let (policy, directory, now) = (self.inner.policy()?, self.inner.directory(), self.inner.now());
        let (accepted, record) = (directory.as_deref().ok(), self.inner.fresh_record());
        let requested = AuthorisedDryRun::authorise(&policy, &update.into(), sample, by, accepted, record, now);
        let pending = self.inner.allowed_or_record_rejection(requested).map_err(DryRunError::Rejected)?;
        let directory = directory.inspect_err(|_| self.inner.record_rejection(&pending.without_directory()))?;
        let (_, kept) = self.inner.kept_groups()?;
        let engine =
            |policy| PolicyEngine::with_shared_removed_groups(policy, Ok(Arc::clone(&directory)), Arc::clone(&kept));
        let run = engine(policy).dry_run(&engine(Arc::new(pending.policy().clone())), sample);
        let _recorded = self.inner.record(pending).map_err(DryRunError::Unrecorded)?;
        Ok(run)
    }
}
