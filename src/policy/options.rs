//! Options: the choices that a policy leaves to the organisation.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{OptionsPatch, Retention, seconds};
use crate::text::{checked_text, words};

checked_text! {
    /// The purpose for which private activities are viewed. The data subjects may read it.
    Purpose, "purpose", max 256, shown
}

/// The choices that a policy leaves to the organisation. Each default is the safe one: unchanged options show and
/// permit no more than the rules require.
///
/// [`PolicyOptions::builder`] builds options, and an [`OptionsPatch`] changes those that it names. An options document
/// is complete: it names every option. Deserialization returns [`MissingOption`] if one is missing.
///
/// ```
/// use std::time::Duration;
/// use activity_privacy::policy::PolicyOptions;
///
/// let options = PolicyOptions::builder().approvals_required(2).max_request_age(None).build();
/// assert_eq!((options.approvals_required, options.max_request_age), (2, None));
/// assert_eq!(options.max_directory_age, Some(Duration::from_secs(7 * 86_400)));
/// assert!(!options.self_grant_allowed);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WholeDocument")]
#[non_exhaustive]
pub struct PolicyOptions {
    /// Whether an activity is also private if a protected person is only its object. Default: no. Then only the
    /// principals of rule D6 count. If objects count as well, activities of unprotected people are hidden too.
    pub include_objects: bool,
    /// How an activity that cannot be decided is stored. Default: [`OnUndecidable::Hide`], because the others show the
    /// activity or do not store it.
    pub on_undecidable: OnUndecidable,
    /// The maximum age of the directory, in whole seconds from its as-of time. With an older directory no activity can
    /// be decided. Default: seven days, because an outdated directory does not protect people who joined a group later.
    #[serde(with = "seconds")]
    pub max_directory_age: Option<Duration>,
    /// Whether a reveal needs a written justification. Default: no. A justification can name a person, so the policy
    /// requires one only if the organisation chose to store it.
    pub justification_required: bool,
    /// Whether administrators may grant themselves the permission to view private activities. Default: no, so that no
    /// administrator can view private activities by their own decision alone.
    pub self_grant_allowed: bool,
    /// The maximum lifetime of a reveal, in whole seconds. Default: one hour, so that a forgotten reveal ends.
    #[serde(with = "seconds")]
    pub max_reveal_lifetime: Option<Duration>,
    /// The purposes for which private activities may be viewed; a reveal names one of them. Default: none, and a reveal
    /// may name any purpose or none. No list suits every organisation, and every reveal is on record.
    pub purposes: BTreeSet<Purpose>,
    /// How many other admins, permitted to view private activities themselves, must approve a reveal. Default: 0,
    /// because a new policy has no permitted admin who could approve. Every reveal already needs a grant by another
    /// administrator.
    pub approvals_required: u32,
    /// Whether the admin who requests a reveal counts as one of its approvers. Default: no.
    pub self_approval_allowed: bool,
    /// How long a request for a reveal waits for its approvals, in whole seconds. Default: one day, so that a forgotten
    /// request is not approved later.
    #[serde(with = "seconds")]
    pub max_request_age: Option<Duration>,
    /// How long activities and governance records are kept. Default: for ever, because removed data cannot be restored.
    pub retention: Option<Retention>,
}

/// A builder of [`PolicyOptions`] that starts with the defaults.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct PolicyOptionsBuilder {
    patch: OptionsPatch,
}

/// The error of an options document that does not name every option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the options document lacks `{option}`; name every option, or use an options patch")]
pub struct MissingOption {
    /// The missing option.
    pub option: &'static str,
}

#[derive(Deserialize)]
// An ignored misspelt option would be a protection that does not take effect.
#[serde(deny_unknown_fields, expecting = "an options document")]
struct WholeDocument {
    include_objects: Option<bool>,
    on_undecidable: Option<OnUndecidable>,
    #[serde(default, deserialize_with = "seconds::named")]
    max_directory_age: Option<Option<Duration>>,
    justification_required: Option<bool>,
    self_grant_allowed: Option<bool>,
    #[serde(default, deserialize_with = "seconds::named")]
    max_reveal_lifetime: Option<Option<Duration>>,
    purposes: Option<BTreeSet<Purpose>>,
    approvals_required: Option<u32>,
    self_approval_allowed: Option<bool>,
    #[serde(default, deserialize_with = "seconds::named")]
    max_request_age: Option<Option<Duration>>,
    #[serde(default, deserialize_with = "super::document::named")]
    retention: Option<Option<Retention>>,
}

impl TryFrom<WholeDocument> for PolicyOptions {
    type Error = MissingOption;

    fn try_from(whole: WholeDocument) -> Result<Self, MissingOption> {
        fn named<T>(value: Option<T>, option: &'static str) -> Result<T, MissingOption> {
            value.ok_or(MissingOption { option })
        }
        Ok(Self {
            include_objects: named(whole.include_objects, "include_objects")?,
            on_undecidable: named(whole.on_undecidable, "on_undecidable")?,
            max_directory_age: named(whole.max_directory_age, "max_directory_age")?,
            justification_required: named(whole.justification_required, "justification_required")?,
            self_grant_allowed: named(whole.self_grant_allowed, "self_grant_allowed")?,
            max_reveal_lifetime: named(whole.max_reveal_lifetime, "max_reveal_lifetime")?,
            purposes: named(whole.purposes, "purposes")?,
            approvals_required: named(whole.approvals_required, "approvals_required")?,
            self_approval_allowed: named(whole.self_approval_allowed, "self_approval_allowed")?,
            max_request_age: named(whole.max_request_age, "max_request_age")?,
            retention: named(whole.retention, "retention")?,
        })
    }
}

impl Default for PolicyOptions {
    fn default() -> Self {
        Self {
            include_objects: false,
            on_undecidable: OnUndecidable::Hide,
            max_directory_age: Some(Duration::from_secs(7 * 86_400)),
            justification_required: false,
            self_grant_allowed: false,
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
    /// Returns a builder that starts with the defaults.
    pub fn builder() -> PolicyOptionsBuilder {
        PolicyOptionsBuilder::default()
    }

    /// Returns the times at which a directory with this as-of time is recent enough. An as-of time that is further in
    /// the future than the maximum age is rejected: one of the two clocks is wrong.
    pub(crate) fn times_accepting(&self, as_of: DateTime<Utc>) -> RangeInclusive<DateTime<Utc>> {
        // An age that a time difference cannot represent is no limit.
        let limit = self.max_directory_age.and_then(|age| TimeDelta::from_std(age).ok());
        let first = limit.and_then(|limit| as_of.checked_sub_signed(limit)).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let last = limit.and_then(|limit| as_of.checked_add_signed(limit)).unwrap_or(DateTime::<Utc>::MAX_UTC);
        first..=last
    }

    /// Returns whether a directory with this as-of time is recent enough at `now`.
    pub(crate) fn accepts(&self, as_of: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.times_accepting(as_of).contains(&now)
    }
}

macro_rules! sets {
    ($($option:ident: $type:ty),+) => {$(
        #[doc = concat!("Sets [`", stringify!($option), "`](PolicyOptions::", stringify!($option), ").")]
        pub fn $option(self, $option: $type) -> Self {
            Self { patch: self.patch.$option($option) }
        }
    )+};
}

impl PolicyOptionsBuilder {
    sets! {
        include_objects: bool, on_undecidable: OnUndecidable, max_directory_age: Option<Duration>,
        justification_required: bool, self_grant_allowed: bool, max_reveal_lifetime: Option<Duration>,
        approvals_required: u32, self_approval_allowed: bool, max_request_age: Option<Duration>,
        retention: Option<Retention>
    }

    /// Adds one of the [`purposes`](PolicyOptions::purposes).
    pub fn purpose(self, purpose: Purpose) -> Self {
        Self { patch: self.patch.add_purpose(purpose) }
    }

    /// Returns the options.
    #[must_use]
    pub fn build(self) -> PolicyOptions {
        self.patch.applied_to(&PolicyOptions::default())
    }
}

/// How an activity is stored that cannot be decided: it names no usable principal, an alias is ambiguous, the directory
/// fails or is too old, or the directory lacks a group of the policy whose last members are unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUndecidable {
    /// Stores it as private, with the cause as its reason.
    #[default]
    Hide,
    /// Rejects the whole batch with an error and stores none of it, so that the caller can retry.
    Reject,
    /// Stores it as public. This gives up the protection of every person whose activities cannot be decided: of all of
    /// them while the directory is missing.
    FailOpen,
}

words!(OnUndecidable, "choice for undecidable activities": Hide = "hide", Reject = "reject", FailOpen = "fail_open");
