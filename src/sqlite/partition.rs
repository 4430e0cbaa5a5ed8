//! Partitions of the public activities: tables that are filled one after another and get their indexes when they are
//! full.
//!
//! Building an index in one sorted pass costs a tenth of updating it with each row, in time and in bytes. The newest
//! partitions therefore have no index, and readers keep [the keys of their rows in memory](super::tail).
//!
//! Times are in microseconds. Sequences count public activities only.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::dimension::Dimensions;
use super::document::corrupt;
use super::family::{Family, PRIVATE};
use super::file::overwriting_freed_pages;
use super::row::RowKeys;
use super::{schema, text_index};
use crate::store::StoreError;

/// A row of the table of partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Partition {
    pub(super) number: i64,
    pub(super) first_sequence: i64,
    pub(super) last_sequence: i64,
    /// The number of activities that it contains.
    pub(super) activities: i64,
    /// The bounds of the times at which its activities occurred.
    pub(super) earliest: i64,
    pub(super) latest: i64,
    /// The bounds of the times at which its activities were decided.
    pub(super) earliest_decision: i64,
    pub(super) latest_decision: i64,
    pub(super) state: PartitionState,
    /// The sequence up to which rows are in the text index; `None` if the partition has none.
    pub(super) text_indexed_up_to: Option<i64>,
}

/// The state of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartitionState {
    /// It accepts rows.
    Open,
    /// It accepts no more rows, and its indexes are being built.
    Full,
    /// It has its indexes, and the rollups include it.
    Closed,
    /// Its rows are removed for every reader. Its table is deleted in steps.
    Dropped,
}

impl PartitionState {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Full => "full",
            Self::Closed => "closed",
            Self::Dropped => "dropped",
        }
    }
}

/// The indexes of a full partition, in the order in which they are built.
const INDEXES: [(&str, &str); 4] = [
    // Contains the keys by which a time range is counted.
    ("time", "occurred_at, id, actor, app"),
    ("actor", "actor, occurred_at, id"),
    ("app", "app, occurred_at, id"),
    ("action", "action, occurred_at, id"),
];

/// The maximum number of full partitions that are not closed. A batch that fills another one closes the oldest itself.
pub(super) const MAX_FULL: i64 = 4;

/// An exclusive upper bound of all sequences.
pub(super) const MAX_SEQUENCE: i64 = 1 << 60;

/// An hour and a day in microseconds.
pub(super) const HOUR: i64 = 3_600_000_000;
pub(super) const DAY: i64 = 24 * HOUR;

impl Partition {
    pub(super) fn table(&self) -> String {
        format!("public_activity_{}", self.number)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state == PartitionState::Closed
    }

    /// Returns the partitions that contain rows, in storage order.
    pub(super) fn all(connection: &Connection) -> Result<Vec<Self>, StoreError> {
        Self::select(connection, "WHERE state <> 'dropped' ORDER BY number")
    }

    /// Returns the partition that accepts rows.
    pub(super) fn open(connection: &Connection) -> Result<Option<Self>, StoreError> {
        Ok(Self::select(connection, "WHERE state = 'open' ORDER BY number DESC LIMIT 1")?.pop())
    }

    /// Returns the first full partition that is not closed.
    pub(super) fn full(connection: &Connection) -> Result<Option<Self>, StoreError> {
        Ok(Self::select(connection, "WHERE state = 'full' ORDER BY number LIMIT 1")?.pop())
    }

    /// Returns the number of full partitions that are not closed.
    pub(super) fn count_full(connection: &Connection) -> Result<i64, StoreError> {
        let full = "SELECT count(*) FROM public_partition WHERE state = 'full'";
        Ok(connection.prepare_cached(full)?.query_row([], |row| row.get(0))?)
    }

    /// Returns the first closed partition whose text index is incomplete.
    pub(super) fn with_partial_text_index(connection: &Connection) -> Result<Option<Self>, StoreError> {
        let which = "WHERE state = 'closed' AND text_indexed_up_to < last_sequence ORDER BY number LIMIT 1";
        Ok(Self::select(connection, which)?.pop())
    }

    /// Returns whether the partition has a complete text index.
    pub(super) fn has_text_index(&self) -> bool {
        self.is_closed() && self.text_indexed_up_to.is_some_and(|up_to| up_to >= self.last_sequence)
    }

    /// Returns the first dropped partition whose table still exists.
    pub(super) fn dropped(connection: &Connection) -> Result<Option<Self>, StoreError> {
        Ok(Self::select(connection, "WHERE state = 'dropped' ORDER BY number LIMIT 1")?.pop())
    }

    fn select(connection: &Connection, which: &str) -> Result<Vec<Self>, StoreError> {
        let select = format!(
            "SELECT number, first_sequence, last_sequence, activities, earliest, latest, earliest_decision,
                latest_decision, state, text_indexed_up_to FROM public_partition {which}"
        );
        let mut statement = connection.prepare_cached(&select)?;
        let mut rows = statement.query([])?;
        let mut partitions = Vec::new();
        while let Some(row) = rows.next()? {
            partitions.push(Self::read(row)?);
        }
        Ok(partitions)
    }

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let partition = Self {
            number: row.get(0)?,
            first_sequence: row.get(1)?,
            last_sequence: row.get(2)?,
            activities: row.get(3)?,
            earliest: row.get(4)?,
            latest: row.get(5)?,
            earliest_decision: row.get(6)?,
            latest_decision: row.get(7)?,
            state: match row.get_ref(8)?.as_str().map_err(|_| corrupt())? {
                "open" => PartitionState::Open,
                "full" => PartitionState::Full,
                "closed" => PartitionState::Closed,
                "dropped" => PartitionState::Dropped,
                _ => return Err(corrupt()),
            },
            text_indexed_up_to: row.get(9)?,
        };
        let Self { number, first_sequence, last_sequence, activities, .. } = partition;
        let are_counts = [number, first_sequence].into_iter().all(|count| (1..MAX_SEQUENCE).contains(&count))
            && (first_sequence - 1..MAX_SEQUENCE).contains(&last_sequence)
            && (0..=last_sequence - first_sequence + 1).contains(&activities);
        if are_counts { Ok(partition) } else { Err(corrupt()) }
    }

    /// Creates a partition that begins with a sequence.
    pub(super) fn begin(connection: &Connection, first_sequence: i64) -> Result<Self, StoreError> {
        let last = "SELECT coalesce(max(number), 0) FROM public_partition";
        let last: i64 = connection.prepare_cached(last)?.query_row([], |row| row.get(0))?;
        let partition = Self {
            number: last.checked_add(1).ok_or_else(corrupt)?,
            first_sequence,
            last_sequence: first_sequence - 1,
            activities: 0,
            earliest: i64::MAX,
            latest: i64::MIN,
            earliest_decision: i64::MAX,
            latest_decision: i64::MIN,
            state: PartitionState::Open,
            text_indexed_up_to: None,
        };
        partition.save(connection)?;
        schema::create_partition(connection, partition.number)?;
        schema::create_view(connection)?;
        Ok(partition)
    }

    /// Updates the counts and bounds for an added row.
    pub(super) fn add(&mut self, sequence: i64, occurred_at: i64, decided_at: i64) {
        self.last_sequence = sequence;
        self.activities += 1;
        self.earliest = self.earliest.min(occurred_at);
        self.latest = self.latest.max(occurred_at);
        self.earliest_decision = self.earliest_decision.min(decided_at);
        self.latest_decision = self.latest_decision.max(decided_at);
    }

    /// Writes the partition to the table of partitions.
    pub(super) fn save(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO public_partition (number, first_sequence, last_sequence, activities, earliest,
                    latest, earliest_decision, latest_decision, state, text_indexed_up_to)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                self.number,
                self.first_sequence,
                self.last_sequence,
                self.activities,
                self.earliest,
                self.latest,
                self.earliest_decision,
                self.latest_decision,
                self.state.name(),
                self.text_indexed_up_to,
            ])?;
        Ok(())
    }

    /// Builds the next index of a full partition or a part of its text index, or closes the partition once it has all
    /// of them.
    pub(super) fn index_next(
        mut self,
        connection: &Connection,
        dimensions: &Dimensions,
        with_text_index: bool,
    ) -> Result<(), StoreError> {
        let table = self.table();
        let made = "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1";
        let made: i64 = connection.prepare_cached(made)?.query_row([&table], |row| row.get(0))?;
        if let Some((name, columns)) = usize::try_from(made).ok().and_then(|made| INDEXES.get(made)) {
            return Ok(connection.execute_batch(&format!("CREATE INDEX {table}_{name} ON {table} ({columns})"))?);
        }
        match self.text_indexed_up_to {
            None if with_text_index => return text_index::begin(connection, self).map(drop),
            Some(up_to) if up_to < self.last_sequence => {
                self = text_index::add_some(connection, dimensions, self)?;
                if self.text_indexed_up_to.is_some() {
                    return Ok(());
                }
            }
            _ => {}
        }
        add_to_rollups(connection, &table, "count(*)")?;
        self.state = PartitionState::Closed;
        self.save(connection)
    }

    /// Removes all rows for every reader at once. [`drop_some`](Self::drop_some) deletes the table afterwards.
    pub(super) fn drop_all(mut self, connection: &Connection) -> Result<(), StoreError> {
        if self.is_closed() {
            add_to_rollups(connection, &self.table(), "-count(*)")?;
            connection.execute_batch(
                "DELETE FROM public_hour WHERE activities <= 0; DELETE FROM public_day WHERE activities <= 0",
            )?;
        }
        self.state = PartitionState::Dropped;
        self.activities = 0;
        self.save(connection)?;
        schema::create_view(connection)
    }

    /// Deletes a part of a dropped partition and overwrites it with zeros: an index, the text index, some rows, or the
    /// table.
    pub(super) fn drop_some(&self, connection: &Connection) -> Result<(), StoreError> {
        /// A few megabytes of write-ahead log.
        const ROWS: i64 = 8_192;
        let table = self.table();
        overwriting_freed_pages(connection, || {
            if self.text_indexed_up_to.is_some() {
                return text_index::remove(connection, self.clone()).map(drop);
            }
            let index = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 LIMIT 1";
            let name = |row: &Row<'_>| row.get::<_, String>(0);
            if let Some(name) = connection.prepare_cached(index)?.query_row([&table], name).optional()? {
                return Ok(connection.execute_batch(&format!("DROP INDEX {name}"))?);
            }
            let delete = format!("DELETE FROM {table} WHERE sequence < (SELECT min(sequence) FROM {table}) + {ROWS}");
            if connection.execute(&delete, [])? > 0 {
                return Ok(());
            }
            connection.execute_batch(&format!("DROP TABLE {table}"))?;
            connection.prepare_cached("DELETE FROM public_partition WHERE number = ?1")?.execute([self.number])?;
            Ok(())
        })
    }
}

/// Adds the rows of a table to the rollups; the aggregate `activities` counts each group.
fn add_to_rollups(connection: &Connection, table: &str, activities: &str) -> Result<(), StoreError> {
    Ok(connection.execute_batch(&format!(
        "INSERT INTO public_hour (hour, app, activities)
         SELECT {}, app, {activities} FROM {table} GROUP BY 1, 2
         ON CONFLICT (hour, app) DO UPDATE SET activities = activities + excluded.activities;
         INSERT INTO public_day (actor, day, activities)
         SELECT actor, {}, {activities} FROM {table} GROUP BY 1, 2
         ON CONFLICT (actor, day) DO UPDATE SET activities = activities + excluded.activities",
        floor_of("occurred_at", HOUR),
        floor_of("occurred_at", DAY),
    ))?)
}

/// Returns an SQL expression for a column divided by a unit, rounded down. SQLite rounds towards zero, and times before
/// 1970 are negative.
pub(super) fn floor_of(column: &str, unit: i64) -> String {
    format!("(({column} - CASE WHEN {column} < 0 THEN {} ELSE 0 END) / {unit})", unit - 1)
}

/// Returns the tables of a family with rows after a sequence.
pub(super) fn tables_after(connection: &Connection, family: Family, after: i64) -> Result<Vec<String>, StoreError> {
    Ok(match family {
        Family::Private => vec![PRIVATE.to_owned()],
        Family::Public => {
            let partitions = Partition::all(connection)?.into_iter();
            partitions.filter(|partition| partition.last_sequence > after).map(|partition| partition.table()).collect()
        }
    })
}

/// Returns the table of the row with a sequence, or `None` if its whole partition was removed.
pub(super) fn table_of(connection: &Connection, family: Family, sequence: i64) -> Result<Option<String>, StoreError> {
    Ok(match family {
        Family::Private => Some(PRIVATE.to_owned()),
        Family::Public => {
            let mut partitions = Partition::all(connection)?.into_iter();
            let contains = |partition: &Partition| {
                // The bounds do not include rows of this transaction yet.
                let is_before_end = sequence <= partition.last_sequence || partition.state == PartitionState::Open;
                partition.first_sequence <= sequence && is_before_end
            };
            partitions.find(contains).map(|partition| partition.table())
        }
    })
}

/// The amounts to subtract from the rollups for removed rows of closed partitions.
#[derive(Default)]
pub(super) struct RollupDecrements {
    hours: BTreeMap<(i64, i64), i64>,
    days: BTreeMap<(i64, i64), i64>,
}

impl RollupDecrements {
    pub(super) fn add(&mut self, keys: RowKeys) {
        *self.hours.entry((keys.occurred_at.div_euclid(HOUR), keys.app)).or_default() += 1;
        *self.days.entry((keys.actor, keys.occurred_at.div_euclid(DAY))).or_default() += 1;
    }

    pub(super) fn write(self, connection: &Connection) -> Result<(), StoreError> {
        for (table, keys, counts) in
            [("public_hour", ["hour", "app"], self.hours), ("public_day", ["actor", "day"], self.days)]
        {
            let [first, second] = keys;
            let update =
                format!("UPDATE {table} SET activities = activities - ?3 WHERE {first} = ?1 AND {second} = ?2");
            let delete = format!("DELETE FROM {table} WHERE {first} = ?1 AND {second} = ?2 AND activities <= 0");
            let (mut update, mut delete) = (connection.prepare_cached(&update)?, connection.prepare_cached(&delete)?);
            for ((one, other), count) in counts {
                update.execute([one, other, count])?;
                delete.execute([one, other])?;
            }
        }
        Ok(())
    }
}
