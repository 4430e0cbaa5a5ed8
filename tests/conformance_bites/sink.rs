//! What each of the wrong sinks is caught by.

use activity_privacy::conformance::sink_clauses;

use super::*;
use crate::faulty::sink::*;

bites! {
    sink_clauses:
    the_first_is_the_newest TheFirstIsTheNewest,
        caught by [g8_newest_matching_record_is_read]
        also []
        perhaps [];
    receipt_before_durability ReceiptBeforeDurability,
        caught by [r2_record_with_receipt_survives_crash, r2_record_with_receipt_is_visible_on_every_handle]
        also [
            g1_handles_share_one_sequence,
            g1_numbers_continue_after_crash,
            g1_used_id_with_other_content_is_rejected,
            g2_redacted_record_keeps_its_receipt,
            g5_newest_record_stays_and_numbers_continue,
            g5_retention_removes_first_records,
            g5_removed_records_stay_removed_after_crash
        ]
        perhaps [
            g1_one_concurrent_record_gets_the_id,
            g1_concurrent_duplicates_are_one_record,
            g1_concurrent_records_leave_no_gap,
            g1_readers_see_no_gap,
            g1_earlier_receipt_has_smaller_number,
            r2_receipt_names_the_record,
            g5_removal_does_not_disturb_recording
        ];
    receipt_for_another ReceiptForAnother,
        caught by [r2_receipt_names_the_record]
        also [
            g1_numbers_start_at_one_without_gap,
            g1_handles_share_one_sequence,
            g1_numbers_continue_after_crash,
            g1_repeated_record_gets_first_receipt,
            g1_used_id_with_other_content_is_rejected,
            r2_record_with_receipt_is_visible_on_every_handle,
            g1_records_are_read_unchanged,
            g3_every_filter_applies,
            g3_records_are_read_in_sequence_order,
            g5_record_at_exact_limit_stays,
            g5_records_not_covered_are_not_removed,
            g5_newest_record_stays_and_numbers_continue,
            g5_remaining_records_keep_numbers_and_receipts,
            g5_retention_removes_first_records,
            g5_removed_records_stay_removed_after_crash,
            g8_newest_matching_record_is_read
        ]
        perhaps [
            g1_one_concurrent_record_gets_the_id,
            g1_concurrent_duplicates_are_one_record,
            g1_concurrent_records_leave_no_gap,
            g1_readers_see_no_gap,
            g1_earlier_receipt_has_smaller_number,
            g5_removal_does_not_disturb_recording
        ];
    leaves_gaps LeavesGaps,
        caught by [g1_used_id_with_other_content_is_rejected]
        also [g1_repeated_record_gets_first_receipt]
        perhaps [];
    takes_a_used_id TakesAUsedId,
        caught by [g1_used_id_with_other_content_is_rejected]
        also [
            g1_repeated_record_after_crash_gets_first_receipt,
            g1_one_concurrent_record_gets_the_id,
            g2_redacted_record_keeps_its_receipt
        ]
        perhaps [];
    numbers_a_record_twice NumbersARecordTwice,
        caught by [g1_repeated_record_gets_first_receipt]
        also [
            g1_repeated_record_after_crash_gets_first_receipt,
            g1_used_id_with_other_content_is_rejected,
            g1_concurrent_duplicates_are_one_record,
            r2_receipt_names_the_record,
            g2_redacted_record_keeps_its_receipt,
            g2_redaction_applies_on_every_handle,
            g5_record_at_exact_limit_stays,
            g5_newest_record_stays_and_numbers_continue,
            g5_remaining_records_keep_numbers_and_receipts,
            g5_retention_removes_first_records,
            g5_removed_records_stay_removed_after_crash
        ]
        perhaps [g5_removal_does_not_disturb_recording];
    forgets_its_numbers ForgetsItsNumbers,
        caught by [g1_numbers_continue_after_crash]
        also [
            g1_repeated_record_after_crash_gets_first_receipt,
            g5_newest_record_stays_and_numbers_continue
        ]
        perhaps [];
    loses_the_tail LosesTheTail,
        caught by [r2_record_with_receipt_survives_crash]
        also [
            g1_numbers_continue_after_crash,
            g2_redaction_applies_on_every_handle,
            g5_newest_record_stays_and_numbers_continue,
            g5_removed_records_stay_removed_after_crash,
            g8_newest_matching_record_is_read
        ]
        perhaps [];
    reads_by_time ReadsByTime,
        caught by [g3_records_are_read_in_sequence_order]
        also [
            r2_record_with_receipt_survives_crash,
            g1_records_are_read_unchanged,
            g3_every_filter_applies,
            g5_newest_record_stays_and_numbers_continue,
            g5_remaining_records_keep_numbers_and_receipts,
            g5_retention_removes_first_records,
            g8_newest_matching_record_is_read
        ]
        perhaps [g5_removal_does_not_disturb_recording];
    limit_before_filter LimitBeforeFilter,
        caught by [g3_every_filter_applies]
        also []
        perhaps [];
    finds_by_the_first FindsByTheFirst,
        caught by [g3_every_filter_applies]
        also [g5_remaining_records_keep_numbers_and_receipts, g8_newest_matching_record_is_read]
        perhaps [];
    numbers_in_tens NumbersInTens,
        caught by [g1_handles_share_one_sequence]
        also [
            g1_numbers_continue_after_crash,
            g1_concurrent_records_leave_no_gap,
            g1_readers_see_no_gap,
            g5_newest_record_stays_and_numbers_continue
        ]
        perhaps [
            g1_one_concurrent_record_gets_the_id,
            g1_concurrent_duplicates_are_one_record,
            g5_removal_does_not_disturb_recording
        ];
    numbers_before_commit NumbersBeforeCommit,
        caught by [g1_readers_see_no_gap]
        also []
        perhaps [
            g1_one_concurrent_record_gets_the_id,
            g1_concurrent_duplicates_are_one_record,
            g1_concurrent_records_leave_no_gap,
            g5_removal_does_not_disturb_recording
        ];
    swaps_neighbours SwapsNeighbours,
        caught by [g1_earlier_receipt_has_smaller_number]
        also [
            g1_numbers_start_at_one_without_gap,
            g1_handles_share_one_sequence,
            g1_numbers_continue_after_crash,
            g1_repeated_record_gets_first_receipt,
            g1_repeated_record_after_crash_gets_first_receipt,
            g1_used_id_with_other_content_is_rejected,
            r2_record_with_receipt_is_visible_on_every_handle,
            r2_record_with_receipt_survives_crash,
            g1_records_are_read_unchanged,
            g3_every_filter_applies,
            g3_records_are_read_in_sequence_order,
            g2_redacted_record_keeps_its_receipt,
            g2_redaction_applies_on_every_handle,
            g5_record_at_exact_limit_stays,
            g5_records_not_covered_are_not_removed,
            g5_newest_record_stays_and_numbers_continue,
            g5_remaining_records_keep_numbers_and_receipts,
            g5_retention_removes_first_records,
            g5_removed_records_stay_removed_after_crash,
            g8_newest_matching_record_is_read
        ]
        perhaps [
            g1_one_concurrent_record_gets_the_id,
            g1_concurrent_duplicates_are_one_record,
            g1_concurrent_records_leave_no_gap,
            g1_readers_see_no_gap,
            g5_removal_does_not_disturb_recording
        ];
    removes_whatever_is_old RemovesWhateverIsOld,
        caught by [g5_retention_removes_first_records]
        also []
        perhaps [];
    removes_the_very_time RemovesTheVeryTime,
        caught by [g5_record_at_exact_limit_stays]
        also [g5_retention_removes_first_records, g5_removed_records_stay_removed_after_crash]
        perhaps [];
    removes_by_seconds RemovesBySeconds,
        caught by [g5_record_at_exact_limit_stays]
        also []
        perhaps [];
    removes_the_newest RemovesTheNewest,
        caught by [g5_newest_record_stays_and_numbers_continue]
        also []
        perhaps [g5_removal_does_not_disturb_recording];
    numbers_anew NumbersAnew,
        caught by [g5_remaining_records_keep_numbers_and_receipts]
        also [
            g5_record_at_exact_limit_stays,
            g5_newest_record_stays_and_numbers_continue,
            g5_retention_removes_first_records,
            g5_removed_records_stay_removed_after_crash
        ]
        perhaps [g5_removal_does_not_disturb_recording];
    removes_with_the_activities RemovesWithTheActivities,
        caught by [g5_records_not_covered_are_not_removed]
        also []
        perhaps [];
    never_ends NeverEnds,
        caught by [g5_retention_removes_first_records]
        also [
            g2_redacted_record_keeps_its_receipt,
            g2_redaction_applies_on_every_handle,
            g5_record_at_exact_limit_stays,
            g5_records_not_covered_are_not_removed,
            g5_newest_record_stays_and_numbers_continue,
            g5_remaining_records_keep_numbers_and_receipts,
            g5_removed_records_stay_removed_after_crash
        ]
        perhaps [g5_removal_does_not_disturb_recording];
    writes_the_list_back WritesTheListBack,
        caught by [g5_removal_does_not_disturb_recording]
        also []
        perhaps [];
    forgets_everything ForgetsEverything,
        caught by [g2_redaction_applies_on_every_handle]
        also []
        perhaps [];
    forgets_what_was_seen ForgetsWhatWasSeen,
        caught by [g2_redaction_applies_on_every_handle]
        also [g2_redacted_record_keeps_its_receipt]
        perhaps [];
    reads_by_place ReadsByPlace,
        caught by [g5_remaining_records_keep_numbers_and_receipts]
        also []
        perhaps [];
    removes_until_a_crash RemovesUntilACrash,
        caught by [g5_removed_records_stay_removed_after_crash]
        also [
            g2_redaction_applies_on_every_handle,
            g5_newest_record_stays_and_numbers_continue
        ]
        perhaps [];
    forgets_for_itself ForgetsForItself,
        caught by [g2_redaction_applies_on_every_handle]
        also []
        perhaps [];
    takes_it_for_another TakesItForAnother,
        caught by [g2_redacted_record_keeps_its_receipt]
        also []
        perhaps [];
}
