//! Maintenance of an open file: the integrity check, backups, and emptying the write-ahead log.

use std::fs::{self, File as StdFile};
use std::io;
use std::path::{self, Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use thiserror::Error;

use super::FileError;
use super::error::SqliteError;
use super::file::File;
use super::writer::Cache;

/// The reason why a backup failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A file or folder with the name of the copy already exists. It is not changed.
    #[error("the backup target already exists; choose another path")]
    Exists,
    /// The file cannot be read, or the copy cannot be written.
    #[error("the backup failed")]
    Copy(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The maximum time that emptying the write-ahead log waits for readers and writers.
const EMPTY_LOG_TIMEOUT: Duration = Duration::from_secs(2);

impl<M: Cache> File<M> {
    /// Copies the write-ahead log to the file and truncates the log, which still contains content that was overwritten
    /// in the file. Fails with [`FileError::Busy`] if a reader or writer stays in a transaction for too long.
    pub(super) fn empty_log(&self) -> Result<(), SqliteError> {
        empty_log(self.path())
    }

    /// Runs SQLite's `integrity_check`.
    pub(super) fn check<E: From<SqliteError>>(&self) -> Result<(), E> {
        self.read(|connection| check_integrity(connection).map_err(E::from))
    }

    /// Copies everything that is durable now to a new file. Other callers can read and write meanwhile.
    pub(super) fn backup(&self, to: &Path) -> Result<(), BackupError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| BackupError::Copy(error);
        if to.symlink_metadata().is_ok() {
            return Err(BackupError::Exists);
        }
        // The target gets its name only once the copy is complete and durable.
        let partial = PartialCopy::create(to, self.path()).map_err(|error| failed(Box::new(error)))?;
        let copied = self.read(|connection| {
            let name = partial.0.to_str().ok_or(FileError::NotAFile)?;
            // SQLite treats this as a write, although not to this file.
            connection.pragma_update(None, "query_only", "OFF")?;
            connection.execute("VACUUM INTO ?1", [name])?;
            connection.pragma_update(None, "query_only", "ON")?;
            Ok::<(), SqliteError>(())
        });
        copied.map_err(|error| failed(error.into_source()))?;
        partial.rename_to(to).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists,
            _ => failed(Box::new(error)),
        })
    }
}

/// An unfinished copy under a name that no other file had. It is deleted on drop, so that no private content is left
/// behind.
struct PartialCopy(PathBuf);

impl PartialCopy {
    /// Creates an empty file with the permissions of the file that is copied.
    fn create(to: &Path, from: &Path) -> io::Result<Self> {
        // Absolute, because SQLite does not interpret every relative name as a file name.
        let to = path::absolute(to)?;
        let permissions = fs::metadata(from)?.permissions();
        for number in 0_u32.. {
            let mut name = to.clone().into_os_string();
            name.push(format!(".part{number}"));
            match StdFile::create_new(&name) {
                Ok(file) => {
                    let partial = Self(name.into());
                    file.set_permissions(permissions)?;
                    return Ok(partial);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn rename_to(self, to: &Path) -> io::Result<()> {
        StdFile::open(&self.0)?.sync_all()?;
        // Unlike a rename, a hard link never replaces a file that was created meanwhile.
        match fs::hard_link(&self.0, to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) => {}
            // On a file system without hard links, an empty file reserves the name first.
            Err(_) => {
                drop(StdFile::create_new(to)?);
                fs::rename(&self.0, to)?;
            }
        }
        drop(self);
        #[cfg(unix)]
        if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            StdFile::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for PartialCopy {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

fn check_integrity(connection: &Connection) -> Result<(), SqliteError> {
    let mut check = connection.prepare("PRAGMA integrity_check(1)")?;
    let found: String = check.query_row([], |row| row.get(0))?;
    // SQLite's finding is not part of the error, because it can quote content.
    if found == "ok" { Ok(()) } else { Err(FileError::Corrupt.into()) }
}

/// Empties the log on a connection of its own, because it waits for a shorter time than other calls.
fn empty_log(path: &Path) -> Result<(), SqliteError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let connection = Connection::open_with_flags(path, flags)?;
    let begun = Instant::now();
    loop {
        connection.busy_timeout(EMPTY_LOG_TIMEOUT.saturating_sub(begun.elapsed()))?;
        let is_blocked: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if !is_blocked {
            return Ok(());
        }
        if begun.elapsed() >= EMPTY_LOG_TIMEOUT {
            return Err(FileError::Busy.into());
        }
        // SQLite waits for readers and writers, but not for another checkpoint.
        thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn g5_emptying_the_log_waits_for_another_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        let open = || Connection::open(&path).unwrap();
        let writer = open();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); BEGIN IMMEDIATE").unwrap();
        thread::scope(|scope| {
            let other = open();
            other.busy_timeout(EMPTY_LOG_TIMEOUT / 4).unwrap();
            // Begins a checkpoint, and waits for the writer until it times out.
            let checkpoint = scope.spawn(move || {
                other.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get::<_, bool>(0)).unwrap()
            });
            thread::sleep(EMPTY_LOG_TIMEOUT / 16);
            let waits = scope.spawn(|| empty_log(&path));
            let gave_up = checkpoint.join().unwrap();
            writer.execute_batch("COMMIT").unwrap();
            assert!(gave_up, "the checkpoint did not block");
            assert!(waits.join().unwrap().is_ok());
        });
    }
}
