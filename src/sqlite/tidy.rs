//! Work that is put off while rows are written: ids go into their index, and a full partition gets its own indexes.
//!
//! It is done in steps, after a batch and outside its transaction. Each family has work of its own, which is caused by the
//! rows that were stored in that family, and is done in proportion to them. So private rows decide neither when a public
//! partition is closed nor when public ids are indexed: where a page stops may depend on both.

use rusqlite::Connection;

use super::append::Written;
use super::family::Family;
use super::file::File;
use super::partition::Partition;
use super::writer::Memory;
use crate::store::StoreError;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The most rows for which one step is done. A step writes up to twice as many ids to their index.
const ROWS_PER_STEP: usize = 4_096;
/// A full partition is closed in at most seven steps, and one more for each 8,192 rows in its text index. At least so many
/// steps are done while as many rows are stored as it contains.
const STEPS_PER_PARTITION: usize = 16;

/// What was put off in one family.
#[derive(Default)]
pub(super) struct PutOff {
    /// Rows that were stored since a caller last did a part of it.
    rows: AtomicUsize,
    /// Whether a caller is doing a part of it.
    is_being_done: AtomicBool,
}

impl PutOff {
    /// Does the steps that are due, after `rows` rows of the family were stored. While another caller does that, it is
    /// left to the next one. A step that fails is done later.
    pub(super) fn do_due(&self, file: &File<Written>, family: Family, rows: usize, partition_rows: usize) {
        self.rows.fetch_add(rows, Ordering::SeqCst);
        if self.is_being_done.swap(true, Ordering::SeqCst) {
            return;
        }
        let rows = self.rows.swap(0, Ordering::SeqCst);
        let mut due = 1 + rows / (partition_rows / STEPS_PER_PARTITION).clamp(1, ROWS_PER_STEP);
        // Steps for small partitions share a transaction.
        let at_once = (ROWS_PER_STEP / partition_rows.max(1)).max(1);
        while due > 0 {
            let steps = due.min(at_once);
            let is_untidy = file.write(move |writer| {
                let (connection, written) = writer.with_memory();
                do_some(connection, written, family, steps).inspect_err(|_| written.forget())
            });
            if !matches!(is_untidy, Ok(true)) {
                break;
            }
            due -= steps;
        }
        self.is_being_done.store(false, Ordering::SeqCst);
    }
}

/// Does so many steps in one transaction. Returns whether there is more to do.
fn do_some(connection: &Connection, written: &mut Written, family: Family, steps: usize) -> Result<bool, StoreError> {
    written.catch_up(connection, family)?;
    for _ in 0..steps {
        if !is_untidy(connection, written, family)? {
            return Ok(false);
        }
        if written.are_ids_due(family) {
            written.index_ids(connection, family)?;
        }
        if family == Family::Public
            && let Some(full) = Partition::full(connection)?
        {
            written.index_partition(connection, full)?;
        }
    }
    is_untidy(connection, written, family)
}

/// Returns whether there is something that was put off in a family.
pub(super) fn is_untidy(connection: &Connection, written: &Written, family: Family) -> Result<bool, StoreError> {
    Ok(written.are_ids_due(family) || family == Family::Public && Partition::count_full(connection)? > 0)
}
