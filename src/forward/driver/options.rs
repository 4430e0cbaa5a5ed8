//! The options of a driver.

use std::fmt;
use std::time::Duration;

use super::back_off::BackOff;
use crate::forward::{BatchLimit, SavedForwarder};

/// The options of a [`Driver`](super::Driver).
///
/// ```
/// use std::time::Duration;
/// use activity_privacy::forward::{BackOff, BatchLimit, DriverOptions, OnRefusal};
///
/// let options = DriverOptions::default()
///     .batch(BatchLimit::rows(200))
///     .time_limit(Duration::from_secs(10))
///     .back_off(BackOff::new(Duration::from_secs(1), Duration::from_secs(60)))
///     .on_refusal(OnRefusal::SetAside { at_most: 20 });
/// ```
#[must_use]
pub struct DriverOptions {
    pub(super) batch: BatchLimit,
    pub(super) time_limit: Duration,
    pub(super) poll: Duration,
    pub(super) back_off: BackOff,
    pub(super) on_refusal: OnRefusal,
    pub(super) jitter: Box<dyn FnMut() -> u32 + Send + Sync>,
}

/// The treatment of an item that the destination will never accept. An item is never lost silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnRefusal {
    /// Stops the driver. The item stays the next one until an operator acts.
    #[default]
    Stop,
    /// Sets the item aside and continues. The offsets port keeps its offset: see
    /// [`Feed::set_aside`](crate::forward::Feed::set_aside). The driver stops once `at_most` items are set aside, or
    /// [`SavedForwarder::MAX_SET_ASIDE`].
    SetAside {
        /// The maximum number of items that are set aside.
        at_most: usize,
    },
}

/// A driver that polls without a pause would occupy a processor.
const SHORTEST_POLL: Duration = Duration::from_millis(1);

/// The longest time that a driver waits. A longer one could not be added to the time now.
pub(super) const LONGEST: Duration = Duration::from_secs(365 * 86_400);

impl DriverOptions {
    /// Limits each batch, and so what is in flight. The default is 500 items and 4 MiB.
    pub fn batch(self, limit: BatchLimit) -> Self {
        Self { batch: limit, ..self }
    }

    /// Limits the time of one delivery, including the time to connect. The default is 30 seconds.
    pub fn time_limit(self, limit: Duration) -> Self {
        Self { time_limit: limit.min(LONGEST), ..self }
    }

    /// Sets the time after which a driver that has caught up looks for more, and after which its state is brought up to
    /// date. The default is one second.
    pub fn poll_every(self, interval: Duration) -> Self {
        Self { poll: interval.clamp(SHORTEST_POLL, LONGEST), ..self }
    }

    /// Sets the delays before retries.
    pub fn back_off(self, back_off: BackOff) -> Self {
        Self { back_off, ..self }
    }

    /// Sets what happens with an item that the destination will never accept. The default is to stop.
    pub fn on_refusal(self, on_refusal: OnRefusal) -> Self {
        Self { on_refusal, ..self }
    }

    /// Replaces the source of random numbers for [delays](BackOff::delay). The default is the operating system.
    pub fn jitter(self, random: impl FnMut() -> u32 + Send + Sync + 'static) -> Self {
        Self { jitter: Box::new(random), ..self }
    }
}

impl OnRefusal {
    /// Returns the maximum number of items that are set aside.
    pub(super) fn max_set_aside(self) -> usize {
        match self {
            Self::Stop => 0,
            Self::SetAside { at_most } => at_most.min(SavedForwarder::MAX_SET_ASIDE),
        }
    }
}

impl Default for DriverOptions {
    fn default() -> Self {
        Self {
            batch: BatchLimit::default(),
            time_limit: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            back_off: BackOff::default(),
            on_refusal: OnRefusal::default(),
            // Without random numbers every delay is the longest of its step.
            jitter: Box::new(|| getrandom::u32().unwrap_or(u32::MAX)),
        }
    }
}

impl fmt::Debug for DriverOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverOptions")
            .field("batch", &self.batch)
            .field("time_limit", &self.time_limit)
            .field("poll", &self.poll)
            .field("back_off", &self.back_off)
            .field("on_refusal", &self.on_refusal)
            .finish_non_exhaustive()
    }
}
