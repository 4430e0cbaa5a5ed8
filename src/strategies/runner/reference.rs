//! Random histories, each step of which depends on the state of the model.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::{BoxedStrategy, Union};
use proptest_state_machine::ReferenceStateMachine;

use super::{at, first_administrators, user};
use crate::policy::{PolicyChange, PolicyUpdate};
use crate::strategies::{ExpectedAnswer, Model, Node, Step, imports, setup_steps, steps};

/// The model, and the answer that it expects for the last step.
#[derive(Clone)]
pub(super) struct Reference {
    pub(super) model: Model,
    pub(super) answer: ExpectedAnswer,
    /// The number of steps applied so far.
    steps_applied: usize,
}

impl std::fmt::Debug for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "after {} steps", self.steps_applied)
    }
}

/// The number of setup steps that start a history: one import, then steps of [`setup_steps`].
const SETUP_STEPS: usize = 6;

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let model = Model::new(&first_administrators(), at(0));
        Just(Self { model, answer: ExpectedAnswer::Nothing, steps_applied: 0 }).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Step> {
        thread_local! {
            // Built once per thread: building these strategies for every step is slow, and a `BoxedStrategy` is not
            // `Sync`.
            static STEPS: [BoxedStrategy<Step>; 3] = [
                imports().prop_map(|import| Step::Import { import, reconcile: true }).boxed(),
                setup_steps().boxed(),
                steps(at(0)).boxed(),
            ];
        }
        STEPS.with(|[import, setup, any]| match state.steps_applied {
            0 => import.clone(),
            1..SETUP_STEPS => setup.clone(),
            _ => Union::new_weighted(state.weighted_choices(any.clone())).boxed(),
        })
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        state.answer = state.model.apply(step);
        state.steps_applied += 1;
        state
    }
}

impl Reference {
    /// Returns the weighted choices for the next step: mostly `any`, and now and then a step that undoes one policy
    /// setting in force, which a random step rarely does.
    fn weighted_choices(&self, any: BoxedStrategy<Step>) -> Vec<(u32, BoxedStrategy<Step>)> {
        let mut steps = vec![(40, any)];
        let mut undo = |weight: u32, changes: Vec<PolicyChange>| {
            if !changes.is_empty() {
                let nodes = select(Node::BOTH.to_vec());
                let step = (nodes, select(changes));
                let by = user("root");
                steps.push((
                    weight,
                    step.prop_map(move |(node, change)| Step::Change {
                        at: node,
                        by: by.clone(),
                        update: change.into(),
                    })
                    .boxed(),
                ));
            }
        };
        undo(1, self.model.scope().iter().cloned().map(PolicyChange::RemoveScopeRule).collect());
        undo(1, self.model.private_groups().iter().cloned().map(PolicyChange::MakePublic).collect());
        undo(1, self.model.grants().iter().map(|(user, _)| PolicyChange::Revoke(user.clone().into())).collect());
        let domains = self.model.managed_domains().iter().map(|managed| managed.domain().clone());
        undo(1, domains.map(PolicyChange::UnmanageDomain).collect());
        // `root` stays, because it makes all these changes.
        let other_admins =
            self.model.admins().iter().map(|(user, _)| user.clone()).filter(|user| user.as_str() != "root");
        undo(1, other_admins.map(PolicyChange::RemoveAdmin).collect());
        // One change that removes every administrator. It must be rejected.
        let remove_all: PolicyUpdate =
            self.model.admins().iter().map(|(user, _)| PolicyChange::RemoveAdmin(user.clone())).collect();
        let step = Step::Change { at: Node::First, by: user("root"), update: remove_all };
        steps.push((1, Just(step).boxed()));
        steps
    }
}
