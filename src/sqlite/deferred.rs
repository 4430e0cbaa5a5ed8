//! Index maintenance that is deferred while rows are written: writing ids to their index, and building the indexes of a
//! full partition.
//!
//! It runs in steps, after a batch and outside its transaction. Each family has its own deferred work, caused by the
//! rows stored in that family, and runs it in proportion to them. Private rows therefore affect neither when a public
//! partition is closed nor when public ids are indexed, on which the end of a page may depend.

use rusqlite::Connection;

use super::append::StoreCache;
use super::family::Family;
use super::file::File;
use super::partition::Partition;
use super::writer::Cache;
use crate::store::StoreError;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The maximum number of stored rows per step. A step writes up to twice as many ids to their index.
const ROWS_PER_STEP: usize = 4_096;
/// The minimum number of steps that run while a partition is filled. Closing a full partition takes at most seven
/// steps, and one more for each 8,192 rows in its text index.
const STEPS_PER_PARTITION: usize = 16;

/// The deferred work of one family.
#[derive(Default)]
pub(super) struct DeferredWork {
    /// The number of rows stored since a caller last ran steps.
    rows: AtomicUsize,
    /// Whether a caller is running steps.
    is_running: AtomicBool,
}

impl DeferredWork {
    /// Runs the steps that are due after `rows` rows of the family were stored. While another caller runs steps, the
    /// due ones are left to the next caller. A step that fails is retried later.
    pub(super) fn run_due(&self, file: &File<StoreCache>, family: Family, rows: usize, partition_rows: usize) {
        self.rows.fetch_add(rows, Ordering::SeqCst);
        if self.is_running.swap(true, Ordering::SeqCst) {
            return;
        }
        let rows = self.rows.swap(0, Ordering::SeqCst);
        let mut due = 1 + rows / (partition_rows / STEPS_PER_PARTITION).clamp(1, ROWS_PER_STEP);
        // Steps for small partitions share a transaction.
        let at_once = (ROWS_PER_STEP / partition_rows.max(1)).max(1);
        while due > 0 {
            let steps = due.min(at_once);
            let has_more = file.write(move |writer| {
                let (connection, cache) = writer.with_cache();
                run_steps(connection, cache, family, steps).inspect_err(|_| cache.clear())
            });
            if !matches!(has_more, Ok(true)) {
                break;
            }
            due -= steps;
        }
        self.is_running.store(false, Ordering::SeqCst);
    }
}

/// Runs a number of steps in one transaction. Returns whether there is more to do.
fn run_steps(
    connection: &Connection,
    cache: &mut StoreCache,
    family: Family,
    steps: usize,
) -> Result<bool, StoreError> {
    cache.catch_up(connection, family)?;
    for _ in 0..steps {
        if !has_deferred_work(connection, cache, family)? {
            return Ok(false);
        }
        if cache.are_ids_due(family) {
            cache.index_ids(connection, family)?;
        }
        if family == Family::Public
            && let Some(full) = Partition::full(connection)?
        {
            cache.index_partition(connection, full)?;
        }
    }
    has_deferred_work(connection, cache, family)
}

/// Returns whether a family has deferred work.
pub(super) fn has_deferred_work(
    connection: &Connection,
    cache: &StoreCache,
    family: Family,
) -> Result<bool, StoreError> {
    Ok(cache.are_ids_due(family) || family == Family::Public && Partition::count_full(connection)? > 0)
}
