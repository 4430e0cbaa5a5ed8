//! Governance records in a file of their own.

mod erase;
mod ids;
mod row;
mod search;

use std::path::Path;

use self::ids::Ids;
use super::FileError;
use super::care::BackupError;
use super::file::{File, Schema};
use crate::governance::{GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, SinkError};
use crate::removal::RecordedRemoval;

/// The sequence is given in the transaction that writes the record, so a record that did not commit leaves no gap.
const SCHEMA: Schema = Schema {
    application_id: 0x4150_4731,
    version: 1,
    holds: "governance records",
    // Records come one by one, and with each of them a page is written.
    page_size: 4_096,
    erases: true,
    tables: &[row::TABLE, ids::TABLES],
};

/// Governance records in one SQLite file.
///
/// One connection records; reads have their own, so no reveal waits for somebody who searches the log.
///
/// A removal takes a thousand records at a time. Of what is removed or forgotten nothing is left in the file, nor in the log
/// beside it, once a removal answers that there is nothing left to remove; somebody who reads for seconds can keep the log,
/// and then it is refused with [`FileError::Busy`]. Copies that were made before keep what they have.
pub struct SqliteGovernance {
    file: File<Ids>,
}

impl SqliteGovernance {
    /// Opens a file, and makes it if it is not there. A relative path is taken from where the process is now.
    ///
    /// # Errors
    /// [`SinkError::Backend`], with a [`FileError`] as its source when something else or a newer version made the file,
    /// or the path names none.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SinkError> {
        Ok(Self { file: File::open(path.as_ref(), &SCHEMA, Ids::default())? })
    }
}

impl SqliteGovernance {
    /// Looks through the whole file, as SQLite's `integrity_check` does, and holds the records against the index of their
    /// ids. Others go on meanwhile.
    ///
    /// # Errors
    /// [`SinkError::Backend`] with [`FileError::Corrupt`] as its source when something is not where it belongs.
    pub fn check(&self) -> Result<(), SinkError> {
        self.file.check::<SinkError>()?;
        self.file.read(|connection| ids::check(&*connection.unchecked_transaction()?))
    }

    /// Copies every record that is durable now to a file of its own. Others go on meanwhile, and the copy is whole or not
    /// there.
    ///
    /// A process that dies meanwhile leaves a file behind that is called like the copy, with `.part0` or another number
    /// behind it. A copy is put back while no process has the file open.
    ///
    /// # Errors
    /// [`BackupError`] when something is there already or the copy cannot be written.
    pub fn back_up(&self, to: impl AsRef<Path>) -> Result<(), BackupError> {
        self.file.back_up(to.as_ref())
    }
}

impl GovernanceSink for SqliteGovernance {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        let written = row::Written::of(record)?;
        self.file.write(move |writer| {
            let (connection, ids) = writer.with_memory_after(Ids::catch_up)?;
            let sequence = match ids.find(connection, written.id)? {
                Some((sequence, known)) if written.is_in(&known)? => sequence,
                Some(_) => return Err(SinkError::IdTaken(written.id)),
                None => {
                    let sequence = ids.next()?;
                    written.insert(connection, sequence)?;
                    ids.keep(connection, written.id, sequence)?;
                    sequence
                }
            };
            Ok(Receipt::assertion(written.id, sequence.unsigned_abs()))
        })
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        self.file.read(|connection| search::records(connection, query, after, limit))
    }

    fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
        self.file.read(|connection| search::newest(connection, query))
    }

    fn remove(&self, removal: &RecordedRemoval) -> Result<u64, SinkError> {
        erase::remove(&self.file, removal)
    }
}

fn damaged() -> SinkError {
    SinkError::Backend(Box::new(FileError::Damaged { what: "governance record" }))
}

impl std::fmt::Debug for SqliteGovernance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteGovernance").field("path", &self.file.path()).finish_non_exhaustive()
    }
}
