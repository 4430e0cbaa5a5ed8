//! Finding out which groups of a policy the people on an activity are in.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::stamp::{Cause, Reason, Standing};
use crate::activity::{Activity, App};
use crate::actor::{Actor, ActorKind};
use crate::directory::{DirectorySnapshot, GroupIndex, LastKnown, User, UserIndex, VanishedGroup};
use crate::identity::{Alias, AliasKey, GroupId, Identity, UserId};
use crate::policy::{GroupRef, PrivacyPolicy};

/// The groups that a policy speaks of, laid over one directory.
pub(super) struct Watch {
    groups: Vec<Watched>,
    /// For a group of the directory, which watched groups its members are in.
    reach: HashMap<GroupIndex, Vec<usize>>,
    /// The last members of watched groups that are gone from the directory.
    retained: HashMap<UserId, Vec<usize>>,
    /// Whoever among them no record of the directory names, by the names that they had.
    last_names: HashMap<AliasKey, BTreeSet<UserId>>,
}

struct Watched {
    group: GroupRef,
    private: bool,
    members: Members,
}

/// How it is known who is in a watched group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    /// The directory or the policy tells, as for built-in groups.
    Told,
    /// The group is gone; its last members are remembered.
    Remembered,
    /// The group is gone, and nobody knows who was in it.
    Unknown,
}

/// Which watched groups were found on an activity, where, and what could not be found out.
#[derive(Default)]
pub(super) struct Findings {
    memberships: BTreeMap<usize, Standing>,
    pub(super) causes: BTreeSet<Cause>,
}

impl Findings {
    fn add(&mut self, watched: usize, standing: Standing) {
        self.memberships.entry(watched).or_insert(standing);
    }
}

impl Watch {
    pub(super) fn new(
        policy: &PrivacyPolicy,
        directory: Option<&DirectorySnapshot>,
        vanished: &[VanishedGroup],
    ) -> Self {
        let scope = policy.scope().iter().map(|rule| rule.group());
        let spoken_of: BTreeSet<&GroupRef> = policy.private_groups().iter().chain(scope).collect();
        let mut watch = Self {
            groups: Vec::with_capacity(spoken_of.len()),
            reach: HashMap::new(),
            retained: HashMap::new(),
            last_names: HashMap::new(),
        };
        for (at, group) in spoken_of.into_iter().enumerate() {
            let members = match (group, directory) {
                (GroupRef::Imported(id), Some(directory)) => watch.lay(at, id, directory, vanished),
                // Without a directory nothing can be decided anyway, and the directory is the cause.
                (GroupRef::Imported(_), None) | (GroupRef::Applications | GroupRef::ExternalUsers, _) => Members::Told,
            };
            let private = policy.private_groups().contains(group);
            watch.groups.push(Watched { group: group.clone(), private, members });
        }
        watch
    }

    /// Notes who is in an imported group; tells how that is known.
    fn lay(&mut self, at: usize, id: &GroupId, directory: &DirectorySnapshot, vanished: &[VanishedGroup]) -> Members {
        if let Some(index) = directory.group_index(id) {
            for below in directory.groups_below(index) {
                self.reach.entry(below).or_default().push(at);
            }
            return Members::Told;
        }
        let LastKnown { remembered, kept } = directory.last_known(id, vanished);
        if remembered.is_none() && kept.is_none() {
            return Members::Unknown;
        }
        for user in remembered.into_iter().chain(kept).flat_map(VanishedGroup::members) {
            self.retained.entry(user.id().clone()).or_default().push(at);
            // Whoever has a record goes by the names on it.
            if !directory.is_named_on_record(user.id()) {
                for alias in user.aliases() {
                    self.last_names.entry(alias.key().clone()).or_default().insert(user.id().clone());
                }
            }
        }
        Members::Remembered
    }

    /// Whether any group is gone from the directory.
    pub(super) fn relies_on_last_members(&self) -> bool {
        self.groups.iter().any(|watched| watched.members != Members::Told)
    }

    /// The imported groups of the policy of which nobody knows the members.
    pub(super) fn missing(&self) -> impl Iterator<Item = &GroupId> {
        self.groups.iter().filter(|watched| watched.members == Members::Unknown).filter_map(|watched| {
            match &watched.group {
                GroupRef::Imported(id) => Some(id),
                GroupRef::Applications | GroupRef::ExternalUsers => None,
            }
        })
    }

    /// Whether a group of the policy was found on the activity.
    pub(super) fn found(&self, group: &GroupRef, findings: &Findings) -> bool {
        self.position(group).is_some_and(|at| findings.memberships.contains_key(&at))
    }

    /// A reason for every private group that was found.
    pub(super) fn private_reasons(&self, findings: &Findings) -> impl Iterator<Item = Reason> {
        findings.memberships.iter().filter_map(|(at, standing)| {
            let watched = self.groups.get(*at).filter(|watched| watched.private)?;
            Some(Reason::Member { group: watched.group.clone(), standing: *standing })
        })
    }

    /// What is known of those who acted and those for whom they acted.
    pub(super) fn findings(
        &self,
        policy: &PrivacyPolicy,
        directory: Option<&DirectorySnapshot>,
        activity: &Activity,
    ) -> Findings {
        let mut findings = Findings::default();
        let seeker = Seeker { watch: self, policy, directory, app: activity.app() };
        seeker.add_principal(activity.actor(), Standing::Actor, &mut findings);
        for principal in activity.on_behalf_of() {
            seeker.add_principal(principal, Standing::OnBehalfOf, &mut findings);
        }
        findings
    }

    /// Adds what is known of those to whom it was done.
    pub(super) fn add_objects(
        &self,
        policy: &PrivacyPolicy,
        directory: Option<&DirectorySnapshot>,
        activity: &Activity,
        findings: &mut Findings,
    ) {
        let seeker = Seeker { watch: self, policy, directory, app: activity.app() };
        for object in activity.objects() {
            seeker.add_object(object, findings);
        }
    }

    fn position(&self, group: &GroupRef) -> Option<usize> {
        self.groups.binary_search_by(|watched| watched.group.cmp(group)).ok()
    }
}

/// Where an identity says that somebody is at home.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    Managed,
    External,
    Unsaid,
}

struct Seeker<'a> {
    watch: &'a Watch,
    policy: &'a PrivacyPolicy,
    directory: Option<&'a DirectorySnapshot>,
    app: &'a App,
}

impl Seeker<'_> {
    fn add_principal(&self, principal: &Actor, standing: Standing, findings: &mut Findings) {
        let mut said_home = false;
        for identity in principal.identities() {
            match self.add_identity(identity, standing, findings) {
                Home::External => self.add_builtin(&GroupRef::ExternalUsers, standing, findings),
                Home::Managed => said_home = true,
                Home::Unsaid => {}
            }
        }
        match principal.kind() {
            ActorKind::Application => self.add_builtin(&GroupRef::Applications, standing, findings),
            ActorKind::System => {}
            ActorKind::User if principal.identities().is_empty() => {
                findings.causes.insert(Cause::NoUsableActor);
            }
            // A user of whom nobody knows a home is in none of the managed domains.
            ActorKind::User if !said_home => self.add_builtin(&GroupRef::ExternalUsers, standing, findings),
            ActorKind::User => {}
            ActorKind::Unknown => {
                findings.causes.insert(Cause::NoUsableActor);
            }
        }
    }

    /// An object can be a person by their id or by any of their names.
    fn add_object(&self, object: &str, findings: &mut Findings) {
        let (id, alias) = (UserId::new(object).map(Identity::Id), Alias::new(object).map(Identity::Alias));
        for identity in [id, alias].into_iter().flatten() {
            let home = self.add_identity(&identity, Standing::Object, findings);
            // Of things that the directory does not know, only what reads as a mail address is a person from outside.
            let person = self.holder(&identity, findings).is_some() || reads_as_mail_address(&identity);
            if home == Home::External && person {
                self.add_builtin(&GroupRef::ExternalUsers, Standing::Object, findings);
            }
        }
    }

    /// Adds the groups of whoever an identity can mean, and says where its holder is at home.
    fn add_identity(&self, identity: &Identity, standing: Standing, findings: &mut Findings) -> Home {
        if let Some(other) = self.other_meaning(identity) {
            // It can only hide: whether it means the same person is not known well enough to call somebody one of our own.
            if self.add_holder(&other, standing, findings) == Home::External {
                self.add_builtin(&GroupRef::ExternalUsers, standing, findings);
            }
        }
        self.add_holder(identity, standing, findings)
    }

    /// A name that is bound to no app can be that of an account in any, and the other way round.
    fn other_meaning(&self, identity: &Identity) -> Option<Identity> {
        let Identity::Alias(alias) = identity else { return None };
        let other = match alias.app() {
            Some(_) => Alias::new(alias.as_str()),
            None if alias.is_address() => return None,
            None => Alias::account(self.app.name().as_str(), alias.as_str()),
        };
        other.ok().map(Identity::Alias)
    }

    /// Adds the groups of whoever holds the identity, and says where they are at home.
    fn add_holder(&self, identity: &Identity, standing: Standing, findings: &mut Findings) -> Home {
        let Some((directory, index)) = self.holder(identity, findings) else {
            self.add_stranger(identity, standing, findings);
            return self.home_of_stranger(identity);
        };
        for group in directory.groups_of_user(index) {
            for at in self.watch.reach.get(group).into_iter().flatten() {
                findings.add(*at, standing);
            }
        }
        let Some(user) = directory.user(index) else { return Home::Unsaid };
        self.add_retained(user.id(), standing, findings);
        // The name may have been shared with somebody whose record is gone.
        if !directory.is_named_on_record(user.id()) {
            self.add_stranger(identity, standing, findings);
        }
        self.home_of_user(user, identity)
    }

    /// Whoever holds the identity in the directory.
    fn holder(&self, identity: &Identity, findings: &mut Findings) -> Option<(&DirectorySnapshot, UserIndex)> {
        let directory = self.directory?;
        match directory.user_index(identity) {
            Ok(holder) => holder.map(|index| (directory, index)),
            Err(_ambiguous) => {
                findings.causes.insert(Cause::AmbiguousAlias);
                None
            }
        }
    }

    /// The directory does not know them, but a group that is gone from it may have.
    fn add_stranger(&self, identity: &Identity, standing: Standing, findings: &mut Findings) {
        match identity {
            Identity::Id(id) => self.add_retained(id, standing, findings),
            Identity::Alias(alias) => {
                for id in self.watch.last_names.get(alias.key()).into_iter().flatten() {
                    self.add_holder(&Identity::Id(id.clone()), standing, findings);
                }
            }
        }
    }

    fn add_retained(&self, user: &UserId, standing: Standing, findings: &mut Findings) {
        for at in self.watch.retained.get(user).into_iter().flatten() {
            findings.add(*at, standing);
        }
    }

    fn add_builtin(&self, group: &GroupRef, standing: Standing, findings: &mut Findings) {
        if let Some(at) = self.watch.position(group) {
            findings.add(at, standing);
        }
    }

    /// What the directory states comes first; a guest's name says External wherever it stands; else the UPN tells.
    fn home_of_user(&self, user: &User, seen_as: &Identity) -> Home {
        if let Some(stated) = user.stated_home_domain() {
            return home(self.policy.manages(stated));
        }
        if user.is_guest() || matches!(seen_as, Identity::Alias(alias) if alias.is_guest()) {
            return Home::External;
        }
        match user.aliases().iter().find(|alias| alias.is_address()) {
            Some(upn) => self.home_of_address(upn),
            None => self.home_of_stranger(seen_as),
        }
    }

    fn home_of_stranger(&self, identity: &Identity) -> Home {
        match identity {
            Identity::Alias(alias) if alias.is_guest() => Home::External,
            Identity::Alias(alias) if alias.is_address() => self.home_of_address(alias),
            Identity::Alias(_) | Identity::Id(_) => Home::Unsaid,
        }
    }

    fn home_of_address(&self, address: &Alias) -> Home {
        home(address.domain().is_some_and(|domain| self.policy.manages(domain)))
    }
}

fn reads_as_mail_address(identity: &Identity) -> bool {
    let thing = |c: char| c.is_whitespace() || matches!(c, '/' | '\\' | ':');
    matches!(identity, Identity::Alias(alias) if alias.is_address() && !alias.as_str().contains(thing))
}

fn home(managed: bool) -> Home {
    if managed { Home::Managed } else { Home::External }
}
