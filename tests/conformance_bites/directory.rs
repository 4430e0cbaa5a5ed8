//! What each of the wrong directories is caught by.

use activity_privacy::conformance::directory_clauses;

use super::*;
use crate::faulty::directory::*;

bites! {
    directory_clauses:
    keeps_what_came_through KeepsWhatCameThrough,
        caught by [d11_interrupted_import_changes_nothing]
        also [d11_interrupted_first_import_leaves_no_snapshot]
        perhaps [];
    shows_an_import_going_on ShowsAnImportGoingOn,
        caught by [d11_readers_see_whole_imports]
        also [d11_removed_group_keeps_last_members, d11_member_without_record_keeps_names]
        perhaps [];
    empty_instead_of_an_error EmptyInsteadOfAnError,
        caught by [d9_unloaded_directory_returns_never_loaded]
        also [d11_interrupted_first_import_leaves_no_snapshot]
        perhaps [];
    goes_back GoesBack,
        caught by [d1_revision_never_decreases]
        also [d1_revision_grows_with_every_change, d1_one_revision_has_one_content]
        perhaps [d11_readers_see_whole_imports];
    forgets_who_vanished ForgetsWhoVanished,
        caught by [d11_removed_group_keeps_last_members]
        also [d11_restored_group_has_imported_members, d11_member_without_record_keeps_names]
        perhaps [];
    remembers_for_one_import RemembersForOneImport,
        caught by [d11_removed_group_keeps_last_members]
        also [d11_member_without_record_keeps_names]
        perhaps [];
    one_revision_for_all OneRevisionForAll,
        caught by [d1_one_revision_has_one_content]
        also [
            d1_revision_grows_with_every_change,
            d1_revision_does_not_decrease_after_crash,
            d1_revision_never_decreases
        ]
        perhaps [];
    revision_is_the_as_of_time RevisionIsTheAsOfTime,
        caught by [d1_revision_grows_with_every_change]
        also [d1_one_revision_has_one_content]
        perhaps [];
    counts_from_one_again CountsFromOneAgain,
        caught by [d1_revision_does_not_decrease_after_crash]
        also []
        perhaps [];
    adds_up AddsUp,
        caught by [d11_full_import_replaces_previous]
        also [
            d1_one_revision_has_one_content,
            d11_removed_group_keeps_last_members,
            d11_restored_group_has_imported_members
        ]
        perhaps [];
    ignores_nesting IgnoresNesting,
        caught by [d11_snapshot_equals_import]
        also [
            d11_interrupted_import_changes_nothing,
            d11_interrupted_first_import_leaves_no_snapshot,
            d1_one_revision_has_one_content,
            d1_revision_does_not_decrease_after_crash,
            d11_removed_group_keeps_last_members,
            d11_restored_group_has_imported_members,
            d11_readers_see_whole_imports
        ]
        perhaps [];
}
