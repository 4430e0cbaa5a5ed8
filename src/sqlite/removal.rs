//! Removing activities, a step at a time.
//!
//! A step is one transaction of at most [`STEP`] rows, so that whoever delivers meanwhile waits for no more than that.
//! With the rows go what else is kept of them: their places in the lists of public activities, which are written anew
//! once nothing more is to be removed. What stays is that their ids are taken. The pages of the file that become free
//! are overwritten with zeros and used again by what comes; the file does not shrink. What the log beside it still holds
//! goes as that is written anew. Between the rows of a page SQLite may have left a copy of one when it moved it
//! elsewhere, which nothing reads; a copy of the file is made without such.
//!
//! Rows that are too old are found by their [ages](super::age). Those of a person are found by the lists of public
//! activities, and of private ones by reading them all, once, outside of any transaction that writes: nothing else is
//! kept of private activities. How far that came is in memory: no row that is covered comes to lie at or before a place
//! up to which all were looked at, because sequences rise and rows do not change. A process that begins anew looks again
//! from the beginning.

mod places;

use rusqlite::Connection;

pub(super) use self::places::Places;
use super::age;
use super::append::Written;
use super::file::{File, Overwrite, overwrite_deleted};
use super::ids::{self, Removed};
use super::segments::{self, Tail, Untidy};
use super::table::{self, BySequence, Flow, PRIVATE, PUBLIC, Table};
use crate::removal::RecordedRemoval;
use crate::store::StoreError;

/// The most rows that are removed in one transaction: some milliseconds, as long as a batch of a few hundred takes.
const STEP: usize = 512;
/// The most rows that are read in one transaction.
const READ: i64 = 8_192;

/// Removes at most `limit` of what is to be removed; 0 only if nothing of it is left.
pub(super) fn remove(
    file: &File<Written>,
    places: &Places,
    tail: &Tail,
    removal: &RecordedRemoval,
    limit: usize,
) -> Result<u64, StoreError> {
    let limit = limit.min(STEP);
    if limit == 0 {
        return Ok(0);
    }
    let removed = match removal.activities_before() {
        Some(before) => {
            // Rounded up, because that time may be finer than a microsecond and no decision is.
            let finer = i64::from(!before.timestamp_subsec_nanos().is_multiple_of(1_000));
            remove_aged(file, before.timestamp_micros() + finer, limit)?
        }
        None if removal.identities().is_empty() => 0,
        None => remove_of_subject(file, places, tail, removal, limit)?,
    };
    if removed == 0 {
        tidy(file)?;
    }
    Ok(removed)
}

fn remove_aged(file: &File<Written>, before: i64, limit: usize) -> Result<u64, StoreError> {
    // Mostly there is nothing to be removed, and nobody waits for that to be found out.
    let may_have = |connection: &Connection| -> Result<bool, StoreError> {
        Ok(age::may_have_before(connection, PUBLIC, before)? || age::may_have_before(connection, PRIVATE, before)?)
    };
    if !file.read(may_have)? {
        return Ok(0);
    }
    file.write(move |writer| {
        let mut removed = 0;
        for table in [PUBLIC, PRIVATE] {
            while removed < limit {
                let old = age::decided_before(writer.connection(), table, before, limit - removed)?;
                if old.is_empty() {
                    break;
                }
                removed += take(writer.connection(), table, &old)?;
            }
        }
        Ok(removed as u64)
    })
}

fn remove_of_subject(
    file: &File<Written>,
    places: &Places,
    tail: &Tail,
    removal: &RecordedRemoval,
    limit: usize,
) -> Result<u64, StoreError> {
    for table in [PUBLIC, PRIVATE] {
        let mut place = places.of(removal, table);
        loop {
            let found = file.read(|connection| {
                let snapshot = connection.unchecked_transaction()?;
                covered(&snapshot, tail, table, removal, place, limit)
            })?;
            let sequences = found.sequences;
            let removed = if sequences.is_empty() {
                0
            } else {
                file.write(move |writer| take(writer.connection(), table, &sequences))?
            };
            place = found.up_to;
            places.reach(removal, table, place);
            if removed > 0 {
                return Ok(removed as u64);
            }
            if found.is_all {
                break;
            }
        }
    }
    Ok(0)
}

/// Some rows that are covered.
struct Covered {
    /// In rising order.
    sequences: Vec<i64>,
    /// Up to and with this sequence, no other row is.
    up_to: i64,
    is_all: bool,
}

/// The first rows after a sequence that are covered, at most so many, as far as one reads at a time.
fn covered(
    connection: &Connection,
    tail: &Tail,
    table: Table,
    removal: &RecordedRemoval,
    after: i64,
    limit: usize,
) -> Result<Covered, StoreError> {
    let mut covered = Covered { sequences: Vec::new(), up_to: after, is_all: false };
    if table == PUBLIC {
        let holding = segments::holding(connection, tail, removal.identities(), after)?;
        let mut rows = BySequence::new(connection, table)?;
        for sequence in holding.sequences {
            if rows.read(sequence)?.is_some_and(|stored| removal.covers(&stored)) {
                covered.sequences.push(sequence);
                covered.up_to = sequence;
                if covered.sequences.len() == limit {
                    return Ok(covered);
                }
            }
        }
        covered.up_to = holding.up_to;
        if !holding.is_all {
            return Ok(covered);
        }
    }
    let mut read = 0;
    let after = covered.up_to;
    table::each_since(connection, table, after, READ, |sequence, stored| {
        read += 1;
        covered.up_to = sequence;
        if removal.covers(&stored) {
            covered.sequences.push(sequence);
        }
        if covered.sequences.len() < limit { Flow::On } else { Flow::Enough }
    })?;
    covered.is_all = read < READ && covered.sequences.len() < limit;
    Ok(covered)
}

/// Removes these rows, in rising order, as far as they are still there.
fn take(connection: &Connection, table: Table, sequences: &[i64]) -> Result<usize, StoreError> {
    overwrite_deleted(connection, Overwrite::Everything)?;
    let taken = take_rows(connection, table, sequences);
    overwrite_deleted(connection, Overwrite::WithinPages)?;
    let taken = taken?;
    if table == PUBLIC {
        segments::thin(connection, &taken)?;
    }
    Ok(taken.len())
}

fn take_rows(connection: &Connection, table: Table, sequences: &[i64]) -> Result<Vec<i64>, StoreError> {
    let tables = if table == PUBLIC { &ids::PUBLIC } else { &ids::PRIVATE };
    let mut ids = Removed::from(connection, tables)?;
    let delete = format!("DELETE FROM {}_activity WHERE sequence = ?1 RETURNING id", table.of);
    let mut delete = connection.prepare_cached(&delete)?;
    let mut taken = Vec::with_capacity(sequences.len());
    for sequence in sequences {
        let mut rows = delete.query([sequence])?;
        if let Some(row) = rows.next()? {
            ids.add(*sequence, row.get_ref(0)?.as_bytes().map_err(rusqlite::Error::from)?)?;
            taken.push(*sequence);
        }
    }
    Ok(taken)
}

/// Writes anew what is kept of public rows where some were removed, a part at a time, each in a transaction of its own.
/// What is to be written is read before, so that nobody waits for that.
fn tidy(file: &File<Written>) -> Result<(), StoreError> {
    let next = || file.read(|connection| Untidy::next(&*connection.unchecked_transaction()?));
    while let Some(untidy) = next()? {
        file.write(move |writer| {
            let (connection, memory) = writer.with_memory();
            // It is read again in any case, and until then it would know the names of who is gone.
            memory.let_go_of_public_rows();
            overwrite_deleted(connection, Overwrite::Everything)?;
            let written = untidy.write(connection);
            overwrite_deleted(connection, Overwrite::WithinPages)?;
            written
        })?;
    }
    Ok(())
}
