//! An open database file: its path, its format and version, and its connections.

use std::cell::Cell;
use std::path::{self, Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::FileError;
use super::error::SqliteError;
use super::group_commit::GroupCommit;
use super::writer::{Cache, Writer};
use crate::sync::Mutex;

/// An open file. One connection writes. Reads use connections of their own, and a write never blocks them.
pub(super) struct File<M: Cache = ()> {
    path: PathBuf,
    schema: &'static Schema,
    writer: GroupCommit<Writer<M>>,
    /// Idle connections.
    readers: Mutex<Vec<Connection>>,
}

/// The maximum number of idle connections for reading.
const IDLE_READERS: usize = 64;

impl<M: Cache> File<M> {
    /// Opens a file for writing, or creates it. `cache` returns the initial cache.
    pub(super) fn open<E: From<SqliteError>>(
        path: &Path,
        schema: &'static Schema,
        cache: impl FnOnce(&Connection) -> Result<M, E>,
    ) -> Result<Self, E> {
        require_sqlite(rusqlite::version_number()).map_err(SqliteError::from)?;
        let path = absolute_path(path)?;
        let connection = open_writer(&path, schema).map_err(|error| error.at(&path))?;
        let cache = cache(&connection)?;
        let writer = GroupCommit::new(Writer::new(connection, &path, cache));
        Ok(Self { path, schema, writer, readers: Mutex::default() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `act` in a transaction that other callers may share, and returns once it is durable. If `act` fails, none
    /// of its changes is kept. It may run on another thread, and it may run twice.
    pub(super) fn write<T, E>(&self, act: impl FnMut(&mut Writer<M>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Arc<rusqlite::Error>> + Send + 'static,
    {
        self.writer.run(act)
    }

    /// Runs `act` on a connection that no other caller uses meanwhile.
    pub(super) fn read<T, E: From<SqliteError>>(&self, act: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let idle = || self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => open_reader(&self.path, self.schema).map_err(|error| error.at(&self.path))?,
        };
        let result = act(&connection)?;
        let mut idle = idle();
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        Ok(result)
    }
}

/// The format of a file.
pub(super) struct Schema {
    /// The id in the header of the file, which distinguishes it from files of other programs.
    pub(super) application_id: i32,
    /// The content, as error messages name it.
    pub(super) content: &'static str,
    /// The size of a page in bytes.
    pub(super) page_size: i32,
    /// Whether the writer overwrites freed pages with zeros from the start. Pages freed earlier stay as they are.
    pub(super) zeroes_freed_pages: bool,
    /// The statements that migrate a file to the next version: the first entry creates version 1 in an empty file, the
    /// second migrates version 1 to version 2.
    pub(super) migrations: &'static [&'static [&'static str]],
}

impl Schema {
    /// Returns the current schema version, which is also in the header of the file.
    fn version(&self) -> i32 {
        i32::try_from(self.migrations.len()).unwrap_or(i32::MAX)
    }
}

/// The maximum time that a call waits for another process to finish its transaction.
pub(super) const BUSY: Duration = Duration::from_secs(60);

/// The oldest SQLite library that reads and writes these files: 3.37.0 introduced STRICT tables, and 3.37.2 fixed a bug
/// that could damage a file. It is a decimal number, as [`rusqlite::version_number`] returns it.
const REQUIRED_SQLITE: i32 = 3_037_002;

/// Rejects a linked library that is older than [`REQUIRED_SQLITE`].
fn require_sqlite(found: i32) -> Result<(), FileError> {
    if found < REQUIRED_SQLITE {
        return Err(FileError::SqliteTooOld { found, required: REQUIRED_SQLITE });
    }
    Ok(())
}

/// Returns the absolute path, so that every connection opens the same file even if the current directory changes.
/// Rejects a path that SQLite would not interpret as a file name: each connection would open a database of its own.
fn absolute_path(path: &Path) -> Result<PathBuf, SqliteError> {
    let text = path.as_os_str().as_encoded_bytes();
    if text.is_empty() || text == b":memory:" || text.starts_with(b"file:") {
        return Err(FileError::NotAFile.into());
    }
    Ok(path::absolute(path)?)
}

fn open_writer(path: &Path, schema: &Schema) -> Result<Connection, SqliteError> {
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE)?;
    match version_of(&mut connection, schema)? {
        // `VACUUM INTO` does not turn WAL mode on in the copy.
        Some(version) if version == schema.version() => use_wal(&connection)?,
        Some(_) => {
            use_wal(&connection)?;
            migrate(&mut connection, schema)?;
        }
        None => create(&mut connection, schema)?,
    }
    configure(&connection)?;
    connection.pragma_update(None, "cache_size", WRITER_CACHE)?;
    if schema.zeroes_freed_pages {
        overwrite_deleted(&connection, Overwrite::Everything)?;
    }
    Ok(connection)
}

/// The page cache of the writing connection: 64 MB, in SQLite's unit of negative KiB. The indexes of a full partition
/// are sorted within it.
const WRITER_CACHE: i32 = -65_536;

/// Opens a connection for reading. It never creates the file, so that a missing file is an error and does not read as
/// an empty one.
fn open_reader(path: &Path, schema: &Schema) -> Result<Connection, SqliteError> {
    let mut connection = connect(path, OpenFlags::empty())?;
    if version_of(&mut connection, schema)?.is_none() {
        return Err(FileError::NotOurFormat { expected: schema.content }.into());
    }
    configure(&connection)?;
    // Not opened read-only, because readers in WAL mode write to the index of the log.
    connection.pragma_update(None, "query_only", "ON")?;
    Ok(connection)
}

fn connect(path: &Path, create: OpenFlags) -> Result<Connection, SqliteError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX).union(create);
    #[allow(unused_mut, reason = "rusqlite before 0.41 does not ask for it")]
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(wait_while_busy))?;
    Ok(connection)
}

/// The number of prepared statements that a connection caches. A search has one for each index of each partition and
/// one for the rows of each, so this suffices for about 200 partitions.
const CACHED_STATEMENTS: usize = 1_024;

/// Configures a connection. It reads the schema, so it runs only once the format of the file is known.
fn configure(connection: &Connection) -> Result<(), SqliteError> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    overwrite_deleted(connection, Overwrite::WithinPages)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // Otherwise SQLite prepares each cached statement with `LIMIT ?` again at every use, because its plan may depend on
    // the number.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// The deleted content that SQLite overwrites with zeros.
#[derive(Clone, Copy)]
pub(super) enum Overwrite {
    /// Deleted content in pages that the transaction writes anyway.
    WithinPages,
    /// Freed pages as well, which are written for this purpose only.
    Everything,
}

/// Runs `act`, and overwrites the pages that it frees too. If both `act` and the return to the usual setting fail,
/// returns the error of `act`.
pub(super) fn overwriting_freed_pages<T, E: From<rusqlite::Error>>(
    connection: &Connection,
    act: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    overwrite_deleted(connection, Overwrite::Everything)?;
    let result = act();
    let reset = overwrite_deleted(connection, Overwrite::WithinPages);
    let value = result?;
    reset?;
    Ok(value)
}

/// Sets what one connection overwrites from now on.
pub(super) fn overwrite_deleted(connection: &Connection, what: Overwrite) -> Result<(), rusqlite::Error> {
    let pragma = match what {
        Overwrite::WithinPages => "PRAGMA secure_delete = FAST",
        Overwrite::Everything => "PRAGMA secure_delete = ON",
    };
    // Not cached: SQLite applies this pragma when the statement is prepared, not when it runs.
    connection.query_row(pragma, [], |_| Ok(()))
}

fn version_of(connection: &mut Connection, schema: &Schema) -> Result<Option<i32>, SqliteError> {
    // In one transaction, because another process may be creating the file, and a partial read would look like a
    // foreign file.
    let snapshot = connection.transaction().map_err(map_not_a_database(schema))?;
    identify(&snapshot, schema)
}

/// Maps the error for a file that is not a database, which SQLite reports at the first read.
fn map_not_a_database(schema: &Schema) -> impl Fn(rusqlite::Error) -> SqliteError {
    let not_our_format = FileError::NotOurFormat { expected: schema.content };
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => not_our_format.into(),
        _ => error.into(),
    }
}

fn create(connection: &mut Connection, schema: &Schema) -> Result<(), SqliteError> {
    connection.pragma_update(None, "page_size", schema.page_size)?;
    use_wal(connection)?;
    migrate(connection, schema)
}

/// Migrates a file to the current version.
fn migrate(connection: &mut Connection, schema: &Schema) -> Result<(), SqliteError> {
    // Checked again now that no other process can write.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = identify(&transaction, schema)?.unwrap_or(0);
    let done = usize::try_from(version).unwrap_or_default();
    for statements in schema.migrations.iter().skip(done).copied().flatten() {
        transaction.execute_batch(statements)?;
    }
    transaction.pragma_update(None, "application_id", schema.application_id)?;
    transaction.pragma_update(None, "user_version", schema.version())?;
    transaction.commit()?;
    Ok(())
}

/// Returns the schema version of a file in this format, or `None` if the file is empty.
fn identify(connection: &Connection, schema: &Schema) -> Result<Option<i32>, SqliteError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let number = |pragma| number(pragma).map_err(map_not_a_database(schema));
    let (application_id, found) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match application_id {
        0 if found == 0 && tables == 0 => Ok(None),
        id if id != schema.application_id => Err(FileError::NotOurFormat { expected: schema.content }.into()),
        _ if found > schema.version() => {
            Err(FileError::UnsupportedVersion { found, supported: schema.version() }.into())
        }
        _ => Ok(Some(found)),
    }
}

thread_local! {
    /// The time at which the statement of this thread began to wait.
    static WAIT_BEGAN: Cell<Instant> = Cell::new(Instant::now());
}

/// Waits a millisecond per call, up to [`BUSY`] in total. SQLite's own handler increases its waits to a tenth of a
/// second, so it rarely hits the gap between two batches. A policy change must not starve behind the ingest of another
/// process.
pub(super) fn wait_while_busy(times_before: i32) -> bool {
    let now = Instant::now();
    if times_before == 0 {
        WAIT_BEGAN.set(now);
    }
    let may_wait = is_within_limit(WAIT_BEGAN.get(), now);
    if may_wait {
        thread::sleep(Duration::from_millis(1));
    }
    may_wait
}

fn is_within_limit(began: Instant, now: Instant) -> bool {
    now.saturating_duration_since(began) < BUSY
}

/// Turns WAL mode on, which persists in the file. SQLite does not wait here while another process does the same, so
/// this function waits.
fn use_wal(connection: &Connection) -> Result<(), SqliteError> {
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    const SCHEMA: Schema = Schema {
        application_id: 7,
        content: "nothing",
        page_size: 4_096,
        zeroes_freed_pages: true,
        migrations: &[&[]],
    };

    #[test]
    fn d4_connections_sync_fully_and_overwrite_deleted_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        let writer = open_writer(&path, &SCHEMA).unwrap();
        let reader = open_reader(&path, &SCHEMA).unwrap();
        let set = |connection: &Connection, pragma| {
            connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).unwrap()
        };
        for connection in [&writer, &reader] {
            let (full, off) = (2, 0);
            assert_eq!((set(connection, "synchronous"), set(connection, "trusted_schema")), (full, off));
        }
        assert_eq!((set(&writer, "query_only"), set(&reader, "query_only")), (0, 1));
        let (on, fast) = (1, 2);
        assert_eq!((set(&writer, "secure_delete"), set(&reader, "secure_delete")), (on, fast));
    }

    #[test]
    fn v3_statement_with_limit_is_prepared_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        let writer = open_writer(&path, &SCHEMA).unwrap();
        for connection in [writer, open_reader(&path, &SCHEMA).unwrap()] {
            for limit in 1..9 {
                let mut select = connection.prepare_cached("SELECT name FROM sqlite_schema LIMIT ?1").unwrap();
                assert!(!select.exists([limit]).unwrap());
                assert_eq!(select.get_status(rusqlite::StatementStatus::RePrepare), 0);
            }
        }
    }

    #[test]
    fn b1_outdated_sqlite_library_is_rejected() {
        assert_eq!(require_sqlite(REQUIRED_SQLITE), Ok(()));
        let old = require_sqlite(3_034_001).unwrap_err();
        assert_eq!(old, FileError::SqliteTooOld { found: 3_034_001, required: REQUIRED_SQLITE });
        assert_eq!(
            old.to_string(),
            "the linked SQLite 3.34.1 is too old; link SQLite 3.37.2 or later, or build with the feature `bundled`"
        );
        assert!(!old.is_content_error());
    }

    #[test]
    fn d5_wait_for_busy_file_ends_after_a_minute() {
        let began = Instant::now();
        assert!(is_within_limit(began, began) && is_within_limit(began, began + BUSY - Duration::from_millis(1)));
        assert!(!is_within_limit(began, began + BUSY));
        // The number of calls does not count: a sleep can take longer than it should.
        assert!(wait_while_busy(0) && wait_while_busy(60_000));
    }

    #[test]
    fn d5_enabling_wal_waits_for_exclusive_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE t (x); BEGIN EXCLUSIVE").unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        assert!(is_busy(&connection.pragma_update(None, "journal_mode", "WAL").unwrap_err()));
        thread::scope(|scope| {
            let waits = scope.spawn(move || use_wal(&connection));
            thread::sleep(Duration::from_millis(50));
            other.execute_batch("COMMIT").unwrap();
            assert!(waits.join().unwrap().is_ok());
        });
    }

    #[test]
    fn b1_enabling_wal_on_foreign_file_fails_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        std::fs::write(&path, [b'x'; 4_096]).unwrap();
        let begun = Instant::now();
        let error = use_wal(&Connection::open(&path).unwrap()).unwrap_err();
        assert!(matches!(error, SqliteError::File(FileError::Corrupt)) && begun.elapsed() < BUSY);
    }
}
