//! Under which number a record stands, by its id.
//!
//! An index that is kept with each record dirties a page of its own for each, a random one, and so costs as much as the
//! record. Here the ids of the newest records are in memory, read from their rows when the file is opened. Once they are a
//! few thousand they are written to the index in order, so that neighbours share a page; and each of the next records
//! brings a few of them along, so that none pays for all. Where nobody stays for long enough to bring them all, one does
//! pay, because they would become more and more.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::super::FileError;
use super::damaged;
use super::row::REMOVED;
use crate::governance::{RecordId, SinkError};
use crate::sqlite::writer::Memory;

pub(super) const TABLES: &str = "
    CREATE TABLE record_id (id BLOB PRIMARY KEY, sequence INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE record_indexed (one INTEGER PRIMARY KEY CHECK (one = 1), up_to INTEGER NOT NULL) STRICT;
    INSERT INTO record_indexed VALUES (1, 0);";

/// How many ids there are in memory before they are written to the index.
const NEWEST: usize = 4_096;
/// How many of them each record brings along.
const BROUGHT: usize = 16;

/// What the writer knows of the ids in its file.
///
/// INVARIANT: of two records under one id the first was removed. So an id in memory hides none in the index: what is
/// removed are the first records, and what is in the index came before what is not.
pub(super) struct Ids {
    /// All that are not known to be in the index, and some that are.
    newest: HashMap<RecordId, i64>,
    last: Option<(i64, RecordId)>,
    indexing: Option<Indexing>,
    sizes: Sizes,
}

/// Ids on their way into the index.
struct Indexing {
    /// The last of their records.
    up_to: i64,
    /// Those that are not there yet, the greatest id first.
    left: Vec<(RecordId, i64)>,
}

/// Tests have smaller ones.
#[derive(Clone, Copy)]
struct Sizes {
    newest: usize,
    brought: usize,
}

impl Ids {
    fn sized(sizes: Sizes) -> Self {
        Self { newest: HashMap::new(), last: None, indexing: None, sizes }
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::sized(Sizes { newest: NEWEST, brought: BROUGHT })
    }
}

impl Memory for Ids {
    fn forget(&mut self) {
        *self = Self::sized(self.sizes);
    }
}

impl Ids {
    /// Sees what others wrote. To be called in each transaction before anything else.
    pub(super) fn catch_up(&mut self, connection: &Connection) -> Result<(), SinkError> {
        if !self.follow(connection)? {
            // What was known is not all that there is, or somebody has put the file back from a copy.
            self.forget();
            let mut rows = since(connection)?;
            // With the last that is indexed, because it may be the last of all.
            let mut rows = rows.query([up_to(connection)?])?;
            while let Some(row) = rows.next()? {
                self.add(row.get(0)?, id(row)?);
            }
        }
        Ok(())
    }

    /// Reads what comes after the last record that is known. Whether that is still there, and not too much comes after it.
    fn follow(&mut self, connection: &Connection) -> Result<bool, SinkError> {
        let Some(last) = self.last else { return Ok(false) };
        let mut rows = since(connection)?;
        let mut rows = rows.query([last.0])?;
        let first = rows.next()?.map(|row| Ok::<_, SinkError>((row.get(0)?, id(row)?))).transpose()?;
        if first != Some(last) {
            return Ok(false);
        }
        while let Some(row) = rows.next()? {
            if self.newest.len() > self.sizes.newest * 2 {
                return Ok(false);
            }
            self.add(row.get(0)?, id(row)?);
        }
        Ok(true)
    }

    fn add(&mut self, sequence: i64, id: RecordId) {
        self.newest.insert(id, sequence);
        self.last = Some((sequence, id));
    }

    /// The number that the next record gets.
    pub(super) fn next(&self) -> Result<i64, SinkError> {
        self.last.map_or(Some(1), |(sequence, _)| sequence.checked_add(1)).ok_or_else(damaged)
    }

    /// Where the record of this id stands, and its text.
    pub(super) fn find(&self, connection: &Connection, id: RecordId) -> Result<Option<(i64, Vec<u8>)>, SinkError> {
        let bytes = id.0.as_bytes();
        let indexed = || {
            connection
                .prepare_cached("SELECT sequence FROM record_id WHERE id = ?1")?
                .query_row([bytes], |row| row.get(0))
                .optional()
        };
        let place = match self.newest.get(&id) {
            Some(sequence) => Some(*sequence),
            None => indexed()?,
        };
        let Some(sequence) = place else { return Ok(None) };
        // It may have been removed since.
        let known = connection
            .prepare_cached("SELECT record FROM record WHERE sequence = ?1 AND id = ?2 AND kind <> ?3")?
            .query_row(params![sequence, bytes, REMOVED], |row| Ok(row.get_ref(0)?.as_bytes()?.to_vec()))
            .optional()?;
        Ok(known.map(|text| (sequence, text)))
    }

    /// Adds a record that was written in this transaction, and brings some of the newest into the index once they are many.
    pub(super) fn keep(&mut self, connection: &Connection, id: RecordId, sequence: i64) -> Result<(), SinkError> {
        self.add(sequence, id);
        if self.indexing.is_none() && self.newest.len() >= self.sizes.newest {
            let mut left: Vec<(RecordId, i64)> = self.newest.iter().map(|(id, sequence)| (*id, *sequence)).collect();
            left.sort_unstable_by(|a, b| b.cmp(a));
            self.indexing = Some(Indexing { up_to: sequence, left });
        }
        let Some(Indexing { up_to, left }) = &mut self.indexing else { return Ok(()) };
        // Whoever writes a few records and goes, or has to begin anew time and again, comes to no end with a few each.
        let brought = if self.newest.len() < self.sizes.newest * 2 { self.sizes.brought } else { left.len() };
        // Unless it was removed since. It may be there already, from a process that did not come to the end.
        let mut insert = connection.prepare_cached(
            "INSERT OR REPLACE INTO record_id (id, sequence)
             SELECT id, sequence FROM record NOT INDEXED WHERE sequence = ?1 AND id = ?2 AND kind <> ?3",
        )?;
        for (id, sequence) in left.drain(left.len().saturating_sub(brought)..).rev() {
            insert.execute(params![sequence, id.0.as_bytes(), REMOVED])?;
        }
        if left.is_empty() {
            let up_to = *up_to;
            connection.prepare_cached("UPDATE record_indexed SET up_to = max(up_to, ?1)")?.execute([up_to])?;
            self.newest.retain(|_, sequence| *sequence > up_to);
            self.indexing = None;
        }
        Ok(())
    }
}

/// Whether the index has what it is to have, and nothing else.
pub(super) fn check(connection: &Connection) -> Result<(), SinkError> {
    let missing = "SELECT EXISTS (SELECT 1 FROM record WHERE sequence <= (SELECT up_to FROM record_indexed) AND kind <> ?1
        AND NOT EXISTS (SELECT 1 FROM record_id WHERE record_id.id = record.id AND record_id.sequence = record.sequence))";
    let beyond = "SELECT EXISTS (SELECT 1 FROM record_id
        WHERE NOT EXISTS (SELECT 1 FROM record WHERE record.sequence = record_id.sequence AND record.id = record_id.id
            AND record.kind <> ?1))";
    for wrong in [missing, beyond] {
        if connection.query_row(wrong, [REMOVED], |row| row.get(0))? {
            return Err(SinkError::Backend(Box::new(FileError::Corrupt)));
        }
    }
    Ok(())
}

/// Takes the id of a record that is removed out of the index.
pub(super) fn remove(connection: &Connection, id: &[u8]) -> Result<(), SinkError> {
    connection.prepare_cached("DELETE FROM record_id WHERE id = ?1")?.execute([id])?;
    Ok(())
}

fn since(connection: &Connection) -> Result<CachedStatement<'_>, rusqlite::Error> {
    connection.prepare_cached("SELECT sequence, id FROM record WHERE sequence >= ?1 ORDER BY sequence")
}

/// The last record whose id is in the index.
fn up_to(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.prepare_cached("SELECT up_to FROM record_indexed")?.query_row([], |row| row.get(0))
}

fn id(row: &Row<'_>) -> Result<RecordId, SinkError> {
    let bytes = row.get_ref(1)?.as_bytes().map_err(|_| damaged())?;
    Uuid::from_slice(bytes).map(RecordId).map_err(|_| damaged())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::row;
    use super::*;

    /// What somebody does who has the file open, each with a memory of their own.
    #[derive(Debug, Clone)]
    enum Step {
        Record {
            by: usize,
            id: u128,
        },
        /// Of so many records, after which everything is undone.
        Undo {
            by: usize,
            ids: Vec<u128>,
        },
        /// So many of the first, but not the newest.
        Remove {
            records: usize,
        },
        Reopen {
            by: usize,
        },
        /// The file as it was then is put back.
        PutBack,
    }

    const HANDLES: usize = 3;

    fn step() -> impl Strategy<Value = Step> {
        let (by, id) = (0..HANDLES, 0..60_u128);
        prop_oneof![
            20 => (by.clone(), id.clone()).prop_map(|(by, id)| Step::Record { by, id }),
            2 => (by.clone(), proptest::collection::vec(id, 1..12)).prop_map(|(by, ids)| Step::Undo { by, ids }),
            2 => (0..12_usize).prop_map(|records| Step::Remove { records }),
            2 => by.prop_map(|by| Step::Reopen { by }),
            1 => Just(Step::PutBack),
        ]
    }

    fn handle() -> Ids {
        Ids::sized(Sizes { newest: 5, brought: 2 })
    }

    fn record(connection: &Connection, ids: &mut Ids, id: u128) -> i64 {
        let id = RecordId(Uuid::from_u128(id));
        if let Some((sequence, text)) = ids.find(connection, id).unwrap() {
            assert_eq!(text, id.to_string().as_bytes());
            return sequence;
        }
        let insert = "INSERT INTO record (sequence, id, at, kind, outcome, record) VALUES (?1, ?2, 0, 6, 1, ?3)";
        let sequence = ids.next().unwrap();
        connection.execute(insert, params![sequence, id.0.as_bytes(), id.to_string()]).unwrap();
        ids.keep(connection, id, sequence).unwrap();
        sequence
    }

    /// Overwritten first, and deleted later.
    fn take(connection: &Connection, id: u128, sequence: i64) {
        let bytes = Uuid::from_u128(id);
        remove(connection, bytes.as_bytes()).unwrap();
        let blank = "UPDATE record SET id = ?2, kind = ?3, record = '' WHERE sequence = ?1";
        connection.execute(blank, params![sequence, vec![b' '; 16], REMOVED]).unwrap();
        connection.execute("DELETE FROM record WHERE sequence < ?1 AND kind = ?2", [sequence - 3, REMOVED]).unwrap();
    }

    #[test]
    fn b3_ids_in_memory_stay_few_however_few_records_a_process_writes() {
        let file = Connection::open_in_memory().unwrap();
        file.execute_batch(&[row::TABLE, TABLES].concat()).unwrap();
        for id in 0..200 {
            let mut opened = handle();
            opened.catch_up(&file).unwrap();
            assert!(opened.newest.len() <= 2 * opened.sizes.newest, "{} at {id}", opened.newest.len());
            record(&file, &mut opened, id);
            check(&file).unwrap();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

        #[test]
        fn g1_an_id_is_known_as_long_as_its_record_is_there(steps in proptest::collection::vec(step(), 1..120)) {
            let file = Connection::open_in_memory().unwrap();
            let run = |sql: &str| file.execute_batch(sql).unwrap();
            run(&[row::TABLE, TABLES].concat());
            run("SAVEPOINT older");
            let mut handles: Vec<Ids> = (0..HANDLES).map(|_| handle()).collect();
            let (mut model, mut older_model) = (BTreeMap::new(), BTreeMap::new());
            let (mut next, mut put_back) = (1, 0);
            for (at, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Record { by, id } => {
                        // Nobody offers what was lost again: it could get its number again, and look as if nothing were.
                        let id = id + 100 * put_back;
                        handles[by].catch_up(&file).unwrap();
                        let expected = *model.entry(id).or_insert(next);
                        prop_assert_eq!(record(&file, &mut handles[by], id), expected);
                        next = next.max(expected + 1);
                    }
                    Step::Undo { by, ids } => {
                        run("SAVEPOINT one");
                        handles[by].catch_up(&file).unwrap();
                        for id in ids {
                            record(&file, &mut handles[by], id);
                        }
                        run("ROLLBACK TO one; RELEASE one");
                        handles[by].forget();
                    }
                    Step::Remove { records } => {
                        let mut first: Vec<(i64, u128)> = model.iter().map(|(id, sequence)| (*sequence, *id)).collect();
                        first.sort_unstable();
                        first.retain(|(sequence, _)| *sequence != next - 1);
                        for (sequence, id) in first.into_iter().take(records) {
                            take(&file, id, sequence);
                            model.remove(&id);
                        }
                    }
                    Step::Reopen { by } => handles[by] = handle(),
                    Step::PutBack => {
                        run("ROLLBACK TO older");
                        model = older_model.clone();
                        put_back += 1;
                        next = model.values().max().map_or(1, |last| last + 1);
                    }
                }
                check(&file).unwrap();
                if at % 30 == 0 {
                    run("RELEASE older; SAVEPOINT older");
                    older_model = model.clone();
                }
            }
        }
    }
}
