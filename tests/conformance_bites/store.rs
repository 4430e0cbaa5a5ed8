//! The clauses that each faulty store violates.

use activity_privacy::conformance::store_clauses;

use super::*;
use crate::faulty::store::*;

violations! {
    store_clauses:
    last_write_wins LastWriteWins,
        detected by [d4_other_content_is_conflict, d4_first_decision_is_kept]
        also [
            d4_first_in_batch_is_stored,
            d4_first_is_kept_on_every_handle,
            d4_first_is_kept_after_crash,
            d4_details_in_another_layout_are_duplicate
        ]
        perhaps [];
    compares_details_as_text ComparesDetailsAsText,
        detected by [d4_details_in_another_layout_are_duplicate]
        also []
        perhaps [];
    ignores_fence IgnoresFence,
        detected by [d5_stale_batch_is_rejected_whole]
        also [d5_batch_without_policy_is_stale, d5_empty_batch_only_checks_revision, d5_fence_survives_crash]
        perhaps [d5_no_older_batch_is_stored_after_publish];
    fence_before_commit FenceBeforeCommit,
        detected by [d5_no_older_batch_is_stored_after_publish]
        also []
        perhaps [];
    two_winners TwoWinners,
        detected by [d5_one_concurrent_change_is_published]
        also []
        perhaps [];
    keeps_no_record KeepsNoRecord,
        detected by [g8_last_change_record_is_kept]
        also []
        perhaps [];
    keeps_record_too_early KeepsRecordTooEarly,
        detected by [g8_completed_removal_record_is_kept]
        also []
        perhaps [];
    counts_hidden CountsHidden,
        detected by [v2_counts_do_not_depend_on_private_activities]
        also [
            d8_address_matches_by_idna_domain,
            d4_first_decision_is_kept,
            d4_other_content_is_conflict,
            d4_first_is_kept_on_every_handle,
            d4_first_is_kept_after_crash,
            d4_details_in_another_layout_are_duplicate,
            v3_every_filter_applies_to_counts,
            v2_removal_of_private_activities_leaves_no_trace,
            v2_private_id_answers_like_unknown_id,
            v2_public_reads_return_only_public_decisions,
            v3_counts_are_in_key_order,
            v3_ids_combine_with_every_filter,
            v3_incomplete_counts_never_exceed_matches
        ]
        perhaps [];
    offsets_count_hidden OffsetsCountHidden,
        detected by [f3_offsets_do_not_depend_on_private_activities]
        also [
            v2_removal_of_private_activities_leaves_no_trace,
            f2_end_and_counts_survive_crash,
            f2_end_is_offset_of_newest_activity,
            f2_offset_before_time_precedes_first_later_decision,
            f2_stored_between_counts_removed_activities,
            f3_ends_and_counts_do_not_depend_on_private_activities
        ]
        perhaps [];
    orders_by_insertion OrdersByInsertion,
        detected by [v3_pages_are_newest_first_then_by_id]
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
    loses_tail LosesTail,
        detected by [d4_activities_survive_crash]
        also [
            d4_first_is_kept_after_crash,
            f2_offsets_survive_crash,
            g5_removal_survives_crash,
            f2_end_and_counts_survive_crash
        ]
        perhaps [];
    forgets_policy ForgetsPolicy,
        detected by [d5_policy_survives_crash]
        also [
            d4_first_is_kept_after_crash,
            d4_activities_survive_crash,
            f2_offsets_survive_crash,
            d5_fence_survives_crash,
            g5_removal_survives_crash,
            g8_completed_removal_record_is_kept
        ]
        perhaps [];
    stores_part_of_batch StoresPartOfBatch,
        detected by [d4_batch_returns_one_outcome_per_activity]
        also [
            d4_first_in_batch_is_stored,
            d4_first_is_kept_after_crash,
            d4_concurrent_deliveries_store_id_once,
            d4_removed_ids_stay_taken,
            g5_removal_survives_crash
        ]
        perhaps [];
    stores_one_by_one StoresOneByOne,
        detected by [d5_readers_see_whole_batches]
        also []
        perhaps [
            d5_no_older_batch_is_stored_after_publish,
            f2_follower_misses_nothing
        ];
    decides_again DecidesAgain,
        detected by [d2_policy_change_keeps_stored_decisions]
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
    ignores_suite IgnoresSuite,
        detected by [v3_every_filter_applies_to_pages]
        also [v3_filters_combine, v3_stopped_page_can_be_resumed, v3_ids_combine_with_every_filter]
        perhaps [];
    cursor_is_inclusive CursorIsInclusive,
        detected by [v3_pages_of_every_limit_join]
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
    rejects_hidden_id RejectsHiddenId,
        detected by [v2_private_id_answers_like_unknown_id]
        also [
            v3_stopped_page_can_be_resumed,
            v3_every_filter_applies_to_pages,
            v3_filters_combine,
            v3_ids_combine_with_every_filter
        ]
        perhaps [];
    shows_hidden_id ShowsHiddenId,
        detected by [
            v2_private_id_answers_like_unknown_id,
            v2_public_reads_return_only_public_decisions
        ]
        also [v3_stopped_page_can_be_resumed, v3_every_filter_applies_to_pages]
        perhaps [];
    limit_before_hiding LimitBeforeHiding,
        detected by [v2_limit_counts_public_activities_only]
        also [
            v2_pages_do_not_depend_on_private_activities,
            v3_every_filter_applies_to_pages,
            v2_removal_of_private_activities_leaves_no_trace,
            v3_stopped_page_can_be_resumed,
            v3_ids_combine_with_every_filter
        ]
        perhaps [];
    cuts_times_to_seconds CutsTimesToSeconds,
        detected by [v3_pages_are_newest_first_then_by_id]
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
        detected by [d4_ids_are_compared_bytewise]
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
    keeps_last_update KeepsLastUpdate,
        detected by [d11_updates_of_several_nodes_are_merged]
        also [d11_concurrent_updates_lose_no_member, d11_version_stays_without_change]
        perhaps [];
    counts_as_version CountsAsVersion,
        detected by [d11_version_grows_with_each_change]
        also []
        perhaps [];
    drops_later_removed_group DropsLaterRemovedGroup,
        detected by [d11_drop_spares_later_removal]
        also [d11_version_stays_without_change]
        perhaps [];
    ignores_private_only IgnoresPrivateOnly,
        detected by [v3_reveal_can_leave_out_public_activities]
        also [r1_revealed_page_matches_its_query, v3_revealed_pages_of_every_limit_join]
        perhaps [];
    counts_remaining CountsRemaining,
        detected by [f2_stored_between_counts_removed_activities]
        also [f2_end_and_counts_survive_crash]
        perhaps [];
    counts_private_between CountsPrivateBetween,
        detected by [f3_ends_and_counts_do_not_depend_on_private_activities]
        also [
            f2_stored_between_counts_removed_activities,
            f2_offset_before_time_precedes_first_later_decision,
            f2_end_and_counts_survive_crash
        ]
        perhaps [];
    ends_at_remaining EndsAtRemaining,
        detected by [f2_end_is_offset_of_newest_activity]
        also [f2_end_and_counts_survive_crash, f2_offset_before_time_precedes_first_later_decision]
        perhaps [];
    starts_by_occurrence StartsByOccurrence,
        detected by [f2_offset_before_time_precedes_first_later_decision]
        also []
        perhaps [];
    accepts_any_offset AcceptsAnyOffset,
        detected by [f2_offset_after_end_is_unknown]
        also []
        perhaps [];
    forgets_end ForgetsEnd,
        detected by [f2_end_and_counts_survive_crash]
        also []
        perhaps [];
    offsets_before_commit OffsetsBeforeCommit,
        detected by [f2_follower_misses_nothing]
        also [f2_end_is_offset_of_newest_activity]
        perhaps [d5_no_older_batch_is_stored_after_publish];
    checks_before_storing ChecksBeforeStoring,
        detected by [d4_concurrent_deliveries_store_id_once]
        also [d4_removed_ids_stay_taken, g5_removal_survives_crash]
        perhaps [];
    publishes_any_policy PublishesAnyPolicy,
        detected by [d5_stale_change_is_rejected, d5_policy_is_initialized_once]
        also [d5_fence_survives_crash, g8_last_change_record_is_kept]
        perhaps [d5_no_older_batch_is_stored_after_publish, d5_one_concurrent_change_is_published];
    caches_policy CachesPolicy,
        detected by [d5_no_handle_reads_older_policy]
        also []
        perhaps [
            d5_readers_see_whole_batches,
            d4_concurrent_deliveries_store_id_once,
            d5_no_older_batch_is_stored_after_publish,
            d5_one_concurrent_change_is_published,
            f2_follower_misses_nothing,
            g5_concurrent_removals_remove_each_activity_once
        ];
    forgets_options ForgetsOptions,
        detected by [d5_policy_is_read_as_published]
        also []
        perhaps [];
    names_rejected_activity NamesRejectedActivity,
        detected by [b2_errors_contain_no_content]
        also [
            d5_batch_without_policy_is_stale,
            d5_stale_batch_is_rejected_whole,
            d5_empty_batch_only_checks_revision,
            d5_fence_survives_crash
        ]
        perhaps [d5_no_older_batch_is_stored_after_publish];
    stores_at_most_32 StoresAtMost32,
        detected by [d5_batch_is_stored_whole]
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
    forgets_restoration ForgetsRestoration,
        detected by [d11_updates_of_several_nodes_are_merged]
        also [d11_removed_groups_survive_crash, d11_version_grows_with_each_change]
        perhaps [];
    forgets_names ForgetsNames,
        detected by [d11_removed_groups_are_read_as_stored]
        also [
            d11_updates_of_several_nodes_are_merged,
            d11_drop_spares_later_removal,
            d11_removed_groups_survive_crash
        ]
        perhaps [];
    forgets_removed_groups ForgetsRemovedGroups,
        detected by [d11_removed_groups_survive_crash]
        also []
        perhaps [];
    pages_by_offset PagesByOffset,
        detected by [v3_pages_are_stable_while_activities_arrive]
        also [v3_page_continues_after_any_position, v3_every_filter_applies_to_pages, v3_ids_combine_with_every_filter]
        perhaps [];
    returns_at_least_one ReturnsAtLeastOne,
        detected by [v3_every_limit_is_accepted]
        also [v2_limit_counts_public_activities_only]
        perhaps [];
    offsets_by_time OffsetsByTime,
        detected by [f2_public_after_returns_storage_order, f2_offsets_are_stable_at_every_limit]
        also [
            f2_offsets_survive_crash,
            f2_remaining_offsets_do_not_change,
            f2_end_is_offset_of_newest_activity,
            f2_offset_before_time_precedes_first_later_decision
        ]
        perhaps [
            d5_no_older_batch_is_stored_after_publish,
            f2_follower_misses_nothing
        ];
    counts_by_label CountsByLabel,
        detected by [v3_counts_are_in_key_order]
        also [d8_address_matches_by_idna_domain, v3_incomplete_counts_never_exceed_matches]
        perhaps [];
    reveals_private_only RevealsPrivateOnly,
        detected by [v3_revealed_page_is_newest_first]
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
            d4_details_in_another_layout_are_duplicate,
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
    folds_domain FoldsDomain,
        detected by [d8_address_matches_by_idna_domain]
        also []
        perhaps [];
    ignores_query_of_reveal IgnoresQueryOfReveal,
        detected by [r1_revealed_page_matches_its_query]
        also [v3_stopped_revealed_page_can_be_resumed]
        perhaps [];
    removes_by_subject_as_object RemovesBySubjectAsObject,
        detected by [g5_erasure_removes_exactly_covered_activities]
        also [
            d4_removed_ids_stay_taken,
            g5_removal_survives_crash,
            g5_removal_step_respects_limit_and_counts
        ]
        perhaps [];
    stops_at_first_kept StopsAtFirstKept,
        detected by [g5_retention_removes_exactly_older_activities]
        also [v2_removal_of_private_activities_leaves_no_trace]
        perhaps [];
    ignores_limit IgnoresLimit,
        detected by [g5_removal_step_respects_limit_and_counts]
        also []
        perhaps [];
    forgets_ids ForgetsIds,
        detected by [d4_removed_ids_stay_taken]
        also [g5_removal_survives_crash]
        perhaps [];
    reports_conflict ReportsConflict,
        detected by [d4_removed_ids_stay_taken]
        also [g5_removal_survives_crash]
        perhaps [];
    renumbers_offsets RenumbersOffsets,
        detected by [f2_remaining_offsets_do_not_change]
        also [
            f2_end_and_counts_survive_crash,
            f2_end_is_offset_of_newest_activity,
            f2_stored_between_counts_removed_activities
        ]
        perhaps [];
    reuses_offsets ReusesOffsets,
        detected by [f2_remaining_offsets_do_not_change]
        also [
            f2_end_and_counts_survive_crash,
            f2_end_is_offset_of_newest_activity,
            f2_stored_between_counts_removed_activities
        ]
        perhaps [];
    counts_removed CountsRemoved,
        detected by [g5_public_answers_forget_removed_activities]
        also [g5_concurrent_removals_remove_each_activity_once]
        perhaps [];
    finds_removed FindsRemoved,
        detected by [g5_public_answers_forget_removed_activities]
        also []
        perhaps [];
    removes_one_by_one RemovesOneByOne,
        detected by [g5_readers_see_whole_removal_steps]
        also []
        perhaps [];
    restores_removed_in_crash RestoresRemovedInCrash,
        detected by [g5_removal_survives_crash]
        also []
        perhaps [];
    loses_ids_in_crash LosesIdsInCrash,
        detected by [g5_removal_survives_crash]
        also []
        perhaps [];
    removes_by_position RemovesByPosition,
        detected by [g5_concurrent_removals_remove_each_activity_once]
        also []
        perhaps [];
    leaves_offset_of_hidden LeavesOffsetOfHidden,
        detected by [v2_removal_of_private_activities_leaves_no_trace]
        also []
        perhaps [];
    spares_hidden SparesHidden,
        detected by [v2_removal_of_private_activities_leaves_no_trace]
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
    ignores_conditions_with_ids IgnoresConditionsWithIds,
        detected by [v3_ids_combine_with_every_filter]
        also [v3_filters_combine]
        perhaps [];
    looks_up_one_id LooksUpOneId,
        detected by [v3_every_filter_applies_to_counts]
        also [v3_counts_are_in_key_order, v3_ids_combine_with_every_filter]
        perhaps [];
    one_offset_for_all OneOffsetForAll,
        detected by [f2_every_offset_continues_after_its_activity]
        also [
            f2_follower_misses_nothing,
            f2_remaining_offsets_do_not_change,
            f2_offsets_survive_crash,
            f2_offsets_are_stable_at_every_limit,
            f2_offset_before_time_precedes_first_later_decision,
            f2_stored_between_counts_removed_activities
        ]
        perhaps [];
    fails_at_foreign_offset FailsAtForeignOffset,
        detected by [b1_foreign_offset_is_rejected_or_harmless]
        also []
        perhaps [];
    parses_foreign_offset ParsesForeignOffset,
        detected by [b1_foreign_offset_is_rejected_or_harmless]
        also []
        perhaps [];
    numbers_each_update NumbersEachUpdate,
        detected by [d11_version_stays_without_change]
        also []
        perhaps [];
    returns_known_version ReturnsKnownVersion,
        detected by [d11_known_version_returns_none]
        also []
        perhaps [];
    trusts_later_version TrustsLaterVersion,
        detected by [d11_known_version_returns_none]
        also []
        perhaps [];
    stops_silently StopsSilently,
        detected by [v3_stopped_page_can_be_resumed]
        also [v3_every_filter_applies_to_pages, v3_filters_combine, v3_ids_combine_with_every_filter]
        perhaps [];
    stops_at_start StopsAtStart,
        detected by [v3_stopped_page_can_be_resumed]
        also [
            g5_public_answers_forget_removed_activities,
            v2_removal_of_private_activities_leaves_no_trace,
            v3_every_filter_applies_to_pages,
            v3_filters_combine,
            v3_ids_combine_with_every_filter
        ]
        perhaps [];
    skips_one_at_stop SkipsOneAtStop,
        detected by [v3_stopped_page_can_be_resumed]
        also [v3_every_filter_applies_to_pages, v3_filters_combine, v3_ids_combine_with_every_filter]
        perhaps [];
    stops_reveal_silently StopsRevealSilently,
        detected by [v3_stopped_revealed_page_can_be_resumed]
        also [r1_revealed_page_matches_its_query]
        perhaps [];
    extrapolates_total ExtrapolatesTotal,
        detected by [v3_incomplete_counts_never_exceed_matches]
        also []
        perhaps [];
    miscounts_total MiscountsTotal,
        detected by [v3_counts_add_up_to_total]
        also []
        perhaps [];
}

/// A store that stops before the end and reports it is correct.
#[test]
fn reported_stop_violates_no_clause() {
    Violations { detected_by: &[], also: &[], perhaps: &[] }.check(&store_clauses::<Place<StopsAndReports>>());
}
