//! VerifyError out which groups of a policy the people on an activity are in: whole, and from the full directory.
//!
//! What is said here is what holds. [`super::lookout`] gives the same answer faster where it can, and else asks here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::reason::{PrincipalRole, Reason, UndecidableReason};
use super::watch::Watch;
use crate::activity::{Activity, Actor, ActorKind, App};
use crate::directory::{self, DirectorySnapshot, Holder, UserIndex};
use crate::identity::{Alias, COMPOSED, DRIVE_OF, Identity, UserId, folded, namespace as namespace_of};
use crate::policy::{GroupRef, PrivacyPolicy};

/// Which watched groups were found on an activity, where, and what could not be found out.
#[derive(Default)]
pub(super) struct Findings {
    memberships: BTreeMap<usize, PrincipalRole>,
    pub(super) causes: BTreeSet<UndecidableReason>,
}

impl Findings {
    fn add(&mut self, watched: usize, role: PrincipalRole) {
        self.memberships.entry(watched).or_insert(role);
    }

    /// Whether a watched group was found.
    pub(super) fn hold(&self, watched: usize) -> bool {
        self.memberships.contains_key(&watched)
    }

    /// A reason for every private group that was found.
    pub(super) fn private_reasons<'a>(&'a self, watch: &'a Watch) -> impl Iterator<Item = Reason> + 'a {
        self.memberships.iter().filter_map(|(at, role)| watch.private_reason(*at, *role))
    }
}

/// Where an identity says that somebody is at home.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    Managed,
    External,
    Unsaid,
}

/// Looks for the people on one activity.
pub(super) struct Seeker<'a> {
    pub(super) watch: &'a Watch,
    pub(super) policy: &'a PrivacyPolicy,
    pub(super) directory: Option<&'a DirectorySnapshot>,
    pub(super) activity: &'a Activity,
}

impl Seeker<'_> {
    /// What is known of those who acted and those for whom they acted.
    pub(super) fn findings(&self) -> Findings {
        let mut findings = Findings::default();
        self.add_principal(self.activity.actor(), PrincipalRole::Actor, &mut findings);
        for principal in self.activity.on_behalf_of() {
            self.add_principal(principal, PrincipalRole::OnBehalfOf, &mut findings);
        }
        findings
    }

    /// Adds whoever the activity was done to.
    pub(super) fn add_objects(&self, findings: &mut Findings) {
        for object in self.activity.objects() {
            self.add_object(object, findings);
        }
    }

    fn add_principal(&self, principal: &Actor, role: PrincipalRole, findings: &mut Findings) {
        let mut said_home = false;
        for identity in principal.identities() {
            match self.add_identity(identity, role, findings) {
                Home::External => self.add_builtin(&GroupRef::ExternalUsers, role, findings),
                Home::Managed => said_home = true,
                Home::Unsaid => {}
            }
        }
        match principal.kind() {
            ActorKind::Application => self.add_builtin(&GroupRef::Applications, role, findings),
            ActorKind::System => {}
            ActorKind::User if self.is_usable(principal) => {
                // A user of whom nobody knows a home is in none of the managed domains.
                if !said_home {
                    self.add_builtin(&GroupRef::ExternalUsers, role, findings);
                }
            }
            ActorKind::User | ActorKind::Unknown => {
                findings.causes.insert(UndecidableReason::NoUsableActor);
            }
        }
    }

    /// Whether it is known who a user is, or at least that the directory does not have them. An identity in a form of which
    /// the directory has no entry leaves open whom it means.
    fn is_usable(&self, principal: &Actor) -> bool {
        principal.identities().iter().any(|identity| {
            // Without a directory nothing can be decided anyway, and the directory is the cause.
            let is_known = |directory| would_be_known(directory, identity, self.app());
            self.directory.is_none_or(is_known) || self.resolves(identity)
        })
    }

    /// Whether an identity leads to anybody, in either of its meanings.
    fn resolves(&self, identity: &Identity) -> bool {
        let meanings = self.other_meaning(identity);
        meanings.iter().chain([identity]).any(|identity| {
            let is_held = self.directory.is_some_and(|directory| directory.holder(identity) != Holder::Nobody);
            is_held
                || match identity {
                    Identity::Id(id) => !self.watch.retained(id).is_empty(),
                    Identity::Alias(alias) => self.watch.last_called(alias, self.directory).next().is_some(),
                }
        })
    }

    /// An object can be a person by their id or by any of their names.
    fn add_object(&self, object: &str, findings: &mut Findings) {
        for identity in Identity::all_of_object(object) {
            let home = self.add_identity(&identity, PrincipalRole::Object, findings);
            // Of things that the directory does not know, only what reads as a mail address is a person from outside.
            let is_guess = object.starts_with(DRIVE_OF);
            let person = self.holder(&identity, findings).is_some() || (reads_as_mail_address(&identity) && !is_guess);
            if home == Home::External && person {
                self.add_builtin(&GroupRef::ExternalUsers, PrincipalRole::Object, findings);
            }
        }
    }

    /// Adds the groups of whoever an identity can mean, and says where its holder is at home.
    fn add_identity(&self, identity: &Identity, role: PrincipalRole, findings: &mut Findings) -> Home {
        if let Some(other) = self.other_meaning(identity) {
            // It can only hide: whether it means the same person is not known well enough to call somebody one of our
            // own.
            if self.add_holder(&other, role, findings) == Home::External {
                self.add_builtin(&GroupRef::ExternalUsers, role, findings);
            }
        }
        self.add_holder(identity, role, findings)
    }

    /// A name that is bound to no app can be that of an account in any, and the other way round.
    fn other_meaning(&self, identity: &Identity) -> Option<Identity> {
        let Identity::Alias(alias) = identity else { return None };
        let other = match alias.app() {
            Some(_) => Alias::new(alias.as_str()),
            None if alias.is_address() => return None,
            None => Alias::account(self.app().name().as_str(), alias.as_str()),
        };
        other.ok().map(Identity::Alias)
    }

    /// Adds the groups of whoever holds the identity, and says where they are at home.
    fn add_holder(&self, identity: &Identity, role: PrincipalRole, findings: &mut Findings) -> Home {
        let Some((directory, index)) = self.holder(identity, findings) else {
            self.add_stranger(identity, role, findings);
            return self.home_of_stranger(identity);
        };
        for group in directory.groups_of_user(index) {
            for at in self.watch.reach().of(group).iter() {
                findings.add(*at, role);
            }
        }
        if !self.watch.remembers_nobody() {
            let id = directory.entry(index).map(|entry| UserId::from_checked(entry.id()));
            id.iter().for_each(|id| self.add_retained(id, role, findings));
            // The name may have been shared with somebody whose record is gone.
            if !directory.is_named_on_record(index) {
                self.add_stranger(identity, role, findings);
            }
        }
        match directory.home(index) {
            directory::Home::At(domain) => home(self.policy.manages(domain)),
            directory::Home::Elsewhere => Home::External,
            directory::Home::Unsaid => self.home_of_stranger(identity),
        }
    }

    /// Whoever holds the identity in the directory.
    fn holder(&self, identity: &Identity, findings: &mut Findings) -> Option<(&DirectorySnapshot, UserIndex)> {
        let directory = self.directory?;
        match directory.holder(identity) {
            Holder::One(user) => Some((directory, user)),
            Holder::Nobody => None,
            Holder::Several => {
                findings.causes.insert(UndecidableReason::AmbiguousAlias);
                None
            }
        }
    }

    /// The directory does not know them, but a group that is gone from it may have.
    fn add_stranger(&self, identity: &Identity, role: PrincipalRole, findings: &mut Findings) {
        match identity {
            Identity::Id(id) => self.add_retained(id, role, findings),
            Identity::Alias(alias) => {
                for id in self.watch.last_called(alias, self.directory) {
                    self.add_holder(&Identity::Id(id.clone()), role, findings);
                }
            }
        }
    }

    fn add_retained(&self, user: &UserId, role: PrincipalRole, findings: &mut Findings) {
        for at in self.watch.retained(user) {
            findings.add(*at, role);
        }
    }

    fn add_builtin(&self, group: &GroupRef, role: PrincipalRole, findings: &mut Findings) {
        if let Some(at) = self.watch.position(group) {
            findings.add(at, role);
        }
    }

    fn app(&self) -> &App {
        self.activity.app()
    }

    fn home_of_stranger(&self, identity: &Identity) -> Home {
        match identity {
            Identity::Alias(alias) if alias.is_guest() => Home::External,
            // What stands behind a passport id is nobody's home.
            Identity::Alias(alias) if alias.is_technical_id() => Home::Unsaid,
            Identity::Alias(alias) if alias.is_address() => self.home_of_address(alias),
            Identity::Alias(_) | Identity::Id(_) => Home::Unsaid,
        }
    }

    fn home_of_address(&self, address: &Alias) -> Home {
        home(address.domain().is_some_and(|domain| self.policy.manages(&domain)))
    }
}

/// Whether the directory would know an identity if it had the user who goes by it, because it has entries of that form.
pub(super) fn would_be_known(directory: &DirectorySnapshot, identity: &Identity, app: &App) -> bool {
    let alias = match identity {
        Identity::Id(id) => return directory.has_ids_like(id),
        Identity::Alias(alias) => alias,
    };
    // A name that is bound to no app can be that of an account in any, and the other way round.
    let in_namespace = |namespace: &str| {
        let is_bound = !namespace.is_empty() && namespace != COMPOSED;
        let other = if is_bound { Cow::Borrowed(namespace_of(alias.as_str())) } else { folded(app.name().as_str()) };
        directory.has_namespace(namespace) || directory.has_namespace(&other)
    };
    !alias.is_damaged() && !alias.is_technical_id() && alias.namespace().is_none_or(in_namespace)
}

fn reads_as_mail_address(identity: &Identity) -> bool {
    let thing = |c: char| c.is_whitespace() || matches!(c, '/' | '\\' | ':');
    matches!(identity, Identity::Alias(alias) if alias.is_address() && !alias.as_str().contains(thing))
}

fn home(managed: bool) -> Home {
    if managed { Home::Managed } else { Home::External }
}
