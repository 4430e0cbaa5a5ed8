//! Retention: how long activities and governance records are kept.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::seconds;

/// How long activities are kept, and how long the governance records of access to them. Records are never kept for a
/// shorter time than activities: a value of this type cannot express that.
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

/// The error of an invalid retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RetentionError {
    /// Governance records would be removed before the activities that they concern.
    #[error("governance records would be kept for a shorter time than activities; keep them at least as long")]
    RecordsShorter,
    /// Governance records would be removed, and activities never.
    #[error("field `activities` is missing; state how many seconds activities are kept")]
    NoActivities,
}

impl Retention {
    /// Returns a retention of activities for this time after their decision, in whole seconds. Records are kept for
    /// ever.
    #[must_use]
    pub fn of_activities(keep: Duration) -> Self {
        Self { activities: whole(keep), records: None }
    }

    /// Sets how long governance records are kept after they were made, in whole seconds.
    ///
    /// # Errors
    /// Returns [`RetentionError::RecordsShorter`] if that is shorter than the retention of activities.
    pub fn and_of_records(self, keep: Duration) -> Result<Self, RetentionError> {
        let records = Some(whole(keep));
        if records < Some(self.activities) { Err(RetentionError::RecordsShorter) } else { Ok(Self { records, ..self }) }
    }

    /// Returns how long activities are kept.
    #[must_use]
    pub fn activities(&self) -> Duration {
        self.activities
    }

    /// Returns how long governance records are kept. Returns `None` if for ever.
    #[must_use]
    pub fn records(&self) -> Option<Duration> {
        self.records
    }
}

/// A policy document has durations in whole seconds.
fn whole(keep: Duration) -> Duration {
    Duration::from_secs(keep.as_secs())
}

/// Returns the time before which data is older than `keep`. Returns `None` if the clock cannot represent it.
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
