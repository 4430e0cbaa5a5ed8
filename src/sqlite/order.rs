//! The order in which public activities were stored.
//!
//! Sequences of public activities have no gap when they are assigned, and removals leave them as they are. The number of
//! activities that were stored between two offsets is therefore the difference of their sequences.

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::SqliteStore;
use super::dimension::removals;
use super::document::corrupt;
use super::family::Family;
use super::partition::{MAX_SEQUENCE, Partition};
use super::row;
use super::store::require_public;
use crate::forward::Offset;
use crate::store::{PublicActivity, PublicOrder, StoreError};

impl PublicOrder for SqliteStore {
    fn public_after(&self, offset: &Offset, limit: usize) -> Result<Vec<(Offset, PublicActivity)>, StoreError> {
        let mut after = i64::try_from(offset.number()?).map_err(|_| StoreError::UnknownOffset)?;
        self.snapshot(|connection| {
            self.public.observe_removals(removals(connection, Family::Public)?);
            let mut found = Vec::new();
            for partition in Partition::all(connection)? {
                if partition.last_sequence <= after {
                    continue;
                }
                let select = format!(
                    "SELECT {} FROM {} WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
                    row::COLUMNS,
                    partition.table()
                );
                let mut statement = connection.prepare_cached(&select)?;
                let rest = i64::try_from(limit - found.len()).unwrap_or(i64::MAX);
                let mut rows = statement.query([after, rest])?;
                while let Some(row) = rows.next()? {
                    let sequence: i64 = row.get(0)?;
                    let stored = row::read(connection, &self.public, row)?;
                    if sequence <= after {
                        return Err(corrupt());
                    }
                    after = sequence;
                    found.push((Offset::of_number(sequence.unsigned_abs()), require_public(stored)?));
                }
                if found.len() >= limit {
                    break;
                }
            }
            Ok(found)
        })
    }

    fn end(&self) -> Result<Offset, StoreError> {
        self.file.read(|connection| last_sequence(connection).map(offset_of))
    }

    fn offset_before(&self, time: DateTime<Utc>) -> Result<Offset, StoreError> {
        // Rounded up to a microsecond, the precision of stored decision times.
        let round_up = i64::from(!time.timestamp_subsec_nanos().is_multiple_of(1_000));
        let since = time.timestamp_micros() + round_up;
        self.snapshot(|connection| {
            for partition in Partition::all(connection)? {
                // The bound does not shrink when activities are removed, so a partition can be read in vain.
                if partition.activities == 0 || partition.latest_decision < since {
                    continue;
                }
                let select = format!("SELECT min(sequence) FROM {} WHERE decided_at >= ?1", partition.table());
                let first: Option<i64> = connection.prepare_cached(&select)?.query_row([since], |row| row.get(0))?;
                if let Some(first) = first {
                    return Ok(offset_of(first - 1));
                }
            }
            last_sequence(connection).map(offset_of)
        })
    }

    fn stored_between(&self, after: &Offset, until: &Offset) -> Result<u64, StoreError> {
        let [after, until] = [after.number()?, until.number()?];
        let last = self.file.read(last_sequence)?;
        if after.max(until) > last.unsigned_abs() {
            Err(StoreError::UnknownOffset)
        } else {
            Ok(until.saturating_sub(after))
        }
    }
}

/// Returns the sequence of the public activity that was stored last, 0 if there is none.
fn last_sequence(connection: &Connection) -> Result<i64, StoreError> {
    let select = "SELECT last_sequence FROM public_state";
    let last: i64 = connection.prepare_cached(select)?.query_row([], |row| row.get(0))?;
    if (0..MAX_SEQUENCE).contains(&last) { Ok(last) } else { Err(corrupt()) }
}

fn offset_of(sequence: i64) -> Offset {
    if sequence == 0 { Offset::START } else { Offset::of_number(sequence.unsigned_abs()) }
}
