//! Removing activities, a step at a time.
//!
//! A step is one transaction of at most [`STEP`] rows, so that ingest waits for no more than that. A partition of which every
//! row is too old is taken from all readers in one step, after steps in which its ids go into their index, and its table goes
//! afterwards. With the rows go their index entries, and in the end the actors that no row has any more. Their ids stay taken. Pages that become free are overwritten
//! with zeros and used again; the file does not shrink.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::append::Written;
use super::dimension::Dimensions;
use super::family::{Family, PRIVATE};
use super::file::{File, Overwrite, overwrite_deleted};
use super::ids::{IdKey, indexed_up_to, keep_taken};
use super::partition::{Partition, State, Uncounted};
use super::row::{Keys, by_sequence};
use super::selection::numbers_of;
use super::text_index;
use super::writer::Memory;
use crate::governance::{Recorded, Removal};
use crate::store::StoreError;

/// The most rows that are removed in one transaction: some milliseconds, as long as a batch of a few hundred takes.
const STEP: usize = 512;

/// The rows of one table that are to be removed.
struct Rows {
    family: Family,
    /// The partition, of public rows.
    partition: Option<i64>,
    sequences: Vec<i64>,
}

/// Removes at most `limit` of what is to be removed, or a whole partition; 0 only if nothing of it is left.
pub(super) fn remove(
    file: &File<Written>,
    key: IdKey,
    removal: &Recorded<Removal>,
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
            remove_aged(file, key, before.timestamp_micros() + finer, limit)?
        }
        None if removal.identities().is_empty() => 0,
        None => {
            let found = file.read(|connection| {
                let snapshot = connection.unchecked_transaction()?;
                find_covered(&snapshot, removal, limit)
            })?;
            match &*found {
                [] => 0,
                _ => file.write(move |writer| {
                    let taken = found.iter().map(|rows| take(writer.connection(), key, rows));
                    taken.sum::<Result<u64, StoreError>>()
                })?,
            }
        }
    };
    if removed == 0 {
        clear(file)?;
    }
    Ok(removed)
}

fn remove_aged(file: &File<Written>, key: IdKey, before: i64, limit: usize) -> Result<u64, StoreError> {
    // Mostly there is nothing to be removed, and no writer waits for that to be found out.
    if !file.read(|connection| may_have_before(connection, before))? {
        return Ok(0);
    }
    loop {
        let step = file.write(move |writer| {
            let (connection, written) = writer.with_memory();
            remove_some_aged(connection, written, before, (key, limit)).inspect_err(|_| written.forget())
        })?;
        if let Step::Removed(rows) = step {
            return Ok(rows);
        }
    }
}

/// What one transaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It removed so many rows.
    Removed(u64),
    /// It wrote ids of a partition to their index, which has to contain all of them before the partition is dropped.
    IndexedIds,
}

fn remove_some_aged(
    connection: &Connection,
    written: &mut Written,
    before: i64,
    (key, limit): (IdKey, usize),
) -> Result<Step, StoreError> {
    for partition in Partition::all(connection)? {
        if partition.activities == 0 || partition.earliest_decision >= before {
            continue;
        }
        if partition.latest_decision < before && partition.state != State::Open {
            if indexed_up_to(connection, Family::Public)? < partition.last_sequence {
                written.catch_up(connection, Family::Public)?;
                written.index_ids(connection, Family::Public)?;
                return Ok(Step::IndexedIds);
            }
            return drop_partition(connection, partition).map(Step::Removed);
        }
        let select =
            format!("SELECT sequence FROM {} WHERE decided_at < ?1 ORDER BY sequence LIMIT ?2", partition.table());
        let sequences = sequences(connection, &select, before, limit)?;
        if !sequences.is_empty() {
            let rows = Rows { family: Family::Public, partition: Some(partition.number), sequences };
            return take(connection, key, &rows).map(Step::Removed);
        }
        // What was decided first is gone.
        let earliest = format!("SELECT coalesce(min(decided_at), ?1) FROM {}", partition.table());
        let earliest_decision = connection.prepare_cached(&earliest)?.query_row([i64::MAX], |row| row.get(0))?;
        Partition { earliest_decision, ..partition }.save(connection)?;
    }
    let select = format!("SELECT sequence FROM {PRIVATE} WHERE decided_at < ?1 ORDER BY decided_at, sequence LIMIT ?2");
    let mut sequences = sequences(connection, &select, before, limit)?;
    sequences.sort_unstable();
    take(connection, key, &Rows { family: Family::Private, partition: None, sequences }).map(Step::Removed)
}

fn sequences(connection: &Connection, select: &str, before: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_map([before, limit], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

fn may_have_before(connection: &Connection, before: i64) -> Result<bool, StoreError> {
    let public =
        "SELECT 1 FROM public_partition WHERE state <> 'dropped' AND activities > 0 AND earliest_decision < ?1";
    let private = format!("SELECT 1 FROM {PRIVATE} WHERE decided_at < ?1");
    Ok(connection.prepare_cached(public)?.exists([before])? || connection.prepare_cached(&private)?.exists([before])?)
}

/// Drops a partition whose ids are in their index.
fn drop_partition(connection: &Connection, partition: Partition) -> Result<u64, StoreError> {
    let activities = partition.activities.unsigned_abs();
    partition.drop_all(connection)?;
    note(connection, Family::Public)?;
    Ok(activities)
}

/// Notes that something is gone that processes may know.
fn note(connection: &Connection, family: Family) -> Result<(), StoreError> {
    let update = format!("UPDATE {}_state SET removals = removals + 1", family.name());
    connection.prepare_cached(&update)?.execute([])?;
    Ok(())
}

/// Returns some rows that are covered, at most so many.
fn find_covered(connection: &Connection, removal: &Recorded<Removal>, limit: usize) -> Result<Vec<Rows>, StoreError> {
    let (mut found, mut left) = (Vec::new(), limit);
    for family in Family::BOTH {
        let dimensions = Dimensions::new(family);
        let tables: Vec<(Option<i64>, String)> = match family {
            Family::Private => vec![(None, PRIVATE.to_owned())],
            Family::Public => {
                let partitions = Partition::all(connection)?.into_iter();
                partitions.map(|partition| (Some(partition.number), partition.table())).collect()
            }
        };
        for actor in numbers_of(connection, family, &removal.index_terms())? {
            for (partition, table) in &tables {
                let select = format!("SELECT sequence FROM {table} WHERE actor = ?1 LIMIT ?2");
                let mut sequences = sequences(connection, &select, actor, left)?;
                let Some(first) = sequences.first() else { continue };
                // All rows of an actor have the same principals, and nothing else counts.
                let stored = by_sequence(connection, &dimensions, table, *first)?;
                if !stored.is_some_and(|stored| removal.covers(&stored)) {
                    break;
                }
                sequences.sort_unstable();
                left -= sequences.len();
                found.push(Rows { family, partition: *partition, sequences });
                if left == 0 {
                    return Ok(found);
                }
            }
        }
    }
    Ok(found)
}

/// Removes rows of one table, as far as they are still there.
fn take(connection: &Connection, key: IdKey, rows: &Rows) -> Result<u64, StoreError> {
    overwrite_deleted(connection, Overwrite::Everything)?;
    let taken = take_rows(connection, key, rows);
    overwrite_deleted(connection, Overwrite::WithinPages)?;
    taken
}

fn take_rows(connection: &Connection, key: IdKey, rows: &Rows) -> Result<u64, StoreError> {
    let Rows { family, partition, sequences } = rows;
    let partition = match partition {
        Some(number) => Partition::all(connection)?.into_iter().find(|partition| partition.number == *number),
        None => None,
    };
    let table = match (family, &partition) {
        (Family::Private, _) => PRIVATE.to_owned(),
        (Family::Public, Some(partition)) => partition.table(),
        // It was dropped meanwhile.
        (Family::Public, None) => return Ok(0),
    };
    let is_closed = partition.as_ref().is_some_and(Partition::is_closed);
    let delete = format!("DELETE FROM {table} WHERE sequence = ?1 RETURNING id, occurred_at, actor, app, action");
    let mut delete = connection.prepare_cached(&delete)?;
    let (mut taken, mut uncounted, mut ids) = (0, Uncounted::default(), Vec::new());
    for sequence in sequences {
        let mut deleted = delete.query([sequence])?;
        if let Some(row) = deleted.next()? {
            let id = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            ids.push((key.hash(id), *sequence));
            uncounted.add(Keys { occurred_at: row.get(1)?, actor: row.get(2)?, app: row.get(3)?, action: row.get(4)? });
            taken += 1;
        }
    }
    drop(delete);
    let deleted = connection.total_changes();
    for (hash, sequence) in ids {
        keep_taken(connection, *family, hash, sequence)?;
    }
    let are_new = connection.total_changes() > deleted;
    if is_closed {
        uncounted.write(connection)?;
    }
    if let Some(mut partition) = partition.filter(|_| taken > 0) {
        partition.activities -= taken;
        // FTS5 keeps what is deleted until it merges, so the text index is removed whole, and made anew in the end.
        if partition.text_indexed_up_to.is_some_and(|up_to| up_to >= partition.first_sequence) {
            partition = text_index::remove(connection, partition)?;
            partition = text_index::begin(connection, partition)?;
        }
        partition.save(connection)?;
    }
    let indexed = indexed_up_to(connection, *family)?;
    // Processes know what is in the index up to there, and what is in the rows after it.
    let is_known = is_closed && !are_new && sequences.iter().all(|sequence| *sequence <= indexed);
    if taken > 0 && !is_known {
        note(connection, *family)?;
    }
    Ok(taken.unsigned_abs())
}

/// Clears away what nothing needs any more: partitions without rows, and actors whom no row has.
fn clear(file: &File<Written>) -> Result<(), StoreError> {
    let is_empty = |connection: &Connection| -> Result<bool, StoreError> {
        let empty = "SELECT 1 FROM public_partition WHERE state IN ('full', 'closed') AND activities = 0";
        Ok(connection.prepare_cached(empty)?.exists([])?)
    };
    if file.read(is_empty)? {
        file.write(|writer| {
            let connection = writer.connection();
            for partition in Partition::all(connection)? {
                if partition.activities == 0 && partition.state != State::Open {
                    partition.drop_all(connection)?;
                }
            }
            Ok::<_, StoreError>(())
        })?;
    }
    while file.read(Partition::dropped)?.is_some() {
        file.write(|writer| match Partition::dropped(writer.connection())? {
            Some(dropped) => dropped.drop_some(writer.connection()),
            None => Ok(()),
        })?;
    }
    while file.read(Partition::with_partial_text_index)?.is_some() {
        file.write(|writer| match Partition::with_partial_text_index(writer.connection())? {
            Some(partition) => {
                text_index::add_some(writer.connection(), &Dimensions::new(Family::Public), partition).map(drop)
            }
            None => Ok(()),
        })?;
    }
    let has_idle = |connection: &Connection| -> Result<bool, StoreError> {
        let snapshot = connection.unchecked_transaction()?;
        Ok(!idle_actors(&snapshot, Family::Public)?.is_empty() || !idle_actors(&snapshot, Family::Private)?.is_empty())
    };
    if file.read(has_idle)? {
        file.write(|writer| {
            for family in Family::BOTH {
                remove_idle_actors(writer.connection(), family)?;
            }
            Ok::<_, StoreError>(())
        })?;
    }
    Ok(())
}

/// Returns the actors whom no row has.
fn idle_actors(connection: &Connection, family: Family) -> Result<Vec<i64>, StoreError> {
    let idle = match family {
        Family::Private => format!(
            "SELECT number FROM private_actor AS a
             WHERE NOT EXISTS (SELECT 1 FROM {PRIVATE} AS r INDEXED BY {PRIVATE}_actor WHERE r.actor = a.number)"
        ),
        Family::Public => "SELECT number FROM public_actor AS a
             WHERE NOT EXISTS (SELECT 1 FROM public_day AS d WHERE d.actor = a.number)"
            .to_owned(),
    };
    let mut idle = connection.prepare_cached(&idle)?;
    let mut idle: BTreeSet<i64> = idle.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if family == Family::Public && !idle.is_empty() {
        for partition in Partition::all(connection)?.iter().filter(|partition| !partition.is_closed()) {
            let mut actors = connection.prepare_cached(&format!("SELECT DISTINCT actor FROM {}", partition.table()))?;
            let mut rows = actors.query([])?;
            while let Some(row) = rows.next()? {
                idle.remove(&row.get(0)?);
            }
        }
    }
    Ok(idle.into_iter().collect())
}

fn remove_idle_actors(connection: &Connection, family: Family) -> Result<(), StoreError> {
    let idle = idle_actors(connection, family)?;
    if idle.is_empty() {
        return Ok(());
    }
    overwrite_deleted(connection, Overwrite::Everything)?;
    let removed = (|| {
        let of = family.name();
        let mut terms = connection.prepare_cached(&format!("DELETE FROM {of}_actor_term WHERE actor = ?1"))?;
        let mut actor = connection.prepare_cached(&format!("DELETE FROM {of}_actor WHERE number = ?1"))?;
        for number in idle {
            terms.execute(params![number])?;
            actor.execute(params![number])?;
        }
        note(connection, family)
    })();
    overwrite_deleted(connection, Overwrite::WithinPages)?;
    removed
}
