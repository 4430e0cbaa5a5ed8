//! What a policy can be told.

use std::time::Duration;

use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::activities::{app_name, suite_name};
use super::names::{aliases, domains, groups, identities, of_line, user_ids};
use crate::policy::{
    ManagedDomain, PolicyChange, PolicyOptions, Purpose, Retention, Role, ScopeRule, ScopeTarget, WhenUndecidable,
};

/// Everywhere, in a suite, or in an app.
pub fn scope_targets() -> impl Strategy<Value = ScopeTarget> + Clone {
    prop_oneof![
        Just(ScopeTarget::AllApps),
        suite_name().prop_map(ScopeTarget::Suite),
        app_name().prop_map(ScopeTarget::App)
    ]
}

/// Rules that include or exclude a group somewhere.
pub fn scope_rules() -> impl Strategy<Value = ScopeRule> + Clone {
    (proptest::bool::weighted(0.4), groups(), scope_targets()).prop_map(|(exclude, group, target)| {
        if exclude { ScopeRule::exclude(group, target) } else { ScopeRule::include(group, target) }
    })
}

/// Options of every kind. Times are short, so that a history gets past them.
pub fn policy_options() -> impl Strategy<Value = PolicyOptions> {
    let when = prop_oneof![
        3 => Just(WhenUndecidable::Hide),
        2 => Just(WhenUndecidable::ShowUndecided),
        1 => Just(WhenUndecidable::Refuse),
    ];
    let seconds = |choices: Vec<u64>| select(choices).prop_map(Duration::from_secs);
    let age = weighted(0.5, seconds(vec![300, 60, 0, 100_000, u64::MAX]));
    let lifetime = weighted(0.8, seconds(vec![3_600, 60, u64::MAX]));
    let governed = (weighted(0.1, Just("audit")), prop_oneof![9 => Just(0), 1 => Just(1)]);
    let retention = weighted(0.5, seconds(vec![300, 30, 0, u64::MAX]));
    (
        weighted(0.6, Just(())),
        when,
        age,
        weighted(0.2, Just(())),
        weighted(0.8, Just(())),
        lifetime,
        (governed, retention),
    )
        .prop_map(
            |(
                objects,
                when_undecidable,
                max_directory_age,
                justification,
                self_grant,
                max_reveal_lifetime,
                (governed, retention),
            )| {
                let (purpose, approvals_required) = governed;
                PolicyOptions {
                    objects_count: objects.is_some(),
                    when_undecidable,
                    max_directory_age,
                    justification_required: justification.is_some(),
                    self_grant_allowed: self_grant.is_some(),
                    max_reveal_lifetime,
                    purposes: purpose.into_iter().filter_map(|purpose| Purpose::new(purpose).ok()).collect(),
                    approvals_required,
                    retention: retention.map(Retention::of_activities),
                    ..PolicyOptions::default()
                }
            },
        )
}

/// Every kind of change, those that do not fit among them.
///
/// ```
/// use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
/// use activity_privacy::strategies::{imports, policy_changes};
/// use activity_privacy::{Administrators, DirectoryRevision, PrivacyFilter, UserId};
/// use proptest::prelude::*;
///
/// let root = UserId::new("root").unwrap();
/// proptest!(ProptestConfig::with_cases(16), |(import in imports(), change in policy_changes())| {
///     let directory = MemoryDirectory::new();
///     directory.install(import.snapshot(DirectoryRevision(1), Default::default()).unwrap()).unwrap();
///     let builder = PrivacyFilter::builder(MemoryStore::new(), directory, MemorySink::new());
///     let filter = builder.initialize(Administrators::only_one(root.clone())).unwrap();
///     let before = filter.policy().unwrap().revision();
///     if let Ok(revision) = filter.change(&root, &change) {
///         prop_assert!(revision > before);
///     }
/// });
/// ```
pub fn policy_changes() -> impl Strategy<Value = PolicyChange> {
    let role = prop_oneof![2 => Just(Role::Analyst), 1 => Just(Role::PrivacyAdministrator)];
    let managed = (domains(), any::<bool>()).prop_map(|(domain, below)| {
        if below { ManagedDomain::with_subdomains(domain) } else { ManagedDomain::exactly(domain) }
    });
    // Those of whom most is said: whoever is an admin or may become one.
    let admins = || {
        let known: Vec<_> = (0..=1).flat_map(of_line).collect();
        prop_oneof![3 => select(known), 1 => aliases()]
    };
    prop_oneof![
        8 => groups().prop_map(PolicyChange::MakePrivate),
        4 => groups().prop_map(PolicyChange::MakePublic),
        5 => scope_rules().prop_map(PolicyChange::AddScopeRule),
        2 => scope_rules().prop_map(PolicyChange::RemoveScopeRule),
        3 => managed.prop_map(PolicyChange::ManageDomain),
        1 => domains().prop_map(PolicyChange::UnmanageDomain),
        3 => (user_ids(), role).prop_map(|(user, role)| PolicyChange::SetAdmin(user, role)),
        2 => user_ids().prop_map(PolicyChange::RemoveAdmin),
        7 => admins().prop_map(PolicyChange::Grant),
        3 => admins().prop_map(|alias| PolicyChange::Revoke(alias.into())),
        1 => identities().prop_map(PolicyChange::Revoke),
        4 => policy_options().prop_map(PolicyChange::SetOptions),
    ]
}
