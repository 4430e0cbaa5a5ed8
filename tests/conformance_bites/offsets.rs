//! The clauses that each faulty port of forwarders' offsets violates.

use activity_privacy::conformance::offsets_clauses;

use super::*;
use crate::faulty::offsets::*;

violations! {
    offsets_clauses:
    compares_offset_only ComparesOffsetOnly,
        detected by [f2_replacement_compares_whole_state]
        also []
        perhaps [f2_one_concurrent_replacement_succeeds];
    compares_before_saving ComparesBeforeSaving,
        detected by [f2_one_concurrent_replacement_succeeds]
        also []
        perhaps [];
    forgets_set_aside ForgetsSetAside,
        detected by [f2_saved_forwarder_is_read_as_saved]
        also [f2_saved_forwarders_survive_crash, f2_replacement_compares_whole_state]
        perhaps [];
    forgets_last_state ForgetsLastState,
        detected by [f2_saved_forwarders_survive_crash]
        also []
        perhaps [];
    ignores_case_of_names IgnoresCaseOfNames,
        detected by [f2_names_are_compared_bytewise]
        also [f2_feeds_are_separate, f2_every_forwarder_is_listed_in_order]
        perhaps [];
    ignores_feed IgnoresFeed,
        detected by [f2_feeds_are_separate]
        also [f2_every_forwarder_is_listed_in_order]
        perhaps [];
    lists_in_any_order ListsInAnyOrder,
        detected by [f2_every_forwarder_is_listed_in_order]
        also []
        perhaps [];
}
