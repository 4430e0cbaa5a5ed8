//! What a change of the policy would do to whom, before it is made.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::watch::Watch;
use super::{PolicyEngine, Scope};
use crate::activity::{App, AppName};
use crate::directory::{Home, UserIndex};
use crate::identity::UserId;
use crate::policy::{GroupRef, PrivacyPolicy, ScopeTarget};
use crate::steps;

/// What a change of the policy would do to the users of the directory, as those who act from then on; what is stored
/// stays as it is. Changes nothing.
///
/// Asked for by [`PrivacyFilter::dry_run`](crate::filter::PrivacyFilter::dry_run). It counts users whom the directory knows,
/// and those who were in a group that is gone: a person from outside whom it does not know is hidden all the same by
/// the group of external users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryRun {
    hidden: Affected,
    shown: Affected,
    unmonitored: Affected,
    monitored: Affected,
    applications: (bool, bool),
}

/// Users whom a change would affect in one way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    users: usize,
    by_group: BTreeMap<GroupRef, usize>,
    sample: Vec<UserId>,
}

impl Affected {
    /// How many they are.
    #[must_use]
    pub fn users(&self) -> usize {
        self.users
    }

    /// How many of them are in each group that the change is about for them: the private groups that hide them, or did;
    /// the groups of the rules that take them in or leave them out, or did. Whoever is in two of them counts in both.
    #[must_use]
    pub fn by_group(&self) -> &BTreeMap<GroupRef, usize> {
        &self.by_group
    }

    /// The first of them, as many as were asked for, in no particular order. Nobody, unless names were asked for by
    /// somebody who may view private activities.
    #[must_use]
    pub fn sample(&self) -> &[UserId] {
        &self.sample
    }

    fn add<'a>(&mut self, users: &Alike, groups: impl IntoIterator<Item = &'a GroupRef>, sample: usize) {
        self.users += users.count;
        for group in groups {
            *self.by_group.entry(group.clone()).or_default() += users.count;
        }
        let room = sample.saturating_sub(self.sample.len());
        self.sample.extend(users.sample.iter().take(room).cloned());
    }
}

impl DryRun {
    /// Whoever is not private now and would be.
    #[must_use]
    pub fn hidden(&self) -> &Affected {
        &self.hidden
    }

    /// Whoever is private now and would not be any more.
    #[must_use]
    pub fn shown(&self) -> &Affected {
        &self.shown
    }

    /// Whoever would not be monitored any more, in at least one app.
    #[must_use]
    pub fn unmonitored(&self) -> &Affected {
        &self.unmonitored
    }

    /// Whoever would be monitored in at least one app where they are not now.
    #[must_use]
    pub fn monitored(&self) -> &Affected {
        &self.monitored
    }

    /// Whether what applications do would be hidden, where now it is not.
    #[must_use]
    pub fn hides_applications(&self) -> bool {
        self.applications == (false, true)
    }

    /// Whether what applications do would be shown, where now it is hidden.
    #[must_use]
    pub fn shows_applications(&self) -> bool {
        self.applications == (true, false)
    }
}

/// Users of whom both policies think alike.
#[derive(Default)]
struct Alike {
    count: usize,
    sample: Vec<UserId>,
}

/// What a policy goes by: the sets of watched groups that the groups of a user lead to, those that are remembered, and
/// their home.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct Facts {
    sets: Vec<u32>,
    remembered: Vec<usize>,
    external: bool,
}

impl Facts {
    fn clear(&mut self) {
        self.sets.clear();
        self.remembered.clear();
        self.external = false;
    }

    /// The watched groups of whoever these are the facts of.
    fn groups(&self, watch: &Watch) -> BTreeSet<usize> {
        let told = self.sets.iter().flat_map(|set| watch.reach().set(*set).into_owned());
        let external = watch.position(&GroupRef::ExternalUsers).filter(|_| self.external);
        told.chain(self.remembered.iter().copied()).chain(external).inspect(|_| steps::advance(1)).collect()
    }
}

impl PolicyEngine {
    /// Compares what this would decide on everybody with what another policy would, over the same directory.
    pub(crate) fn dry_run(&self, after: &Self, sample: usize) -> DryRun {
        let mut all: HashMap<[Facts; 2], Alike> = HashMap::new();
        let engines = [self, after];
        self.each_user(after, |id, facts| {
            if !all.contains_key(facts) {
                all.insert(facts.clone(), Alike::default());
            }
            if let Some(alike) = all.get_mut(facts) {
                alike.count += 1;
                if alike.sample.len() < sample {
                    alike.sample.push(id());
                }
            }
        });
        let applications = engines
            .map(|engine| engine.policy.private_groups().contains(&GroupRef::Applications) || engine.hides_everybody());
        let [before, then] = applications;
        let (hidden, shown, unmonitored, monitored) = <_>::default();
        let mut run = DryRun { hidden, shown, unmonitored, monitored, applications: (before, then) };
        let places = places(&self.policy, &after.policy);
        for (facts, users) in &all {
            steps::advance(places.len());
            self.compare(after, facts, users, &places, sample, &mut run);
        }
        run
    }

    /// Whether everybody is hidden, because nobody knows who was in a group that is gone.
    fn hides_everybody(&self) -> bool {
        !self.shows_undecided() && self.missing().next().is_some()
    }

    fn compare(
        &self,
        after: &Self,
        facts: &[Facts; 2],
        users: &Alike,
        places: &[App],
        sample: usize,
        run: &mut DryRun,
    ) {
        let [before, then] = facts;
        let (before, then) = (before.groups(&self.watch), then.groups(&after.watch));
        let private_before: Vec<&GroupRef> = before.iter().filter_map(|at| self.watch.private_group(*at)).collect();
        let private_then: Vec<&GroupRef> = then.iter().filter_map(|at| after.watch.private_group(*at)).collect();
        let is_private = |engine: &Self, groups: &[&GroupRef]| !groups.is_empty() || engine.hides_everybody();
        match (is_private(self, &private_before), is_private(after, &private_then)) {
            (false, true) => run.hidden.add(users, private_then, sample),
            (true, false) => run.shown.add(users, private_before, sample),
            (true, true) | (false, false) => {}
        }
        let monitored = |engine: &Self, groups: &BTreeSet<usize>, app: &App| {
            let unknown = engine.missing().collect();
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
        if places.iter().any(|app| both(app) == (true, false)) {
            run.unmonitored.add(users, &in_rules(), sample);
        }
        if places.iter().any(|app| both(app) == (false, true)) {
            run.monitored.add(users, &in_rules(), sample);
        }
    }

    /// Calls `found` for everybody, with what either policy goes by.
    fn each_user(&self, after: &Self, mut found: impl FnMut(&dyn Fn() -> UserId, &[Facts; 2])) {
        let Some(directory) = self.directory() else { return };
        let engines = [self, after];
        let external = engines.map(|engine| {
            let home = |home: Home<'_>| !matches!(home, Home::At(domain) if engine.policy.manages(domain));
            directory.all_homes().map(home).collect::<Vec<bool>>()
        });
        let mut facts = [Facts::default(), Facts::default()];
        directory.each_membership(directory.user_range(), |user, groups| {
            steps::advance(2 + 2 * groups.len());
            let user = UserIndex::numbered(user);
            // A number whose user is gone.
            let Some(entry) = directory.entry(user) else { return };
            let id = || UserId::from_checked(entry.id());
            for ((facts, engine), external) in facts.iter_mut().zip(engines).zip(&external) {
                facts.clear();
                let sets = groups.iter().map(|group| engine.watch.reach().number(group.get()));
                facts.sets.extend(sets.filter(|set| *set != 0));
                facts.sets.sort_unstable();
                facts.sets.dedup();
                facts.external = external.get(directory.home_number(user) as usize).copied().unwrap_or(true);
                if !engine.watch.remembers_nobody() {
                    facts.remembered.extend(engine.watch.retained(&id()));
                }
            }
            found(&id, &facts);
        });
        let (before, then) = (self.watch.remembered().0, after.watch.remembered().0);
        for id in before.chain(then).collect::<BTreeSet<_>>().into_iter().filter(|id| directory.find(id).is_none()) {
            for (facts, engine) in facts.iter_mut().zip(engines) {
                facts.clear();
                facts.remembered.extend(engine.watch.retained(id));
                // By their id nobody tells where they are at home.
                facts.external = true;
            }
            found(&|| id.clone(), &facts);
        }
    }
}

/// One app for each way in which the rules of two policies can tell apps apart.
fn places(before: &PrivacyPolicy, after: &PrivacyPolicy) -> Vec<App> {
    let (mut apps, mut suites) = (BTreeSet::new(), BTreeSet::new());
    for rule in before.scope().iter().chain(after.scope()) {
        match rule.target() {
            ScopeTarget::AllApps => {}
            ScopeTarget::Suite(suite) => drop(suites.insert(suite)),
            ScopeTarget::App(app) => drop(apps.insert(app)),
        }
    }
    // One that no rule names.
    let other = (0..).find_map(|n| AppName::new(format!("app {n}")).ok().filter(|name| !apps.contains(name)));
    let apps: Vec<App> = apps.into_iter().chain(&other).cloned().map(App::new).collect();
    let in_suites = suites.into_iter().flat_map(|suite| apps.iter().map(|app| app.clone().in_suite(suite.clone())));
    let in_suites: Vec<App> = in_suites.collect();
    apps.into_iter().chain(in_suites).collect()
}
