//! Looking after a file while it is in use: whether it is sound, and a copy of it.

use std::fs::{self, File as StdFile};
use std::io;
use std::path::{self, Path, PathBuf};

use rusqlite::Connection;
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

impl<M: Memory> File<M> {
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
