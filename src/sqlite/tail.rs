//! The keys of the newest public rows, cached in memory because their partitions have no index yet.
//!
//! The rows of each of these partitions are sorted by time, overall and for each actor, app and action, so that a
//! search for a rare value reads no other rows. A row takes about 200 bytes of memory, and at most five partitions are
//! cached. Rows are read at the first search that needs them, and new rows at later ones.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::PoisonError;

use hashbrown::HashMap;
use rusqlite::Connection;

use super::document::corrupt;
use super::family::Family;
use super::partition::Partition;
use super::row::RowKeys;
use super::selection::Selection;
use crate::store::StoreError;
use crate::sync::Mutex;

/// A cache of the newest rows, shared by all searches.
#[derive(Default)]
pub(super) struct Tail(Mutex<TailPartitions>);

#[derive(Default)]
struct TailPartitions {
    removals: i64,
    /// The rows of each partition, by its number.
    partitions: BTreeMap<i64, PartitionRows>,
}

/// The rows of one partition, in the order of storing.
#[derive(Default)]
struct PartitionRows {
    /// The sequence up to which every row is cached.
    up_to: i64,
    rows: Vec<TailRow>,
    by_time: SortedRows,
    /// The rows of each actor, app and action. Their numbers are unique within a family.
    by_key: HashMap<i64, SortedRows>,
}

/// The keys and id of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TailRow {
    pub(super) keys: RowKeys,
    pub(super) id: Box<str>,
    pub(super) sequence: i64,
}

/// Rows sorted by time and then by id.
#[derive(Default)]
struct SortedRows {
    /// The time of each row and its position in [`PartitionRows::rows`].
    rows: Vec<(i64, u32)>,
    /// The number of rows that are sorted. Later rows are merged at the next search.
    sorted: usize,
}

/// The state of the public family in a read transaction.
pub(super) struct Snapshot {
    /// The partitions that contain rows, in storage order.
    pub(super) partitions: Vec<Partition>,
    pub(super) last_sequence: i64,
    pub(super) removals: i64,
}

impl Snapshot {
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let state = "SELECT last_sequence, removals FROM public_state";
        let (last_sequence, removals) =
            connection.prepare_cached(state)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Self { partitions: Partition::all(connection)?, last_sequence, removals })
    }

    /// Returns the partitions with indexes.
    pub(super) fn closed(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.iter().filter(|partition| partition.is_closed())
    }

    /// Returns the number of activities in the partitions with indexes.
    pub(super) fn closed_activities(&self) -> i64 {
        self.closed().map(|partition| partition.activities).fold(0, i64::saturating_add)
    }

    /// Returns the partitions without indexes, whose rows the tail contains.
    fn in_tail(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.iter().filter(|partition| !partition.is_closed())
    }
}

impl Tail {
    /// Returns at most `limit` rows that fit a selection and precede a time and id, newest first.
    pub(super) fn find(
        &self,
        (connection, snapshot): (&Connection, &Snapshot),
        selection: &Selection,
        before: (i64, &str),
        limit: usize,
    ) -> Result<Vec<TailRow>, StoreError> {
        let mut found = Vec::new();
        self.each(connection, snapshot, |partition| {
            partition.find(selection, (before, snapshot.last_sequence), limit, &mut found);
        })?;
        found.sort_unstable_by(|one, other| (other.keys.occurred_at, &other.id).cmp(&(one.keys.occurred_at, &one.id)));
        found.truncate(limit);
        Ok(found)
    }

    /// Calls `visit` with the keys of every row of the snapshot.
    pub(super) fn each_row(
        &self,
        connection: &Connection,
        snapshot: &Snapshot,
        mut visit: impl FnMut(&RowKeys),
    ) -> Result<(), StoreError> {
        self.each(connection, snapshot, |partition| {
            let rows = partition.rows.iter().filter(|row| row.sequence <= snapshot.last_sequence);
            rows.for_each(|row| visit(&row.keys));
        })
    }

    /// Calls `act` with each partition without indexes. It can contain rows later than the snapshot, with sequences
    /// greater than the snapshot's last.
    fn each(
        &self,
        connection: &Connection,
        snapshot: &Snapshot,
        mut act: impl FnMut(&mut PartitionRows),
    ) -> Result<(), StoreError> {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.removals != snapshot.removals {
            if tail.removals > snapshot.removals {
                // Another search has a newer snapshot, and the cache no longer contains rows that this one needs.
                drop(tail);
                return TailPartitions::default().each(connection, snapshot, act);
            }
            *tail = TailPartitions { removals: snapshot.removals, partitions: BTreeMap::new() };
        }
        tail.each(connection, snapshot, &mut act)?;
        // Partitions are closed in order.
        let first = snapshot.in_tail().map(|partition| partition.number).min();
        tail.partitions.retain(|number, _| first.is_some_and(|first| *number >= first));
        Ok(())
    }
}

impl TailPartitions {
    fn each(
        &mut self,
        connection: &Connection,
        snapshot: &Snapshot,
        mut act: impl FnMut(&mut PartitionRows),
    ) -> Result<(), StoreError> {
        for partition in snapshot.in_tail() {
            let rows = self.partitions.entry(partition.number).or_default();
            if rows.up_to < partition.last_sequence
                && let Err(error) = rows.read(connection, partition)
            {
                self.partitions.remove(&partition.number);
                return Err(error);
            }
            act(rows);
        }
        Ok(())
    }
}

impl PartitionRows {
    fn read(&mut self, connection: &Connection, partition: &Partition) -> Result<(), StoreError> {
        let select = format!(
            "SELECT sequence, id, occurred_at, actor, app, action FROM {} WHERE sequence > ?1 ORDER BY sequence",
            partition.table()
        );
        let mut statement = connection.prepare_cached(&select)?;
        let mut rows = statement.query([self.up_to])?;
        while let Some(row) = rows.next()? {
            let keys = RowKeys { occurred_at: row.get(2)?, actor: row.get(3)?, app: row.get(4)?, action: row.get(5)? };
            let numbers = [keys.actor, keys.app, keys.action];
            if !numbers.into_iter().all(|number| Family::Public.has_number(number)) {
                return Err(corrupt());
            }
            let at = (keys.occurred_at, u32::try_from(self.rows.len()).map_err(|_| corrupt())?);
            self.by_time.rows.push(at);
            for number in numbers {
                self.by_key.entry(number).or_default().rows.push(at);
            }
            let id = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?.into();
            self.rows.push(TailRow { sequence: row.get(0)?, id, keys });
        }
        self.up_to = partition.last_sequence;
        Ok(())
    }

    /// Appends rows that fit and precede a time and id to `found`: the newest `limit` of them, and possibly older ones.
    fn find(
        &mut self,
        selection: &Selection,
        (before, last_sequence): ((i64, &str), i64),
        limit: usize,
        found: &mut Vec<TailRow>,
    ) {
        let Self { rows, by_time, by_key, .. } = self;
        let count = |number: &i64| by_key.get(number).map_or(0, |of| of.rows.len());
        let keys = [&selection.actors, &selection.apps, &selection.actions].into_iter().flatten();
        // The most selective key.
        let key = keys.min_by_key(|numbers| numbers.iter().map(count).sum::<usize>());
        let mut search = |of: &mut SortedRows| {
            let earlier = of.before(rows, before).iter().rev().filter_map(|(_, at)| rows.get(*at as usize));
            let in_range = earlier.take_while(|row| row.keys.occurred_at >= selection.from);
            let fitting = in_range.filter(|row| row.sequence <= last_sequence && selection.fits(&row.keys));
            found.extend(fitting.take(limit).cloned());
        };
        match key {
            None => search(by_time),
            Some(numbers) => {
                for number in numbers {
                    by_key.get_mut(number).into_iter().for_each(&mut search);
                }
            }
        }
    }
}

impl SortedRows {
    /// Returns the rows before a time and id, after sorting new ones.
    fn before(&mut self, rows: &[TailRow], (time, id): (i64, &str)) -> &[(i64, u32)] {
        let id_of = |at: u32| rows.get(at as usize).map(|row| &*row.id);
        let compare =
            |one: &(i64, u32), other: &(i64, u32)| one.0.cmp(&other.0).then_with(|| id_of(one.1).cmp(&id_of(other.1)));
        if let Some(first) = self.rows.iter().skip(self.sorted).min_by(|one, other| compare(one, other)).copied() {
            let ordered = self.rows.get(..self.sorted).unwrap_or_default();
            let from = ordered.partition_point(|row| compare(row, &first) == Ordering::Less);
            // New rows usually follow all sorted ones.
            self.rows.get_mut(from..).unwrap_or_default().sort_by(compare);
            self.sorted = self.rows.len();
        }
        let end = self.rows.partition_point(|row| (row.0, id_of(row.1)) < (time, Some(id)));
        self.rows.get(..end).unwrap_or_default()
    }
}
