//! The delay before a retry.

use std::time::Duration;

/// A delay that doubles with each failure in succession, up to a maximum, with jitter: a part of each delay is random, so
/// that drivers that failed together do not retry together.
///
/// ```
/// use std::time::Duration;
/// use activity_privacy::forward::BackOff;
///
/// let back_off = BackOff::new(Duration::from_secs(1), Duration::from_secs(60));
/// // Half of the delay is fixed, the other half is multiplied by the random number.
/// assert_eq!(back_off.delay(1, 0), Duration::from_millis(500));
/// assert_eq!(back_off.delay(3, u32::MAX), Duration::from_secs(4));
/// assert_eq!(back_off.delay(1_000, u32::MAX), Duration::from_secs(60));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    first: Duration,
    longest: Duration,
}

impl BackOff {
    /// Returns a back-off. The first delay is limited by the longest one.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest }
    }

    /// Returns the delay after a number of failures in succession, counted from 1. `random` is any number; the delay grows
    /// with it from a half to the whole.
    #[must_use]
    pub fn delay(&self, failures: u32, random: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.first.saturating_mul(factor).min(self.longest);
        let half = whole / 2;
        half.saturating_add((whole - half).mul_f64(f64::from(random) / f64::from(u32::MAX))).min(whole)
    }
}

/// From half a second to five minutes.
impl Default for BackOff {
    fn default() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(300))
    }
}
