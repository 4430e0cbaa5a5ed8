//! Errors of files, shared by both adapters.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};

use super::FileError;
use crate::governance::SinkError;
use crate::store::StoreError;

/// An error of an SQLite file before an adapter converts it to the error of its port.
#[derive(Debug)]
pub(super) enum SqliteError {
    File(FileError),
    Other(Box<dyn Error + Send + Sync>),
}

impl SqliteError {
    pub(super) fn into_source(self) -> Box<dyn Error + Send + Sync> {
        match self {
            Self::File(error) => Box::new(error),
            Self::Other(error) => error,
        }
    }
}

/// Returns the [`FileError`] for an error of SQLite, or `None` if there is none.
fn file_error(error: &rusqlite::Error) -> Option<FileError> {
    // Every table is STRICT, so a value of another type than its column's was not inserted by SQLite.
    if let rusqlite::Error::InvalidColumnType(..)
    | rusqlite::Error::FromSqlConversionFailure(..)
    | rusqlite::Error::IntegralValueOutOfRange(..)
    | rusqlite::Error::Utf8Error(..) = error
    {
        return Some(FileError::Corrupt);
    }
    let sqlite = error.sqlite_error()?;
    if sqlite.extended_code == ffi::SQLITE_IOERR_SHMSIZE {
        // SQLite reports a full disk only by this code when the index of the log cannot grow.
        return Some(FileError::Full);
    }
    match sqlite.code {
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Some(FileError::Corrupt),
        ErrorCode::ReadOnly => Some(FileError::ReadOnly),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Some(FileError::Busy),
        ErrorCode::DiskFull => Some(FileError::Full),
        _ => None,
    }
}

impl SqliteError {
    /// Replaces SQLite's error for a file that it cannot open by a more specific [`FileError`], if creating a file in
    /// the same folder reveals the reason.
    pub(super) fn at(self, path: &Path) -> Self {
        let cannot_open = |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::CannotOpen);
        match &self {
            Self::Other(error) if error.downcast_ref().is_some_and(cannot_open) => match create_beside(path) {
                Err(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => FileError::ReadOnly.into(),
                Err(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => FileError::Full.into(),
                _ => self,
            },
            _ => self,
        }
    }
}

/// Creates and deletes a file in the same folder. The database itself is not opened: closing it would release the locks
/// that SQLite has on it in this process.
fn create_beside(path: &Path) -> Result<(), ErrorKind> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!("-probe-{}", std::process::id()));
    File::create_new(&beside).map_err(|error| error.kind())?;
    fs::remove_file(&beside).map_err(|error| error.kind())
}

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        file_error(&error).map_or_else(|| Self::Other(Box::new(error)), Self::File)
    }
}

/// For a commit that several callers shared.
impl From<Arc<rusqlite::Error>> for SqliteError {
    fn from(error: Arc<rusqlite::Error>) -> Self {
        file_error(&error).map_or_else(|| Self::Other(Box::new(error)), Self::File)
    }
}

impl From<FileError> for SqliteError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<io::Error> for SqliteError {
    fn from(error: io::Error) -> Self {
        Self::Other(Box::new(error))
    }
}

impl From<SqliteError> for StoreError {
    fn from(error: SqliteError) -> Self {
        match error {
            SqliteError::File(error) if error.is_content_error() => Self::Unreadable(Box::new(error)),
            error => Self::Backend(error.into_source()),
        }
    }
}

impl From<SqliteError> for SinkError {
    fn from(error: SqliteError) -> Self {
        Self::Backend(error.into_source())
    }
}

/// Converts errors of SQLite calls within an adapter.
macro_rules! convert_via_sqlite_error {
    ($($from:ty => $($into:ty),+;)+) => {$($(
        impl From<$from> for $into {
            fn from(error: $from) -> Self {
                SqliteError::from(error).into()
            }
        }
    )+)+};
}

convert_via_sqlite_error! {
    rusqlite::Error => StoreError, SinkError;
    Arc<rusqlite::Error> => StoreError, SinkError;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b1_sqlite_error_codes_map_to_file_errors() {
        for (code, expected) in [
            (ffi::SQLITE_CORRUPT, Some(FileError::Corrupt)),
            (ffi::SQLITE_NOTADB, Some(FileError::Corrupt)),
            (ffi::SQLITE_READONLY, Some(FileError::ReadOnly)),
            (ffi::SQLITE_BUSY, Some(FileError::Busy)),
            (ffi::SQLITE_LOCKED, Some(FileError::Busy)),
            (ffi::SQLITE_FULL, Some(FileError::Full)),
            (ffi::SQLITE_IOERR_SHMSIZE, Some(FileError::Full)),
            (ffi::SQLITE_READONLY_DIRECTORY, Some(FileError::ReadOnly)),
            (ffi::SQLITE_READONLY_CANTINIT, Some(FileError::ReadOnly)),
            (ffi::SQLITE_CORRUPT_INDEX, Some(FileError::Corrupt)),
            (ffi::SQLITE_IOERR, None),
            (ffi::SQLITE_IOERR_SHMMAP, None),
            (ffi::SQLITE_IOERR_WRITE, None),
        ] {
            let error = || rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let shared = Arc::new(error());
            for error in [SqliteError::from(error()), SqliteError::from(Arc::clone(&shared)), SqliteError::from(shared)]
            {
                let found = match &error {
                    SqliteError::File(error) => Some(*error),
                    SqliteError::Other(_) => None,
                };
                assert_eq!(found, expected, "{code}");
                let unreadable = expected.is_some_and(FileError::is_content_error);
                let error = StoreError::from(error);
                assert_eq!(matches!(error, StoreError::Unreadable(_)), unreadable, "{error:?}");
                assert_eq!(error.source().unwrap().downcast_ref(), expected.as_ref(), "{error:?}");
            }
        }
    }
}
