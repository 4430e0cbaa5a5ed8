//! The clauses of the [`GovernanceSink`] contract.

mod idempotency;
mod numbering;
mod read;
mod receipt;
mod removal;

use super::clause::Clause;
use crate::governance::GovernanceSink;

/// A harness for a sink adapter: how to create one and simulate a crash.
pub trait SinkHarness: Sized {
    /// The adapter.
    type Sink: GovernanceSink;

    /// Returns a new, independent sink without records.
    fn fresh() -> Self;

    /// Opens a handle to the records. The kit calls it also while other handles are open, for a second node, and after
    /// a crash.
    fn open(&self) -> Self::Sink;

    /// Simulates a crash at this moment, while handles are open. Afterwards the records are what the crash leaves
    /// behind. See [`StoreHarness::crash`](super::StoreHarness::crash).
    fn crash(&mut self);
}

/// The clauses of the sink contract, by chapter. Tests and [`sink_clauses`] are generated from this list.
#[doc(hidden)]
#[macro_export]
macro_rules! __governance_sink_contract {
    ([$($callback:tt)+] $($context:tt)*) => { $($callback)+! { $($context)*;
        numbering {
            g1_numbers_start_at_one_without_gap:
                "sequence numbers start at 1, have no gap, and grow with each receipt";
            g1_handles_share_one_sequence:
                "records have one sequence across all handles";
            g1_concurrent_records_leave_no_gap:
                "concurrent records get distinct numbers without a gap";
            g1_earlier_receipt_has_smaller_number:
                "a record whose receipt was returned before another was offered has the smaller number";
            g1_readers_see_no_gap:
                "a reader that sees a record sees all with smaller numbers, during concurrent recording";
            g1_numbers_continue_after_crash:
                "after a crash numbers continue where they were";
        }
        idempotency {
            g1_repeated_record_gets_first_receipt:
                "a record offered again, through any handle, gets its first receipt and no new number";
            g1_repeated_record_after_crash_gets_first_receipt:
                "a record offered again after a crash gets its first receipt";
            g1_concurrent_duplicates_are_one_record:
                "one record offered by several threads at once is stored once, with one number";
            g1_used_id_with_other_content_is_rejected:
                "another record under a used id is rejected as `IdTaken`; nothing of it is stored, and it uses no number";
            g1_one_concurrent_record_gets_the_id:
                "of several records offered at once under one id, one is stored and the others are rejected as `IdTaken`";
        }
        receipt {
            r2_receipt_names_the_record:
                "a receipt names the record that was offered";
            r2_record_with_receipt_is_visible_on_every_handle:
                "once a receipt was returned, every handle reads the record";
            r2_record_with_receipt_survives_crash:
                "a record with a receipt survives a crash";
        }
        read {
            g1_records_are_read_unchanged:
                "a record is read as it was offered, for every event and outcome";
            g3_every_filter_applies:
                "`records` returns what `RecordQuery::matches` accepts, for every filter and for combinations";
            g8_newest_matching_record_is_read:
                "`newest` returns the newest record that `RecordQuery::matches` accepts, and `None` if there is none";
            g3_records_are_read_in_sequence_order:
                "records are read in sequence order, after a number, up to a limit of matching records";
        }
        removal {
            g5_retention_removes_first_records:
                "retention removes the old records before the first that is not old, on every handle";
            g5_record_at_exact_limit_stays:
                "retention removes only records made before the time, to the nanosecond";
            g5_newest_record_stays_and_numbers_continue:
                "the newest record is never removed, and numbers continue from it, also after a crash";
            g5_removed_records_stay_removed_after_crash:
                "no crash restores a removed record";
            g5_remaining_records_keep_numbers_and_receipts:
                "remaining records keep their numbers and receipts and match the same queries";
            g5_records_not_covered_are_not_removed:
                "a removal of activities, or a redaction of an unknown record, changes no record";
            g5_removal_does_not_disturb_recording:
                "records offered during a removal are stored and get numbers without a gap";
            g2_redaction_applies_on_every_handle:
                "a redaction takes effect on every handle, also after a crash, and on no other record";
            g2_redacted_record_keeps_its_receipt:
                "a redacted record offered again, redacted or not, gets its first receipt";
        }
    } };
}

/// Returns every clause of the [`GovernanceSink`] contract for the adapter of `H`.
#[must_use]
pub fn sink_clauses<H: SinkHarness>() -> Vec<Clause> {
    crate::__governance_sink_contract!([super::clauses_of] H)
}
