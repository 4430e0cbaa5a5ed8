//! The rule that decides which groups of a policy the principals on an activity are in (D6 to D9).
//!
//! [`collect_principal`] is the only statement of the rule. It decides what an identity can mean, whether a principal
//! is usable, and who is external. It runs over a [`Collector`], which knows how to look up the holder of an identity:
//! the [`Evaluator`] reads the directory, and the filter of [`super::fast_path`] reads a table of fingerprints. The
//! table and the dry run go through all users instead of the identities on an activity, and call [`residence`] for each
//! home.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::compiled::CompiledPolicy;
use super::fast_path::FastPath;
use super::group_sets::SetId;
use super::reason::{PrincipalRole, Reasons, UndecidableReason};
use crate::activity::{Activity, Actor, ActorKind, App};
use crate::directory::{DirectorySnapshot, Holder, Home, IdentityKey, UserIndex};
use crate::identity::{ACCOUNT_OF, Alias, DRIVE_OF, Identity, UserId, folded};
use crate::policy::{GroupRef, PrivacyPolicy};

/// Whether the home of a person is a managed domain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Residence {
    Managed,
    External,
    /// Neither the directory nor the name states a home.
    Unknown,
}

/// Returns whether the holder of an identity is external (D7).
///
/// The home on record decides. A holder without one, or without a record, is classified by the name on the activity: a
/// guest name is external, and an address is as external as its domain. `None` stands for no name.
pub(super) fn residence(policy: &PrivacyPolicy, on_record: Home<'_>, name: Option<&Identity>) -> Residence {
    let is_managed = match (on_record, name) {
        (Home::At(domain), _) => policy.manages(domain),
        (Home::Elsewhere, _) => false,
        (Home::Unsaid, Some(Identity::Alias(alias))) if alias.is_guest() => false,
        // The domain of a technical id is not the home of its holder.
        (Home::Unsaid, Some(Identity::Alias(alias))) if alias.is_address() && !alias.is_technical_id() => {
            manages_domain_of(policy, alias)
        }
        (Home::Unsaid, Some(_) | None) => return Residence::Unknown,
    };
    if is_managed { Residence::Managed } else { Residence::External }
}

/// Returns the residence of the users with each home in a directory, by the number of the home.
pub(super) fn residences(policy: &PrivacyPolicy, directory: &DirectorySnapshot) -> Vec<Residence> {
    directory.all_homes().map(|home| residence(policy, home, None)).collect()
}

fn manages_domain_of(policy: &PrivacyPolicy, address: &Alias) -> bool {
    match address.as_str().rsplit_once('@') {
        // Such a domain need not be normalised to be compared.
        Some((_, domain)) if address.is_plain_address() => {
            policy.managed_domains().iter().any(|managed| managed.covers_ascii(domain))
        }
        _ => address.domain().is_some_and(|domain| policy.manages(&domain)),
    }
}

/// Returns whether an identity can mean a second one. An address or an id means the same everywhere.
#[inline(always)]
fn has_other_form(identity: &Identity) -> bool {
    matches!(identity, Identity::Alias(alias) if !alias.is_address())
}

/// Returns the form of the second name that a name can mean: a name that is bound to no app can be an account in the
/// app of the activity, and an account name can be a name that is bound to no app.
fn other_form<'a>(identity: &'a Identity, app: &App) -> Option<Cow<'a, str>> {
    let Identity::Alias(alias) = identity else { return None };
    has_other_form(identity).then(|| match alias.form().split_once(ACCOUNT_OF) {
        Some((_, name)) => Cow::Borrowed(name),
        None => Cow::Owned(format!("{}{ACCOUNT_OF}{}", folded(app.name().as_str()), alias.form())),
    })
}

/// Returns whether the directory has entries of the form of an identity, so that an identity without a holder is that
/// of a person who is not in the directory (D9).
#[inline(always)]
fn has_form_of(directory: &DirectorySnapshot, identity: &Identity) -> bool {
    let alias = match identity {
        Identity::Id(id) => return directory.has_ids_like(id),
        Identity::Alias(alias) => alias,
    };
    if alias.is_conclusive_address() {
        return true;
    }
    // A directory without accounts of an app tells nothing about the holder of one, whatever other names it has.
    !alias.is_damaged()
        && !alias.is_technical_id()
        && alias.namespace().is_none_or(|namespace| directory.has_namespace(namespace))
}

/// Receives what the rule finds out about one principal or object.
pub(super) trait Collector {
    /// Adds the groups of the user who holds a key, and returns the residence of that user. `identity` is the identity
    /// on the activity that the key stands for.
    fn add_holder(&mut self, key: IdentityKey<'_>, identity: &Identity) -> Residence;

    /// Adds a built-in group.
    fn add_builtin(&mut self, group: &GroupRef);

    /// Adds that the principal is not usable.
    fn add_unusable(&mut self);

    /// Returns the directory that the activity is decided against.
    fn directory(&self) -> Option<&DirectorySnapshot>;

    /// Returns whether an identity has a holder, in either of its meanings.
    fn resolves(&self, identity: &Identity) -> bool;
}

/// Collects the groups of a principal: of the holder of each identity, and the built-in groups.
#[inline(always)]
pub(super) fn collect_principal(to: &mut impl Collector, principal: &Actor, app: &App) {
    let (mut has_managed_home, mut is_usable) = (false, false);
    for identity in principal.identities() {
        // Without a directory the activity cannot be decided anyway, and that is the reason to report.
        is_usable = is_usable || to.directory().is_none_or(|directory| has_form_of(directory, identity));
        match collect_identity(to, identity, app) {
            Residence::External => to.add_builtin(&GroupRef::ExternalUsers),
            Residence::Managed => has_managed_home = true,
            Residence::Unknown => {}
        }
    }
    match principal.kind() {
        ActorKind::Application => to.add_builtin(&GroupRef::Applications),
        ActorKind::System => {}
        // A user whom the directory has, or is known not to have.
        ActorKind::User if is_usable || principal.identities().iter().any(|identity| to.resolves(identity)) => {
            // A user without a known home is in none of the managed domains.
            if !has_managed_home {
                to.add_builtin(&GroupRef::ExternalUsers);
            }
        }
        ActorKind::User | ActorKind::Unknown => to.add_unusable(),
    }
}

/// Collects the groups of the holders of an identity, and returns the residence of the holder.
#[inline(always)]
fn collect_identity(to: &mut impl Collector, identity: &Identity, app: &App) -> Residence {
    if has_other_form(identity) {
        collect_other_form(to, identity, app);
    }
    to.add_holder(identity.into(), identity)
}

#[inline(never)]
fn collect_other_form(to: &mut impl Collector, identity: &Identity, app: &App) {
    let Some(other) = other_form(identity, app) else { return };
    // The second meaning can only hide. It does not show that a user is internal, because it may be another user.
    if to.add_holder(IdentityKey::name(&other), identity) == Residence::External {
        to.add_builtin(&GroupRef::ExternalUsers);
    }
}

/// The groups of a policy that were found on an activity, each with a role, and why it cannot be decided.
#[derive(Default)]
pub(super) struct Findings<'a> {
    /// Groups in which the actor was found, as one set of the table.
    of_actor: SetId,
    /// All others.
    memberships: BTreeMap<usize, PrincipalRole>,
    pub(super) causes: BTreeSet<UndecidableReason>,
    table: Option<&'a FastPath>,
}

impl<'a> Findings<'a> {
    fn add(&mut self, group: usize, role: PrincipalRole) {
        self.memberships.entry(group).or_insert(role);
    }

    fn add_set(&mut self, set: SetId, role: PrincipalRole) {
        if role == PrincipalRole::Actor && (self.of_actor == SetId::EMPTY || self.of_actor == set) {
            self.of_actor = set;
            return;
        }
        for group in self.groups_of(set) {
            self.add(*group, role);
        }
    }

    fn groups_of(&self, set: SetId) -> &'a [usize] {
        self.table.map_or(&[], |table| table.sets().groups(set))
    }

    /// Returns whether a group of the policy was found.
    pub(super) fn contain(&self, group: usize) -> bool {
        self.memberships.contains_key(&group) || self.groups_of(self.of_actor).contains(&group)
    }

    /// Returns a reason for each private group that was found.
    pub(super) fn private_reasons(&self, compiled: &CompiledPolicy) -> Reasons {
        if let (true, Some(table)) = (self.memberships.is_empty(), self.table) {
            return table.sets().reasons(self.of_actor);
        }
        let mut all = self.memberships.clone();
        all.extend(self.groups_of(self.of_actor).iter().map(|group| (*group, PrincipalRole::Actor)));
        all.iter().filter_map(|(group, role)| compiled.private_reason(*group, *role)).collect()
    }
}

/// Evaluates one activity against the directory.
pub(super) struct Evaluator<'a> {
    pub(super) compiled: &'a CompiledPolicy,
    pub(super) policy: &'a PrivacyPolicy,
    pub(super) directory: Option<&'a DirectorySnapshot>,
    /// Saves reading the directory for most identities.
    pub(super) table: Option<&'a FastPath>,
    pub(super) app: &'a App,
}

impl<'a> Evaluator<'a> {
    /// Returns what is found out about the principals of an activity.
    pub(super) fn findings(&self, activity: &Activity) -> Findings<'a> {
        let mut findings = Findings { table: self.table, ..Findings::default() };
        let mut role = PrincipalRole::Actor;
        for principal in activity.principals() {
            collect_principal(
                &mut RoleFindings { evaluator: self, role, findings: &mut findings },
                principal,
                self.app,
            );
            role = PrincipalRole::OnBehalfOf;
        }
        findings
    }

    /// Adds the people among the objects of an activity. An object can be a person by id or by any name.
    pub(super) fn add_objects(&self, activity: &Activity, findings: &mut Findings<'a>) {
        let mut found = RoleFindings { evaluator: self, role: PrincipalRole::Object, findings };
        for object in activity.objects() {
            for identity in Identity::all_of_object(object) {
                let residence = collect_identity(&mut found, &identity, self.app);
                // An object without a holder is an external person only if it reads as a mail address.
                let is_guess = object.starts_with(DRIVE_OF);
                let reads_as_person = reads_as_mail_address(&identity) && !is_guess;
                if residence == Residence::External && (reads_as_person || found.holder((&identity).into()).is_some()) {
                    found.add_builtin(&GroupRef::ExternalUsers);
                }
            }
        }
    }
}

/// Adds to the findings on an activity what is found in one role.
struct RoleFindings<'e, 'a> {
    evaluator: &'e Evaluator<'a>,
    role: PrincipalRole,
    findings: &'e mut Findings<'a>,
}

impl<'a> RoleFindings<'_, 'a> {
    fn holder(&mut self, key: IdentityKey<'_>) -> Option<(&'a DirectorySnapshot, UserIndex)> {
        let directory = self.evaluator.directory?;
        match directory.holder(key) {
            Holder::One(user) => Some((directory, user)),
            Holder::Nobody => None,
            Holder::Several => {
                self.findings.causes.insert(UndecidableReason::AmbiguousAlias);
                None
            }
        }
    }

    /// Adds the groups of removed groups' last members who are known by a key and are not in the directory.
    fn add_last_member(&mut self, key: IdentityKey<'_>, identity: &Identity) {
        let Evaluator { compiled, directory, .. } = self.evaluator;
        match identity {
            Identity::Id(id) => self.add_last_groups(id),
            Identity::Alias(_) => {
                for id in compiled.last_called(key, *directory) {
                    let identity = Identity::Id(id.clone());
                    self.add_holder_on_record((&identity).into(), &identity);
                }
            }
        }
    }

    fn add_last_groups(&mut self, user: &UserId) {
        for group in self.evaluator.compiled.last_groups(user) {
            self.findings.add(*group, self.role);
        }
    }

    fn add_holder_on_record(&mut self, key: IdentityKey<'_>, identity: &Identity) -> Residence {
        let Evaluator { compiled, policy, .. } = *self.evaluator;
        let Some((directory, user)) = self.holder(key) else {
            self.add_last_member(key, identity);
            return residence(policy, Home::Unsaid, Some(identity));
        };
        for group in directory.groups_of_user(user) {
            for at in compiled.reach().of(group).iter() {
                self.findings.add(*at, self.role);
            }
        }
        if !compiled.has_no_last_members() {
            let id = directory.record(user).map(|record| UserId::from_checked(record.id()));
            id.iter().for_each(|id| self.add_last_groups(id));
            // A user whose record was removed may have shared the name.
            if !directory.is_named_on_record(user) {
                self.add_last_member(key, identity);
            }
        }
        residence(policy, directory.home(user), Some(identity))
    }
}

impl Collector for RoleFindings<'_, '_> {
    fn add_holder(&mut self, key: IdentityKey<'_>, identity: &Identity) -> Residence {
        let Evaluator { policy, directory, table, .. } = *self.evaluator;
        if let (Some(table), Some(directory)) = (table, directory) {
            match table.find(directory.hashing(), key) {
                SetId::UNKNOWN => {}
                SetId::EMPTY if !table.has_external() => return Residence::Unknown,
                // The table has every holder without a managed home, so only the name is left to decide.
                SetId::EMPTY => {
                    if residence(policy, Home::Unsaid, Some(identity)) == Residence::Managed {
                        return Residence::Managed;
                    }
                }
                set => {
                    // The set includes the group of external users if the holder is external.
                    self.findings.add_set(set, self.role);
                    return Residence::Managed;
                }
            }
        }
        self.add_holder_on_record(key, identity)
    }

    fn add_builtin(&mut self, group: &GroupRef) {
        if let Some(at) = self.evaluator.compiled.position(group) {
            self.findings.add(at, self.role);
        }
    }

    fn add_unusable(&mut self) {
        self.findings.causes.insert(UndecidableReason::NoUsableActor);
    }

    fn directory(&self) -> Option<&DirectorySnapshot> {
        self.evaluator.directory
    }

    fn resolves(&self, identity: &Identity) -> bool {
        let Evaluator { compiled, directory, app, .. } = *self.evaluator;
        let is_held = |key: IdentityKey<'_>| {
            directory.is_some_and(|directory| directory.holder(key) != Holder::Nobody)
                || match identity {
                    Identity::Id(id) => !compiled.last_groups(id).is_empty(),
                    Identity::Alias(_) => compiled.last_called(key, directory).next().is_some(),
                }
        };
        is_held(identity.into()) || other_form(identity, app).is_some_and(|other| is_held(IdentityKey::name(&other)))
    }
}

fn reads_as_mail_address(identity: &Identity) -> bool {
    let thing = |c: char| c.is_whitespace() || matches!(c, '/' | '\\' | ':');
    matches!(identity, Identity::Alias(alias) if alias.is_address() && !alias.as_str().contains(thing))
}
