//! Partitions of the public activities: each a table that is written to its end, and gets its indexes when it is full.
//!
//! An index that is made at once, in order, costs a tenth of one that is kept up with each row, in time and in bytes. So the
//! rows of the newest partitions have no index, and readers keep [their keys in memory](super::tail).
//!
//! Times are microseconds. A sequence counts the public activities alone.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::dimension::Dimensions;
use super::document::corrupt;
use super::family::{Family, PRIVATE};
use super::file::{Overwrite, overwrite_deleted};
use super::row::Keys;
use super::{schema, text_index};
use crate::store::StoreError;

/// One partition, as the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Partition {
    pub(super) number: i64,
    pub(super) first_sequence: i64,
    pub(super) last_sequence: i64,
    /// How many activities are in it.
    pub(super) activities: i64,
    /// No activity in it occurred before this time, nor after the next.
    pub(super) earliest: i64,
    pub(super) latest: i64,
    /// None was decided before this time, nor after the next.
    pub(super) earliest_decision: i64,
    pub(super) latest_decision: i64,
    pub(super) state: State,
    /// The rows up to this sequence are in the text index; `None` if the partition has none.
    pub(super) text_indexed_up_to: Option<i64>,
}

/// How far a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Rows are added to it.
    Open,
    /// No row is added to it any more, and its indexes are being made.
    Full,
    /// It has its indexes, and is counted in the rollups.
    Closed,
    /// Its rows are removed. The table goes in steps.
    Dropped,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Full => "full",
            Self::Closed => "closed",
            Self::Dropped => "dropped",
        }
    }
}

/// The indexes of a full partition, in the order in which they are made.
const INDEXES: [(&str, &str); 4] = [
    // With the keys that a range of time is counted by.
    ("time", "occurred_at, id, actor, app"),
    ("actor", "actor, occurred_at, id"),
    ("app", "app, occurred_at, id"),
    ("action", "action, occurred_at, id"),
];

/// The most partitions that are full and not closed. A batch that makes one more closes the oldest itself.
pub(super) const MOST_FULL: i64 = 4;

/// No sequence is as great as this.
pub(super) const MOST: i64 = 1 << 60;

/// A microsecond is one of so many.
pub(super) const HOUR: i64 = 3_600_000_000;
pub(super) const DAY: i64 = 24 * HOUR;

impl Partition {
    pub(super) fn table(&self) -> String {
        format!("public_activity_{}", self.number)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Returns the partitions that hold rows, in the order of storing.
    pub(super) fn all(connection: &Connection) -> Result<Vec<Self>, StoreError> {
        Self::select(connection, "WHERE state <> 'dropped' ORDER BY number")
    }

    /// Returns the partition to which rows are added.
    pub(super) fn open(connection: &Connection) -> Result<Option<Self>, StoreError> {
        Ok(Self::select(connection, "WHERE state = 'open' ORDER BY number DESC LIMIT 1")?.pop())
    }

    /// Returns the first partition that lacks indexes though it is full.
    pub(super) fn full(connection: &Connection) -> Result<Option<Self>, StoreError> {
        Ok(Self::select(connection, "WHERE state = 'full' ORDER BY number LIMIT 1")?.pop())
    }

    /// Returns how many partitions lack indexes though they are full.
    pub(super) fn count_full(connection: &Connection) -> Result<i64, StoreError> {
        let full = "SELECT count(*) FROM public_partition WHERE state = 'full'";
        Ok(connection.prepare_cached(full)?.query_row([], |row| row.get(0))?)
    }

    /// Returns the first closed partition whose text index lacks rows.
    pub(super) fn with_partial_text_index(connection: &Connection) -> Result<Option<Self>, StoreError> {
        let which = "WHERE state = 'closed' AND text_indexed_up_to < last_sequence ORDER BY number LIMIT 1";
        Ok(Self::select(connection, which)?.pop())
    }

    /// Returns whether every row of the partition is in its text index.
    pub(super) fn has_text_index(&self) -> bool {
        self.is_closed() && self.text_indexed_up_to.is_some_and(|up_to| up_to >= self.last_sequence)
    }

    /// Returns the first partition whose table is to go.
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
                "open" => State::Open,
                "full" => State::Full,
                "closed" => State::Closed,
                "dropped" => State::Dropped,
                _ => return Err(corrupt()),
            },
            text_indexed_up_to: row.get(9)?,
        };
        let Self { number, first_sequence, last_sequence, activities, .. } = partition;
        let are_counts = [number, first_sequence].into_iter().all(|count| (1..MOST).contains(&count))
            && (first_sequence - 1..MOST).contains(&last_sequence)
            && (0..=last_sequence - first_sequence + 1).contains(&activities);
        if are_counts { Ok(partition) } else { Err(corrupt()) }
    }

    /// Opens the partition that begins with a sequence.
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
            state: State::Open,
            text_indexed_up_to: None,
        };
        partition.save(connection)?;
        schema::create_partition(connection, partition.number)?;
        schema::create_view(connection)?;
        Ok(partition)
    }

    /// Notes a row that was added.
    pub(super) fn add(&mut self, sequence: i64, occurred_at: i64, decided_at: i64) {
        self.last_sequence = sequence;
        self.activities += 1;
        self.earliest = self.earliest.min(occurred_at);
        self.latest = self.latest.max(occurred_at);
        self.earliest_decision = self.earliest_decision.min(decided_at);
        self.latest_decision = self.latest_decision.max(decided_at);
    }

    /// Writes what is known of the partition.
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

    /// Makes the next index of a full partition or a part of its text index, or closes it once it has them all.
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
        self.state = State::Closed;
        self.save(connection)
    }

    /// Takes all rows away from every reader at once. The table goes afterwards, with [`drop_some`](Self::drop_some).
    pub(super) fn drop_all(mut self, connection: &Connection) -> Result<(), StoreError> {
        if self.is_closed() {
            add_to_rollups(connection, &self.table(), "-count(*)")?;
            connection.execute_batch(
                "DELETE FROM public_hour WHERE activities <= 0; DELETE FROM public_day WHERE activities <= 0",
            )?;
        }
        self.state = State::Dropped;
        self.activities = 0;
        self.save(connection)?;
        schema::create_view(connection)
    }

    /// Removes a part of a dropped partition from the file, overwriting it with zeros: an index, the text index, some rows, or the table.
    pub(super) fn drop_some(&self, connection: &Connection) -> Result<(), StoreError> {
        /// Some megabytes, which go to the log beside the file.
        const ROWS: i64 = 8_192;
        let table = self.table();
        overwrite_deleted(connection, Overwrite::Everything)?;
        let dropped = (|| {
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
        })();
        overwrite_deleted(connection, Overwrite::WithinPages)?;
        dropped
    }
}

/// Adds the rows of a table to the rollups, each group of them as the aggregate `activities` counts it.
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

/// Returns the quotient of a column and a unit, rounded down. SQLite rounds towards zero, and times before 1970 are negative.
pub(super) fn floor_of(column: &str, unit: i64) -> String {
    format!("(({column} - CASE WHEN {column} < 0 THEN {} ELSE 0 END) / {unit})", unit - 1)
}

/// Returns the tables with rows after a sequence.
pub(super) fn tables_after(connection: &Connection, family: Family, after: i64) -> Result<Vec<String>, StoreError> {
    Ok(match family {
        Family::Private => vec![PRIVATE.to_owned()],
        Family::Public => {
            let partitions = Partition::all(connection)?.into_iter();
            partitions.filter(|partition| partition.last_sequence > after).map(|partition| partition.table()).collect()
        }
    })
}

/// Returns the table that the row of a sequence is in, unless it was removed with all of its partition.
pub(super) fn table_of(connection: &Connection, family: Family, sequence: i64) -> Result<Option<String>, StoreError> {
    Ok(match family {
        Family::Private => Some(PRIVATE.to_owned()),
        Family::Public => {
            let mut partitions = Partition::all(connection)?.into_iter();
            let holds = |partition: &Partition| {
                // Rows of this transaction are not counted yet.
                let is_before_end = sequence <= partition.last_sequence || partition.state == State::Open;
                partition.first_sequence <= sequence && is_before_end
            };
            partitions.find(holds).map(|partition| partition.table())
        }
    })
}

/// What is to be taken from the rollups, because rows of closed partitions were removed.
#[derive(Default)]
pub(super) struct Uncounted {
    hours: BTreeMap<(i64, i64), i64>,
    days: BTreeMap<(i64, i64), i64>,
}

impl Uncounted {
    pub(super) fn add(&mut self, keys: Keys) {
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
