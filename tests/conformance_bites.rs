//! The conformance kit tells adapters that are almost right from those that are. Each wrong one is caught by the clause
//! that names its fault. What else it breaks is listed by name, so that nobody takes a kit that refuses everything for
//! a sharp one, and no clause is left that nothing breaks.
#![cfg(feature = "conformance")]

#[path = "../examples/own_adapter/list.rs"]
mod list;
mod wrong;

use std::collections::BTreeSet;

use activity_privacy::conformance::Clause;

/// Names of clauses.
type Names = &'static [&'static str];

/// What is to be seen of a wrong adapter.
struct Bite {
    /// The clauses that name its fault.
    caught_by: Names,
    /// What it breaks besides, each time.
    also: Names,
    /// What it breaks besides when threads meet unluckily.
    perhaps: Names,
}

impl Bite {
    fn check(&self, clauses: &[Clause]) {
        let violations = clauses.iter().filter_map(|clause| clause.check().err());
        let broken: BTreeSet<&str> = violations.map(|violation| violation.clause).collect();
        let surely: BTreeSet<&str> = [self.caught_by, self.also].concat().into_iter().collect();
        let missed: Vec<_> = surely.difference(&broken).collect();
        assert!(missed.is_empty(), "not caught by {missed:?}");
        let beyond: Vec<_> = broken.difference(&surely).filter(|name| !self.perhaps.contains(name)).collect();
        assert!(beyond.is_empty(), "caught by {beyond:?} as well");
    }
}

/// One test for each wrong adapter, one for the right one, and one that no clause is left over.
macro_rules! bites {
    (
        $clauses:ident:
        $($test:ident $fault:ident, caught by [$($by:ident),+] also [$($also:ident),*] perhaps [$($perhaps:ident),*];)+
    ) => {
        $(#[test]
        fn $test() {
            let bite = Bite {
                caught_by: &[$(stringify!($by)),+],
                also: &[$(stringify!($also)),*],
                perhaps: &[$(stringify!($perhaps)),*],
            };
            bite.check(&$clauses::<Place<$fault>>());
        })+

        #[test]
        fn no_fault() {
            Bite { caught_by: &[], also: &[], perhaps: &[] }.check(&$clauses::<Place<NoFault>>());
        }

        #[test]
        fn no_clause_is_idle() {
            let bite = BTreeSet::from([$($(stringify!($by),)+ $(stringify!($also),)*)+]);
            let clauses = $clauses::<Place<NoFault>>();
            let idle: Vec<_> = clauses.iter().filter(|clause| !bite.contains(clause.name)).collect();
            assert!(idle.is_empty(), "nothing breaks {idle:?}");
        }
    };
}

mod store {
    use activity_privacy::conformance::store_clauses;

    use super::*;
    use crate::wrong::store::*;

    bites! {
        store_clauses:
        last_write_wins LastWriteWins,
            caught by [d4_the_first_content_wins, d4_the_first_verdict_wins]
            also [
                d4_within_a_batch_the_first_wins,
                d4_on_every_handle_the_first_wins,
                d4_after_a_crash_the_first_wins
            ]
            perhaps [];
        drops_the_fence DropsTheFence,
            caught by [d5_a_stale_batch_is_refused_whole]
            also [d5_without_a_policy_nothing_is_stored, d5_an_empty_batch_only_asks, the_fence_outlives_a_crash]
            perhaps [d5_nothing_older_is_stored_once_a_publish_returned];
        fence_before_commit FenceBeforeCommit,
            caught by [d5_nothing_older_is_stored_once_a_publish_returned]
            also []
            perhaps [];
        two_winners TwoWinners,
            caught by [d5_one_of_racing_changes_wins]
            also []
            perhaps [];
        keeps_no_record KeepsNoRecord,
            caught by [g8_the_record_of_the_last_change_is_kept]
            also []
            perhaps [];
        keeps_a_record_too_early KeepsARecordTooEarly,
            caught by [g8_the_record_of_a_removal_is_kept_once_it_is_complete]
            also []
            perhaps [];
        counts_what_is_hidden CountsWhatIsHidden,
            caught by [v2_counts_tell_nothing_of_what_is_hidden]
            also [
                d8_an_address_is_found_by_its_domain,
                d4_the_first_verdict_wins,
                d4_the_first_content_wins,
                d4_on_every_handle_the_first_wins,
                d4_after_a_crash_the_first_wins,
                v3_every_filter_narrows_counts,
                v2_removing_what_is_hidden_leaves_no_trace
            ]
            perhaps [];
        places_count_what_is_hidden PlacesCountWhatIsHidden,
            caught by [v2_places_count_public_activities_alone]
            also [f2_places_of_what_stays_do_not_change]
            perhaps [];
        orders_by_insertion OrdersByInsertion,
            caught by [v3_pages_are_newest_first_and_then_by_id]
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
                g5_what_is_too_old_goes_and_nothing_else
            ]
            perhaps [];
        loses_the_tail LosesTheTail,
            caught by [activities_outlive_a_crash]
            also [d4_after_a_crash_the_first_wins, places_outlive_a_crash, g5_a_removal_outlives_a_crash]
            perhaps [];
        forgets_the_policy ForgetsThePolicy,
            caught by [the_policy_outlives_a_crash]
            also [
                d4_after_a_crash_the_first_wins,
                activities_outlive_a_crash,
                places_outlive_a_crash,
                the_fence_outlives_a_crash,
                g5_a_removal_outlives_a_crash,
                g8_the_record_of_a_removal_is_kept_once_it_is_complete
            ]
            perhaps [];
        stores_half_a_batch StoresHalfABatch,
            caught by [a_batch_is_answered_for_one_by_one]
            also [
                d4_within_a_batch_the_first_wins,
                d4_after_a_crash_the_first_wins,
                d4_racing_deliveries_store_an_id_once,
                d4_ids_of_what_was_removed_stay_taken,
                g5_a_removal_outlives_a_crash
            ]
            perhaps [];
        stores_one_by_one StoresOneByOne,
            caught by [a_batch_is_seen_whole]
            also []
            perhaps [
                d5_nothing_older_is_stored_once_a_publish_returned,
                f2_whoever_follows_public_since_misses_nothing
            ];
        decides_anew DecidesAnew,
            caught by [d4_a_change_of_the_policy_moves_no_verdict]
            also [
                d4_the_first_verdict_wins,
                d4_after_a_crash_the_first_wins,
                f2_places_stay_and_go_on_at_every_limit,
                v3_every_filter_narrows_pages,
                v3_filters_narrow_together,
                v3_every_filter_narrows_counts,
                v3_counts_are_by_key_in_rising_order,
                v3_a_reveal_sees_all_newest_first,
                v3_a_reveal_can_leave_out_what_is_public,
                r1_a_reveal_sees_what_its_query_finds,
                v3_pages_of_a_reveal_join_at_every_limit,
                d4_ids_of_what_was_removed_stay_taken
            ]
            perhaps [];
        ignores_the_suite IgnoresTheSuite,
            caught by [v3_every_filter_narrows_pages]
            also [v3_filters_narrow_together]
            perhaps [];
        cursor_is_inclusive CursorIsInclusive,
            caught by [v3_pages_join_at_every_limit]
            also [
                v3_a_page_goes_on_after_any_position,
                v3_pages_are_stable_while_activities_arrive,
                v3_every_filter_narrows_pages,
                g5_public_answers_are_as_if_it_had_never_been_stored,
                v2_removing_what_is_hidden_leaves_no_trace
            ]
            perhaps [];
        refuses_a_hidden_id RefusesAHiddenId,
            caught by [v2_a_hidden_id_and_an_unknown_one_are_answered_alike]
            also []
            perhaps [];
        shows_a_hidden_id ShowsAHiddenId,
            caught by [
                v2_a_hidden_id_and_an_unknown_one_are_answered_alike,
                v2_public_reads_return_what_was_decided_public
            ]
            also []
            perhaps [];
        limit_before_hiding LimitBeforeHiding,
            caught by [v2_a_limit_cuts_what_is_shown]
            also [
                v2_pages_tell_nothing_of_what_is_hidden,
                v3_every_filter_narrows_pages,
                v2_removing_what_is_hidden_leaves_no_trace
            ]
            perhaps [];
        cuts_times_to_seconds CutsTimesToSeconds,
            caught by [v3_pages_are_newest_first_and_then_by_id]
            also [
                v3_pages_join_at_every_limit,
                v3_a_page_goes_on_after_any_position,
                v3_every_filter_narrows_pages,
                v3_filters_narrow_together
            ]
            perhaps [];
        ignores_case IgnoresCase,
            caught by [d4_ids_are_compared_byte_for_byte]
            also [
                v3_pages_are_newest_first_and_then_by_id,
                v3_pages_join_at_every_limit,
                v3_a_page_goes_on_after_any_position,
                v3_no_limit_is_too_small_or_too_large,
                f2_public_since_goes_by_the_order_of_storing,
                f2_places_stay_and_go_on_at_every_limit
            ]
            perhaps [];
        keeps_the_last_word KeepsTheLastWord,
            caught by [d11_what_nodes_keep_of_a_group_adds_up]
            also [d11_racing_nodes_lose_no_member]
            perhaps [];
        counts_for_a_version CountsForAVersion,
            caught by [d11_the_version_of_what_is_kept_changes_with_it]
            also []
            perhaps [];
        drops_what_vanished_later DropsWhatVanishedLater,
            caught by [d11_a_drop_spares_what_vanished_later]
            also []
            perhaps [];
        ignores_private_only IgnoresPrivateOnly,
            caught by [v3_a_reveal_can_leave_out_what_is_public]
            also [r1_a_reveal_sees_what_its_query_finds, v3_pages_of_a_reveal_join_at_every_limit]
            perhaps [];
        places_before_commit PlacesBeforeCommit,
            caught by [f2_whoever_follows_public_since_misses_nothing]
            also []
            perhaps [d5_nothing_older_is_stored_once_a_publish_returned];
        looks_before_it_stores LooksBeforeItStores,
            caught by [d4_racing_deliveries_store_an_id_once]
            also [d4_ids_of_what_was_removed_stay_taken, g5_a_removal_outlives_a_crash]
            perhaps [];
        publishes_anything PublishesAnything,
            caught by [d5_a_stale_change_is_refused, d5_policy_is_initialized_once]
            also [the_fence_outlives_a_crash, g8_the_record_of_the_last_change_is_kept]
            perhaps [d5_nothing_older_is_stored_once_a_publish_returned, d5_one_of_racing_changes_wins];
        answers_from_a_cache AnswersFromACache,
            caught by [d5_no_handle_goes_back_to_an_older_policy]
            also []
            perhaps [
                a_batch_is_seen_whole,
                d4_racing_deliveries_store_an_id_once,
                d5_nothing_older_is_stored_once_a_publish_returned,
                d5_one_of_racing_changes_wins,
                f2_whoever_follows_public_since_misses_nothing,
                g5_racing_removals_and_deliveries_lose_nothing_else
            ];
        forgets_the_options ForgetsTheOptions,
            caught by [d5_a_policy_comes_back_whole]
            also []
            perhaps [];
        says_what_it_refuses SaysWhatItRefuses,
            caught by [b2_a_refusal_carries_no_content]
            also [
                d5_without_a_policy_nothing_is_stored,
                d5_a_stale_batch_is_refused_whole,
                d5_an_empty_batch_only_asks,
                the_fence_outlives_a_crash
            ]
            perhaps [d5_nothing_older_is_stored_once_a_publish_returned];
        stores_thirty_two StoresThirtyTwo,
            caught by [a_batch_is_stored_whole]
            also [
                v3_every_filter_narrows_pages,
                v3_filters_narrow_together,
                v3_every_filter_narrows_counts,
                v3_counts_are_by_key_in_rising_order,
                v3_a_reveal_sees_all_newest_first,
                v3_a_reveal_can_leave_out_what_is_public,
                r1_a_reveal_sees_what_its_query_finds,
                v3_pages_of_a_reveal_join_at_every_limit
            ]
            perhaps [];
        forgets_that_it_is_back ForgetsThatItIsBack,
            caught by [d11_what_nodes_keep_of_a_group_adds_up]
            also [d11_kept_groups_outlive_a_crash]
            perhaps [];
        forgets_names ForgetsNames,
            caught by [d11_kept_groups_come_back]
            also [
                d11_what_nodes_keep_of_a_group_adds_up,
                d11_a_drop_spares_what_vanished_later,
                d11_kept_groups_outlive_a_crash
            ]
            perhaps [];
        forgets_who_vanished ForgetsWhoVanished,
            caught by [d11_kept_groups_outlive_a_crash]
            also []
            perhaps [];
        pages_by_offset PagesByOffset,
            caught by [v3_pages_are_stable_while_activities_arrive]
            also [v3_a_page_goes_on_after_any_position, v3_every_filter_narrows_pages]
            perhaps [];
        gives_one_at_least GivesOneAtLeast,
            caught by [v3_no_limit_is_too_small_or_too_large]
            also [v2_a_limit_cuts_what_is_shown]
            perhaps [];
        places_by_time PlacesByTime,
            caught by [f2_public_since_goes_by_the_order_of_storing, f2_places_stay_and_go_on_at_every_limit]
            also [places_outlive_a_crash, f2_places_of_what_stays_do_not_change]
            perhaps [
                d5_nothing_older_is_stored_once_a_publish_returned,
                f2_whoever_follows_public_since_misses_nothing
            ];
        counts_by_label CountsByLabel,
            caught by [v3_counts_are_by_key_in_rising_order]
            also [d8_an_address_is_found_by_its_domain]
            perhaps [];
        reveals_what_is_hidden_alone RevealsWhatIsHiddenAlone,
            caught by [v3_a_reveal_sees_all_newest_first]
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
                g5_what_is_too_old_goes_and_nothing_else
            ]
            perhaps [];
        folds_the_domain FoldsTheDomain,
            caught by [d8_an_address_is_found_by_its_domain]
            also []
            perhaps [];
        ignores_the_query_of_a_reveal IgnoresTheQueryOfAReveal,
            caught by [r1_a_reveal_sees_what_its_query_finds]
            also []
            perhaps [];
        removes_what_was_done_to_them RemovesWhatWasDoneToThem,
            caught by [g5_of_a_person_what_is_covered_goes_and_nothing_else]
            also [
                d4_ids_of_what_was_removed_stay_taken,
                g5_a_removal_outlives_a_crash,
                g5_steps_keep_their_limit_and_say_how_many
            ]
            perhaps [];
        stops_at_the_first_that_stays StopsAtTheFirstThatStays,
            caught by [g5_what_is_too_old_goes_and_nothing_else]
            also [v2_removing_what_is_hidden_leaves_no_trace]
            perhaps [];
        ignores_the_limit IgnoresTheLimit,
            caught by [g5_steps_keep_their_limit_and_say_how_many]
            also []
            perhaps [];
        forgets_the_ids ForgetsTheIds,
            caught by [d4_ids_of_what_was_removed_stay_taken]
            also [g5_a_removal_outlives_a_crash]
            perhaps [];
        says_conflict SaysConflict,
            caught by [d4_ids_of_what_was_removed_stay_taken]
            also [g5_a_removal_outlives_a_crash]
            perhaps [];
        moves_places_up MovesPlacesUp,
            caught by [f2_places_of_what_stays_do_not_change]
            also []
            perhaps [];
        gives_places_again GivesPlacesAgain,
            caught by [f2_places_of_what_stays_do_not_change]
            also []
            perhaps [];
        goes_on_counting GoesOnCounting,
            caught by [g5_public_answers_are_as_if_it_had_never_been_stored]
            also [g5_racing_removals_and_deliveries_lose_nothing_else]
            perhaps [];
        goes_on_finding GoesOnFinding,
            caught by [g5_public_answers_are_as_if_it_had_never_been_stored]
            also []
            perhaps [];
        removes_one_by_one RemovesOneByOne,
            caught by [g5_readers_see_whole_steps]
            also []
            perhaps [];
        comes_back_after_a_crash ComesBackAfterACrash,
            caught by [g5_a_removal_outlives_a_crash]
            also []
            perhaps [];
        forgets_the_ids_in_a_crash ForgetsTheIdsInACrash,
            caught by [g5_a_removal_outlives_a_crash]
            also []
            perhaps [];
        looks_and_then_removes LooksAndThenRemoves,
            caught by [g5_racing_removals_and_deliveries_lose_nothing_else]
            also []
            perhaps [];
        leaves_a_place_for_what_was_hidden LeavesAPlaceForWhatWasHidden,
            caught by [v2_removing_what_is_hidden_leaves_no_trace]
            also []
            perhaps [];
        spares_what_is_hidden SparesWhatIsHidden,
            caught by [v2_removing_what_is_hidden_leaves_no_trace]
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
    }
}

mod sink {
    use activity_privacy::conformance::sink_clauses;

    use super::*;
    use crate::wrong::sink::*;

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
}

mod directory {
    use activity_privacy::conformance::directory_clauses;

    use super::*;
    use crate::wrong::directory::*;

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
}
