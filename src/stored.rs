//! Activities with their decisions, as a store returns them, and the type for those that are public.

use std::fmt;
use std::ops::Deref;

use serde::Serialize;

use crate::activity::Activity;
use crate::engine::{Decision, Visibility};

/// An activity with the decision made at ingest. The decision includes the visibility, so that a user interface can
/// mark private activities in a reveal.
///
/// `Debug` shows the visibility and nothing of the activity.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct StoredActivity {
    #[serde(flatten)]
    activity: Activity,
    decision: Decision,
}

impl StoredActivity {
    /// Asserts that a store contains this activity with this decision. Only a store should call this: nothing checks
    /// the assertion, and a wrong decision can show a private activity.
    #[must_use]
    pub fn assertion(activity: Activity, decision: Decision) -> Self {
        Self { activity, decision }
    }

    /// Returns the activity.
    #[must_use]
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Returns the decision made at ingest.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Returns the visibility. A private activity is visible in a reveal only.
    #[must_use]
    pub fn visibility(&self) -> Visibility {
        self.decision.visibility()
    }

    /// Returns the activity as a [`PublicActivity`], or `None` if the decision is private.
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

/// An activity that was decided public. Views, exports and forwarders accept nothing else. The only way to one is
/// [`StoredActivity::into_public`], which checks the decision; the constructor is private:
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
    /// Converts to a [`StoredActivity`], whose type does not say that it is public.
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
