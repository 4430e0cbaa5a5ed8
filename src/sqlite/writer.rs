//! The connection that writes to a file, and its cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::file::wait_while_busy;
use super::group_commit::Transact;

/// Content of a file that an adapter caches beside the writing connection.
pub(super) trait Cache: 'static {
    /// Clears the cache, because it may contain changes that were rolled back, or may be incomplete.
    fn clear(&mut self);
}

impl Cache for () {
    fn clear(&mut self) {}
}

/// The only connection of a process that writes to a file, with the cache of the adapter. The cache is cleared when a
/// transaction that used it is rolled back.
pub(super) struct Writer<M> {
    connection: Connection,
    cache: M,
    /// Whether the cache was accessed since the transaction began.
    is_cache_used: bool,
    log: Log,
}

/// The write-ahead log beside the file.
struct Log {
    path: PathBuf,
    /// The size in bytes from which on the log is emptied.
    limit: u64,
    /// The time of the last check of its size, and the number of rows written until then.
    checked: (Instant, u64),
}

/// The interval between checks of the log's size, as time and as rows written.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
const CHECK_ROWS: u64 = 256;

/// The size in bytes from which on the writer waits for current readers and empties the log. SQLite checkpoints the log
/// as it grows, but restarts it only when no reader uses it, so under constant reading it would grow without limit.
const LOG_LIMIT: u64 = 64 << 20;
/// The longest wait for readers. After a timeout the log may grow by a quarter of [`LOG_LIMIT`] before the next wait.
const READER_TIMEOUT: Duration = Duration::from_secs(1);

impl<M: Cache> Writer<M> {
    pub(super) fn new(connection: Connection, file: &Path, cache: M) -> Self {
        let mut path = file.as_os_str().to_owned();
        path.push("-wal");
        let log = Log { path: path.into(), limit: LOG_LIMIT, checked: (Instant::now(), 0) };
        Self { connection, cache, is_cache_used: false, log }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns the connection and the cache, which the caller updates with what it writes.
    pub(super) fn with_cache(&mut self) -> (&Connection, &mut M) {
        self.is_cache_used = true;
        (&self.connection, &mut self.cache)
    }

    fn run(&self, sql: &str) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn limit_log(&mut self) -> Result<(), rusqlite::Error> {
        let size = fs::metadata(&self.log.path).map_or(0, |log| log.len());
        if size >= self.log.limit {
            self.connection.busy_handler(Some(wait_for_readers))?;
            let empty = "PRAGMA wal_checkpoint(TRUNCATE)";
            let is_blocked = self.connection.query_row(empty, [], |row| row.get::<_, bool>(0)).unwrap_or(true);
            self.log.limit = if is_blocked { size + LOG_LIMIT / 4 } else { LOG_LIMIT };
            self.connection.busy_handler(Some(wait_while_busy))?;
        }
        Ok(())
    }
}

/// Waits a millisecond per call, up to [`READER_TIMEOUT`] in total.
fn wait_for_readers(times_before: i32) -> bool {
    thread::sleep(Duration::from_millis(1));
    u128::from(times_before.unsigned_abs()) < READER_TIMEOUT.as_millis()
}

impl<M: Cache> Transact for Writer<M> {
    type Error = rusqlite::Error;

    /// Begins an immediate transaction: until it ends, no other process can change the file.
    fn begin(&mut self) -> Result<(), rusqlite::Error> {
        self.is_cache_used = false;
        self.run("BEGIN IMMEDIATE")
    }

    fn commit(&mut self) -> Result<(), rusqlite::Error> {
        self.run("COMMIT").inspect_err(|_| self.roll_back())
    }

    fn roll_back(&mut self) {
        if self.is_cache_used {
            self.cache.clear();
        }
        // After some errors SQLite has already rolled back, and this statement fails.
        drop(self.run("ROLLBACK"));
    }

    fn is_open(&self) -> bool {
        !self.connection.is_autocommit()
    }

    fn total_changes(&self) -> u64 {
        self.connection.total_changes()
    }

    fn after_commit(&mut self) {
        let (now, changes) = (Instant::now(), self.total_changes());
        let (then, changes_then) = self.log.checked;
        if now.duration_since(then) >= CHECK_INTERVAL || changes >= changes_then + CHECK_ROWS {
            self.log.checked = (now, changes);
            // The commit is durable even if the log cannot be emptied.
            drop(self.limit_log());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::group_commit::GroupCommit;
    use super::*;

    impl Cache for Vec<i64> {
        fn clear(&mut self) {
            self.clear();
        }
    }

    #[test]
    fn d4_rolled_back_transaction_clears_cache() {
        let writer = Writer::new(Connection::open_in_memory().unwrap(), Path::new("none"), Vec::new());
        writer.connection.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        let shared = GroupCommit::new(writer);
        let put = |number: i64, keep: bool| {
            shared.run(move |writer| -> Result<Vec<i64>, Arc<rusqlite::Error>> {
                let (connection, cache) = writer.with_cache();
                connection.execute("INSERT INTO t VALUES (?1)", [number]).unwrap();
                cache.push(number);
                if keep { Ok(cache.clone()) } else { Err(Arc::new(rusqlite::Error::InvalidQuery)) }
            })
        };
        assert_eq!(put(1, true).unwrap(), [1]);
        assert_eq!(put(2, true).unwrap(), [1, 2]);
        assert!(put(3, false).is_err());
        assert_eq!(put(4, true).unwrap(), [4]);
        // A part that fails without using the cache does not clear it.
        let refused =
            shared.run(move |_| -> Result<(), Arc<rusqlite::Error>> { Err(Arc::new(rusqlite::Error::InvalidQuery)) });
        assert!(refused.is_err());
        assert_eq!(put(5, true).unwrap(), [4, 5]);
        let sum = shared.run(move |writer| -> Result<i64, Arc<rusqlite::Error>> {
            Ok(writer.connection().query_row("SELECT sum(n) FROM t", [], |row| row.get(0)).unwrap())
        });
        assert_eq!(sum.unwrap(), 12);
    }

    #[test]
    fn d4_part_after_full_disk_runs_in_a_transaction() {
        let writer = Writer::new(Connection::open_in_memory().unwrap(), Path::new("none"), Vec::new());
        writer.connection.execute_batch("CREATE TABLE t (n BLOB)").unwrap();
        writer.connection.pragma_update(None, "max_page_count", 100).unwrap();
        let shared = GroupCommit::new(writer);
        // The others arrive while the first caller runs, and form a group.
        let outside = Arc::new(AtomicUsize::new(0));
        let put = |bytes: i64, delay: u64, duration: u64| {
            thread::sleep(Duration::from_millis(delay));
            let outside = Arc::clone(&outside);
            shared.run(move |writer| -> Result<(), Arc<rusqlite::Error>> {
                // Counted, because a panic would only roll back the group.
                outside.fetch_add(usize::from(writer.connection().is_autocommit()), Ordering::SeqCst);
                thread::sleep(Duration::from_millis(duration));
                writer.connection().execute("INSERT INTO t VALUES (zeroblob(?1))", [bytes])?;
                Ok(())
            })
        };
        thread::scope(|scope| {
            let first = scope.spawn(|| put(1, 0, 100));
            let full = scope.spawn(|| put(1 << 20, 30, 0));
            let last = scope.spawn(|| put(1, 60, 0));
            assert!(first.join().unwrap().is_ok());
            let full = full.join().unwrap().unwrap_err();
            assert_eq!(full.sqlite_error_code(), Some(rusqlite::ErrorCode::DiskFull), "{full}");
            assert!(last.join().unwrap().is_ok());
        });
        let count = shared.run(move |writer| -> Result<i64, Arc<rusqlite::Error>> {
            Ok(writer.connection().query_row("SELECT count(*) FROM t", [], |row| row.get(0))?)
        });
        assert_eq!(count.unwrap(), 2);
        assert_eq!(
            outside.load(Ordering::SeqCst),
            0,
            "a change outside a transaction is not rolled back with the rest"
        );
    }

    #[test]
    fn d4_part_failed_after_writing_is_rolled_back() {
        let writer = Writer::new(Connection::open_in_memory().unwrap(), Path::new("none"), Vec::new());
        writer.connection.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        let shared = GroupCommit::new(writer);
        // The others arrive while the first caller runs, and form a group.
        let put = |number: i64, delay: u64, duration: u64, keep: bool| {
            thread::sleep(Duration::from_millis(delay));
            shared.run(move |writer| -> Result<(), Arc<rusqlite::Error>> {
                thread::sleep(Duration::from_millis(duration));
                writer.connection().execute("INSERT INTO t VALUES (?1)", [number])?;
                if keep { Ok(()) } else { Err(Arc::new(rusqlite::Error::InvalidQuery)) }
            })
        };
        thread::scope(|scope| {
            let first = scope.spawn(|| put(1, 0, 100, true));
            let fails = scope.spawn(|| put(2, 30, 0, false));
            let last = scope.spawn(|| put(4, 60, 0, true));
            assert!(first.join().unwrap().is_ok() && fails.join().unwrap().is_err());
            assert!(last.join().unwrap().is_ok());
        });
        let sum = shared.run(move |writer| -> Result<i64, Arc<rusqlite::Error>> {
            Ok(writer.connection().query_row("SELECT sum(n) FROM t", [], |row| row.get(0))?)
        });
        assert_eq!(sum.unwrap(), 5);
    }

    #[test]
    fn b3_log_size_is_checked_by_rows_or_time() {
        let mut writer = Writer::new(Connection::open_in_memory().unwrap(), Path::new("none"), ());
        writer.connection.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        let mut checked = Vec::new();
        for row in 1..=CHECK_ROWS * 3 {
            writer.connection.execute("INSERT INTO t VALUES (?1)", [row.cast_signed()]).unwrap();
            // The last check is in the future, so the test is independent of its own duration.
            writer.log.checked.0 = Instant::now() + Duration::from_secs(3_600);
            writer.after_commit();
            checked.extend((writer.log.checked.1 == row).then_some(row));
        }
        assert_eq!(checked, [CHECK_ROWS, CHECK_ROWS * 2, CHECK_ROWS * 3]);
        let long_ago = Instant::now().checked_sub(CHECK_INTERVAL * 2).unwrap();
        writer.log.checked.0 = long_ago;
        writer.after_commit();
        assert!(writer.log.checked.0 > long_ago);
    }

    #[test]
    fn b3_log_grows_while_read_and_is_emptied_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        let mut writer = Writer::new(Connection::open(&path).unwrap(), &path, ());
        writer.connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER)").unwrap();
        let size = |writer: &Writer<()>| fs::metadata(&writer.log.path).unwrap().len();
        let large = size(&writer);
        writer.limit_log().unwrap();
        assert_eq!((size(&writer), writer.log.limit), (large, LOG_LIMIT), "the log is below its limit");
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        writer.log.limit = large;
        writer.limit_log().unwrap();
        assert_eq!((size(&writer), writer.log.limit), (large, large + LOG_LIMIT / 4));
        // A reader that finishes within the timeout.
        thread::scope(|scope| {
            scope.spawn(|| {
                let reader = reader;
                thread::sleep(READER_TIMEOUT / 5);
                reader.execute_batch("COMMIT").unwrap();
            });
            writer.log.limit = large;
            writer.limit_log().unwrap();
        });
        assert_eq!((size(&writer), writer.log.limit), (0, LOG_LIMIT));
    }

    #[test]
    fn b3_wait_for_readers_ends_after_timeout() {
        assert!([0, 1, 500, 999].into_iter().all(wait_for_readers));
        assert!(![1_000, 1_001, i32::MAX].into_iter().any(wait_for_readers));
    }
}
