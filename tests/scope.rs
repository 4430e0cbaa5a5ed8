//! Chapter S of the rules: which activities are monitored.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy recognises only test functions as tests"
)]

mod fixture;

use std::sync::Arc;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::directory::DirectoryRevision;
use activity_privacy::engine::{PolicyEngine, Reason, Verdict};
use activity_privacy::filter::IngestOutcome;
use activity_privacy::forward::Offset;
use activity_privacy::policy::{
    GroupRef, OptionsPatch, PolicyChange, PrivacyPolicy, ScopeEffect, ScopeRule, ScopeTarget,
};
use activity_privacy::query::PageSize;
use fixture::*;
use proptest::prelude::*;

fn suite(name: &str) -> ScopeTarget {
    ScopeTarget::Suite(name.parse().unwrap())
}

fn app(name: &str) -> ScopeTarget {
    ScopeTarget::App(name.parse().unwrap())
}

fn include(name: &str, target: ScopeTarget) -> ScopeRule {
    ScopeRule::include(group(name), target)
}

fn exclude(name: &str, target: ScopeTarget) -> ScopeRule {
    ScopeRule::exclude(group(name), target)
}

/// An app, and its suite if it has one.
type Place = (&'static str, Option<&'static str>);

const SHAREPOINT: Place = ("SharePoint", Some("Microsoft 365"));
const TEAMS: Place = ("Teams", Some("Microsoft 365"));
const BOX: Place = ("Box", None);

fn done_in((app, suite): Place, id: &str, name: &str) -> Activity {
    let mut place = App::new(app.parse().unwrap());
    if let Some(suite) = suite {
        place = place.in_suite(suite.parse().unwrap());
    }
    let actor = Actor::user(alias(&format!("{name}@contoso.com")));
    Activity::builder(id.parse().unwrap(), actor, place, "FileAccessed".parse().unwrap(), at(0)).build().unwrap()
}

/// Adele is in staff, Bob in sales, Both in both, Carol in no group.
fn fixture_with(rules: &[ScopeRule]) -> Fixture {
    let fixture = Fixture::new();
    fixture.install(people(&[
        ("adele", &["staff"]),
        ("bob", &["sales"]),
        ("both", &["sales", "staff"]),
        ("carol", &[]),
    ]));
    fixture.manage("contoso.com");
    for rule in rules {
        fixture.update_policy(PolicyChange::AddScopeRule(rule.clone()));
    }
    fixture
}

/// Returns which of Adele, Bob, Both and Carol are monitored in an app.
fn monitored(fixture: &Fixture, place: Place) -> String {
    let names = ["adele", "bob", "both", "carol"];
    let activities = names.map(|name| done_in(place, &format!("{}-{name}", place.0), name));
    let outcomes = fixture.ingest(&activities);
    let kept = names.iter().zip(outcomes).filter(|(_, delivery)| *delivery != IngestOutcome::NotMonitored);
    kept.map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
}

#[test]
fn s1_most_specific_include_decides_and_exclude_wins() {
    use ScopeTarget::AllApps;
    const ALL: &str = "adele bob both carol";
    let m365 = || suite("Microsoft 365");
    for (what, rules, [sharepoint, teams, in_box]) in [
        ("no rule", vec![], [ALL, ALL, ALL]),
        ("exclude rules alone", vec![exclude("staff", AllApps)], ["bob carol", "bob carol", "bob carol"]),
        ("one group everywhere", vec![include("staff", AllApps)], ["adele both", "adele both", "adele both"]),
        (
            "groups at one level add up",
            vec![include("staff", AllApps), include("sales", AllApps)],
            ["adele bob both", "adele bob both", "adele bob both"],
        ),
        (
            "a suite over all apps",
            vec![include("staff", AllApps), include("sales", m365())],
            ["bob both", "bob both", "adele both"],
        ),
        (
            "an app over its suite over all apps",
            vec![include("staff", AllApps), include("sales", m365()), include("staff", app("Teams"))],
            ["bob both", "adele both", "adele both"],
        ),
        ("a rule for one app alone", vec![include("staff", app("Teams"))], [ALL, "adele both", ALL]),
        ("a rule for one suite alone", vec![include("staff", m365())], ["adele both", "adele both", ALL]),
        (
            "an exclude rule at a wider level wins",
            vec![include("staff", app("Teams")), exclude("sales", AllApps)],
            ["adele carol", "adele", "adele carol"],
        ),
        (
            "an exclude rule at a narrower level wins",
            vec![include("staff", AllApps), exclude("sales", app("Teams"))],
            ["adele both", "adele", "adele both"],
        ),
        (
            "an exclude rule at the same level wins",
            vec![include("staff", m365()), exclude("staff", m365())],
            ["", "", ALL],
        ),
        (
            "an exclude rule for another app does not apply",
            vec![exclude("staff", suite("Google")), exclude("sales", app("Box"))],
            [ALL, ALL, "adele carol"],
        ),
        (
            "a suite is not an app of that name",
            vec![exclude("staff", app("Microsoft 365")), exclude("sales", suite("SharePoint"))],
            [ALL, ALL, ALL],
        ),
    ] {
        let fixture = fixture_with(&rules);
        assert_eq!(monitored(&fixture, SHAREPOINT), sharepoint, "{what}");
        assert_eq!(monitored(&fixture, TEAMS), teams, "{what}");
        assert_eq!(monitored(&fixture, BOX), in_box, "{what}");
    }
}

/// The example in the documentation of Microsoft Defender for Cloud Apps, "Scoped deployment".
#[test]
fn s1_reference_table_is_reproduced() {
    let (office, power_bi, salesforce) =
        (("Word", Some("Office 365")), ("Power BI", Some("Office 365")), ("Salesforce", None));
    let names = ["adriana", "alain", "cornel", "raymond"];
    let fixture = Fixture::new();
    fixture.install(people(&[
        ("adriana", &["Germany all users", "Global sales", "Sales managers"]),
        ("alain", &["Global sales"]),
        ("cornel", &["Global sales", "Sales managers"]),
        ("raymond", &["Sales managers"]),
    ]));
    fixture.manage("contoso.com");
    for rule in [
        exclude("Germany all users", ScopeTarget::AllApps),
        include("Global sales", suite("Office 365")),
        include("Sales managers", app("Power BI")),
    ] {
        fixture.update_policy(PolicyChange::AddScopeRule(rule));
    }
    for (place, expected) in [
        (office, ["alain", "cornel"].as_slice()),
        (power_bi, &["cornel", "raymond"]),
        (salesforce, &["alain", "cornel", "raymond"]),
    ] {
        let activities = names.map(|name| done_in(place, &format!("{}-{name}", place.0), name));
        let outcomes = fixture.ingest(&activities);
        let kept = names.iter().zip(outcomes).filter(|(_, outcome)| *outcome != IngestOutcome::NotMonitored);
        assert_eq!(kept.map(|(name, _)| *name).collect::<Vec<_>>(), expected, "{}", place.0);
    }
}

#[test]
fn s1_built_in_nested_and_represented_principals_count() {
    let fixture = Fixture::new();
    let import = people(&[("adele", &["inner"]), ("bob", &[])]).group(group("outer"), "Outer");
    fixture.install(import.nested(&group("outer"), &group("inner"))).manage("contoso.com");
    fixture.update_policy(PolicyChange::AddScopeRule(include("outer", ScopeTarget::AllApps)));
    fixture.update_policy(PolicyChange::AddScopeRule(ScopeRule::include(GroupRef::Applications, ScopeTarget::AllApps)));
    fixture
        .update_policy(PolicyChange::AddScopeRule(ScopeRule::exclude(GroupRef::ExternalUsers, ScopeTarget::AllApps)));
    let backup = || Actor::application("Backup".parse().unwrap());
    let bob = || Actor::user(alias("bob@contoso.com"));
    let batch = [
        activity("adele", "adele"),
        activity("bob", "bob"),
        by("app", backup()),
        begun("for adele", bob()).on_behalf_of(Actor::user(user("adele"))).build().unwrap(),
        begun("app for a guest", backup()).on_behalf_of(Actor::user(alias("x@evil.example"))).build().unwrap(),
        // The recipient of the action is ignored under all options.
        begun("to adele", bob()).object("adele@contoso.com").build().unwrap(),
    ];
    fixture.options(OptionsPatch::new().include_objects(true));
    use IngestOutcome::{NotMonitored, Stored};
    assert_eq!(fixture.ingest(&batch), [Stored, NotMonitored, Stored, Stored, NotMonitored, NotMonitored]);
}

#[test]
fn s1_undecidable_principal_is_hidden_despite_include_rules() {
    let fixture = fixture_with(&[include("staff", ScopeTarget::AllApps)]);
    assert_eq!(fixture.ingest(&[by("unknown", Actor::unknown())]), [IngestOutcome::Stored]);
    assert!(fixture.is_private("unknown"));
}

#[test]
fn s1_decision_names_the_include_rule() {
    let fixture = fixture_with(&[include("sales", app("Teams")), include("staff", app("Teams"))]);
    fixture.ingest(&[done_in(TEAMS, "a", "adele")]);
    assert_eq!(fixture.decision("a").reasons(), [Reason::Scope(include("staff", app("Teams")))]);
    let said = fixture.decision("a").explain().to_string();
    assert!(said.starts_with("shown: it was monitored because group `staff` is included in app `Teams`; "), "{said}");
}

#[test]
fn s1_scope_is_decided_before_privacy() {
    let fixture = fixture_with(&[exclude("staff", ScopeTarget::AllApps)]);
    fixture.make_private("staff");
    assert_eq!(fixture.ingest(&[activity("a", "adele")]), [IngestOutcome::NotMonitored]);
    assert_eq!(fixture.everything(), []);
}

const GROUPS: [&str; 3] = ["g0", "g1", "g2"];
const PLACES: [Place; 4] = [SHAREPOINT, TEAMS, BOX, ("Drive", Some("Google"))];

fn target() -> impl Strategy<Value = ScopeTarget> {
    prop_oneof![
        Just(ScopeTarget::AllApps),
        prop::sample::select(vec!["Microsoft 365", "Google", "Box"]).prop_map(suite),
        prop::sample::select(vec!["SharePoint", "Teams", "Box", "Google"]).prop_map(app),
    ]
}

fn rule() -> impl Strategy<Value = ScopeRule> {
    (any::<bool>(), prop::sample::select(GROUPS.to_vec()), target())
        .prop_map(|(takes_in, group, target)| if takes_in { include(group, target) } else { exclude(group, target) })
}

/// Rule S1, implemented literally.
fn naively_monitored(rules: &[ScopeRule], (app, suite): Place, memberships: &[&str]) -> bool {
    let of = |effect| rules.iter().filter(move |rule| rule.effect() == effect);
    let about_member = |rule: &ScopeRule| memberships.iter().any(|name| *rule.group() == group(name).into());
    let at_level = |rule: &ScopeRule, level: usize| match rule.target() {
        ScopeTarget::App(name) => level == 0 && name.as_str() == app,
        ScopeTarget::Suite(name) => level == 1 && Some(name.as_str()) == suite,
        ScopeTarget::AllApps => level == 2,
    };
    // An exclude rule that applies at any level always wins.
    for rule in of(ScopeEffect::Exclude) {
        if about_member(rule) && (0..3).any(|level| at_level(rule, level)) {
            return false;
        }
    }
    // Among the include rules that cover an app the most specific level decides; groups at that level add up.
    for level in 0..3 {
        let here: Vec<_> = of(ScopeEffect::Include).filter(|rule| at_level(rule, level)).collect();
        if !here.is_empty() {
            return here.into_iter().any(about_member);
        }
    }
    // An app that no include rule covers at any level is monitored for everyone.
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn s1_any_rules_match_naive_implementation(
        rules in prop::collection::vec(rule(), 0..8),
        memberships in prop::sample::subsequence(GROUPS.to_vec(), 0..=GROUPS.len()),
    ) {
        let mut import = people(&[]).user(contoso("adele"));
        for name in GROUPS {
            import = import.group(group(name), name);
        }
        for name in &memberships {
            import = import.member(&group(name), &user("adele"));
        }
        let directory = std::sync::Arc::new(import.build(DirectoryRevision(1), at(0)).unwrap());
        let mut policy = PrivacyPolicy::initial(&admins());
        for rule in &rules {
            let change = PolicyChange::AddScopeRule(rule.clone());
            policy = changed(&policy, &change, Some(&directory)).unwrap_or(policy);
        }
        let engine = PolicyEngine::new(Arc::new(policy), Ok(directory));
        for place in PLACES {
            let (verdict, _) = engine.verdict(&done_in(place, "a", "adele"), at(0));
            prop_assert_eq!(verdict != Verdict::NotMonitored, naively_monitored(&rules, place, &memberships));
        }
    }
}

#[test]
fn s2_unmonitored_activity_is_only_counted() {
    let fixture = fixture_with(&[exclude("staff", ScopeTarget::AllApps)]);
    fixture.permit_root();
    let records = fixture.records().len();
    let batch = [activity("canary-1", "adele"), activity("plain", "bob"), activity("canary-2", "both")];
    let report = fixture.filter.ingest(&batch).unwrap();
    use IngestOutcome::{NotMonitored, Stored};
    assert_eq!(report.outcomes(), [NotMonitored, Stored, NotMonitored]);
    assert_eq!((report.count(NotMonitored), report.count(Stored)), (2, 1));
    assert!(!format!("{report:?}").contains("canary"));

    assert_eq!(fixture.records().len(), records, "ingest writes no governance record");
    let stored = fixture.everything();
    assert_eq!(stored.iter().map(|stored| stored.activity().id().as_str()).collect::<Vec<_>>(), ["plain"]);
    let forwarded = fixture.filter.forward(&Offset::START, PageSize::MAX).unwrap().activities;
    assert_eq!(forwarded.iter().map(|public| public.activity().id().as_str()).collect::<Vec<_>>(), ["plain"]);
    assert!(!serde_json::to_string(&fixture.records()).unwrap().contains("canary"));
}

#[cfg(feature = "sqlite")]
#[test]
fn s2_unmonitored_activity_writes_no_byte_to_disk() {
    use activity_privacy::sqlite::{SqliteGovernance, SqliteStore};
    use std::sync::Arc;
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path().join("a.db")).unwrap();
    let sink = SqliteGovernance::open(dir.path().join("g.db")).unwrap();
    let fixture = Fixture::over(Arc::new(store), Arc::new(sink));
    fixture.install(people(&[("adele", &["staff"])])).manage("contoso.com");
    fixture.update_policy(PolicyChange::AddScopeRule(exclude("staff", ScopeTarget::AllApps)));
    fixture.ingest(&[activity("canary", "adele"), activity("control", "bob")]);
    let on_disk = |text: &str| {
        let files = std::fs::read_dir(dir.path()).unwrap();
        files
            .map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    };
    assert!(on_disk("control"), "the search finds stored bytes");
    assert!(!on_disk("canary"));
}

#[test]
fn s2_unmonitored_activity_is_accepted_under_later_scope() {
    let fixture = fixture_with(&[exclude("staff", ScopeTarget::AllApps)]);
    let batch = [activity("a", "adele")];
    assert_eq!(fixture.ingest(&batch), [IngestOutcome::NotMonitored]);
    assert_eq!(fixture.ingest(&batch), [IngestOutcome::NotMonitored]);
    fixture.update_policy(PolicyChange::RemoveScopeRule(exclude("staff", ScopeTarget::AllApps)));
    assert_eq!(fixture.ingest(&batch), [IngestOutcome::Stored]);
    // A stored activity stays stored under any later scope.
    fixture.update_policy(PolicyChange::AddScopeRule(exclude("staff", ScopeTarget::AllApps)));
    assert_eq!(fixture.ingest(&batch), [IngestOutcome::NotMonitored]);
    assert_eq!(fixture.public_ids(), ["a"]);
}

/// A removed group without known members hides every user it may contain. It includes no user in scope without a rule.
#[test]
fn s1_removed_group_includes_no_user_without_rule() {
    let fixture = Fixture::new();
    fixture.install(people(&[("sam", &["sales"]), ("pat", &["council"]), ("zoe", &[])])).make_private("council");
    fixture.update_policy(PolicyChange::AddScopeRule(ScopeRule::include(group("sales"), ScopeTarget::AllApps)));
    // Another node that never read the council.
    let other = Fixture::over(Arc::clone(&fixture.store), Arc::clone(&fixture.sink));
    other.install(people(&[("sam", &["sales"]), ("pat", &[]), ("zoe", &[])]));
    let outcomes = other.ingest(&["sam", "pat", "zoe"].map(|name| activity(name, name)));
    assert_eq!(outcomes, [IngestOutcome::Stored, IngestOutcome::NotMonitored, IngestOutcome::NotMonitored]);
    assert!(other.is_private("sam"));
}
