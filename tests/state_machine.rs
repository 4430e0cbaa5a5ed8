//! Compares the whole library with a model of its rules: every public operation, in random histories, on two nodes over
//! one store, with restarts. After each step, everything observable equals the model.
//!
//! `ACTIVITY_PRIVACY_CASES` sets the number of histories (default 32), `ACTIVITY_PRIVACY_STEPS` their maximum length
//! (default 50).
#![cfg(feature = "proptest")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod place;
// `place` needs the fixture.
mod fixture;

#[path = "state_machine/backend.rs"]
mod backend;
#[path = "state_machine/system.rs"]
mod system;
#[path = "state_machine/tally.rs"]
mod tally;

use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::panic::{self, AssertUnwindSafe};

use activity_privacy::policy::{PolicyChange, PolicyUpdate};
use activity_privacy::strategies::{ExpectedAnswer, Model, Node, Step, beginnings, imports, steps};
use backend::{Backend, Memory};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::{BoxedStrategy, Union};
use proptest::test_runner::{FileFailurePersistence, RngAlgorithm, TestRng, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use system::System;
use tally::Tally;

/// The model, and the answer that it expects for the last step.
#[derive(Clone)]
pub(crate) struct Reference {
    pub(crate) model: Model,
    pub(crate) answer: ExpectedAnswer,
    taken: usize,
}

impl std::fmt::Debug for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "after {} steps", self.taken)
    }
}

/// The number of setup steps before the random ones.
const BEGINNINGS: usize = 6;

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self { model: Model::new(&fixture::admins(), fixture::at(0)), answer: ExpectedAnswer::Nothing, taken: 0 })
            .boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Step> {
        thread_local! {
            static STEPS: RefCell<[BoxedStrategy<Step>; 3]> = RefCell::new([
                imports().prop_map(|import| Step::Import { import, reconcile: true }).boxed(),
                beginnings().boxed(),
                steps(fixture::at(0)).boxed(),
            ]);
        }
        let any = STEPS.with_borrow(|[first, second, rest]| match state.taken {
            0 => first.clone(),
            1..BEGINNINGS => second.clone(),
            _ => rest.clone(),
        });
        if state.taken < BEGINNINGS { any } else { Union::new_weighted(state.undoing(any)).boxed() }
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        state.answer = state.model.apply(step);
        state.taken += 1;
        state
    }
}

impl Reference {
    /// Returns any step, or sometimes one that undoes a setting of the policy, which random steps seldom do.
    fn undoing(&self, any: BoxedStrategy<Step>) -> Vec<(u32, BoxedStrategy<Step>)> {
        let mut steps = vec![(40, any)];
        let mut undo = |weight: u32, changes: Vec<PolicyChange>| {
            if !changes.is_empty() {
                let nodes = select(Node::BOTH.to_vec());
                let step = (nodes, select(changes));
                let by = fixture::user("root");
                steps.push((
                    weight,
                    step.prop_map(move |(at, change)| Step::Change { at, by: by.clone(), update: change.into() })
                        .boxed(),
                ));
            }
        };
        undo(1, self.model.scope().iter().cloned().map(PolicyChange::RemoveScopeRule).collect());
        undo(1, self.model.private_groups().iter().cloned().map(PolicyChange::MakePublic).collect());
        undo(1, self.model.grants().iter().map(|(user, _)| PolicyChange::Revoke(user.clone().into())).collect());
        let domains = self.model.managed_domains().iter().map(|managed| managed.domain().clone());
        undo(1, domains.map(PolicyChange::UnmanageDomain).collect());
        let others = self.model.admins().iter().map(|(user, _)| user.clone()).filter(|user| user.as_str() != "root");
        undo(1, others.map(PolicyChange::RemoveAdmin).collect());
        let all: PolicyUpdate =
            self.model.admins().iter().map(|(user, _)| PolicyChange::RemoveAdmin(user.clone())).collect();
        let none_left = Step::Change { at: Node::First, by: fixture::user("root"), update: all };
        steps.push((1, Just(none_left).boxed()));
        steps
    }
}

/// The library on one kind of backend.
struct Machine<G>(PhantomData<G>);

impl<G: Backend> StateMachineTest for Machine<G> {
    type SystemUnderTest = System<G>;
    type Reference = Reference;

    fn init_test(_: &Reference) -> System<G> {
        System::new()
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

/// Runs as many histories as the environment variable sets.
fn run<G: Backend>(seeds: &'static str) {
    let cases = number("ACTIVITY_PRIVACY_CASES", 32);
    let length = number("ACTIVITY_PRIVACY_STEPS", 0);
    let length = if length == 0 { 1..=50 } else { length..=length };
    let config = ProptestConfig {
        cases: u32::try_from(cases).expect("the number of cases fits"),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(seeds))),
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    };
    run_with::<G>(TestRunner::new(config.clone()), config, length);
}

/// Runs histories, and returns how often each outcome was reached.
fn run_with<G: Backend>(mut runner: TestRunner, config: ProptestConfig, length: RangeInclusive<usize>) -> Tally {
    tally::start();
    let cases = config.cases;
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
fn every_rule_holds_in_random_histories_in_memory() {
    run::<Memory>("proptest-regressions/state_machine_memory.txt");
}

#[cfg(feature = "sqlite")]
#[test]
fn every_rule_holds_in_random_histories_in_sqlite() {
    run::<backend::Files>("proptest-regressions/state_machine_sqlite.txt");
}

/// Agreement with the model covers only the outcomes that the histories reach.
#[test]
fn model_histories_reach_every_listed_outcome() {
    let config = ProptestConfig { cases: 220, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let tally = run_with::<Memory>(TestRunner::new_with_rng(config.clone(), rng), config, 40..=50);
    for what in [
        "change denied: MayNotManage",
        "change denied: NotAdmin",
        "change invalid: AmbiguousPerson",
        "change invalid: InUpdate",
        "change invalid: MovedOn",
        "change invalid: SelfGrant",
        "change invalid in an update: LastAdministrator",
        "change invalid: NoDirectory",
        "change invalid: NotAnAdmin",
        "change invalid: Unchanged",
        "change invalid: UnknownGroup",
        "change invalid: UnknownPerson",
        "changed: AddScopeRule",
        "changed: Grant",
        "changed: MakePublic",
        "changed: RemoveAdmin",
        "changed: RemoveScopeRule",
        "changed: Revoke",
        "changed: SetOptions",
        "changed: UnmanageDomain",
        "changed: several at once",
        "delivered: Conflict",
        "delivered: Duplicate",
        "delivered: NotMonitored",
        "delivered: rejected as undecidable",
        "directory: installed",
        "directory: delta",
        "directory: prepared",
        "directory: not newer, rejected",
        "erased",
        "erasure denied: MayNotManage",
        "erasure denied: NotAdmin",
        "erasure without a directory rejected",
        "governance denied: MayNotReadGovernance",
        "governance: read",
        "look-up: found",
        "look-up: hidden or unknown",
        "page of a reveal denied: Expired",
        "page of a reveal denied: NotPermitted",
        "record: directory, observed",
        "record: page, refused",
        "removed by erasure",
        "removed by retention",
        "reveal denied: JustificationMissing",
        "reveal denied: LifetimeNotAllowed",
        "reveal denied: NotAdmin",
        "reveal denied: NotPermitted",
        "reveal: closed",
        "reveal: foreign cursor rejected",
        "reveal: permission lost while open",
        "reveal: private activities shown",
        "reveal: continued from a cursor",
        "step: initialize",
        "step: follow",
        "step: directory outage",
        "step: restart",
        "step: the second node reads the directory",
        "store: a batch of an older policy is rejected",
        "stored Some(Private) because of AmbiguousAlias",
        "stored Some(Private) because of DirectoryNeverLoaded",
        "stored Some(Private) because of DirectoryTooOld",
        "stored Some(Private) because of DirectoryUnavailable",
        "stored Some(Private) because of GroupRemoved",
        "stored Some(Private) because of NoUsableActor",
        "stored Some(Public) because of",
        "stored: member as Actor",
        "stored: member as OnBehalfOf",
        "stored: member as Object",
        "stored: member of Applications",
        "stored: member of ExternalUsers",
        "stored: included by a scope rule",
        "view: foreign cursor rejected",
        "view: continued from a cursor",
    ] {
        assert!(tally.times_like(what) > 0, "never reached: {what}\n{tally}");
    }
}
