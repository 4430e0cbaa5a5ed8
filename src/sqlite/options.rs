//! How a file of activities is written.

use std::path::Path;

use super::store::SqliteStore;
use crate::store::StoreError;

/// How a [`SqliteStore`] is opened.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("activity-privacy-options-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("activities.db");
/// use activity_privacy::sqlite::SqliteOptions;
///
/// let store = SqliteOptions::default().with_partition_rows(32_768).open(&path)?;
/// # drop(store);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct SqliteOptions {
    partition_rows: i64,
    text_index: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { partition_rows: 1 << 17, text_index: false }
    }
}

impl SqliteOptions {
    /// Sets how many public activities fill a partition of the file: from 8 to 1,048,576; what is out of range becomes the
    /// nearest that is in it. Default: 131,072.
    ///
    /// A full partition gets its indexes at once, and the newest activities are searched in memory until then. With smaller
    /// partitions ingest pauses for less time at once, and memory holds fewer activities; with larger ones a search asks
    /// fewer partitions. A file can be opened with another number each time.
    pub fn with_partition_rows(self, rows: u32) -> Self {
        Self { partition_rows: i64::from(rows.clamp(8, 1 << 20)), ..self }
    }

    /// Adds a text index to each partition that becomes full from now on, for [`Query::containing`](crate::query::Query::containing)
    /// with a text of three characters or more. Default: none. Partitions that were full before are read as without it, and
    /// an index that was made stays when the file is opened without this option.
    ///
    /// Measured on 270,000 public activities of 400 bytes in the default partitions: the index takes 61 bytes and 10 to 15 µs
    /// an activity, so ingest that keeps up stores about two thirds as many a second. A page for a text that no activity
    /// contains takes 40 ms, most of that for the newest activities, which have no index yet; without the index it takes
    /// 14 pages and 2 s. A frequent text is found equally fast either way. A removal of single activities builds the index
    /// of each partition that they were in again: 1 to 3 s a partition, in steps beside ingest.
    ///
    /// It needs an SQLite library with FTS5, as the feature `bundled` compiles it; without FTS5, opening fails with
    /// [`FileError::NoFts5`](super::FileError::NoFts5).
    pub fn with_text_index(self) -> Self {
        Self { text_index: true, ..self }
    }

    pub(super) fn has_text_index(&self) -> bool {
        self.text_index
    }

    pub(super) fn partition_rows(&self) -> i64 {
        self.partition_rows
    }

    /// Opens a file with these options, and makes it if it is not there.
    ///
    /// # Errors
    /// Returns what [`SqliteStore::open`] returns.
    pub fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_with(path.as_ref(), self)
    }
}
