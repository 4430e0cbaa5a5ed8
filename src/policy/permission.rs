//! Permissions: roles, grants, and the check at each use.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{PrivacyPolicy, Revision};
use crate::identity::{Alias, UserId};
use crate::text::words;

/// The role of an admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May change the policy and read the governance log.
    PrivacyAdministrator,
    /// Works with the activity log, and can be granted the permission to view private activities.
    Analyst,
}

words!(Role, "role": PrivacyAdministrator = "privacy_administrator", Analyst = "analyst");

impl Role {
    /// Returns whether this role may change the policy.
    #[must_use]
    pub fn manages_privacy(self) -> bool {
        matches!(self, Self::PrivacyAdministrator)
    }
}

/// The permission of one admin to view private activities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    named: Alias,
    granted_by: UserId,
    granted_at: DateTime<Utc>,
    granted_in: Revision,
}

impl Grant {
    pub(crate) fn new(named: Alias, granted_by: UserId, granted_at: DateTime<Utc>, granted_in: Revision) -> Self {
        Self { named, granted_by, granted_at, granted_in }
    }

    /// Returns the address for which the grant was made. The grant is bound to the id that the address resolved to at
    /// that time, not to its current holder.
    #[must_use]
    pub fn named(&self) -> &Alias {
        &self.named
    }

    /// Returns the administrator who made the grant.
    #[must_use]
    pub fn granted_by(&self) -> &UserId {
        &self.granted_by
    }

    /// Returns the time of the grant.
    #[must_use]
    pub fn granted_at(&self) -> DateTime<Utc> {
        self.granted_at
    }

    /// Returns the policy revision that introduced the grant. It distinguishes this grant from an earlier one to the
    /// same admin.
    #[must_use]
    pub fn granted_in(&self) -> Revision {
        self.granted_in
    }
}

/// The reason why a user was denied an operation. It depends on the user alone, never on whether private activities
/// exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// The user is not an admin, or no longer.
    #[error("denied: not an admin")]
    NotAdmin,
    /// The role of the admin does not allow changes of the policy.
    #[error("denied: the role may not manage privacy")]
    MayNotManage,
    /// The admin has no permission to view private activities, or it was revoked.
    #[error("denied: no permission to view private activities")]
    NotPermitted,
    /// The role of the admin does not allow reading the governance log.
    #[error("denied: the role may not read the governance log")]
    MayNotReadGovernance,
    /// The policy requires a written justification.
    #[error("denied: a written justification is required")]
    JustificationMissing,
    /// The lifetime is zero or longer than the policy allows.
    #[error("denied: the lifetime is zero or longer than the policy allows")]
    LifetimeNotAllowed,
    /// The lifetime of the reveal has ended.
    #[error("denied: the reveal has expired")]
    Expired,
    /// The reveal was closed.
    #[error("denied: the reveal was closed")]
    Closed,
    /// The cursor belongs to another query, viewer or reveal.
    #[error("denied: the cursor belongs to another query, viewer or reveal")]
    ForeignCursor,
    /// The policy lists the purposes of a reveal, and the request names none of them.
    #[error("denied: the purpose is missing or not in the policy's list")]
    PurposeNotAllowed,
    /// The policy requires approvals by other admins, and too few of those given still count.
    #[error("denied: not enough admins have approved")]
    ApprovalsMissing,
    /// There is no such request, or it asks for something else.
    #[error("denied: no such request, or it asks for something else")]
    NotRequested,
    /// The request was denied or withdrawn, or has expired.
    #[error("denied: the request was denied or withdrawn, or has expired")]
    RequestOver,
    /// The policy does not allow the requester to approve their own request.
    #[error("denied: requesters may not approve their own request")]
    SelfApproval,
}

impl PrivacyPolicy {
    /// Checks that a user may change this policy.
    ///
    /// # Errors
    /// Returns a [`Denial`] with the reason if the user may not.
    pub fn may_manage_privacy(&self, user: &UserId) -> Result<(), Denial> {
        match self.admins.get(user) {
            Some(role) if role.manages_privacy() => Ok(()),
            Some(_) => Err(Denial::MayNotManage),
            None => Err(Denial::NotAdmin),
        }
    }

    /// Checks that a user may open a reveal: they are an admin with a grant now.
    ///
    /// # Errors
    /// Returns a [`Denial`] with the reason if the user may not.
    pub fn may_view_private(&self, user: &UserId) -> Result<(), Denial> {
        self.permission(user).map(drop)
    }

    /// Returns the grant under which a user may open a reveal.
    pub(crate) fn permission(&self, user: &UserId) -> Result<&Grant, Denial> {
        match (self.admins.get(user), self.grants.get(user)) {
            (Some(_), Some(grant)) => Ok(grant),
            (Some(_), None) => Err(Denial::NotPermitted),
            (None, _) => Err(Denial::NotAdmin),
        }
    }

    /// Checks that a user may read governance records: a privacy administrator, or an admin who may view private
    /// activities.
    ///
    /// # Errors
    /// Returns a [`Denial`] with the reason if the user may not.
    pub fn may_read_governance(&self, user: &UserId) -> Result<(), Denial> {
        match (self.may_manage_privacy(user), self.may_view_private(user)) {
            (Ok(()), _) | (_, Ok(())) => Ok(()),
            (Err(Denial::NotAdmin), _) => Err(Denial::NotAdmin),
            _ => Err(Denial::MayNotReadGovernance),
        }
    }
}
