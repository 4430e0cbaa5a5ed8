//! What each of the wrong sinks is caught by.

use activity_privacy::conformance::sink_clauses;

use super::*;
use crate::faulty::sink::*;

bites! {
    sink_clauses:
    the_first_is_the_newest TheFirstIsTheNewest,
        caught by [g8_the_newest_matching_record_is_read]
        also []
        perhaps [];
    receipt_before_durability ReceiptBeforeDurability,
        caught by [r2_a_receipt_outlives_a_crash, r2_a_receipt_means_that_every_handle_sees_the_record]
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
        caught by [r2_a_receipt_names_the_record]
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
        caught by [g1_another_record_under_a_used_id_is_refused]
        also [g1_a_record_offered_again_gets_its_first_receipt]
        perhaps [];
    takes_a_used_id TakesAUsedId,
        caught by [g1_another_record_under_a_used_id_is_refused]
        also [
            g1_a_record_offered_again_after_a_crash_gets_its_first_receipt,
            g1_one_of_racing_records_gets_an_id,
            g2_a_record_that_forgot_is_still_the_same_record
        ]
        perhaps [];
    numbers_a_record_twice NumbersARecordTwice,
        caught by [g1_a_record_offered_again_gets_its_first_receipt]
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
    forgets_its_numbers ForgetsItsNumbers,
        caught by [g1_numbers_outlive_a_crash]
        also [
            g1_a_record_offered_again_after_a_crash_gets_its_first_receipt,
            g5_the_newest_record_stays_and_numbers_go_on
        ]
        perhaps [];
    loses_the_tail LosesTheTail,
        caught by [r2_a_receipt_outlives_a_crash]
        also [
            g1_numbers_outlive_a_crash,
            g2_what_a_record_says_of_people_is_forgotten_on_every_handle,
            g5_the_newest_record_stays_and_numbers_go_on,
            g5_what_was_removed_stays_removed_after_a_crash,
            g8_the_newest_matching_record_is_read
        ]
        perhaps [];
    reads_by_time ReadsByTime,
        caught by [g3_records_are_read_in_sequence_after_a_number]
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
        caught by [g3_every_filter_narrows]
        also []
        perhaps [];
    finds_by_the_first FindsByTheFirst,
        caught by [g3_every_filter_narrows]
        also [g5_what_is_kept_is_read_and_answered_as_before, g8_the_newest_matching_record_is_read]
        perhaps [];
    numbers_in_tens NumbersInTens,
        caught by [g1_handles_share_one_numbering]
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
        caught by [g1_readers_see_no_gap]
        also []
        perhaps [
            g1_one_of_racing_records_gets_an_id,
            g1_racing_offers_of_a_record_are_one_record,
            g1_racing_records_leave_no_gap,
            g5_removing_disturbs_no_recording
        ];
    swaps_neighbours SwapsNeighbours,
        caught by [g1_who_is_answered_first_has_the_smaller_number]
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
    removes_whatever_is_old RemovesWhateverIsOld,
        caught by [g5_what_is_removed_are_the_first_records]
        also []
        perhaps [];
    removes_the_very_time RemovesTheVeryTime,
        caught by [g5_a_record_made_at_the_very_time_stays]
        also [g5_what_is_removed_are_the_first_records, g5_what_was_removed_stays_removed_after_a_crash]
        perhaps [];
    removes_by_seconds RemovesBySeconds,
        caught by [g5_a_record_made_at_the_very_time_stays]
        also []
        perhaps [];
    removes_the_newest RemovesTheNewest,
        caught by [g5_the_newest_record_stays_and_numbers_go_on]
        also []
        perhaps [g5_removing_disturbs_no_recording];
    numbers_anew NumbersAnew,
        caught by [g5_what_is_kept_is_read_and_answered_as_before]
        also [
            g5_a_record_made_at_the_very_time_stays,
            g5_the_newest_record_stays_and_numbers_go_on,
            g5_what_is_removed_are_the_first_records,
            g5_what_was_removed_stays_removed_after_a_crash
        ]
        perhaps [g5_removing_disturbs_no_recording];
    removes_with_the_activities RemovesWithTheActivities,
        caught by [g5_nothing_is_removed_that_a_removal_does_not_cover]
        also []
        perhaps [];
    never_ends NeverEnds,
        caught by [g5_what_is_removed_are_the_first_records]
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
    writes_the_list_back WritesTheListBack,
        caught by [g5_removing_disturbs_no_recording]
        also []
        perhaps [];
    forgets_everything ForgetsEverything,
        caught by [g2_what_a_record_says_of_people_is_forgotten_on_every_handle]
        also []
        perhaps [];
    forgets_what_was_seen ForgetsWhatWasSeen,
        caught by [g2_what_a_record_says_of_people_is_forgotten_on_every_handle]
        also [g2_a_record_that_forgot_is_still_the_same_record]
        perhaps [];
    reads_by_place ReadsByPlace,
        caught by [g5_what_is_kept_is_read_and_answered_as_before]
        also []
        perhaps [];
    removes_until_a_crash RemovesUntilACrash,
        caught by [g5_what_was_removed_stays_removed_after_a_crash]
        also [
            g2_what_a_record_says_of_people_is_forgotten_on_every_handle,
            g5_the_newest_record_stays_and_numbers_go_on
        ]
        perhaps [];
    forgets_for_itself ForgetsForItself,
        caught by [g2_what_a_record_says_of_people_is_forgotten_on_every_handle]
        also []
        perhaps [];
    takes_it_for_another TakesItForAnother,
        caught by [g2_a_record_that_forgot_is_still_the_same_record]
        also []
        perhaps [];
}
