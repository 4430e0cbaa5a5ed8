//! Opening a file: whose it is, which version it has, and how it is to be written.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use thiserror::Error;

use super::FileError;

/// What a file is to hold.
pub(super) struct Schema {
    /// Stands in the header of the file, so that no other file is mistaken for it.
    pub(super) application_id: i32,
    pub(super) version: i32,
    pub(super) holds: &'static str,
    pub(super) tables: &'static [&'static str],
}

#[derive(Debug, Error)]
pub(super) enum OpenFileError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// How long a call waits for another process to finish its transaction.
const BUSY: Duration = Duration::from_secs(60);

/// Opens a file for writing, and makes it if it is not there.
pub(super) fn open(path: &Path, schema: &Schema) -> Result<Connection, OpenFileError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(wait_in_line))?;
    check(&mut connection, schema).map_err(|error| match error {
        OpenFileError::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            FileError::Foreign { expected: schema.holds }.into()
        }
        error => error,
    })?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn check(connection: &mut Connection, schema: &Schema) -> Result<(), OpenFileError> {
    // In one transaction, because another process may be making the file: half of what it wrote is nobody's file.
    let snapshot = connection.transaction()?;
    let ours = identify(&snapshot, schema)?;
    snapshot.commit()?;
    if ours {
        return Ok(());
    }
    use_wal(connection)?;
    // Look again once nobody else can write.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !identify(&transaction, schema)? {
        for table in schema.tables {
            transaction.execute_batch(table)?;
        }
        transaction.pragma_update(None, "application_id", schema.application_id)?;
        transaction.pragma_update(None, "user_version", schema.version)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Whether this is a file of ours; an empty one is not yet.
fn identify(connection: &Connection, schema: &Schema) -> Result<bool, OpenFileError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let (application_id, found) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match application_id {
        0 if found == 0 && tables == 0 => Ok(false),
        id if id != schema.application_id => Err(FileError::Foreign { expected: schema.holds }.into()),
        _ if found > schema.version => Err(FileError::Newer { found, supported: schema.version }.into()),
        _ => Ok(true),
    }
}

/// Waits a millisecond each time, up to [`BUSY`]. SQLite's own handler waits ever longer, up to a tenth of a second, and
/// so hardly ever finds the gap between two batches: a change of the policy must not starve behind another process's
/// ingest.
fn wait_in_line(times_before: i32) -> bool {
    thread::sleep(Duration::from_millis(1));
    u128::from(times_before.unsigned_abs()) < BUSY.as_millis()
}

/// Turns WAL mode on, which stays on in the file. SQLite does not wait here when another process is at it, so this does.
fn use_wal(connection: &Connection) -> Result<(), OpenFileError> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if is_busy(&error) && begun.elapsed() < BUSY => thread::sleep(Duration::from_millis(5)),
            result => return Ok(result?),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
