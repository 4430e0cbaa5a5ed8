//! How old the rows of a table are, as far as it takes to find those that are too old.
//!
//! Rows lie in the order of storing, and they were mostly decided in that order too, but for a node whose clock is
//! wrong. An index by the time of the decision would cost every row; so kept is, of each stretch of 4,096 sequences, the
//! earliest time at which a row in it was decided. A batch writes one number for it, if that. Whoever looks for old rows
//! reads a number for each 4,096 rows that are there (a hundredth of a millisecond a million rows), then the rows of one
//! stretch; and where no stretch has an earlier time there is no row that has.
//!
//! INVARIANT: no row of a stretch was decided before the time that is kept of it. The time may be too early, after rows
//! were removed for something else: it is set right by whoever looks there in vain.

use rusqlite::{Connection, OptionalExtension, params};

use super::table::Table;
use crate::store::StoreError;

/// How many bits of a sequence say where in its stretch it is.
const STRETCH_BITS: u32 = 12;

/// The earliest times of the stretches that a batch writes to.
#[derive(Default)]
pub(super) struct Ages(Vec<(i64, i64)>);

impl Ages {
    /// Takes down that a row is decided at a time, in microseconds.
    pub(super) fn add(&mut self, sequence: i64, decided_at: i64) {
        let stretch = sequence >> STRETCH_BITS;
        match self.0.last_mut() {
            Some((last, oldest)) if *last == stretch => *oldest = decided_at.min(*oldest),
            _ => self.0.push((stretch, decided_at)),
        }
    }

    pub(super) fn write(self, connection: &Connection, of: &str) -> Result<(), StoreError> {
        let mut upsert = connection.prepare_cached(&format!(
            "INSERT INTO {of}_age (stretch, oldest) VALUES (?1, ?2)
             ON CONFLICT (stretch) DO UPDATE SET oldest = excluded.oldest WHERE excluded.oldest < oldest"
        ))?;
        for (stretch, oldest) in self.0 {
            upsert.execute(params![stretch, oldest])?;
        }
        Ok(())
    }
}

/// The sequences of some rows that were decided before a time in microseconds, in rising order, at most so many. None
/// only if there are none. In a transaction that writes.
pub(super) fn decided_before(
    connection: &Connection,
    Table { of, .. }: Table,
    before: i64,
    limit: usize,
) -> Result<Vec<i64>, StoreError> {
    let select = format!(
        "SELECT sequence FROM {of}_activity WHERE sequence BETWEEN ?1 AND ?2 AND decided_at < ?3
         ORDER BY sequence LIMIT ?4"
    );
    let mut old = connection.prepare_cached(&select)?;
    while let Some(stretch) = old_stretch(connection, of, before)? {
        let (first, last) = (stretch << STRETCH_BITS, ((stretch + 1) << STRETCH_BITS) - 1);
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let sequences = old.query_map(params![first, last, before, most], |row| row.get(0))?;
        let sequences = sequences.collect::<Result<Vec<i64>, _>>()?;
        if !sequences.is_empty() {
            return Ok(sequences);
        }
        settle(connection, of, stretch, (first, last))?;
    }
    Ok(Vec::new())
}

/// Whether a row may have been decided before a time; if not, none was.
pub(super) fn may_have_before(connection: &Connection, table: Table, before: i64) -> Result<bool, StoreError> {
    Ok(old_stretch(connection, table.of, before)?.is_some())
}

fn old_stretch(connection: &Connection, of: &str, before: i64) -> Result<Option<i64>, StoreError> {
    let select = format!("SELECT stretch FROM {of}_age WHERE oldest < ?1 ORDER BY stretch LIMIT 1");
    Ok(connection.prepare_cached(&select)?.query_row([before], |row| row.get(0)).optional()?)
}

/// Keeps the earliest time of the rows that are left in a stretch, if any are.
fn settle(connection: &Connection, of: &str, stretch: i64, (first, last): (i64, i64)) -> Result<(), StoreError> {
    let select = format!("SELECT min(decided_at) FROM {of}_activity WHERE sequence BETWEEN ?1 AND ?2");
    let oldest: Option<i64> = connection.prepare_cached(&select)?.query_row([first, last], |row| row.get(0))?;
    match oldest {
        Some(oldest) => connection
            .prepare_cached(&format!("UPDATE {of}_age SET oldest = ?2 WHERE stretch = ?1"))?
            .execute(params![stretch, oldest])?,
        None => connection.prepare_cached(&format!("DELETE FROM {of}_age WHERE stretch = ?1"))?.execute([stretch])?,
    };
    Ok(())
}
