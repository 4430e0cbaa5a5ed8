//! The whole library beside a model of its rules: every public operation, in random histories, on two nodes over one store,
//! with restarts. After each step everything that can be observed is what the model says.
//!
//! `ACTIVITY_PRIVACY_CASES` says how many histories (32 unless told), `ACTIVITY_PRIVACY_STEPS` how long they are (up to 50).
#![cfg(feature = "proptest")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod place;
// The furniture that `place` stands in.
mod house;

#[path = "state_machine/ground.rs"]
mod ground;
#[path = "state_machine/system.rs"]
mod system;
#[path = "state_machine/tally.rs"]
mod tally;

use std::cell::RefCell;
use std::marker::PhantomData;
use std::panic::{self, AssertUnwindSafe};

use activity_privacy::strategies::{Answer, Model, Step, beginnings, imports, steps};
use ground::{Ground, Memory};
use proptest::prelude::*;
use proptest::strategy::BoxedStrategy;
use proptest::test_runner::{FileFailurePersistence, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use system::System;
use tally::Tally;

/// The model, and what it says that the last step answers.
#[derive(Clone)]
pub(crate) struct Reference {
    pub(crate) model: Model,
    pub(crate) answer: Answer,
    taken: usize,
}

impl std::fmt::Debug for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "after {} steps", self.taken)
    }
}

/// How many steps come first to make the others worth while.
const BEGINNINGS: usize = 6;

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self { model: Model::new(house::at(0)), answer: Answer::Nothing, taken: 0 }).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Step> {
        thread_local! {
            static STEPS: RefCell<[BoxedStrategy<Step>; 3]> = RefCell::new([
                imports().prop_map(|import| Step::Import { import, follow: true }).boxed(),
                beginnings().boxed(),
                steps(house::at(0)).boxed(),
            ]);
        }
        STEPS.with_borrow(|[first, second, rest]| match state.taken {
            0 => first.clone(),
            1..BEGINNINGS => second.clone(),
            _ => rest.clone(),
        })
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        state.answer = state.model.take(step);
        state.taken += 1;
        state
    }
}

/// The library on one kind of ground.
struct Machine<G>(PhantomData<G>);

impl<G: Ground> StateMachineTest for Machine<G> {
    type SystemUnderTest = System<G>;
    type Reference = Reference;

    fn init_test(_: &Reference) -> System<G> {
        System::begin()
    }

    fn apply(mut system: System<G>, expected: &Reference, step: Step) -> System<G> {
        system.take(&step, &expected.answer);
        system
    }

    fn check_invariants(system: &System<G>, expected: &Reference) {
        system.check(&expected.model);
    }

    fn teardown(mut system: System<G>, expected: Reference) {
        system.check_all(&expected.model);
    }
}

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().map_or(otherwise, |value| value.parse().expect("a number"))
}

/// Runs so many histories, and says how often what was reached.
fn run<G: Ground>(seeds: &'static str) -> Tally {
    let cases = number("ACTIVITY_PRIVACY_CASES", 32);
    let length = number("ACTIVITY_PRIVACY_STEPS", 0);
    let length = if length == 0 { 1..=50 } else { length..=length };
    let config = ProptestConfig {
        cases: u32::try_from(cases).expect("not as many"),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(seeds))),
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    };
    tally::start();
    let mut runner = TestRunner::new(config.clone());
    let outcome = runner.run(&Reference::sequential_strategy(length), |(state, steps, seen)| {
        let config = config.clone();
        let case = AssertUnwindSafe(|| Machine::<G>::test_sequential(config, state, steps, seen));
        panic::catch_unwind(case).map_err(|panicked| {
            let said = panicked.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panicked.downcast_ref::<&str>().map(|said| (*said).to_owned()));
            TestCaseError::fail(said.unwrap_or_default())
        })
    });
    let tally = tally::finish();
    println!("{cases} histories over {}:\n{tally}", G::NAME);
    if let Err(error) = outcome {
        panic!("{error}");
    }
    tally
}

#[test]
fn every_rule_holds_through_any_history_in_memory() {
    run::<Memory>("proptest-regressions/state_machine_memory.txt");
}

#[cfg(feature = "sqlite")]
#[test]
fn every_rule_holds_through_any_history_in_sqlite() {
    run::<ground::Files>("proptest-regressions/state_machine_sqlite.txt");
}
