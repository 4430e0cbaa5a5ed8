//! The policies, each made from the one before by changes.

use std::sync::Arc;

use activity_privacy::directory::DirectorySnapshot;
use activity_privacy::governance::{NewPolicy, Receipt, RecordId};
use activity_privacy::identity::UserId;
use activity_privacy::policy::{
    Administrators, GroupRef, ManagedDomain, PolicyChange, PrivacyPolicy, ScopeRule, ScopeTarget,
};
use uuid::Uuid;

use super::as_of;
use super::import::group;
use super::organisation::{DOMAIN, LARGE, Organisation};

pub(crate) fn administrator() -> UserId {
    UserId::new("administrator").unwrap()
}

/// Returns a policy in which the 50 groups are private.
pub(crate) fn private(organisation: &Organisation, directory: &DirectorySnapshot) -> Arc<PrivacyPolicy> {
    let changes = organisation.private_groups().map(|private| PolicyChange::MakePrivate(group(private).into()));
    let initial = PrivacyPolicy::initial(&Administrators::only_one(administrator()));
    Arc::new(changes.fold(initial, |policy, change| changed(&policy, &change, directory)))
}

/// Returns the policy with the large group private too.
pub(crate) fn with_large(policy: &PrivacyPolicy, directory: &DirectorySnapshot) -> Arc<PrivacyPolicy> {
    Arc::new(changed(policy, &PolicyChange::MakePrivate(group(LARGE).into()), directory))
}

/// Returns the policy with external users private too.
pub(crate) fn with_external(policy: &PrivacyPolicy, directory: &DirectorySnapshot) -> Arc<PrivacyPolicy> {
    let ours = ManagedDomain::with_subdomains(DOMAIN.parse().unwrap());
    let policy = changed(policy, &PolicyChange::ManageDomain(ours), directory);
    Arc::new(changed(&policy, &PolicyChange::MakePrivate(GroupRef::ExternalUsers), directory))
}

/// Returns the policy with a scope: the large group in all apps, and three others in another app.
pub(crate) fn with_scope(policy: &PrivacyPolicy, directory: &DirectorySnapshot) -> Arc<PrivacyPolicy> {
    let other = ScopeTarget::App("Box".parse().unwrap());
    let rules = (0..3).map(|included| ScopeRule::include(group(included), other.clone()));
    let rules = rules.chain([ScopeRule::include(group(LARGE), ScopeTarget::AllApps)]);
    Arc::new(rules.fold(policy.clone(), |policy, rule| changed(&policy, &PolicyChange::AddScopeRule(rule), directory)))
}

/// Returns the policy after a change, as if that had been recorded and published.
fn changed(policy: &PrivacyPolicy, change: &PolicyChange, directory: &DirectorySnapshot) -> PrivacyPolicy {
    let record = RecordId(Uuid::nil());
    let by = administrator();
    let pending = NewPolicy::authorise(policy, change, &by, Some(directory), record, as_of()).unwrap();
    pending.recorded(&Receipt::assertion(record, 1)).unwrap().policy().clone()
}
