//! The keys of the newest public rows, in memory: the partitions that they are in have no index yet.
//!
//! A row takes about 100 bytes here, and there are as many as two partitions hold at most. They are read when a search first
//! needs them, and then those that came since.

use std::sync::PoisonError;

use rusqlite::Connection;

use super::document::corrupt;
use super::family::Family;
use super::partition::Partition;
use super::row::Keys;
use crate::store::StoreError;
use crate::sync::Mutex;

/// What searches share of the newest rows.
#[derive(Default)]
pub(super) struct Tail(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    removals: i64,
    /// Every row from this sequence on, up to the next, is here.
    first: i64,
    up_to: i64,
    /// By time, then by id.
    rows: Vec<TailRow>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TailRow {
    pub(super) keys: Keys,
    pub(super) id: Box<str>,
    pub(super) sequence: i64,
}

/// What a transaction that reads sees of the public family.
pub(super) struct Snapshot {
    /// Those that hold rows, in the order of storing.
    pub(super) partitions: Vec<Partition>,
    pub(super) last_sequence: i64,
    removals: i64,
}

impl Snapshot {
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let state = "SELECT last_sequence, removals FROM public_state";
        let (last_sequence, removals) =
            connection.prepare_cached(state)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Self { partitions: Partition::all(connection)?, last_sequence, removals })
    }

    /// Returns the partitions that have their indexes.
    pub(super) fn closed(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.iter().filter(|partition| partition.is_closed())
    }

    /// Returns the partitions whose rows are in the tail.
    fn in_tail(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.iter().filter(|partition| !partition.is_closed())
    }
}

impl Tail {
    /// Hands the rows of the partitions without indexes to `act`, by time and then by id. There may be some that came after
    /// the snapshot: their sequences are greater than its last.
    pub(super) fn with<T>(
        &self,
        connection: &Connection,
        snapshot: &Snapshot,
        act: impl FnOnce(&[TailRow]) -> T,
    ) -> Result<T, StoreError> {
        let Some(first) = snapshot.in_tail().map(|partition| partition.first_sequence).next() else {
            return Ok(act(&[]));
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.up_to > 0 && (kept.removals > snapshot.removals || kept.first > first) {
            // Others have seen more already, and let go of what this snapshot still needs.
            drop(kept);
            let mut own = Kept { removals: snapshot.removals, first, up_to: first - 1, rows: Vec::new() };
            own.read(connection, snapshot)?;
            return Ok(act(&own.rows));
        }
        if kept.up_to == 0 || kept.removals != snapshot.removals {
            *kept = Kept { removals: snapshot.removals, first, up_to: first - 1, rows: Vec::new() };
        }
        if kept.first < first {
            kept.rows.retain(|row| row.sequence >= first);
            kept.first = first;
            kept.up_to = kept.up_to.max(first - 1);
        }
        kept.read(connection, snapshot).inspect_err(|_| kept.up_to = 0)?;
        Ok(act(&kept.rows))
    }
}

impl Kept {
    fn read(&mut self, connection: &Connection, snapshot: &Snapshot) -> Result<(), StoreError> {
        if self.up_to >= snapshot.last_sequence {
            return Ok(());
        }
        for partition in snapshot.in_tail().filter(|partition| partition.last_sequence > self.up_to) {
            let select = format!(
                "SELECT sequence, id, occurred_at, actor, app, action FROM {} WHERE sequence > ?1",
                partition.table()
            );
            let mut statement = connection.prepare_cached(&select)?;
            let mut rows = statement.query([self.up_to])?;
            while let Some(row) = rows.next()? {
                let keys = Keys { occurred_at: row.get(2)?, actor: row.get(3)?, app: row.get(4)?, action: row.get(5)? };
                if ![keys.actor, keys.app, keys.action].into_iter().all(|number| Family::Public.has_number(number)) {
                    return Err(corrupt());
                }
                let id = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?.into();
                self.rows.push(TailRow { sequence: row.get(0)?, id, keys });
            }
        }
        self.up_to = snapshot.last_sequence;
        // Two runs of which most is in order already.
        self.rows.sort_by(|one, other| (one.keys.occurred_at, &one.id).cmp(&(other.keys.occurred_at, &other.id)));
        Ok(())
    }
}
