//! Patches: changes of some options.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

use super::{OnUndecidable, PolicyOptions, Purpose, Retention, document, seconds};
use crate::text::FromMap;

/// New values for some options. Options that the patch does not name keep their values, so that two administrators can
/// change different options at the same time.
///
/// A patch document contains the changed options only; `null` sets an option to none. The two members of [`Retention`]
/// are one value, because they depend on each other.
///
/// ```
/// use std::time::Duration;
/// use activity_privacy::policy::{OptionsPatch, PolicyOptions};
///
/// let patch = OptionsPatch::new().approvals_required(2).max_request_age(None);
/// let before = PolicyOptions::builder().include_objects(true).build();
/// let after = patch.applied_to(&before);
/// assert_eq!((after.approvals_required, after.max_request_age, after.include_objects), (2, None, true));
/// assert_eq!(OptionsPatch::between(&before, &after), patch);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[must_use]
pub struct OptionsPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    include_objects: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_undecidable: Option<OnUndecidable>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "seconds::serialize_named")]
    max_directory_age: Option<Option<Duration>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_grant_allowed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "seconds::serialize_named")]
    max_reveal_lifetime: Option<Option<Duration>>,
    // INVARIANT: no purpose is in both sets.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    add_purposes: BTreeSet<Purpose>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    remove_purposes: BTreeSet<Purpose>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approvals_required: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_approval_allowed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "seconds::serialize_named")]
    max_request_age: Option<Option<Duration>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention: Option<Option<Retention>>,
}

/// The error of an options patch that adds and removes the same purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the options patch adds and removes the same purpose; name each purpose once")]
struct ContradictoryPurpose;

#[derive(Deserialize)]
// An ignored misspelt option would be a change that does not take effect.
#[serde(default, deny_unknown_fields, expecting = "an options patch")]
#[derive(Default)]
struct PatchDocument {
    #[serde(deserialize_with = "document::named")]
    include_objects: Option<bool>,
    #[serde(deserialize_with = "document::named")]
    on_undecidable: Option<OnUndecidable>,
    #[serde(deserialize_with = "seconds::named")]
    max_directory_age: Option<Option<Duration>>,
    #[serde(deserialize_with = "document::named")]
    justification_required: Option<bool>,
    #[serde(deserialize_with = "document::named")]
    self_grant_allowed: Option<bool>,
    #[serde(deserialize_with = "seconds::named")]
    max_reveal_lifetime: Option<Option<Duration>>,
    add_purposes: BTreeSet<Purpose>,
    remove_purposes: BTreeSet<Purpose>,
    #[serde(deserialize_with = "document::named")]
    approvals_required: Option<u32>,
    #[serde(deserialize_with = "document::named")]
    self_approval_allowed: Option<bool>,
    #[serde(deserialize_with = "seconds::named")]
    max_request_age: Option<Option<Duration>>,
    #[serde(deserialize_with = "document::named")]
    retention: Option<Option<Retention>>,
}

impl<'de> Deserialize<'de> for OptionsPatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PatchDocument::deserialize(FromMap(deserializer))?.try_into().map_err(de::Error::custom)
    }
}

impl TryFrom<PatchDocument> for OptionsPatch {
    type Error = ContradictoryPurpose;

    fn try_from(document: PatchDocument) -> Result<Self, ContradictoryPurpose> {
        if !document.add_purposes.is_disjoint(&document.remove_purposes) {
            return Err(ContradictoryPurpose);
        }
        Ok(Self {
            include_objects: document.include_objects,
            on_undecidable: document.on_undecidable,
            max_directory_age: document.max_directory_age,
            justification_required: document.justification_required,
            self_grant_allowed: document.self_grant_allowed,
            max_reveal_lifetime: document.max_reveal_lifetime,
            add_purposes: document.add_purposes,
            remove_purposes: document.remove_purposes,
            approvals_required: document.approvals_required,
            self_approval_allowed: document.self_approval_allowed,
            max_request_age: document.max_request_age,
            retention: document.retention,
        })
    }
}

macro_rules! options {
    ($($option:ident: $type:ty),+) => {
        $(
            #[doc = concat!("Sets [`", stringify!($option), "`](PolicyOptions::", stringify!($option), ").")]
            pub fn $option(self, $option: $type) -> Self {
                Self { $option: Some($option), ..self }
            }
        )+

        fn set(&self, options: &mut PolicyOptions) {
            $(if let Some($option) = &self.$option {
                options.$option.clone_from($option);
            })+
        }

        fn differing(before: &PolicyOptions, after: &PolicyOptions) -> Self {
            Self {
                $($option: (before.$option != after.$option).then(|| after.$option.clone()),)+
                add_purposes: &after.purposes - &before.purposes,
                remove_purposes: &before.purposes - &after.purposes,
            }
        }
    };
}

impl OptionsPatch {
    /// Returns a patch without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the patch that turns `before` into `after`: it names the options in which they differ.
    pub fn between(before: &PolicyOptions, after: &PolicyOptions) -> Self {
        Self::differing(before, after)
    }

    options! {
        include_objects: bool, on_undecidable: OnUndecidable, max_directory_age: Option<Duration>,
        justification_required: bool, self_grant_allowed: bool, max_reveal_lifetime: Option<Duration>,
        approvals_required: u32, self_approval_allowed: bool, max_request_age: Option<Duration>,
        retention: Option<Retention>
    }

    /// Adds one of the [`purposes`](PolicyOptions::purposes) and keeps the others.
    pub fn add_purpose(mut self, purpose: Purpose) -> Self {
        self.remove_purposes.remove(&purpose);
        self.add_purposes.insert(purpose);
        self
    }

    /// Removes one of the [`purposes`](PolicyOptions::purposes) and keeps the others.
    pub fn remove_purpose(mut self, purpose: Purpose) -> Self {
        self.add_purposes.remove(&purpose);
        self.remove_purposes.insert(purpose);
        self
    }

    /// Returns the options with the values of this patch; options that it does not name keep their values.
    #[must_use]
    pub fn applied_to(&self, options: &PolicyOptions) -> PolicyOptions {
        let mut options = options.clone();
        self.set(&mut options);
        options.purposes.retain(|purpose| !self.remove_purposes.contains(purpose));
        options.purposes.extend(self.add_purposes.iter().cloned());
        options
    }
}
