//! The contract of [`GovernanceSink`], clause by clause.

mod number;
mod once;
mod read;
mod receipt;
mod removal;

use super::clause::Clause;
use crate::governance::GovernanceSink;

/// What an embedder tells the kit about a sink: where a fresh one is, and what a crash leaves of it.
pub trait SinkHarness: Sized {
    /// The adapter.
    type Sink: GovernanceSink;

    /// A place of its own with no record in it.
    fn fresh() -> Self;

    /// A handle on the records in this place. Called again while others are open: for a second node, or after a crash.
    fn open(&self) -> Self::Sink;

    /// From now on this place is what a crash at this moment leaves behind, while handles are open. See
    /// [`StoreHarness::crash`](super::StoreHarness::crash).
    fn crash(&mut self);
}

/// Every clause that a sink is held to, chapter by chapter. Tests and [`sink_clauses`] are made from this one list.
#[doc(hidden)]
#[macro_export]
macro_rules! __governance_sink_contract {
    ([$($callback:tt)+] $($context:tt)*) => { $($callback)+! { $($context)*;
        number {
            g1_numbers_begin_at_one_and_have_no_gap:
                "sequence numbers begin at 1, have no gap, and rise with each record that is answered";
            g1_handles_share_one_numbering:
                "records have one sequence, through whatever handle they came";
            g1_racing_records_leave_no_gap:
                "records that are offered at once get numbers without a gap, each its own";
            g1_who_is_answered_first_has_the_smaller_number:
                "a record that was answered before another was offered has the smaller number";
            g1_readers_see_no_gap:
                "whoever reads a record sees all with smaller numbers, while others are being recorded";
            g1_numbers_outlive_a_crash:
                "numbers go on after a crash where they were";
        }
        once {
            g1_a_record_offered_again_gets_its_first_receipt:
                "the same record offered again, through any handle, gets its first receipt and takes no number";
            g1_a_record_offered_again_after_a_crash_gets_its_first_receipt:
                "the same record offered again after a crash gets the receipt that it got before";
            g1_racing_offers_of_a_record_are_one_record:
                "the same record, offered by several at once, is kept once and has one number";
            g1_another_record_under_a_used_id_is_refused:
                "another record under a used id is refused as `IdTaken`; nothing of it is kept, and it takes no number";
            g1_one_of_racing_records_gets_an_id:
                "of several records offered at once under one id, one is kept and the others are refused as `IdTaken`";
        }
        receipt {
            r2_a_receipt_names_the_record:
                "a receipt names the very record that was offered";
            r2_a_receipt_means_that_every_handle_sees_the_record:
                "once a record was answered, every handle reads it";
            r2_a_receipt_outlives_a_crash:
                "a record is where a crash cannot take it before it is answered";
        }
        read {
            g1_records_come_back_whole:
                "a record is read as it was offered, whatever its event and outcome";
            g3_every_filter_narrows:
                "records are read as `RecordQuery::matches` finds them, for every filter and for filters together";
            g8_the_newest_matching_record_is_read:
                "the newest record that `RecordQuery::matches` finds is read, for every filter, and none where there is none";
            g3_records_are_read_in_sequence_after_a_number:
                "records are read in sequence, after a number, at most so many that match";
        }
        removal {
            g5_what_is_removed_are_the_first_records:
                "of records too old, those are removed that come before the first that is not, for every handle";
            g5_a_record_made_at_the_very_time_stays:
                "a record is removed only if it was made before the time, to the nanosecond";
            g5_the_newest_record_stays_and_numbers_go_on:
                "the newest record stays however old it is, and numbers go on from it, after a crash too";
            g5_what_was_removed_stays_removed_after_a_crash:
                "no crash brings a record back that was removed";
            g5_what_is_kept_is_read_and_answered_as_before:
                "records that stay keep their numbers and receipts, and are found as before";
            g5_nothing_is_removed_that_a_removal_does_not_cover:
                "a removal of activities, or of what an unknown record says, changes no record";
            g5_removing_disturbs_no_recording:
                "records that come during a removal are kept, and get numbers without a gap";
            g2_what_a_record_says_of_people_is_forgotten_on_every_handle:
                "a record that is to forget does so for every handle, also after a crash, and no other forgets";
            g2_a_record_that_forgot_is_still_the_same_record:
                "a record that forgot, offered again with or without what it forgot, gets its first receipt";
        }
    } };
}

/// Every clause of the contract of [`GovernanceSink`], to try out on the adapter behind `H`.
#[must_use]
pub fn sink_clauses<H: SinkHarness>() -> Vec<Clause> {
    crate::__governance_sink_contract!([super::clauses_of] H)
}
