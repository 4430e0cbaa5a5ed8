//! Hashes in a file.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::hash::TreeHash;
use super::hashes::{HashStore, HashStoreError, WriteLock};
use crate::sync::{Mutex, MutexGuard};

/// Hashes in one flat file, 32 bytes each; the newest checkpoint in a file beside it, and a third one whose lock is the
/// hold: `log.hashes`, `log.hashes.checkpoint`, `log.hashes.lock`. Any number of processes may have them open.
///
/// Opening takes as long for a long log as for a short one. Half a hash at the end is what a crash has left, and does
/// not count.
#[derive(Debug)]
pub struct FileHashes {
    path: PathBuf,
    file: Mutex<File>,
}

impl FileHashes {
    /// Opens a file, and makes it if it is not there. A relative path is taken from where the process is now.
    ///
    /// # Errors
    /// [`HashStoreError::Backend`] with an [`io::Error`] as its source when it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, HashStoreError> {
        let path = std::path::absolute(path)?;
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        Ok(Self { path, file: Mutex::new(file) })
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beside(&self, ending: impl AsRef<OsStr>) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(ending);
        path.into()
    }

    /// A name is durable once its folder is.
    fn sync_folder(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
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

    fn read(&self, places: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
        let mut file = self.file();
        let len = whole_hashes(&file)?;
        let mut next = None;
        let mut hashes = Vec::with_capacity(places.len());
        for place in places {
            if *place >= len {
                return Err(HashStoreError::Missing { place: *place, len });
            }
            // Those side by side are read without a seek in between.
            if next != Some(*place) {
                file.seek(SeekFrom::Start(place * LEN))?;
            }
            let mut hash = [0; TreeHash::LEN];
            file.read_exact(&mut hash)?;
            hashes.push(TreeHash(hash));
            next = Some(place + 1);
        }
        Ok(hashes)
    }

    fn write(&self, place: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
        let mut file = self.file();
        let len = whole_hashes(&file)?;
        if place > len {
            return Err(HashStoreError::Gap { place, len });
        }
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
        file.seek(SeekFrom::Start(place * LEN))?;
        Ok(file.write_all(&bytes)?)
    }

    fn sync(&self) -> Result<(), HashStoreError> {
        self.file().sync_data()?;
        Ok(self.sync_folder()?)
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError> {
        match fs::read(self.beside(".checkpoint")) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError> {
        // Written whole under another name first. Whoever does this has the hold, so nobody else writes to that.
        let new = self.beside(".checkpoint.new");
        let mut file = File::create(&new)?;
        file.write_all(checkpoint)?;
        file.sync_all()?;
        drop(file);
        fs::rename(new, self.beside(".checkpoint"))?;
        Ok(self.sync_folder()?)
    }

    fn lock(&self) -> Result<WriteLock<'_>, HashStoreError> {
        // A handle of its own each time: what is locked through one is locked for all others, in this process too.
        let lock = File::options().write(true).create(true).truncate(false).open(self.beside(".lock"))?;
        lock.lock()?;
        Ok(WriteLock::new(lock))
    }
}

impl From<io::Error> for HashStoreError {
    fn from(error: io::Error) -> Self {
        Self::Backend(Box::new(error))
    }
}
