//! The clauses that each faulty directory violates.

use activity_privacy::conformance::directory_clauses;

use super::*;
use crate::faulty::directory::*;

violations! {
    directory_clauses:
    installs_partial_import InstallsPartialImport,
        detected by [d11_interrupted_import_changes_nothing]
        also [d11_interrupted_first_import_leaves_no_snapshot]
        perhaps [];
    shows_import_in_progress ShowsImportInProgress,
        detected by [d11_readers_see_whole_imports]
        also [d11_removed_group_keeps_last_members, d11_member_without_record_keeps_aliases]
        perhaps [];
    empty_instead_of_error EmptyInsteadOfError,
        detected by [d9_unloaded_directory_returns_never_loaded]
        also [d11_interrupted_first_import_leaves_no_snapshot]
        perhaps [];
    goes_back GoesBack,
        detected by [d1_revision_never_decreases]
        also [d1_revision_grows_with_every_change, d1_one_revision_has_one_content]
        perhaps [d11_readers_see_whole_imports, d1_overtaken_import_keeps_order];
    numbers_at_the_beginning NumbersAtTheBeginning,
        detected by [d1_overtaken_import_keeps_order]
        also []
        perhaps [];
    forgets_removed_groups ForgetsRemovedGroups,
        detected by [d11_removed_group_keeps_last_members]
        also [d11_restored_group_has_imported_members, d11_member_without_record_keeps_aliases]
        perhaps [];
    remembers_for_one_import RemembersForOneImport,
        detected by [d11_removed_group_keeps_last_members]
        also [d11_member_without_record_keeps_aliases]
        perhaps [];
    uses_one_revision UsesOneRevision,
        detected by [d1_one_revision_has_one_content]
        also [
            d1_revision_grows_with_every_change,
            d1_overtaken_import_keeps_order,
            d1_revision_does_not_decrease_after_crash,
            d1_revision_never_decreases
        ]
        perhaps [];
    uses_time_as_revision UsesTimeAsRevision,
        detected by [d1_revision_grows_with_every_change]
        also [d1_one_revision_has_one_content, d1_overtaken_import_keeps_order]
        perhaps [];
    restarts_revisions RestartsRevisions,
        detected by [d1_revision_does_not_decrease_after_crash]
        also []
        perhaps [];
    adds_up AddsUp,
        detected by [d11_full_import_replaces_previous]
        also [
            d1_one_revision_has_one_content,
            d11_removed_group_keeps_last_members,
            d11_restored_group_has_imported_members
        ]
        perhaps [];
    ignores_nesting IgnoresNesting,
        detected by [d11_snapshot_equals_import]
        also [
            d11_interrupted_import_changes_nothing,
            d11_interrupted_first_import_leaves_no_snapshot,
            d1_one_revision_has_one_content,
            d1_overtaken_import_keeps_order,
            d1_revision_does_not_decrease_after_crash,
            d11_removed_group_keeps_last_members,
            d11_restored_group_has_imported_members,
            d11_readers_see_whole_imports
        ]
        perhaps [];
}
