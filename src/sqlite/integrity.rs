//! The check of a file of activities beyond SQLite's own.
//!
//! It compares the rows of a text index with those of its partition, but not the trigrams with the texts.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Statement};

use super::dimension::Dimensions;
use super::document::corrupt;
use super::family::{Family, PRIVATE};
use super::ids::{IdKey, find_in_index, indexed_up_to};
use super::partition::{DAY, HOUR, Partition, floor_of};
use super::row::{self, ActorColumns, COLUMNS, action_name, app_columns};
use super::text_index;
use crate::store::StoreError;

/// Reads every row, looks up its id in the index, and compares derived tables and columns with their sources.
pub(super) fn check(connection: &Connection, key: &IdKey, dimensions: [&Dimensions; 2]) -> Result<(), StoreError> {
    for dimensions in dimensions {
        let family = dimensions.family();
        check_shared(connection, family)?;
        match family {
            Family::Private => check_table(connection, key, dimensions, PRIVATE, |_, _| Ok(()))?,
            Family::Public => check_partitions(connection, key, dimensions)?,
        }
    }
    Ok(())
}

/// Compares the columns of actors, apps and actions, and the terms of actors, with their documents.
fn check_shared(connection: &Connection, family: Family) -> Result<(), StoreError> {
    let of = family.name();
    let mut terms = connection.prepare(&format!("SELECT field, value FROM {of}_actor_term WHERE actor = ?1"))?;
    let mut actors = connection.prepare(&format!("SELECT number, label, kind, document FROM {of}_actor"))?;
    let mut rows = actors.query([])?;
    let mut in_all = 0;
    while let Some(row) = rows.next()? {
        let terms = terms.query_map([row.get::<_, i64>(0)?], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let found =
            ActorColumns { label: row.get(1)?, kind: row.get(2)?, terms: terms.collect::<Result<BTreeSet<_>, _>>()? };
        in_all += found.terms.len();
        require(found == ActorColumns::of(row.get_ref(3)?.as_str().map_err(|_| corrupt())?)?)?;
    }
    let count = format!("SELECT count(*) FROM {of}_actor_term");
    let count: i64 = connection.prepare(&count)?.query_row([], |row| row.get(0))?;
    require(usize::try_from(count) == Ok(in_all))?;
    let mut apps = connection.prepare(&format!("SELECT name, suite, document FROM {of}_app"))?;
    let mut rows = apps.query([])?;
    while let Some(row) = rows.next()? {
        let found = (row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?);
        require(found == app_columns(row.get_ref(2)?.as_str().map_err(|_| corrupt())?)?)?;
    }
    let mut actions = connection.prepare(&format!("SELECT name, document FROM {of}_action"))?;
    let mut rows = actions.query([])?;
    while let Some(row) = rows.next()? {
        require(row.get::<_, String>(0)? == action_name(row.get_ref(1)?.as_str().map_err(|_| corrupt())?)?)?;
    }
    Ok(())
}

/// Checks the partitions and the rollups.
fn check_partitions(connection: &Connection, key: &IdKey, dimensions: &Dimensions) -> Result<(), StoreError> {
    let partitions = Partition::all(connection)?;
    for partition in &partitions {
        let mut activities = 0;
        check_table(connection, key, dimensions, &partition.table(), |sequence, [occurred_at, decided_at]| {
            activities += 1;
            require(
                (partition.first_sequence..=partition.last_sequence).contains(&sequence)
                    && (partition.earliest..=partition.latest).contains(&occurred_at)
                    && (partition.earliest_decision..=partition.latest_decision).contains(&decided_at),
            )
        })?;
        require(activities == partition.activities)?;
        require(!partition.has_text_index() || text_index::has_rows_of(connection, partition)?)?;
    }
    let closed: Vec<&Partition> = partitions.iter().filter(|partition| partition.is_closed()).collect();
    check_hours(connection, &closed)?;
    check_days(connection, &closed)
}

/// Reads every row of a table, and calls `check` with its sequence and both times.
fn check_table(
    connection: &Connection,
    key: &IdKey,
    dimensions: &Dimensions,
    table: &str,
    mut check: impl FnMut(i64, [i64; 2]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let family = dimensions.family();
    let indexed = indexed_up_to(connection, family)?;
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM {table} ORDER BY sequence"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let sequence: i64 = row.get(0)?;
        let stored = row::read(connection, dimensions, row)?;
        let hash = key.hash(stored.activity().id().as_str());
        require(sequence > indexed || find_in_index(connection, family, hash)? == Some(sequence))?;
        check(sequence, [row.get(2)?, row.get(3)?])?;
    }
    Ok(())
}

/// Compares the rollup by hour and app with the rows of closed partitions. It fits in memory.
fn check_hours(connection: &Connection, closed: &[&Partition]) -> Result<(), StoreError> {
    let mut expected: BTreeMap<[i64; 2], i64> = BTreeMap::new();
    for partition in closed {
        let select =
            format!("SELECT {}, app, count(*) FROM {} GROUP BY 1, 2", floor_of("occurred_at", HOUR), partition.table());
        let mut select = connection.prepare(&select)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            *expected.entry([row.get(0)?, row.get(1)?]).or_default() += row.get::<_, i64>(2)?;
        }
    }
    let mut select = connection.prepare("SELECT hour, app, activities FROM public_hour ORDER BY hour, app")?;
    let mut rows = select.query([])?;
    let mut expected = expected.into_iter();
    while let Some(row) = rows.next()? {
        require(expected.next() == Some(([row.get(0)?, row.get(1)?], row.get(2)?)))?;
    }
    require(expected.next().is_none())
}

/// Compares the rollup by actor and day with the rows of closed partitions, one actor at a time.
fn check_days(connection: &Connection, closed: &[&Partition]) -> Result<(), StoreError> {
    let select = |partition: &&Partition| {
        let (day, table) = (floor_of("occurred_at", DAY), partition.table());
        connection.prepare(&format!("SELECT {day}, count(*) FROM {table} WHERE actor = ?1 GROUP BY 1"))
    };
    let mut selects: Vec<Statement<'_>> = closed.iter().map(select).collect::<Result<_, _>>()?;
    let mut rollup = connection.prepare("SELECT day, activities FROM public_day WHERE actor = ?1")?;
    let mut actors = connection.prepare("SELECT number FROM public_actor UNION SELECT actor FROM public_day")?;
    let mut rows = actors.query([])?;
    while let Some(row) = rows.next()? {
        let actor: i64 = row.get(0)?;
        let mut expected: BTreeMap<i64, i64> = BTreeMap::new();
        for select in &mut selects {
            let mut rows = select.query([actor])?;
            while let Some(row) = rows.next()? {
                *expected.entry(row.get(0)?).or_default() += row.get::<_, i64>(1)?;
            }
        }
        let found = rollup.query_map([actor], |row| Ok((row.get(0)?, row.get(1)?)))?;
        require(found.collect::<Result<BTreeMap<i64, i64>, _>>()? == expected)?;
    }
    Ok(())
}

fn require(is_met: bool) -> Result<(), StoreError> {
    if is_met { Ok(()) } else { Err(corrupt()) }
}
