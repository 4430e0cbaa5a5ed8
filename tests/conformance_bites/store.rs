//! What each of the wrong stores is caught by.

use activity_privacy::conformance::store_clauses;

use super::*;
use crate::faulty::store::*;

bites! {
    store_clauses:
    last_write_wins LastWriteWins,
        caught by [d4_other_content_is_conflict, d4_first_decision_is_kept]
        also [
            d4_first_in_batch_is_stored,
            d4_first_is_kept_on_every_handle,
            d4_first_is_kept_after_crash
        ]
        perhaps [];
    drops_the_fence DropsTheFence,
        caught by [d5_stale_batch_is_rejected_whole]
        also [d5_batch_without_policy_is_stale, d5_empty_batch_only_checks_revision, d5_fence_survives_crash]
        perhaps [d5_no_older_batch_is_stored_after_publish];
    fence_before_commit FenceBeforeCommit,
        caught by [d5_no_older_batch_is_stored_after_publish]
        also []
        perhaps [];
    two_winners TwoWinners,
        caught by [d5_one_concurrent_change_is_published]
        also []
        perhaps [];
    keeps_no_record KeepsNoRecord,
        caught by [g8_last_change_record_is_kept]
        also []
        perhaps [];
    keeps_a_record_too_early KeepsARecordTooEarly,
        caught by [g8_completed_removal_record_is_kept]
        also []
        perhaps [];
    counts_what_is_hidden CountsWhatIsHidden,
        caught by [v2_counts_do_not_depend_on_private_activities]
        also [
            d8_address_matches_by_idna_domain,
            d4_first_decision_is_kept,
            d4_other_content_is_conflict,
            d4_first_is_kept_on_every_handle,
            d4_first_is_kept_after_crash,
            v3_every_filter_applies_to_counts,
            v2_removal_of_private_activities_leaves_no_trace,
            v2_private_id_answers_like_unknown_id,
            v2_public_reads_return_only_public_decisions,
            v3_counts_are_in_key_order,
            v3_ids_combine_with_every_filter,
            v3_incomplete_counts_never_exceed_matches
        ]
        perhaps [];
    offsets_count_what_is_hidden OffsetsCountWhatIsHidden,
        caught by [f3_offsets_do_not_depend_on_private_activities]
        also [v2_removal_of_private_activities_leaves_no_trace]
        perhaps [];
    orders_by_insertion OrdersByInsertion,
        caught by [v3_pages_are_newest_first_then_by_id]
        also [
            d8_address_matches_by_idna_domain,
            d4_activities_survive_crash,
            v2_pages_do_not_depend_on_private_activities,
            v2_limit_counts_public_activities_only,
            v3_pages_of_every_limit_join,
            v3_page_continues_after_any_position,
            v3_every_filter_applies_to_pages,
            v3_filters_combine,
            d4_removed_ids_stay_taken,
            g5_removal_survives_crash,
            g5_erasure_removes_exactly_covered_activities,
            g5_retention_removes_exactly_older_activities,
            v2_private_id_answers_like_unknown_id,
            v3_stopped_page_can_be_resumed,
            v3_ids_combine_with_every_filter
        ]
        perhaps [];
    loses_the_tail LosesTheTail,
        caught by [d4_activities_survive_crash]
        also [d4_first_is_kept_after_crash, f2_offsets_survive_crash, g5_removal_survives_crash]
        perhaps [];
    forgets_the_policy ForgetsThePolicy,
        caught by [d5_policy_survives_crash]
        also [
            d4_first_is_kept_after_crash,
            d4_activities_survive_crash,
            f2_offsets_survive_crash,
            d5_fence_survives_crash,
            g5_removal_survives_crash,
            g8_completed_removal_record_is_kept
        ]
        perhaps [];
    stores_half_a_batch StoresHalfABatch,
        caught by [d4_batch_returns_one_outcome_per_activity]
        also [
            d4_first_in_batch_is_stored,
            d4_first_is_kept_after_crash,
            d4_concurrent_deliveries_store_id_once,
            d4_removed_ids_stay_taken,
            g5_removal_survives_crash
        ]
        perhaps [];
    stores_one_by_one StoresOneByOne,
        caught by [d5_readers_see_whole_batches]
        also []
        perhaps [
            d5_no_older_batch_is_stored_after_publish,
            f2_follower_misses_nothing
        ];
    decides_anew DecidesAnew,
        caught by [d2_policy_change_keeps_stored_decisions]
        also [
            d4_first_decision_is_kept,
            d4_first_is_kept_after_crash,
            f2_offsets_are_stable_at_every_limit,
            v3_every_filter_applies_to_pages,
            v3_filters_combine,
            v3_every_filter_applies_to_counts,
            v3_counts_are_in_key_order,
            v3_revealed_page_is_newest_first,
            v3_reveal_can_leave_out_public_activities,
            r1_revealed_page_matches_its_query,
            v3_revealed_pages_of_every_limit_join,
            d4_removed_ids_stay_taken,
            v3_stopped_page_can_be_resumed,
            v3_stopped_revealed_page_can_be_resumed,
            v3_ids_combine_with_every_filter
        ]
        perhaps [];
    ignores_the_suite IgnoresTheSuite,
        caught by [v3_every_filter_applies_to_pages]
        also [v3_filters_combine, v3_stopped_page_can_be_resumed, v3_ids_combine_with_every_filter]
        perhaps [];
    cursor_is_inclusive CursorIsInclusive,
        caught by [v3_pages_of_every_limit_join]
        also [
            v3_page_continues_after_any_position,
            v3_pages_are_stable_while_activities_arrive,
            v3_every_filter_applies_to_pages,
            g5_public_answers_forget_removed_activities,
            v2_removal_of_private_activities_leaves_no_trace,
            v3_stopped_page_can_be_resumed,
            v3_ids_combine_with_every_filter
        ]
        perhaps [];
    refuses_a_hidden_id RefusesAHiddenId,
        caught by [v2_private_id_answers_like_unknown_id]
        also [
            v3_stopped_page_can_be_resumed,
            v3_every_filter_applies_to_pages,
            v3_filters_combine,
            v3_ids_combine_with_every_filter
        ]
        perhaps [];
    shows_a_hidden_id ShowsAHiddenId,
        caught by [
            v2_private_id_answers_like_unknown_id,
            v2_public_reads_return_only_public_decisions
        ]
        also [v3_stopped_page_can_be_resumed, v3_every_filter_applies_to_pages]
        perhaps [];
    limit_before_hiding LimitBeforeHiding,
        caught by [v2_limit_counts_public_activities_only]
        also [
            v2_pages_do_not_depend_on_private_activities,
            v3_every_filter_applies_to_pages,
            v2_removal_of_private_activities_leaves_no_trace,
            v3_stopped_page_can_be_resumed,
            v3_ids_combine_with_every_filter
        ]
        perhaps [];
    cuts_times_to_seconds CutsTimesToSeconds,
        caught by [v3_pages_are_newest_first_then_by_id]
        also [
            v3_pages_of_every_limit_join,
            v3_page_continues_after_any_position,
            v3_every_filter_applies_to_pages,
            v3_filters_combine,
            v3_stopped_page_can_be_resumed,
            v3_ids_combine_with_every_filter
        ]
        perhaps [];
    ignores_case IgnoresCase,
        caught by [d4_ids_are_compared_bytewise]
        also [
            v3_pages_are_newest_first_then_by_id,
            v3_pages_of_every_limit_join,
            v3_page_continues_after_any_position,
            v3_every_limit_is_accepted,
            f2_public_after_returns_storage_order,
            f2_offsets_are_stable_at_every_limit,
            b1_foreign_offset_is_rejected_or_harmless,
            f2_every_offset_continues_after_its_activity
        ]
        perhaps [];
    keeps_the_last_word KeepsTheLastWord,
        caught by [d11_updates_of_several_nodes_are_merged]
        also [d11_concurrent_updates_lose_no_member, d11_version_stays_without_change]
        perhaps [];
    counts_for_a_version CountsForAVersion,
        caught by [d11_version_grows_with_each_change]
        also []
        perhaps [];
    drops_what_vanished_later DropsWhatVanishedLater,
        caught by [d11_drop_spares_later_removal]
        also [d11_version_stays_without_change]
        perhaps [];
    ignores_private_only IgnoresPrivateOnly,
        caught by [v3_reveal_can_leave_out_public_activities]
        also [r1_revealed_page_matches_its_query, v3_revealed_pages_of_every_limit_join]
        perhaps [];
    offsets_before_commit OffsetsBeforeCommit,
        caught by [f2_follower_misses_nothing]
        also []
        perhaps [d5_no_older_batch_is_stored_after_publish];
    looks_before_it_stores LooksBeforeItStores,
        caught by [d4_concurrent_deliveries_store_id_once]
        also [d4_removed_ids_stay_taken, g5_removal_survives_crash]
        perhaps [];
    publishes_anything PublishesAnything,
        caught by [d5_stale_change_is_rejected, d5_policy_is_initialized_once]
        also [d5_fence_survives_crash, g8_last_change_record_is_kept]
        perhaps [d5_no_older_batch_is_stored_after_publish, d5_one_concurrent_change_is_published];
    answers_from_a_cache AnswersFromACache,
        caught by [d5_no_handle_reads_older_policy]
        also []
        perhaps [
            d5_readers_see_whole_batches,
            d4_concurrent_deliveries_store_id_once,
            d5_no_older_batch_is_stored_after_publish,
            d5_one_concurrent_change_is_published,
            f2_follower_misses_nothing,
            g5_concurrent_removals_remove_each_activity_once
        ];
    forgets_the_options ForgetsTheOptions,
        caught by [d5_policy_is_read_as_published]
        also []
        perhaps [];
    says_what_it_refuses SaysWhatItRefuses,
        caught by [b2_errors_contain_no_content]
        also [
            d5_batch_without_policy_is_stale,
            d5_stale_batch_is_rejected_whole,
            d5_empty_batch_only_checks_revision,
            d5_fence_survives_crash
        ]
        perhaps [d5_no_older_batch_is_stored_after_publish];
    stores_thirty_two StoresThirtyTwo,
        caught by [d5_batch_is_stored_whole]
        also [
            v3_every_filter_applies_to_pages,
            v3_filters_combine,
            v3_every_filter_applies_to_counts,
            v3_counts_are_in_key_order,
            v3_revealed_page_is_newest_first,
            v3_reveal_can_leave_out_public_activities,
            r1_revealed_page_matches_its_query,
            v3_revealed_pages_of_every_limit_join,
            v3_stopped_page_can_be_resumed,
            v3_stopped_revealed_page_can_be_resumed,
            v3_ids_combine_with_every_filter
        ]
        perhaps [];
    forgets_that_it_is_back ForgetsThatItIsBack,
        caught by [d11_updates_of_several_nodes_are_merged]
        also [d11_removed_groups_survive_crash, d11_version_grows_with_each_change]
        perhaps [];
    forgets_names ForgetsNames,
        caught by [d11_removed_groups_are_read_as_stored]
        also [
            d11_updates_of_several_nodes_are_merged,
            d11_drop_spares_later_removal,
            d11_removed_groups_survive_crash
        ]
        perhaps [];
    forgets_who_vanished ForgetsWhoVanished,
        caught by [d11_removed_groups_survive_crash]
        also []
        perhaps [];
    pages_by_offset PagesByOffset,
        caught by [v3_pages_are_stable_while_activities_arrive]
        also [v3_page_continues_after_any_position, v3_every_filter_applies_to_pages, v3_ids_combine_with_every_filter]
        perhaps [];
    gives_one_at_least GivesOneAtLeast,
        caught by [v3_every_limit_is_accepted]
        also [v2_limit_counts_public_activities_only]
        perhaps [];
    offsets_by_time OffsetsByTime,
        caught by [f2_public_after_returns_storage_order, f2_offsets_are_stable_at_every_limit]
        also [f2_offsets_survive_crash, f2_remaining_offsets_do_not_change]
        perhaps [
            d5_no_older_batch_is_stored_after_publish,
            f2_follower_misses_nothing
        ];
    counts_by_label CountsByLabel,
        caught by [v3_counts_are_in_key_order]
        also [d8_address_matches_by_idna_domain, v3_incomplete_counts_never_exceed_matches]
        perhaps [];
    reveals_what_is_hidden_alone RevealsWhatIsHiddenAlone,
        caught by [v3_revealed_page_is_newest_first]
        also [
            d8_address_matches_by_idna_domain,
            d5_batch_is_stored_whole,
            d4_batch_returns_one_outcome_per_activity,
            d4_first_decision_is_kept,
            d2_policy_change_keeps_stored_decisions,
            d4_other_content_is_conflict,
            d4_first_in_batch_is_stored,
            d4_first_is_kept_on_every_handle,
            d4_first_is_kept_after_crash,
            d4_activities_survive_crash,
            v3_every_limit_is_accepted,
            r1_revealed_page_matches_its_query,
            v3_revealed_pages_of_every_limit_join,
            d5_readers_see_whole_batches,
            d4_concurrent_deliveries_store_id_once,
            d4_removed_ids_stay_taken,
            g5_removal_survives_crash,
            g5_erasure_removes_exactly_covered_activities,
            g5_concurrent_removals_remove_each_activity_once,
            g5_removal_step_respects_limit_and_counts,
            g5_retention_removes_exactly_older_activities,
            v3_stopped_revealed_page_can_be_resumed
        ]
        perhaps [];
    folds_the_domain FoldsTheDomain,
        caught by [d8_address_matches_by_idna_domain]
        also []
        perhaps [];
    ignores_the_query_of_a_reveal IgnoresTheQueryOfAReveal,
        caught by [r1_revealed_page_matches_its_query]
        also [v3_stopped_revealed_page_can_be_resumed]
        perhaps [];
    removes_what_was_done_to_them RemovesWhatWasDoneToThem,
        caught by [g5_erasure_removes_exactly_covered_activities]
        also [
            d4_removed_ids_stay_taken,
            g5_removal_survives_crash,
            g5_removal_step_respects_limit_and_counts
        ]
        perhaps [];
    stops_at_the_first_that_stays StopsAtTheFirstThatStays,
        caught by [g5_retention_removes_exactly_older_activities]
        also [v2_removal_of_private_activities_leaves_no_trace]
        perhaps [];
    ignores_the_limit IgnoresTheLimit,
        caught by [g5_removal_step_respects_limit_and_counts]
        also []
        perhaps [];
    forgets_the_ids ForgetsTheIds,
        caught by [d4_removed_ids_stay_taken]
        also [g5_removal_survives_crash]
        perhaps [];
    says_conflict SaysConflict,
        caught by [d4_removed_ids_stay_taken]
        also [g5_removal_survives_crash]
        perhaps [];
    moves_offsets_up MovesOffsetsUp,
        caught by [f2_remaining_offsets_do_not_change]
        also []
        perhaps [];
    gives_offsets_again GivesOffsetsAgain,
        caught by [f2_remaining_offsets_do_not_change]
        also []
        perhaps [];
    goes_on_counting GoesOnCounting,
        caught by [g5_public_answers_forget_removed_activities]
        also [g5_concurrent_removals_remove_each_activity_once]
        perhaps [];
    goes_on_finding GoesOnFinding,
        caught by [g5_public_answers_forget_removed_activities]
        also []
        perhaps [];
    removes_one_by_one RemovesOneByOne,
        caught by [g5_readers_see_whole_removal_steps]
        also []
        perhaps [];
    comes_back_after_a_crash ComesBackAfterACrash,
        caught by [g5_removal_survives_crash]
        also []
        perhaps [];
    forgets_the_ids_in_a_crash ForgetsTheIdsInACrash,
        caught by [g5_removal_survives_crash]
        also []
        perhaps [];
    looks_and_then_removes LooksAndThenRemoves,
        caught by [g5_concurrent_removals_remove_each_activity_once]
        also []
        perhaps [];
    leaves_an_offset_for_what_was_hidden LeavesAnOffsetForWhatWasHidden,
        caught by [v2_removal_of_private_activities_leaves_no_trace]
        also []
        perhaps [];
    spares_what_is_hidden SparesWhatIsHidden,
        caught by [v2_removal_of_private_activities_leaves_no_trace]
        also [
            d4_removed_ids_stay_taken,
            g5_removal_survives_crash,
            g5_erasure_removes_exactly_covered_activities,
            g5_concurrent_removals_remove_each_activity_once,
            g5_removal_step_respects_limit_and_counts,
            g5_retention_removes_exactly_older_activities,
            g8_completed_removal_record_is_kept
        ]
        perhaps [];
    ignores_the_rest_with_ids IgnoresTheRestWithIds,
        caught by [v3_ids_combine_with_every_filter]
        also [v3_filters_combine]
        perhaps [];
    looks_up_one_id LooksUpOneId,
        caught by [v3_every_filter_applies_to_counts]
        also [v3_counts_are_in_key_order, v3_ids_combine_with_every_filter]
        perhaps [];
    one_offset_for_all OneOffsetForAll,
        caught by [f2_every_offset_continues_after_its_activity]
        also [
            f2_follower_misses_nothing,
            f2_remaining_offsets_do_not_change,
            f2_offsets_survive_crash,
            f2_offsets_are_stable_at_every_limit
        ]
        perhaps [];
    fails_at_a_foreign_offset FailsAtAForeignOffset,
        caught by [b1_foreign_offset_is_rejected_or_harmless]
        also []
        perhaps [];
    reads_a_foreign_offset ReadsAForeignOffset,
        caught by [b1_foreign_offset_is_rejected_or_harmless]
        also []
        perhaps [];
    numbers_each_update NumbersEachUpdate,
        caught by [d11_version_stays_without_change]
        also []
        perhaps [];
    reads_what_is_known ReadsWhatIsKnown,
        caught by [d11_known_version_returns_none]
        also []
        perhaps [];
    trusts_a_later_version TrustsALaterVersion,
        caught by [d11_known_version_returns_none]
        also []
        perhaps [];
    stops_in_silence StopsInSilence,
        caught by [v3_stopped_page_can_be_resumed]
        also [v3_every_filter_applies_to_pages, v3_filters_combine, v3_ids_combine_with_every_filter]
        perhaps [];
    stops_where_it_began StopsWhereItBegan,
        caught by [v3_stopped_page_can_be_resumed]
        also [
            g5_public_answers_forget_removed_activities,
            v2_removal_of_private_activities_leaves_no_trace,
            v3_every_filter_applies_to_pages,
            v3_filters_combine,
            v3_ids_combine_with_every_filter
        ]
        perhaps [];
    skips_where_it_stops SkipsWhereItStops,
        caught by [v3_stopped_page_can_be_resumed]
        also [v3_every_filter_applies_to_pages, v3_filters_combine, v3_ids_combine_with_every_filter]
        perhaps [];
    stops_a_reveal_in_silence StopsARevealInSilence,
        caught by [v3_stopped_revealed_page_can_be_resumed]
        also [r1_revealed_page_matches_its_query]
        perhaps [];
    guesses_the_rest GuessesTheRest,
        caught by [v3_incomplete_counts_never_exceed_matches]
        also []
        perhaps [];
    adds_up_wrong AddsUpWrong,
        caught by [v3_counts_add_up_to_total]
        also []
        perhaps [];
}

/// A store that stops before the end, and says so, does nothing wrong.
#[test]
fn stops_as_it_may() {
    Bite { caught_by: &[], also: &[], perhaps: &[] }.check(&store_clauses::<Place<StopsAsItMay>>());
}
