//! The clauses of the [`GroupDirectory`] contract.

mod atomicity;
mod carry_over;
mod import;
mod revision;

use std::error::Error;

use chrono::{DateTime, Utc};

use super::clause::Clause;
use crate::directory::{GroupDirectory, User};
use crate::identity::{GroupId, UserId};

/// A harness for a directory adapter: how to create one, import into it, and simulate a crash.
pub trait DirectoryHarness: Sized {
    /// The adapter.
    type Directory: GroupDirectory;

    /// Returns a new, independent directory without any import.
    fn fresh() -> Self;

    /// Opens a handle to the directory. The kit calls it also while other handles are open, and after a crash.
    fn open(&self) -> Self::Directory;

    /// Imports everything from the source, in the format that the adapter reads and under a revision that the adapter
    /// chooses. After the return, the import is in force on every handle.
    ///
    /// # Errors
    /// Returns the adapter's error. Every clause treats it as a failure.
    fn import(&self, source: &Source) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Starts the same import and interrupts it as a lost connection or a truncated file would: after the groups and
    /// some of the members.
    fn import_cut_off(&self, source: &Source);

    /// Begins an import: reads the source whole, and puts nothing in force yet. The returned function finishes the
    /// import. The kit finishes another import before it calls that function, as two processes do that import at the
    /// same time. Whether the late import is then put in force or is rejected with an error is up to the adapter.
    fn begin_import<'a>(&'a self, source: &Source) -> FinishImport<'a>;

    /// Simulates a crash at this moment, while handles are open. Afterwards the directory is what the crash leaves
    /// behind. See [`StoreHarness::crash`](super::StoreHarness::crash). A directory that must be imported again may
    /// report that it was never loaded.
    fn crash(&mut self);
}

/// Finishes an import, or returns the error with which the adapter rejects it.
pub type FinishImport<'a> = Box<dyn FnOnce() -> Result<(), Box<dyn Error + Send + Sync>> + 'a>;

/// The content of a directory's source at one time.
#[derive(Debug, Clone)]
pub struct Source {
    /// The as-of time.
    pub as_of: DateTime<Utc>,
    /// Users with their aliases, home domains and status. Some group members have no record here.
    pub users: Vec<User>,
    /// Groups with their display names.
    pub groups: Vec<(GroupId, String)>,
    /// Direct memberships.
    pub members: Vec<(GroupId, UserId)>,
    /// Nested groups, the outer one first: members of the second are members of the first.
    pub nested: Vec<(GroupId, GroupId)>,
}

/// The clauses of the directory contract, by chapter. Tests and [`directory_clauses`] are generated from this list.
#[doc(hidden)]
#[macro_export]
macro_rules! __group_directory_contract {
    ([$($callback:tt)+] $($context:tt)*) => { $($callback)+! { $($context)*;
        import {
            d9_unloaded_directory_returns_never_loaded:
                "before the first import `snapshot` returns `NeverLoaded`, never an empty snapshot";
            d11_snapshot_equals_import:
                "a snapshot contains every user, alias, group and membership of the import, and its as-of time";
            d11_full_import_replaces_previous:
                "a full import replaces the previous one and is never mixed with it";
        }
        atomicity {
            d11_interrupted_import_changes_nothing:
                "an interrupted import changes neither content nor revision";
            d11_interrupted_first_import_leaves_no_snapshot:
                "after an interrupted first import the directory counts as never loaded";
            d11_readers_see_whole_imports:
                "each snapshot read during imports is that of exactly one import";
        }
        revision {
            d1_revision_grows_with_every_change:
                "the revision grows whenever the content or the as-of time changes";
            d1_one_revision_has_one_content:
                "two snapshots of one revision have equal content, on every handle";
            d1_revision_never_decreases:
                "during imports no handle returns an older revision than before";
            d1_overtaken_import_keeps_order:
                "an import that another one overtakes is in force with a later revision, or not at all";
            d1_revision_does_not_decrease_after_crash:
                "after a crash the directory has the last snapshot or none, and the next import has a later revision";
        }
        carry_over {
            d11_removed_group_keeps_last_members:
                "a removed group keeps its last members across imports";
            d11_restored_group_has_imported_members:
                "a restored group has the members of the import, and its earlier members no longer count";
            d11_member_without_record_keeps_aliases:
                "a member whose record was removed still resolves by its earlier aliases";
        }
    } };
}

/// Returns every clause of the [`GroupDirectory`] contract for the adapter of `H`.
#[must_use]
pub fn directory_clauses<H: DirectoryHarness>() -> Vec<Clause> {
    crate::__group_directory_contract!([super::clauses_of] H)
}
