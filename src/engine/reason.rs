//! Why something is hidden, shown or monitored.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::identity::GroupId;
use crate::policy::{GroupRef, ScopeRule, ScopeTarget};

/// Where on an activity somebody was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalRole {
    /// As the one who acted.
    Actor,
    /// As the one for whom it was done.
    OnBehalfOf,
    /// As the one it was done to.
    Object,
}

/// Why an activity could not be decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndecidableReason {
    /// The source names nobody, or only in a form of which the directory has no entry: a passport id, a security
    /// identifier, a damaged name, an account in an app whose accounts the directory does not know.
    NoUsableActor,
    /// An alias that several users hold.
    AmbiguousAlias,
    /// No directory was ever loaded.
    DirectoryNeverLoaded,
    /// The directory did not answer.
    DirectoryUnavailable,
    /// The directory is older than the policy allows.
    DirectoryTooOld,
    /// A group of the policy is gone from the directory and nobody knows who was in it.
    GroupRemoved(GroupId),
}

impl fmt::Display for UndecidableReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUsableActor => f.write_str("the source names nobody who acted in a form that the directory knows"),
            Self::AmbiguousAlias => f.write_str("an alias on it is held by several users"),
            Self::DirectoryNeverLoaded => f.write_str("no directory was ever loaded"),
            Self::DirectoryUnavailable => f.write_str("the directory did not answer"),
            Self::DirectoryTooOld => f.write_str("the directory was older than the policy allows"),
            Self::GroupRemoved(group) => {
                write!(f, "group `{group}` of the policy is gone from the directory and its last members are not known")
            }
        }
    }
}

/// One reason for a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reason {
    /// Somebody on the activity is a member of a private group, directly or through other groups.
    Member {
        /// The private group.
        group: GroupRef,
        /// Where on the activity they stand.
        role: PrincipalRole,
    },
    /// It could not be decided.
    Undecidable(UndecidableReason),
    /// This rule is why it is monitored at all.
    Scope(ScopeRule),
}

impl Reason {
    /// The group that this reason speaks of.
    #[must_use]
    pub fn group(&self) -> Option<&GroupRef> {
        match self {
            Self::Member { group, .. } => Some(group),
            Self::Scope(rule) => Some(rule.group()),
            Self::Undecidable(_) => None,
        }
    }

    pub(super) fn cause(&self) -> Option<&UndecidableReason> {
        match self {
            Self::Undecidable(cause) => Some(cause),
            Self::Member { .. } | Self::Scope(_) => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member { group, role } => {
                let who = match role {
                    PrincipalRole::Actor => "who acted",
                    PrincipalRole::OnBehalfOf => "for whom it was done",
                    PrincipalRole::Object => "to whom it was done",
                };
                write!(f, "the one {who} was in {group}")
            }
            Self::Undecidable(cause) => cause.fmt(f),
            Self::Scope(rule) => {
                write!(f, "it was monitored because {} is included ", rule.group())?;
                match rule.target() {
                    ScopeTarget::AllApps => f.write_str("in all apps"),
                    ScopeTarget::Suite(suite) => write!(f, "in suite `{suite}`"),
                    ScopeTarget::App(app) => write!(f, "in app `{app}`"),
                }
            }
        }
    }
}

/// The reasons for one verdict, shared by all activities that have the same, so that giving them costs nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasons(Option<Arc<[Reason]>>);

impl Reasons {
    /// No reason: nobody who acted was in a private group.
    pub(super) const NONE: Self = Self(None);
}

impl FromIterator<Reason> for Reasons {
    fn from_iter<T: IntoIterator<Item = Reason>>(reasons: T) -> Self {
        let mut reasons = reasons.into_iter().peekable();
        Self(reasons.peek().is_some().then(|| reasons.collect()))
    }
}

impl Deref for Reasons {
    type Target = [Reason];

    fn deref(&self) -> &[Reason] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<const N: usize> PartialEq<[Reason; N]> for Reasons {
    fn eq(&self, other: &[Reason; N]) -> bool {
        **self == *other
    }
}

impl Serialize for Reasons {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reasons {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}
