//! The key under which a file hashes: SipHash-1-3 (Aumasson, Bernstein: *SipHash: a fast short-input PRF*, 2012).

use std::hash::Hasher;

use rusqlite::{Connection, OptionalExtension};
use siphasher::sip::SipHasher13;

use super::{Tables, damaged};
use crate::store::StoreError;

/// Makes the table of the key, and the key: 16 bytes of SQLite's generator, which the operating system seeds.
pub(in crate::sqlite) const CREATE_KEY: &str = "
    CREATE TABLE id_key (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL) STRICT;
    INSERT INTO id_key (one, key) VALUES (1, randomblob(16));";

/// Each file has its own, so that nobody outside can choose ids whose hashes meet.
#[derive(Clone)]
pub(super) struct Key {
    hasher: SipHasher13,
    tag: u8,
}

impl Key {
    /// The key of a file, to hash ids and to seal what is kept of them in some tables.
    pub(super) fn read(connection: &Connection, tables: &Tables) -> Result<Self, StoreError> {
        let key = connection
            .prepare_cached("SELECT key FROM id_key")?
            .query_row([], |row| Ok(row.get_ref(0)?.as_blob().ok().and_then(|key| key.try_into().ok())))
            .optional()?
            .flatten();
        let key: [u8; 16] = key.filter(|key| *key != [0; 16]).ok_or_else(damaged)?;
        Ok(Self { hasher: SipHasher13::new_with_key(&key), tag: tables.tag })
    }

    pub(super) fn hash(&self, id: &str) -> u64 {
        self.hasher.hash(id.as_bytes())
    }

    /// Of the same id, and independent of [`hash`](Self::hash): no text begins with that byte, so this is never the
    /// hash of an id.
    pub(super) fn other_hash(&self, id: &[u8]) -> u64 {
        let mut hasher = self.hasher;
        hasher.write(&[0xff]);
        hasher.write(id);
        hasher.finish()
    }

    /// By what damage is told: of some bytes, of where they belong, in which tables too, and of what stands before them.
    pub(super) fn seal(&self, before: u64, place: i64, bytes: &[u8]) -> u64 {
        let mut hasher = self.hasher;
        hasher.write(&[self.tag]);
        hasher.write(&before.to_le_bytes());
        hasher.write(&place.to_le_bytes());
        hasher.write(bytes);
        hasher.finish()
    }
}
