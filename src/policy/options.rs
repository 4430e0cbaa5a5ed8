//! How a policy is applied where an organisation may choose.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Retention, seconds};
use crate::text::checked_text;

checked_text! {
    /// For what purpose private activities are looked at, in words that those whose activities they are may read.
    Purpose, "purpose", max 256, shown
}

/// Choices within the rules. Where nothing else is said, the default is the safe one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyOptions {
    /// Whether an activity is also private when a protected person is only its object. Default: no.
    pub objects_count: bool,
    /// What becomes of an activity that cannot be decided. Default: it is hidden.
    pub when_undecidable: WhenUndecidable,
    /// How old the directory may be, in whole seconds from its as-of time; an older one decides nothing. Default: any
    /// age.
    #[serde(with = "seconds")]
    pub max_directory_age: Option<Duration>,
    /// Whether a reveal needs a written justification. Default: no.
    pub justification_required: bool,
    /// Whether administrators may grant themselves the permission to view private activities. Default: yes, as in the
    /// reference product.
    pub self_grant_allowed: bool,
    /// The longest that a reveal may live, in whole seconds. Default: one hour.
    #[serde(with = "seconds")]
    pub max_reveal_lifetime: Option<Duration>,
    /// The purposes for which anybody may look; a reveal names one of them. Default: none, and a reveal may name any
    /// purpose or no purpose.
    pub purposes: BTreeSet<Purpose>,
    /// How many other admins, who are themselves permitted to view private activities, must approve a reveal. Default:
    /// nobody.
    pub approvals_required: u32,
    /// Whether whoever asks for a reveal counts as one of those who approve it. Default: no.
    pub self_approval_allowed: bool,
    /// How long a request for a reveal waits for its approvals, in whole seconds. Default: one day.
    #[serde(with = "seconds")]
    pub max_request_age: Option<Duration>,
    /// For how long activities and governance records are kept. Default: for ever.
    pub retention: Option<Retention>,
}

impl Default for PolicyOptions {
    fn default() -> Self {
        Self {
            objects_count: false,
            when_undecidable: WhenUndecidable::Hide,
            max_directory_age: None,
            justification_required: false,
            self_grant_allowed: true,
            max_reveal_lifetime: Some(Duration::from_secs(3_600)),
            purposes: BTreeSet::new(),
            approvals_required: 0,
            self_approval_allowed: false,
            max_request_age: Some(Duration::from_secs(86_400)),
            retention: None,
        }
    }
}

impl PolicyOptions {
    /// Whether a directory as of this time is recent enough at `now`. One from further in the future than it may be old
    /// is not: its clock, or ours, is wrong.
    pub(crate) fn accepts(&self, as_of: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        // An age beyond what the clock can count is no limit.
        let limit = self.max_directory_age.and_then(|age| TimeDelta::from_std(age).ok());
        limit.is_none_or(|limit| now.signed_duration_since(as_of).abs() <= limit)
    }
}

/// What becomes of an activity that cannot be decided: nobody usable is named, an alias is ambiguous, the directory
/// does not answer or is too old, or a group of the policy is gone from it and nobody knows who was in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenUndecidable {
    /// It is stored as private, with the cause as its reason.
    #[default]
    Hide,
    /// The whole batch is refused with an error and nothing of it is stored, so that the caller can try again.
    Refuse,
    /// It is stored as public although nobody knows whether it may be. This gives up the protection of whoever is
    /// behind it: of everybody, while the directory is missing.
    ShowUndecided,
}
