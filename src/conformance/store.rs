//! The clauses of the [`ActivityStore`] contract.

mod after_removal;
mod applied;
mod atomicity;
mod durability;
mod fence;
mod follow;
mod idempotency;
mod limits;
mod non_interference;
mod order;
mod ordering;
mod query;
mod removal;
mod removed_groups;
mod reveal;

use super::clause::Clause;
use crate::store::ActivityStore;

/// A harness for a store adapter: how to create one and simulate a crash.
pub trait StoreHarness: Sized {
    /// The adapter.
    type Store: ActivityStore;

    /// Returns a new, independent store without content.
    fn fresh() -> Self;

    /// Opens a handle to the store. The kit calls it also while other handles are open, for a second node, and after a
    /// crash.
    ///
    /// Clauses store tens of activities. If the store can [stop](crate::store::PublicPage::stopped_at) pages or counts
    /// early, test it a second time with handles that stop after a few activities.
    fn open(&self) -> Self::Store;

    /// Simulates a crash at this moment, while handles are open. Afterwards the store is what the crash leaves behind.
    /// For files: copy them as they are, without closing or flushing anything, and continue from the copy. For a
    /// server: kill it and start it again. For an adapter whose data ends with the process: do nothing.
    fn crash(&mut self);
}

/// The clauses of the store contract, by chapter. Tests and [`store_clauses`] are generated from this list.
#[doc(hidden)]
#[macro_export]
macro_rules! __activity_store_contract {
    ([$($callback:tt)+] $($context:tt)*) => { $($callback)+! { $($context)*;
        fence {
            d5_batch_without_policy_is_stale:
                "a store without a policy rejects every batch as stale, and reports that no policy is in force";
            d5_stale_batch_is_rejected_whole:
                "a batch of another revision than the one in force is rejected as stale, and nothing of it is stored";
            d5_empty_batch_only_checks_revision:
                "an empty batch is accepted or rejected like any other, and stores nothing";
            d5_no_older_batch_is_stored_after_publish:
                "after `publish` has returned, no batch of an older revision is stored";
            d5_stale_change_is_rejected:
                "a policy is published only if the one that it follows is in force, and otherwise rejected as stale";
            d5_policy_is_initialized_once:
                "the first policy is published only if the store has none";
            d5_one_concurrent_change_is_published:
                "of several changes of one revision exactly one is published, and the others are rejected as stale";
            d5_policy_is_read_as_published:
                "a policy is stored whole, and every handle returns it as it was published";
            d5_no_handle_reads_older_policy:
                "after `publish` has returned, every handle returns that policy or a later one";
            b2_errors_contain_no_content:
                "no error contains the content of an activity";
        }
        atomicity {
            d5_batch_is_stored_whole:
                "a batch is stored whole or not at all, public and private activities alike";
            d4_batch_returns_one_outcome_per_activity:
                "a batch returns one outcome per activity, in order, and a duplicate or conflict does not affect the others";
            d5_readers_see_whole_batches:
                "readers see whole batches during concurrent appends";
        }
        idempotency {
            d4_first_decision_is_kept:
                "an id that is delivered again keeps its first decision, whatever its visibility";
            d2_policy_change_keeps_stored_decisions:
                "stored activities keep their decisions when the policy changes";
            d4_other_content_is_conflict:
                "an id that is delivered with other content is a conflict, and keeps its first content";
            d4_details_in_another_layout_are_duplicate:
                "an id that is delivered with its details in another JSON layout is a duplicate";
            d4_first_in_batch_is_stored:
                "an id that occurs twice in a batch is stored once, with its first content";
            d4_first_is_kept_on_every_handle:
                "an id stored through one handle is a duplicate or conflict on every other";
            d4_first_is_kept_after_crash:
                "an id stored before a crash is a duplicate or conflict after it";
            d4_concurrent_deliveries_store_id_once:
                "an id that several callers deliver at once is stored for exactly one of them";
            d4_ids_are_compared_bytewise:
                "ids are equal only byte for byte: case, blanks and Unicode forms distinguish them";
        }
        durability {
            d4_activities_survive_crash:
                "activities of a batch that returned survive a crash, with their decisions";
            f2_offsets_survive_crash:
                "offsets survive a crash, and later activities come after them";
            d5_policy_survives_crash:
                "a policy whose `publish` returned is in force after a crash, as it was published";
            d5_fence_survives_crash:
                "a batch or change that was stale before a crash is stale after it";
        }
        applied {
            g8_last_change_record_is_kept:
                "a store keeps the record of the change that it published last, not of a change that it rejected";
            g8_completed_removal_record_is_kept:
                "a store keeps the records of the last removals once they are complete";
        }
        removed_groups {
            d11_removed_groups_are_read_as_stored:
                "every stored group is returned with its last members and their aliases";
            d11_updates_of_several_nodes_are_merged:
                "updates of one group by several nodes are merged as by `RemovedGroup::merge`";
            d11_concurrent_updates_lose_no_member:
                "each update is one transaction: concurrent updates lose nothing";
            d11_version_grows_with_each_change:
                "the version grows with each change, on every handle and after a crash";
            d11_version_stays_without_change:
                "the version stays the same while nothing changes";
            d11_known_version_returns_none:
                "removed groups are returned unless the caller knows the current version";
            d11_drop_spares_later_removal:
                "a drop affects the named group only, and only if it was removed in that revision or before";
            d11_removed_groups_survive_crash:
                "stored and dropped groups stay so after a crash";
        }
        non_interference {
            v2_pages_do_not_depend_on_private_activities:
                "pages are as if no private activity had ever been appended, after any position and at any limit";
            v2_limit_counts_public_activities_only:
                "private activities are left out before the limit applies, so that pages are full";
            v2_private_id_answers_like_unknown_id:
                "a look-up returns public activities, and answers for a private id as for an unknown one";
            v2_counts_do_not_depend_on_private_activities:
                "counts are as if no private activity had ever been appended";
            f3_offsets_do_not_depend_on_private_activities:
                "offsets are as if no private activity had ever been appended, or sealed and as long";
            f3_ends_and_counts_do_not_depend_on_private_activities:
                "ends, counts and offsets before a time are as if no private activity had ever been appended";
            v2_public_reads_return_only_public_decisions:
                "every activity of a public read was decided public, and has that decision";
        }
        ordering {
            v3_pages_are_newest_first_then_by_id:
                "pages are newest first by time to the microsecond, and then by the bytes of the id";
            v3_pages_of_every_limit_join:
                "consecutive pages return every activity once, at every limit";
            v3_page_continues_after_any_position:
                "a page contains the activities after a position, whether it holds one or not";
            v3_pages_are_stable_while_activities_arrive:
                "activities that arrive between pages cause no repetition and no gap";
            v3_every_limit_is_accepted:
                "every limit is accepted: 0 returns nothing, the largest returns all";
        }
        follow {
            f2_public_after_returns_storage_order:
                "`public_after` returns activities in storage order, and within a batch in delivery order";
            f2_every_offset_continues_after_its_activity:
                "after the start all activities are returned, and after each offset exactly those after its activity";
            f2_offsets_are_stable_at_every_limit:
                "offsets do not change, and consecutive steps of any limit return every activity once";
            f2_follower_misses_nothing:
                "no activity is stored at or before a returned offset, also concurrently";
            b1_foreign_offset_is_rejected_or_harmless:
                "an offset that the store did not make is `UnknownOffset`, or returns the activities after some position";
        }
        order {
            f2_end_is_offset_of_newest_activity:
                "the end is the offset of the public activity that was stored last, also if it was removed";
            f2_stored_between_counts_removed_activities:
                "between two offsets exactly the public activities count that were ever stored, also removed ones";
            f2_offset_before_time_precedes_first_later_decision:
                "the offset before a time directly precedes the first activity that was decided then or later";
            f2_offset_after_end_is_unknown:
                "an offset after the end is `UnknownOffset`, so that a restored store skips nothing";
            f2_end_and_counts_survive_crash:
                "the end and the number of stored activities survive a crash";
        }
        limits {
            v3_stopped_page_can_be_resumed:
                "pages that continue where they stopped return each match once, and end";
            v3_stopped_revealed_page_can_be_resumed:
                "revealed pages that continue where they stopped return each match once, and end";
            v3_counts_add_up_to_total:
                "the total is the sum of the counts by key, and has no keys if none were requested";
            v3_incomplete_counts_never_exceed_matches:
                "incomplete counts contain only activities that match";
        }
        query {
            v3_every_filter_applies_to_pages:
                "a page contains what `Query::matches` accepts, for every filter";
            v3_filters_combine:
                "combined filters all apply";
            v3_ids_combine_with_every_filter:
                "ids combine with every other filter, the position and the limit";
            v3_every_filter_applies_to_counts:
                "counts contain what `Query::matches` accepts, for every filter";
            v3_counts_are_in_key_order:
                "counts use `CountBy::key`, in ascending order, and contain no empty key";
            d8_address_matches_by_idna_domain:
                "an actor that is an address is compared by its domain in IDNA form, never folded as a whole";
        }
        reveal {
            v3_revealed_page_is_newest_first:
                "a revealed page contains public and private activities in one order, with their decisions";
            v3_reveal_can_leave_out_public_activities:
                "a revealed page contains only private activities if its permit says so";
            r1_revealed_page_matches_its_query:
                "a revealed page contains exactly what the query of its permit matches, for every filter";
            v3_revealed_pages_of_every_limit_join:
                "consecutive revealed pages return every activity once";
        }
        removal {
            g5_erasure_removes_exactly_covered_activities:
                "an erasure removes exactly the activities of a person under any of the identities";
            g5_retention_removes_exactly_older_activities:
                "retention removes exactly the activities decided before a time, to the nanosecond";
            g5_removal_step_respects_limit_and_counts:
                "a step removes at most its limit, at least one if any is left, and returns the number";
            g5_removal_survives_crash:
                "removed activities stay removed after a crash, and an interrupted removal continues";
            g5_concurrent_removals_remove_each_activity_once:
                "removals concurrent with each other and with deliveries remove each covered activity once, and no other";
            g5_readers_see_whole_removal_steps:
                "readers see the state before a step or after it";
        }
        after_removal {
            d4_removed_ids_stay_taken:
                "an id whose activity was removed is a duplicate on every handle, whatever its content";
            f2_remaining_offsets_do_not_change:
                "offsets of remaining activities do not change, none is reused, and those of removed ones still continue";
            g5_public_answers_forget_removed_activities:
                "pages, counts and look-ups are as if removed activities had never been stored";
            v2_removal_of_private_activities_leaves_no_trace:
                "no public answer, including offsets, depends on the removal of private activities";
        }
    } };
}

/// Returns every clause of the [`ActivityStore`] contract for the adapter of `H`.
#[must_use]
pub fn store_clauses<H: StoreHarness>() -> Vec<Clause> {
    crate::__activity_store_contract!([super::clauses_of] H)
}
