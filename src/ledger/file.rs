//! Hashes in a file.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::hash::TreeHash;
use super::hashes::{HashStore, HashStoreError, WriteLock};
use crate::sync::{Mutex, MutexGuard};

/// A [`HashStore`] in a flat file of 32 bytes per hash, with the newest checkpoint and the write lock in files beside
/// it: `log.hashes`, `log.hashes.checkpoint`, `log.hashes.lock`. Any number of processes may open it.
///
/// Opening takes constant time. A partial hash at the end of the file, left by a crash, is ignored.
#[derive(Debug)]
pub struct FileHashes {
    path: PathBuf,
    file: Mutex<File>,
}

impl FileHashes {
    /// Opens a file, or creates it if it does not exist. A relative path is resolved against the current directory.
    ///
    /// # Errors
    /// Returns [`HashStoreError::Backend`] with an [`io::Error`] as its source if the file cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, HashStoreError> {
        let path = std::path::absolute(path)?;
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        Ok(Self { path, file: Mutex::new(file) })
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sibling(&self, ending: impl AsRef<OsStr>) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(ending);
        path.into()
    }

    /// A new file name is durable once its directory is synced.
    fn sync_directory(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(directory) if cfg!(unix) => File::open(directory)?.sync_all(),
            _ => Ok(()),
        }
    }
}

fn whole_hashes(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.len() / LEN)
}

const LEN: u64 = TreeHash::LEN as u64;

impl HashStore for FileHashes {
    fn size(&self) -> Result<u64, HashStoreError> {
        Ok(whole_hashes(&self.file())?)
    }

    fn read(&self, positions: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
        let mut file = self.file();
        let len = whole_hashes(&file)?;
        let mut next = None;
        let mut hashes = Vec::with_capacity(positions.len());
        for position in positions {
            if *position >= len {
                return Err(HashStoreError::Missing { position: *position, len });
            }
            // Adjacent hashes are read without a seek.
            if next != Some(*position) {
                file.seek(SeekFrom::Start(position * LEN))?;
            }
            let mut hash = [0; TreeHash::LEN];
            file.read_exact(&mut hash)?;
            hashes.push(TreeHash(hash));
            next = Some(position + 1);
        }
        Ok(hashes)
    }

    fn write(&self, position: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
        let mut file = self.file();
        let len = whole_hashes(&file)?;
        if position > len {
            return Err(HashStoreError::Gap { position, len });
        }
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
        file.seek(SeekFrom::Start(position * LEN))?;
        Ok(file.write_all(&bytes)?)
    }

    fn sync(&self) -> Result<(), HashStoreError> {
        self.file().sync_data()?;
        Ok(self.sync_directory()?)
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError> {
        match fs::read(self.sibling(".checkpoint")) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError> {
        // Written to a temporary file first. The caller holds the write lock, so no other process writes to it.
        let new = self.sibling(".checkpoint.new");
        let mut file = File::create(&new)?;
        file.write_all(checkpoint)?;
        file.sync_all()?;
        drop(file);
        fs::rename(new, self.sibling(".checkpoint"))?;
        Ok(self.sync_directory()?)
    }

    fn lock(&self) -> Result<WriteLock<'_>, HashStoreError> {
        // Each lock uses its own file handle, so it also excludes other threads of this process.
        let lock = File::options().write(true).create(true).truncate(false).open(self.sibling(".lock"))?;
        lock.lock()?;
        Ok(WriteLock::new(lock))
    }
}

impl From<io::Error> for HashStoreError {
    fn from(error: io::Error) -> Self {
        Self::Backend(Box::new(error))
    }
}
