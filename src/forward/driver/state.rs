//! The state of a driver.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::text::words;

/// The state of a driver, for a health page. All counts are since the driver was started; the
/// [status](crate::forward::Feed::status) of the forwarder has those that are saved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct DriverState {
    /// The current activity of the driver.
    pub phase: Phase,
    /// Why it stopped. `None` while it runs.
    pub stopped: Option<StopReason>,
    /// The number of items that the destination accepted, and that were acknowledged.
    pub delivered: u64,
    /// The number of items that were removed before the driver read them.
    pub missed: u64,
    /// The number of items that were set aside.
    pub set_aside: u64,
    /// The item that was refused last.
    pub last_refused: Option<RefusedItem>,
    /// The number of deliveries that were repeated after an error.
    pub retries: u64,
    /// The number of batches that another process acknowledged first.
    pub superseded: u64,
    /// The number of failures in succession. 0 after a delivery that succeeded.
    pub failures: u32,
    /// The error that occurred last.
    pub last_error: Option<DriverError>,
    /// The number of items that were stored and not acknowledged, as of the last poll.
    pub lag: u64,
    /// The age of the first item that was not acknowledged: the time since it was stored. Zero if the driver has caught
    /// up.
    #[serde(serialize_with = "seconds")]
    pub behind: Duration,
    /// The time of the last delivery that was acknowledged.
    pub last_delivery: Option<DateTime<Utc>>,
}

/// The current activity of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It has not read its forwarder yet.
    #[default]
    Starting,
    /// It has caught up and waits for more.
    Waiting,
    /// It delivers a batch.
    Delivering,
    /// It waits before it repeats a delivery.
    BackingOff,
    /// It waits for a destination that has not answered several deliveries.
    Hanging,
    /// It has ended.
    Stopped,
}

words!(
    Phase, "phase of a driver":
    Starting = "starting",
    Waiting = "waiting",
    Delivering = "delivering",
    BackingOff = "backing_off",
    Hanging = "hanging",
    Stopped = "stopped",
);

/// The reason why a driver stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The embedder stopped it.
    Requested,
    /// The destination refused an item, and the driver may not set it aside.
    Refused(RefusedItem),
    /// The forwarder was removed.
    Removed,
}

/// An item that the destination refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedItem {
    /// The id of the activity or record.
    pub id: String,
    /// The reason that the destination gave.
    pub reason: String,
}

/// An error of a driver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriverError {
    /// The time at which it occurred.
    pub at: DateTime<Utc>,
    /// The error with its sources, in one sentence.
    pub message: String,
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}
