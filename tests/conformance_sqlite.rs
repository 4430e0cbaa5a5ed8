//! The SQLite adapters fulfil the contracts of their ports.
#![cfg(all(feature = "conformance", feature = "sqlite"))]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::PathBuf;

use activity_privacy::conformance::{OffsetsHarness, SinkHarness, StoreHarness};
use activity_privacy::sqlite::{SqliteGovernance, SqliteOptions, SqliteStore};
use activity_privacy::{activity_store_conformance, forwarder_offsets_conformance, governance_sink_conformance};
use tempfile::TempDir;

/// A folder that contains one database.
struct Folder(TempDir);

impl Folder {
    /// Creates a folder, in memory if the system supports it, because no test cuts the power.
    fn new() -> Self {
        Self(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
    }

    fn database(&self) -> PathBuf {
        self.0.path().join("some.db")
    }

    /// Copies the database and its write-ahead log while other handles have them open. The index of the log is in
    /// memory that the processes share, which a crash loses.
    fn after_a_crash(&self) -> Self {
        let copy = Self::new();
        for file in ["some.db", "some.db-wal"] {
            let from = self.0.path().join(file);
            if from.exists() {
                fs::copy(from, copy.0.path().join(file)).unwrap();
            }
        }
        copy
    }
}

struct Activities {
    folder: Folder,
    /// Kept because handles to these files are still open.
    crashed: Vec<Folder>,
}

impl StoreHarness for Activities {
    type Store = SqliteStore;

    fn fresh() -> Self {
        Self { folder: Folder::new(), crashed: Vec::new() }
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(self.folder.database()).unwrap()
    }

    fn crash(&mut self) {
        let left = self.folder.after_a_crash();
        self.crashed.push(std::mem::replace(&mut self.folder, left));
    }
}

impl OffsetsHarness for Activities {
    type Offsets = SqliteStore;

    fn fresh() -> Self {
        <Self as StoreHarness>::fresh()
    }

    fn open(&self) -> SqliteStore {
        StoreHarness::open(self)
    }

    fn crash(&mut self) {
        StoreHarness::crash(self);
    }
}

struct Records {
    folder: Folder,
    /// Kept because handles to these files are still open.
    crashed: Vec<Folder>,
}

impl SinkHarness for Records {
    type Sink = SqliteGovernance;

    fn fresh() -> Self {
        Self { folder: Folder::new(), crashed: Vec::new() }
    }

    fn open(&self) -> SqliteGovernance {
        SqliteGovernance::open(self.folder.database()).unwrap()
    }

    fn crash(&mut self) {
        let left = self.folder.after_a_crash();
        self.crashed.push(std::mem::replace(&mut self.folder, left));
    }
}

/// Files whose partitions are so small that every clause fills some.
struct SmallPartitions(Activities);

impl StoreHarness for SmallPartitions {
    type Store = SqliteStore;

    fn fresh() -> Self {
        Self(<Activities as StoreHarness>::fresh())
    }

    fn open(&self) -> SqliteStore {
        SqliteOptions::default().with_partition_rows(8).open(self.0.folder.database()).unwrap()
    }

    fn crash(&mut self) {
        StoreHarness::crash(&mut self.0);
    }
}

activity_store_conformance!(Activities);
forwarder_offsets_conformance!(Activities);
governance_sink_conformance!(Records);

mod small_partitions {
    use super::*;

    activity_store_conformance!(SmallPartitions);
}
