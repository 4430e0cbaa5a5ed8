//! Options for a file of activities.

use std::path::Path;

use super::store::SqliteStore;
use crate::store::StoreError;

/// Options for opening a [`SqliteStore`].
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
    /// Sets the number of public activities that fill a partition, from 8 to 1,048,576. A number out of range becomes
    /// the nearest one in range. Default: 131,072.
    ///
    /// The indexes of a partition are built when it is full; until then its activities are searched in memory. With
    /// smaller partitions, ingest has shorter pauses and fewer activities are in memory. With larger ones, a search
    /// reads fewer partitions. The number can differ each time that a file is opened.
    pub fn with_partition_rows(self, rows: u32) -> Self {
        Self { partition_rows: i64::from(rows.clamp(8, 1 << 20)), ..self }
    }

    /// Adds a text index to each partition that becomes full from now on, for
    /// [`Query::containing`](crate::query::Query::containing) with a text of three characters or more. Default: no text
    /// index. Earlier partitions are searched without one, and existing text indexes stay when the file is opened
    /// without this option.
    ///
    /// Measured on 270,000 public activities of 400 bytes in the default partitions: the index takes 61 bytes and 10 to
    /// 15 µs per activity, so saturated ingest stores about two thirds as many activities per second. A page for a text
    /// that no activity contains takes 40 ms, most of that for the newest activities, which have no index yet; without
    /// the index it takes 14 pages and 2 s. A frequent text is found equally fast either way. Removing single
    /// activities rebuilds the text index of each partition that contained them: 1 to 3 s per partition, in steps
    /// alongside ingest.
    ///
    /// It needs an SQLite library with FTS5, which the feature `bundled` compiles in. Without FTS5, opening a file
    /// fails with [`FileError::NoFts5`](super::FileError::NoFts5).
    pub fn with_text_index(self) -> Self {
        Self { text_index: true, ..self }
    }

    pub(super) fn has_text_index(&self) -> bool {
        self.text_index
    }

    pub(super) fn partition_rows(&self) -> i64 {
        self.partition_rows
    }

    /// Opens a file with these options, or creates it.
    ///
    /// # Errors
    /// Returns the errors of [`SqliteStore::open`].
    pub fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_with(path.as_ref(), self)
    }
}
