//! Removing records, and what records say of people, so that nothing of it is left in the file.
//!
//! To delete a row is not enough, even with `secure_delete`: when SQLite moves rows from one page to the next to even them
//! out, it leaves the old copies in the free space of the page, and what is zeroed later is the row, not its copies. So a
//! row is first overwritten where it stands, with blanks, as many as there were bytes: a row that keeps its size keeps its
//! place. Only blank rows are deleted, and only where the rows that SQLite may move for it are blank too. Rows that are
//! appended are never moved. What is left for `secure_delete` are indexes, which hold ids and nothing else, and the first page
//! of a table when it becomes a tree.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OpenFlags, params};

use super::super::FileError;
use super::super::failure::Failure;
use super::super::file::File;
use super::super::writer::Writer;
use super::ids::{self, Ids};
use super::row::{self, REMOVED, time_number};
use crate::governance::{RecordId, SinkError};
use crate::removal::RecordedRemoval;

/// How many records are removed at most before others have their turn.
const STEP: usize = 1_000;
/// How many blank rows stay before the first that is not. SQLite evens out three pages at a time, and the smallest rows
/// are more than a hundred bytes, of a page of 4,096.
const MARGIN: i64 = 256;
/// How long it waits for those who read when the log beside the file is to be emptied.
const PATIENCE: Duration = Duration::from_secs(2);

/// A step of a removal: of how many records. What is removed is gone from the file, and from the log beside it, once a
/// step answers that there is nothing left to remove.
pub(super) fn remove(file: &File<Ids>, removal: &RecordedRemoval) -> Result<u64, SinkError> {
    let removed = match (removal.records_before(), removal.forgotten_record()) {
        (Some(before), _) => file.write(move |writer| remove_before(writer.connection(), before))?,
        (None, Some(record)) => file.write(move |writer| forget(writer, record))?,
        (None, None) => return Ok(0),
    };
    if removed == 0 || removal.forgotten_record().is_some() {
        empty_log(file.path())?;
    }
    Ok(removed)
}

/// Overwrites the first records, up to the first that was not made before the time, and not the newest.
fn remove_before(connection: &Connection, before: DateTime<Utc>) -> Result<u64, SinkError> {
    let aged = aged(connection, before)?;
    let mut blank = connection.prepare_cached(
        "UPDATE record SET id = ?2, kind = ?3, initiator = ?4, target = ?5, record = ?6 WHERE sequence = ?1",
    )?;
    // One by one: SQLite would put what a larger statement overwrites into a file of its own, to be able to undo it.
    for Lengths { sequence, id, initiator, target, record } in &aged {
        let of = |length: &usize| " ".repeat(*length);
        ids::remove(connection, id)?;
        blank.execute(params![
            sequence,
            vec![b' '; id.len()],
            REMOVED,
            initiator.as_ref().map(of),
            target.as_ref().map(of),
            of(record)
        ])?;
    }
    if let Some(last) = aged.last() {
        connection
            .prepare_cached("DELETE FROM record NOT INDEXED WHERE sequence < ?1 AND kind = ?2")?
            .execute([last.sequence - MARGIN, REMOVED])?;
    }
    Ok(aged.len() as u64)
}

/// A row: its id, and how many bytes each of its texts takes.
struct Lengths {
    sequence: i64,
    id: Vec<u8>,
    initiator: Option<usize>,
    target: Option<usize>,
    record: usize,
}

fn aged(connection: &Connection, before: DateTime<Utc>) -> Result<Vec<Lengths>, SinkError> {
    let newest = "SELECT coalesce(max(sequence), 0) FROM record";
    let newest: i64 = connection.prepare_cached(newest)?.query_row([], |row| row.get(0))?;
    let mut first = connection.prepare_cached(
        "SELECT sequence, record, at, initiator, target, id FROM record NOT INDEXED
         WHERE sequence < ?1 AND kind <> ?2 ORDER BY sequence LIMIT ?3",
    )?;
    let mut rows = first.query(params![newest, REMOVED, STEP as i64])?;
    let mut aged = Vec::new();
    while let Some(row) = rows.next()? {
        let (at, bound) = (row.get::<_, i64>(2)?, time_number(before));
        // The column is not as fine as a time is.
        if at > bound || at == bound && row::entry(row)?.record.at >= before {
            break;
        }
        let length = |column| row.get_ref(column)?.as_bytes_or_null().map_err(|_| super::damaged());
        aged.push(Lengths {
            sequence: row.get(0)?,
            id: row.get(5)?,
            initiator: length(3)?.map(<[u8]>::len),
            target: length(4)?.map(<[u8]>::len),
            record: length(1)?.map_or(0, <[u8]>::len),
        });
    }
    Ok(aged)
}

/// Overwrites what one record says of people. 1 if it said something.
fn forget(writer: &mut Writer<Ids>, of: RecordId) -> Result<u64, SinkError> {
    let (connection, ids) = writer.with_memory_after(Ids::catch_up)?;
    let Some((sequence, text)) = ids.find(connection, of)? else { return Ok(0) };
    let mut record = row::read(&text)?;
    if !record.forget() {
        return Ok(0);
    }
    let mut rest = row::write(&record)?;
    rest.extend(std::iter::repeat_n(' ', text.len().saturating_sub(rest.len())));
    connection.prepare_cached("UPDATE record SET record = ?2 WHERE sequence = ?1")?.execute(params![sequence, rest])?;
    Ok(1)
}

/// Moves everything from the log beside the file into the file, and cuts the log off: what was overwritten still stands
/// in it as it was. On a connection of its own, because it waits for less long than the others do.
fn empty_log(path: &Path) -> Result<(), Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let connection = Connection::open_with_flags(path, flags)?;
    let begun = Instant::now();
    loop {
        connection.busy_timeout(PATIENCE.saturating_sub(begun.elapsed()))?;
        let is_held: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if !is_held {
            return Ok(());
        }
        if begun.elapsed() >= PATIENCE {
            return Err(FileError::Busy.into());
        }
        // SQLite waits for those who read and write, but not for somebody who is moving the log into the file already.
        thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn g5_a_log_that_another_is_emptying_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        let open = || Connection::open(&path).unwrap();
        let writer = open();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); BEGIN IMMEDIATE").unwrap();
        thread::scope(|scope| {
            let other = open();
            other.busy_timeout(PATIENCE / 4).unwrap();
            // Begins to empty it, and waits for the writer in vain.
            let empties = scope.spawn(move || {
                other.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get::<_, bool>(0)).unwrap()
            });
            thread::sleep(PATIENCE / 16);
            let waits = scope.spawn(|| empty_log(&path));
            let gave_up = empties.join().unwrap();
            writer.execute_batch("COMMIT").unwrap();
            assert!(gave_up, "it held the log for no time");
            assert!(waits.join().unwrap().is_ok());
        });
    }
}
