//! Changes of the policy.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::activities::{app_name, suite_name};
use super::names::{accounts_of, aliases, domains, groups, identities, user_id, user_ids};
use crate::forward::{ForwarderName, Start};
use crate::policy::{
    ManagedDomain, OnUndecidable, OptionsPatch, PolicyChange, PolicyUpdate, Purpose, Retention, Revision, Role,
    ScopeRule, ScopeTarget,
};

/// Generates scope targets: all apps, a suite, or an app.
pub fn scope_targets() -> impl Strategy<Value = ScopeTarget> + Clone {
    prop_oneof![
        Just(ScopeTarget::AllApps),
        suite_name().prop_map(ScopeTarget::Suite),
        app_name().prop_map(ScopeTarget::App)
    ]
}

/// Generates rules that include or exclude a group.
pub fn scope_rules() -> impl Strategy<Value = ScopeRule> + Clone {
    (proptest::bool::weighted(0.4), groups(), scope_targets()).prop_map(|(exclude, group, target)| {
        if exclude { ScopeRule::exclude(group, target) } else { ScopeRule::include(group, target) }
    })
}

/// Generates patches of some or none of the options. Durations are short, so that a history exceeds them.
pub fn options_patches() -> impl Strategy<Value = OptionsPatch> {
    let when = prop_oneof![
        3 => Just(OnUndecidable::Hide),
        3 => Just(OnUndecidable::FailOpen),
        1 => Just(OnUndecidable::Reject),
    ];
    let seconds = |choices: Vec<u64>| select(choices).prop_map(Duration::from_secs);
    let age = weighted(0.5, seconds(vec![300, 60, 0, 100_000, u64::MAX]));
    let lifetime = weighted(0.8, seconds(vec![3_600, 60, u64::MAX]));
    let waiting = weighted(0.8, seconds(vec![86_400, 60]));
    let retention =
        weighted(0.7, seconds(vec![300, 30, 30, 0, u64::MAX])).prop_map(|keep| keep.map(Retention::of_activities));
    let rarely = || proptest::bool::weighted(0.2);
    (
        (
            weighted(0.5, proptest::bool::weighted(0.6)),
            weighted(0.6, when),
            weighted(0.5, age),
            weighted(0.5, proptest::bool::weighted(0.4)),
        ),
        (weighted(0.2, proptest::bool::weighted(0.7)), weighted(0.3, lifetime), weighted(0.1, rarely()), rarely()),
        (weighted(0.2, prop_oneof![9 => Just(0), 1 => Just(1)]), weighted(0.2, waiting), weighted(0.7, retention)),
    )
        .prop_map(
            |((objects, when, age, why), (own, lifetime, purpose, own_approval), (approvals, waiting, keep))| {
                let mut patch = OptionsPatch::new();
                macro_rules! name {
                ($($option:ident: $value:ident),+) => {
                    $(if let Some(value) = $value {
                        patch = patch.$option(value);
                    })+
                };
            }
                name! {
                    include_objects: objects, on_undecidable: when, max_directory_age: age, justification_required: why,
                    self_grant_allowed: own, max_reveal_lifetime: lifetime, approvals_required: approvals,
                    max_request_age: waiting, retention: keep
                }
                match (purpose, Purpose::new("audit")) {
                    (Some(true), Ok(audit)) => patch = patch.add_purpose(audit),
                    (Some(false), Ok(audit)) => patch = patch.remove_purpose(audit),
                    _ => {}
                }
                if own_approval { patch.self_approval_allowed(true) } else { patch }
            },
        )
}

/// Generates updates: most of one change, some of several or none, some made for one of the first revisions, and some
/// that add a follower and disclose to it.
pub fn policy_updates() -> impl Strategy<Value = PolicyUpdate> {
    let several = vec(policy_changes(), 0..5);
    let made_for = (vec(policy_changes(), 1..3), 1..12_u64);
    let disclosed = (followers(), starts());
    prop_oneof![
        8 => policy_changes().prop_map(PolicyUpdate::from),
        3 => several.prop_map(PolicyUpdate::from),
        1 => made_for.prop_map(|(changes, revision)| {
            PolicyUpdate::from(changes).made_for(Revision::from_number(revision))
        }),
        1 => disclosed.prop_map(|(name, start)| {
            let add = PolicyChange::AddFollower(name.clone(), start);
            PolicyUpdate::from([add, PolicyChange::DiscloseToFollower(name)])
        }),
    ]
}

/// Generates every kind of change, including changes that are rejected.
///
/// ```
/// use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
/// use activity_privacy::strategies::{imports, policy_changes};
/// use activity_privacy::directory::DirectoryRevision;
/// use activity_privacy::filter::PrivacyFilter;
/// use activity_privacy::identity::UserId;
/// use activity_privacy::policy::Administrators;
/// use proptest::prelude::*;
///
/// let root = UserId::new("root").unwrap();
/// proptest!(ProptestConfig::with_cases(16), |(import in imports(), change in policy_changes())| {
///     let directory = MemoryDirectory::new();
///     directory.install(import.snapshot(DirectoryRevision(1), Default::default()).unwrap()).unwrap();
///     let builder = PrivacyFilter::builder(MemoryStore::new(), directory, MemorySink::new());
///     let administrators = Administrators::new(root.clone(), UserId::new("deputy").unwrap()).unwrap();
///     let filter = builder.initialize(administrators).unwrap();
///     let before = filter.policy().unwrap().revision();
///     if let Ok(revision) = filter.update_policy(&root, &change) {
///         prop_assert!(revision > before);
///     }
/// });
/// ```
pub fn policy_changes() -> impl Strategy<Value = PolicyChange> {
    let role = prop_oneof![2 => Just(Role::Analyst), 1 => Just(Role::PrivacyAdministrator)];
    let managed = (domains(), any::<bool>()).prop_map(|(domain, below)| {
        if below { ManagedDomain::with_subdomains(domain) } else { ManagedDomain::exactly(domain) }
    });
    // Names of users who are admins or often become so.
    let admins = || {
        let known: Vec<_> =
            ["root", "ann"].into_iter().filter_map(|user| accounts_of(user).into_iter().next()).flatten().collect();
        prop_oneof![3 => select(known), 1 => aliases()]
    };
    // Users, including the administrators of a history.
    let users = || prop_oneof![4 => user_ids(), 1 => select(vec![user_id("deputy")])];
    prop_oneof![
        8 => groups().prop_map(PolicyChange::MakePrivate),
        4 => groups().prop_map(PolicyChange::MakePublic),
        5 => scope_rules().prop_map(PolicyChange::AddScopeRule),
        2 => scope_rules().prop_map(PolicyChange::RemoveScopeRule),
        3 => managed.prop_map(PolicyChange::ManageDomain),
        1 => domains().prop_map(PolicyChange::UnmanageDomain),
        3 => (users(), role).prop_map(|(user, role)| PolicyChange::SetAdmin(user, role)),
        2 => users().prop_map(PolicyChange::RemoveAdmin),
        7 => admins().prop_map(PolicyChange::Grant),
        3 => admins().prop_map(|alias| PolicyChange::Revoke(alias.into())),
        1 => identities().prop_map(PolicyChange::Revoke),
        2 => (followers(), starts()).prop_map(|(name, start)| PolicyChange::AddFollower(name, start)),
        1 => followers().prop_map(PolicyChange::RemoveFollower),
        2 => followers().prop_map(PolicyChange::DiscloseToFollower),
        2 => followers().prop_map(PolicyChange::WithholdFromFollower),
        6 => options_patches().prop_map(PolicyChange::SetOptions),
    ]
}

fn followers() -> impl Strategy<Value = ForwarderName> {
    let names = ["archive", "notes"].into_iter().filter_map(|name| ForwarderName::new(name).ok());
    select(names.collect::<Vec<_>>())
}

fn starts() -> impl Strategy<Value = Start> {
    let time = DateTime::UNIX_EPOCH + TimeDelta::seconds(1_772_000_000);
    select(vec![Start::Beginning, Start::Now, Start::Time(time)])
}
