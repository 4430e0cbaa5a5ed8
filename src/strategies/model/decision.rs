//! What becomes of one activity: D6 to D9, S1.

use super::directory::{Directory, Home, LastMembers, Person, reads_as_address};
use super::{Model, Node};
use crate::activity::{Activity, Actor, ActorKind, App};
use crate::engine::{PrincipalRole, Reason, UndecidableReason, Verdict, Visibility};
use crate::identity::{Alias, GroupId, Identity, UserId};
use crate::policy::{GroupRef, OnUndecidable, PolicyOptions, ScopeEffect, ScopeRule, ScopeTarget};

/// What was decided, and every reason, in no order that means anything.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedDecision {
    /// What.
    pub decided: ExpectedVerdict,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// A verdict, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedVerdict {
    /// A verdict.
    Verdict(Verdict),
    /// The policy says to refuse.
    Refused,
}

impl ExpectedDecision {
    pub(super) fn verdict(&self) -> Option<Verdict> {
        match self.decided {
            ExpectedVerdict::Verdict(verdict) => Some(verdict),
            ExpectedVerdict::Refused => None,
        }
    }

    /// Whether it is hidden, if it is stored.
    #[must_use]
    pub fn visibility(&self) -> Option<Visibility> {
        match self.verdict()? {
            Verdict::Public => Some(Visibility::Public),
            Verdict::Private => Some(Visibility::Private),
            Verdict::NotMonitored => None,
        }
    }

    /// What could not be known.
    #[must_use]
    pub fn causes(&self) -> Vec<UndecidableReason> {
        let cause = |reason: &Reason| match reason {
            Reason::Undecidable(cause) => Some(cause.clone()),
            Reason::Member { .. } | Reason::Scope(_) => None,
        };
        self.reasons.iter().filter_map(cause).collect()
    }
}

/// What is known of somebody on an activity.
#[derive(Default)]
struct Known {
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
        let gone = self.gone(directory);

        // Who is on it, and where.
        let mut role: Vec<(PrincipalRole, Known)> = Vec::new();
        for (place, principal) in activity.principals().enumerate() {
            let place = if place == 0 { PrincipalRole::Actor } else { PrincipalRole::OnBehalfOf };
            role.push((place, self.principal(directory, &gone, principal, activity.app())));
        }
        let principals: Vec<GroupRef> = role.iter().flat_map(|(_, known)| known.groups.clone()).collect();
        let mut causes: Vec<UndecidableReason> = cause.into_iter().collect();
        causes.extend(role.iter().flat_map(|(_, known)| known.causes.clone()));

        // S: scope, before privacy.
        let app = activity.app();
        let rules = |effect| self.policy.scope.iter().filter(move |rule: &&ScopeRule| rule.effect() == effect);
        let is_unknown =
            |rule: &&ScopeRule| gone.iter().any(|(group, last)| last.is_none() && *rule.group() == imported(group));
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
            let taken_in: Vec<&ScopeRule> =
                deciding.iter().filter(|rule| principals.contains(rule.group())).copied().collect();
            let unknown: Vec<&ScopeRule> = deciding.iter().copied().filter(|rule| is_unknown(rule)).collect();
            if taken_in.is_empty() {
                // Whoever cannot be decided is not left out where somebody is taken in.
                if causes.is_empty() && unknown.is_empty() {
                    return ExpectedDecision {
                        decided: ExpectedVerdict::Verdict(Verdict::NotMonitored),
                        reasons: Vec::new(),
                    };
                }
            }
            // The first of them is the reason.
            reasons.extend(taken_in.first().map(|rule| Reason::Scope((*rule).clone())));
        }

        // D6.
        if self.policy.options.include_objects {
            let app = activity.app();
            let objects = activity.objects().map(|object| self.object(directory, &gone, object, app));
            role.extend(objects.map(|known| (PrincipalRole::Object, known)));
        }
        let mut is_private = false;
        for group in &self.policy.private {
            let first = role.iter().find(|(_, known)| known.groups.contains(group));
            if let Some((role, _)) = first {
                is_private = true;
                reasons.push(Reason::Member { group: group.clone(), role: *role });
            }
        }

        // D9.
        causes.extend(
            role.iter().filter(|(at, _)| *at == PrincipalRole::Object).flat_map(|(_, known)| known.causes.clone()),
        );
        // While nobody knows who was in a group of the policy, everything is hidden.
        let unknown = gone.iter().filter(|(_, last)| last.is_none());
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

    /// Every group of the policy with last members of which nodes know, its own or those of groups nested in it; without
    /// any, if nobody knows them.
    fn gone(&self, directory: Option<&Directory>) -> Vec<(GroupId, Option<LastMembers>)> {
        let Some(directory) = directory else { return Vec::new() };
        let mut gone = Vec::new();
        for group in self.policy.imported_groups() {
            for below in directory.below(&group) {
                let [here, kept] = self.last_known(directory, &below);
                if directory.groups.contains(&below) {
                    // What was kept of one that a delta added may be from before.
                    let kept = self.kept.iter().find(|kept| kept.group == below && directory.is_added(&below));
                    gone.extend(kept.map(|kept| (group.clone(), Some(kept.clone()))));
                    continue;
                }
                let known = match (here, kept) {
                    // What is known of an earlier time is over. What is kept of a later one counts beside what a
                    // node that lags remembers: the group is gone for it in the directory by which it decides.
                    (Some(here), Some(kept)) if kept.is_before(&here) => Some(here),
                    (Some(here), Some(kept)) => Some(here.joined(&kept)),
                    (here, kept) => here.or(kept),
                };
                gone.push((group.clone(), known));
            }
            // Nested in it under the eyes of another node.
            let elsewhere = self.kept.iter().filter(|kept| directory.holds(&group, kept));
            let counts = |kept: &&LastMembers| match directory.knows(&kept.group) {
                true => directory.is_added(&kept.group),
                false => kept.restored_in.is_none_or(|restored_in| restored_in > directory.revision),
            };
            gone.extend(elsewhere.filter(counts).map(|kept| (group.clone(), Some(kept.clone()))));
        }
        gone
    }

    /// What a node remembers of a group that is gone, and what was kept, unless it is known to have been back since.
    pub(super) fn last_known(&self, directory: &Directory, group: &GroupId) -> [Option<LastMembers>; 2] {
        let kept = self.kept.iter().find(|kept| kept.group == *group);
        let restored_in = kept.and_then(|kept| kept.restored_in);
        let counts = |last: &LastMembers| last.still_counts(restored_in, directory.revision);
        [directory.last_members(group).filter(counts), kept.cloned().filter(counts)]
    }

    fn principal(
        &self,
        directory: Option<&Directory>,
        gone: &[(GroupId, Option<LastMembers>)],
        actor: &Actor,
        app: &App,
    ) -> Known {
        let mut known = Known::default();
        // D7.
        if actor.kind() == ActorKind::Application {
            known.groups.push(GroupRef::Applications);
        }
        // D9: somebody of the directory, or at least named in a form in which it would have them.
        let usable = actor.kind() == ActorKind::User
            && actor
                .identities()
                .iter()
                .any(|identity| would_know(directory, identity, app) || is_anybodys(directory, gone, identity, app));
        if actor.kind() == ActorKind::Unknown || (actor.kind() == ActorKind::User && !usable) {
            known.causes.push(UndecidableReason::NoUsableActor);
        }
        let mut homes: Vec<Option<bool>> = Vec::new();
        for identity in actor.identities() {
            homes.push(self.identity(directory, gone, identity, app, &mut known));
        }
        // A user of whom nothing tells a home is at home in none of the managed domains.
        let homeless = usable && !homes.contains(&Some(true));
        let outside = homes.contains(&Some(false)) || homeless;
        // D8: an identity protects wherever it stands, so an application that names somebody from outside is theirs
        // too.
        if outside {
            known.groups.push(GroupRef::ExternalUsers);
        }
        known
    }

    /// By id or by name.
    fn object(
        &self,
        directory: Option<&Directory>,
        gone: &[(GroupId, Option<LastMembers>)],
        object: &str,
        app: &App,
    ) -> Known {
        let mut known = Known::default();
        // One of the addresses that the owner of a drive can have.
        let (whole, object) = (object, object.strip_prefix("/personal/").unwrap_or(object));
        let mut identities: Vec<Identity> = UserId::new(object).map(Identity::Id).into_iter().collect();
        identities.extend(Alias::new(object).map(Identity::Alias));
        // A technical id is told by its form.
        let technical = match object {
            _ if object.len() == 16 && object.chars().all(|c| c.is_ascii_hexdigit()) => "puid",
            _ if object.to_ascii_uppercase().starts_with("S-1-") => "sid",
            _ => "mailbox",
        };
        identities.extend(Alias::account(technical, object).map(Identity::Alias));
        for identity in identities {
            let home = self.identity(directory, gone, &identity, app, &mut known);
            let holders = directory.map_or(0, |it| it.people.iter().filter(|person| person.is(&identity)).count());
            // Of what the directory does not know, only a mail address is somebody from outside.
            let address = matches!(&identity, Identity::Alias(alias) if reads_as_address(alias))
                && !whole.contains(|c: char| c.is_whitespace() || "/\\:".contains(c));
            if home == Some(false) && (holders == 1 || address) {
                known.groups.push(GroupRef::ExternalUsers);
            }
        }
        known
    }

    /// Adds the groups that an identity leads to, and says whether its home is managed, if it tells of one. D8: a name
    /// that is bound to no app can be that of an account in any, and the other way round; that can only hide.
    fn identity(
        &self,
        directory: Option<&Directory>,
        gone: &[(GroupId, Option<LastMembers>)],
        identity: &Identity,
        app: &App,
        known: &mut Known,
    ) -> Option<bool> {
        let other = match identity {
            Identity::Alias(alias) if alias.app().is_some() => Alias::new(alias.as_str()).ok(),
            Identity::Alias(alias) if !reads_as_address(alias) => {
                Alias::account(app.name().as_str(), alias.as_str()).ok()
            }
            _ => None,
        };
        if let Some(other) = other
            && self.holder(directory, gone, &Identity::Alias(other), known) == Some(false)
        {
            known.groups.push(GroupRef::ExternalUsers);
        }
        self.holder(directory, gone, identity, known)
    }

    fn holder(
        &self,
        directory: Option<&Directory>,
        gone: &[(GroupId, Option<LastMembers>)],
        identity: &Identity,
        known: &mut Known,
    ) -> Option<bool> {
        let manages = |home: &Home| match home {
            Home::At(domain) => self.policy.domains.iter().any(|managed| managed.covers(domain)),
            Home::Elsewhere | Home::Unsaid => false,
        };
        let now: Vec<_> =
            directory.into_iter().flat_map(|it| &it.people).filter(|person| person.is(identity)).collect();
        let now = match now.as_slice() {
            [] => None,
            [one] => Some(*one),
            _ => {
                known.causes.push(UndecidableReason::AmbiguousAlias);
                None
            }
        };
        // D11, D8: whoever no record names may be a last member of a group that is gone, by one of the last names,
        // unless a record says other ones.
        let last = gone.iter().filter_map(|(_, last)| last.as_ref()).flat_map(|last| &last.members);
        let known_well = |person: &&Person| directory.is_some_and(|directory| directory.is_named_on_record(&person.id));
        let mut people: Vec<&Person> = now.into_iter().collect();
        if now.as_ref().is_none_or(|person| !known_well(person)) {
            people.extend(last.filter(|member| member.is(identity) && !known_well(member)));
            if let (Identity::Alias(alias), Some(directory)) = (identity, directory) {
                people.extend(directory.formerly(alias).filter(|member| !known_well(member)));
            }
        }
        for person in people {
            let in_force = directory.into_iter().flat_map(|directory| directory.groups_of(&person.id));
            known.groups.extend(in_force.map(GroupRef::Imported));
            for (group, last) in gone {
                if last.iter().any(|last| last.members.iter().any(|member| member.id == person.id)) {
                    known.groups.push(imported(group));
                }
            }
        }
        // Whoever is known without a home has the one that the name says under which they are seen.
        if let Some(person) = now.filter(|person| *person.home() != Home::Unsaid) {
            return Some(manages(person.home()));
        }
        match identity {
            Identity::Id(_) => None,
            Identity::Alias(alias) if alias.is_guest() => Some(false),
            Identity::Alias(alias) if is_passport_id_with_tenant(alias) => None,
            Identity::Alias(alias) if reads_as_address(alias) => {
                Some(alias.domain().is_some_and(|domain| manages(&Home::At(domain))))
            }
            Identity::Alias(_) => None,
        }
    }
}

/// What a name can mean in an app: itself, or the account or name that counts for it (D8).
fn meanings(identity: &Identity, app: &App) -> Vec<Identity> {
    let other = match identity {
        Identity::Alias(alias) if alias.app().is_some() => Alias::new(alias.as_str()).ok(),
        Identity::Alias(alias) if !reads_as_address(alias) => Alias::account(app.name().as_str(), alias.as_str()).ok(),
        _ => None,
    };
    [identity.clone()].into_iter().chain(other.map(Identity::Alias)).collect()
}

/// Whether somebody of the directory, or a last member of a group that is gone, goes by it.
fn is_anybodys(
    directory: Option<&Directory>,
    gone: &[(GroupId, Option<LastMembers>)],
    identity: &Identity,
    app: &App,
) -> bool {
    let here = directory.into_iter().flat_map(|directory| &directory.people);
    let last = gone.iter().filter_map(|(_, last)| last.as_ref()).flat_map(|last| &last.members);
    let remembered = last.filter(|member| {
        // By a name only while no record names them otherwise.
        matches!(identity, Identity::Id(_)) || !directory.is_some_and(|it| it.is_named_on_record(&member.id))
    });
    let people: Vec<&Person> = here.chain(remembered).collect();
    let had = |meaning: &Identity| match (meaning, directory) {
        (Identity::Alias(alias), Some(it)) => it.formerly(alias).any(|member| !it.is_named_on_record(&member.id)),
        _ => false,
    };
    meanings(identity, app).iter().any(|meaning| had(meaning) || people.iter().any(|person| person.is(meaning)))
}

/// `1003200096971F55@contoso.onmicrosoft.com` is nobody's address, and no template tenant has people.
fn is_passport_id_with_tenant(alias: &Alias) -> bool {
    let Some((local, domain)) = alias.as_str().rsplit_once('@').filter(|_| reads_as_address(alias)) else {
        return false;
    };
    let is_passport_id = local.len() == 16 && local.chars().all(|c| c.is_ascii_hexdigit());
    is_passport_id || domain.to_ascii_lowercase().ends_with(".templatetenant")
}

/// Whether a directory has names of this form: any id, any undamaged address, and other names if it has one that is bound
/// to the same app, or likewise to none.
fn would_know(directory: Option<&Directory>, identity: &Identity, app: &App) -> bool {
    // Without a directory, that alone is the cause.
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
    let is_like = |meaning: &Identity, name: &Alias| {
        let Identity::Alias(meaning) = meaning else { return false };
        let is_word = |name: &Alias| !name.as_str().contains(|c: char| c.is_whitespace() || "/=,:\\".contains(c));
        let alike = name.app().is_some() || is_word(name) == is_word(meaning);
        !reads_as_address(name) && fold(name.app()) == fold(meaning.app()) && alike
    };
    let damaged = alias.app().is_none() && alias.as_str().contains(['?', '*', '\u{fffd}']);
    let names = || directory.people.iter().flat_map(|person| &person.aliases);
    let has_like = || meanings(identity, app).iter().any(|form| names().any(|name| is_like(form, name)));
    let technical = technical || is_passport_id_with_tenant(alias);
    !damaged && !technical && (reads_as_address(alias) || has_like())
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

/// 0 for the most specific.
fn level_of(target: &ScopeTarget) -> usize {
    match target {
        ScopeTarget::App(_) => 0,
        ScopeTarget::Suite(_) => 1,
        ScopeTarget::AllApps => 2,
    }
}
