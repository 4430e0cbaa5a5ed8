//! The clauses that each faulty store violates.

use activity_privacy::conformance::store_clauses;

use super::*;
use crate::faulty::store::*;

violations! {
    store_clauses:
    last_write_wins LastWriteWins,
        detected by [d4_the_first_content_wins, d4_the_first_verdict_wins]
        also [
            d4_within_a_batch_the_first_wins,
            d4_on_every_handle_the_first_wins,
            d4_after_a_crash_the_first_wins
        ]
        perhaps [];
    ignores_fence IgnoresFence,
        detected by [d5_a_stale_batch_is_refused_whole]
        also [d5_without_a_policy_nothing_is_stored, d5_an_empty_batch_only_asks, the_fence_outlives_a_crash]
        perhaps [d5_nothing_older_is_stored_once_a_publish_returned];
    fence_before_commit FenceBeforeCommit,
        detected by [d5_nothing_older_is_stored_once_a_publish_returned]
        also []
        perhaps [];
    two_winners TwoWinners,
        detected by [d5_one_of_racing_changes_wins]
        also []
        perhaps [];
    keeps_no_record KeepsNoRecord,
        detected by [g8_the_record_of_the_last_change_is_kept]
        also []
        perhaps [];
    keeps_record_too_early KeepsRecordTooEarly,
        detected by [g8_the_record_of_a_removal_is_kept_once_it_is_complete]
        also []
        perhaps [];
    counts_hidden CountsHidden,
        detected by [v2_counts_tell_nothing_of_what_is_hidden]
        also [
            d8_an_address_is_found_by_its_domain,
            d4_the_first_verdict_wins,
            d4_the_first_content_wins,
            d4_on_every_handle_the_first_wins,
            d4_after_a_crash_the_first_wins,
            v3_every_filter_narrows_counts,
            v2_removing_what_is_hidden_leaves_no_trace,
            v2_a_hidden_id_and_an_unknown_one_are_answered_alike,
            v2_public_reads_return_what_was_decided_public,
            v3_counts_are_by_key_in_rising_order,
            v3_ids_narrow_with_all_else,
            v3_incomplete_counts_never_exceed_the_truth
        ]
        perhaps [];
    offsets_count_hidden OffsetsCountHidden,
        detected by [f3_offsets_tell_nothing_of_what_is_hidden]
        also [v2_removing_what_is_hidden_leaves_no_trace]
        perhaps [];
    orders_by_insertion OrdersByInsertion,
        detected by [v3_pages_are_newest_first_and_then_by_id]
        also [
            d8_an_address_is_found_by_its_domain,
            activities_outlive_a_crash,
            v2_pages_tell_nothing_of_what_is_hidden,
            v2_a_limit_cuts_what_is_shown,
            v3_pages_join_at_every_limit,
            v3_a_page_goes_on_after_any_position,
            v3_every_filter_narrows_pages,
            v3_filters_narrow_together,
            d4_ids_of_what_was_removed_stay_taken,
            g5_a_removal_outlives_a_crash,
            g5_of_a_person_what_is_covered_goes_and_nothing_else,
            g5_what_is_too_old_goes_and_nothing_else,
            v2_a_hidden_id_and_an_unknown_one_are_answered_alike,
            v3_a_page_that_stops_can_be_resumed,
            v3_ids_narrow_with_all_else
        ]
        perhaps [];
    loses_tail LosesTail,
        detected by [activities_outlive_a_crash]
        also [d4_after_a_crash_the_first_wins, f2_offsets_outlive_a_crash, g5_a_removal_outlives_a_crash]
        perhaps [];
    forgets_policy ForgetsPolicy,
        detected by [the_policy_outlives_a_crash]
        also [
            d4_after_a_crash_the_first_wins,
            activities_outlive_a_crash,
            f2_offsets_outlive_a_crash,
            the_fence_outlives_a_crash,
            g5_a_removal_outlives_a_crash,
            g8_the_record_of_a_removal_is_kept_once_it_is_complete
        ]
        perhaps [];
    stores_part_of_batch StoresPartOfBatch,
        detected by [a_batch_is_answered_for_one_by_one]
        also [
            d4_within_a_batch_the_first_wins,
            d4_after_a_crash_the_first_wins,
            d4_racing_deliveries_store_an_id_once,
            d4_ids_of_what_was_removed_stay_taken,
            g5_a_removal_outlives_a_crash
        ]
        perhaps [];
    stores_one_by_one StoresOneByOne,
        detected by [a_batch_is_seen_whole]
        also []
        perhaps [
            d5_nothing_older_is_stored_once_a_publish_returned,
            f2_a_follower_misses_nothing
        ];
    decides_again DecidesAgain,
        detected by [d4_a_change_of_the_policy_moves_no_verdict]
        also [
            d4_the_first_verdict_wins,
            d4_after_a_crash_the_first_wins,
            f2_offsets_stay_and_go_on_at_every_limit,
            v3_every_filter_narrows_pages,
            v3_filters_narrow_together,
            v3_every_filter_narrows_counts,
            v3_counts_are_by_key_in_rising_order,
            v3_a_reveal_sees_all_newest_first,
            v3_a_reveal_can_leave_out_what_is_public,
            r1_a_reveal_sees_what_its_query_finds,
            v3_pages_of_a_reveal_join_at_every_limit,
            d4_ids_of_what_was_removed_stay_taken,
            v3_a_page_that_stops_can_be_resumed,
            v3_a_revealed_page_that_stops_can_be_resumed,
            v3_ids_narrow_with_all_else
        ]
        perhaps [];
    ignores_suite IgnoresSuite,
        detected by [v3_every_filter_narrows_pages]
        also [v3_filters_narrow_together, v3_a_page_that_stops_can_be_resumed, v3_ids_narrow_with_all_else]
        perhaps [];
    cursor_is_inclusive CursorIsInclusive,
        detected by [v3_pages_join_at_every_limit]
        also [
            v3_a_page_goes_on_after_any_position,
            v3_pages_are_stable_while_activities_arrive,
            v3_every_filter_narrows_pages,
            g5_public_answers_are_as_if_it_had_never_been_stored,
            v2_removing_what_is_hidden_leaves_no_trace,
            v3_a_page_that_stops_can_be_resumed,
            v3_ids_narrow_with_all_else
        ]
        perhaps [];
    rejects_hidden_id RejectsHiddenId,
        detected by [v2_a_hidden_id_and_an_unknown_one_are_answered_alike]
        also [
            v3_a_page_that_stops_can_be_resumed,
            v3_every_filter_narrows_pages,
            v3_filters_narrow_together,
            v3_ids_narrow_with_all_else
        ]
        perhaps [];
    shows_hidden_id ShowsHiddenId,
        detected by [
            v2_a_hidden_id_and_an_unknown_one_are_answered_alike,
            v2_public_reads_return_what_was_decided_public
        ]
        also [v3_a_page_that_stops_can_be_resumed, v3_every_filter_narrows_pages]
        perhaps [];
    limit_before_hiding LimitBeforeHiding,
        detected by [v2_a_limit_cuts_what_is_shown]
        also [
            v2_pages_tell_nothing_of_what_is_hidden,
            v3_every_filter_narrows_pages,
            v2_removing_what_is_hidden_leaves_no_trace,
            v3_a_page_that_stops_can_be_resumed,
            v3_ids_narrow_with_all_else
        ]
        perhaps [];
    cuts_times_to_seconds CutsTimesToSeconds,
        detected by [v3_pages_are_newest_first_and_then_by_id]
        also [
            v3_pages_join_at_every_limit,
            v3_a_page_goes_on_after_any_position,
            v3_every_filter_narrows_pages,
            v3_filters_narrow_together,
            v3_a_page_that_stops_can_be_resumed,
            v3_ids_narrow_with_all_else
        ]
        perhaps [];
    ignores_case IgnoresCase,
        detected by [d4_ids_are_compared_byte_for_byte]
        also [
            v3_pages_are_newest_first_and_then_by_id,
            v3_pages_join_at_every_limit,
            v3_a_page_goes_on_after_any_position,
            v3_no_limit_is_too_small_or_too_large,
            f2_public_after_goes_by_the_order_of_storing,
            f2_offsets_stay_and_go_on_at_every_limit,
            b1_an_offset_of_no_store_is_refused_or_harmless,
            f2_following_from_any_offset_gives_what_comes_after
        ]
        perhaps [];
    keeps_last_update KeepsLastUpdate,
        detected by [d11_what_nodes_keep_of_a_group_adds_up]
        also [d11_racing_nodes_lose_no_member, d11_the_version_stays_without_a_change]
        perhaps [];
    counts_as_version CountsAsVersion,
        detected by [d11_the_version_of_what_is_kept_changes_with_it]
        also []
        perhaps [];
    drops_later_removed_group DropsLaterRemovedGroup,
        detected by [d11_a_drop_spares_what_vanished_later]
        also [d11_the_version_stays_without_a_change]
        perhaps [];
    ignores_private_only IgnoresPrivateOnly,
        detected by [v3_a_reveal_can_leave_out_what_is_public]
        also [r1_a_reveal_sees_what_its_query_finds, v3_pages_of_a_reveal_join_at_every_limit]
        perhaps [];
    offsets_before_commit OffsetsBeforeCommit,
        detected by [f2_a_follower_misses_nothing]
        also []
        perhaps [d5_nothing_older_is_stored_once_a_publish_returned];
    checks_before_storing ChecksBeforeStoring,
        detected by [d4_racing_deliveries_store_an_id_once]
        also [d4_ids_of_what_was_removed_stay_taken, g5_a_removal_outlives_a_crash]
        perhaps [];
    publishes_any_policy PublishesAnyPolicy,
        detected by [d5_a_stale_change_is_refused, d5_policy_is_initialized_once]
        also [the_fence_outlives_a_crash, g8_the_record_of_the_last_change_is_kept]
        perhaps [d5_nothing_older_is_stored_once_a_publish_returned, d5_one_of_racing_changes_wins];
    caches_policy CachesPolicy,
        detected by [d5_no_handle_goes_back_to_an_older_policy]
        also []
        perhaps [
            a_batch_is_seen_whole,
            d4_racing_deliveries_store_an_id_once,
            d5_nothing_older_is_stored_once_a_publish_returned,
            d5_one_of_racing_changes_wins,
            f2_a_follower_misses_nothing,
            g5_racing_removals_and_deliveries_lose_nothing_else
        ];
    forgets_options ForgetsOptions,
        detected by [d5_a_policy_comes_back_whole]
        also []
        perhaps [];
    names_rejected_activity NamesRejectedActivity,
        detected by [b2_a_refusal_carries_no_content]
        also [
            d5_without_a_policy_nothing_is_stored,
            d5_a_stale_batch_is_refused_whole,
            d5_an_empty_batch_only_asks,
            the_fence_outlives_a_crash
        ]
        perhaps [d5_nothing_older_is_stored_once_a_publish_returned];
    stores_at_most_32 StoresAtMost32,
        detected by [a_batch_is_stored_whole]
        also [
            v3_every_filter_narrows_pages,
            v3_filters_narrow_together,
            v3_every_filter_narrows_counts,
            v3_counts_are_by_key_in_rising_order,
            v3_a_reveal_sees_all_newest_first,
            v3_a_reveal_can_leave_out_what_is_public,
            r1_a_reveal_sees_what_its_query_finds,
            v3_pages_of_a_reveal_join_at_every_limit,
            v3_a_page_that_stops_can_be_resumed,
            v3_a_revealed_page_that_stops_can_be_resumed,
            v3_ids_narrow_with_all_else
        ]
        perhaps [];
    forgets_restoration ForgetsRestoration,
        detected by [d11_what_nodes_keep_of_a_group_adds_up]
        also [d11_kept_groups_outlive_a_crash, d11_the_version_of_what_is_kept_changes_with_it]
        perhaps [];
    forgets_names ForgetsNames,
        detected by [d11_kept_groups_come_back]
        also [
            d11_what_nodes_keep_of_a_group_adds_up,
            d11_a_drop_spares_what_vanished_later,
            d11_kept_groups_outlive_a_crash
        ]
        perhaps [];
    forgets_removed_groups ForgetsRemovedGroups,
        detected by [d11_kept_groups_outlive_a_crash]
        also []
        perhaps [];
    pages_by_offset PagesByOffset,
        detected by [v3_pages_are_stable_while_activities_arrive]
        also [v3_a_page_goes_on_after_any_position, v3_every_filter_narrows_pages, v3_ids_narrow_with_all_else]
        perhaps [];
    returns_at_least_one ReturnsAtLeastOne,
        detected by [v3_no_limit_is_too_small_or_too_large]
        also [v2_a_limit_cuts_what_is_shown]
        perhaps [];
    offsets_by_time OffsetsByTime,
        detected by [f2_public_after_goes_by_the_order_of_storing, f2_offsets_stay_and_go_on_at_every_limit]
        also [f2_offsets_outlive_a_crash, f2_offsets_of_what_stays_do_not_change]
        perhaps [
            d5_nothing_older_is_stored_once_a_publish_returned,
            f2_a_follower_misses_nothing
        ];
    counts_by_label CountsByLabel,
        detected by [v3_counts_are_by_key_in_rising_order]
        also [d8_an_address_is_found_by_its_domain, v3_incomplete_counts_never_exceed_the_truth]
        perhaps [];
    reveals_private_only RevealsPrivateOnly,
        detected by [v3_a_reveal_sees_all_newest_first]
        also [
            d8_an_address_is_found_by_its_domain,
            a_batch_is_stored_whole,
            a_batch_is_answered_for_one_by_one,
            d4_the_first_verdict_wins,
            d4_a_change_of_the_policy_moves_no_verdict,
            d4_the_first_content_wins,
            d4_within_a_batch_the_first_wins,
            d4_on_every_handle_the_first_wins,
            d4_after_a_crash_the_first_wins,
            activities_outlive_a_crash,
            v3_no_limit_is_too_small_or_too_large,
            r1_a_reveal_sees_what_its_query_finds,
            v3_pages_of_a_reveal_join_at_every_limit,
            a_batch_is_seen_whole,
            d4_racing_deliveries_store_an_id_once,
            d4_ids_of_what_was_removed_stay_taken,
            g5_a_removal_outlives_a_crash,
            g5_of_a_person_what_is_covered_goes_and_nothing_else,
            g5_racing_removals_and_deliveries_lose_nothing_else,
            g5_steps_keep_their_limit_and_say_how_many,
            g5_what_is_too_old_goes_and_nothing_else,
            v3_a_revealed_page_that_stops_can_be_resumed
        ]
        perhaps [];
    folds_domain FoldsDomain,
        detected by [d8_an_address_is_found_by_its_domain]
        also []
        perhaps [];
    ignores_query_of_reveal IgnoresQueryOfReveal,
        detected by [r1_a_reveal_sees_what_its_query_finds]
        also [v3_a_revealed_page_that_stops_can_be_resumed]
        perhaps [];
    removes_by_subject_as_object RemovesBySubjectAsObject,
        detected by [g5_of_a_person_what_is_covered_goes_and_nothing_else]
        also [
            d4_ids_of_what_was_removed_stay_taken,
            g5_a_removal_outlives_a_crash,
            g5_steps_keep_their_limit_and_say_how_many
        ]
        perhaps [];
    stops_at_first_kept StopsAtFirstKept,
        detected by [g5_what_is_too_old_goes_and_nothing_else]
        also [v2_removing_what_is_hidden_leaves_no_trace]
        perhaps [];
    ignores_limit IgnoresLimit,
        detected by [g5_steps_keep_their_limit_and_say_how_many]
        also []
        perhaps [];
    forgets_ids ForgetsIds,
        detected by [d4_ids_of_what_was_removed_stay_taken]
        also [g5_a_removal_outlives_a_crash]
        perhaps [];
    reports_conflict ReportsConflict,
        detected by [d4_ids_of_what_was_removed_stay_taken]
        also [g5_a_removal_outlives_a_crash]
        perhaps [];
    renumbers_offsets RenumbersOffsets,
        detected by [f2_offsets_of_what_stays_do_not_change]
        also []
        perhaps [];
    reuses_offsets ReusesOffsets,
        detected by [f2_offsets_of_what_stays_do_not_change]
        also []
        perhaps [];
    counts_removed CountsRemoved,
        detected by [g5_public_answers_are_as_if_it_had_never_been_stored]
        also [g5_racing_removals_and_deliveries_lose_nothing_else]
        perhaps [];
    finds_removed FindsRemoved,
        detected by [g5_public_answers_are_as_if_it_had_never_been_stored]
        also []
        perhaps [];
    removes_one_by_one RemovesOneByOne,
        detected by [g5_readers_see_whole_steps]
        also []
        perhaps [];
    restores_removed_in_crash RestoresRemovedInCrash,
        detected by [g5_a_removal_outlives_a_crash]
        also []
        perhaps [];
    loses_ids_in_crash LosesIdsInCrash,
        detected by [g5_a_removal_outlives_a_crash]
        also []
        perhaps [];
    removes_by_position RemovesByPosition,
        detected by [g5_racing_removals_and_deliveries_lose_nothing_else]
        also []
        perhaps [];
    leaves_offset_of_hidden LeavesOffsetOfHidden,
        detected by [v2_removing_what_is_hidden_leaves_no_trace]
        also []
        perhaps [];
    spares_hidden SparesHidden,
        detected by [v2_removing_what_is_hidden_leaves_no_trace]
        also [
            d4_ids_of_what_was_removed_stay_taken,
            g5_a_removal_outlives_a_crash,
            g5_of_a_person_what_is_covered_goes_and_nothing_else,
            g5_racing_removals_and_deliveries_lose_nothing_else,
            g5_steps_keep_their_limit_and_say_how_many,
            g5_what_is_too_old_goes_and_nothing_else,
            g8_the_record_of_a_removal_is_kept_once_it_is_complete
        ]
        perhaps [];
    ignores_conditions_with_ids IgnoresConditionsWithIds,
        detected by [v3_ids_narrow_with_all_else]
        also [v3_filters_narrow_together]
        perhaps [];
    looks_up_one_id LooksUpOneId,
        detected by [v3_every_filter_narrows_counts]
        also [v3_counts_are_by_key_in_rising_order, v3_ids_narrow_with_all_else]
        perhaps [];
    one_offset_for_all OneOffsetForAll,
        detected by [f2_following_from_any_offset_gives_what_comes_after]
        also [
            f2_a_follower_misses_nothing,
            f2_offsets_of_what_stays_do_not_change,
            f2_offsets_outlive_a_crash,
            f2_offsets_stay_and_go_on_at_every_limit
        ]
        perhaps [];
    fails_at_foreign_offset FailsAtForeignOffset,
        detected by [b1_an_offset_of_no_store_is_refused_or_harmless]
        also []
        perhaps [];
    parses_foreign_offset ParsesForeignOffset,
        detected by [b1_an_offset_of_no_store_is_refused_or_harmless]
        also []
        perhaps [];
    numbers_each_update NumbersEachUpdate,
        detected by [d11_the_version_stays_without_a_change]
        also []
        perhaps [];
    returns_known_version ReturnsKnownVersion,
        detected by [d11_what_is_known_is_not_read_again]
        also []
        perhaps [];
    trusts_later_version TrustsLaterVersion,
        detected by [d11_what_is_known_is_not_read_again]
        also []
        perhaps [];
    stops_silently StopsSilently,
        detected by [v3_a_page_that_stops_can_be_resumed]
        also [v3_every_filter_narrows_pages, v3_filters_narrow_together, v3_ids_narrow_with_all_else]
        perhaps [];
    stops_at_start StopsAtStart,
        detected by [v3_a_page_that_stops_can_be_resumed]
        also [
            g5_public_answers_are_as_if_it_had_never_been_stored,
            v2_removing_what_is_hidden_leaves_no_trace,
            v3_every_filter_narrows_pages,
            v3_filters_narrow_together,
            v3_ids_narrow_with_all_else
        ]
        perhaps [];
    skips_one_at_stop SkipsOneAtStop,
        detected by [v3_a_page_that_stops_can_be_resumed]
        also [v3_every_filter_narrows_pages, v3_filters_narrow_together, v3_ids_narrow_with_all_else]
        perhaps [];
    stops_reveal_silently StopsRevealSilently,
        detected by [v3_a_revealed_page_that_stops_can_be_resumed]
        also [r1_a_reveal_sees_what_its_query_finds]
        perhaps [];
    extrapolates_total ExtrapolatesTotal,
        detected by [v3_incomplete_counts_never_exceed_the_truth]
        also []
        perhaps [];
    miscounts_total MiscountsTotal,
        detected by [v3_counts_add_up_to_their_total]
        also []
        perhaps [];
}

/// A store that stops before the end and reports it is correct.
#[test]
fn reported_stop_violates_no_clause() {
    Violations { detected_by: &[], also: &[], perhaps: &[] }.check(&store_clauses::<Place<StopsAndReports>>());
}
