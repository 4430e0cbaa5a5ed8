//! The contract of [`GroupDirectory`], clause by clause.

mod carry_over;
mod import;
mod revision;
mod whole;

use std::error::Error;

use chrono::{DateTime, Utc};

use super::clause::Clause;
use crate::directory::{GroupDirectory, User};
use crate::identity::{GroupId, UserId};

/// What an embedder tells the kit about a directory: where a fresh one is, how to import into it, and what a crash
/// leaves.
pub trait DirectoryHarness: Sized {
    /// The adapter.
    type Directory: GroupDirectory;

    /// A place of its own into which nothing was imported yet.
    fn fresh() -> Self;

    /// A handle on the directory in this place. Called again while others are open, and after a crash.
    fn open(&self) -> Self::Directory;

    /// One full import of what the source says, in whatever form the adapter reads it, under a revision that the
    /// adapter chooses. It is in force for every handle once this returns.
    ///
    /// # Errors
    /// Whatever the adapter says. No clause lets it fail.
    fn import(&self, source: &Source) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// The same import, breaking off half-way as it would when the connection is lost or the file ends early: after the
    /// groups and a part of the members, before it is complete.
    fn import_cut_off(&self, source: &Source);

    /// From now on this place is what a crash at this moment leaves behind, while handles are open. See
    /// [`StoreHarness::crash`](super::StoreHarness::crash). A directory that must be imported anew afterwards may say
    /// that it was never loaded.
    fn crash(&mut self);
}

/// What the source of a directory says at one time.
#[derive(Debug, Clone)]
pub struct Source {
    /// As of when.
    pub as_of: DateTime<Utc>,
    /// Users with their names, homes and status. Not everybody who is in a group has a record here.
    pub users: Vec<User>,
    /// Groups with their display names.
    pub groups: Vec<(GroupId, String)>,
    /// Who is in which group.
    pub members: Vec<(GroupId, UserId)>,
    /// Groups with other groups in them: whoever is in the second is in the first.
    pub nested: Vec<(GroupId, GroupId)>,
}

/// Every clause that a directory is held to, chapter by chapter. Tests and [`directory_clauses`] are made from this one
/// list.
#[doc(hidden)]
#[macro_export]
macro_rules! __group_directory_contract {
    ([$($callback:tt)+] $($context:tt)*) => { $($callback)+! { $($context)*;
        import {
            d9_a_directory_that_was_never_loaded_says_so:
                "before the first import the answer is `NeverLoaded`, never an empty snapshot";
            d11_a_snapshot_says_what_was_imported:
                "a snapshot holds every user, alias, group and membership of the import, and its as-of time";
            d11_what_is_gone_from_an_import_is_gone:
                "a full import replaces the one before: it is not mixed with it";
        }
        whole {
            d11_an_import_that_breaks_off_changes_nothing:
                "an import that did not succeed to the end changes neither content nor revision";
            d11_before_the_first_whole_import_there_is_no_snapshot:
                "a first import that broke off leaves a directory that was never loaded";
            d11_readers_see_whole_imports:
                "each snapshot, while imports go on, is of one import from its beginning to its end";
        }
        revision {
            d1_the_revision_grows_with_every_change:
                "the revision grows whenever the content or the as-of time changes";
            d1_a_revision_says_one_thing:
                "two snapshots of one revision say the same, on every handle";
            d1_the_revision_never_goes_back:
                "no handle answers with an older revision than before, while imports go on";
            d1_the_revision_does_not_go_back_at_a_crash:
                "after a crash there is the snapshot of before or none, and the next import has a later revision";
        }
        carry_over {
            d11_a_vanished_group_keeps_its_last_members:
                "a group that is gone keeps its last members, from one import to the next";
            d11_a_group_that_came_back_counts_anew:
                "a group that came back has the members of the import, and those of before are forgotten";
            d11_a_member_whose_record_is_gone_keeps_their_names:
                "a member of whom the import has no record stays known by the aliases of before";
        }
    } };
}

/// Every clause of the contract of [`GroupDirectory`], to try out on the adapter behind `H`.
#[must_use]
pub fn directory_clauses<H: DirectoryHarness>() -> Vec<Clause> {
    crate::__group_directory_contract!([super::clauses_of] H)
}
