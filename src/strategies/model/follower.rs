//! Followers of the governance records, as the policy names them: G9.

use chrono::{DateTime, Utc};

use crate::forward::{ForwarderName, Start};
use crate::identity::UserId;
use crate::policy::Revision;

/// A follower in the model of the policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Follower {
    /// Its name.
    pub name: ForwarderName,
    /// The revision that added it.
    pub added_in: Revision,
    /// The time of the first record that it reads; `None` for the first record of all.
    pub since: Option<DateTime<Utc>>,
    /// The administrator who disclosed openings to it, and the revision of their grant.
    pub disclosed: Option<(UserId, Revision)>,
}

impl Follower {
    pub(super) fn new(name: ForwarderName, start: Start, added_in: Revision, now: DateTime<Utc>) -> Self {
        let since = match start {
            Start::Beginning => None,
            Start::Now => Some(now),
            Start::Time(time) => Some(time),
        };
        Self { name, added_in, since, disclosed: None }
    }
}
