//! Who may change what, and what becomes of it: P1 to P3, D12.

use super::directory::Directory;
use super::{Model, Node};
use crate::change::ChangeRefusal;
use crate::governance::{Act, ChangeSummary, Initiator, Outcome};
use crate::identity::{Alias, GroupId, Identity, UserId};
use crate::policy::{
    Administrators, Denial, Grant, GroupRef, ManagedDomain, PolicyChange, PolicyError, PolicyOptions, Revision, Role,
    ScopeRule,
};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Policy {
    pub(super) revision: Revision,
    pub(super) scope: Vec<ScopeRule>,
    pub(super) private: Vec<GroupRef>,
    pub(super) domains: Vec<ManagedDomain>,
    pub(super) admins: Vec<(UserId, Role)>,
    pub(super) grants: Vec<(UserId, Grant)>,
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

    /// Whose grant is meant: by id; by the name it was made out to or that leads to them now.
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

/// To whom a name leads.
fn person(name: &Alias, directory: Option<&Directory>) -> Result<UserId, PolicyError> {
    let holders = directory.ok_or(PolicyError::NoDirectory)?.holders(name);
    match holders.as_slice() {
        [] => Err(PolicyError::UnknownPerson),
        [one] => Ok(one.id.clone()),
        _ => Err(PolicyError::AmbiguousPerson),
    }
}

impl Model {
    pub(super) fn change(&mut self, at: Node, by: &UserId, change: &PolicyChange) -> Result<Revision, ChangeRefusal> {
        let recent = |directory: &&Directory| !self.is_too_old(directory);
        let directory = self.directory(at).filter(recent).cloned();
        let act = Act::ChangePolicy(self.summary(change, directory.as_ref()));
        let (initiator, revision) = (Initiator::User(by.clone()), Some(self.policy.revision));
        let next = match self.policy.may_change(by) {
            Err(denial) => Err(ChangeRefusal::Denied(denial)),
            Ok(()) => self.changed(by, change, directory.as_ref()).map_err(ChangeRefusal::Invalid),
        };
        match next {
            Ok(next) => {
                let intent = self.note(initiator.clone(), revision, act.clone(), Outcome::Intended);
                self.policy = next;
                self.note(initiator, revision, act, Outcome::Done { intent });
                self.follow(at);
                Ok(self.policy.revision)
            }
            Err(refusal) => {
                let outcome = match &refusal {
                    ChangeRefusal::Denied(denial) => Outcome::Denied(*denial),
                    ChangeRefusal::Invalid(error) => Outcome::Invalid(error.clone()),
                };
                self.note(initiator, revision, act, outcome);
                Err(refusal)
            }
        }
    }

    fn changed(
        &self,
        by: &UserId,
        change: &PolicyChange,
        directory: Option<&Directory>,
    ) -> Result<Policy, PolicyError> {
        let mut next = self.policy.clone();
        next.revision = Revision::from_number(self.policy.revision.number() + 1);
        match change {
            PolicyChange::MakePrivate(group) => {
                is_there(group, directory)?;
                next.private.retain(|other| other != group);
                next.private.push(group.clone());
            }
            PolicyChange::MakePublic(group) => next.private.retain(|other| other != group),
            PolicyChange::AddScopeRule(rule) => {
                is_there(rule.group(), directory)?;
                if !next.scope.contains(rule) {
                    next.scope.push(rule.clone());
                }
            }
            PolicyChange::RemoveScopeRule(rule) => next.scope.retain(|other| other != rule),
            PolicyChange::ManageDomain(managed) => {
                next.domains.retain(|other| other.domain() != managed.domain());
                next.domains.push(managed.clone());
            }
            PolicyChange::UnmanageDomain(domain) => next.domains.retain(|other| other.domain() != domain),
            PolicyChange::SetAdmin(user, role) => {
                next.admins.retain(|(admin, _)| admin != user);
                next.admins.push((user.clone(), *role));
            }
            PolicyChange::RemoveAdmin(user) => {
                next.admins.retain(|(admin, _)| admin != user);
                next.grants.retain(|(granted, _)| granted != user);
            }
            PolicyChange::Grant(name) => {
                if name.domain().is_none() {
                    return Err(PolicyError::NotAnAddress);
                }
                let user = person(name, directory)?;
                if directory.is_some_and(|directory| directory.there().any(|it| it.id == user && it.deleted)) {
                    return Err(PolicyError::UnknownPerson);
                }
                if self.policy.role(&user).is_none() {
                    return Err(PolicyError::NotAnAdmin);
                }
                if user == *by && !self.policy.options.self_grant_allowed {
                    return Err(PolicyError::SelfGrant);
                }
                if !self.policy.is_granted(&user) {
                    next.grants.push((user, Grant::new(name.clone(), by.clone(), self.now, next.revision)));
                }
            }
            PolicyChange::Revoke(identity) => {
                let user = self.policy.grantee(identity, directory)?;
                next.grants.retain(|(granted, _)| *granted != user);
            }
            PolicyChange::SetOptions(options) => next.options = options.clone(),
        }
        if (Policy { revision: self.policy.revision, ..next.clone() }).sorted() == self.policy.clone().sorted() {
            return Err(PolicyError::Unchanged);
        }
        if !next.admins.iter().any(|(_, role)| *role == Role::PrivacyAdministrator) {
            return Err(PolicyError::LastAdministrator);
        }
        Ok(next)
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
            PolicyChange::Revoke(whom) => ChangeSummary::Revoke(self.policy.grantee(&whom, directory).ok()),
            PolicyChange::SetOptions(options) => ChangeSummary::SetOptions(options),
        }
    }
}

impl Policy {
    /// In one order, to compare two that say the same.
    fn sorted(mut self) -> Self {
        self.private.sort();
        self.domains.sort();
        self.admins.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.grants.sort_by(|(a, _), (b, _)| a.cmp(b));
        self
    }
}

/// D12.
fn is_there(group: &GroupRef, directory: Option<&Directory>) -> Result<(), PolicyError> {
    match group {
        GroupRef::Applications | GroupRef::ExternalUsers => Ok(()),
        GroupRef::Imported(id) => match directory {
            None => Err(PolicyError::NoDirectory),
            Some(directory) if directory.groups.contains(id) => Ok(()),
            Some(_) => Err(PolicyError::UnknownGroup(id.clone())),
        },
    }
}
