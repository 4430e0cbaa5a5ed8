//! The contract of [`ActivityStore`], clause by clause.

mod applied;
mod batch;
mod durable;
mod fence;
mod first;
mod follow;
mod hidden;
mod limits;
mod order;
mod query;
mod remains;
mod removal;
mod removed_groups;
mod reveal;

use super::clause::Clause;
use crate::store::ActivityStore;

/// What an embedder tells the kit about a store: where a fresh one is, and what a crash leaves of it.
pub trait StoreHarness: Sized {
    /// The adapter.
    type Store: ActivityStore;

    /// A place of its own with nothing in it.
    fn fresh() -> Self;

    /// A handle on what lies in this place. Called again while others are open: for a second node, or after a crash.
    ///
    /// Clauses store tens of activities. If the store [stops](crate::store::PublicPage::stopped_at) pages or counts that read
    /// very much, try it out a second time with handles that stop after a few.
    fn open(&self) -> Self::Store;

    /// From now on this place is what a crash at this moment leaves behind, while handles are open. Files: copy them as
    /// they are, without closing or flushing anything, and go on from the copy. A server: kill it and start it again.
    /// An adapter whose data ends with the process has nothing to lose here, because what would be lost is the process.
    fn crash(&mut self);
}

/// Every clause that a store is held to, chapter by chapter. Tests and [`store_clauses`] are made from this one list.
#[doc(hidden)]
#[macro_export]
macro_rules! __activity_store_contract {
    ([$($callback:tt)+] $($context:tt)*) => { $($callback)+! { $($context)*;
        fence {
            d5_without_a_policy_nothing_is_stored:
                "a store that has no policy takes no batch, and says that none is in force";
            d5_a_stale_batch_is_refused_whole:
                "a batch of another revision than the one in force is refused as stale, and nothing of it is stored";
            d5_an_empty_batch_only_asks:
                "an empty batch is taken or refused as any other, and stores nothing";
            d5_nothing_older_is_stored_once_a_publish_returned:
                "the revision is still in force when a batch commits: once `publish` returned, nothing older is stored";
            d5_a_stale_change_is_refused:
                "a policy is published only if the one that it follows is in force, and otherwise refused as stale";
            d5_policy_is_initialized_once:
                "the first policy is published only where there is none";
            d5_one_of_racing_changes_wins:
                "of several changes of one revision exactly one is published, and the others are refused as stale";
            d5_a_policy_comes_back_whole:
                "a policy is stored whole, and every handle gives it back as it was published";
            d5_no_handle_goes_back_to_an_older_policy:
                "once `publish` returned, every handle answers with that policy or a later one, never with an older";
            b2_a_refusal_carries_no_content:
                "no error carries the content of an activity";
        }
        batch {
            a_batch_is_stored_whole:
                "a batch is stored whole or not at all, public and private activities alike";
            a_batch_is_answered_for_one_by_one:
                "a batch is answered for activity by activity, in order, and a duplicate or conflict keeps out no other";
            a_batch_is_seen_whole:
                "readers see whole batches, while others are being stored";
        }
        first {
            d4_the_first_verdict_wins:
                "an id that is delivered again keeps its first decision, whichever visibility it got";
            d4_a_change_of_the_policy_moves_no_verdict:
                "what is stored keeps its decision when the policy changes";
            d4_the_first_content_wins:
                "an id that is delivered with any other content is a conflict, and the first content stays";
            d4_within_a_batch_the_first_wins:
                "an id that stands twice in a batch is stored once, as it stood first";
            d4_on_every_handle_the_first_wins:
                "an id that was stored through one handle is a duplicate or conflict on every other";
            d4_after_a_crash_the_first_wins:
                "an id that was stored before a crash is a duplicate or conflict after it";
            d4_racing_deliveries_store_an_id_once:
                "an id that several deliver at once is stored for exactly one of them";
            d4_ids_are_compared_byte_for_byte:
                "ids are the same only if they are byte for byte: case, blanks and Unicode forms tell them apart";
        }
        durable {
            activities_outlive_a_crash:
                "activities that were answered for outlive a crash, with their decisions";
            f2_offsets_outlive_a_crash:
                "offsets outlive a crash, and what is stored later comes after them";
            the_policy_outlives_a_crash:
                "a policy whose `publish` returned is in force after a crash, as it was published";
            the_fence_outlives_a_crash:
                "what was stale before a crash is stale after it";
        }
        applied {
            g8_the_record_of_the_last_change_is_kept:
                "a store keeps the record of the change that it published last, and of no change that it refused";
            g8_the_record_of_a_removal_is_kept_once_it_is_complete:
                "a store keeps the record of each of the last removals once nothing is left of it";
        }
        removed_groups {
            d11_kept_groups_come_back:
                "every group that was kept comes back, with its last members and their names";
            d11_what_nodes_keep_of_a_group_adds_up:
                "what several nodes keep of one group is kept together, as `RemovedGroup::merge` says";
            d11_racing_nodes_lose_no_member:
                "keeping is one transaction: nodes that keep at once lose nothing of each other";
            d11_the_version_of_what_is_kept_changes_with_it:
                "the version of what is kept is greater after each change of it, on every handle and after a crash";
            d11_the_version_stays_without_a_change:
                "the version of what is kept stays while nothing of it changes";
            d11_what_is_known_is_not_read_again:
                "removed groups are returned unless the caller knows the very version that they have";
            d11_a_drop_spares_what_vanished_later:
                "a drop takes the one group, if it vanished in that revision or before, and nothing else";
            d11_kept_groups_outlive_a_crash:
                "what was kept or dropped of removed groups outlives a crash";
        }
        hidden {
            v2_pages_tell_nothing_of_what_is_hidden:
                "pages are as if no private activity had ever been appended, after any position and at any limit";
            v2_a_limit_cuts_what_is_shown:
                "private activities are left out before the limit cuts, so that a page is as full as it can be";
            v2_a_hidden_id_and_an_unknown_one_are_answered_alike:
                "a look-up finds public activities, and answers for a hidden id as for an unknown one";
            v2_counts_tell_nothing_of_what_is_hidden:
                "counts are as if no private activity had ever been appended";
            f3_offsets_tell_nothing_of_what_is_hidden:
                "offsets are as if no private activity had ever been appended, or sealed and as long";
            v2_public_reads_return_what_was_decided_public:
                "whatever a public read returns was decided public, and comes back under that very decision";
        }
        order {
            v3_pages_are_newest_first_and_then_by_id:
                "pages are newest first by time to the microsecond, and then by the bytes of the id";
            v3_pages_join_at_every_limit:
                "pages that go on after the last position of the one before give everything once, at every limit";
            v3_a_page_goes_on_after_any_position:
                "a page holds what comes after a position, whether an activity stands there or not";
            v3_pages_are_stable_while_activities_arrive:
                "what arrives while somebody turns pages repeats nothing and leaves nothing out";
            v3_no_limit_is_too_small_or_too_large:
                "every limit is taken: 0 gives nothing, the largest gives all";
        }
        follow {
            f2_public_after_goes_by_the_order_of_storing:
                "`public_after` returns activities in the order of storing, within a batch in the order of delivery";
            f2_following_from_any_offset_gives_what_comes_after:
                "after the start all comes, and after each offset that was returned just what comes after its activity";
            f2_offsets_stay_and_go_on_at_every_limit:
                "offsets stay, and steps of any limit that go on after the last offset give everything once";
            f2_a_follower_misses_nothing:
                "nothing is stored at or before an offset that was returned, however concurrently";
            b1_an_offset_of_no_store_is_refused_or_harmless:
                "an offset that the store did not make is `UnknownOffset`, or returns what comes after some activity";
        }
        limits {
            v3_a_page_that_stops_can_be_resumed:
                "pages that go on where they stopped return what the query finds, each once, and come to an end";
            v3_a_revealed_page_that_stops_can_be_resumed:
                "revealed pages that go on where they stopped return what the query finds, each once, and come to an end";
            v3_counts_add_up_to_their_total:
                "a total is the sum of the counts by key, and comes without keys if none were asked for";
            v3_incomplete_counts_never_exceed_the_truth:
                "counts that are not complete count nothing that the query does not find";
        }
        query {
            v3_every_filter_narrows_pages:
                "a page holds what `Query::matches` finds, for every filter";
            v3_filters_narrow_together:
                "filters that are given together all narrow";
            v3_ids_narrow_with_all_else:
                "ids narrow together with every other filter, the position and the limit";
            v3_every_filter_narrows_counts:
                "counts are of what `Query::matches` finds, for every filter";
            v3_counts_are_by_key_in_rising_order:
                "counts go by `CountBy::key`, in rising order, and tell of no key that nothing has";
            d8_an_address_is_found_by_its_domain:
                "an actor that is an address is compared by its domain in IDNA form, never folded as a whole";
        }
        reveal {
            v3_a_reveal_sees_all_newest_first:
                "a revealed page holds public and private activities in one order, under the decisions that they got";
            v3_a_reveal_can_leave_out_what_is_public:
                "a revealed page holds private activities alone if its admission says so";
            r1_a_reveal_sees_what_its_query_finds:
                "a revealed page holds what the query of its admission finds, for every filter, and nothing else";
            v3_pages_of_a_reveal_join_at_every_limit:
                "revealed pages that go on after the last position of the one before give everything once";
        }
        removal {
            g5_of_a_person_what_is_covered_goes_and_nothing_else:
                "the erasure of a person takes what they did under any of the identities, and nothing else";
            g5_what_is_too_old_goes_and_nothing_else:
                "retention takes what was decided before a time, to the nanosecond and wherever it lies, and nothing else";
            g5_steps_keep_their_limit_and_say_how_many:
                "a step removes at most as many as it is asked for, and some if any are left, and says how many";
            g5_a_removal_outlives_a_crash:
                "what a step removed is gone after a crash, and a removal that was broken off goes on";
            g5_racing_removals_and_deliveries_lose_nothing_else:
                "removals beside each other and beside deliveries take each activity once, and nothing else";
            g5_readers_see_whole_steps:
                "readers see what was there before a step or what is there after it";
        }
        remains {
            d4_ids_of_what_was_removed_stay_taken:
                "an id whose activity was removed is a duplicate on every handle, whatever its content";
            f2_offsets_of_what_stays_do_not_change:
                "offsets of what stays do not change, none is given again, and those of what is removed go on";
            g5_public_answers_are_as_if_it_had_never_been_stored:
                "pages, counts and look-ups are as if what was removed had never been stored";
            v2_removing_what_is_hidden_leaves_no_trace:
                "no public answer, offsets included, tells that private activities were removed";
        }
    } };
}

/// Every clause of the contract of [`ActivityStore`], to try out on the adapter behind `H`.
#[must_use]
pub fn store_clauses<H: StoreHarness>() -> Vec<Clause> {
    crate::__activity_store_contract!([super::clauses_of] H)
}
