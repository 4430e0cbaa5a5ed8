//! The protocol between nodes, store and sink, explored whole: every order of their steps and every failure between
//! them, within the bounds that a [`Plan`](protocol::world::Plan) sets. The rules hold in every state; and for each
//! guard that the library has, the same model without it breaks one of them, so that nobody need take the model's word
//! for it.
//!
//! Each step of the model names the function that it stands for. How threads within one node interleave is explored
//! with the library itself, in `tests/races.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

mod protocol {
    mod rules;
    mod step;
    mod world;

    use stateright::{Checker, HasDiscoveries, Model};

    use self::rules::*;
    use self::world::{Guard, Plan};

    /// Every state that can be reached, with all guards up.
    fn explore(plan: Plan) {
        let checker = plan.checker().spawn_bfs().join();
        println!("{} states, at most {} steps from the beginning", checker.unique_state_count(), checker.max_depth());
        assert!(checker.is_done());
        checker.assert_properties();
    }

    /// Without this guard the rule is broken, and here is how.
    fn without(guard: Guard, rule: &'static str, plan: Plan) {
        let plan = Plan { without: Some(guard), ..plan };
        let checker = plan.checker().finish_when(HasDiscoveries::AnyOf([rule].into())).spawn_bfs().join();
        let broken = checker.discovery(rule);
        let steps = broken.unwrap_or_else(|| panic!("`{rule}` holds without the guard {guard:?}")).into_actions();
        println!("without {guard:?} it is not true that {rule}:");
        for step in steps {
            println!("    {step:?}");
        }
    }

    #[test]
    fn d4_d5_hold_whatever_fails_while_nodes_ingest_and_the_policy_changes() {
        explore(Plan::INGESTING);
    }

    #[test]
    fn g1_holds_whatever_fails_while_nodes_change_the_policy_at_once() {
        explore(Plan::CHANGING);
    }

    #[test]
    fn p2_r2_r3_hold_whatever_fails_while_nodes_reveal_and_revoke() {
        explore(Plan::REVEALING);
    }

    #[test]
    fn the_model_finds_a_stale_stamp_without_the_fence() {
        without(Guard::Fence, NO_STALE_STAMP, Plan::INGESTING);
    }

    #[test]
    fn the_model_finds_a_lost_change_without_the_compare_and_swap() {
        without(Guard::CompareAndSwap, NO_CHANGE_IS_LOST, Plan::CHANGING);
    }

    #[test]
    fn the_model_finds_a_second_verdict_when_the_last_one_wins() {
        without(Guard::FirstVerdict, FIRST_VERDICT_WINS, Plan::INGESTING);
    }

    #[test]
    fn the_model_finds_an_act_without_an_intent_when_it_is_published_first() {
        without(Guard::IntentFirst, INTENT_ON_RECORD, Plan::CHANGING);
    }

    #[test]
    fn the_model_finds_a_private_byte_off_the_record_when_the_page_comes_first() {
        without(Guard::RecordFirst, RECORD_BEFORE_BYTES, Plan::REVEALING);
    }

    #[test]
    fn the_model_finds_a_private_byte_off_the_record_when_a_receipt_comes_before_the_record_is_durable() {
        without(Guard::Durability, RECORD_BEFORE_BYTES, Plan::REVEALING);
    }

    #[test]
    fn the_model_finds_a_page_after_the_revocation_without_the_question_at_each_page() {
        without(Guard::PagePermit, NO_PAGE_AFTER_REVOCATION, Plan::REVEALING);
    }

    #[test]
    fn the_model_finds_a_page_that_was_being_recorded_without_the_question_at_its_opening() {
        without(Guard::Recheck, REVOCATION_STOPS_PAGES, Plan::REVEALING);
    }
}
