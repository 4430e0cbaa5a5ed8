//! Looking after a file while it is in use: whether it is sound, and a copy of it.

use std::fs::{self, File as StdFile};
use std::io;
use std::path::Path;

use rusqlite::Connection;
use thiserror::Error;

use super::FileError;
use super::failure::Failure;
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

impl<M: Memory> File<M> {
    /// Whether SQLite finds everything where it belongs.
    pub(super) fn check<E: From<Failure>>(&self) -> Result<(), E> {
        self.read(|connection| sound(connection).map_err(E::from))
    }

    /// Copies everything that is durable now to a file that is not there yet. Others go on reading and writing.
    pub(super) fn back_up(&self, to: &Path) -> Result<(), BackupError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| BackupError::Copy(error);
        // The name is taken only once the copy is whole and durable.
        let mut half = to.as_os_str().to_owned();
        half.push(".part");
        let half = Path::new(&half);
        if to.symlink_metadata().is_ok() {
            return Err(BackupError::Exists);
        }
        // What an earlier attempt left behind.
        match fs::remove_file(half) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(Box::new(error))),
            _ => {}
        }
        let copied = self.read(|connection| {
            let name = half.to_str().ok_or(FileError::NotAFile)?;
            // To SQLite this is writing, though not into this file.
            connection.pragma_update(None, "query_only", "OFF")?;
            connection.execute("VACUUM INTO ?1", [name])?;
            connection.pragma_update(None, "query_only", "ON")?;
            Ok::<(), Failure>(())
        });
        copied.map_err(|error| failed(error.into_source()))?;
        settle(half, to).map_err(|error| failed(Box::new(error)))
    }
}

fn settle(half: &Path, to: &Path) -> io::Result<()> {
    StdFile::open(half)?.sync_all()?;
    // Unlike a renaming, a second name replaces nothing that came there meanwhile.
    fs::hard_link(half, to)?;
    fs::remove_file(half)?;
    #[cfg(unix)]
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        StdFile::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn sound(connection: &Connection) -> Result<(), Failure> {
    let mut check = connection.prepare("PRAGMA integrity_check(1)")?;
    let found: String = check.query_row([], |row| row.get(0))?;
    // What it found is not repeated, because it can quote what it is about.
    if found == "ok" { Ok(()) } else { Err(FileError::Corrupt.into()) }
}
