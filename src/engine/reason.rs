//! The reasons of a decision.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::identity::GroupId;
use crate::policy::{GroupRef, ScopeRule, ScopeTarget};
use crate::text::words;

/// The role of a person on an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalRole {
    /// The actor.
    Actor,
    /// A principal on whose behalf the actor acted.
    OnBehalfOf,
    /// An object of the activity.
    Object,
}

words!(PrincipalRole, "principal role": Actor = "actor", OnBehalfOf = "on_behalf_of", Object = "object");

/// Why an activity could not be decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndecidableReason {
    /// The source names no user, or only in forms of which the directory has no entry: a passport id, a security
    /// identifier, a damaged name, or an account in an app whose accounts the directory does not have.
    NoUsableActor,
    /// An alias on the activity belongs to several users.
    AmbiguousAlias,
    /// No directory was ever loaded.
    DirectoryNeverLoaded,
    /// The directory did not answer.
    DirectoryUnavailable,
    /// The directory is older than the policy allows.
    DirectoryTooOld,
    /// A group of the policy was removed from the directory, and its last members are unknown.
    GroupRemoved(GroupId),
}

impl fmt::Display for UndecidableReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUsableActor => f.write_str("the source names no user in a form that the directory has"),
            Self::AmbiguousAlias => f.write_str("an alias on the activity belongs to several users"),
            Self::DirectoryNeverLoaded => f.write_str("no directory was ever loaded"),
            Self::DirectoryUnavailable => f.write_str("the directory did not answer"),
            Self::DirectoryTooOld => f.write_str("the directory was older than the policy allows"),
            Self::GroupRemoved(group) => {
                write!(
                    f,
                    "group `{group}` of the policy was removed from the directory and its last members are unknown"
                )
            }
        }
    }
}

impl UndecidableReason {
    /// Returns what the caller can do, for the text of an error.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::NoUsableActor => "name the user in a form that the directory has",
            Self::AmbiguousAlias => "make the alias unique in the directory",
            Self::DirectoryNeverLoaded => "load a directory",
            Self::DirectoryUnavailable => "wait until the directory is available",
            Self::DirectoryTooOld => "import a recent directory",
            Self::GroupRemoved(_) => "restore the group in the directory",
        }
    }
}

/// One reason for a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reason {
    /// A principal, or an object if objects count, is a member of a private group, directly or through nested groups.
    Member {
        /// The private group.
        group: GroupRef,
        /// The role of that person on the activity.
        role: PrincipalRole,
    },
    /// The activity cannot be decided.
    Undecidable(UndecidableReason),
    /// This rule includes the activity in monitoring.
    Scope(ScopeRule),
}

impl Reason {
    /// Returns the group that the reason names.
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
                    PrincipalRole::Actor => "the actor",
                    PrincipalRole::OnBehalfOf => "a principal on whose behalf it was done",
                    PrincipalRole::Object => "a person among the objects",
                };
                write!(f, "{who} was in {group}")
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

/// The reasons of one verdict. Activities with equal reasons share them, so a clone costs no memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reasons(Option<Arc<[Reason]>>);

impl Reasons {
    /// No reasons: no principal was in a private group.
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
