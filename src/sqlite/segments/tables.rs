//! The tables of the room, and every statement that reads or writes them.
//!
//! Everything long is a blob in a table by a whole number, so that closing a segment appends to the end of each table
//! and a look-up is one descent. The number holds the segment (or the group of segments) above [`PART_BITS`] and a part
//! of it below.

use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::SEGMENT;
use crate::sqlite::document::damaged;
use crate::store::StoreError;

pub(in crate::sqlite) const CREATE: &str = "
    CREATE TABLE public_segment (
        number INTEGER PRIMARY KEY,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL UNIQUE,
        rows INTEGER NOT NULL,
        oldest_at INTEGER NOT NULL,
        newest_at INTEGER NOT NULL,
        buckets INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE public_order (place INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
    CREATE TABLE public_posting (place INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
    CREATE TABLE public_facet (place INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
    CREATE TABLE public_group (number INTEGER PRIMARY KEY, buckets INTEGER NOT NULL) STRICT;
    CREATE TABLE public_group_key (place INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
    CREATE TABLE public_group_facet (place INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
    CREATE TABLE public_thinned (number INTEGER PRIMARY KEY, times INTEGER NOT NULL) STRICT;
    CREATE TABLE public_segment_revision (revision INTEGER PRIMARY KEY) STRICT;
    INSERT INTO public_segment_revision VALUES (0);
";

pub(super) const LAST_CLOSED: &str = "SELECT max(number) FROM public_segment";
pub(super) const CLOSED_SINCE: &str = "SELECT number, first, last, rows, oldest_at, newest_at, buckets
    FROM public_segment WHERE number >= ?1 ORDER BY number LIMIT ?2";
pub(super) const SEGMENT_OF: &str = "SELECT number FROM public_segment WHERE last >= ?1 ORDER BY last LIMIT 1";
pub(super) const ADD_SEGMENT: &str = "INSERT INTO public_segment
    (number, first, last, rows, oldest_at, newest_at, buckets) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(super) const DROP_SEGMENT: &str = "DELETE FROM public_segment WHERE number = ?1";
pub(super) const EMPTY_SEGMENT: &str =
    "UPDATE public_segment SET rows = 0, buckets = 0, oldest_at = ?2, newest_at = ?3 WHERE number = ?1";
pub(super) const GROUPS_SINCE: &str = "SELECT number, buckets FROM public_group WHERE number >= ?1 ORDER BY number";
pub(super) const ADD_GROUP: &str = "INSERT INTO public_group (number, buckets) VALUES (?1, ?2)";
pub(super) const DROP_GROUP: &str = "DELETE FROM public_group WHERE number = ?1";
/// All of them, in words that SQLite takes for a search.
pub(super) const THINNED: &str = "SELECT number FROM public_thinned WHERE number > -4611686018427387904";
pub(super) const NEXT_THINNED: &str = "SELECT max(number) FROM public_thinned";
pub(super) const TIMES_THINNED: &str = "SELECT times FROM public_thinned WHERE number = ?1";
pub(super) const THIN: &str =
    "INSERT INTO public_thinned (number, times) VALUES (?1, 1) ON CONFLICT (number) DO UPDATE SET times = times + 1";

pub(super) const UNTHIN: &str = "DELETE FROM public_thinned WHERE number = ?1";
pub(super) const REVISION: &str = "SELECT max(revision) FROM public_segment_revision";
pub(super) const MOVE_REVISION: &str = "UPDATE public_segment_revision SET revision = revision + 1";

pub(super) const HAS_ROWS: &str = "SELECT 1 FROM public_activity WHERE sequence BETWEEN ?1 AND ?2";
pub(super) const NEWEST_ROW: &str = "SELECT max(sequence) FROM public_activity";
pub(super) const ROWS_BETWEEN: &str = "SELECT sequence, id, occurred_at, facts, stamp FROM public_activity
    WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence";
pub(super) const ROW_ID: &str = "SELECT id, stamp FROM public_activity WHERE sequence = ?1";

/// How many bits of a place tell the part.
const PART_BITS: u32 = 20;

/// How many parts something may have.
pub(super) const MOST_PARTS: u32 = 1 << PART_BITS;

/// A table of blobs.
#[derive(Clone, Copy)]
pub(super) struct Blobs {
    pub(super) read: &'static str,
    pub(super) add: &'static str,
    pub(super) remove: &'static str,
}

macro_rules! blobs {
    ($table:literal) => {
        Blobs {
            read: concat!("SELECT entries FROM ", $table, " WHERE place = ?1"),
            add: concat!("INSERT INTO ", $table, " (place, entries) VALUES (?1, ?2)"),
            remove: concat!("DELETE FROM ", $table, " WHERE place BETWEEN ?1 AND ?2"),
        }
    };
}

/// The order of the rows of a segment, by chunk.
pub(super) const ORDER: Blobs = blobs!("public_order");
/// Which rows of a segment have a key, by bucket.
pub(super) const POSTINGS: Blobs = blobs!("public_posting");
/// What the rows of a segment count to, by facet.
pub(super) const FACETS: Blobs = blobs!("public_facet");
/// Which segments of a group have a key, by bucket.
pub(super) const GROUP_KEYS: Blobs = blobs!("public_group_key");
/// What the rows of a group count to, by facet.
pub(super) const GROUP_FACETS: Blobs = blobs!("public_group_facet");

impl Blobs {
    /// Hands one blob to `act`; `None` if there is none.
    pub(super) fn with<T>(
        self,
        connection: &Connection,
        number: i64,
        part: u32,
        act: impl FnOnce(&[u8]) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = connection.prepare_cached(self.read)?;
        let mut rows = statement.query([place(number, part)])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        act(row.get_ref(0)?.as_blob().map_err(|_| damaged(SEGMENT))?).map(Some)
    }

    /// Hands one blob that must be there to `act`.
    pub(super) fn must<T>(
        self,
        connection: &Connection,
        number: i64,
        part: u32,
        act: impl FnOnce(&[u8]) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.with(connection, number, part, act)?.ok_or_else(|| damaged(SEGMENT))
    }

    /// Takes every blob of one number away.
    pub(super) fn remove(self, connection: &Connection, number: i64) -> Result<(), StoreError> {
        let last = place(number, MOST_PARTS - 1);
        connection.prepare_cached(self.remove)?.execute([place(number, 0), last])?;
        Ok(())
    }

    /// For adding many.
    pub(super) fn adder(self, connection: &Connection) -> Result<Adder<'_>, StoreError> {
        Ok(Adder(connection.prepare_cached(self.add)?))
    }
}

pub(super) struct Adder<'a>(CachedStatement<'a>);

impl Adder<'_> {
    pub(super) fn add(&mut self, number: i64, part: u32, entries: &[u8]) -> Result<(), StoreError> {
        self.0.execute(rusqlite::params![place(number, part), entries])?;
        Ok(())
    }
}

fn place(number: i64, part: u32) -> i64 {
    number << PART_BITS | i64::from(part)
}

/// The greatest of something, if there is any.
pub(super) fn greatest(connection: &Connection, statement: &str) -> Result<Option<i64>, StoreError> {
    let greatest = connection.prepare_cached(statement)?.query_row([], |row| row.get(0)).optional()?;
    Ok(greatest.flatten())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn v2_no_statement_of_the_room_scans() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(crate::sqlite::table::PUBLIC.create).unwrap();
        connection.execute_batch(CREATE).unwrap();
        let reading = [LAST_CLOSED, CLOSED_SINCE, SEGMENT_OF, GROUPS_SINCE, THINNED, NEWEST_ROW, ROWS_BETWEEN, ROW_ID];
        let tidying =
            [NEXT_THINNED, TIMES_THINNED, REVISION, HAS_ROWS, DROP_SEGMENT, EMPTY_SEGMENT, DROP_GROUP, UNTHIN];
        let blobs = [ORDER, POSTINGS, FACETS, GROUP_KEYS, GROUP_FACETS];
        let of_blobs = blobs.into_iter().flat_map(|blobs| [blobs.read, blobs.remove]);
        for statement in reading.into_iter().chain(tidying).chain(of_blobs) {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
            let blanks = vec![rusqlite::types::Null; plan.parameter_count()];
            let steps = plan.query_map(rusqlite::params_from_iter(blanks), |row| row.get::<_, String>(3)).unwrap();
            let steps: Vec<String> = steps.map(Result::unwrap).collect();
            assert!(
                !steps.is_empty() && steps.iter().all(|step| step.starts_with("SEARCH ")),
                "{statement}: {steps:?}"
            );
        }
    }
}
