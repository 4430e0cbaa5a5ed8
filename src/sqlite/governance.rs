//! The sink for governance records in a file of their own.

mod erase;
mod integrity;
mod row;
mod search;

use std::path::Path;

use self::row::RecordRow;
use super::FileError;
use super::backup::BackupError;
use super::file::{File, Schema};
use crate::governance::{GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, Recorded, Removal, SinkError};

const SCHEMA: Schema = Schema {
    // `APG2`. Files of earlier development versions have `APG1` and are rejected as another format.
    application_id: 0x4150_4732,
    content: "governance records",
    // Each record is one commit, and a commit writes whole pages, so small pages write less.
    page_size: 4_096,
    zeroes_freed_pages: true,
    migrations: &[&[row::TABLE, row::VIEW]],
};

/// A sink for governance records in one SQLite file, which the `sqlite3` shell can read. `docs/schema.md` documents its
/// tables.
///
/// One connection writes. Reads have connections of their own, so no reveal waits for a search in the log.
///
/// Each call of [`remove`](GovernanceSink::remove) removes at most a thousand records. Once a call returns 0, neither
/// the file nor the write-ahead log beside it contains the removed or redacted content. A reader that stays in a
/// transaction for seconds can keep the write-ahead log from being emptied; the call then fails with
/// [`FileError::Busy`]. Copies made before the removal keep their content. UUIDs of removed records and requests can
/// remain in unused space of an index.
pub struct SqliteGovernance {
    file: File,
}

impl SqliteGovernance {
    /// Opens a file, or creates it. A relative path is resolved against the current directory at the time of the call.
    ///
    /// # Errors
    /// Returns [`SinkError::Backend`] with a [`FileError`] as its source if another program, a newer version of this
    /// library or an earlier development version created the file, if the file is corrupt, or if the path is empty,
    /// `:memory:` or a `file:` URI.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SinkError> {
        Ok(Self { file: File::open(path.as_ref(), &SCHEMA, |_| Ok::<_, SinkError>(()))? })
    }

    /// Runs SQLite's `integrity_check` on the file, compares the columns of every row with its record, and checks that
    /// the sequence has no gap. Records can be written and read meanwhile.
    ///
    /// # Errors
    /// Returns [`SinkError::Backend`] with [`FileError::Corrupt`] as its source if anything differs, or
    /// [`FileError::InvalidContent`] if a record cannot be parsed.
    pub fn integrity_check(&self) -> Result<(), SinkError> {
        self.file.check::<SinkError>()?;
        self.file.read(|connection| integrity::check(&*connection.unchecked_transaction()?))
    }

    /// Copies every record that is durable now to a new file. Records can be written and read meanwhile. The copy
    /// appears under its name only once it is complete.
    ///
    /// A process that dies during the copy can leave a partial file: the name of the copy followed by `.part0`,
    /// `.part1`, and so on. Restore a copy only while no process has the file open.
    ///
    /// # Errors
    /// Returns [`BackupError`] if the target already exists or the copy cannot be written.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<(), BackupError> {
        self.file.backup(to.as_ref())
    }
}

impl GovernanceSink for SqliteGovernance {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        let row = RecordRow::of(record)?;
        self.file.write(move |writer| {
            let connection = writer.connection();
            let sequence = match row::find(connection, row.id)? {
                Some((sequence, stored)) if row.is_same_record(&stored)? => sequence,
                Some(_) => return Err(SinkError::IdTaken(row.id)),
                None => row.insert(connection)?,
            };
            Ok(Receipt::assertion(row.id, row::sequence_number(sequence)?))
        })
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        self.file.read(|connection| search::records(connection, query, after, limit))
    }

    fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
        self.file.read(|connection| search::newest(connection, query))
    }

    fn remove(&self, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        erase::remove(&self.file, removal)
    }
}

fn invalid_record() -> SinkError {
    SinkError::Backend(Box::new(FileError::InvalidContent { what: "governance record" }))
}

impl std::fmt::Debug for SqliteGovernance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteGovernance").field("path", &self.file.path()).finish_non_exhaustive()
    }
}
