//! Activities and the policy in one SQLite file, governance records in their own beside it.
//!
//! Two files, so that the durable record of a reveal never waits behind bulk ingest, and so that the log can be guarded
//! and backed up apart. Both are in WAL mode with `synchronous = FULL`: what was answered outlives a power cut. Any
//! number of processes may have the same files open.
//!
//! The file is made of ordinary tables and indexes, and people can open it: the view `activity` shows the public activities
//! to `sqlite3` and other tools, and `docs/schema.md` documents every table. Public activities are stored in partitions,
//! tables that get their indexes at once when they are full; until then the store finds the newest of them in memory.
//!
//! Public and private activities are in separate families of tables. A public read touches the public tables alone, so
//! nothing that it returns and nothing that it costs can depend on how much is hidden. If damage makes a page of one family
//! appear in the other, the rows give that away, and the read fails with [`FileError::Corrupt`] or [`FileError::InvalidContent`].
//! A process that can read the file can read the private activities in it: guard it, or encrypt the disk.
//!
//! Dropping the last handle of a file empties the log beside it and removes it: the file alone then holds everything.
//!
//! What was written together is made durable together: callers that come while another one is writing share its commit,
//! and each still gets their own answer, once it is durable. When another process is writing, a call waits for up to a
//! minute, and for another one if it came while others were waiting; then it is refused with [`FileError::Busy`]. Readers
//! wait for no writer.
//!
//! Removal runs in small transactions beside ingest, and the space is used again; the file does not shrink. Deleted rows, their
//! index entries and actors without activities are overwritten with zeros; apps, actions and decisions stay. Two things
//! remain for a while: the log beside the file, until it is written anew, and copies that SQLite leaves within a page
//! when it moves a row elsewhere, until something else is written there. [`SqliteStore::backup`] makes a file without
//! either. The id of a removed activity stays taken: a hash of it under a key of the file remains.
//!
//! # Files beside a file
//!
//! While `activities.db` is open, SQLite keeps `activities.db-wal` (the log, with transactions that are not in the file
//! yet) and `activities.db-shm` (an index of the log) beside it, and likewise for `activities.governance.db`. After a
//! crash both remain; the next opening reads the log. Copying or deleting a file without its `-wal` loses transactions:
//! use [`SqliteStore::backup`], which writes to `*.partN` beside its target and renames that when it is complete. A
//! `*.partN` that a crash left behind can be deleted. All of these can contain private activities: guard them as you
//! guard the files.
//!
//! # Other SQLite crates in the same program
//!
//! A program can contain one version of `libsqlite3-sys` only. This crate accepts rusqlite 0.38 to 0.43, so that cargo
//! can choose the version that fits: it resolves beside sqlx 0.9, SeaORM 2, Diesel 2.3 and deadpool-sqlite 0.14. It
//! cannot be used beside sqlx 0.8, rusqlite 0.37 or older.
//!
//! The default feature `bundled` compiles SQLite into the program. Without it, the program links the system's library,
//! which must be 3.37.2 or later; an older one is [`FileError::SqliteTooOld`] at opening. rusqlite 0.41 and later need
//! SQLite 3.44 or later to link: for an older library (Debian 12 has 3.40), run
//! `cargo update rusqlite --precise 0.40.2`. If another crate of the program enables `bundled`, all of them use that copy. SQLite before 3.51.3, the
//! copy bundled with rusqlite 0.38 included, can in rare cases [corrupt a file in WAL
//! mode](https://sqlite.org/wal.html#walresetbug) that several connections use: prefer a later one.
//!
//! # Restoring a copy
//!
//! A file is put back from a copy while no process has it open: what a process knows of a file, its policy above all, it
//! does not expect to go back.
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
mod dimension;
mod document;
mod error;
mod family;
mod file;
mod governance;
mod group_commit;
mod id_filter;
mod ids;
mod integrity;
mod options;
mod partition;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod plan;
mod removal;
mod row;
mod schema;
mod search;
mod selection;
mod store;
mod tail;
mod text_index;
mod tidy;
mod writer;

use std::path::{Path, PathBuf};

use thiserror::Error;

pub use self::backup::BackupError;
pub use self::governance::SqliteGovernance;
pub use self::options::SqliteOptions;
pub use self::store::SqliteStore;

/// Where the governance records belong for a file of activities: `activities.db` gives `activities.governance.db`.
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

/// Why a file cannot be used. Found as the source of [`StoreError::Unreadable`](crate::store::StoreError::Unreadable) where it is
/// what stands in the file, and of [`StoreError::Backend`](crate::store::StoreError::Backend) where it is not; and of
/// [`SinkError::Backend`](crate::governance::SinkError::Backend) for governance records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FileError {
    /// A path that SQLite takes for something else than the path of a file: a database in memory, or a URI. Put `./` in
    /// front of it if a file is called so.
    #[error("the path names no file, expected one that is not empty, not `:memory:` and no `file:` URI")]
    NotAFile,
    /// Not an SQLite file, or one that something else made.
    #[error("the file was not made by this library, expected one of {expected}")]
    NotOurFormat {
        /// What it should hold.
        expected: &'static str,
    },
    /// Made by a newer version.
    #[error(
        "the file has schema version {found}, expected at most {supported}; a newer version of this library made it"
    )]
    UnsupportedVersion {
        /// The schema version of the file.
        found: i32,
        /// The newest schema version that this version can read.
        supported: i32,
    },
    /// SQLite cannot read what it wrote, or a part of the file is found where another belongs, a private activity among the
    /// public ones for example: something else wrote into the file, or the disk lost a part of it.
    #[error("the file is corrupt; restore it from a copy")]
    Corrupt,
    /// The SQLite library that the program is linked to cannot read and write these files. Both versions are numbers as
    /// SQLite gives them: 3037002 is 3.37.2.
    #[error(
        "the program is linked to SQLite {}, which is too old; link SQLite {} or later, or build with the feature \
         `bundled`",
        dotted(*.found),
        dotted(*.required)
    )]
    SqliteTooOld {
        /// The version of the library.
        found: i32,
        /// The oldest version that is supported.
        required: i32,
    },
    /// A text index is asked for, or the file has one, and the SQLite library that the program is linked to was built
    /// without FTS5.
    #[error(
        "the program is linked to an SQLite library without FTS5, which text indexes need; link one with FTS5, or build \
         with the feature `bundled`"
    )]
    NoFts5,
    /// This process may not write to it, or not to the folder in which it is.
    #[error("the file cannot be written, expected the right to write it and its folder")]
    ReadOnly,
    /// Another process has had it for longer than is waited for.
    #[error("the file is held by another process, expected that to be done within {} seconds", file::BUSY.as_secs())]
    Busy,
    /// There is no space for what is to be written. Nothing of that was written.
    #[error("the file has no space to grow")]
    Full,
    /// Something in it is not what was written. Says what it should be, never what stands there.
    #[error("the file holds something that cannot be read back, expected one {what}")]
    InvalidContent {
        /// What it should be.
        what: &'static str,
    },
}

impl FileError {
    /// Whether it is because of what stands in the file.
    fn is_of_the_content(self) -> bool {
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

/// Returns a version as people write it.
fn dotted(version: i32) -> String {
    format!("{}.{}.{}", version / 1_000_000, version / 1_000 % 1_000, version % 1_000)
}
