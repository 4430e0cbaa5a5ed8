//! The clauses that each faulty sink violates.

use activity_privacy::conformance::sink_clauses;

use super::*;
use crate::faulty::sink::*;

violations! {
    sink_clauses:
    returns_first_as_newest ReturnsFirstAsNewest,
        detected by [g8_newest_matching_record_is_read]
        also []
        perhaps [];
    stores_nothing StoresNothing,
        detected by [r2_receipt_names_the_record]
        also [
            g1_records_are_read_unchanged,
            g1_repeated_record_after_crash_gets_first_receipt,
            g1_repeated_record_gets_first_receipt,
            g1_used_id_with_other_content_is_rejected,
            g2_redacted_record_keeps_its_receipt,
            g2_redaction_applies_on_every_handle,
            g3_every_filter_applies,
            g3_records_are_read_in_sequence_order,
            g5_newest_record_stays_and_numbers_continue,
            g5_record_at_exact_limit_stays,
            g5_records_not_covered_are_not_removed,
            g5_remaining_records_keep_numbers_and_receipts,
            g5_removed_records_stay_removed_after_crash,
            g5_retention_removes_first_records,
            g8_newest_matching_record_is_read,
            r2_record_with_receipt_is_visible_on_every_handle,
            r2_record_with_receipt_survives_crash
        ]
        perhaps [
            g1_concurrent_duplicates_are_one_record,
            g1_concurrent_records_leave_no_gap,
            g1_one_concurrent_record_gets_the_id,
            g5_removal_does_not_disturb_recording
        ];
    confuses_two_kinds ConfusesTwoKinds,
        detected by [g3_every_filter_applies]
        also [g5_remaining_records_keep_numbers_and_receipts, g8_newest_matching_record_is_read]
        perhaps [];
    receipt_before_durability ReceiptBeforeDurability,
        detected by [r2_record_with_receipt_survives_crash, r2_record_with_receipt_is_visible_on_every_handle]
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
        detected by [r2_receipt_names_the_record]
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
        detected by [g1_used_id_with_other_content_is_rejected]
        also [g1_repeated_record_gets_first_receipt]
        perhaps [];
    accepts_used_id AcceptsUsedId,
        detected by [g1_used_id_with_other_content_is_rejected]
        also [
            g1_repeated_record_after_crash_gets_first_receipt,
            g1_one_concurrent_record_gets_the_id,
            g2_redacted_record_keeps_its_receipt
        ]
        perhaps [];
    numbers_repeated_record NumbersRepeatedRecord,
        detected by [g1_repeated_record_gets_first_receipt]
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
    restarts_numbering RestartsNumbering,
        detected by [g1_numbers_continue_after_crash]
        also [
            g1_repeated_record_after_crash_gets_first_receipt,
            g5_newest_record_stays_and_numbers_continue
        ]
        perhaps [];
    loses_tail LosesTail,
        detected by [r2_record_with_receipt_survives_crash]
        also [
            g1_numbers_continue_after_crash,
            g2_redaction_applies_on_every_handle,
            g5_newest_record_stays_and_numbers_continue,
            g5_removed_records_stay_removed_after_crash,
            g8_newest_matching_record_is_read
        ]
        perhaps [];
    reads_by_time ReadsByTime,
        detected by [g3_records_are_read_in_sequence_order]
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
        detected by [g3_every_filter_applies]
        also []
        perhaps [];
    finds_by_first_change FindsByFirstChange,
        detected by [g3_every_filter_applies]
        also [g5_remaining_records_keep_numbers_and_receipts, g8_newest_matching_record_is_read]
        perhaps [];
    numbers_in_tens NumbersInTens,
        detected by [g1_handles_share_one_sequence]
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
        detected by [g1_readers_see_no_gap]
        also []
        perhaps [
            g1_one_concurrent_record_gets_the_id,
            g1_concurrent_duplicates_are_one_record,
            g1_concurrent_records_leave_no_gap,
            g5_removal_does_not_disturb_recording
        ];
    swaps_neighbours SwapsNeighbours,
        detected by [g1_earlier_receipt_has_smaller_number]
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
    removes_any_old RemovesAnyOld,
        detected by [g5_retention_removes_first_records]
        also []
        perhaps [];
    removes_at_cutoff RemovesAtCutoff,
        detected by [g5_record_at_exact_limit_stays]
        also [g5_retention_removes_first_records, g5_removed_records_stay_removed_after_crash]
        perhaps [];
    removes_by_seconds RemovesBySeconds,
        detected by [g5_record_at_exact_limit_stays]
        also []
        perhaps [];
    removes_newest RemovesNewest,
        detected by [g5_newest_record_stays_and_numbers_continue]
        also []
        perhaps [g5_removal_does_not_disturb_recording];
    renumbers_remaining RenumbersRemaining,
        detected by [g5_remaining_records_keep_numbers_and_receipts]
        also [
            g5_record_at_exact_limit_stays,
            g5_newest_record_stays_and_numbers_continue,
            g5_retention_removes_first_records,
            g5_removed_records_stay_removed_after_crash
        ]
        perhaps [g5_removal_does_not_disturb_recording];
    uses_activity_age UsesActivityAge,
        detected by [g5_records_not_covered_are_not_removed]
        also []
        perhaps [];
    never_completes NeverCompletes,
        detected by [g5_retention_removes_first_records]
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
    writes_list_back WritesListBack,
        detected by [g5_removal_does_not_disturb_recording]
        also []
        perhaps [];
    redacts_all RedactsAll,
        detected by [g2_redaction_applies_on_every_handle]
        also []
        perhaps [];
    redacts_totals RedactsTotals,
        detected by [g2_redaction_applies_on_every_handle]
        also [g2_redacted_record_keeps_its_receipt]
        perhaps [];
    reads_by_index ReadsByIndex,
        detected by [g5_remaining_records_keep_numbers_and_receipts]
        also []
        perhaps [];
    removes_in_memory RemovesInMemory,
        detected by [g5_removed_records_stay_removed_after_crash]
        also [
            g2_redaction_applies_on_every_handle,
            g5_newest_record_stays_and_numbers_continue
        ]
        perhaps [];
    redacts_per_handle RedactsPerHandle,
        detected by [g2_redaction_applies_on_every_handle]
        also []
        perhaps [];
    compares_bytes ComparesBytes,
        detected by [g2_redacted_record_keeps_its_receipt]
        also []
        perhaps [];
}
