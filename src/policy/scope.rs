//! Who is monitored where.

use serde::{Deserialize, Serialize};

use super::GroupRef;
use crate::activity::{App, AppName};

/// Whether a rule takes in or leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeEffect {
    /// The group is monitored there.
    Include,
    /// The group is not monitored there, whatever else is said.
    Exclude,
}

/// Where a rule holds. The later variants are the more specific ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeTarget {
    /// Everywhere.
    AllApps,
    /// In every app of a suite.
    Suite(AppName),
    /// In one app.
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

    /// 0 for the widest.
    pub(crate) fn level(&self) -> u8 {
        match self {
            Self::AllApps => 0,
            Self::Suite(_) => 1,
            Self::App(_) => 2,
        }
    }
}

/// One rule: a group is, or is not, monitored somewhere.
///
/// An app that no include rule covers is monitored for everyone. Among the include rules that cover an app, those of the
/// most specific level decide (app over suite over all apps), and the groups at that level add up. An exclude rule that
/// covers the app, at whatever level, always wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeRule {
    effect: ScopeEffect,
    group: GroupRef,
    target: ScopeTarget,
}

impl ScopeRule {
    /// Monitors a group somewhere.
    pub fn include(group: impl Into<GroupRef>, target: ScopeTarget) -> Self {
        Self { effect: ScopeEffect::Include, group: group.into(), target }
    }

    /// Leaves a group unmonitored somewhere.
    pub fn exclude(group: impl Into<GroupRef>, target: ScopeTarget) -> Self {
        Self { effect: ScopeEffect::Exclude, group: group.into(), target }
    }

    /// Whether it takes in or leaves out.
    #[must_use]
    pub fn effect(&self) -> ScopeEffect {
        self.effect
    }

    /// Whom it speaks of.
    #[must_use]
    pub fn group(&self) -> &GroupRef {
        &self.group
    }

    /// Where it holds.
    #[must_use]
    pub fn target(&self) -> &ScopeTarget {
        &self.target
    }
}
