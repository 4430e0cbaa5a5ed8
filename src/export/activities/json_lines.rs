//! Activities as JSON documents of this crate. `docs/activity.schema.json` is their schema.

use serde::Serialize;

use crate::engine::Visibility;
use crate::store::PublicActivity;

/// The version of the documents. It grows if a field is removed or its meaning changes, not if one is added.
const VERSION: u16 = 1;

/// A public activity with its decision, as on a page.
#[derive(Serialize)]
pub(in crate::export) struct JsonLine<'a> {
    version: u16,
    #[serde(flatten)]
    activity: &'a PublicActivity,
}

impl<'a> JsonLine<'a> {
    pub(in crate::export) fn of(activity: &'a PublicActivity) -> Self {
        Self { version: VERSION, activity }
    }
}

/// The redacted row of a private activity. It has no content.
#[derive(Serialize)]
pub(in crate::export) struct PrivateLine {
    version: u16,
    decision: PrivateDecision,
}

#[derive(Serialize)]
struct PrivateDecision {
    visibility: Visibility,
}

impl PrivateLine {
    pub(in crate::export) const LINE: Self =
        Self { version: VERSION, decision: PrivateDecision { visibility: Visibility::Private } };
}
