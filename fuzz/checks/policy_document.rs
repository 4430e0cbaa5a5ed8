//! Checks bytes as a policy document.

use std::sync::Arc;
use std::time::Duration;

use activity_privacy::activity::Actor;
use activity_privacy::engine::{PolicyEngine, Verdict};
use activity_privacy::forward::Start;
use activity_privacy::governance::{NewPolicy, Receipt, RecordId};
use activity_privacy::policy::{
    GroupRef, ManagedDomain, OnUndecidable, OptionsPatch, PolicyChange, PrivacyPolicy, Revision, Role, ScopeRule,
    ScopeTarget,
};

use super::json::Tree;
use super::reader::directory;
use crate::fixture::{activity, alias, at, by, domain, group};

pub(crate) fn check(input: &[u8]) {
    let policy: PrivacyPolicy = match serde_json::from_slice(input) {
        Ok(policy) => policy,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "B1");
            return;
        }
    };
    let text = std::str::from_utf8(input).expect("JSON is UTF-8");
    assert!(!Tree::of(text).unwrap().repeats_a_name(), "B1: readers could disagree on who is an admin");
    let document = sound(&policy);
    // The fields in reverse order.
    let reversed: PrivacyPolicy = serde_json::from_str(&Tree::of(&document).unwrap().reversed()).unwrap();
    assert!(reversed == policy, "B1: the order of fields plays no part");
    decides(&policy);
    changes(&policy);
}

/// Checks a policy of any origin. Returns its document.
fn sound(policy: &PrivacyPolicy) -> String {
    assert!(policy.revision() >= Revision::FIRST);
    assert!(policy.admins().values().any(|role| role.manages_privacy()), "P1: an administrator can change the policy");
    assert!(policy.grants().keys().all(|user| policy.admins().contains_key(user)), "P1: only an admin is granted");
    for user in policy.admins().keys().chain(policy.grants().keys()) {
        let granted = policy.admins().contains_key(user) && policy.grants().contains_key(user);
        assert_eq!(policy.may_view_private(user).is_ok(), granted, "P2");
    }
    let document = serde_json::to_string(policy).unwrap();
    let again: PrivacyPolicy = serde_json::from_str(&document).expect("an accepted policy can be read back");
    assert!(again == *policy, "a policy is unchanged by storing it");
    assert_eq!(serde_json::to_string(&again).unwrap(), document);
    document
}

/// Checks that every policy makes a decision, and hides the members of its private groups.
fn decides(policy: &PrivacyPolicy) {
    let engine = PolicyEngine::new(Arc::new(policy.clone()), Ok(directory()));
    let app = Actor::application("Backup".parse().unwrap());
    let activities = [
        activity("a", "adele"),
        activity("b", "bob"),
        by("c", app),
        by("d", Actor::unknown()),
        by("e", Actor::user(alias("vera_x.example#EXT#@contoso.com"))),
    ];
    let verdicts: Vec<Verdict> = activities.iter().map(|activity| engine.verdict(activity, at(0)).0).collect();
    let private = |group: GroupRef| policy.private_groups().contains(&group);
    let [adele, _, backup, unknown, vera] = verdicts[..] else { panic!("one each") };
    assert!(!private(group("council").into()) || adele != Verdict::Public, "D6");
    assert!(!private(GroupRef::Applications) || backup != Verdict::Public, "D7");
    assert!(!private(GroupRef::ExternalUsers) || vera != Verdict::Public, "D7");
    let shows = policy.options().on_undecidable == OnUndecidable::FailOpen;
    assert!(shows || unknown != Verdict::Public, "D9");
    match engine.decide(&activities, at(0)) {
        Ok(batch) => assert_eq!(batch.policy(), policy.revision(), "D1"),
        Err(_) => assert_eq!(policy.options().on_undecidable, OnUndecidable::Reject, "D9"),
    }
}

/// Checks that every change makes a valid next policy, or is rejected.
fn changes(policy: &PrivacyPolicy) {
    let directory = directory();
    let options = OptionsPatch::new().max_directory_age(Some(Duration::from_secs(7)));
    let council: GroupRef = group("council").into();
    let rule = ScopeRule::include(council.clone(), ScopeTarget::AllApps);
    let mut changes = vec![
        PolicyChange::MakePrivate(council.clone()),
        PolicyChange::MakePublic(council),
        PolicyChange::AddScopeRule(rule),
        PolicyChange::ManageDomain(ManagedDomain::exactly(domain("contoso.com"))),
        PolicyChange::UnmanageDomain(domain("contoso.com")),
        PolicyChange::Grant(alias("root@contoso.com")),
        PolicyChange::AddFollower("archive".parse().unwrap(), Start::Now),
        PolicyChange::SetOptions(options),
    ];
    changes.extend(policy.scope().first().map(|rule| PolicyChange::RemoveScopeRule(rule.clone())));
    for name in policy.followers().keys() {
        changes.push(PolicyChange::DiscloseToFollower(name.clone()));
        changes.push(PolicyChange::WithholdFromFollower(name.clone()));
        changes.push(PolicyChange::RemoveFollower(name.clone()));
    }
    for admin in policy.admins().keys() {
        changes.push(PolicyChange::RemoveAdmin(admin.clone()));
        changes.push(PolicyChange::SetAdmin(admin.clone(), Role::Analyst));
        changes.push(PolicyChange::Revoke(admin.clone().into()));
    }
    let (by, _) =
        policy.admins().iter().find(|(_, role)| role.manages_privacy()).expect("a policy has a privacy administrator");
    for change in changes {
        let id = RecordId(uuid::Uuid::nil());
        if let Ok(pending) = NewPolicy::authorise(policy, &change, by, Some(&directory), id, at(0)) {
            let recorded = pending.recorded(&Receipt::assertion(id, 1)).unwrap();
            let next = recorded.policy();
            sound(next);
            assert_eq!(
                Some(next.revision().number()),
                policy.revision().number().checked_add(1),
                "D5: the revision grows by one, otherwise a stale node would continue"
            );
        }
    }
}
