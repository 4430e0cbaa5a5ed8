//! The dry run: the effect of a policy change on each user, before the change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Serialize, Serializer};

use super::compiled::CompiledPolicy;
use super::evaluate::{Residence, residences};
use super::{PolicyEngine, Scope};
use crate::activity::{App, AppName};
use crate::directory::UserIndex;
use crate::identity::UserId;
use crate::policy::{GroupRef, PrivacyPolicy, ScopeTarget};
use crate::steps;

/// The effect of a policy change on the users of the directory, for their future activities. Stored activities do not
/// change, and neither does the policy.
///
/// [`PrivacyFilter::dry_run`](crate::filter::PrivacyFilter::dry_run) returns it. It counts users of the directory and
/// last members of removed groups. External people who are not in the directory are not counted, and the group of
/// external users hides them too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DryRun {
    hidden: Affected,
    shown: Affected,
    unmonitored: Affected,
    monitored: Affected,
    hides_applications: bool,
    shows_applications: bool,
}

/// The users whom a change would affect in one way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Affected {
    users: usize,
    #[serde(serialize_with = "as_list")]
    by_group: BTreeMap<GroupRef, usize>,
    sample: Vec<UserId>,
}

impl Affected {
    /// Returns the number of users.
    #[must_use]
    pub fn users(&self) -> usize {
        self.users
    }

    /// Returns the number of users in each group that causes the effect: private groups that hide them before or after
    /// the change, or groups of scope rules that include or exclude them before or after it. A user in two such groups
    /// counts in both.
    #[must_use]
    pub fn by_group(&self) -> &BTreeMap<GroupRef, usize> {
        &self.by_group
    }

    /// Returns some of the users, at most as many as the caller asked for, in no particular order. It is empty unless
    /// the caller may view private activities.
    #[must_use]
    pub fn sample(&self) -> &[UserId] {
        &self.sample
    }

    fn add<'a>(&mut self, users: &UserClass, groups: impl IntoIterator<Item = &'a GroupRef>, sample: usize) {
        self.users += users.count;
        for group in groups {
            *self.by_group.entry(group.clone()).or_default() += users.count;
        }
        let missing = sample.saturating_sub(self.sample.len());
        self.sample.extend(users.sample.iter().take(missing).cloned());
    }
}

/// Writes the users of each group as a list, because a group is not a text, and only texts are keys in JSON.
fn as_list<S: Serializer>(by_group: &BTreeMap<GroupRef, usize>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct OfGroup<'a> {
        group: &'a GroupRef,
        users: usize,
    }
    serializer.collect_seq(by_group.iter().map(|(group, users)| OfGroup { group, users: *users }))
}

impl DryRun {
    /// Returns the users who are not private now and would be.
    #[must_use]
    pub fn hidden(&self) -> &Affected {
        &self.hidden
    }

    /// Returns the users who are private now and would not be.
    #[must_use]
    pub fn shown(&self) -> &Affected {
        &self.shown
    }

    /// Returns the users who are monitored now and would not be, in at least one app.
    #[must_use]
    pub fn unmonitored(&self) -> &Affected {
        &self.unmonitored
    }

    /// Returns the users who are not monitored now and would be, in at least one app.
    #[must_use]
    pub fn monitored(&self) -> &Affected {
        &self.monitored
    }

    /// Returns whether activities of applications would be hidden, and are not now.
    #[must_use]
    pub fn hides_applications(&self) -> bool {
        self.hides_applications
    }

    /// Returns whether activities of applications would be shown, and are hidden now.
    #[must_use]
    pub fn shows_applications(&self) -> bool {
        self.shows_applications
    }
}

/// Users with the same facts under both policies.
#[derive(Default)]
struct UserClass {
    count: usize,
    sample: Vec<UserId>,
}

/// The facts about a user that a policy depends on.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct Facts {
    /// The sets of policy groups that the memberships lead to.
    sets: Vec<u32>,
    /// The policy groups that the user is a last member of.
    last_groups: Vec<usize>,
    external: bool,
}

impl Facts {
    fn clear(&mut self) {
        self.sets.clear();
        self.last_groups.clear();
        self.external = false;
    }

    /// Returns the positions of the policy groups that the user is in.
    fn groups(&self, compiled: &CompiledPolicy) -> BTreeSet<usize> {
        let groups = self.sets.iter().flat_map(|set| compiled.reach().set(*set).into_owned());
        let external = compiled.position(&GroupRef::ExternalUsers).filter(|_| self.external);
        groups.chain(self.last_groups.iter().copied()).chain(external).inspect(|_| steps::advance(1)).collect()
    }
}

impl PolicyEngine {
    /// Compares the decisions of this engine on all users with those of an engine for another policy and the same
    /// directory.
    pub(crate) fn dry_run(&self, after: &Self, sample: usize) -> DryRun {
        let mut all: HashMap<[Facts; 2], UserClass> = HashMap::new();
        let engines = [self, after];
        self.each_user(after, |id, facts| {
            if !all.contains_key(facts) {
                all.insert(facts.clone(), UserClass::default());
            }
            if let Some(class) = all.get_mut(facts) {
                class.count += 1;
                if class.sample.len() < sample {
                    class.sample.push(id());
                }
            }
        });
        let applications = engines.map(|engine| {
            engine.policy.private_groups().contains(&GroupRef::Applications) || engine.hides_everything()
        });
        let [before, then] = applications;
        let (hidden, shown, unmonitored, monitored) = <_>::default();
        let (hides_applications, shows_applications) = (then && !before, before && !then);
        let mut run = DryRun { hidden, shown, unmonitored, monitored, hides_applications, shows_applications };
        let apps = distinguishable_apps(&self.policy, &after.policy);
        for (facts, users) in &all {
            steps::advance(apps.len());
            self.compare(after, facts, users, &apps, sample, &mut run);
        }
        run
    }

    /// Returns whether every activity is hidden, because the members of a group are unknown.
    fn hides_everything(&self) -> bool {
        !self.fails_open() && self.unknown_groups().next().is_some()
    }

    fn compare(
        &self,
        after: &Self,
        facts: &[Facts; 2],
        users: &UserClass,
        apps: &[App],
        sample: usize,
        run: &mut DryRun,
    ) {
        let [before, then] = facts;
        let (before, then) = (before.groups(&self.compiled), then.groups(&after.compiled));
        let private_before: Vec<&GroupRef> = before.iter().filter_map(|at| self.compiled.private_group(*at)).collect();
        let private_then: Vec<&GroupRef> = then.iter().filter_map(|at| after.compiled.private_group(*at)).collect();
        let is_private = |engine: &Self, groups: &[&GroupRef]| !groups.is_empty() || engine.hides_everything();
        match (is_private(self, &private_before), is_private(after, &private_then)) {
            (false, true) => run.hidden.add(users, private_then, sample),
            (true, false) => run.shown.add(users, private_before, sample),
            (true, true) | (false, false) => {}
        }
        let monitored = |engine: &Self, groups: &BTreeSet<usize>, app: &App| {
            let unknown = engine.unknown_groups().collect();
            let scope = engine.scope(app, |at| groups.contains(&at), &unknown);
            matches!(scope, Scope::Monitored(_))
        };
        let both = |app: &App| (monitored(self, &before, app), monitored(after, &then, app));
        let in_rules = || {
            let of = |engine: &PolicyEngine, groups: &BTreeSet<usize>| -> Vec<GroupRef> {
                let rules = engine.policy.scope().iter().zip(&engine.scope_groups);
                rules.filter(|(_, at)| groups.contains(at)).map(|(rule, _)| rule.group().clone()).collect()
            };
            of(self, &before).into_iter().chain(of(after, &then)).collect::<BTreeSet<_>>()
        };
        if apps.iter().any(|app| both(app) == (true, false)) {
            run.unmonitored.add(users, &in_rules(), sample);
        }
        if apps.iter().any(|app| both(app) == (false, true)) {
            run.monitored.add(users, &in_rules(), sample);
        }
    }

    /// Calls `found` for each user, with the facts under both policies.
    fn each_user(&self, after: &Self, mut found: impl FnMut(&dyn Fn() -> UserId, &[Facts; 2])) {
        let Some(directory) = self.directory() else { return };
        let engines = [self, after];
        let residences = engines.map(|engine| residences(&engine.policy, directory));
        let mut facts = [Facts::default(), Facts::default()];
        directory.each_membership(directory.user_range(), |user, groups| {
            steps::advance(2 + 2 * groups.len());
            let user = UserIndex::from_u32(user);
            // A removed user has no record.
            let Some(record) = directory.record(user) else { return };
            let id = || UserId::from_checked(record.id());
            for ((facts, engine), residences) in facts.iter_mut().zip(engines).zip(&residences) {
                facts.clear();
                let sets = groups.iter().map(|group| engine.compiled.reach().number(group.get()));
                facts.sets.extend(sets.filter(|set| *set != 0));
                facts.sets.sort_unstable();
                facts.sets.dedup();
                facts.external = residences.get(directory.home_number(user) as usize) != Some(&Residence::Managed);
                if !engine.compiled.has_no_last_members() {
                    facts.last_groups.extend(engine.compiled.last_groups(&id()));
                }
            }
            found(&id, &facts);
        });
        let (before, then) = (self.compiled.last_members().0, after.compiled.last_members().0);
        for id in before.chain(then).collect::<BTreeSet<_>>().into_iter().filter(|id| directory.find(id).is_none()) {
            for (facts, engine) in facts.iter_mut().zip(engines) {
                facts.clear();
                facts.last_groups.extend(engine.compiled.last_groups(id));
                // A user who is known by id alone has no known home.
                facts.external = true;
            }
            found(&|| id.clone(), &facts);
        }
    }
}

/// Returns an app for each case that the scope rules of two policies can distinguish.
fn distinguishable_apps(before: &PrivacyPolicy, after: &PrivacyPolicy) -> Vec<App> {
    let (mut apps, mut suites) = (BTreeSet::new(), BTreeSet::new());
    for rule in before.scope().iter().chain(after.scope()) {
        match rule.target() {
            ScopeTarget::AllApps => {}
            ScopeTarget::Suite(suite) => drop(suites.insert(suite)),
            ScopeTarget::App(app) => drop(apps.insert(app)),
        }
    }
    // An app that no rule names.
    let other = (0..).find_map(|n| AppName::new(format!("app {n}")).ok().filter(|name| !apps.contains(name)));
    let apps: Vec<App> = apps.into_iter().chain(&other).cloned().map(App::new).collect();
    let in_suites = suites.into_iter().flat_map(|suite| apps.iter().map(|app| app.clone().in_suite(suite.clone())));
    let in_suites: Vec<App> = in_suites.collect();
    apps.into_iter().chain(in_suites).collect()
}
