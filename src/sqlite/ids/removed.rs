//! What is kept of an id whose row was removed, so that it stays taken.
//!
//! While a row is there, the ids of the row and of whoever asks are compared. Once it is gone only its hash is known,
//! and different ids can have the same one; so a second hash is kept in the row's place, under the same key and
//! independent of the first. Two ids of which both are the same would have to agree in 128 bits that nobody outside can
//! work out. It takes about 17 bytes a row, beside the 15 that the id takes anyway.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::key::Key;
use super::{Ids, Tables};
use crate::store::StoreError;

/// Takes down the ids of rows that are removed from one table, in the same transaction.
pub(in crate::sqlite) struct Removed<'c> {
    key: Key,
    insert: CachedStatement<'c>,
}

impl<'c> Removed<'c> {
    pub(in crate::sqlite) fn from(connection: &'c Connection, tables: &Tables) -> Result<Self, StoreError> {
        Ok(Self { key: Key::read(connection, tables)?, insert: connection.prepare_cached(tables.add_removed)? })
    }

    pub(in crate::sqlite) fn add(&mut self, sequence: i64, id: &[u8]) -> Result<(), StoreError> {
        self.insert.execute(params![sequence, self.key.other_hash(id).cast_signed()])?;
        Ok(())
    }
}

impl Ids {
    /// Whether a row was removed that had this sequence and, for all that is known of it, this id. To be asked of
    /// [candidates](Self::candidates) alone: the first hash is not compared again.
    pub(in crate::sqlite) fn was_removed(
        &self,
        connection: &Connection,
        sequence: i64,
        id: &str,
    ) -> Result<bool, StoreError> {
        let kept: Option<i64> = connection
            .prepare_cached(self.setting.tables.removed)?
            .query_row([sequence], |row| row.get(0))
            .optional()?;
        Ok(kept.is_some_and(|kept| kept.cast_unsigned() == self.setting.key.other_hash(id.as_bytes())))
    }
}
