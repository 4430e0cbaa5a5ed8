//! The number of activities over time.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

/// The widths of an interval in hours.
const WIDTHS: [i64; 9] = [1, 3, 6, 12, 24, 7 * 24, 30 * 24, 365 * 24, 10_000 * 365 * 24];

/// The number of activities in each interval of time.
#[derive(Default)]
pub(crate) struct Timeline {
    /// The first hours of the intervals, counted from 1970.
    counts: BTreeMap<i64, u64>,
    /// The index of the width of an interval.
    width: usize,
    span: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// The activities in one interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Interval {
    pub(crate) from: DateTime<Utc>,
    pub(crate) activities: u64,
}

impl Timeline {
    const MAX_INTERVALS: usize = 10_000;

    pub(crate) fn add(&mut self, time: DateTime<Utc>) {
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
        *self.counts.entry(time.timestamp().div_euclid(3_600).div_euclid(self.hours()) * self.hours()).or_default() +=
            1;
        while self.counts.len() > Self::MAX_INTERVALS {
            self.widen();
        }
    }

    /// Returns the first and the last time.
    pub(crate) fn span(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.span
    }

    /// Returns the hours of an interval.
    pub(crate) fn hours(&self) -> i64 {
        WIDTHS.get(self.width).copied().unwrap_or(i64::MAX / 3_600)
    }

    /// Returns at most `max` intervals with activities, as short as possible, and the hours of each.
    pub(crate) fn intervals(mut self, max: usize) -> (i64, Vec<Interval>) {
        while self.counts.len() > max && self.width + 1 < WIDTHS.len() {
            self.widen();
        }
        let start = |hour: i64| DateTime::UNIX_EPOCH.checked_add_signed(TimeDelta::hours(hour));
        let intervals = self.counts.iter().map(|(hour, activities)| Interval {
            from: start(*hour).unwrap_or(DateTime::<Utc>::MIN_UTC),
            activities: *activities,
        });
        (self.hours(), intervals.collect())
    }

    fn widen(&mut self) {
        self.width += 1;
        let hours = self.hours();
        for (hour, count) in std::mem::take(&mut self.counts) {
            *self.counts.entry(hour.div_euclid(hours) * hours).or_default() += count;
        }
    }
}
