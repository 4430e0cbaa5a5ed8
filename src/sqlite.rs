//! SQLite adapters: one file for activities and the policy, another for governance records.
//!
//! Requires the feature `sqlite`.
//!
//! Governance records have a file of their own. The durable record of a reveal therefore never waits for bulk ingest,
//! and the governance log can be protected and backed up separately. Both files are in WAL mode with
//! `synchronous = FULL`: a confirmed write survives a power failure. Any number of processes may open the same files.
//!
//! The files consist of ordinary tables and indexes. The view `activity` shows the public activities to `sqlite3` and
//! other tools, and `docs/schema.md` documents every table. Public activities are stored in partitions: tables whose
//! indexes are built in one pass when the partition is full. Until then the store searches the newest activities in
//! memory.
//!
//! Public and private activities are in separate families of tables. A public read accesses public tables only, so
//! neither its result nor its cost depends on the number of private activities. If damage makes a page of one family
//! appear in the other, the read detects it and fails with [`FileError::Corrupt`] or [`FileError::InvalidContent`]. A
//! process that can read the file can read the private activities in it: restrict access to the file, or encrypt the
//! disk.
//!
//! When the last handle of a file is dropped, SQLite copies the write-ahead log to the file and deletes the log.
//!
//! Writes use group commit. Callers that arrive while another caller writes share its commit, and each gets its own
//! result once the commit is durable. While another process writes, a call waits for up to a minute, or up to twice as
//! long if it arrived while other callers were already waiting. It then fails with [`FileError::Busy`]. Readers wait
//! for no writer.
//!
//! Removal runs in small transactions alongside ingest. SQLite reuses the freed space; the file does not shrink.
//! Deleted rows, their index entries and actors without activities are overwritten with zeros; apps, actions and
//! decisions stay. Removed content can remain for a while in two places: in the write-ahead log until it restarts, and
//! in copies that SQLite leaves in the free space of a page when it moves a row, until that space is written again. A
//! file made by [`SqliteStore::backup`] contains neither. The id of a removed activity stays taken: the file keeps a
//! keyed hash of it.
//!
//! # Sidecar files
//!
//! While `activities.db` is open, SQLite keeps `activities.db-wal` (the write-ahead log, with transactions that are not
//! in the file yet) and `activities.db-shm` (an index of the log) beside it, and likewise for
//! `activities.governance.db`. After a crash both remain, and the next open recovers the log. Copying or deleting a
//! file without its `-wal` loses transactions. Use [`SqliteStore::backup`] instead: it writes to `*.partN` beside its
//! target and renames that file once it is complete. A `*.partN` that remains after a crash can be deleted. All of
//! these files can contain private activities: protect them like the database files.
//!
//! # Other SQLite crates in the same program
//!
//! A program can contain only one version of `libsqlite3-sys`. This crate accepts rusqlite 0.38 to 0.43, so that cargo
//! can select a common version: it resolves together with sqlx 0.9, SeaORM 2, Diesel 2.3 and deadpool-sqlite 0.14. It
//! cannot be combined with sqlx 0.8, or with rusqlite 0.37 or older.
//!
//! The default feature `bundled` compiles SQLite into the program. Without it, the program links the system's library,
//! which must be 3.37.2 or later; with an older one, opening a file fails with [`FileError::SqliteTooOld`]. rusqlite
//! 0.41 and later need SQLite 3.44 or later to link: for an older library (Debian 12 has 3.40), run `cargo update
//! rusqlite --precise 0.40.2`. If another crate of the program enables `bundled`, all crates use that copy. SQLite
//! before 3.51.3, including the copy bundled with rusqlite 0.38, can in rare cases [corrupt a file in WAL
//! mode](https://sqlite.org/wal.html#walresetbug) that several connections use: prefer a later version.
//!
//! # Restoring a backup
//!
//! Restore a backup only while no process has the file open. A running process caches the policy and other content, and
//! does not expect them to revert.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = std::env::temp_dir().join(format!("activity-privacy-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir)?;
//! # let path = dir.join("activities.db");
//! use activity_privacy::memory::MemoryDirectory;
//! use activity_privacy::sqlite::{SqliteGovernance, SqliteStore, governance_path};
//! use activity_privacy::filter::PrivacyFilter;
//! use activity_privacy::identity::UserId;
//! use activity_privacy::policy::Administrators;
//!
//! let store = SqliteStore::open(&path)?;
//! let sink = SqliteGovernance::open(governance_path(&path))?;
//! let administrators = Administrators::new(UserId::new("admin-1")?, UserId::new("admin-2")?)?;
//! let filter = PrivacyFilter::builder(store, MemoryDirectory::new(), sink).open_or_initialize(administrators)?;
//! # drop(filter);
//! # std::fs::remove_dir_all(&dir)?;
//! # Ok(())
//! # }
//! ```

mod append;
mod backup;
mod count;
mod deferred;
mod dimension;
mod document;
mod error;
mod family;
mod file;
mod forwarders;
mod governance;
mod group_commit;
mod id_filter;
mod ids;
mod integrity;
mod options;
mod order;
mod partition;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod query_plan;
mod removal;
mod row;
mod schema;
mod search;
mod selection;
mod store;
mod tail;
mod text_index;
mod writer;

use std::path::{Path, PathBuf};

use thiserror::Error;

pub use self::backup::BackupError;
pub use self::governance::SqliteGovernance;
pub use self::options::SqliteOptions;
pub use self::store::SqliteStore;

/// Returns the path of the governance records for a file of activities: `activities.governance.db` for `activities.db`.
#[must_use]
pub fn governance_path(activities: impl AsRef<Path>) -> PathBuf {
    let activities = activities.as_ref();
    let mut name = activities.file_stem().unwrap_or_default().to_owned();
    name.push(".governance");
    if let Some(extension) = activities.extension() {
        name.push(".");
        name.push(extension);
    }
    activities.with_file_name(name)
}

/// The reason why a file cannot be used.
///
/// It is the source of [`StoreError::Unreadable`](crate::store::StoreError::Unreadable) if the content of the file is
/// the reason, and otherwise of [`StoreError::Backend`](crate::store::StoreError::Backend). For governance records it
/// is the source of [`SinkError::Backend`](crate::governance::SinkError::Backend).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FileError {
    /// SQLite would not interpret the path as a file name, but as an in-memory database or a URI. Prefix the path with
    /// `./` if the file really has that name.
    #[error("the path does not name a file; pass a path that is not empty, not `:memory:` and not a `file:` URI")]
    NotAFile,
    /// The file is not an SQLite database, or another program created it.
    #[error("the file is not a database of {expected} that this library created; check the path")]
    NotOurFormat {
        /// The content that was expected.
        expected: &'static str,
    },
    /// A newer version of this library created the file.
    #[error(
        "the file has schema version {found}, this library supports up to {supported}; use a newer version of the \
         library"
    )]
    UnsupportedVersion {
        /// The schema version of the file.
        found: i32,
        /// The newest schema version that this version can read.
        supported: i32,
    },
    /// SQLite cannot read the file, or a part of the file is in the wrong place, such as a private activity among the
    /// public ones. Another program wrote to the file, or the disk lost a part of it.
    #[error("the file is corrupt; restore it from a backup")]
    Corrupt,
    /// The linked SQLite library is too old to read and write these files. Both versions are numbers in SQLite's
    /// format: 3037002 is 3.37.2.
    #[error(
        "the linked SQLite {} is too old; link SQLite {} or later, or build with the feature `bundled`",
        format_version(*.found),
        format_version(*.required)
    )]
    SqliteTooOld {
        /// The version of the linked library.
        found: i32,
        /// The oldest supported version.
        required: i32,
    },
    /// A text index is requested, or the file contains one, and the linked SQLite library was built without FTS5.
    #[error(
        "the linked SQLite library lacks FTS5, which text indexes need; link one with FTS5, or build with the feature \
         `bundled`"
    )]
    NoFts5,
    /// This process has no permission to write to the file or its folder.
    #[error("permission to write the file or its folder denied; grant this process write access to both")]
    ReadOnly,
    /// Another process, or a reader, used the file for longer than the call waits.
    #[error("timed out waiting for another process or a reader to release the file; try again later")]
    Busy,
    /// There is no space left for the write. Nothing was written.
    #[error("no space left to write to the file; free space on its volume")]
    Full,
    /// A value in the file is not as it was written. The error contains its kind, never its content.
    #[error("the file contains an invalid {what}; restore it from a backup")]
    InvalidContent {
        /// The kind of the value.
        what: &'static str,
    },
}

impl FileError {
    /// Returns whether the content of the file is the reason.
    fn is_content_error(self) -> bool {
        match self {
            Self::NotAFile
            | Self::NotOurFormat { .. }
            | Self::UnsupportedVersion { .. }
            | Self::Corrupt
            | Self::InvalidContent { .. } => true,
            Self::SqliteTooOld { .. } | Self::NoFts5 | Self::ReadOnly | Self::Busy | Self::Full => false,
        }
    }
}

/// Formats a version number of SQLite as `major.minor.patch`.
fn format_version(version: i32) -> String {
    format!("{}.{}.{}", version / 1_000_000, version / 1_000 % 1_000, version % 1_000)
}
