//! Changes of the policy.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Follower, Grant, GroupRef, ManagedDomain, OptionsPatch, PrivacyPolicy, Revision, Role, ScopeRule};
use crate::directory::{DirectorySnapshot, Resolution, UserStatus};
use crate::forward::{ForwarderName, Start};
use crate::identity::{Alias, Domain, GroupId, Identity, UserId};
use crate::text::deserialize_without_quoting;

/// One change of the policy. It applies to activities whose ingest starts afterwards; no stored decision changes.
///
/// Each change concerns one thing (a group, a rule, a domain, a user, or the options in a patch) and leaves the rest as
/// it is. A [`PolicyUpdate`](crate::policy::PolicyUpdate) makes several together.
///
/// The serde form is the name of the change with its value, for example `{"make_private": {"imported": "g-1"}}`. An
/// error of deserialization does not repeat the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyChange {
    /// Makes a group private: later activities of its members are private.
    MakePrivate(GroupRef),
    /// Makes a group public: membership hides no later activities.
    MakePublic(GroupRef),
    /// Adds a rule of the monitoring scope.
    AddScopeRule(ScopeRule),
    /// Removes a rule of the monitoring scope.
    RemoveScopeRule(ScopeRule),
    /// Adds a domain whose users belong to the organisation.
    ManageDomain(ManagedDomain),
    /// Removes a managed domain.
    UnmanageDomain(Domain),
    /// Makes a user an admin, or changes their role. The id is not looked up in the directory.
    SetAdmin(UserId, Role),
    /// Removes the admin role of a user, and with it any permission to view private activities.
    RemoveAdmin(UserId),
    /// Permits an admin, named by UPN or e-mail address, to view private activities.
    Grant(Alias),
    /// Removes the permission of an admin to view private activities.
    Revoke(Identity),
    /// Adds a follower of the governance records. See
    /// [`Forwarders::follower`](crate::filter::Forwarders::follower). Without effect if the policy names it already: to
    /// start a follower again, remove and add it in one update.
    AddFollower(ForwarderName, Start),
    /// Removes a follower. It reads no further record.
    RemoveFollower(ForwarderName),
    /// Includes the values that depend on private activities in the records of a follower, while the initiator of this
    /// change may view private activities.
    DiscloseToFollower(ForwarderName),
    /// Leaves the values that depend on private activities out of the records of a follower.
    WithholdFromFollower(ForwarderName),
    /// Changes the options that the patch names.
    SetOptions(OptionsPatch),
}

#[derive(Deserialize)]
#[serde(remote = "PolicyChange", rename_all = "snake_case", expecting = "a policy change")]
enum ChangeDocument {
    MakePrivate(GroupRef),
    MakePublic(GroupRef),
    AddScopeRule(ScopeRule),
    RemoveScopeRule(ScopeRule),
    ManageDomain(ManagedDomain),
    UnmanageDomain(Domain),
    SetAdmin(UserId, Role),
    RemoveAdmin(UserId),
    Grant(Alias),
    Revoke(Identity),
    AddFollower(ForwarderName, Start),
    RemoveFollower(ForwarderName),
    DiscloseToFollower(ForwarderName),
    WithholdFromFollower(ForwarderName),
    SetOptions(OptionsPatch),
}

deserialize_without_quoting!(PolicyChange, ChangeDocument);

/// The reason why a change or an update was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyError {
    /// A group was not imported. Only imported or built-in groups can be private or in scope.
    #[error("group `{0}` was not imported; import it first, or name a built-in group")]
    UnknownGroup(GroupId),
    /// The change has no effect: the policy already is as the change would make it.
    #[error("the change has no effect on the policy")]
    Unchanged,
    /// The name of a grant is not an address.
    #[error("the name of the grant is not an address; use a UPN or an e-mail address")]
    NotAnAddress,
    /// No directory was loaded, or it is older than the policy allows.
    #[error("no recent directory is loaded; import a directory and try again")]
    NoDirectory,
    /// No user has the name, or only a deleted user.
    #[error("no user of the directory has the name")]
    UnknownPerson,
    /// Several users have the name.
    #[error("several users have the name")]
    AmbiguousPerson,
    /// Only an admin can be granted the permission to view private activities.
    #[error("the user is not an admin, so they cannot be permitted to view private activities; make them one first")]
    NotAnAdmin,
    /// Administrators may not make grants to themselves, under any of their names.
    #[error("the policy does not allow administrators to make grants to themselves")]
    SelfGrant,
    /// The policy names no follower of this name.
    #[error("the policy names no follower `{0}`; add it first")]
    UnknownFollower(ForwarderName),
    /// The initiator may not view private activities, so they may not disclose values that depend on them.
    #[error("only an admin who may view private activities can disclose values that depend on them to a follower")]
    MayNotDisclose,
    /// No user would remain who may change the policy.
    #[error("the change would leave no privacy administrator")]
    LastAdministrator,
    /// The update was made for another revision than the one in force.
    #[error(
        "the update was made for revision {made_for} and revision {in_force} is in force; read the policy and try again"
    )]
    MovedOn {
        /// The revision for which the update was made.
        made_for: Revision,
        /// The revision in force.
        in_force: Revision,
    },
    /// One of several changes was rejected, so none was made.
    #[error("no change was made, because the change at index {index} was rejected: {reason}")]
    InUpdate {
        /// The index of the change, counted from 0.
        index: usize,
        /// Why it was rejected.
        reason: Box<PolicyError>,
    },
    /// The revision in force is the largest number. Only a policy document from outside can have it.
    #[error("the revision in force is the largest possible; no further change can be made")]
    LastRevision,
}

impl PrivacyPolicy {
    /// Begins a draft of the policy that follows this one.
    pub(crate) fn draft(&self) -> Result<PolicyDraft<'_>, PolicyError> {
        // A second policy with the same revision would let a node decide under the previous one.
        let revision = self.revision.next().ok_or(PolicyError::LastRevision)?;
        Ok(PolicyDraft { before: self, next: self.clone(), revision })
    }

    /// Returns the one admin whose grant an identity denotes: by id, by the name for which the grant was made, or by a
    /// name that resolves to them now. The first two need no directory, so that a user who was deleted or renamed there
    /// can still lose their grant.
    pub(crate) fn grantee(
        &self,
        identity: &Identity,
        directory: Option<&DirectorySnapshot>,
    ) -> Result<UserId, PolicyError> {
        let alias = match identity {
            Identity::Id(id) => return Ok(id.clone()),
            Identity::Alias(alias) => alias,
        };
        let granted_as =
            self.grants.iter().filter(|(_, grant)| grant.named().matches(alias)).map(|(user, _)| user.clone());
        let holder = person(alias, directory);
        let granted = holder.iter().filter(|user| self.grants.contains_key(user)).cloned();
        let meant: BTreeSet<UserId> = granted_as.chain(granted).collect();
        let mut meant = meant.into_iter();
        match (meant.next(), meant.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(PolicyError::AmbiguousPerson),
            (None, _) => holder,
        }
    }

    /// Returns the policy under another revision.
    pub(crate) fn renumbered(&self, revision: Revision) -> Self {
        Self { revision, ..self.clone() }
    }

    fn has_administrator(&self) -> bool {
        self.admins.values().any(|role| role.manages_privacy())
    }
}

/// A draft of the policy with the revision after the one in force. It does not check whether its author may change the
/// policy, so only [`NewPolicy`](crate::governance::NewPolicy) creates drafts. A policy that was never
/// published must not pass for the policy with the same revision.
pub(crate) struct PolicyDraft<'a> {
    before: &'a PrivacyPolicy,
    next: PrivacyPolicy,
    revision: Revision,
}

impl PolicyDraft<'_> {
    /// Returns the policy with the changes so far, under the previous revision.
    pub(crate) fn policy(&self) -> &PrivacyPolicy {
        &self.next
    }

    /// Returns whether the draft has an administrator who may change the policy.
    pub(crate) fn has_administrator(&self) -> bool {
        self.next.has_administrator()
    }

    /// Makes one more change. A change without effect is no error here.
    ///
    /// # Errors
    /// Returns [`PolicyError`] if the change is rejected. The draft must not be used afterwards.
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
                check_imported(group, directory)?;
                next.private_groups.insert(group.clone());
            }
            PolicyChange::MakePublic(group) => {
                next.private_groups.remove(group);
            }
            PolicyChange::AddScopeRule(rule) => {
                check_imported(rule.group(), directory)?;
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
                let admin = active_person(alias, directory)?;
                if !next.admins.contains_key(&admin) {
                    return Err(PolicyError::NotAnAdmin);
                }
                // By the options in force as well: an update cannot first allow a self-grant, make it, and then
                // disallow it.
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
            PolicyChange::AddFollower(name, start) => {
                let revision = self.revision;
                next.followers.entry(name.clone()).or_insert_with(|| Follower::new(revision, *start, at));
            }
            PolicyChange::RemoveFollower(name) => drop(next.followers.remove(name)),
            PolicyChange::DiscloseToFollower(name) => {
                let mut follower = next.follower_mut(name)?.clone();
                follower.disclose(by, self.before, next)?;
                next.followers.insert(name.clone(), follower);
            }
            PolicyChange::WithholdFromFollower(name) => next.follower_mut(name)?.withhold(),
            PolicyChange::SetOptions(patch) => next.options = patch.applied_to(&next.options),
        }
        Ok(())
    }

    /// Returns the policy that the changes make.
    ///
    /// # Errors
    /// Returns [`PolicyError::Unchanged`] if it equals the policy before, and [`PolicyError::LastAdministrator`] if it
    /// has no privacy administrator.
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

/// Checks that a group is built in or in the directory.
fn check_imported(group: &GroupRef, directory: Option<&DirectorySnapshot>) -> Result<(), PolicyError> {
    match (group, directory) {
        (GroupRef::Applications | GroupRef::ExternalUsers, _) => Ok(()),
        (GroupRef::Imported(_), None) => Err(PolicyError::NoDirectory),
        (GroupRef::Imported(id), Some(directory)) => match directory.group_name(id) {
            Some(_) => Ok(()),
            None => Err(PolicyError::UnknownGroup(id.clone())),
        },
    }
}

/// Returns the one user, not deleted, to whom a name resolves. The directory keeps the names of deleted users to
/// protect their activities, not to make grants to them.
fn active_person(alias: &Alias, directory: Option<&DirectorySnapshot>) -> Result<UserId, PolicyError> {
    let user = person(alias, directory)?;
    match directory.map(|directory| directory.resolve(&Identity::Id(user.clone()))) {
        Some(Resolution::Known(known)) if known.status() != UserStatus::Deleted => Ok(user),
        _ => Err(PolicyError::UnknownPerson),
    }
}

/// Returns the one user to whom a name resolves, also if the user was deleted.
pub(crate) fn person(alias: &Alias, directory: Option<&DirectorySnapshot>) -> Result<UserId, PolicyError> {
    let directory = directory.ok_or(PolicyError::NoDirectory)?;
    match directory.resolve(&Identity::Alias(alias.clone())) {
        Resolution::Known(user) => Ok(user.id().clone()),
        Resolution::Unknown => Err(PolicyError::UnknownPerson),
        Resolution::Ambiguous => Err(PolicyError::AmbiguousPerson),
    }
}
