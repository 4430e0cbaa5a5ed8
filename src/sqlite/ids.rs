//! Which ids were ever stored in one family, each with the sequence of its row.
//!
//! An id is a random text to the file, so an index that is kept up with each row writes a page for each. Here the newest ids
//! are in memory, read from their rows when a process begins to write; and once they are many they go into the index in
//! order, some with each batch. The more there are in the index, the more are gathered, so that each page of it is written
//! for about as many ids at any size.
//!
//! In the index is a hash of 128 bits under a key of the file, so that a source cannot choose ids that meet. It stays when
//! the activity is removed: its id stays taken.

use std::hash::Hasher;

use hashbrown::HashMap;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::document::corrupt;
use super::family::Family;
use super::id_filter::IdFilter;
use super::partition::{MOST, tables_after};
use crate::store::StoreError;

/// Of all ids, one in so many is gathered, at least.
const SHARE: usize = 16;
/// How many ids are written to the index in one step.
const STEP: usize = 8_192;

/// A hash of an id.
pub(super) type IdHash = [u8; 16];

/// The key of a file, under which ids are hashed.
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

/// The ids of one family, as one connection has seen them.
pub(super) struct Ids {
    family: Family,
    key: IdKey,
    /// Every id of a row after `indexed_up_to`, and some that are in the index already.
    newest: HashMap<IdHash, i64>,
    indexed_up_to: i64,
    /// Up to which sequence rows were seen, and how often some were removed.
    last_sequence: i64,
    removals: i64,
    filter: IdFilter,
    indexing: Option<Indexing>,
    /// How many ids are gathered in memory, at least.
    gathered: usize,
}

/// Ids on their way into the index.
struct Indexing {
    up_to: i64,
    /// Those that are not there yet, the greatest hash first.
    left: Vec<(IdHash, i64)>,
}

/// What a connection finds when it looks at the file again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Rows may have come.
    Rows,
    /// Some were removed too.
    Removals,
    /// The file was put back from a copy.
    OtherFile,
}

impl Ids {
    /// Knows nothing yet. Ids are gathered in memory until there are at least `gathered` of them.
    pub(super) fn new(family: Family, key: IdKey, gathered: i64) -> Self {
        Self {
            family,
            key,
            newest: HashMap::new(),
            indexed_up_to: 0,
            last_sequence: 0,
            removals: 0,
            filter: IdFilter::default(),
            indexing: None,
            gathered: usize::try_from(gathered).unwrap_or(usize::MAX),
        }
    }

    pub(super) fn key(&self) -> IdKey {
        self.key
    }

    pub(super) fn last_sequence(&self) -> i64 {
        self.last_sequence
    }

    pub(super) fn forget(&mut self) {
        self.newest = HashMap::new();
        self.indexed_up_to = 0;
        self.last_sequence = 0;
        self.filter.forget();
        self.indexing = None;
    }

    /// Sees what others wrote.
    pub(super) fn catch_up(&mut self, connection: &Connection) -> Result<News, StoreError> {
        let state = format!("SELECT last_sequence, ids_indexed_up_to, removals FROM {}_state", self.family.name());
        let (last, indexed, removals): (i64, i64, i64) =
            connection.prepare_cached(&state)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let first = self.family.sequence_before_first();
        if indexed < first || last < indexed || last >= MOST {
            return Err(corrupt());
        }
        let news = if last < self.last_sequence || removals < self.removals {
            // Nothing that is known is sure.
            self.forget();
            News::OtherFile
        } else if removals != self.removals {
            // Their ids were written to the index.
            self.filter.forget();
            News::Removals
        } else {
            News::Rows
        };
        self.removals = removals;
        let after = self.follow(indexed, self.last_sequence);
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
        Ok(news)
    }

    /// Notes up to which sequence the index has every id, as the file says. Returns the sequence after which rows are to be
    /// added, if `known` is the last one that was.
    fn follow(&mut self, indexed_up_to: i64, known: i64) -> i64 {
        if indexed_up_to > self.indexed_up_to {
            // Another process has written them. A row that this one never saw is in the index, and not in the filter.
            if known < indexed_up_to {
                self.filter.forget();
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

    /// Reads a part of what the filter lacks.
    pub(super) fn fill_filter(&mut self, connection: &Connection) -> Result<(), StoreError> {
        self.filter.fill(connection, self.family, self.indexed())
    }

    /// Adds the id of a row that was written.
    pub(super) fn add(&mut self, hash: IdHash, sequence: i64) {
        self.newest.insert(hash, sequence);
        self.last_sequence = sequence;
    }

    /// Returns the sequence under which one of the newest ids was stored.
    pub(super) fn find_newest(&self, hash: IdHash) -> Option<i64> {
        self.newest.get(&hash).copied()
    }

    /// Returns the sequence under which an id was stored.
    pub(super) fn find(&self, connection: &Connection, hash: IdHash) -> Result<Option<i64>, StoreError> {
        match self.find_newest(hash) {
            None if self.filter.may_have(hash) => find_in_index(connection, self.family, hash),
            newest => Ok(newest),
        }
    }

    /// Returns whether ids are to be written to the index.
    pub(super) fn is_due(&self) -> bool {
        self.indexing.is_some() || self.newest.len() >= self.gathered.max(self.indexed() / SHARE)
    }

    /// Returns how many ids are in the index.
    fn indexed(&self) -> usize {
        let indexed = self.indexed_up_to.saturating_sub(self.family.sequence_before_first());
        usize::try_from(indexed.max(0)).unwrap_or(usize::MAX)
    }

    /// Writes some ids to the index, in order.
    pub(super) fn index_some(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let (newest, up_to) = (&self.newest, self.last_sequence);
        let indexing = self.indexing.get_or_insert_with(|| {
            let mut left: Vec<(IdHash, i64)> = newest.iter().map(|(hash, sequence)| (*hash, *sequence)).collect();
            left.sort_unstable_by(|one, other| other.cmp(one));
            Indexing { up_to, left }
        });
        let mut insert = insert(connection, self.family)?;
        let rest = indexing.left.len().saturating_sub(STEP);
        for (hash, sequence) in indexing.left.iter().skip(rest).rev() {
            insert.execute(params![hash, sequence])?;
        }
        indexing.left.truncate(rest);
        if indexing.left.is_empty() {
            let up_to = indexing.up_to;
            let update = format!("UPDATE {}_state SET ids_indexed_up_to = ?1", self.family.name());
            connection.prepare_cached(&update)?.execute([up_to])?;
            self.follow(up_to, up_to);
        }
        Ok(())
    }
}

/// Returns up to which sequence the index has every id.
pub(super) fn indexed_up_to(connection: &Connection, family: Family) -> Result<i64, StoreError> {
    let indexed = format!("SELECT ids_indexed_up_to FROM {}_state", family.name());
    Ok(connection.prepare_cached(&indexed)?.query_row([], |row| row.get(0))?)
}

/// Returns what writes an id to the index, unless it is there: from a process that did not come to the end, or because its
/// row was removed.
fn insert(connection: &Connection, family: Family) -> Result<CachedStatement<'_>, StoreError> {
    let insert = format!("INSERT OR IGNORE INTO {}_id (hash, sequence) VALUES (?1, ?2)", family.name());
    Ok(connection.prepare_cached(&insert)?)
}

/// Returns the sequence under which an id stands in the index.
pub(super) fn find_in_index(connection: &Connection, family: Family, hash: IdHash) -> Result<Option<i64>, StoreError> {
    let select = format!("SELECT sequence FROM {}_id WHERE hash = ?1", family.name());
    Ok(connection.prepare_cached(&select)?.query_row([hash], |row| row.get(0)).optional()?)
}

/// Writes the id of a row that is removed to the index, unless it is there.
pub(super) fn keep_taken(
    connection: &Connection,
    family: Family,
    hash: IdHash,
    sequence: i64,
) -> Result<(), StoreError> {
    insert(connection, family)?.execute(params![hash, sequence])?;
    Ok(())
}
