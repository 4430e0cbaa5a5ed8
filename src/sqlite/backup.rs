//! Looking after a file while it is in use: whether it is sound, a copy of it, and emptying its write-ahead log.

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
use super::writer::Memory;

/// Why there is no copy of a file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Something has the name of the copy already. It is left as it is.
    #[error("the copy is there already, expected a path at which nothing is")]
    Exists,
    /// The file cannot be read, or the copy not written.
    #[error("the copy failed")]
    Copy(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// How long emptying the write-ahead log waits for readers before it gives up.
const PATIENCE: Duration = Duration::from_secs(2);

impl<M: Memory> File<M> {
    /// Moves everything from the write-ahead log into the file and truncates the log, which still contains what was
    /// overwritten in the file. Fails with [`FileError::Busy`] if a reader or writer stays in a transaction for too long.
    pub(super) fn empty_log(&self) -> Result<(), SqliteError> {
        empty_log(self.path())
    }

    /// Whether SQLite finds everything where it belongs.
    pub(super) fn check<E: From<SqliteError>>(&self) -> Result<(), E> {
        self.read(|connection| sound(connection).map_err(E::from))
    }

    /// Copies everything that is durable now to a file that is not there yet. Others go on reading and writing.
    pub(super) fn backup(&self, to: &Path) -> Result<(), BackupError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| BackupError::Copy(error);
        if to.symlink_metadata().is_ok() {
            return Err(BackupError::Exists);
        }
        // The name is taken only once the copy is whole and durable.
        let half = Half::of(to, self.path()).map_err(|error| failed(Box::new(error)))?;
        let copied = self.read(|connection| {
            let name = half.0.to_str().ok_or(FileError::NotAFile)?;
            // To SQLite this is writing, though not into this file.
            connection.pragma_update(None, "query_only", "OFF")?;
            connection.execute("VACUUM INTO ?1", [name])?;
            connection.pragma_update(None, "query_only", "ON")?;
            Ok::<(), SqliteError>(())
        });
        copied.map_err(|error| failed(error.into_source()))?;
        half.settle(to).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists,
            _ => failed(Box::new(error)),
        })
    }
}

/// A copy in the making, under a name that nothing else had. It goes away with this, so that no part of what is private
/// is left behind.
struct Half(PathBuf);

impl Half {
    /// An empty file that nobody may read who may not read the one that is copied.
    fn of(to: &Path, from: &Path) -> io::Result<Self> {
        // Absolute, because SQLite takes some names for something else than a path.
        let to = path::absolute(to)?;
        let permissions = fs::metadata(from)?.permissions();
        for number in 0_u32.. {
            let mut name = to.clone().into_os_string();
            name.push(format!(".part{number}"));
            match StdFile::create_new(&name) {
                Ok(file) => {
                    let half = Self(name.into());
                    file.set_permissions(permissions)?;
                    return Ok(half);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn settle(self, to: &Path) -> io::Result<()> {
        StdFile::open(&self.0)?.sync_all()?;
        // Unlike a renaming, a second name replaces nothing that came there meanwhile.
        match fs::hard_link(&self.0, to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) => {}
            // Not every file system has second names; then the name is taken by an empty file first.
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

impl Drop for Half {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

fn sound(connection: &Connection) -> Result<(), SqliteError> {
    let mut check = connection.prepare("PRAGMA integrity_check(1)")?;
    let found: String = check.query_row([], |row| row.get(0))?;
    // What it found is not repeated, because it can quote what it is about.
    if found == "ok" { Ok(()) } else { Err(FileError::Corrupt.into()) }
}

/// Uses a connection of its own, because it waits for a shorter time than the others do.
fn empty_log(path: &Path) -> Result<(), SqliteError> {
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
            other.busy_timeout(PATIENCE / 4).unwrap();
            // Begins a checkpoint, and waits for the writer in vain.
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
