//! The clauses that each faulty directory violates.

use activity_privacy::conformance::directory_clauses;

use super::*;
use crate::faulty::directory::*;

violations! {
    directory_clauses:
    installs_partial_import InstallsPartialImport,
        detected by [d11_an_import_that_breaks_off_changes_nothing]
        also [d11_before_the_first_whole_import_there_is_no_snapshot]
        perhaps [];
    shows_import_in_progress ShowsImportInProgress,
        detected by [d11_readers_see_whole_imports]
        also [d11_a_vanished_group_keeps_its_last_members, d11_a_member_whose_record_is_gone_keeps_their_names]
        perhaps [];
    empty_instead_of_error EmptyInsteadOfError,
        detected by [d9_a_directory_that_was_never_loaded_says_so]
        also [d11_before_the_first_whole_import_there_is_no_snapshot]
        perhaps [];
    goes_back GoesBack,
        detected by [d1_the_revision_never_goes_back]
        also [d1_the_revision_grows_with_every_change, d1_a_revision_says_one_thing]
        perhaps [d11_readers_see_whole_imports];
    forgets_removed_groups ForgetsRemovedGroups,
        detected by [d11_a_vanished_group_keeps_its_last_members]
        also [d11_a_group_that_came_back_counts_anew, d11_a_member_whose_record_is_gone_keeps_their_names]
        perhaps [];
    remembers_for_one_import RemembersForOneImport,
        detected by [d11_a_vanished_group_keeps_its_last_members]
        also [d11_a_member_whose_record_is_gone_keeps_their_names]
        perhaps [];
    uses_one_revision UsesOneRevision,
        detected by [d1_a_revision_says_one_thing]
        also [
            d1_the_revision_grows_with_every_change,
            d1_the_revision_does_not_go_back_at_a_crash,
            d1_the_revision_never_goes_back
        ]
        perhaps [];
    uses_time_as_revision UsesTimeAsRevision,
        detected by [d1_the_revision_grows_with_every_change]
        also [d1_a_revision_says_one_thing]
        perhaps [];
    restarts_revisions RestartsRevisions,
        detected by [d1_the_revision_does_not_go_back_at_a_crash]
        also []
        perhaps [];
    adds_up AddsUp,
        detected by [d11_what_is_gone_from_an_import_is_gone]
        also [
            d1_a_revision_says_one_thing,
            d11_a_vanished_group_keeps_its_last_members,
            d11_a_group_that_came_back_counts_anew
        ]
        perhaps [];
    ignores_nesting IgnoresNesting,
        detected by [d11_a_snapshot_says_what_was_imported]
        also [
            d11_an_import_that_breaks_off_changes_nothing,
            d11_before_the_first_whole_import_there_is_no_snapshot,
            d1_a_revision_says_one_thing,
            d1_the_revision_does_not_go_back_at_a_crash,
            d11_a_vanished_group_keeps_its_last_members,
            d11_a_group_that_came_back_counts_anew,
            d11_readers_see_whole_imports
        ]
        perhaps [];
}
