//! Decisions: D6 to D9, S1.

use super::directory::{Directory, Home, LastMembers, Person, is_address};
use super::{Model, Node};
use crate::activity::{Activity, Actor, ActorKind, App};
use crate::engine::{PrincipalRole, Reason, UndecidableReason, Verdict, Visibility};
use crate::identity::{Alias, GroupId, Identity, UserId};
use crate::policy::{GroupRef, OnUndecidable, PolicyOptions, ScopeEffect, ScopeRule, ScopeTarget};

/// An expected decision with every reason, in any order.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedDecision {
    /// The verdict.
    pub decided: ExpectedVerdict,
    /// The reasons.
    pub reasons: Vec<Reason>,
}

/// A verdict, or that the batch is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedVerdict {
    /// The verdict.
    Verdict(Verdict),
    /// The policy rejects activities that cannot be decided.
    Refused,
}

impl ExpectedDecision {
    pub(super) fn verdict(&self) -> Option<Verdict> {
        match self.decided {
            ExpectedVerdict::Verdict(verdict) => Some(verdict),
            ExpectedVerdict::Refused => None,
        }
    }

    /// Returns the visibility of a stored activity. Returns `None` if the activity is not stored.
    #[must_use]
    pub fn visibility(&self) -> Option<Visibility> {
        match self.verdict()? {
            Verdict::Public => Some(Visibility::Public),
            Verdict::Private => Some(Visibility::Private),
            Verdict::NotMonitored => None,
        }
    }

    /// Returns why the activity could not be decided.
    #[must_use]
    pub fn causes(&self) -> Vec<UndecidableReason> {
        let cause = |reason: &Reason| match reason {
            Reason::Undecidable(cause) => Some(cause.clone()),
            Reason::Member { .. } | Reason::Scope(_) => None,
        };
        self.reasons.iter().filter_map(cause).collect()
    }
}

/// The groups that a principal or object matches, and why it could not be decided.
#[derive(Default)]
struct Matched {
    groups: Vec<GroupRef>,
    causes: Vec<UndecidableReason>,
}

impl Model {
    pub(super) fn is_too_old(&self, directory: &Directory) -> bool {
        self.is_too_old_for(&self.policy.options, directory)
    }

    pub(super) fn is_too_old_for(&self, options: &PolicyOptions, directory: &Directory) -> bool {
        let age = (self.now - directory.as_of).num_seconds().unsigned_abs();
        options.max_directory_age.is_some_and(|max| age > max.as_secs())
    }

    pub(super) fn decide(&self, at: Node, activity: &Activity) -> ExpectedDecision {
        let directory = self.directory(at);
        let cause = match directory {
            None if self.node(at).out => Some(UndecidableReason::DirectoryUnavailable),
            None => Some(UndecidableReason::DirectoryNeverLoaded),
            Some(directory) if self.is_too_old(directory) => Some(UndecidableReason::DirectoryTooOld),
            Some(_) => None,
        };
        let removed = self.removed_groups(directory);

        // The principals and their roles.
        let mut matches: Vec<(PrincipalRole, Matched)> = Vec::new();
        for (index, principal) in activity.principals().enumerate() {
            let role = if index == 0 { PrincipalRole::Actor } else { PrincipalRole::OnBehalfOf };
            matches.push((role, self.principal(directory, &removed, principal, activity.app())));
        }
        let principals: Vec<GroupRef> = matches.iter().flat_map(|(_, known)| known.groups.clone()).collect();
        let mut causes: Vec<UndecidableReason> = cause.into_iter().collect();
        causes.extend(matches.iter().flat_map(|(_, known)| known.causes.clone()));

        // S: scope, before privacy.
        let app = activity.app();
        let rules = |effect| self.policy.scope.iter().filter(move |rule: &&ScopeRule| rule.effect() == effect);
        let is_unknown =
            |rule: &&ScopeRule| removed.iter().any(|(group, last)| last.is_none() && *rule.group() == imported(group));
        if rules(ScopeEffect::Exclude).any(|rule| covers(rule.target(), app) && principals.contains(rule.group())) {
            return ExpectedDecision { decided: ExpectedVerdict::Verdict(Verdict::NotMonitored), reasons: Vec::new() };
        }
        let mut reasons: Vec<Reason> = Vec::new();
        // An app that no include rule covers is monitored for everyone.
        if rules(ScopeEffect::Include).any(|rule| covers(rule.target(), app)) {
            let level = |level: usize| {
                let here = move |rule: &&ScopeRule| covers(rule.target(), app) && level_of(rule.target()) == level;
                rules(ScopeEffect::Include).filter(here).collect::<Vec<_>>()
            };
            let deciding = (0..3).map(level).find(|rules| !rules.is_empty()).unwrap_or_default();
            let included: Vec<&ScopeRule> =
                deciding.iter().filter(|rule| principals.contains(rule.group())).copied().collect();
            let unknown: Vec<&ScopeRule> = deciding.iter().copied().filter(|rule| is_unknown(rule)).collect();
            if included.is_empty() {
                // A principal that cannot be decided is monitored if the level includes any group.
                if causes.is_empty() && unknown.is_empty() {
                    return ExpectedDecision {
                        decided: ExpectedVerdict::Verdict(Verdict::NotMonitored),
                        reasons: Vec::new(),
                    };
                }
            }
            // The first rule is the reason.
            reasons.extend(included.first().map(|rule| Reason::Scope((*rule).clone())));
        }

        // D6.
        if self.policy.options.include_objects {
            let app = activity.app();
            let objects = activity.objects().map(|object| self.object(directory, &removed, object, app));
            matches.extend(objects.map(|known| (PrincipalRole::Object, known)));
        }
        let mut is_private = false;
        for group in &self.policy.private {
            let first = matches.iter().find(|(_, known)| known.groups.contains(group));
            if let Some((role, _)) = first {
                is_private = true;
                reasons.push(Reason::Member { group: group.clone(), role: *role });
            }
        }

        // D9.
        causes.extend(
            matches.iter().filter(|(at, _)| *at == PrincipalRole::Object).flat_map(|(_, known)| known.causes.clone()),
        );
        // While the members of a group of the policy are unknown, every activity is undecidable.
        let unknown = removed.iter().filter(|(_, last)| last.is_none());
        causes.extend(unknown.map(|(group, _)| UndecidableReason::GroupRemoved(group.clone())));
        causes.sort();
        causes.dedup();
        let decided = match (causes.is_empty(), self.policy.options.on_undecidable) {
            (false, OnUndecidable::Reject) => ExpectedVerdict::Refused,
            _ if is_private => ExpectedVerdict::Verdict(Verdict::Private),
            (false, OnUndecidable::Hide) => ExpectedVerdict::Verdict(Verdict::Private),
            (false, OnUndecidable::FailOpen) | (true, _) => ExpectedVerdict::Verdict(Verdict::Public),
        };
        reasons.extend(causes.into_iter().map(Reason::Undecidable));
        ExpectedDecision { decided, reasons }
    }

    /// Returns the removed groups with their last members, their own or those of groups nested in them, by group of the
    /// policy. The members are `None` if they are unknown.
    fn removed_groups(&self, directory: Option<&Directory>) -> Vec<(GroupId, Option<LastMembers>)> {
        let Some(directory) = directory else { return Vec::new() };
        let mut removed = Vec::new();
        for group in self.policy.imported_groups() {
            for below in directory.descendants(&group) {
                let [remembered, kept] = self.last_known(directory, &below);
                if directory.groups.contains(&below) {
                    // Stored members of a group that a delta added may be from before.
                    let kept = self.kept.iter().find(|kept| kept.group == below && directory.is_added(&below));
                    removed.extend(kept.map(|kept| (group.clone(), Some(kept.clone()))));
                    continue;
                }
                let known = match (remembered, kept) {
                    // Members from an earlier removal no longer count. Members stored from a later one count beside
                    // those that a lagging node remembers: the group is removed in the directory by which it decides.
                    (Some(remembered), Some(kept)) if kept.is_before(&remembered) => Some(remembered),
                    (Some(remembered), Some(kept)) => Some(remembered.union(&kept)),
                    (remembered, kept) => remembered.or(kept),
                };
                removed.push((group.clone(), known));
            }
            // Groups that another node saw nested in it.
            let elsewhere = self.kept.iter().filter(|kept| directory.contains_nested(&group, kept));
            let counts = |kept: &&LastMembers| match directory.knows(&kept.group) {
                true => directory.is_added(&kept.group),
                false => kept.restored_in.is_none_or(|restored_in| restored_in > directory.revision),
            };
            removed.extend(elsewhere.filter(counts).map(|kept| (group.clone(), Some(kept.clone()))));
        }
        removed
    }

    /// Returns the last members of a removed group that a node remembers, and those stored, unless the group was
    /// restored since.
    pub(super) fn last_known(&self, directory: &Directory, group: &GroupId) -> [Option<LastMembers>; 2] {
        let kept = self.kept.iter().find(|kept| kept.group == *group);
        let restored_in = kept.and_then(|kept| kept.restored_in);
        let counts = |last: &LastMembers| last.still_counts(restored_in, directory.revision);
        [directory.last_members(group).filter(counts), kept.cloned().filter(counts)]
    }

    fn principal(
        &self,
        directory: Option<&Directory>,
        removed: &[(GroupId, Option<LastMembers>)],
        actor: &Actor,
        app: &App,
    ) -> Matched {
        let mut known = Matched::default();
        // D7.
        if actor.kind() == ActorKind::Application {
            known.groups.push(GroupRef::Applications);
        }
        // D9: an identity of the directory, or of a form that it would contain.
        let usable = actor.kind() == ActorKind::User
            && actor
                .identities()
                .iter()
                .any(|identity| has_form(directory, identity) || matches_person(directory, removed, identity, app));
        if actor.kind() == ActorKind::Unknown || (actor.kind() == ActorKind::User && !usable) {
            known.causes.push(UndecidableReason::NoUsableActor);
        }
        let mut homes: Vec<Option<bool>> = Vec::new();
        for identity in actor.identities() {
            homes.push(self.identity(directory, removed, identity, app, &mut known));
        }
        // A user without a known home domain is in none of the managed domains.
        let is_homeless = usable && !homes.contains(&Some(true));
        let is_external = homes.contains(&Some(false)) || is_homeless;
        // D8: every identity protects, so an application with the identity of an external user is external too.
        if is_external {
            known.groups.push(GroupRef::ExternalUsers);
        }
        known
    }

    /// Returns what an object matches, by id or by name.
    fn object(
        &self,
        directory: Option<&Directory>,
        removed: &[(GroupId, Option<LastMembers>)],
        object: &str,
        app: &App,
    ) -> Matched {
        let mut known = Matched::default();
        // One of the addresses that the owner of a drive can have.
        let (whole, object) = (object, object.strip_prefix("/personal/").unwrap_or(object));
        let mut identities: Vec<Identity> = UserId::new(object).map(Identity::Id).into_iter().collect();
        identities.extend(Alias::new(object).map(Identity::Alias));
        // The form of a technical id determines its app.
        let technical = match object {
            _ if object.len() == 16 && object.chars().all(|c| c.is_ascii_hexdigit()) => "puid",
            _ if object.to_ascii_uppercase().starts_with("S-1-") => "sid",
            _ => "mailbox",
        };
        identities.extend(Alias::account(technical, object).map(Identity::Alias));
        for identity in identities {
            let home = self.identity(directory, removed, &identity, app, &mut known);
            let holders =
                directory.map_or(0, |it| it.people.iter().filter(|person| person.has_identity(&identity)).count());
            // Of the names that the directory does not contain, only an e-mail address is an external user.
            let address = matches!(&identity, Identity::Alias(alias) if is_address(alias))
                && !whole.contains(|c: char| c.is_whitespace() || "/\\:".contains(c));
            if home == Some(false) && (holders == 1 || address) {
                known.groups.push(GroupRef::ExternalUsers);
            }
        }
        known
    }

    /// Adds the groups that an identity matches, and returns whether its home domain is managed, if known. D8: a name
    /// that is bound to no app can be an account in any app, and the other way round; that can only hide more.
    fn identity(
        &self,
        directory: Option<&Directory>,
        removed: &[(GroupId, Option<LastMembers>)],
        identity: &Identity,
        app: &App,
        known: &mut Matched,
    ) -> Option<bool> {
        let other = match identity {
            Identity::Alias(alias) if alias.app().is_some() => Alias::new(alias.as_str()).ok(),
            Identity::Alias(alias) if !is_address(alias) => Alias::account(app.name().as_str(), alias.as_str()).ok(),
            _ => None,
        };
        if let Some(other) = other
            && self.holder(directory, removed, &Identity::Alias(other), known) == Some(false)
        {
            known.groups.push(GroupRef::ExternalUsers);
        }
        self.holder(directory, removed, identity, known)
    }

    fn holder(
        &self,
        directory: Option<&Directory>,
        removed: &[(GroupId, Option<LastMembers>)],
        identity: &Identity,
        known: &mut Matched,
    ) -> Option<bool> {
        let manages = |home: &Home| match home {
            Home::At(domain) => self.policy.domains.iter().any(|managed| managed.covers(domain)),
            Home::Outside | Home::Unknown => false,
        };
        let now: Vec<_> =
            directory.into_iter().flat_map(|it| &it.people).filter(|person| person.has_identity(identity)).collect();
        let now = match now.as_slice() {
            [] => None,
            [one] => Some(*one),
            _ => {
                known.causes.push(UndecidableReason::AmbiguousAlias);
                None
            }
        };
        // D11, D8: a user without a record can be a last member of a removed group, by one of the last names, unless a
        // record has other names.
        let last = removed.iter().filter_map(|(_, last)| last.as_ref()).flat_map(|last| &last.members);
        let has_record = |person: &&Person| directory.is_some_and(|directory| directory.is_named_on_record(&person.id));
        let mut people: Vec<&Person> = now.into_iter().collect();
        if now.as_ref().is_none_or(|person| !has_record(person)) {
            people.extend(last.filter(|member| member.has_identity(identity) && !has_record(member)));
            if let (Identity::Alias(alias), Some(directory)) = (identity, directory) {
                people.extend(directory.former_holders(alias).filter(|member| !has_record(member)));
            }
        }
        for person in people {
            let in_force = directory.into_iter().flat_map(|directory| directory.groups_of(&person.id));
            known.groups.extend(in_force.map(GroupRef::Imported));
            for (group, last) in removed {
                if last.iter().any(|last| last.members.iter().any(|member| member.id == person.id)) {
                    known.groups.push(imported(group));
                }
            }
        }
        // A user without a known home domain has that of the name on the activity.
        if let Some(person) = now.filter(|person| *person.home() != Home::Unknown) {
            return Some(manages(person.home()));
        }
        match identity {
            Identity::Id(_) => None,
            Identity::Alias(alias) if alias.is_guest() => Some(false),
            Identity::Alias(alias) if is_passport_id_with_tenant(alias) => None,
            Identity::Alias(alias) if is_address(alias) => {
                Some(alias.domain().is_some_and(|domain| manages(&Home::At(domain))))
            }
            Identity::Alias(_) => None,
        }
    }
}

/// Returns an identity and the account or name that counts for it in an app (D8).
fn equivalents(identity: &Identity, app: &App) -> Vec<Identity> {
    let other = match identity {
        Identity::Alias(alias) if alias.app().is_some() => Alias::new(alias.as_str()).ok(),
        Identity::Alias(alias) if !is_address(alias) => Alias::account(app.name().as_str(), alias.as_str()).ok(),
        _ => None,
    };
    [identity.clone()].into_iter().chain(other.map(Identity::Alias)).collect()
}

/// Returns whether a user of the directory or a last member of a removed group has the identity.
fn matches_person(
    directory: Option<&Directory>,
    removed: &[(GroupId, Option<LastMembers>)],
    identity: &Identity,
    app: &App,
) -> bool {
    let here = directory.into_iter().flat_map(|directory| &directory.people);
    let last = removed.iter().filter_map(|(_, last)| last.as_ref()).flat_map(|last| &last.members);
    let remembered = last.filter(|member| {
        // Names count only while no record has other names of the user.
        matches!(identity, Identity::Id(_)) || !directory.is_some_and(|it| it.is_named_on_record(&member.id))
    });
    let people: Vec<&Person> = here.chain(remembered).collect();
    let had = |meaning: &Identity| match (meaning, directory) {
        (Identity::Alias(alias), Some(it)) => it.former_holders(alias).any(|member| !it.is_named_on_record(&member.id)),
        _ => false,
    };
    equivalents(identity, app)
        .iter()
        .any(|meaning| had(meaning) || people.iter().any(|person| person.has_identity(meaning)))
}

/// Returns whether an address is a passport id with a tenant, such as `1003200096971F55@contoso.onmicrosoft.com`, or of
/// a template tenant. Neither identifies a person as an address does.
fn is_passport_id_with_tenant(alias: &Alias) -> bool {
    let Some((local, domain)) = alias.as_str().rsplit_once('@').filter(|_| is_address(alias)) else {
        return false;
    };
    let is_passport_id = local.len() == 16 && local.chars().all(|c| c.is_ascii_hexdigit());
    is_passport_id || domain.to_ascii_lowercase().ends_with(".templatetenant")
}

/// Returns whether a directory has identities of this form: any id of the same form, any undamaged address, or another
/// name of the same form that is bound to the same app, or to none as well.
fn has_form(directory: Option<&Directory>, identity: &Identity) -> bool {
    // A missing directory is the only reason.
    let Some(directory) = directory else { return true };
    let alias = match identity {
        Identity::Id(id) => {
            let is_guid = |id: &str| id.len() == 36 && uuid::Uuid::try_parse(id).is_ok();
            return directory.people.iter().any(|person| is_guid(person.id.as_str()) == is_guid(id.as_str()));
        }
        Identity::Alias(alias) => alias,
    };
    let technical =
        alias.app().is_some_and(|app| ["puid", "sid", "mailbox", "userkey"].contains(&&*app.to_ascii_lowercase()));
    let fold = |app: Option<&str>| app.map(crate::identity::fold);
    let is_word = |name: &Alias| !name.as_str().contains(|c: char| c.is_whitespace() || "/=,:\\".contains(c));
    let is_like = |name: &Alias| {
        let alike = name.app().is_some() || is_word(name) == is_word(alias);
        !is_address(name) && fold(name.app()) == fold(alias.app()) && alike
    };
    let damaged = alias.app().is_none() && alias.as_str().contains(['?', '*', '\u{fffd}']);
    let has_like = || directory.people.iter().flat_map(|person| &person.aliases).any(is_like);
    let technical = technical || is_passport_id_with_tenant(alias);
    !damaged && !technical && (is_address(alias) || has_like())
}

fn imported(group: &GroupId) -> GroupRef {
    GroupRef::Imported(group.clone())
}

fn covers(target: &ScopeTarget, app: &App) -> bool {
    match target {
        ScopeTarget::App(name) => app.name() == name,
        ScopeTarget::Suite(suite) => app.suite() == Some(suite),
        ScopeTarget::AllApps => true,
    }
}

/// Returns the level of a target, with 0 for the most specific.
fn level_of(target: &ScopeTarget) -> usize {
    match target {
        ScopeTarget::App(_) => 0,
        ScopeTarget::Suite(_) => 1,
        ScopeTarget::AllApps => 2,
    }
}
