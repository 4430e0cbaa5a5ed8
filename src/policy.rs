//! The privacy policy: private groups, monitoring scope, administrators and their permissions, options.

mod administrators;
mod change;
mod document;
mod follower;
mod options;
mod options_patch;
mod permission;
mod retention;
mod scope;
mod seconds;
mod update;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::administrators::{Administrators, SameAdministrator};
pub use self::change::{PolicyChange, PolicyError};
pub(crate) use self::change::{PolicyDraft, person};
pub use self::follower::Follower;
pub use self::options::{MissingOption, OnUndecidable, PolicyOptions, PolicyOptionsBuilder, Purpose};
pub use self::options_patch::OptionsPatch;
pub use self::permission::{Denial, Grant, Role};
pub(crate) use self::retention::before;
pub use self::retention::{Retention, RetentionError};
pub use self::scope::{ScopeEffect, ScopeRule, ScopeTarget};
pub use self::update::PolicyUpdate;
use crate::forward::ForwarderName;
use crate::identity::{Domain, GroupId, UserId};

/// The number of a policy's state. Grows by one at each change; clocks play no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(u64);

impl Revision {
    /// The revision of the first policy.
    pub const FIRST: Self = Self(1);

    /// Returns the number, for adapters to store.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// Returns the revision with this number, for adapters that read it back.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Returns the next revision. Returns `None` if the number would overflow.
    pub(crate) fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Revision {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

/// A group that a policy can name: an imported group or one of the two built-in groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupRef {
    /// A group of the directory.
    Imported(GroupId),
    /// Every application and service principal.
    Applications,
    /// Every user whose home domain is none of the managed domains.
    ExternalUsers,
}

impl From<GroupId> for GroupRef {
    fn from(id: GroupId) -> Self {
        Self::Imported(id)
    }
}

impl fmt::Display for GroupRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Imported(id) => write!(f, "group `{id}`"),
            Self::Applications => f.write_str("the built-in group of applications"),
            Self::ExternalUsers => f.write_str("the built-in group of external users"),
        }
    }
}

/// A domain whose users belong to the organisation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedDomain {
    domain: Domain,
    #[serde(default)]
    with_subdomains: bool,
}

impl ManagedDomain {
    /// Returns this domain without its subdomains.
    #[must_use]
    pub fn exactly(domain: Domain) -> Self {
        Self { domain, with_subdomains: false }
    }

    /// Returns this domain with its subdomains.
    #[must_use]
    pub fn with_subdomains(domain: Domain) -> Self {
        Self { domain, with_subdomains: true }
    }

    /// Returns the domain.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Returns whether subdomains are covered too.
    #[must_use]
    pub fn is_with_subdomains(&self) -> bool {
        self.with_subdomains
    }

    /// Returns whether this covers a domain that is in ASCII, in any case.
    pub(crate) fn covers_ascii(&self, domain: &str) -> bool {
        let own = self.domain.as_str();
        if domain.len() <= own.len() || !self.with_subdomains {
            return domain.eq_ignore_ascii_case(own);
        }
        let (head, tail) = domain.as_bytes().split_at(domain.len() - own.len());
        head.ends_with(b".") && tail.eq_ignore_ascii_case(own.as_bytes())
    }

    /// Returns whether users of `domain` belong to the organisation.
    #[must_use]
    pub fn covers(&self, domain: &Domain) -> bool {
        self.covers_ascii(domain.as_str())
    }
}

/// Scope, private groups, managed domains, admins, grants and options: one value with a revision.
///
/// [`PrivacyPolicy::initial`] returns the first policy. Each [`NewPolicy`](crate::governance::NewPolicy) makes
/// the next one and leaves the previous value unchanged. Deserialization checks a policy document against the same
/// rules.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::identity::UserId;
/// use activity_privacy::policy::{Administrators, PrivacyPolicy, Revision};
///
/// let policy = PrivacyPolicy::initial(&Administrators::new(UserId::new("admin-1")?, UserId::new("admin-2")?)?);
/// assert_eq!(policy.revision(), Revision::FIRST);
/// assert!(policy.may_manage_privacy(&UserId::new("admin-1")?).is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawPolicy")]
pub struct PrivacyPolicy {
    revision: Revision,
    scope: Vec<ScopeRule>,
    private_groups: BTreeSet<GroupRef>,
    managed_domains: BTreeSet<ManagedDomain>,
    admins: BTreeMap<UserId, Role>,
    grants: BTreeMap<UserId, Grant>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    followers: BTreeMap<ForwarderName, Follower>,
    options: PolicyOptions,
}

#[derive(Deserialize)]
// An ignored field, misspelt or of a newer version, would be a protection that does not take effect.
#[serde(deny_unknown_fields)]
struct RawPolicy {
    revision: Revision,
    scope: Vec<ScopeRule>,
    private_groups: BTreeSet<GroupRef>,
    managed_domains: BTreeSet<ManagedDomain>,
    #[serde(deserialize_with = "document::each_once")]
    admins: BTreeMap<UserId, Role>,
    #[serde(deserialize_with = "document::each_once")]
    grants: BTreeMap<UserId, Grant>,
    #[serde(default, deserialize_with = "document::each_once")]
    followers: BTreeMap<ForwarderName, Follower>,
    options: PolicyOptions,
}

/// The error of a policy document that no policy can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PolicyDocumentError {
    /// The revision is 0.
    #[error("field `revision` is 0, expected at least 1")]
    NoRevision,
    /// No administrator could ever change the policy.
    #[error("field `admins` contains no privacy administrator; add at least one")]
    NoAdministrator,
    /// A grant belongs to a user who is no admin.
    #[error("field `grants` contains a user who is not in field `admins`")]
    GrantWithoutAdmin,
    /// A grant was made in a later revision than the policy's.
    #[error("field `grants` contains a grant of a later revision than field `revision`")]
    GrantOfLaterRevision,
    /// A follower refers to a later revision than the policy's.
    #[error("field `followers` refers to a later revision than field `revision`")]
    FollowerOfLaterRevision,
}

impl TryFrom<RawPolicy> for PrivacyPolicy {
    type Error = PolicyDocumentError;

    fn try_from(raw: RawPolicy) -> Result<Self, PolicyDocumentError> {
        let RawPolicy { revision, scope, private_groups, managed_domains, admins, grants, followers, options } = raw;
        if revision < Revision::FIRST {
            return Err(PolicyDocumentError::NoRevision);
        }
        if !admins.values().any(|role| role.manages_privacy()) {
            return Err(PolicyDocumentError::NoAdministrator);
        }
        if !grants.keys().all(|user| admins.contains_key(user)) {
            return Err(PolicyDocumentError::GrantWithoutAdmin);
        }
        if grants.values().any(|grant| grant.granted_in() > revision) {
            return Err(PolicyDocumentError::GrantOfLaterRevision);
        }
        if followers.values().any(|follower| follower.latest_revision() > revision) {
            return Err(PolicyDocumentError::FollowerOfLaterRevision);
        }
        Ok(Self { revision, scope, private_groups, managed_domains, admins, grants, followers, options })
    }
}

impl PrivacyPolicy {
    /// Returns the first policy: no group is private, every user is monitored, and the administrators can change it.
    #[must_use]
    pub fn initial(administrators: &Administrators) -> Self {
        Self {
            revision: Revision::FIRST,
            scope: Vec::new(),
            private_groups: BTreeSet::new(),
            managed_domains: BTreeSet::new(),
            admins: administrators.users().map(|user| (user.clone(), Role::PrivacyAdministrator)).collect(),
            grants: BTreeMap::new(),
            followers: BTreeMap::new(),
            options: PolicyOptions::default(),
        }
    }

    /// Returns the revision of the policy.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Returns the rules of the monitoring scope.
    #[must_use]
    pub fn scope(&self) -> &[ScopeRule] {
        &self.scope
    }

    /// Returns the groups whose members' activities are private.
    #[must_use]
    pub fn private_groups(&self) -> &BTreeSet<GroupRef> {
        &self.private_groups
    }

    /// Returns the domains whose users belong to the organisation.
    #[must_use]
    pub fn managed_domains(&self) -> &BTreeSet<ManagedDomain> {
        &self.managed_domains
    }

    /// Returns every user with an admin role.
    #[must_use]
    pub fn admins(&self) -> &BTreeMap<UserId, Role> {
        &self.admins
    }

    /// Returns every admin with a grant to view private activities.
    #[must_use]
    pub fn grants(&self) -> &BTreeMap<UserId, Grant> {
        &self.grants
    }

    /// Returns the followers of the governance records, by name.
    #[must_use]
    pub fn followers(&self) -> &BTreeMap<ForwarderName, Follower> {
        &self.followers
    }

    /// Returns the options.
    #[must_use]
    pub fn options(&self) -> &PolicyOptions {
        &self.options
    }

    /// Returns whether another policy has the same private groups, scope and managed domains. Then every principal
    /// matches the same groups under both.
    pub(crate) fn has_same_groups_as(&self, other: &Self) -> bool {
        self.private_groups == other.private_groups
            && self.scope == other.scope
            && self.managed_domains == other.managed_domains
    }

    /// Returns every imported group that this policy names as private or in scope.
    pub(crate) fn imported_groups(&self) -> BTreeSet<&GroupId> {
        let scope = self.scope.iter().map(ScopeRule::group);
        self.private_groups
            .iter()
            .chain(scope)
            .filter_map(|group| match group {
                GroupRef::Imported(id) => Some(id),
                GroupRef::Applications | GroupRef::ExternalUsers => None,
            })
            .collect()
    }

    pub(crate) fn manages(&self, domain: &Domain) -> bool {
        self.managed_domains.iter().any(|managed| managed.covers(domain))
    }
}
