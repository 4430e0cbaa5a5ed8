//! Model checks the protocol between nodes, store and sink: every order of their steps and every failure between them,
//! within the bounds of a [`Plan`](protocol::world::Plan). The rules hold in every state. For each guard of the
//! library, the same model without that guard breaks a rule. This shows that the model can detect the fault.
//!
//! Each step of the model names the function that it represents. `tests/races.rs` explores how threads within one node
//! interleave, with the library itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy recognises only test functions as tests"
)]

mod protocol {
    mod rules;
    mod step;
    mod world;

    use stateright::{Checker, HasDiscoveries, Model};

    use self::rules::*;
    use self::world::{Guard, Plan};

    /// Checks the properties in every reachable state, with all guards.
    fn explore(plan: Plan) {
        let checker = plan.checker().spawn_bfs().join();
        println!(
            "{} states, at most {} steps from the initial state",
            checker.unique_state_count(),
            checker.max_depth()
        );
        assert!(checker.is_done());
        checker.assert_properties();
    }

    /// Checks that the model without this guard breaks the rule, and prints the steps that lead there.
    fn without(guard: Guard, rule: &'static str, plan: Plan) {
        let plan = Plan { without: Some(guard), ..plan };
        let checker = plan.checker().finish_when(HasDiscoveries::AnyOf([rule].into())).spawn_bfs().join();
        let broken = checker.discovery(rule);
        let steps = broken.unwrap_or_else(|| panic!("`{rule}` holds without the guard {guard:?}")).into_actions();
        println!("without {guard:?} this property is violated: {rule}:");
        for step in steps {
            println!("    {step:?}");
        }
    }

    #[test]
    fn d4_d5_hold_while_nodes_ingest_and_policy_changes() {
        explore(Plan::INGESTING);
    }

    #[test]
    fn g1_holds_while_nodes_change_policy_concurrently() {
        explore(Plan::CHANGING);
    }

    #[test]
    fn p2_r2_r3_hold_while_nodes_reveal_and_revoke() {
        explore(Plan::REVEALING);
    }

    #[test]
    fn d5_model_without_fence_stores_stale_decision() {
        without(Guard::Fence, NO_STALE_DECISION, Plan::INGESTING);
    }

    #[test]
    fn d5_model_without_compare_and_swap_loses_change() {
        without(Guard::CompareAndSwap, NO_CHANGE_IS_LOST, Plan::CHANGING);
    }

    #[test]
    fn d4_model_without_first_verdict_changes_verdict() {
        without(Guard::FirstVerdict, FIRST_VERDICT_WINS, Plan::INGESTING);
    }

    #[test]
    fn g1_model_publishing_before_intent_leaves_change_unrecorded() {
        without(Guard::IntentFirst, INTENT_ON_RECORD, Plan::CHANGING);
    }

    #[test]
    fn r3_model_returning_page_first_leaves_page_unrecorded() {
        without(Guard::RecordFirst, RECORD_BEFORE_BYTES, Plan::REVEALING);
    }

    #[test]
    fn r2_model_with_early_receipt_leaves_page_unrecorded() {
        without(Guard::Durability, RECORD_BEFORE_BYTES, Plan::REVEALING);
    }

    #[test]
    fn p2_model_without_page_permit_shows_page_after_revocation() {
        without(Guard::PagePermit, NO_PAGE_AFTER_REVOCATION, Plan::REVEALING);
    }

    #[test]
    fn p2_model_without_recheck_shows_page_revoked_while_recording() {
        without(Guard::Recheck, REVOCATION_STOPS_PAGES, Plan::REVEALING);
    }
}
