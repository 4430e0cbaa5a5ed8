//! D10 to D12: nested groups, removed and restored groups, missing groups.

use activity_privacy::directory::GroupDirectory;
use std::collections::BTreeSet;
use std::sync::Arc;

use activity_privacy::activity::Actor;
use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, ImportError, User, UserStatus};
use activity_privacy::engine::{PolicyEngine, PrincipalRole, Reason, UndecidableReason, Verdict};
use activity_privacy::filter::{IngestOutcome, UpdatePolicyError};
use activity_privacy::governance::{Event, GovernanceSink, Initiator, Outcome, OutcomeKind, Record, RecordEntry};
use activity_privacy::identity::{GroupId, UserId};
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::policy::{GroupRef, PolicyChange, PolicyError, PrivacyPolicy, ScopeRule, ScopeTarget};
use activity_privacy::store::ActivityStore;
use proptest::prelude::*;

use crate::fixture::*;

/// Which group reaches which, itself included: Warshall's closure over a matrix.
fn warshall(groups: usize, nested: &[(usize, usize)]) -> Vec<Vec<bool>> {
    let mut reaches: Vec<Vec<bool>> = (0..groups).map(|a| (0..groups).map(|b| a == b).collect()).collect();
    for (group, child) in nested {
        reaches[*group][*child] = true;
    }
    for via in 0..groups {
        for from in 0..groups {
            for to in 0..groups {
                reaches[from][to] |= reaches[from][via] && reaches[via][to];
            }
        }
    }
    reaches
}

const USERS: usize = 5;

#[derive(Debug)]
struct Graph {
    groups: usize,
    nested: Vec<(usize, usize)>,
    members: Vec<(usize, usize)>,
    private: Vec<usize>,
}

fn graph() -> impl Strategy<Value = Graph> {
    (1..9_usize).prop_flat_map(|groups| {
        let pairs = |a, b, most| prop::collection::vec((0..a, 0..b), 0..most);
        let private = prop::collection::vec(0..groups, 0..3);
        (pairs(groups, groups, 20), pairs(groups, USERS, 12), private)
            .prop_map(move |(nested, members, private)| Graph { groups, nested, members, private })
    })
}

fn name(group: usize) -> GroupId {
    crate::fixture::group(&format!("g{group}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn d10_cycles_and_diamonds_give_the_transitive_closure(graph in graph()) {
        let mut import = people(&[]);
        for at in 0..graph.groups {
            import = import.group(name(at), "");
        }
        for (group, child) in &graph.nested {
            import = import.nested(&name(*group), &name(*child));
        }
        for (group, member) in &graph.members {
            import = import.member(&name(*group), &user(&format!("u{member}")));
        }
        let directory = Arc::new(import.build(DirectoryRevision(1), at(0)).unwrap());
        let mut policy = PrivacyPolicy::initial(&admins());
        for private in &graph.private {
            let change = PolicyChange::MakePrivate(name(*private).into());
            policy = changed(&policy, &change, Some(&directory)).unwrap_or(policy);
        }
        let engine = PolicyEngine::new(Arc::new(policy), Ok(Arc::clone(&directory)));

        let reaches = warshall(graph.groups, &graph.nested);
        let is_in = |member: usize, group: usize| {
            graph.members.iter().any(|(direct, other)| *other == member && reaches[group][*direct])
        };
        for member in 0..USERS {
            let id = user(&format!("u{member}"));
            let groups: BTreeSet<GroupId> = (0..graph.groups).filter(|at| is_in(member, *at)).map(name).collect();
            prop_assert_eq!(&directory.groups_of(&id).into_iter().cloned().collect::<BTreeSet<_>>(), &groups);
            let (verdict, reasons) = engine.verdict(&by("a", Actor::user(id)), at(0));
            let hits: BTreeSet<GroupId> = graph.private.iter().map(|at| name(*at)).filter(|id| groups.contains(id)).collect();
            prop_assert_eq!(verdict == Verdict::Private, !hits.is_empty());
            let reasons: Vec<Reason> = reasons.to_vec();
            let member = |id: GroupId| Reason::Member { group: id.into(), role: PrincipalRole::Actor };
            prop_assert_eq!(reasons, hits.into_iter().map(member).collect::<Vec<_>>());
        }
        for at in 0..graph.groups {
            let members: BTreeSet<UserId> =
                (0..USERS).filter(|member| is_in(*member, at)).map(|member| user(&format!("u{member}"))).collect();
            prop_assert_eq!(directory.all_members(&name(at)), members);
        }
    }
}

#[test]
fn d10_group_nested_in_itself_ends() {
    let fixture = Fixture::new();
    let (a, b) = (group("a"), group("b"));
    let ring = people(&[("adele", &["b"]), ("bob", &["c"])]).group(a.clone(), "A");
    fixture.install(ring.nested(&a, &a).nested(&a, &b).nested(&b, &a).nested(&a, &b)).manage("contoso.com");
    fixture.make_private("a").ingest(&[activity("x", "adele"), activity("y", "bob")]);
    assert_eq!(fixture.public_ids(), ["y"]);
}

#[test]
fn d11_inconsistent_import_is_rejected() {
    let council = group("council");
    let build = |builder: DirectoryBuilder| builder.build(DirectoryRevision(9), at(0)).map(|_| ());
    let import = || people(&[("adele", &["council"])]);
    assert_eq!(
        build(import().member(&group("cut off"), &user("adele"))),
        Err(ImportError::UnknownGroup(group("cut off")))
    );
    assert_eq!(build(import().nested(&council, &group("cut off"))), Err(ImportError::UnknownGroup(group("cut off"))));
    assert_eq!(build(import().nested(&group("cut off"), &council)), Err(ImportError::UnknownGroup(group("cut off"))));
    assert_eq!(build(import().group(council.clone(), "twice")), Err(ImportError::GroupTwice(council)));
    assert_eq!(build(import().user(contoso("adele"))), Err(ImportError::UserTwice { at: 3 }));
    assert_eq!(build(import()), Ok(()));
}

#[test]
fn d11_directory_rejects_older_revision() {
    use activity_privacy::memory::InstallError;
    let directory = MemoryDirectory::new();
    let install = |revision, entries: &[(&str, &[&str])]| {
        directory.install(people(entries).build(DirectoryRevision(revision), at(0)).unwrap())
    };
    install(2, &[("adele", &["council"])]).unwrap();
    for offered in [1, 2] {
        let (offered, in_force) = (DirectoryRevision(offered), DirectoryRevision(2));
        assert_eq!(install(offered.0, &[]), Err(InstallError::NotNewer { offered, in_force }));
    }
    assert!(directory.snapshot().unwrap().all_members(&group("council")).contains(&user("adele")));
    install(3, &[]).unwrap();
    assert!(directory.snapshot().unwrap().all_members(&group("council")).is_empty());
}

#[test]
fn d11_partial_import_is_never_visible() {
    // In every import both are in the same group or neither is, so no reader may see only one of them in it.
    let directory = MemoryDirectory::new();
    let install = |revision: u64| {
        let groups: &[&str] = if revision.is_multiple_of(2) { &["council"] } else { &[] };
        let import = people(&[("adele", groups), ("bob", groups)]).build(DirectoryRevision(revision), at(0)).unwrap();
        directory.install(import).unwrap();
    };
    install(1);
    std::thread::scope(|scope| {
        scope.spawn(|| (2..400).for_each(install));
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let snapshot = directory.snapshot().unwrap();
                    let members = snapshot.all_members(&group("council")).len() as u64;
                    assert_eq!(members, (1 - snapshot.revision().0 % 2) * 2);
                    if snapshot.revision().0 >= 399 {
                        break;
                    }
                }
            });
        }
    });
}

#[test]
fn d11_disabled_or_deleted_user_stays_member() {
    let fixture = Fixture::new();
    let council = group("council");
    let with = |name: &str, status| contoso(name).with_status(status);
    let import = people(&[]).group(council.clone(), "Works council");
    let import = import.user(with("disabled", UserStatus::Disabled)).user(with("deleted", UserStatus::Deleted));
    let import = import.member(&council, &user("disabled")).member(&council, &user("deleted"));
    // Purged from the users, still listed by the group.
    fixture.install(import.member(&council, &user("purged"))).manage("contoso.com").make_private("council");
    fixture.ingest(&[activity("a", "disabled"), activity("b", "deleted"), by("c", Actor::user(user("purged")))]);
    assert_eq!(fixture.public_ids(), [""; 0]);
    fixture.install(people(&[("other", &["council"])]).user(with("deleted", UserStatus::Deleted)));
    fixture.ingest(&[activity("d", "deleted")]);
    assert_eq!(fixture.public_ids(), ["d"], "the group says otherwise now");
}

fn reasons(fixture: &Fixture, id: &str) -> Vec<Reason> {
    fixture.decision(id).reasons().to_vec()
}

fn member() -> Reason {
    Reason::Member { group: group("council").into(), role: PrincipalRole::Actor }
}

/// Adele, and Dan through a nested group, are in the private council, and one activity was decided.
fn council_over(store: Arc<dyn ActivityStore>, sink: Arc<dyn GovernanceSink>) -> Fixture {
    let fixture = Fixture::over(store, sink);
    let import = people(&[("adele", &["council"]), ("dan", &["inner"]), ("bob", &[])]);
    fixture.install(import.nested(&group("council"), &group("inner"))).manage("contoso.com").make_private("council");
    fixture.ingest(&[activity("first", "bob")]);
    fixture
}

fn kept(fixture: &Fixture) -> Vec<Record> {
    let records = fixture.records().into_iter().map(|entry| entry.record);
    records.filter(|record| record.initiator == Initiator::System).collect()
}

#[test]
fn d11_removed_private_group_keeps_last_members() {
    let fixture = council_over(Arc::new(MemoryStore::new()), Arc::new(MemorySink::new()));
    // Dan was deleted with it, and is known by his alias alone from now on.
    fixture.install(people(&[("adele", &[]), ("bob", &[])]));
    fixture.ingest(&["adele", "dan", "bob"].map(|name| activity(name, name)));
    fixture.ingest(&[by("dan's id", Actor::user(user("dan")))]);
    assert_eq!(fixture.public_ids(), ["first", "bob"]);
    for id in ["adele", "dan", "dan's id"] {
        assert_eq!(reasons(&fixture, id), [member()], "{id}");
    }
    assert_eq!(fixture.store.removed_groups(None).unwrap().unwrap().groups.len(), 1);

    // The removal is recorded.
    let records = kept(&fixture);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].event, Event::GroupRemoved { group: group("council"), members: Some(2) });
    assert_eq!((records[0].outcome.kind(), records[0].targets()), (OutcomeKind::Observed, vec!["council".to_owned()]));

    // Imported again without it: nothing new is recorded, and they stay hidden.
    fixture.install(people(&[("adele", &[]), ("bob", &[])])).ingest(&[activity("adele 2", "adele")]);
    assert!(fixture.is_private("adele 2"));
    assert_eq!(kept(&fixture).len(), 1);

    // Until an admin removes it from the policy.
    fixture.update_policy(PolicyChange::MakePublic(group("council").into()));
    fixture.ingest(&[activity("adele 3", "adele"), activity("dan 3", "dan")]);
    assert_eq!(fixture.public_ids(), ["first", "dan 3", "bob", "adele 3"]);
    assert!(
        fixture.store.removed_groups(None).unwrap().unwrap().groups.is_empty(),
        "nobody has a reason to keep them any more"
    );
}

#[test]
fn d11_last_members_survive_restart() {
    let (store, sink): (Arc<dyn ActivityStore>, Arc<dyn GovernanceSink>) =
        (Arc::new(MemoryStore::new()), Arc::new(MemorySink::new()));
    let fixture = council_over(Arc::clone(&store), Arc::clone(&sink));
    fixture.install(people(&[("adele", &[]), ("bob", &[])])).ingest(&[activity("before", "adele")]);
    drop(fixture);
    let fixture = Fixture::over(store, sink);
    fixture.install(people(&[("adele", &[]), ("bob", &[])]));
    fixture.ingest(&[activity("adele", "adele"), activity("dan", "dan"), activity("bob", "bob")]);
    assert_eq!(fixture.public_ids(), ["first", "bob"]);
    assert_eq!(reasons(&fixture, "dan"), [member()]);
}

#[cfg(feature = "sqlite")]
#[test]
fn d11_last_members_survive_restart_on_disk() {
    use activity_privacy::sqlite::{SqliteGovernance, SqliteStore};
    let dir = tempfile::tempdir().unwrap();
    let open = || -> (Arc<dyn ActivityStore>, Arc<dyn GovernanceSink>) {
        let path = dir.path().join("a.db");
        (
            Arc::new(SqliteStore::open(&path).unwrap()),
            Arc::new(SqliteGovernance::open(dir.path().join("g.db")).unwrap()),
        )
    };
    let (store, sink) = open();
    council_over(store, sink).install(people(&[("adele", &[])])).ingest(&[activity("before", "adele")]);
    let (store, sink) = open();
    let fixture = Fixture::over(store, sink);
    fixture.install(people(&[("adele", &[]), ("bob", &[])]));
    fixture.ingest(&["adele", "dan", "bob"].map(|name| activity(name, name)));
    assert_eq!(fixture.public_ids(), ["first", "bob"]);
    assert_eq!(reasons(&fixture, "dan"), [member()]);
    assert_eq!(kept(&fixture).len(), 1);
}

#[test]
fn d11_alias_of_last_member_follows_directory_in_force() {
    let fixture = council_over(Arc::new(MemoryStore::new()), Arc::new(MemorySink::new()));
    // Adele still exists, and Erin has her name now. Dan was removed, and Frank has his name.
    let gave_away = User::new(user("adele")).with_alias(alias("a.vance@contoso.com"));
    let erin = contoso("erin").with_alias(alias("adele@contoso.com"));
    let frank = contoso("frank").with_alias(alias("dan@contoso.com"));
    fixture.install(people(&[("bob", &[])]).user(gave_away).user(erin).user(frank));
    fixture.ingest(&["a.vance", "adele", "dan"].map(|name| activity(name, name)));
    fixture.ingest(&[by("dan's id", Actor::user(user("dan")))]);
    assert_eq!(["a.vance", "adele", "dan", "dan's id"].map(|id| fixture.is_private(id)), [true, false, false, true]);
}

#[test]
fn d11_restored_group_has_members_of_directory() {
    let fixture = council_over(Arc::new(MemoryStore::new()), Arc::new(MemorySink::new()));
    fixture.install(people(&[("adele", &[]), ("bob", &[])])).ingest(&[activity("gone", "adele")]);
    fixture.install(people(&[("adele", &[]), ("bob", &["council"])]));
    fixture.ingest(&[activity("adele", "adele"), activity("bob", "bob")]);
    assert_eq!(["gone", "adele", "bob"].map(|id| fixture.is_private(id)), [true, false, true]);
    assert!(kept(&fixture).iter().any(|record| record.event == Event::GroupRestored { group: group("council") }));
    // When it is removed again, its members of that time are stored.
    fixture.install(people(&[("adele", &[]), ("bob", &[])]));
    fixture.ingest(&[activity("adele 2", "adele"), activity("bob 2", "bob")]);
    assert_eq!(["adele 2", "bob 2"].map(|id| fixture.is_private(id)), [false, true]);
}

#[test]
fn d11_lagging_node_restores_no_group() {
    let (store, sink): (Arc<dyn ActivityStore>, Arc<dyn GovernanceSink>) =
        (Arc::new(MemoryStore::new()), Arc::new(MemorySink::new()));
    let (ahead, behind) = (council_over(Arc::clone(&store), Arc::clone(&sink)), Fixture::over(store, sink));
    behind.install(people(&[("adele", &["council"]), ("bob", &[])])).ingest(&[activity("behind", "bob")]);
    ahead.install(people(&[("adele", &[]), ("bob", &[])])).ingest(&[activity("ahead", "bob")]);
    // The other node still has the earlier directory, whose group is old and not restored.
    behind.ingest(&[activity("behind 2", "bob"), activity("behind, adele", "adele")]);
    ahead.ingest(&[activity("ahead 2", "bob"), activity("ahead, adele", "adele"), activity("ahead, dan", "dan")]);
    for id in ["behind, adele", "ahead, adele", "ahead, dan"] {
        assert_eq!(reasons(&ahead, id), [member()], "{id}");
    }
    assert_eq!(ahead.public_ids(), ["first", "behind 2", "behind", "ahead 2", "ahead"]);
    assert_eq!(kept(&ahead).len(), 1, "kept once, dropped never");
    // Both receive a directory in which it is restored.
    for fixture in [&ahead, &behind] {
        fixture
            .install(people(&[("adele", &[]), ("bob", &[])]))
            .install(people(&[("adele", &[]), ("bob", &["council"])]));
    }
    behind.ingest(&[activity("bob is in", "bob"), activity("adele is out", "adele")]);
    assert_eq!(["bob is in", "adele is out"].map(|id| ahead.is_private(id)), [true, false]);
    assert_eq!(kept(&ahead).last().unwrap().event, Event::GroupRestored { group: group("council") });
}

#[test]
fn d11_removed_group_with_unknown_members_hides_everything() {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    let (store, sink) = (Arc::clone(&fixture.store), Arc::clone(&fixture.sink));
    drop(fixture);
    let fixture = Fixture::over(store, sink);
    fixture.install(people(&[("adele", &[]), ("bob", &[])]));
    fixture.ingest(&[activity("bob", "bob"), activity("adele", "adele")]);
    assert_eq!(fixture.public_ids(), [""; 0]);
    assert_eq!(reasons(&fixture, "bob"), [Reason::Undecidable(UndecidableReason::GroupRemoved(group("council")))]);
    // The activity is hidden and not lost: an admin decides, or the group is restored.
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).ingest(&[activity("bob 2", "bob")]);
    assert_eq!(fixture.public_ids(), ["bob 2"]);
}

#[test]
fn d11_removed_group_in_scope_keeps_last_members() {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["staff"]), ("bob", &[])])).manage("contoso.com");
    fixture.update_policy(PolicyChange::AddScopeRule(ScopeRule::include(group("staff"), ScopeTarget::AllApps)));
    fixture.ingest(&[activity("before", "adele")]);
    fixture.install(people(&[("adele", &[]), ("bob", &[])]));
    let outcomes = fixture.ingest(&[activity("adele", "adele"), activity("bob", "bob")]);
    assert_eq!(outcomes, [IngestOutcome::Stored, IngestOutcome::NotMonitored]);
}

#[test]
fn d12_missing_group_cannot_be_private_or_in_scope() {
    let fixture = Fixture::new();
    let unknown = |fixture: &Fixture, id: &str| {
        for change in [
            PolicyChange::MakePrivate(group(id).into()),
            PolicyChange::AddScopeRule(ScopeRule::include(group(id), ScopeTarget::AllApps)),
            PolicyChange::AddScopeRule(ScopeRule::exclude(group(id), ScopeTarget::AllApps)),
        ] {
            match fixture.filter.update_policy(&user("root"), &change) {
                Err(UpdatePolicyError::Invalid(error)) => {
                    assert_eq!(error, PolicyError::UnknownGroup(group(id)));
                    let said = format!("group `{id}` was not imported; import it first, or name a built-in group");
                    assert_eq!(error.to_string(), said);
                }
                other => panic!("{other:?}"),
            }
        }
    };
    let early = fixture.filter.update_policy(&user("root"), PolicyChange::MakePrivate(group("council").into()));
    assert!(
        matches!(early, Err(UpdatePolicyError::Invalid(PolicyError::NoDirectory))),
        "nothing was imported: {early:?}"
    );
    fixture.install(people(&[("adele", &["council"])]));
    let before = fixture.filter.policy().unwrap();
    // Ids are never folded, and neither a user nor the name of a group is a group id.
    for id in ["Council", "council ", "adele", "applications"] {
        unknown(&fixture, id);
    }
    assert_eq!(fixture.filter.policy().unwrap(), before);
    fixture.make_private("council");
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::Applications));
    fixture
        .update_policy(PolicyChange::AddScopeRule(ScopeRule::exclude(GroupRef::ExternalUsers, ScopeTarget::AllApps)));
    fixture.install(people(&[("adele", &[])]));
    unknown(&fixture, "council");
    // The rejections are recorded.
    let refused =
        |entry: &RecordEntry| entry.record.outcome == Outcome::Invalid(PolicyError::UnknownGroup(group("Council")));
    assert_eq!(fixture.records().iter().filter(|entry| refused(entry)).count(), 3);
}
