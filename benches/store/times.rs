//! What was measured slice by slice, so that whatever disturbs the machine disturbs both sides of a slice.

use std::ops::Range;
use std::time::Duration;

use super::median::median;

/// How long one side took for each slice, and for how much.
#[derive(Default)]
pub(crate) struct Times(Vec<(f64, f64)>);

/// How many times as fast one side is as another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratio {
    /// The median of the slices.
    pub(crate) median: f64,
    /// Of all slices together, so that what happens in few of them counts too.
    pub(crate) whole: f64,
}

impl Times {
    pub(crate) fn add(&mut self, count: usize, took: Duration) {
        self.0.push((count as f64, took.as_secs_f64()));
    }

    /// Those of some slices alone.
    pub(crate) fn part(&self, slices: Range<usize>) -> Self {
        Self(self.0[slices].to_vec())
    }

    /// How long the slowest slice took, in seconds.
    pub(crate) fn slowest(&self) -> f64 {
        self.0.iter().map(|(_, seconds)| *seconds).fold(0.0, f64::max)
    }

    /// So many a second: the median.
    pub(crate) fn rate(&self) -> f64 {
        median(self.0.iter().map(|(count, seconds)| count / seconds).collect())
    }

    pub(crate) fn over(&self, floor: &Self) -> Ratio {
        let rates = |(count, seconds): &(f64, f64)| count / seconds;
        let slices = self.0.iter().zip(&floor.0).map(|(ours, floor)| rates(ours) / rates(floor));
        Ratio { median: median(slices.collect()), whole: self.whole() / floor.whole() }
    }

    fn whole(&self) -> f64 {
        let (count, seconds) = self.0.iter().fold((0.0, 0.0), |sum, slice| (sum.0 + slice.0, sum.1 + slice.1));
        count / seconds
    }
}
