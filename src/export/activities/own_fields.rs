//! The values of an activity that a schema of others has no fields for.

use serde::Serialize;

use crate::activity::Actor;
use crate::engine::Decision;
use crate::store::PublicActivity;

/// The complete principals, and the values that the schema has no fields for.
#[derive(Serialize)]
pub(super) struct OwnFields<'a> {
    principals: Vec<&'a Actor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suite: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) objects: Vec<&'a str>,
    decision: &'a Decision,
}

impl<'a> OwnFields<'a> {
    pub(super) fn of(public: &'a PublicActivity) -> Self {
        let activity = public.activity();
        Self {
            principals: activity.principals().collect(),
            suite: activity.app().suite().map(|suite| suite.as_str()),
            objects: activity.objects().collect(),
            decision: public.decision(),
        }
    }
}
