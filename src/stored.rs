//! Activities as a store gives them back.

use std::fmt;
use std::ops::Deref;

use serde::Serialize;

use crate::activity::Activity;
use crate::engine::{Decision, Visibility};

/// An activity with the decision that it got at ingest. Carries its visibility, so that a user interface can mark it.
///
/// `Debug` shows the visibility and nothing of the activity.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct StoredActivity {
    #[serde(flatten)]
    activity: Activity,
    decision: Decision,
}

impl StoredActivity {
    /// Claims that a store holds this activity under this decision. Only a store may claim that.
    #[must_use]
    pub fn assertion(activity: Activity, decision: Decision) -> Self {
        Self { activity, decision }
    }

    /// The activity.
    #[must_use]
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    /// What was decided about it at ingest.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Whether it is hidden from whoever has no reveal.
    #[must_use]
    pub fn visibility(&self) -> Visibility {
        self.decision.visibility()
    }

    /// The same activity as one that may leave the house, if it is decided public.
    #[must_use]
    pub fn into_public(self) -> Option<PublicActivity> {
        (self.visibility() == Visibility::Public).then_some(PublicActivity(self))
    }
}

impl fmt::Debug for StoredActivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredActivity").field("visibility", &self.visibility()).finish_non_exhaustive()
    }
}

/// An activity that is decided public: all that a view shows, an export writes or a forwarder is given. It cannot be
/// made from a private one:
///
/// ```compile_fail,E0423
/// # use activity_privacy::store::{PublicActivity, StoredActivity};
/// fn smuggle(private: StoredActivity) -> PublicActivity {
///     PublicActivity(private)
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PublicActivity(StoredActivity);

impl PublicActivity {
    /// The same activity, no longer known to be public by its type.
    #[must_use]
    pub fn into_stored(self) -> StoredActivity {
        self.0
    }
}

impl Deref for PublicActivity {
    type Target = StoredActivity;

    fn deref(&self) -> &StoredActivity {
        &self.0
    }
}

impl fmt::Debug for PublicActivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicActivity(..)")
    }
}
