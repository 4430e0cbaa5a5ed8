//! Followers of the governance records.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{PolicyError, PrivacyPolicy, Revision};
use crate::forward::{ForwarderName, Start};
use crate::identity::UserId;

/// A follower of the governance records, which the policy names: a service that notifies people or feeds an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follower {
    added_in: Revision,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disclosed: Option<Disclosed>,
}

/// The administrator who disclosed openings to a follower, under a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Disclosed {
    by: UserId,
    granted_in: Revision,
}

impl Follower {
    pub(super) fn new(added_in: Revision, start: Start, now: DateTime<Utc>) -> Self {
        let since = match start {
            Start::Beginning => None,
            Start::Now => Some(now),
            Start::Time(time) => Some(time),
        };
        Self { added_in, since, disclosed: None }
    }

    /// Returns the revision of the policy that added it. A follower that was removed and added again has another one,
    /// and starts again.
    #[must_use]
    pub fn added_in(&self) -> Revision {
        self.added_in
    }

    /// Returns the time of the first record that it reads. Returns `None` if it starts at the first record.
    #[must_use]
    pub fn since(&self) -> Option<DateTime<Utc>> {
        self.since
    }

    /// Returns the administrator who disclosed the values that depend on private activities to this follower, if one
    /// did.
    #[must_use]
    pub fn disclosed_by(&self) -> Option<&UserId> {
        self.disclosed.as_ref().map(|disclosed| &disclosed.by)
    }

    /// Returns whether its records contain the values that depend on private activities. They do only while the
    /// administrator who disclosed them may view private activities, under the same grant.
    #[must_use]
    pub fn includes_openings(&self, policy: &PrivacyPolicy) -> bool {
        self.disclosed.as_ref().is_some_and(|Disclosed { by, granted_in }| {
            policy.permission(by).is_ok_and(|grant| grant.granted_in() == *granted_in)
        })
    }

    /// Returns the latest revision to which it refers.
    pub(super) fn latest_revision(&self) -> Revision {
        self.disclosed.as_ref().map_or(self.added_in, |disclosed| disclosed.granted_in.max(self.added_in))
    }

    /// Discloses openings in the name of an administrator who may view private activities, in the policy before the
    /// update and in the one that it makes.
    pub(super) fn disclose(
        &mut self,
        by: &UserId,
        before: &PrivacyPolicy,
        next: &PrivacyPolicy,
    ) -> Result<(), PolicyError> {
        let (Ok(_), Ok(grant)) = (before.permission(by), next.permission(by)) else {
            return Err(PolicyError::MayNotDisclose);
        };
        let already =
            |known: &Disclosed| next.permission(&known.by).is_ok_and(|it| it.granted_in() == known.granted_in);
        if !self.disclosed.as_ref().is_some_and(already) {
            self.disclosed = Some(Disclosed { by: by.clone(), granted_in: grant.granted_in() });
        }
        Ok(())
    }

    pub(super) fn withhold(&mut self) {
        self.disclosed = None;
    }
}

impl PrivacyPolicy {
    pub(super) fn follower_mut(&mut self, name: &ForwarderName) -> Result<&mut Follower, PolicyError> {
        self.followers.get_mut(name).ok_or_else(|| PolicyError::UnknownFollower(name.clone()))
    }
}
