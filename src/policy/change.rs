//! From one policy to the next.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{GroupRef, ManagedDomain, PolicyOptions, PrivacyPolicy, RetainedGroup, Role, ScopeRule};
use crate::directory::{DirectorySnapshot, Resolution};
use crate::identity::{Alias, Domain, GroupId, Identity, UserId};

/// One change of the policy. Takes effect for activities whose ingest starts after it; no stored verdict moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyChange {
    /// From now on, what members of this group do is private.
    MakePrivate(GroupRef),
    /// From now on, membership of this group hides nothing.
    MakePublic(GroupRef),
    /// Adds a rule about who is monitored.
    AddScopeRule(ScopeRule),
    /// Removes such a rule.
    RemoveScopeRule(ScopeRule),
    /// Declares a domain to be the organisation's own.
    ManageDomain(ManagedDomain),
    /// Takes that back.
    UnmanageDomain(Domain),
    /// Makes somebody an admin, or changes their role.
    SetAdmin(UserId, Role),
    /// Takes the admin role away, and with it any permission to view private activities.
    RemoveAdmin(UserId),
    /// Permits an admin, named by UPN or e-mail address, to view private activities.
    Grant(Alias),
    /// Takes that permission away.
    Revoke(Identity),
    /// Chooses how the policy is applied.
    SetOptions(PolicyOptions),
}

/// What the library itself must keep up as the directory moves on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Upkeep {
    /// A group of the policy vanished: its last members go on to count.
    Retain(GroupId, RetainedGroup),
    /// The group is back: what the directory says counts again.
    Release(GroupId),
}

/// Why a change makes no new policy.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyError {
    /// Only an imported or built-in group can be made private or used in scope.
    #[error("group `{0}` was not imported, expected an imported or a built-in group")]
    UnknownGroup(GroupId),
    /// The policy says so already, or never said so.
    #[error("the policy already is as the change would make it")]
    Unchanged,
    /// The name of a grant is not an address.
    #[error("a grant names a UPN or an e-mail address")]
    NotAnAddress,
    /// The name leads to nobody.
    #[error("the name leads to nobody in the directory")]
    UnknownPerson,
    /// The name leads to several people.
    #[error("the name leads to several people in the directory")]
    AmbiguousPerson,
    /// Only an admin can be granted the permission to view private activities.
    #[error("only an admin can be granted the permission to view private activities")]
    NotAnAdmin,
    /// Administrators may not grant to themselves, under whatever name.
    #[error("the policy does not let administrators grant to themselves")]
    SelfGrant,
    /// Nobody would be left who may change the policy.
    #[error("the change would leave no privacy administrator")]
    LastAdministrator,
}

impl PrivacyPolicy {
    /// The policy that `change` makes of this one, with the next revision. Whether `by` may make it is not asked here:
    /// see [`PrivacyPolicy::may_manage_privacy`]. Without a directory no imported group and no alias can be used.
    ///
    /// # Errors
    /// [`PolicyError`] names what does not fit; this policy stays in force.
    pub fn apply(
        &self,
        change: &PolicyChange,
        by: &UserId,
        directory: Option<&DirectorySnapshot>,
        at: DateTime<Utc>,
    ) -> Result<Self, PolicyError> {
        let mut next = self.clone();
        match change {
            PolicyChange::MakePrivate(group) => {
                imported(group, directory)?;
                next.private_groups.insert(group.clone());
            }
            PolicyChange::MakePublic(group) => {
                next.private_groups.remove(group);
            }
            PolicyChange::AddScopeRule(rule) => {
                imported(rule.group(), directory)?;
                if !next.scope.contains(rule) {
                    next.scope.push(rule.clone());
                }
            }
            PolicyChange::RemoveScopeRule(rule) => next.scope.retain(|other| other != rule),
            PolicyChange::ManageDomain(managed) => {
                next.managed_domains.retain(|other| other.domain() != managed.domain());
                next.managed_domains.insert(managed.clone());
            }
            PolicyChange::UnmanageDomain(domain) => next.managed_domains.retain(|other| other.domain() != domain),
            PolicyChange::SetAdmin(user, role) => {
                next.admins.insert(user.clone(), *role);
            }
            PolicyChange::RemoveAdmin(user) => {
                next.admins.remove(user);
                next.grants.remove(user);
            }
            PolicyChange::Grant(alias) => {
                if alias.domain().is_none() {
                    return Err(PolicyError::NotAnAddress);
                }
                let admin = person(&alias.clone().into(), directory)?;
                if !next.admins.contains_key(&admin) {
                    return Err(PolicyError::NotAnAdmin);
                }
                if admin == *by && !next.options.self_grant_allowed {
                    return Err(PolicyError::SelfGrant);
                }
                if next.grants.contains_key(&admin) {
                    return Err(PolicyError::Unchanged);
                }
                next.grant(admin, alias.clone(), by.clone(), at);
            }
            PolicyChange::Revoke(identity) => {
                next.grants.remove(&person(identity, directory)?);
            }
            PolicyChange::SetOptions(options) => next.options = options.clone(),
        }
        let named: Vec<GroupId> = next.imported_groups().into_iter().cloned().collect();
        next.retained.retain(|group, _| named.contains(group));
        next.following(self)
    }

    pub(crate) fn keep_up(&self, upkeep: Upkeep) -> Result<Self, PolicyError> {
        let mut next = self.clone();
        match upkeep {
            Upkeep::Retain(group, members) => {
                if !self.imported_groups().contains(&group) {
                    return Err(PolicyError::Unchanged);
                }
                next.retained.entry(group).or_insert(members);
            }
            Upkeep::Release(group) => {
                next.retained.remove(&group);
            }
        }
        next.following(self)
    }

    fn following(mut self, before: &Self) -> Result<Self, PolicyError> {
        if self == *before {
            return Err(PolicyError::Unchanged);
        }
        if !self.admins.values().any(|role| role.manages_privacy()) {
            return Err(PolicyError::LastAdministrator);
        }
        self.revision = before.revision.next();
        Ok(self)
    }
}

fn imported(group: &GroupRef, directory: Option<&DirectorySnapshot>) -> Result<(), PolicyError> {
    match group {
        GroupRef::Imported(id) if directory.is_none_or(|directory| directory.group_name(id).is_none()) => {
            Err(PolicyError::UnknownGroup(id.clone()))
        }
        GroupRef::Imported(_) | GroupRef::Applications | GroupRef::ExternalUsers => Ok(()),
    }
}

fn person(identity: &Identity, directory: Option<&DirectorySnapshot>) -> Result<UserId, PolicyError> {
    match (directory.map_or(Resolution::Unknown, |directory| directory.resolve(identity)), identity) {
        (Resolution::Known(user), _) => Ok(user.id().clone()),
        // An id needs no directory: whoever was deleted there can still lose what they were granted.
        (Resolution::Unknown, Identity::Id(id)) => Ok(id.clone()),
        (Resolution::Unknown, Identity::Alias(_)) => Err(PolicyError::UnknownPerson),
        (Resolution::Ambiguous, _) => Err(PolicyError::AmbiguousPerson),
    }
}
