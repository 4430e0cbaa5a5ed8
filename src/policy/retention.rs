//! For how long something is kept.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::seconds;

/// For how long activities are kept, and the governance records that tell who looked at them. The records are never kept
/// for a shorter time: there is no such value.
///
/// ```
/// use std::time::Duration;
/// use activity_privacy::policy::Retention;
///
/// let days = |days: u64| Duration::from_secs(days * 86_400);
/// assert!(Retention::of_activities(days(180)).and_of_records(days(730)).is_ok());
/// assert!(Retention::of_activities(days(180)).and_of_records(days(90)).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawRetention", into = "RawRetention")]
pub struct Retention {
    activities: Duration,
    records: Option<Duration>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRetention {
    #[serde(with = "seconds")]
    activities: Option<Duration>,
    #[serde(with = "seconds")]
    records: Option<Duration>,
}

/// Why that is no retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RetentionError {
    /// Records would be gone before the activities that they speak of.
    #[error("governance records would be kept for a shorter time than activities, expected at least as long")]
    RecordsShorter,
    /// Records would be removed, and activities never.
    #[error("field `activities` is missing, expected for how many seconds they are kept")]
    NoActivities,
}

impl Retention {
    /// Keeps activities for so long after they were decided, in whole seconds, and governance records for ever.
    #[must_use]
    pub fn of_activities(keep: Duration) -> Self {
        Self { activities: whole(keep), records: None }
    }

    /// Keeps governance records for so long after they were made, in whole seconds.
    ///
    /// # Errors
    /// [`RetentionError::RecordsShorter`] when that is shorter than activities are kept.
    pub fn and_of_records(self, keep: Duration) -> Result<Self, RetentionError> {
        let records = Some(whole(keep));
        if records < Some(self.activities) { Err(RetentionError::RecordsShorter) } else { Ok(Self { records, ..self }) }
    }

    /// For how long activities are kept.
    #[must_use]
    pub fn activities(&self) -> Duration {
        self.activities
    }

    /// For how long governance records are kept, if not for ever.
    #[must_use]
    pub fn records(&self) -> Option<Duration> {
        self.records
    }
}

/// A policy document counts in whole seconds.
fn whole(keep: Duration) -> Duration {
    Duration::from_secs(keep.as_secs())
}

/// The time before which something is too old to be kept; none if the clock does not reach that far back.
pub(crate) fn before(now: DateTime<Utc>, keep: Duration) -> Option<DateTime<Utc>> {
    now.checked_sub_signed(TimeDelta::from_std(keep).ok()?)
}

impl From<Retention> for RawRetention {
    fn from(retention: Retention) -> Self {
        Self { activities: Some(retention.activities), records: retention.records }
    }
}

impl TryFrom<RawRetention> for Retention {
    type Error = RetentionError;

    fn try_from(raw: RawRetention) -> Result<Self, RetentionError> {
        let retention = Self::of_activities(raw.activities.ok_or(RetentionError::NoActivities)?);
        raw.records.map_or(Ok(retention), |records| retention.and_of_records(records))
    }
}
