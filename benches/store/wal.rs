//! Counts the bytes and commits of a write-ahead log, by reading the log while it is written.
//!
//! Once a checkpoint has copied the log to the database, the next transaction overwrites the log from its start, with a
//! new salt. Therefore the log is read every millisecond; unread frames of the previous round follow the overwritten
//! ones. A single caller has 1.00 calls per commit, which shows that no commit was missed. Only the log is opened:
//! closing the database or its `-shm` a second time in this process would release SQLite's locks.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Sub;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// The amount written since the log was first read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Written {
    pub(crate) bytes: u64,
    /// Frames that end a transaction. Each of them is one `fsync` of the log.
    pub(crate) commits: u64,
    /// The number of times that the log restarted after a complete checkpoint.
    pub(crate) restarts: u64,
}

pub(crate) struct Wal {
    log: Arc<Mutex<Log>>,
    ended: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

struct Log {
    path: PathBuf,
    file: Option<File>,
    salt: Option<[u8; 8]>,
    /// The number of frames of this round that were read.
    frames: u64,
    written: Written,
}

impl Wal {
    /// Follows the log of an open database.
    pub(crate) fn of(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        let log = Log { path: path.into(), file: None, salt: None, frames: 0, written: Written::default() };
        let (log, ended) = (Arc::new(Mutex::new(log)), Arc::new(AtomicBool::new(false)));
        let (followed, stop) = (Arc::clone(&log), Arc::clone(&ended));
        let reader = thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                followed.lock().unwrap().read();
                thread::sleep(Duration::from_millis(1));
            }
        });
        Self { log, ended, reader: Some(reader) }
    }

    pub(crate) fn written(&self) -> Written {
        let mut log = self.log.lock().unwrap();
        log.read();
        log.written
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.reader.take().map(JoinHandle::join);
    }
}

impl Log {
    fn read(&mut self) {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Some(header) = self.at::<{ HEADER as usize }>(0) else { return };
        let (page, salt) = (u64::from(number(&header, 8)), header[16..24].try_into().unwrap());
        if let Some(before) = self.salt.filter(|before| *before != salt) {
            // The unread end of the previous round still follows the overwritten frames.
            self.count(page, before);
            (self.frames, self.written.restarts) = (0, self.written.restarts + 1);
        }
        self.salt = Some(salt);
        self.count(page, salt);
    }

    /// Counts the unread frames of a round.
    fn count(&mut self, page: u64, salt: [u8; 8]) {
        let size = FRAME_HEADER + page;
        while let Some(frame) = self.at::<{ FRAME_HEADER as usize }>(HEADER + self.frames * size) {
            if frame[8..16] != salt {
                break;
            }
            self.frames += 1;
            self.written.bytes += size;
            // The size of the database after the transaction; 0 in all but the last frame of one.
            self.written.commits += u64::from(number(&frame, 4) > 0);
        }
    }

    fn at<const N: usize>(&mut self, offset: u64) -> Option<[u8; N]> {
        let file = self.file.as_mut()?;
        file.seek(SeekFrom::Start(offset)).ok()?;
        let mut bytes = [0; N];
        file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

impl Sub for Written {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            bytes: self.bytes - before.bytes,
            commits: self.commits - before.commits,
            restarts: self.restarts - before.restarts,
        }
    }
}
