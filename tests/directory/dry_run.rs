//! D13: the dry run of a policy change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::directory::{DirectoryBuilder, DirectoryError, DirectoryRevision, GroupDirectory, User};
use activity_privacy::engine::{Affected, DryRun, PolicyEngine, Verdict};
use activity_privacy::filter::DryRunError;
use activity_privacy::governance::PolicyUpdateError;
use activity_privacy::identity::UserId;
use activity_privacy::policy::{GroupRef, ManagedDomain, PolicyChange, ScopeRule, ScopeTarget};
use activity_privacy::strategies::{ImportedDirectory, imports, policy_changes};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture::{Fixture, alias, at, changed, contoso, domain, group, people, user};

fn private(name: &str) -> PolicyChange {
    PolicyChange::MakePrivate(group(name).into())
}

/// With names, for which the caller needs a permission.
fn dry_run(fixture: &Fixture, change: &PolicyChange) -> DryRun {
    fixture.permit_root().filter.dry_run(&user("root"), change, 2).unwrap()
}

fn of(groups: &[(&str, usize)]) -> BTreeMap<GroupRef, usize> {
    groups.iter().map(|(name, count)| (group(name).into(), *count)).collect()
}

#[test]
fn d13_dry_run_counts_hidden_users_and_changes_nothing() {
    let fixture = Fixture::new();
    fixture.install(people(&[
        ("ann", &["council"]),
        ("bob", &["council", "board"]),
        ("eve", &["board"]),
        ("zoe", &[]),
    ]));
    fixture.make_private("board").permit_root();
    let policy = fixture.filter.policy().unwrap();

    let run = dry_run(&fixture, &private("council"));
    assert_eq!(run.hidden().users(), 1, "Bob is hidden already");
    assert_eq!(run.hidden().by_group(), &of(&[("council", 1)]));
    assert_eq!(run.hidden().sample(), [user("ann")]);
    assert_eq!((run.shown().users(), run.unmonitored().users(), run.monitored().users()), (0, 0, 0));

    let run = dry_run(&fixture, &PolicyChange::MakePublic(group("board").into()));
    assert_eq!((run.shown().users(), run.shown().by_group()), (2, &of(&[("board", 2)])));
    assert_eq!(run.shown().sample().len(), 2);

    assert_eq!(*fixture.filter.policy().unwrap(), *policy);
}

#[test]
fn d13_dry_run_counts_unmonitored_users() {
    let fixture = Fixture::new();
    fixture.install(people(&[("ann", &["council"]), ("bob", &["council", "board"]), ("zoe", &[])]));
    let in_box = ScopeTarget::App("Box".parse().unwrap());
    let run = dry_run(&fixture, &PolicyChange::AddScopeRule(ScopeRule::exclude(group("council"), in_box.clone())));
    assert_eq!((run.unmonitored().users(), run.unmonitored().by_group()), (2, &of(&[("council", 2)])));
    // The first include rule for an app excludes all other users there, and no user elsewhere.
    let run = dry_run(&fixture, &PolicyChange::AddScopeRule(ScopeRule::include(group("board"), in_box.clone())));
    assert_eq!((run.unmonitored().users(), run.monitored().users()), (3, 0), "all but Bob");
    fixture.update_policy(PolicyChange::AddScopeRule(ScopeRule::include(group("board"), in_box)));
    let run =
        dry_run(&fixture, &PolicyChange::AddScopeRule(ScopeRule::include(group("council"), ScopeTarget::AllApps)));
    assert_eq!(
        (run.monitored().users(), run.unmonitored().users()),
        (0, 2),
        "elsewhere, those who are not on the council"
    );
    let run = dry_run(&fixture, &PolicyChange::AddScopeRule(ScopeRule::include(group("council"), suite_of_box())));
    assert_eq!((run.monitored().users(), run.unmonitored().users()), (0, 2), "in the other apps of a suite");
}

fn suite_of_box() -> ScopeTarget {
    ScopeTarget::Suite("Box suite".parse().unwrap())
}

#[test]
fn d13_dry_run_counts_built_in_and_removed_groups() {
    let fixture = Fixture::new();
    let guest = User::new(user("guest")).with_alias(alias("guest@fabrikam.com"));
    fixture.install(people(&[("ann", &["council"])]).user(guest.clone()));
    fixture.manage("contoso.com");
    let run = dry_run(&fixture, &PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    assert_eq!((run.hidden().users(), run.hidden().sample()), (1, &[user("guest")][..]));
    let applications = PolicyChange::MakePrivate(GroupRef::Applications);
    assert!(
        dry_run(&fixture, &applications).hides_applications() && !dry_run(&fixture, &applications).shows_applications()
    );
    fixture.make_private("council");
    fixture.install(DirectoryBuilder::new().user(contoso("root")).user(contoso("ann")));
    let run = dry_run(&fixture, &PolicyChange::MakePublic(group("council").into()));
    assert_eq!((run.shown().users(), run.shown().by_group()), (1, &of(&[("council", 1)])));
}

#[test]
fn d13_dry_run_needs_permission_of_the_change() {
    let fixture = Fixture::new();
    fixture.install(people(&[("ann", &["council"])]));
    let denied = fixture.filter.dry_run(&user("ann"), private("council"), 2).unwrap_err();
    assert!(matches!(denied, DryRunError::Rejected(PolicyUpdateError::Denied(_))), "{denied:?}");
    let unknown = fixture.filter.dry_run(&user("root"), private("board"), 2).unwrap_err();
    assert!(matches!(unknown, DryRunError::Rejected(PolicyUpdateError::Invalid(_))), "{unknown:?}");
    assert!(matches!(
        Fixture::new().filter.dry_run(
            &user("root"),
            PolicyChange::ManageDomain(ManagedDomain::exactly(domain("a.b"))),
            0
        ),
        Err(DryRunError::Directory(DirectoryError::NeverLoaded))
    ));
}

/// An activity of each user in each app that the rules can distinguish.
fn activities_of(id: &UserId) -> Vec<Activity> {
    let suites: [Option<&str>; 3] = [None, Some("Microsoft 365"), Some("Box")];
    let apps = ["Box", "Teams", "SharePoint", "box", "Another"].map(|name| App::new(name.parse().unwrap()));
    let places = apps.into_iter().flat_map(|app| {
        suites.map(|suite| match suite {
            Some(suite) => app.clone().in_suite(suite.parse().unwrap()),
            None => app.clone(),
        })
    });
    let doing =
        |app| Activity::builder("a".parse().unwrap(), Actor::user(id.clone()), app, "Login".parse().unwrap(), at(0));
    places.map(|app| doing(app).build().unwrap()).collect()
}

fn users_of(import: &ImportedDirectory) -> BTreeSet<String> {
    let listed = import.members.iter().map(|(_, user)| user.as_str().to_owned());
    listed.chain(import.users.iter().map(|user| user.id().as_str().to_owned())).collect()
}

proptest! {
    #[test]
    fn d13_dry_run_equals_effect_of_change(
        import in imports(),
        changes in vec(policy_changes(), 0..10),
        change in policy_changes(),
    ) {
        let directory = Arc::new(import.snapshot(DirectoryRevision(2), at(0)).unwrap());
        let fixture = Fixture::new();
        fixture.install(people(&[])).permit_root();
        let mut policy = (*fixture.filter.policy().unwrap()).clone();
        for change in &changes {
            // Options have no influence on memberships.
            if !matches!(change, PolicyChange::SetOptions(_)) {
                policy = changed(&policy, change, Some(&directory)).unwrap_or(policy);
            }
        }
        let Ok(then) = changed(&policy, &change, Some(&directory)) else { return Ok(()) };
        let is_scoped = !policy.scope().is_empty() || !then.scope().is_empty();
        fixture.directory.install(Arc::clone(&directory)).unwrap();
        for change in &changes {
            if !matches!(change, PolicyChange::SetOptions(_)) {
                let _ = fixture.filter.update_policy(&user("root"), change);
            }
        }
        prop_assert_eq!(&*fixture.filter.policy().unwrap(), &policy);
        // An earlier change may have revoked the permission for names.
        let sample = if policy.may_view_private(&user("root")).is_ok() { 100 } else { 0 };
        let run = fixture.filter.dry_run(&user("root"), &change, sample).unwrap();

        prop_assert!(sample > 0 || [run.hidden(), run.shown(), run.unmonitored(), run.monitored()].iter().all(|by| by.sample().is_empty()));
        if sample == 0 {
            return Ok(());
        }
        // The directory in force also remembers the users of the one before it.
        let installed = fixture.directory.snapshot().unwrap();
        let [before, after] = [policy, then].map(|policy| PolicyEngine::new(Arc::new(policy), Ok(Arc::clone(&installed))));
        let [mut hidden, mut shown, mut unmonitored, mut monitored] = [const { BTreeSet::new() }; 4];
        for id in users_of(&import) {
            for doing in activities_of(&user(&id)) {
                let verdict = |engine: &PolicyEngine| engine.verdict(&doing, at(0)).0;
                match (verdict(&before), verdict(&after)) {
                    (Verdict::NotMonitored, Verdict::NotMonitored) => {}
                    (Verdict::NotMonitored, _) => { monitored.insert(id.clone()); }
                    (_, Verdict::NotMonitored) => { unmonitored.insert(id.clone()); }
                    (Verdict::Public, Verdict::Private) => { hidden.insert(id.clone()); }
                    (Verdict::Private, Verdict::Public) => { shown.insert(id.clone()); }
                    (Verdict::Public, Verdict::Public) | (Verdict::Private, Verdict::Private) => {}
                }
            }
        }
        let said = |affected: &Affected| -> BTreeSet<String> {
            assert_eq!(affected.users(), affected.sample().len());
            affected.sample().iter().map(|user| user.as_str().to_owned()).collect()
        };
        prop_assert_eq!(said(run.unmonitored()), unmonitored);
        prop_assert_eq!(said(run.monitored()), monitored);
        // Users whom a scope excludes everywhere have no stored activity.
        if !is_scoped {
            prop_assert_eq!(said(run.hidden()), hidden);
            prop_assert_eq!(said(run.shown()), shown);
        }
    }
}
