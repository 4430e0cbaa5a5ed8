//! D1 to D3: the content of a decision, and its permanence.

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::engine::Decision;
use activity_privacy::filter::IngestOutcome;
use activity_privacy::policy::{GroupRef, ManagedDomain, OptionsPatch};
use std::collections::{BTreeMap, BTreeSet};

use activity_privacy::directory::DirectoryRevision;
use activity_privacy::engine::{PrincipalRole, Reason, Visibility};
use activity_privacy::policy::{PolicyChange, ScopeRule, ScopeTarget};
use proptest::prelude::*;

use crate::fixture::*;

#[test]
fn d1_decision_has_revisions_time_and_reasons() {
    let fixture = Fixture::new();
    fixture.install(people(&[("eve", &[])])).install(people(&[("adele", &["board", "council", "staff"])]));
    fixture.manage("contoso.com").permit_root().make_private("council").make_private("board");
    let rule = ScopeRule::include(group("staff"), ScopeTarget::AllApps);
    fixture.update_policy(PolicyChange::AddScopeRule(rule.clone()));
    let in_force = fixture.filter.policy().unwrap().revision();
    fixture.advance(90).ingest(&[activity("a", "adele")]);

    let decision = fixture.decision("a");
    assert_eq!(decision.visibility(), Visibility::Private);
    assert_eq!((decision.policy(), decision.directory()), (in_force, Some(DirectoryRevision(2))));
    assert_eq!(decision.decided_at(), at(90));
    let member = |name| Reason::Member { group: group(name).into(), role: PrincipalRole::Actor };
    assert_eq!(decision.reasons(), [member("board"), member("council"), Reason::Scope(rule)]);
    assert_eq!(
        decision.explain().to_string(),
        format!(
            "hidden because the actor was in group `board`; the actor was in group `council`; \
             it was monitored because group `staff` is included in all apps; \
             decided at 2026-02-25 06:14:50 UTC under policy revision {in_force} and directory revision 2"
        )
    );
}

#[test]
fn d1_explanation_states_every_kind_of_reason() {
    let fixture = Fixture::new();
    fixture.ingest(&[activity("never-loaded", "adele")]);
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::Applications));
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    let for_adele = begun("for", Actor::user(alias("bob@contoso.com"))).on_behalf_of(Actor::user(user("adele")));
    fixture.ingest(&[
        activity("plain", "bob"),
        by("app", Actor::application("Backup".parse().unwrap())),
        by("guest", Actor::user(alias("x_gmail.com#EXT#@contoso.com"))),
        by("nobody", Actor::unknown()),
        for_adele.build().unwrap(),
    ]);
    for (id, words) in [
        ("plain", "shown because no actor was in a private group; decided at "),
        ("app", "hidden because the actor was in the built-in group of applications; "),
        ("guest", "hidden because the actor was in the built-in group of external users; "),
        ("for", "hidden because a principal on whose behalf it was done was in group `council`; "),
        ("nobody", "hidden because the source names no user in a form that the directory has; "),
        ("never-loaded", "hidden because no directory was ever loaded; "),
    ] {
        let said = fixture.decision(id).explain().to_string();
        assert!(said.starts_with(words), "{id}: {said}");
    }
    let said = fixture.decision("never-loaded").explain().to_string();
    assert!(said.ends_with(" under policy revision 1 without a directory"), "{said}");
}

#[test]
fn d1_old_decision_is_explained_as_decided() {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"])])).manage("contoso.com").make_private("council");
    fixture.ingest(&[activity("a", "adele")]);
    let said = fixture.decision("a").explain().to_string();
    fixture.install(people(&[("adele", &[])])).update_policy(PolicyChange::MakePublic(group("council").into()));
    fixture.ingest(&[activity("b", "adele")]);
    assert_eq!(fixture.decision("a").explain().to_string(), said);
}

/// An event after decisions on Adele (in the private council), Bob (in the public staff) and Carol (external, while
/// external users are private), and the users among them who are private from then on.
struct Turn {
    what: &'static str,
    happens: fn(&Fixture),
    private: [bool; 3],
}

const NAMES: [&str; 3] = ["adele@contoso.com", "bob@contoso.com", "carol@partner.example"];

fn three_of_them(prefix: &str) -> Vec<Activity> {
    let by_name = |name| begun(&format!("{prefix}-{name}"), Actor::user(alias(name))).object("bob@contoso.com");
    NAMES.iter().map(|name| by_name(*name).build().unwrap()).collect()
}

#[test]
fn d2_policy_change_leaves_stored_verdicts() {
    const STAFF: (&str, &[&str]) = ("bob", &["staff"]);
    let turns = [
        Turn {
            what: "a private group is made public",
            happens: |fixture| {
                fixture.update_policy(PolicyChange::MakePublic(group("council").into()));
            },
            private: [false, false, true],
        },
        Turn {
            what: "a public group is made private",
            happens: |fixture| {
                fixture.make_private("staff");
            },
            private: [true, true, true],
        },
        Turn {
            what: "a group is made public and private again",
            happens: |fixture| {
                fixture.update_policy(PolicyChange::MakePublic(group("council").into()));
                fixture.ingest(&[activity("between", "adele")]);
                fixture.make_private("council");
            },
            private: [true, false, true],
        },
        Turn {
            what: "somebody joins a private group",
            happens: |fixture| {
                fixture.install(people(&[("adele", &["council"]), ("bob", &["staff", "council"])]));
            },
            private: [true, true, true],
        },
        Turn {
            what: "somebody leaves a private group",
            happens: |fixture| {
                fixture.install(people(&[("adele", &[]), STAFF, ("dan", &["council"])]));
            },
            private: [false, false, true],
        },
        Turn {
            what: "a private group is deleted and removed from the policy",
            happens: |fixture| {
                fixture.install(people(&[("adele", &[]), STAFF]));
                fixture.update_policy(PolicyChange::MakePublic(group("council").into()));
            },
            private: [false, false, true],
        },
        Turn {
            what: "a domain is managed",
            happens: |fixture| {
                fixture.manage("partner.example");
            },
            private: [true, false, false],
        },
        Turn {
            what: "a domain is managed no more",
            happens: |fixture| {
                fixture.update_policy(PolicyChange::UnmanageDomain(domain("contoso.com")));
            },
            private: [true, true, true],
        },
        Turn {
            what: "the directory is imported again",
            happens: |fixture| {
                fixture.install(people(&[("adele", &["council"]), STAFF]));
            },
            private: [true, false, true],
        },
        Turn {
            what: "an option counts objects",
            happens: |fixture| {
                fixture.make_private("staff");
                fixture.options(OptionsPatch::new().include_objects(true));
            },
            private: [true, true, true],
        },
        Turn {
            what: "somebody moves to another home",
            happens: |fixture| {
                let moved = contoso("erin").with_home_domain(domain("partner.example"));
                fixture.install(people(&[("adele", &["council"]), STAFF]).user(moved));
            },
            private: [true, false, true],
        },
    ];
    for Turn { what, happens, private } in turns {
        let fixture = Fixture::new();
        fixture.install(people(&[("adele", &["council"]), STAFF])).manage("contoso.com").make_private("council");
        fixture.update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
        fixture.ingest(&three_of_them("before"));
        let before: Vec<Decision> = NAMES.iter().map(|name| fixture.decision(&format!("before-{name}"))).collect();
        assert_eq!(before.iter().map(Decision::visibility).collect::<Vec<_>>(), {
            use Visibility::{Private, Public};
            [Private, Public, Private]
        });

        happens(&fixture);
        fixture.ingest(&three_of_them("after"));
        // Delivered again, under another policy and another directory.
        assert_eq!(fixture.ingest(&three_of_them("before")), [IngestOutcome::Duplicate; 3], "{what}");
        let after: Vec<Decision> = NAMES.iter().map(|name| fixture.decision(&format!("before-{name}"))).collect();
        assert_eq!(after, before, "{what}");
        let now = NAMES.map(|name| fixture.is_private(&format!("after-{name}")));
        assert_eq!(now, private, "{what}");
    }
}

const GROUPS: [&str; 3] = ["council", "board", "staff"];
const PEOPLE: [&str; 4] = ["adele", "bob", "carol", "dan"];

#[derive(Debug, Clone)]
enum Step {
    MakePrivate(usize),
    MakePublic(usize),
    Externals(bool),
    Manage(bool),
    ObjectsCount(bool),
    Exclude(usize, bool),
    Join(usize, usize),
    Leave(usize, usize),
    Delete(usize),
    Recreate(usize),
    Reimport,
    Deliver(usize),
    DeliverAgain(usize),
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let (group, person) = (0..GROUPS.len(), 0..PEOPLE.len());
    prop_oneof![
        2 => group.clone().prop_map(MakePrivate),
        2 => group.clone().prop_map(MakePublic),
        1 => any::<bool>().prop_map(Externals),
        1 => any::<bool>().prop_map(Manage),
        1 => any::<bool>().prop_map(ObjectsCount),
        1 => (group.clone(), any::<bool>()).prop_map(|(group, on)| Exclude(group, on)),
        2 => (person.clone(), group.clone()).prop_map(|(person, group)| Join(person, group)),
        2 => (person.clone(), group.clone()).prop_map(|(person, group)| Leave(person, group)),
        1 => group.clone().prop_map(Delete),
        1 => group.prop_map(Recreate),
        1 => Just(Reimport),
        5 => person.clone().prop_map(Deliver),
        3 => person.prop_map(DeliverAgain),
    ]
}

/// The members of each group, as the source of the directory has them.
type Source = BTreeMap<usize, BTreeSet<usize>>;

fn import(fixture: &Fixture, source: &Source) {
    let mut builder = people(&PEOPLE.map(|name| (name, &[][..])));
    for (at, members) in source {
        builder = builder.group(group(GROUPS[*at]), GROUPS[*at]);
        for member in members {
            builder = builder.member(&group(GROUPS[*at]), &user(PEOPLE[*member]));
        }
    }
    fixture.install(builder);
}

fn take(fixture: &Fixture, source: &mut Source, step: &Step, count: usize) {
    let change = |change: PolicyChange| {
        // Some change nothing or name a removed group. Their rejection is as good.
        let _ = fixture.filter.update_policy(&user("root"), &change);
    };
    match *step {
        Step::MakePrivate(at) => change(PolicyChange::MakePrivate(group(GROUPS[at]).into())),
        Step::MakePublic(at) => change(PolicyChange::MakePublic(group(GROUPS[at]).into())),
        Step::Externals(true) => change(PolicyChange::MakePrivate(GroupRef::ExternalUsers)),
        Step::Externals(false) => change(PolicyChange::MakePublic(GroupRef::ExternalUsers)),
        Step::Manage(true) => change(PolicyChange::ManageDomain(ManagedDomain::exactly(domain("contoso.com")))),
        Step::Manage(false) => change(PolicyChange::UnmanageDomain(domain("contoso.com"))),
        Step::ObjectsCount(include_objects) => {
            change(PolicyChange::SetOptions(OptionsPatch::new().include_objects(include_objects)));
        }
        Step::Exclude(at, on) => {
            let rule = ScopeRule::exclude(group(GROUPS[at]), ScopeTarget::AllApps);
            change(if on { PolicyChange::AddScopeRule(rule) } else { PolicyChange::RemoveScopeRule(rule) });
        }
        Step::Join(person, at) => drop(source.entry(at).or_default().insert(person)),
        Step::Leave(person, at) => drop(source.get_mut(&at).map(|members| members.remove(&person))),
        Step::Delete(at) => drop(source.remove(&at)),
        Step::Recreate(at) => drop(source.entry(at).or_default()),
        Step::Reimport => {}
        Step::Deliver(person) => drop(fixture.ingest(&[delivered(person, count)])),
        Step::DeliverAgain(person) => {
            let again: Vec<Activity> = (0..count).map(|earlier| delivered(person, earlier)).collect();
            fixture.ingest(&again);
        }
    }
    if matches!(step, Step::Join(..) | Step::Leave(..) | Step::Delete(_) | Step::Recreate(_) | Step::Reimport) {
        import(fixture, source);
    }
}

fn delivered(person: usize, count: usize) -> Activity {
    let name = PEOPLE[person];
    let object = format!("{}@contoso.com", PEOPLE[(person + 1) % PEOPLE.len()]);
    begun(&format!("{count}-{name}"), Actor::user(alias(&format!("{name}@contoso.com"))))
        .object(object)
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn d2_stored_decision_never_changes(steps in prop::collection::vec(step(), 1..30)) {
        let fixture = Fixture::new();
        let mut source = Source::from([(0, BTreeSet::from([0])), (1, BTreeSet::from([1])), (2, BTreeSet::new())]);
        import(&fixture, &source);
        fixture.permit_root();
        let mut first: BTreeMap<String, Decision> = BTreeMap::new();
        for (count, step) in steps.iter().enumerate() {
            take(&fixture, &mut source, step, count);
            let stored = fixture.everything();
            prop_assert!(first.len() <= stored.len(), "something stored went away");
            for stored in stored {
                let (id, decision) = (stored.activity().id().as_str().to_owned(), stored.decision().clone());
                let known = first.entry(id).or_insert_with(|| decision.clone());
                prop_assert_eq!(&*known, &decision, "after {:?}", step);
            }
            let public = first.iter().filter(|(_, decision)| decision.visibility() == Visibility::Public);
            let public: BTreeSet<String> = public.map(|(id, _)| id.clone()).collect();
            prop_assert_eq!(fixture.public_ids().into_iter().collect::<BTreeSet<_>>(), public);
        }
    }
}

fn happened(id: &str, name: &str, seconds: i64) -> Activity {
    let app = App::new("SharePoint".parse().unwrap());
    let actor = Actor::user(alias(&format!("{name}@contoso.com")));
    Activity::builder(id.parse().unwrap(), actor, app, "FileAccessed".parse().unwrap(), at(seconds)).build().unwrap()
}

const YEAR: i64 = 31_536_000;

#[test]
fn d3_back_filled_activity_is_decided_on_arrival() {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com");
    fixture.ingest(&[happened("early", "adele", 0)]);
    fixture.advance(100).make_private("council");
    // Both happened before the group was private, one of them long before. A third is from the future.
    fixture.ingest(&[
        happened("late", "adele", 0),
        happened("filled", "adele", -YEAR),
        happened("ahead", "adele", YEAR),
    ]);
    assert_eq!(fixture.public_ids(), ["early"]);
    fixture.advance(100).update_policy(PolicyChange::MakePublic(group("council").into()));
    // It happened while the group was private.
    fixture.ingest(&[happened("during", "adele", 150)]);
    assert_eq!(fixture.public_ids(), ["during", "early"]);
    assert_eq!(fixture.decision("filled").decided_at(), at(100));
}

#[test]
fn d3_policies_are_ordered_by_revision_not_clock() {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"])])).manage("contoso.com");
    fixture.make_private("council");
    // The clock is set back, so the next change seems older than the one before.
    fixture.options(OptionsPatch::new().max_directory_age(None));
    fixture.advance(-YEAR).update_policy(PolicyChange::MakePublic(group("council").into()));
    fixture.ingest(&[happened("a", "adele", 0)]);
    fixture.advance(2 * YEAR).ingest(&[happened("b", "adele", 1)]);
    assert_eq!(fixture.public_ids(), ["b", "a"]);
    fixture.advance(-2 * YEAR).make_private("council");
    fixture.advance(YEAR).ingest(&[happened("c", "adele", 2)]);
    assert_eq!(fixture.public_ids(), ["b", "a"]);
}
