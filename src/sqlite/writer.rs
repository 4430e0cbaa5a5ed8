//! The connection that writes to a file, and what is kept in memory of what it wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::file::wait_in_line;
use super::group_commit::Transact;

/// What an adapter knows of its file beside it, so that it need not be read each time.
pub(super) trait Memory: 'static {
    /// Something was undone that may be in here, or this may not be all.
    fn forget(&mut self);
}

impl Memory for () {
    fn forget(&mut self) {}
}

/// The one connection of a process that writes to a file, with what the adapter knows of the file beside it. That is
/// forgotten once anything is undone that was done with it.
pub(super) struct Writer<M> {
    connection: Connection,
    memory: M,
    /// Whether the memory was used since the transaction began.
    used: bool,
    log: Log,
}

/// The write-ahead log beside the file.
struct Log {
    path: PathBuf,
    /// How large it may get before it is emptied.
    bound: u64,
    /// When its size was looked at, and how many rows had been written then.
    looked: (Instant, u64),
}

/// After how long the size of the log is looked at again, or how many rows.
const LOOK_AFTER: Duration = Duration::from_millis(50);
const LOOK_AFTER_ROWS: u64 = 256;

/// SQLite moves the log into the file as it grows, but begins it anew only when nobody reads from it; and where somebody
/// always does, it would grow for ever. So from this size on the writer waits for those who read now.
const LOG_BOUND: u64 = 64 << 20;
/// The longest that it waits for them. Whoever reads for longer is let finish, and the log may grow by so much before it
/// waits again.
const LOG_PATIENCE: Duration = Duration::from_secs(1);

impl<M: Memory> Writer<M> {
    pub(super) fn new(connection: Connection, file: &Path, memory: M) -> Self {
        let mut path = file.as_os_str().to_owned();
        path.push("-wal");
        let log = Log { path: path.into(), bound: LOG_BOUND, looked: (Instant::now(), 0) };
        Self { connection, memory, used: false, log }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The connection, and the memory to go with whatever is written.
    pub(super) fn with_memory(&mut self) -> (&Connection, &mut M) {
        self.used = true;
        (&self.connection, &mut self.memory)
    }

    fn run(&self, sql: &str) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn bound_log(&mut self) -> Result<(), rusqlite::Error> {
        let size = fs::metadata(&self.log.path).map_or(0, |log| log.len());
        if size >= self.log.bound {
            self.connection.busy_handler(Some(wait_for_readers))?;
            let empty = "PRAGMA wal_checkpoint(TRUNCATE)";
            let stayed = self.connection.query_row(empty, [], |row| row.get::<_, bool>(0)).unwrap_or(true);
            self.log.bound = if stayed { size + LOG_BOUND / 4 } else { LOG_BOUND };
            self.connection.busy_handler(Some(wait_in_line))?;
        }
        Ok(())
    }
}

/// Waits a millisecond each time, up to [`LOG_PATIENCE`].
fn wait_for_readers(times_before: i32) -> bool {
    thread::sleep(Duration::from_millis(1));
    u128::from(times_before.unsigned_abs()) < LOG_PATIENCE.as_millis()
}

impl<M: Memory> Transact for Writer<M> {
    type Error = rusqlite::Error;

    /// Immediate: from here on no other process can change anything before this transaction is over.
    fn begin(&mut self) -> Result<(), rusqlite::Error> {
        self.used = false;
        self.run("BEGIN IMMEDIATE")
    }

    fn commit(&mut self) -> Result<(), rusqlite::Error> {
        self.run("COMMIT").inspect_err(|_| self.roll_back())
    }

    fn roll_back(&mut self) {
        if self.used {
            self.memory.forget();
        }
        // SQLite itself has undone it already after some errors; then this is one more.
        drop(self.run("ROLLBACK"));
    }

    fn is_open(&self) -> bool {
        !self.connection.is_autocommit()
    }

    fn written(&self) -> u64 {
        self.connection.total_changes()
    }

    fn tidy(&mut self) {
        let (now, written) = (Instant::now(), self.written());
        let (then, written_then) = self.log.looked;
        if now.duration_since(then) >= LOOK_AFTER || written >= written_then + LOOK_AFTER_ROWS {
            self.log.looked = (now, written);
            // What was committed is durable, whatever becomes of the log.
            drop(self.bound_log());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::group_commit::GroupCommit;
    use super::*;

    impl Memory for Vec<i64> {
        fn forget(&mut self) {
            self.clear();
        }
    }

    #[test]
    fn d4_memory_of_undone_transaction_is_forgotten() {
        let writer = Writer::new(Connection::open_in_memory().unwrap(), Path::new("none"), Vec::new());
        writer.connection.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        let shared = GroupCommit::new(writer);
        let put = |number: i64, keep: bool| {
            shared.run(move |writer| -> Result<Vec<i64>, Arc<rusqlite::Error>> {
                let (connection, memory) = writer.with_memory();
                connection.execute("INSERT INTO t VALUES (?1)", [number]).unwrap();
                memory.push(number);
                if keep { Ok(memory.clone()) } else { Err(Arc::new(rusqlite::Error::InvalidQuery)) }
            })
        };
        assert_eq!(put(1, true).unwrap(), [1]);
        assert_eq!(put(2, true).unwrap(), [1, 2]);
        assert!(put(3, false).is_err());
        assert_eq!(put(4, true).unwrap(), [4]);
        // A part that fails without using the memory leaves it as it is.
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
        // The others arrive while the first one runs, and form a group.
        let outside = Arc::new(AtomicUsize::new(0));
        let put = |bytes: i64, comes: u64, takes: u64| {
            thread::sleep(Duration::from_millis(comes));
            let outside = Arc::clone(&outside);
            shared.run(move |writer| -> Result<(), Arc<rusqlite::Error>> {
                // Counted, because a panic would only undo the group.
                outside.fetch_add(usize::from(writer.connection().is_autocommit()), Ordering::SeqCst);
                thread::sleep(Duration::from_millis(takes));
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
        assert_eq!(outside.load(Ordering::SeqCst), 0, "a change outside a transaction is not undone with the rest");
    }

    #[test]
    fn d4_part_that_failed_after_writing_keeps_nothing() {
        let writer = Writer::new(Connection::open_in_memory().unwrap(), Path::new("none"), Vec::new());
        writer.connection.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        let shared = GroupCommit::new(writer);
        // The others arrive while the first one runs, and form a group.
        let put = |number: i64, comes: u64, takes: u64, keep: bool| {
            thread::sleep(Duration::from_millis(comes));
            shared.run(move |writer| -> Result<(), Arc<rusqlite::Error>> {
                thread::sleep(Duration::from_millis(takes));
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
    fn b3_the_size_of_the_log_is_looked_at_again_after_so_many_rows_or_so_long() {
        let mut writer = Writer::new(Connection::open_in_memory().unwrap(), Path::new("none"), ());
        writer.connection.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        let mut looked = Vec::new();
        for row in 1..=LOOK_AFTER_ROWS * 3 {
            writer.connection.execute("INSERT INTO t VALUES (?1)", [row.cast_signed()]).unwrap();
            // It is not long ago, however long this takes.
            writer.log.looked.0 = Instant::now() + Duration::from_secs(3_600);
            writer.tidy();
            looked.extend((writer.log.looked.1 == row).then_some(row));
        }
        assert_eq!(looked, [LOOK_AFTER_ROWS, LOOK_AFTER_ROWS * 2, LOOK_AFTER_ROWS * 3]);
        let long_ago = Instant::now().checked_sub(LOOK_AFTER * 2).unwrap();
        writer.log.looked.0 = long_ago;
        writer.tidy();
        assert!(writer.log.looked.0 > long_ago);
    }

    #[test]
    fn b3_a_log_that_somebody_reads_from_is_let_grow_a_little_and_emptied_once_nobody_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        let mut writer = Writer::new(Connection::open(&path).unwrap(), &path, ());
        writer.connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER)").unwrap();
        let size = |writer: &Writer<()>| fs::metadata(&writer.log.path).unwrap().len();
        let large = size(&writer);
        writer.bound_log().unwrap();
        assert_eq!((size(&writer), writer.log.bound), (large, LOG_BOUND), "it was not large yet");
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        writer.log.bound = large;
        writer.bound_log().unwrap();
        assert_eq!((size(&writer), writer.log.bound), (large, large + LOG_BOUND / 4));
        // Long enough for whoever is reading a page.
        thread::scope(|scope| {
            scope.spawn(|| {
                let reader = reader;
                thread::sleep(LOG_PATIENCE / 5);
                reader.execute_batch("COMMIT").unwrap();
            });
            writer.log.bound = large;
            writer.bound_log().unwrap();
        });
        assert_eq!((size(&writer), writer.log.bound), (0, LOG_BOUND));
    }

    #[test]
    fn b3_readers_are_waited_for_so_long_and_no_longer() {
        assert!([0, 1, 500, 999].into_iter().all(wait_for_readers));
        assert!(![1_000, 1_001, i32::MAX].into_iter().any(wait_for_readers));
    }
}
