//! From one policy to the next.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Grant, GroupRef, ManagedDomain, OptionsPatch, PrivacyPolicy, Revision, Role, ScopeRule};
use crate::directory::{DirectorySnapshot, Resolution, UserStatus};
use crate::identity::{Alias, Domain, GroupId, Identity, UserId};

/// One change of the policy. Takes effect for activities whose ingest starts after it; no stored verdict moves.
///
/// Each names one thing (a group, a rule, a domain, a user, or the options in a patch) and leaves every other as it is.
/// Several are made together as a [`PolicyUpdate`](crate::policy::PolicyUpdate).
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
    /// Changes the options that the patch names.
    SetOptions(OptionsPatch),
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
    /// There is no directory, or it is too old to tell who is who.
    #[error("no directory that is recent enough tells who is who")]
    NoDirectory,
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
    /// The update was made for another revision than the one in force.
    #[error(
        "the update was made for revision {made_for} and revision {in_force} is in force; read the policy and try again"
    )]
    MovedOn {
        /// The revision that it was made for.
        made_for: Revision,
        /// The revision in force.
        in_force: Revision,
    },
    /// One of several changes does not fit, so none was made.
    #[error("none of the changes was made, because the one at index {index} does not fit: {reason}")]
    InUpdate {
        /// Which one, counted from 0.
        index: usize,
        /// Why it does not fit.
        reason: Box<PolicyError>,
    },
    /// Revisions are counted no further. Only a policy that came from elsewhere can stand there.
    #[error("no revision comes after the one in force")]
    LastRevision,
}

impl PrivacyPolicy {
    /// Begins the policy that follows this one.
    pub(crate) fn draft(&self) -> Result<PolicyDraft<'_>, PolicyError> {
        // Another policy under the same revision would let a node decide under the one before it.
        let revision = self.revision.next().ok_or(PolicyError::LastRevision)?;
        Ok(PolicyDraft { before: self, next: self.clone(), revision })
    }

    /// The one admin whose grant an identity means: by id, by the name that the grant was made out to, or by the name
    /// that leads to them now. Needs no directory for the first two, so that whoever was deleted or renamed there can
    /// still lose what they were granted.
    pub(crate) fn grantee(
        &self,
        identity: &Identity,
        directory: Option<&DirectorySnapshot>,
    ) -> Result<UserId, PolicyError> {
        let alias = match identity {
            Identity::Id(id) => return Ok(id.clone()),
            Identity::Alias(alias) => alias,
        };
        let made_out =
            self.grants.iter().filter(|(_, grant)| grant.named().matches(alias)).map(|(user, _)| user.clone());
        let holder = person(alias, directory);
        let granted = holder.iter().filter(|user| self.grants.contains_key(user)).cloned();
        let meant: BTreeSet<UserId> = made_out.chain(granted).collect();
        let mut meant = meant.into_iter();
        match (meant.next(), meant.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(PolicyError::AmbiguousPerson),
            (None, _) => holder,
        }
    }

    /// The same policy under another revision.
    pub(crate) fn renumbered(&self, revision: Revision) -> Self {
        Self { revision, ..self.clone() }
    }

    fn has_administrator(&self) -> bool {
        self.admins.values().any(|role| role.manages_privacy())
    }
}

/// A policy in the making, with the revision after the one in force. Whether anybody may make it is not asked here, so there
/// is no other way to it than [`NewPolicy`](crate::governance::NewPolicy): a policy that was never published must not pass for
/// the one that has its revision.
pub(crate) struct PolicyDraft<'a> {
    before: &'a PrivacyPolicy,
    next: PrivacyPolicy,
    revision: Revision,
}

impl PolicyDraft<'_> {
    /// Returns the policy as the changes until now make it, under the revision before.
    pub(crate) fn policy(&self) -> &PrivacyPolicy {
        &self.next
    }

    /// Whether somebody could change the policy.
    pub(crate) fn has_administrator(&self) -> bool {
        self.next.has_administrator()
    }

    /// Makes one more change. What the policy says already is no error here.
    ///
    /// # Errors
    /// [`PolicyError`] names what does not fit; the draft is of no use then.
    pub(crate) fn apply(
        &mut self,
        change: &PolicyChange,
        by: &UserId,
        directory: Option<&DirectorySnapshot>,
        at: DateTime<Utc>,
    ) -> Result<(), PolicyError> {
        let next = &mut self.next;
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
                let admin = living(alias, directory)?;
                if !next.admins.contains_key(&admin) {
                    return Err(PolicyError::NotAnAdmin);
                }
                // By the options that are in force, too: an update cannot allow it to itself and take that back.
                let is_allowed = next.options.self_grant_allowed && self.before.options.self_grant_allowed;
                if admin == *by && !is_allowed {
                    return Err(PolicyError::SelfGrant);
                }
                let revision = self.revision;
                next.grants.entry(admin).or_insert_with(|| Grant::new(alias.clone(), by.clone(), at, revision));
            }
            PolicyChange::Revoke(identity) => {
                let admin = next.grantee(identity, directory)?;
                next.grants.remove(&admin);
            }
            PolicyChange::SetOptions(patch) => next.options = patch.applied_to(&next.options),
        }
        Ok(())
    }

    /// Returns the policy that the changes make.
    ///
    /// # Errors
    /// [`PolicyError::Unchanged`] or [`PolicyError::LastAdministrator`].
    pub(crate) fn finish(self) -> Result<PrivacyPolicy, PolicyError> {
        let Self { before, mut next, revision } = self;
        if next == *before {
            return Err(PolicyError::Unchanged);
        }
        if !next.has_administrator() {
            return Err(PolicyError::LastAdministrator);
        }
        next.revision = revision;
        Ok(next)
    }
}

/// An imported group that the directory knows, or a built-in one.
fn imported(group: &GroupRef, directory: Option<&DirectorySnapshot>) -> Result<(), PolicyError> {
    match (group, directory) {
        (GroupRef::Applications | GroupRef::ExternalUsers, _) => Ok(()),
        (GroupRef::Imported(_), None) => Err(PolicyError::NoDirectory),
        (GroupRef::Imported(id), Some(directory)) => match directory.group_name(id) {
            Some(_) => Ok(()),
            None => Err(PolicyError::UnknownGroup(id.clone())),
        },
    }
}

/// The one user to whom a name leads now. Names of the deleted are known so that they stay protected, not to be granted
/// anything.
fn living(alias: &Alias, directory: Option<&DirectorySnapshot>) -> Result<UserId, PolicyError> {
    let user = person(alias, directory)?;
    match directory.map(|directory| directory.resolve(&Identity::Id(user.clone()))) {
        Some(Resolution::Known(known)) if known.status() != UserStatus::Deleted => Ok(user),
        _ => Err(PolicyError::UnknownPerson),
    }
}

/// The one user to whom a name leads, whatever became of them.
pub(crate) fn person(alias: &Alias, directory: Option<&DirectorySnapshot>) -> Result<UserId, PolicyError> {
    let directory = directory.ok_or(PolicyError::NoDirectory)?;
    match directory.resolve(&Identity::Alias(alias.clone())) {
        Resolution::Known(user) => Ok(user.id().clone()),
        Resolution::Unknown => Err(PolicyError::UnknownPerson),
        Resolution::Ambiguous => Err(PolicyError::AmbiguousPerson),
    }
}
