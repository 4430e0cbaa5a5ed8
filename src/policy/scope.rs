//! The monitoring scope: which groups are monitored in which apps.

use serde::{Deserialize, Serialize};

use super::GroupRef;
use crate::activity::{App, AppName};
use crate::text::words;

/// Whether a rule includes or excludes its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeEffect {
    /// The group is monitored in the target.
    Include,
    /// The group is not monitored in the target, regardless of other rules.
    Exclude,
}

words!(ScopeEffect, "scope effect": Include = "include", Exclude = "exclude");

/// The apps to which a rule applies. Later variants are more specific.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeTarget {
    /// All apps.
    AllApps,
    /// Every app of a suite.
    Suite(AppName),
    /// One app.
    App(AppName),
}

impl ScopeTarget {
    pub(crate) fn covers(&self, app: &App) -> bool {
        match self {
            Self::AllApps => true,
            Self::Suite(suite) => app.suite() == Some(suite),
            Self::App(name) => app.name() == name,
        }
    }

    /// Returns how specific the target is, with 0 for all apps.
    pub(crate) fn level(&self) -> u8 {
        match self {
            Self::AllApps => 0,
            Self::Suite(_) => 1,
            Self::App(_) => 2,
        }
    }
}

/// One rule of the monitoring scope: a group is, or is not, monitored in some apps.
///
/// An app that no include rule covers is monitored for everyone. Among the include rules that cover an app, those of
/// the most specific level decide (app over suite over all apps), and the groups at that level add up. An exclude rule
/// that covers the app, at any level, always wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeRule {
    effect: ScopeEffect,
    group: GroupRef,
    target: ScopeTarget,
}

impl ScopeRule {
    /// Returns a rule that includes a group.
    pub fn include(group: impl Into<GroupRef>, target: ScopeTarget) -> Self {
        Self { effect: ScopeEffect::Include, group: group.into(), target }
    }

    /// Returns a rule that excludes a group.
    pub fn exclude(group: impl Into<GroupRef>, target: ScopeTarget) -> Self {
        Self { effect: ScopeEffect::Exclude, group: group.into(), target }
    }

    /// Returns whether the rule includes or excludes its group.
    #[must_use]
    pub fn effect(&self) -> ScopeEffect {
        self.effect
    }

    /// Returns the group to which the rule applies.
    #[must_use]
    pub fn group(&self) -> &GroupRef {
        &self.group
    }

    /// Returns the apps to which the rule applies.
    #[must_use]
    pub fn target(&self) -> &ScopeTarget {
        &self.target
    }
}
