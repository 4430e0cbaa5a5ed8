//! Who may do what: roles, grants, and the check that is made at each use.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{PrivacyPolicy, Revision};
use crate::identity::{Alias, UserId};

/// What an admin's role lets them do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Changes the policy and reads the governance log.
    PrivacyAdministrator,
    /// Works with the activity log, and can be granted the permission to view private activities.
    Analyst,
}

impl Role {
    /// Whether this role may change the policy.
    #[must_use]
    pub fn manages_privacy(self) -> bool {
        matches!(self, Self::PrivacyAdministrator)
    }
}

/// The permission to view private activities, given to one admin.
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

    /// The address that the grant was made out to. Who holds it today plays no part: the grant is bound to the id that
    /// it led to when it was made.
    #[must_use]
    pub fn named(&self) -> &Alias {
        &self.named
    }

    /// Who made the grant.
    #[must_use]
    pub fn granted_by(&self) -> &UserId {
        &self.granted_by
    }

    /// When it was made.
    #[must_use]
    pub fn granted_at(&self) -> DateTime<Utc> {
        self.granted_at
    }

    /// The revision of the policy that it came with. It tells this grant from an earlier one to the same admin.
    #[must_use]
    pub fn granted_in(&self) -> Revision {
        self.granted_in
    }
}

/// Why somebody may not do what they asked for. Speaks of the asker alone, never of what there is to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// Not an admin, or not any more.
    #[error("denied: not an admin")]
    NotAdmin,
    /// An admin whose role may not change the policy.
    #[error("denied: the role may not manage privacy")]
    MayNotManage,
    /// An admin without the permission to view private activities, or whose permission was revoked.
    #[error("denied: no permission to view private activities")]
    NotPermitted,
    /// An admin who may not read the governance log.
    #[error("denied: the role may not read the governance log")]
    MayNotReadGovernance,
    /// The policy asks for a written justification.
    #[error("denied: a written justification is required")]
    JustificationMissing,
    /// A lifetime of nothing, or one longer than the policy allows.
    #[error("denied: the lifetime is longer than the policy allows, or nothing")]
    LifetimeNotAllowed,
    /// The reveal has outlived its lifetime.
    #[error("denied: the reveal has expired")]
    Expired,
    /// The reveal was closed.
    #[error("denied: the reveal was closed")]
    Closed,
    /// A cursor of another query, viewer or reveal was brought into this one.
    #[error("denied: the cursor belongs to another query, viewer or reveal")]
    ForeignCursor,
    /// The policy lists the purposes for which anybody may look, and this is none of them.
    #[error("denied: the policy does not list that purpose, or one must be named")]
    PurposeNotAllowed,
    /// The policy asks for approvals by other admins, and there are not enough that still count.
    #[error("denied: not enough admins have approved")]
    ApprovalsMissing,
    /// There is no such request, or it asks for something else.
    #[error("denied: no such request was made")]
    NotRequested,
    /// The request was denied, taken back, or waited too long.
    #[error("denied: the request is over")]
    RequestOver,
    /// Nobody approves what they asked for themselves.
    #[error("denied: nobody may approve their own request")]
    SelfApproval,
}

impl PrivacyPolicy {
    /// Whether somebody may change this policy.
    ///
    /// # Errors
    /// The [`Denial`] that says why not.
    pub fn may_manage_privacy(&self, user: &UserId) -> Result<(), Denial> {
        match self.admins.get(user) {
            Some(role) if role.manages_privacy() => Ok(()),
            Some(_) => Err(Denial::MayNotManage),
            None => Err(Denial::NotAdmin),
        }
    }

    /// Whether somebody may open a reveal: an admin now, and granted now.
    ///
    /// # Errors
    /// The [`Denial`] that says why not.
    pub fn may_view_private(&self, user: &UserId) -> Result<(), Denial> {
        self.permission(user).map(drop)
    }

    /// The grant by which somebody may open a reveal.
    pub(crate) fn permission(&self, user: &UserId) -> Result<&Grant, Denial> {
        match (self.admins.get(user), self.grants.get(user)) {
            (Some(_), Some(grant)) => Ok(grant),
            (Some(_), None) => Err(Denial::NotPermitted),
            (None, _) => Err(Denial::NotAdmin),
        }
    }

    /// Whether somebody may read governance records: a privacy administrator, or an admin who may view private
    /// activities.
    ///
    /// # Errors
    /// The [`Denial`] that says why not.
    pub fn may_read_governance(&self, user: &UserId) -> Result<(), Denial> {
        match (self.may_manage_privacy(user), self.may_view_private(user)) {
            (Ok(()), _) | (_, Ok(())) => Ok(()),
            (Err(Denial::NotAdmin), _) => Err(Denial::NotAdmin),
            _ => Err(Denial::MayNotReadGovernance),
        }
    }
}
