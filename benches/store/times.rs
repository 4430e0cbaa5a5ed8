//! Times measured slice by slice, so that a disturbance of the machine affects both sides.

use std::ops::Range;
use std::time::Duration;

use super::median::median;

/// The amount of work and the time of each slice of one side.
#[derive(Default)]
pub(crate) struct Times(Vec<(f64, f64)>);

/// The rate of one side relative to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratio {
    /// The median of the slices.
    pub(crate) median: f64,
    /// The ratio over all slices together, which includes rare slow ones.
    pub(crate) whole: f64,
}

impl Times {
    pub(crate) fn add(&mut self, count: usize, took: Duration) {
        self.0.push((count as f64, took.as_secs_f64()));
    }

    /// Returns the times of a range of slices.
    pub(crate) fn part(&self, slices: Range<usize>) -> Self {
        Self(self.0[slices].to_vec())
    }

    /// Returns the time of the slowest slice in seconds.
    pub(crate) fn slowest(&self) -> f64 {
        self.0.iter().map(|(_, seconds)| *seconds).fold(0.0, f64::max)
    }

    /// Returns the median rate per second.
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
