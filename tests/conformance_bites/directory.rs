//! What each of the wrong directories is caught by.

use activity_privacy::conformance::directory_clauses;

use super::*;
use crate::faulty::directory::*;

bites! {
    directory_clauses:
    keeps_what_came_through KeepsWhatCameThrough,
        caught by [d11_an_import_that_breaks_off_changes_nothing]
        also [d11_before_the_first_whole_import_there_is_no_snapshot]
        perhaps [];
    shows_an_import_going_on ShowsAnImportGoingOn,
        caught by [d11_readers_see_whole_imports]
        also [d11_a_vanished_group_keeps_its_last_members, d11_a_member_whose_record_is_gone_keeps_their_names]
        perhaps [];
    empty_instead_of_an_error EmptyInsteadOfAnError,
        caught by [d9_a_directory_that_was_never_loaded_says_so]
        also [d11_before_the_first_whole_import_there_is_no_snapshot]
        perhaps [];
    goes_back GoesBack,
        caught by [d1_the_revision_never_goes_back]
        also [d1_the_revision_grows_with_every_change, d1_a_revision_says_one_thing]
        perhaps [d11_readers_see_whole_imports];
    forgets_who_vanished ForgetsWhoVanished,
        caught by [d11_a_vanished_group_keeps_its_last_members]
        also [d11_a_group_that_came_back_counts_anew, d11_a_member_whose_record_is_gone_keeps_their_names]
        perhaps [];
    remembers_for_one_import RemembersForOneImport,
        caught by [d11_a_vanished_group_keeps_its_last_members]
        also [d11_a_member_whose_record_is_gone_keeps_their_names]
        perhaps [];
    one_revision_for_all OneRevisionForAll,
        caught by [d1_a_revision_says_one_thing]
        also [
            d1_the_revision_grows_with_every_change,
            d1_the_revision_does_not_go_back_at_a_crash,
            d1_the_revision_never_goes_back
        ]
        perhaps [];
    revision_is_the_as_of_time RevisionIsTheAsOfTime,
        caught by [d1_the_revision_grows_with_every_change]
        also [d1_a_revision_says_one_thing]
        perhaps [];
    counts_from_one_again CountsFromOneAgain,
        caught by [d1_the_revision_does_not_go_back_at_a_crash]
        also []
        perhaps [];
    adds_up AddsUp,
        caught by [d11_what_is_gone_from_an_import_is_gone]
        also [
            d1_a_revision_says_one_thing,
            d11_a_vanished_group_keeps_its_last_members,
            d11_a_group_that_came_back_counts_anew
        ]
        perhaps [];
    ignores_nesting IgnoresNesting,
        caught by [d11_a_snapshot_says_what_was_imported]
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
