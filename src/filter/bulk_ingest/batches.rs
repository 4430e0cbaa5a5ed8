//! The batches of a source.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Position;
use crate::activity::Activity;

/// The sizes at which a batch is full.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { records: 1_000, bytes: 8 * 1024 * 1024 }
    }
}

/// Consecutive records of a source.
pub(super) struct Batch<R> {
    pub(super) activities: Vec<Activity>,
    pub(super) rejected: Vec<R>,
    /// The records in front of the batch that were skipped.
    pub(super) skipped: u64,
    /// The position of the source behind the batch.
    pub(super) position: Option<u64>,
}

/// An iterator over the batches of a source.
pub(super) struct Batches<'a, I> {
    source: I,
    limits: Limits,
    skip: u64,
    position: Option<Position<'a, I>>,
    is_stopped: &'a AtomicBool,
    has_ended: bool,
}

impl<'a, I> Batches<'a, I> {
    pub(super) fn new(
        source: I,
        limits: Limits,
        skip: u64,
        position: Option<Position<'a, I>>,
        is_stopped: &'a AtomicBool,
    ) -> Self {
        Self { source, limits, skip, position, is_stopped, has_ended: false }
    }
}

impl<I, R> Batches<'_, I>
where
    I: Iterator<Item = Result<Activity, R>>,
{
    /// Returns the next record, or `None` at the end of the source and after the run was stopped.
    fn next_record(&mut self) -> Option<Result<Activity, R>> {
        if self.has_ended || self.is_stopped.load(Ordering::Relaxed) {
            return None;
        }
        let next = self.source.next();
        self.has_ended = next.is_none();
        next
    }

    fn skip_records(&mut self) -> u64 {
        let mut skipped = 0;
        while skipped < self.skip && self.next_record().is_some() {
            skipped += 1;
        }
        self.skip = 0;
        skipped
    }
}

impl<I, R> Iterator for Batches<'_, I>
where
    I: Iterator<Item = Result<Activity, R>>,
{
    type Item = Batch<R>;

    fn next(&mut self) -> Option<Batch<R>> {
        let skipped = self.skip_records();
        let (mut activities, mut rejected) = (Vec::new(), Vec::new());
        let mut bytes = 0_usize;
        while activities.len() + rejected.len() < self.limits.records && bytes < self.limits.bytes {
            match self.next_record() {
                Some(Ok(activity)) => {
                    bytes = bytes.saturating_add(size(&activity));
                    activities.push(activity);
                }
                Some(Err(record)) => rejected.push(record),
                None => break,
            }
        }
        if activities.is_empty() && rejected.is_empty() && skipped == 0 {
            return None;
        }
        let position = self.position.as_mut().map(|position| position(&self.source));
        Some(Batch { activities, rejected, skipped, position })
    }
}

/// Returns the bytes of the parts of an activity that can be long.
fn size(activity: &Activity) -> usize {
    activity.details().map_or(0, str::len) + activity.objects().map(str::len).sum::<usize>()
}
