//! The index of every id ever stored in one family, with the sequence number of its row.
//!
//! Ids arrive in no order that a B-tree could use, so an index that is updated with each row would write about one page
//! per row. Instead, the newest ids are kept in memory, where a process reads them from their rows when it first needs
//! them. Once there are enough, they are written to the index in ascending order of hash, a part after each append. How
//! many are enough grows with the index, so that one page write serves about as many ids at any size.
//!
//! The index contains a hash of 128 bits under a key of the file, so that a source cannot choose ids that collide. The
//! hash stays when the activity is removed, so its id stays taken.

use std::cmp::Reverse;
use std::hash::Hasher;

use hashbrown::HashMap;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::document::corrupt;
use super::family::Family;
use super::id_filter::IdFilter;
use super::partition::{MAX_SEQUENCE, tables_after};
use crate::store::StoreError;

/// Ids are written to the index once there are at least 1/`MIN_BATCH_DIVISOR` as many in memory as in the index.
const MIN_BATCH_DIVISOR: usize = 16;
/// The number of ids that one step writes to the index.
const STEP: usize = 8_192;

/// The keyed hash of an id.
pub(super) type IdHash = [u8; 16];

/// The key of a file for hashing ids.
#[derive(Clone, Copy)]
pub(super) struct IdKey(SipHasher13);

impl IdKey {
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let key: Vec<u8> = connection.query_row("SELECT key FROM id_key", [], |row| row.get(0))?;
        let key = <[u8; 16]>::try_from(key).map_err(|_| corrupt())?;
        Ok(Self(SipHasher13::new_with_key(&key)))
    }

    pub(super) fn hash(&self, id: &str) -> IdHash {
        let mut hasher = self.0;
        hasher.write(id.as_bytes());
        hasher.finish128().as_u128().to_be_bytes()
    }
}

/// One connection's view of the ids of one family.
pub(super) struct Ids {
    family: Family,
    key: IdKey,
    /// The ids of all rows after `indexed_up_to`, and some that are already indexed.
    newest: HashMap<IdHash, i64>,
    indexed_up_to: i64,
    /// The last sequence number and the number of removals when the file was last read.
    last_sequence: i64,
    removals: i64,
    filter: IdFilter,
    indexing: Option<Indexing>,
    /// The minimum number of ids in memory before they are written to the index.
    min_batch: usize,
}

/// Ids that are being written to the index.
struct Indexing {
    up_to: i64,
    /// The ids that remain to be written, in descending order of hash, so that the next ones are taken from the end.
    left: Vec<(IdHash, i64)>,
}

/// The change of a file since a connection last read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileChange {
    /// Nothing changed, or rows were added.
    Appended,
    /// Rows were removed, and may have been added.
    Removed,
    /// The file was restored from a backup.
    Replaced,
}

impl Ids {
    /// Returns an empty view. At least `min_batch` ids are collected in memory before they are written to the index.
    pub(super) fn new(family: Family, key: IdKey, min_batch: i64) -> Self {
        Self {
            family,
            key,
            newest: HashMap::new(),
            indexed_up_to: 0,
            last_sequence: 0,
            removals: 0,
            filter: IdFilter::default(),
            indexing: None,
            min_batch: usize::try_from(min_batch).unwrap_or(usize::MAX),
        }
    }

    pub(super) fn key(&self) -> IdKey {
        self.key
    }

    pub(super) fn last_sequence(&self) -> i64 {
        self.last_sequence
    }

    pub(super) fn clear(&mut self) {
        self.newest = HashMap::new();
        self.indexed_up_to = 0;
        self.last_sequence = 0;
        self.removals = 0;
        self.filter.clear();
        self.indexing = None;
    }

    /// Updates this view to the file: reads the ids of rows that other connections wrote. Returns how the file changed
    /// since the last call.
    pub(super) fn catch_up(&mut self, connection: &Connection) -> Result<FileChange, StoreError> {
        let state = format!("SELECT last_sequence, ids_indexed_up_to, removals FROM {}_state", self.family.name());
        let (last, indexed_up_to, removals): (i64, i64, i64) =
            connection.prepare_cached(&state)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let first = self.family.sequence_before_first();
        if indexed_up_to < first || last < indexed_up_to || last >= MAX_SEQUENCE {
            return Err(corrupt());
        }
        let change = if last < self.last_sequence || removals < self.removals {
            // The file is older than what was read from it, so no cached id can be relied on.
            self.clear();
            FileChange::Replaced
        } else if removals != self.removals {
            // The ids of removed rows were written to the index.
            self.filter.clear();
            FileChange::Removed
        } else {
            FileChange::Appended
        };
        self.removals = removals;
        let after = self.advance_index(indexed_up_to, self.last_sequence);
        if after < last {
            for table in tables_after(connection, self.family, after)? {
                let select = format!("SELECT sequence, id FROM {table} WHERE sequence > ?1");
                let mut statement = connection.prepare_cached(&select)?;
                let mut rows = statement.query([after])?;
                while let Some(row) = rows.next()? {
                    let id = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
                    self.newest.insert(self.key.hash(id), row.get(0)?);
                }
            }
        }
        self.last_sequence = last;
        Ok(change)
    }

    /// Updates `indexed_up_to` to the value in the file. Returns the sequence number after which rows must be read,
    /// where `known` is that of the last row that was read.
    fn advance_index(&mut self, indexed_up_to: i64, known: i64) -> i64 {
        if indexed_up_to > self.indexed_up_to {
            // If another connection wrote ids to the index, it can contain ids whose rows this one never read. They are
            // not in the filter, which must then be filled again.
            if known < indexed_up_to {
                self.filter.clear();
            }
            for (hash, sequence) in &self.newest {
                if *sequence <= indexed_up_to {
                    self.filter.add(*hash);
                }
            }
            self.newest.retain(|_, sequence| *sequence > indexed_up_to);
            self.indexed_up_to = indexed_up_to;
            self.indexing = None;
        }
        known.max(indexed_up_to)
    }

    /// Adds the next part of the index to the filter.
    pub(super) fn fill_filter(&mut self, connection: &Connection) -> Result<(), StoreError> {
        self.filter.fill(connection, self.family, self.approximate_len_of_index())
    }

    /// Adds the id of a row that was written.
    pub(super) fn add(&mut self, hash: IdHash, sequence: i64) {
        self.newest.insert(hash, sequence);
        self.last_sequence = sequence;
    }

    /// Returns the sequence number under which one of the newest ids was stored.
    pub(super) fn find_newest(&self, hash: IdHash) -> Option<i64> {
        self.newest.get(&hash).copied()
    }

    /// Returns the sequence number under which an id was stored.
    pub(super) fn find(&self, connection: &Connection, hash: IdHash) -> Result<Option<i64>, StoreError> {
        match self.find_newest(hash) {
            None if self.filter.may_contain(hash) => find_in_index(connection, self.family, hash),
            newest => Ok(newest),
        }
    }

    /// Returns whether a batch of ids is due to be written to the index.
    pub(super) fn is_due(&self) -> bool {
        let due = self.min_batch.max(self.approximate_len_of_index() / MIN_BATCH_DIVISOR);
        self.indexing.is_some() || self.newest.len() >= due
    }

    /// Returns the approximate number of ids in the index.
    fn approximate_len_of_index(&self) -> usize {
        let len = self.indexed_up_to.saturating_sub(self.family.sequence_before_first());
        usize::try_from(len.max(0)).unwrap_or(usize::MAX)
    }

    /// Writes at most [`STEP`] ids to the index, in ascending order of hash.
    pub(super) fn index_some(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let (newest, up_to) = (&self.newest, self.last_sequence);
        let indexing = self.indexing.get_or_insert_with(|| {
            let mut left: Vec<(IdHash, i64)> = newest.iter().map(|(hash, sequence)| (*hash, *sequence)).collect();
            left.sort_unstable_by_key(|id| Reverse(*id));
            Indexing { up_to, left }
        });
        let mut statement = insert_statement(connection, self.family)?;
        let rest = indexing.left.len().saturating_sub(STEP);
        for (hash, sequence) in indexing.left.iter().skip(rest).rev() {
            statement.execute(params![hash, sequence])?;
        }
        indexing.left.truncate(rest);
        if indexing.left.is_empty() {
            let up_to = indexing.up_to;
            let update = format!("UPDATE {}_state SET ids_indexed_up_to = ?1", self.family.name());
            connection.prepare_cached(&update)?.execute([up_to])?;
            self.advance_index(up_to, up_to);
        }
        Ok(())
    }
}

/// Returns the sequence number up to which the index contains every id.
pub(super) fn indexed_up_to(connection: &Connection, family: Family) -> Result<i64, StoreError> {
    let select = format!("SELECT ids_indexed_up_to FROM {}_state", family.name());
    Ok(connection.prepare_cached(&select)?.query_row([], |row| row.get(0))?)
}

/// Returns the statement that writes an id to the index unless it is already there: a process may have been interrupted
/// after writing it, or its row was removed.
fn insert_statement(connection: &Connection, family: Family) -> Result<CachedStatement<'_>, StoreError> {
    let insert = format!("INSERT OR IGNORE INTO {}_id (hash, sequence) VALUES (?1, ?2)", family.name());
    Ok(connection.prepare_cached(&insert)?)
}

/// Returns the sequence number of an id in the index.
pub(super) fn find_in_index(connection: &Connection, family: Family, hash: IdHash) -> Result<Option<i64>, StoreError> {
    let select = format!("SELECT sequence FROM {}_id WHERE hash = ?1", family.name());
    Ok(connection.prepare_cached(&select)?.query_row([hash], |row| row.get(0)).optional()?)
}

/// Writes the id of a removed row to the index, unless it is already there.
pub(super) fn insert_removed_id(
    connection: &Connection,
    family: Family,
    hash: IdHash,
    sequence: i64,
) -> Result<(), StoreError> {
    insert_statement(connection, family)?.execute(params![hash, sequence])?;
    Ok(())
}
