//! The start of a forwarder or a follower.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The position at which a new forwarder or follower starts.
///
/// The serde form is `"beginning"`, `"now"` or `{"time": "2026-03-01T00:00:00Z"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// At the first activity or record that still exists.
    Beginning,
    /// After everything that exists now.
    Now,
    /// At the first activity, in the order of storing, that was decided at this time or later; or at the first record
    /// that was made then or later. The time at which an activity occurred plays no part.
    Time(DateTime<Utc>),
}
