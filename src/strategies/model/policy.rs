//! Permissions and changes of the policy: P1 to P3, D12.

use chrono::{DateTime, Utc};

use super::directory::Directory;
use super::follower::Follower;
use super::{Model, Node};
use crate::forward::ForwarderName;
use crate::governance::{ChangeSummary, Event, Initiator, Outcome, PolicyUpdateError};
use crate::identity::{Alias, GroupId, Identity, UserId};
use crate::policy::{
    Administrators, Denial, Grant, GroupRef, ManagedDomain, PolicyChange, PolicyError, PolicyOptions, PolicyUpdate,
    Revision, Role, ScopeRule,
};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Policy {
    pub(super) revision: Revision,
    pub(super) scope: Vec<ScopeRule>,
    pub(super) private: Vec<GroupRef>,
    pub(super) domains: Vec<ManagedDomain>,
    pub(super) admins: Vec<(UserId, Role)>,
    pub(super) grants: Vec<(UserId, Grant)>,
    pub(super) followers: Vec<Follower>,
    pub(super) options: PolicyOptions,
}

impl Policy {
    pub(super) fn initial(administrators: &Administrators) -> Self {
        Self {
            revision: Revision::FIRST,
            scope: Vec::new(),
            private: Vec::new(),
            domains: Vec::new(),
            admins: administrators.users().map(|user| (user.clone(), Role::PrivacyAdministrator)).collect(),
            grants: Vec::new(),
            followers: Vec::new(),
            options: PolicyOptions::default(),
        }
    }

    pub(super) fn imported_groups(&self) -> Vec<GroupId> {
        let mut groups: Vec<GroupId> = Vec::new();
        for group in self.private.iter().chain(self.scope.iter().map(ScopeRule::group)) {
            if let GroupRef::Imported(id) = group {
                groups.push(id.clone());
            }
        }
        groups.sort();
        groups.dedup();
        groups
    }

    fn role(&self, user: &UserId) -> Option<Role> {
        self.admins.iter().find(|(admin, _)| admin == user).map(|(_, role)| *role)
    }

    pub(super) fn granted_in(&self, user: &UserId) -> Option<Revision> {
        self.grants.iter().find(|(granted, _)| granted == user).map(|(_, grant)| grant.granted_in())
    }

    fn is_granted(&self, user: &UserId) -> bool {
        self.grants.iter().any(|(granted, _)| granted == user)
    }

    pub(super) fn may_change(&self, user: &UserId) -> Result<(), Denial> {
        match self.role(user) {
            Some(Role::PrivacyAdministrator) => Ok(()),
            Some(Role::Analyst) => Err(Denial::MayNotManage),
            None => Err(Denial::NotAdmin),
        }
    }

    pub(super) fn may_view_private(&self, user: &UserId) -> Result<(), Denial> {
        match self.role(user) {
            Some(_) if self.is_granted(user) => Ok(()),
            Some(_) => Err(Denial::NotPermitted),
            None => Err(Denial::NotAdmin),
        }
    }

    pub(super) fn may_read_governance(&self, user: &UserId) -> Result<(), Denial> {
        match self.role(user) {
            Some(Role::PrivacyAdministrator) => Ok(()),
            Some(Role::Analyst) if self.is_granted(user) => Ok(()),
            Some(Role::Analyst) => Err(Denial::MayNotReadGovernance),
            None => Err(Denial::NotAdmin),
        }
    }

    /// Returns the admin whose grant an identity denotes: by id, by the name for which it was made, or by a name that
    /// resolves to them now.
    fn grantee(&self, identity: &Identity, directory: Option<&Directory>) -> Result<UserId, PolicyError> {
        let name = match identity {
            Identity::Id(id) => return Ok(id.clone()),
            Identity::Alias(name) => name,
        };
        let holder = person(name, directory);
        let meant = |(user, grant): &&(UserId, Grant)| grant.named().matches(name) || holder.as_ref() == Ok(user);
        let meant: Vec<&UserId> = self.grants.iter().filter(meant).map(|(user, _)| user).collect();
        match meant.as_slice() {
            [] => holder,
            [one] => Ok((*one).clone()),
            _ => Err(PolicyError::AmbiguousPerson),
        }
    }
}

/// Returns the one user to whom a name resolves.
fn person(name: &Alias, directory: Option<&Directory>) -> Result<UserId, PolicyError> {
    let holders = directory.ok_or(PolicyError::NoDirectory)?.holders(name);
    match holders.as_slice() {
        [] => Err(PolicyError::UnknownPerson),
        [one] => Ok(one.id.clone()),
        _ => Err(PolicyError::AmbiguousPerson),
    }
}

impl Model {
    pub(super) fn change(
        &mut self,
        at: Node,
        by: &UserId,
        update: &PolicyUpdate,
    ) -> Result<Revision, PolicyUpdateError> {
        let directory = self.directory(at).cloned();
        let allowed = self.policy.may_change(by);
        let (summaries, changed) = self.changed(by, update, directory.as_ref(), allowed.is_ok());
        let event = Event::ChangePolicy(summaries);
        let (initiator, revision) = (Initiator::User(by.clone()), Some(self.policy.revision));
        let next = match allowed {
            Err(denial) => Err(PolicyUpdateError::Denied(denial)),
            Ok(()) => changed.map_err(PolicyUpdateError::Invalid),
        };
        match next {
            Ok(next) => {
                let intent = self.record(initiator.clone(), revision, event.clone(), Outcome::Intended);
                self.policy = next;
                self.record(initiator, revision, event, Outcome::Done { intent });
                self.reconcile(at);
                Ok(self.policy.revision)
            }
            Err(rejection) => {
                let outcome = match &rejection {
                    PolicyUpdateError::Denied(denial) => Outcome::Denied(*denial),
                    PolicyUpdateError::Invalid(error) => Outcome::Invalid(error.clone()),
                };
                self.record(initiator, revision, event, outcome);
                Err(rejection)
            }
        }
    }

    /// Returns the summary of each change and the policy that they make. Changes apply in order; if one is rejected, or
    /// none is allowed, none applies.
    fn changed(
        &self,
        by: &UserId,
        update: &PolicyUpdate,
        directory: Option<&Directory>,
        allowed: bool,
    ) -> (Vec<ChangeSummary>, Result<Policy, PolicyError>) {
        let in_force = self.policy.revision;
        let mut next = Policy { revision: Revision::from_number(in_force.number() + 1), ..self.policy.clone() };
        let mut rejection = None;
        if let Some(made_for) = update.expected()
            && made_for != in_force
        {
            rejection = Some(PolicyError::MovedOn { made_for, in_force });
        }
        let mut summaries = Vec::new();
        let mut last_lost = None;
        let in_update = |index, reason| {
            if update.changes().len() == 1 { reason } else { PolicyError::InUpdate { index, reason: Box::new(reason) } }
        };
        for (index, change) in update.changes().iter().enumerate() {
            let before = if allowed && rejection.is_none() { next.clone() } else { self.policy.clone() };
            let recent = directory.filter(|directory| !self.is_too_old_for(&before.options, directory));
            summaries.push(before.summary(change, recent));
            if allowed && rejection.is_none() {
                // An update cannot first allow self-grants and then make one: the options in force count too.
                let is_self_grant =
                    matches!(change, PolicyChange::Grant(name) if person(name, recent).is_ok_and(|user| user == *by));
                let is_disclosure = matches!(change, PolicyChange::DiscloseToFollower(_));
                let changed = match before.clone().changed_by(by, change, recent, self.now) {
                    Ok(_) if is_disclosure && !self.policy.is_granted(by) => Err(PolicyError::MayNotDisclose),
                    Ok(_) if is_self_grant && !self.policy.options.self_grant_allowed => Err(PolicyError::SelfGrant),
                    changed => changed,
                };
                match changed {
                    Ok(after) => {
                        if before.has_administrator() && !after.has_administrator() {
                            last_lost = Some(index);
                        }
                        next = after;
                    }
                    Err(reason) => rejection = Some(in_update(index, reason)),
                }
            }
        }
        if let Some(rejection) = rejection {
            return (summaries, Err(rejection));
        }
        if (Policy { revision: in_force, ..next.clone() }).sorted() == self.policy.clone().sorted() {
            return (summaries, Err(PolicyError::Unchanged));
        }
        match last_lost {
            Some(index) if !next.has_administrator() => {
                (summaries, Err(in_update(index, PolicyError::LastAdministrator)))
            }
            _ => (summaries, Ok(next)),
        }
    }
}

impl Policy {
    fn has_administrator(&self) -> bool {
        self.admins.iter().any(|(_, role)| *role == Role::PrivacyAdministrator)
    }

    fn changed_by(
        mut self,
        by: &UserId,
        change: &PolicyChange,
        directory: Option<&Directory>,
        now: DateTime<Utc>,
    ) -> Result<Self, PolicyError> {
        match change {
            PolicyChange::MakePrivate(group) => {
                check_group(group, directory)?;
                self.private.retain(|other| other != group);
                self.private.push(group.clone());
            }
            PolicyChange::MakePublic(group) => self.private.retain(|other| other != group),
            PolicyChange::AddScopeRule(rule) => {
                check_group(rule.group(), directory)?;
                if !self.scope.contains(rule) {
                    self.scope.push(rule.clone());
                }
            }
            PolicyChange::RemoveScopeRule(rule) => self.scope.retain(|other| other != rule),
            PolicyChange::ManageDomain(managed) => {
                self.domains.retain(|other| other.domain() != managed.domain());
                self.domains.push(managed.clone());
            }
            PolicyChange::UnmanageDomain(domain) => self.domains.retain(|other| other.domain() != domain),
            PolicyChange::SetAdmin(user, role) => {
                self.admins.retain(|(admin, _)| admin != user);
                self.admins.push((user.clone(), *role));
            }
            PolicyChange::RemoveAdmin(user) => {
                self.admins.retain(|(admin, _)| admin != user);
                self.grants.retain(|(granted, _)| granted != user);
            }
            PolicyChange::Grant(name) => {
                if name.domain().is_none() {
                    return Err(PolicyError::NotAnAddress);
                }
                let user = person(name, directory)?;
                if directory.is_some_and(|directory| directory.current_people().any(|it| it.id == user && it.deleted)) {
                    return Err(PolicyError::UnknownPerson);
                }
                if self.role(&user).is_none() {
                    return Err(PolicyError::NotAnAdmin);
                }
                if user == *by && !self.options.self_grant_allowed {
                    return Err(PolicyError::SelfGrant);
                }
                if !self.is_granted(&user) {
                    self.grants.push((user, Grant::new(name.clone(), by.clone(), now, self.revision)));
                }
            }
            PolicyChange::Revoke(identity) => {
                let user = self.grantee(identity, directory)?;
                self.grants.retain(|(granted, _)| *granted != user);
            }
            PolicyChange::AddFollower(name, start) => {
                if self.followers.iter().all(|follower| follower.name != *name) {
                    self.followers.push(Follower::new(name.clone(), *start, self.revision, now));
                }
            }
            PolicyChange::RemoveFollower(name) => self.followers.retain(|follower| follower.name != *name),
            PolicyChange::DiscloseToFollower(name) => {
                let mut follower = self.take_follower(name)?;
                let granted_in = self.granted_in(by).ok_or(PolicyError::MayNotDisclose)?;
                let counts = |(user, revision): &(UserId, Revision)| self.granted_in(user) == Some(*revision);
                if !follower.disclosed.as_ref().is_some_and(counts) {
                    follower.disclosed = Some((by.clone(), granted_in));
                }
                self.followers.push(follower);
            }
            PolicyChange::WithholdFromFollower(name) => {
                let follower = self.take_follower(name)?;
                self.followers.push(Follower { disclosed: None, ..follower });
            }
            PolicyChange::SetOptions(patch) => self.options = patch.applied_to(&self.options),
        }
        Ok(self)
    }

    fn take_follower(&mut self, name: &ForwarderName) -> Result<Follower, PolicyError> {
        match self.followers.iter().position(|follower| follower.name == *name) {
            Some(at) => Ok(self.followers.remove(at)),
            None => Err(PolicyError::UnknownFollower(name.clone())),
        }
    }

    fn summary(&self, change: &PolicyChange, directory: Option<&Directory>) -> ChangeSummary {
        match change.clone() {
            PolicyChange::MakePrivate(group) => ChangeSummary::MakePrivate(group),
            PolicyChange::MakePublic(group) => ChangeSummary::MakePublic(group),
            PolicyChange::AddScopeRule(rule) => ChangeSummary::AddScopeRule(rule),
            PolicyChange::RemoveScopeRule(rule) => ChangeSummary::RemoveScopeRule(rule),
            PolicyChange::ManageDomain(managed) => ChangeSummary::ManageDomain {
                domain: managed.domain().clone(),
                with_subdomains: managed.is_with_subdomains(),
            },
            PolicyChange::UnmanageDomain(domain) => ChangeSummary::UnmanageDomain(domain),
            PolicyChange::SetAdmin(user, role) => ChangeSummary::SetAdmin(user, role),
            PolicyChange::RemoveAdmin(user) => ChangeSummary::RemoveAdmin(user),
            PolicyChange::Grant(name) => ChangeSummary::Grant(person(&name, directory).ok()),
            PolicyChange::Revoke(whom) => ChangeSummary::Revoke(self.grantee(&whom, directory).ok()),
            PolicyChange::AddFollower(name, start) => ChangeSummary::AddFollower(name, start),
            PolicyChange::RemoveFollower(name) => ChangeSummary::RemoveFollower(name),
            PolicyChange::DiscloseToFollower(name) => ChangeSummary::DiscloseToFollower(name),
            PolicyChange::WithholdFromFollower(name) => ChangeSummary::WithholdFromFollower(name),
            PolicyChange::SetOptions(patch) => ChangeSummary::SetOptions(patch),
        }
    }

    /// Sorts every list, to compare two policies.
    fn sorted(mut self) -> Self {
        self.private.sort();
        self.domains.sort();
        self.admins.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.grants.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.followers.sort_by(|a, b| a.name.cmp(&b.name));
        self
    }
}

/// D12.
fn check_group(group: &GroupRef, directory: Option<&Directory>) -> Result<(), PolicyError> {
    match group {
        GroupRef::Applications | GroupRef::ExternalUsers => Ok(()),
        GroupRef::Imported(id) => match directory {
            None => Err(PolicyError::NoDirectory),
            Some(directory) if directory.groups.contains(id) => Ok(()),
            Some(_) => Err(PolicyError::UnknownGroup(id.clone())),
        },
    }
}
