//! The clauses that each faulty sink violates.

use activity_privacy::conformance::sink_clauses;

use super::*;
use crate::faulty::sink::*;

violations! {
    sink_clauses:
    returns_first_as_newest ReturnsFirstAsNewest,
        detected by [g8_the_newest_matching_record_is_read]
        also []
        perhaps [];
    receipt_before_durability ReceiptBeforeDurability,
        detected by [r2_a_receipt_outlives_a_crash, r2_a_receipt_means_that_every_handle_sees_the_record]
        also [
            g1_handles_share_one_numbering,
            g1_numbers_outlive_a_crash,
            g1_another_record_under_a_used_id_is_refused,
            g2_a_record_that_forgot_is_still_the_same_record,
            g5_the_newest_record_stays_and_numbers_go_on,
            g5_what_is_removed_are_the_first_records,
            g5_what_was_removed_stays_removed_after_a_crash
        ]
        perhaps [
            g1_one_of_racing_records_gets_an_id,
            g1_racing_offers_of_a_record_are_one_record,
            g1_racing_records_leave_no_gap,
            g1_readers_see_no_gap,
            g1_who_is_answered_first_has_the_smaller_number,
            r2_a_receipt_names_the_record,
            g5_removing_disturbs_no_recording
        ];
    receipt_for_another ReceiptForAnother,
        detected by [r2_a_receipt_names_the_record]
        also [
            g1_numbers_begin_at_one_and_have_no_gap,
            g1_handles_share_one_numbering,
            g1_numbers_outlive_a_crash,
            g1_a_record_offered_again_gets_its_first_receipt,
            g1_another_record_under_a_used_id_is_refused,
            r2_a_receipt_means_that_every_handle_sees_the_record,
            g1_records_come_back_whole,
            g3_every_filter_narrows,
            g3_records_are_read_in_sequence_after_a_number,
            g5_a_record_made_at_the_very_time_stays,
            g5_nothing_is_removed_that_a_removal_does_not_cover,
            g5_the_newest_record_stays_and_numbers_go_on,
            g5_what_is_kept_is_read_and_answered_as_before,
            g5_what_is_removed_are_the_first_records,
            g5_what_was_removed_stays_removed_after_a_crash,
            g8_the_newest_matching_record_is_read
        ]
        perhaps [
            g1_one_of_racing_records_gets_an_id,
            g1_racing_offers_of_a_record_are_one_record,
            g1_racing_records_leave_no_gap,
            g1_readers_see_no_gap,
            g1_who_is_answered_first_has_the_smaller_number,
            g5_removing_disturbs_no_recording
        ];
    leaves_gaps LeavesGaps,
        detected by [g1_another_record_under_a_used_id_is_refused]
        also [g1_a_record_offered_again_gets_its_first_receipt]
        perhaps [];
    accepts_used_id AcceptsUsedId,
        detected by [g1_another_record_under_a_used_id_is_refused]
        also [
            g1_a_record_offered_again_after_a_crash_gets_its_first_receipt,
            g1_one_of_racing_records_gets_an_id,
            g2_a_record_that_forgot_is_still_the_same_record
        ]
        perhaps [];
    numbers_repeated_record NumbersRepeatedRecord,
        detected by [g1_a_record_offered_again_gets_its_first_receipt]
        also [
            g1_a_record_offered_again_after_a_crash_gets_its_first_receipt,
            g1_another_record_under_a_used_id_is_refused,
            g1_racing_offers_of_a_record_are_one_record,
            r2_a_receipt_names_the_record,
            g2_a_record_that_forgot_is_still_the_same_record,
            g2_what_a_record_says_of_people_is_forgotten_on_every_handle,
            g5_a_record_made_at_the_very_time_stays,
            g5_the_newest_record_stays_and_numbers_go_on,
            g5_what_is_kept_is_read_and_answered_as_before,
            g5_what_is_removed_are_the_first_records,
            g5_what_was_removed_stays_removed_after_a_crash
        ]
        perhaps [g5_removing_disturbs_no_recording];
    restarts_numbering RestartsNumbering,
        detected by [g1_numbers_outlive_a_crash]
        also [
            g1_a_record_offered_again_after_a_crash_gets_its_first_receipt,
            g5_the_newest_record_stays_and_numbers_go_on
        ]
        perhaps [];
    loses_tail LosesTail,
        detected by [r2_a_receipt_outlives_a_crash]
        also [
            g1_numbers_outlive_a_crash,
            g2_what_a_record_says_of_people_is_forgotten_on_every_handle,
            g5_the_newest_record_stays_and_numbers_go_on,
            g5_what_was_removed_stays_removed_after_a_crash,
            g8_the_newest_matching_record_is_read
        ]
        perhaps [];
    reads_by_time ReadsByTime,
        detected by [g3_records_are_read_in_sequence_after_a_number]
        also [
            r2_a_receipt_outlives_a_crash,
            g1_records_come_back_whole,
            g3_every_filter_narrows,
            g5_the_newest_record_stays_and_numbers_go_on,
            g5_what_is_kept_is_read_and_answered_as_before,
            g5_what_is_removed_are_the_first_records,
            g8_the_newest_matching_record_is_read
        ]
        perhaps [g5_removing_disturbs_no_recording];
    limit_before_filter LimitBeforeFilter,
        detected by [g3_every_filter_narrows]
        also []
        perhaps [];
    finds_by_first_change FindsByFirstChange,
        detected by [g3_every_filter_narrows]
        also [g5_what_is_kept_is_read_and_answered_as_before, g8_the_newest_matching_record_is_read]
        perhaps [];
    numbers_in_tens NumbersInTens,
        detected by [g1_handles_share_one_numbering]
        also [
            g1_numbers_outlive_a_crash,
            g1_racing_records_leave_no_gap,
            g1_readers_see_no_gap,
            g5_the_newest_record_stays_and_numbers_go_on
        ]
        perhaps [
            g1_one_of_racing_records_gets_an_id,
            g1_racing_offers_of_a_record_are_one_record,
            g5_removing_disturbs_no_recording
        ];
    numbers_before_commit NumbersBeforeCommit,
        detected by [g1_readers_see_no_gap]
        also []
        perhaps [
            g1_one_of_racing_records_gets_an_id,
            g1_racing_offers_of_a_record_are_one_record,
            g1_racing_records_leave_no_gap,
            g5_removing_disturbs_no_recording
        ];
    swaps_neighbours SwapsNeighbours,
        detected by [g1_who_is_answered_first_has_the_smaller_number]
        also [
            g1_numbers_begin_at_one_and_have_no_gap,
            g1_handles_share_one_numbering,
            g1_numbers_outlive_a_crash,
            g1_a_record_offered_again_gets_its_first_receipt,
            g1_a_record_offered_again_after_a_crash_gets_its_first_receipt,
            g1_another_record_under_a_used_id_is_refused,
            r2_a_receipt_means_that_every_handle_sees_the_record,
            r2_a_receipt_outlives_a_crash,
            g1_records_come_back_whole,
            g3_every_filter_narrows,
            g3_records_are_read_in_sequence_after_a_number,
            g2_a_record_that_forgot_is_still_the_same_record,
            g2_what_a_record_says_of_people_is_forgotten_on_every_handle,
            g5_a_record_made_at_the_very_time_stays,
            g5_nothing_is_removed_that_a_removal_does_not_cover,
            g5_the_newest_record_stays_and_numbers_go_on,
            g5_what_is_kept_is_read_and_answered_as_before,
            g5_what_is_removed_are_the_first_records,
            g5_what_was_removed_stays_removed_after_a_crash,
            g8_the_newest_matching_record_is_read
        ]
        perhaps [
            g1_one_of_racing_records_gets_an_id,
            g1_racing_offers_of_a_record_are_one_record,
            g1_racing_records_leave_no_gap,
            g1_readers_see_no_gap,
            g5_removing_disturbs_no_recording
        ];
    removes_any_old RemovesAnyOld,
        detected by [g5_what_is_removed_are_the_first_records]
        also []
        perhaps [];
    removes_at_cutoff RemovesAtCutoff,
        detected by [g5_a_record_made_at_the_very_time_stays]
        also [g5_what_is_removed_are_the_first_records, g5_what_was_removed_stays_removed_after_a_crash]
        perhaps [];
    removes_by_seconds RemovesBySeconds,
        detected by [g5_a_record_made_at_the_very_time_stays]
        also []
        perhaps [];
    removes_newest RemovesNewest,
        detected by [g5_the_newest_record_stays_and_numbers_go_on]
        also []
        perhaps [g5_removing_disturbs_no_recording];
    renumbers_remaining RenumbersRemaining,
        detected by [g5_what_is_kept_is_read_and_answered_as_before]
        also [
            g5_a_record_made_at_the_very_time_stays,
            g5_the_newest_record_stays_and_numbers_go_on,
            g5_what_is_removed_are_the_first_records,
            g5_what_was_removed_stays_removed_after_a_crash
        ]
        perhaps [g5_removing_disturbs_no_recording];
    uses_activity_age UsesActivityAge,
        detected by [g5_nothing_is_removed_that_a_removal_does_not_cover]
        also []
        perhaps [];
    never_completes NeverCompletes,
        detected by [g5_what_is_removed_are_the_first_records]
        also [
            g2_a_record_that_forgot_is_still_the_same_record,
            g2_what_a_record_says_of_people_is_forgotten_on_every_handle,
            g5_a_record_made_at_the_very_time_stays,
            g5_nothing_is_removed_that_a_removal_does_not_cover,
            g5_the_newest_record_stays_and_numbers_go_on,
            g5_what_is_kept_is_read_and_answered_as_before,
            g5_what_was_removed_stays_removed_after_a_crash
        ]
        perhaps [g5_removing_disturbs_no_recording];
    writes_list_back WritesListBack,
        detected by [g5_removing_disturbs_no_recording]
        also []
        perhaps [];
    redacts_all RedactsAll,
        detected by [g2_what_a_record_says_of_people_is_forgotten_on_every_handle]
        also []
        perhaps [];
    redacts_totals RedactsTotals,
        detected by [g2_what_a_record_says_of_people_is_forgotten_on_every_handle]
        also [g2_a_record_that_forgot_is_still_the_same_record]
        perhaps [];
    reads_by_index ReadsByIndex,
        detected by [g5_what_is_kept_is_read_and_answered_as_before]
        also []
        perhaps [];
    removes_in_memory RemovesInMemory,
        detected by [g5_what_was_removed_stays_removed_after_a_crash]
        also [
            g2_what_a_record_says_of_people_is_forgotten_on_every_handle,
            g5_the_newest_record_stays_and_numbers_go_on
        ]
        perhaps [];
    redacts_per_handle RedactsPerHandle,
        detected by [g2_what_a_record_says_of_people_is_forgotten_on_every_handle]
        also []
        perhaps [];
    compares_bytes ComparesBytes,
        detected by [g2_a_record_that_forgot_is_still_the_same_record]
        also []
        perhaps [];
}
