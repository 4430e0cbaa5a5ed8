//! The ids of one family, as one connection has seen them.

use rusqlite::Connection;

use super::document::corrupt;
use super::family::Family;
use super::ids::{IdHash, IdKey, Ids};
use super::partition::{MOST, Partition, State};
use crate::StoreError;

/// What is known of the ids, and up to where the rows were seen.
pub(super) struct KnownIds {
    family: Family,
    key: IdKey,
    ids: Ids,
    last_sequence: i64,
    removals: i64,
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

impl KnownIds {
    /// Knows nothing yet. Ids are gathered in memory until there are at least `gathered` of them.
    pub(super) fn new(family: Family, key: IdKey, gathered: i64) -> Self {
        let gathered = usize::try_from(gathered).unwrap_or(usize::MAX);
        Self { family, key, ids: Ids::new(gathered), last_sequence: 0, removals: 0 }
    }

    pub(super) fn last_sequence(&self) -> i64 {
        self.last_sequence
    }

    pub(super) fn forget(&mut self) {
        self.last_sequence = 0;
        self.ids.forget();
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
            self.ids.forget_filter();
            News::Removals
        } else {
            News::Rows
        };
        self.removals = removals;
        let after = self.ids.follow(indexed, self.last_sequence);
        if after < last {
            for table in tables_after(connection, self.family, after)? {
                let select = format!("SELECT sequence, id FROM {table} WHERE sequence > ?1");
                let mut statement = connection.prepare_cached(&select)?;
                let mut rows = statement.query([after])?;
                while let Some(row) = rows.next()? {
                    let id = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
                    self.ids.add(self.key.hash(id), row.get(0)?);
                }
            }
        }
        self.last_sequence = last;
        Ok(news)
    }

    /// Reads a part of what the filter of ids lacks.
    pub(super) fn fill_filter(&mut self, connection: &Connection) -> Result<(), StoreError> {
        self.ids.fill_filter(connection, self.family)
    }

    /// Adds the id of a row that was written.
    pub(super) fn add(&mut self, hash: IdHash, sequence: i64) {
        self.ids.add(hash, sequence);
        self.last_sequence = sequence;
    }

    /// Returns the sequence under which an id was stored.
    pub(super) fn find(&self, connection: &Connection, hash: IdHash) -> Result<Option<i64>, StoreError> {
        self.ids.find(connection, self.family, hash)
    }

    /// Returns the sequence under which an id was stored, by the id itself.
    pub(super) fn find_id(&self, connection: &Connection, id: &str) -> Result<Option<i64>, StoreError> {
        self.find(connection, self.key.hash(id))
    }

    /// Returns the sequence under which one of the newest ids was stored.
    pub(super) fn find_newest(&self, hash: IdHash) -> Option<i64> {
        self.ids.find_newest(hash)
    }

    pub(super) fn is_due(&self) -> bool {
        self.ids.is_due(self.family)
    }

    /// Writes some ids to the index.
    pub(super) fn index_some(&mut self, connection: &Connection) -> Result<(), StoreError> {
        self.ids.index_some(connection, self.family, self.last_sequence)
    }
}

/// Returns the tables with rows after a sequence.
fn tables_after(connection: &Connection, family: Family, after: i64) -> Result<Vec<String>, StoreError> {
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

/// The table of private activities.
pub(super) const PRIVATE: &str = "private_activity";
