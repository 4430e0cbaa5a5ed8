//! The fast path decides as the evaluation does.

use std::sync::Arc;

use activity_privacy::activity::{Activity, Actor};
use activity_privacy::directory::{DirectoryRevision, DirectorySnapshot};
use activity_privacy::engine::{PolicyEngine, Reason, Verdict};
use activity_privacy::identity::{Alias, GroupId, UserId};
use activity_privacy::policy::{
    GroupRef, ManagedDomain, OptionsPatch, PolicyChange, PrivacyPolicy, ScopeRule, ScopeTarget,
};
use activity_privacy::strategies::{activities, domains, imports, policy_changes};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::fixture::{admins, alias, at, by, changed, contoso, domain, group, people, user};

/// The same activity with an object that is no identity. If objects count, the whole activity is then
/// evaluated.
fn with_meaningless_object(activity: &Activity) -> Activity {
    let mut document = serde_json::to_value(activity).unwrap();
    document["objects"] = serde_json::json!(["\u{1}"]);
    serde_json::from_value(document).unwrap()
}

fn without_objects(activity: &Activity) -> Activity {
    let mut document = serde_json::to_value(activity).unwrap();
    document["objects"] = serde_json::json!([]);
    serde_json::from_value(document).unwrap()
}

/// A policy after those of these changes that are possible, in which objects count. External users are private and a
/// domain is managed in some cases, because external users are the hardest part.
pub(super) fn policy_over(
    changes: &[PolicyChange],
    managed: Option<ManagedDomain>,
    directory: &DirectorySnapshot,
) -> Arc<PrivacyPolicy> {
    let outside = PolicyChange::MakePrivate(GroupRef::ExternalUsers);
    let outside = managed.map(|managed| [outside, PolicyChange::ManageDomain(managed)]);
    let mut policy = PrivacyPolicy::initial(&admins());
    for change in changes.iter().chain(outside.iter().flatten()) {
        policy = changed(&policy, change, Some(directory)).unwrap_or(policy);
    }
    let counted = PolicyChange::SetOptions(OptionsPatch::new().include_objects(true));
    // Or they are already.
    Arc::new(changed(&policy, &counted, Some(directory)).unwrap_or(policy))
}

pub(super) fn managed_domains() -> impl Strategy<Value = ManagedDomain> {
    (domains(), any::<bool>()).prop_map(|(domain, whole)| match whole {
        true => ManagedDomain::with_subdomains(domain),
        false => ManagedDomain::exactly(domain),
    })
}

/// Asserts that the fast path finds, for one activity and in a batch, what the evaluation finds.
pub(super) fn assert_fast_path_equals_evaluation(
    engine: &PolicyEngine,
    activities: &[Activity],
) -> Result<(), TestCaseError> {
    let plain: Vec<Activity> = activities.iter().map(without_objects).collect();
    let together = engine.verdicts(&plain, at(50));
    for ((activity, plain), together) in activities.iter().zip(&plain).zip(together) {
        let searched = engine.verdict(&with_meaningless_object(activity), at(50));
        prop_assert_eq!(&engine.verdict(plain, at(50)), &searched);
        prop_assert_eq!(&together, &searched);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn d6_d7_d8_fast_path_equals_evaluation(
        before in imports(),
        import in imports(),
        changes in vec(policy_changes(), 0..12),
        managed in option::of(managed_domains()),
        activities in vec(activities(), 1..24),
    ) {
        let first = before.snapshot(DirectoryRevision(1), at(1)).unwrap();
        let policy = policy_over(&changes, managed, &first);
        let directory = import.snapshot(DirectoryRevision(2), at(2)).unwrap().carry_over_from(&first);
        assert_fast_path_equals_evaluation(&PolicyEngine::new(policy, Ok(Arc::new(directory))), &activities)?;
    }
}

fn policy_of(changes: &[PolicyChange], directory: &DirectorySnapshot) -> Arc<PrivacyPolicy> {
    let initial = PrivacyPolicy::initial(&admins());
    Arc::new(changes.iter().fold(initial, |policy, change| changed(&policy, change, Some(directory)).unwrap()))
}

#[test]
fn d7_second_meaning_of_name_states_no_home() {
    let bob = contoso("bob").with_alias(Alias::account("SharePoint", "bobby").unwrap());
    let directory = people(&[]).group(group("staff"), "staff").user(bob).member(&group("staff"), &user("bob"));
    let directory = Arc::new(directory.build(DirectoryRevision(1), at(0)).unwrap());
    let policy = policy_of(
        &[
            PolicyChange::ManageDomain(ManagedDomain::exactly(domain("contoso.com"))),
            PolicyChange::MakePrivate(GroupRef::ExternalUsers),
            PolicyChange::AddScopeRule(ScopeRule::include(group("staff"), ScopeTarget::AllApps)),
        ],
        &directory,
    );
    let engine = PolicyEngine::new(policy, Ok(directory));
    // The account may be Bob's, but that does not show that its holder is internal.
    let (verdict, reasons) = engine.verdict(&by("a", Actor::user(alias("bobby"))), at(0));
    assert_eq!(verdict, Verdict::Private, "{reasons:?}");
    assert_eq!(engine.verdict(&by("a", Actor::user(alias("bob@contoso.com"))), at(0)).0, Verdict::Public);
}

#[test]
fn d7_invalid_domain_is_below_no_managed_domain() {
    let directory = Arc::new(people(&[]).build(DirectoryRevision(1), at(0)).unwrap());
    let policy = policy_of(
        &[
            PolicyChange::ManageDomain(ManagedDomain::with_subdomains(domain("contoso.com"))),
            PolicyChange::MakePrivate(GroupRef::ExternalUsers),
        ],
        &directory,
    );
    let engine = PolicyEngine::new(policy, Ok(directory));
    let verdict = |name: &str| engine.verdict(&by("a", Actor::user(alias(name))), at(0)).0;
    let long = format!("x@{}.contoso.com", ["label"; 50].join("."));
    for name in
        ["x@a..contoso.com", "x@.contoso.com", "x@a|b.contoso.com", "x@a b.contoso.com", "x@xn--a.contoso.com", &long]
    {
        assert_eq!(verdict(name), Verdict::Private, "{name}");
    }
    for name in [
        "x@contoso.com",
        "x@a.CONTOSO.com",
        "x@a--b.-.1.contoso.com",
        "x@b\u{fc}cher.contoso.com",
        "x@xn--bcher-kva.contoso.com",
    ] {
        assert_eq!(verdict(name), Verdict::Public, "{name}");
    }
}

#[test]
fn d6_more_group_sets_than_numbers_are_distinguished() {
    const GROUPS: usize = 370;
    let mut import = people(&[("ann", &[])]);
    let groups: Vec<GroupId> = (0..GROUPS).map(|n| group(&format!("g-{n:03}"))).collect();
    for group in &groups {
        import = import.group(group.clone(), "Some");
    }
    let mut pairs = Vec::new();
    for one in 0..GROUPS {
        for other in 0..one {
            let id = user(&format!("{one}-{other}"));
            import = import.member(&groups[one], &id).member(&groups[other], &id);
            pairs.push((id, other, one));
        }
    }
    let directory = Arc::new(import.build(DirectoryRevision(1), at(0)).unwrap());
    let changes: Vec<PolicyChange> = groups.iter().map(|id| PolicyChange::MakePrivate(id.clone().into())).collect();
    let policy = policy_of(&changes, &directory);
    let engine = PolicyEngine::new(Arc::clone(&policy), Ok(Arc::clone(&directory)));
    let told = |id: &UserId| {
        let (_, reasons) = engine.verdict(&by("a", Actor::user(id.clone())), at(0));
        reasons.iter().filter_map(Reason::group).cloned().collect::<Vec<_>>()
    };
    assert!(pairs.len() > usize::from(u16::MAX));
    for (id, one, other) in pairs.iter().step_by(101).chain(pairs.iter().rev().take(3_000)) {
        assert_eq!(told(id), [groups[*one].clone().into(), groups[*other].clone().into()]);
    }
    assert_eq!(engine.verdict(&by("a", Actor::user(alias("ann@contoso.com"))), at(0)).0, Verdict::Public);
}

#[test]
fn d7_guest_name_without_address_is_external() {
    let guest = || alias("x_gmail.com#EXT#");
    let directory = Arc::new(people(&[("adele", &["staff"])]).build(DirectoryRevision(1), at(0)).unwrap());
    let mut policy = PrivacyPolicy::initial(&admins());
    for change in [
        PolicyChange::MakePrivate(GroupRef::ExternalUsers),
        PolicyChange::ManageDomain(ManagedDomain::exactly("contoso.com".parse().unwrap())),
        PolicyChange::AddScopeRule(ScopeRule::include(group("staff"), ScopeTarget::AllApps)),
        PolicyChange::AddScopeRule(ScopeRule::include(GroupRef::ExternalUsers, ScopeTarget::AllApps)),
    ] {
        policy = changed(&policy, &change, Some(&directory)).unwrap();
    }
    let engine = PolicyEngine::new(Arc::new(policy), Ok(directory));
    for actor in [
        Actor::user(guest()).with_identity(alias("bob@contoso.com")),
        Actor::system("sync".parse().unwrap()).with_identity(guest()),
        Actor::user(user("adele")).with_identity(guest()),
        Actor::user(alias("adele@contoso.com")).with_identity(guest()),
    ] {
        let activity = by("a", actor);
        assert_eq!(engine.verdict(&activity, at(0)).0, Verdict::Private);
        assert_eq!(engine.verdicts(&[activity], at(0))[0].0, Verdict::Private);
    }
}
