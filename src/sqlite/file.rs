//! A file: where it is, whose it is, which version it has, and how it is to be read and written.

use std::path::{self, Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::FileError;
use super::error::SqliteError;
use super::group_commit::GroupCommit;
use super::writer::{Memory, Writer};
use crate::sync::Mutex;

/// A file that is open. One connection writes; reads have their own and are never blocked by it.
pub(super) struct File<M: Memory = ()> {
    path: PathBuf,
    schema: &'static Schema,
    writer: GroupCommit<Writer<M>>,
    /// Those that nobody reads from at the moment.
    readers: Mutex<Vec<Connection>>,
}

/// How many idle connections for reading are kept.
const IDLE_READERS: usize = 64;

impl<M: Memory> File<M> {
    /// Opens a file for writing, and makes it if it is not there. `memory` is what is known of it in the beginning.
    pub(super) fn open<E: From<SqliteError>>(
        path: &Path,
        schema: &'static Schema,
        memory: impl FnOnce(&Connection) -> Result<M, E>,
    ) -> Result<Self, E> {
        require_sqlite(rusqlite::version_number()).map_err(SqliteError::from)?;
        let path = locate(path)?;
        let connection = open_writer(&path, schema).map_err(|error| error.at(&path))?;
        let memory = memory(&connection)?;
        let writer = GroupCommit::new(Writer::new(connection, &path, memory));
        Ok(Self { path, schema, writer, readers: Mutex::default() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes in a transaction that other callers may share, and returns once it is durable. If `act` fails, none of its
    /// changes is kept. Another thread may run it, and it may run twice.
    pub(super) fn write<T, E>(&self, act: impl FnMut(&mut Writer<M>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Arc<rusqlite::Error>> + Send + 'static,
    {
        self.writer.run(act)
    }

    /// Reads on a connection that nobody else uses meanwhile.
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

/// What a file is to hold.
pub(super) struct Schema {
    /// Stands in the header of the file, so that no other file is mistaken for it.
    pub(super) application_id: i32,
    pub(super) holds: &'static str,
    /// In bytes.
    pub(super) page_size: i32,
    /// Whether SQLite writes zeros over whatever it frees, from the beginning: what it freed before stays as it is.
    pub(super) erases: bool,
    /// Statements that make a file of the next version: the first of them an empty one, the second one of version 1.
    pub(super) migrations: &'static [&'static [&'static str]],
}

impl Schema {
    /// The version that this makes, which stands in the header of the file.
    fn version(&self) -> i32 {
        i32::try_from(self.migrations.len()).unwrap_or(i32::MAX)
    }
}

/// How long a call waits for another process to finish its transaction.
pub(super) const BUSY: Duration = Duration::from_secs(60);

/// The oldest SQLite library that reads and writes these files: 3.37.0 has STRICT tables, and 3.37.2 mends what could
/// damage a file before. It is a decimal number, as [`rusqlite::version_number`] returns it.
const REQUIRED_SQLITE: i32 = 3_037_002;

/// Rejects a linked library that is older than [`REQUIRED_SQLITE`].
fn require_sqlite(found: i32) -> Result<(), FileError> {
    if found < REQUIRED_SQLITE {
        return Err(FileError::SqliteTooOld { found, required: REQUIRED_SQLITE });
    }
    Ok(())
}

/// The absolute path, because every connection is to find the same file, wherever the process has gone meanwhile. What
/// SQLite would take for something other than a path is refused: each connection would get a database of its own.
fn locate(path: &Path) -> Result<PathBuf, SqliteError> {
    let text = path.as_os_str().as_encoded_bytes();
    if text.is_empty() || text == b":memory:" || text.starts_with(b"file:") {
        return Err(FileError::NotAFile.into());
    }
    Ok(path::absolute(path)?)
}

fn open_writer(path: &Path, schema: &Schema) -> Result<Connection, SqliteError> {
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE)?;
    match version_of(&mut connection, schema)? {
        // A copy of a file has left that behind.
        Some(version) if version == schema.version() => use_wal(&connection)?,
        Some(_) => {
            use_wal(&connection)?;
            migrate(&mut connection, schema)?;
        }
        None => make(&mut connection, schema)?,
    }
    settle(&connection)?;
    connection.pragma_update(None, "cache_size", WRITER_CACHE)?;
    if schema.erases {
        overwrite_deleted(&connection, Overwrite::Everything)?;
    }
    Ok(connection)
}

/// The memory that pages may take on the connection that writes: 64 MB, in the negative KB that SQLite counts in. Indexes of a
/// full partition are sorted within it.
const WRITER_CACHE: i32 = -65_536;

/// Makes no file: whoever reads from one that is gone must not find an empty one in its place.
fn open_reader(path: &Path, schema: &Schema) -> Result<Connection, SqliteError> {
    let mut connection = connect(path, OpenFlags::empty())?;
    if version_of(&mut connection, schema)?.is_none() {
        return Err(FileError::NotOurFormat { expected: schema.holds }.into());
    }
    settle(&connection)?;
    // Not opened read-only, because readers of a file in WAL mode write to the index of the log.
    connection.pragma_update(None, "query_only", "ON")?;
    Ok(connection)
}

fn connect(path: &Path, create: OpenFlags) -> Result<Connection, SqliteError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX).union(create);
    #[allow(unused_mut, reason = "rusqlite before 0.41 does not ask for it")]
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(wait_in_line))?;
    Ok(connection)
}

/// How many prepared statements a connection keeps. A search has one for each index of each partition and one for its rows, so
/// this is enough for about 200 partitions.
const STATEMENTS: usize = 1_024;

/// Only once it is known whose file it is, because this already reads the schema.
fn settle(connection: &Connection) -> Result<(), SqliteError> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    overwrite_deleted(connection, Overwrite::WithinPages)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise SQLite prepares each statement with `LIMIT ?` anew whenever it comes out of the cache, because its plan may
    // depend on the number.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// What is overwritten with zeros of that which is deleted.
#[derive(Clone, Copy)]
pub(super) enum Overwrite {
    /// What lies in pages that are written anyway.
    WithinPages,
    /// Pages that become free as well, which are written for that alone.
    Everything,
}

/// From now on, on one connection.
pub(super) fn overwrite_deleted(connection: &Connection, what: Overwrite) -> Result<(), rusqlite::Error> {
    let pragma = match what {
        Overwrite::WithinPages => "PRAGMA secure_delete = FAST",
        Overwrite::Everything => "PRAGMA secure_delete = ON",
    };
    // Not kept prepared: SQLite does what this says when it prepares it, and not when it runs it.
    connection.query_row(pragma, [], |_| Ok(()))
}

fn version_of(connection: &mut Connection, schema: &Schema) -> Result<Option<i32>, SqliteError> {
    // In one transaction, because another process may be making the file: half of what it wrote is nobody's file.
    let snapshot = connection.transaction().map_err(foreign_if_no_database(schema))?;
    identify(&snapshot, schema)
}

/// SQLite notices only once it reads.
fn foreign_if_no_database(schema: &Schema) -> impl Fn(rusqlite::Error) -> SqliteError {
    let foreign = FileError::NotOurFormat { expected: schema.holds };
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => foreign.into(),
        _ => error.into(),
    }
}

fn make(connection: &mut Connection, schema: &Schema) -> Result<(), SqliteError> {
    connection.pragma_update(None, "page_size", schema.page_size)?;
    use_wal(connection)?;
    migrate(connection, schema)
}

/// Brings a file to the version of now.
fn migrate(connection: &mut Connection, schema: &Schema) -> Result<(), SqliteError> {
    // AccessNotice again once no other process can write.
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

/// Returns the version of a file of ours; `None` for an empty one.
fn identify(connection: &Connection, schema: &Schema) -> Result<Option<i32>, SqliteError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let number = |pragma| number(pragma).map_err(foreign_if_no_database(schema));
    let (application_id, found) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match application_id {
        0 if found == 0 && tables == 0 => Ok(None),
        id if id != schema.application_id => Err(FileError::NotOurFormat { expected: schema.holds }.into()),
        _ if found > schema.version() => {
            Err(FileError::UnsupportedVersion { found, supported: schema.version() }.into())
        }
        _ => Ok(Some(found)),
    }
}

/// Waits a millisecond each time, up to [`BUSY`]. SQLite's own handler waits ever longer, up to a tenth of a second,
/// and so hardly ever finds the gap between two batches: a change of the policy must not starve behind another
/// process's ingest.
pub(super) fn wait_in_line(times_before: i32) -> bool {
    thread::sleep(Duration::from_millis(1));
    u128::from(times_before.unsigned_abs()) < BUSY.as_millis()
}

/// Turns WAL mode on, which stays on in the file. SQLite does not wait here when another process is at it, so this
/// does.
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

    const SCHEMA: Schema =
        Schema { application_id: 7, holds: "nothing", page_size: 4_096, erases: true, migrations: &[&[]] };

    #[test]
    fn d4_every_connection_waits_for_the_disk_trusts_no_schema_and_overwrites_what_it_deletes() {
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
    fn b1_library_before_the_required_one_is_rejected() {
        assert_eq!(require_sqlite(REQUIRED_SQLITE), Ok(()));
        let old = require_sqlite(3_034_001).unwrap_err();
        assert_eq!(old, FileError::SqliteTooOld { found: 3_034_001, required: REQUIRED_SQLITE });
        assert_eq!(
            old.to_string(),
            "the program is linked to SQLite 3.34.1, which is too old; link SQLite 3.37.2 or later, or build with the \
             feature `bundled`"
        );
        assert!(!old.is_of_the_content());
    }

    #[test]
    fn d5_whoever_waits_in_line_waits_a_minute_and_no_longer() {
        assert!(wait_in_line(0) && wait_in_line(59_999));
        assert!(!wait_in_line(60_000));
    }

    #[test]
    fn d5_turning_the_log_on_waits_for_whoever_holds_the_file() {
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
    fn b1_turning_the_log_on_waits_for_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        std::fs::write(&path, [b'x'; 4_096]).unwrap();
        let begun = Instant::now();
        let error = use_wal(&Connection::open(&path).unwrap()).unwrap_err();
        assert!(matches!(error, SqliteError::File(FileError::Corrupt)) && begun.elapsed() < BUSY);
    }
}
