//! Removal of activities in small transactions.
//!
//! Each step is one transaction that deletes at most [`STEP`] rows, so that ingest never waits long. A partition whose
//! rows are all too old is dropped as a whole instead: some steps add its ids to the id index, one step hides the
//! partition from all readers, and later steps delete its table. Deleting a row deletes its index entries; actors
//! without rows are deleted last. The id of a removed activity stays known, so that a second delivery is not stored.
//! Freed pages are overwritten with zeros and used again; the file does not shrink.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::append::StoreCache;
use super::dimension::Dimensions;
use super::document::corrupt;
use super::family::{Family, PRIVATE};
use super::file::{File, overwriting_freed_pages};
use super::ids::{IdKey, indexed_up_to, insert_removed_id};
use super::partition::{Partition, PartitionState, RollupDecrements};
use super::row::{RowKeys, by_sequence};
use super::selection::numbers_of;
use super::text_index;
use super::writer::Cache;
use crate::governance::{Recorded, Removal};
use crate::store::StoreError;

/// The maximum number of rows that one transaction removes. Removing them takes a few milliseconds, about as long as
/// appending a batch of a few hundred rows.
const STEP: usize = 512;

/// Rows of one table to remove.
pub(super) struct RowsToRemove {
    pub(super) family: Family,
    /// The number of the partition, for public rows.
    pub(super) partition: Option<i64>,
    pub(super) sequences: Vec<i64>,
}

/// Removes at most `limit` activities that the removal covers, or a whole partition. Returns 0 only if none is left, or
/// if `limit` is 0.
pub(super) fn remove(
    file: &File<StoreCache>,
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
            // Rounded up to a microsecond, the precision of stored decision times.
            let round_up = i64::from(!before.timestamp_subsec_nanos().is_multiple_of(1_000));
            remove_aged(file, key, before.timestamp_micros() + round_up, limit)?
        }
        None if removal.identities().is_empty() => 0,
        None => remove_found(file, key, |snapshot| find_covered(snapshot, removal, limit))?,
    };
    if removed == 0 {
        clean_up(file)?;
    }
    Ok(removed)
}

/// Removes the rows that `find` returns. Returns 0 only if it finds none.
pub(super) fn remove_found(
    file: &File<StoreCache>,
    key: IdKey,
    find: impl Fn(&Connection) -> Result<Vec<RowsToRemove>, StoreError>,
) -> Result<u64, StoreError> {
    loop {
        let found = file.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            find(&snapshot)
        })?;
        if found.is_empty() {
            return Ok(0);
        }
        let removed = file.write(move |writer| {
            let counts = found.iter().map(|rows| remove_rows(writer.connection(), key, rows));
            counts.sum::<Result<u64, StoreError>>()
        })?;
        // If another removal deleted the found rows in the meantime, there may be more.
        if removed > 0 {
            return Ok(removed);
        }
    }
}

fn remove_aged(file: &File<StoreCache>, key: IdKey, before: i64, limit: usize) -> Result<u64, StoreError> {
    // Usually nothing is old enough, and a read finds that without blocking writers.
    if !file.read(|connection| may_have_aged_rows(connection, before))? {
        return Ok(0);
    }
    loop {
        let step = file.write(move |writer| {
            let (connection, cache) = writer.with_cache();
            remove_some_aged(connection, cache, before, key, limit).inspect_err(|_| cache.clear())
        })?;
        if let AgedStep::Removed(rows) = step {
            return Ok(rows);
        }
    }
}

/// The result of one transaction that removes old activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AgedStep {
    /// It removed this number of rows.
    Removed(u64),
    /// It wrote ids of a partition to their index, which must contain all of them before the partition is dropped.
    IndexedIds,
}

fn remove_some_aged(
    connection: &Connection,
    cache: &mut StoreCache,
    before: i64,
    key: IdKey,
    limit: usize,
) -> Result<AgedStep, StoreError> {
    for partition in Partition::all(connection)? {
        if partition.activities == 0 || partition.earliest_decision >= before {
            continue;
        }
        if partition.latest_decision < before && partition.state != PartitionState::Open {
            if indexed_up_to(connection, Family::Public)? < partition.last_sequence {
                cache.catch_up(connection, Family::Public)?;
                cache.index_ids(connection, Family::Public)?;
                return Ok(AgedStep::IndexedIds);
            }
            return drop_partition(connection, partition).map(AgedStep::Removed);
        }
        let select =
            format!("SELECT sequence FROM {} WHERE decided_at < ?1 ORDER BY sequence LIMIT ?2", partition.table());
        let sequences = sequences(connection, &select, before, limit)?;
        if !sequences.is_empty() {
            let rows = RowsToRemove { family: Family::Public, partition: Some(partition.number), sequences };
            return remove_rows(connection, key, &rows).map(AgedStep::Removed);
        }
        // No row is old enough, so the stored lower bound was too low.
        let earliest = format!("SELECT coalesce(min(decided_at), ?1) FROM {}", partition.table());
        let earliest_decision = connection.prepare_cached(&earliest)?.query_row([i64::MAX], |row| row.get(0))?;
        Partition { earliest_decision, ..partition }.save(connection)?;
    }
    let select = format!("SELECT sequence FROM {PRIVATE} WHERE decided_at < ?1 ORDER BY decided_at, sequence LIMIT ?2");
    let mut sequences = sequences(connection, &select, before, limit)?;
    sequences.sort_unstable();
    remove_rows(connection, key, &RowsToRemove { family: Family::Private, partition: None, sequences })
        .map(AgedStep::Removed)
}

fn sequences(connection: &Connection, select: &str, before: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(select)?;
    Ok(statement.query_map([before, limit], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// Returns false only if no row is too old. The time of the earliest decision of a partition is only a lower bound.
fn may_have_aged_rows(connection: &Connection, before: i64) -> Result<bool, StoreError> {
    let public =
        "SELECT 1 FROM public_partition WHERE state <> 'dropped' AND activities > 0 AND earliest_decision < ?1";
    let private = format!("SELECT 1 FROM {PRIVATE} WHERE decided_at < ?1");
    Ok(connection.prepare_cached(public)?.exists([before])? || connection.prepare_cached(&private)?.exists([before])?)
}

/// Drops a partition whose ids are all indexed.
fn drop_partition(connection: &Connection, partition: Partition) -> Result<u64, StoreError> {
    let activities = partition.activities.unsigned_abs();
    partition.drop_all(connection)?;
    count_removal(connection, Family::Public)?;
    Ok(activities)
}

/// Increments the number of removals, so that other processes clear their caches.
fn count_removal(connection: &Connection, family: Family) -> Result<(), StoreError> {
    let update = format!("UPDATE {}_state SET removals = removals + 1", family.name());
    connection.prepare_cached(&update)?.execute([])?;
    Ok(())
}

/// Returns at most `limit` rows that a removal covers.
fn find_covered(
    connection: &Connection,
    removal: &Recorded<Removal>,
    limit: usize,
) -> Result<Vec<RowsToRemove>, StoreError> {
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
                // All rows of an actor have the same principals, and the removal depends on nothing else.
                let stored = by_sequence(connection, &dimensions, table, *first)?;
                if !removal.covers(&stored.ok_or_else(corrupt)?) {
                    break;
                }
                sequences.sort_unstable();
                left -= sequences.len();
                found.push(RowsToRemove { family, partition: *partition, sequences });
                if left == 0 {
                    return Ok(found);
                }
            }
        }
    }
    Ok(found)
}

/// Removes rows of one table that still exist, and overwrites them with zeros.
fn remove_rows(connection: &Connection, key: IdKey, rows: &RowsToRemove) -> Result<u64, StoreError> {
    overwriting_freed_pages(connection, || delete_rows(connection, key, rows))
}

fn delete_rows(connection: &Connection, key: IdKey, rows: &RowsToRemove) -> Result<u64, StoreError> {
    let RowsToRemove { family, partition, sequences } = rows;
    let partition = match partition {
        Some(number) => Partition::all(connection)?.into_iter().find(|partition| partition.number == *number),
        None => None,
    };
    let table = match (family, &partition) {
        (Family::Private, _) => PRIVATE.to_owned(),
        (Family::Public, Some(partition)) => partition.table(),
        // The partition was dropped meanwhile.
        (Family::Public, None) => return Ok(0),
    };
    let is_closed = partition.as_ref().is_some_and(Partition::is_closed);
    let sql = format!("DELETE FROM {table} WHERE sequence = ?1 RETURNING id, occurred_at, actor, app, action");
    let mut statement = connection.prepare_cached(&sql)?;
    let (mut removed, mut decrements, mut ids) = (0, RollupDecrements::default(), Vec::new());
    for sequence in sequences {
        let mut deleted = statement.query([sequence])?;
        if let Some(row) = deleted.next()? {
            let id = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            ids.push((key.hash(id), *sequence));
            decrements.add(RowKeys {
                occurred_at: row.get(1)?,
                actor: row.get(2)?,
                app: row.get(3)?,
                action: row.get(4)?,
            });
            removed += 1;
        }
    }
    drop(statement);
    let changes_before = connection.total_changes();
    for (hash, sequence) in ids {
        insert_removed_id(connection, *family, hash, sequence)?;
    }
    let has_new_ids = connection.total_changes() > changes_before;
    if is_closed {
        decrements.write(connection)?;
    }
    if let Some(mut partition) = partition.filter(|_| removed > 0) {
        partition.activities -= removed;
        // FTS5 keeps deleted entries until it merges segments, so the whole text index is removed, and `clean_up`
        // builds it again.
        if partition.text_indexed_up_to.is_some_and(|up_to| up_to >= partition.first_sequence) {
            partition = text_index::remove(connection, partition)?;
            partition = text_index::begin(connection, partition)?;
        }
        partition.save(connection)?;
    }
    let indexed = indexed_up_to(connection, *family)?;
    // Other processes read ids up to there from the index, and later ones from the rows.
    let caches_stay_valid = is_closed && !has_new_ids && sequences.iter().all(|sequence| *sequence <= indexed);
    if removed > 0 && !caches_stay_valid {
        count_removal(connection, *family)?;
    }
    Ok(removed.unsigned_abs())
}

/// Deletes partitions without rows and actors without rows, and completes text indexes.
fn clean_up(file: &File<StoreCache>) -> Result<(), StoreError> {
    let has_empty_partition = |connection: &Connection| -> Result<bool, StoreError> {
        let empty = "SELECT 1 FROM public_partition WHERE state IN ('full', 'closed') AND activities = 0";
        Ok(connection.prepare_cached(empty)?.exists([])?)
    };
    if file.read(has_empty_partition)? {
        file.write(|writer| {
            let connection = writer.connection();
            for partition in Partition::all(connection)? {
                if partition.activities == 0 && partition.state != PartitionState::Open {
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
    let has_unused = |connection: &Connection| -> Result<bool, StoreError> {
        let snapshot = connection.unchecked_transaction()?;
        Ok(!unused_actors(&snapshot, Family::Public)?.is_empty()
            || !unused_actors(&snapshot, Family::Private)?.is_empty())
    };
    if file.read(has_unused)? {
        file.write(|writer| {
            for family in Family::BOTH {
                remove_unused_actors(writer.connection(), family)?;
            }
            Ok::<_, StoreError>(())
        })?;
    }
    Ok(())
}

/// Returns the actors without rows.
fn unused_actors(connection: &Connection, family: Family) -> Result<Vec<i64>, StoreError> {
    let sql = match family {
        Family::Private => format!(
            "SELECT number FROM private_actor AS a
             WHERE NOT EXISTS (SELECT 1 FROM {PRIVATE} AS r INDEXED BY {PRIVATE}_actor WHERE r.actor = a.number)"
        ),
        Family::Public => "SELECT number FROM public_actor AS a
             WHERE NOT EXISTS (SELECT 1 FROM public_day AS d WHERE d.actor = a.number)"
            .to_owned(),
    };
    let mut statement = connection.prepare_cached(&sql)?;
    let mut unused: BTreeSet<i64> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if family == Family::Public && !unused.is_empty() {
        for partition in Partition::all(connection)?.iter().filter(|partition| !partition.is_closed()) {
            let mut actors = connection.prepare_cached(&format!("SELECT DISTINCT actor FROM {}", partition.table()))?;
            let mut rows = actors.query([])?;
            while let Some(row) = rows.next()? {
                unused.remove(&row.get(0)?);
            }
        }
    }
    Ok(unused.into_iter().collect())
}

fn remove_unused_actors(connection: &Connection, family: Family) -> Result<(), StoreError> {
    let unused = unused_actors(connection, family)?;
    if unused.is_empty() {
        return Ok(());
    }
    overwriting_freed_pages(connection, || {
        let of = family.name();
        let mut terms = connection.prepare_cached(&format!("DELETE FROM {of}_actor_term WHERE actor = ?1"))?;
        let mut actor = connection.prepare_cached(&format!("DELETE FROM {of}_actor WHERE number = ?1"))?;
        for number in unused {
            terms.execute(params![number])?;
            actor.execute(params![number])?;
        }
        count_removal(connection, family)
    })
}
