//! What can happen next.

use stateright::{Model, Property};

use super::rules;
use super::world::{Call, Change, Decision, Guard, Node, Page, Plan, Policy, Published, Record, Request, World};

/// One step, of the node at this place or of what stands behind all nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// `PrivacyFilter::ingest` is called with the one activity.
    Ingest(usize),
    /// `Inner::engine` and `PolicyEngine::engine`: the policy last read, or the one in the store, decides; the store is
    /// asked.
    Decide(usize),
    /// `PrivacyFilter::update_policy` is called: `NewPolicy::authorise` with the policy in force; the sink is offered the
    /// intent.
    Change(usize, Change),
    /// `PrivacyFilter::reveal` is called: `RevealRequest::authorise`; the sink is offered the intent.
    Reveal(usize),
    /// `Reveal::page` is called: `Recorded::permit_page` with the policy in force.
    Admit(usize),
    /// `ActivityStore::revealed_page`, `SealedPage::pending`; the sink is offered the record of the page.
    Read(usize),
    /// `Recorded::open` with the policy in force; the page is returned or refused.
    Open(usize),
    /// `ActivityStore::append` or `publish` is carried out and answered.
    StoreDoes(usize),
    /// It is carried out, and the answer is an error: the connection broke.
    StoreDoesAndFails(usize),
    /// It is answered with an error, and not carried out, unless `StoreDoesLate` does so.
    StoreFails(usize),
    /// What was answered with an error is carried out after all.
    StoreDoesLate,
    /// `GovernanceSink::record` makes what was offered durable.
    SinkKeeps(Record),
    /// It answers with the receipt.
    SinkAnswers(usize),
    /// `TimeoutSink::record`: the limit is over, or the sink fails. What was offered may become durable yet.
    SinkFails(usize),
    /// The sink loses whatever it has not made durable.
    SinkCrashes,
    /// A node loses everything it knows, wherever it stands.
    NodeCrashes(usize),
}

impl Model for Plan {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::of(self)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        for (at, node) in world.nodes.iter().enumerate() {
            match node.call {
                Call::Idle => {
                    steps.extend((world.outcomes > 0).then_some(Step::Ingest(at)));
                    if world.changes > 0 {
                        steps.extend([Change::MakePrivate, Change::Revoke].map(|change| Step::Change(at, change)));
                    }
                    steps.extend((world.reveals > 0).then_some(Step::Reveal(at)));
                }
                Call::Deciding { .. } => steps.push(Step::Decide(at)),
                Call::Asking(_) => {
                    steps.extend([Step::StoreDoes(at), Step::StoreDoesAndFails(at), Step::StoreFails(at)]);
                }
                Call::Revealing { pages, .. } => steps.extend((pages < self.pages).then_some(Step::Admit(at))),
                Call::Admitted(_) => steps.push(Step::Read(at)),
                Call::Recorded(_) => steps.push(Step::Open(at)),
                Call::Intending { .. } | Call::Concluding { .. } | Call::Opening { .. } | Call::Commitment(_) => {}
            }
            if let Some(record) = offered_by(node.call) {
                let answers =
                    world.durable.contains(&record) || !self.has(Guard::Durability) && world.offered.contains(&record);
                steps.extend(answers.then_some(Step::SinkAnswers(at)));
                steps.push(Step::SinkFails(at));
            }
            let has_something_to_lose = *node != Node::STARTED;
            steps.extend((world.crashes > 0 && has_something_to_lose).then_some(Step::NodeCrashes(at)));
        }
        steps.extend(world.late.map(|_| Step::StoreDoesLate));
        steps.extend(world.offered.iter().map(|record| Step::SinkKeeps(*record)));
        steps.extend((!world.offered.is_empty()).then_some(Step::SinkCrashes));
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        next.take(self, step);
        next.nodes.sort_unstable();
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        rules::properties(self)
    }
}

/// What a node waits for the sink to answer.
fn offered_by(call: Call) -> Option<Record> {
    match call {
        Call::Intending { event, change, next } => Some(Record::Intent { event, change, revision: next.revision }),
        Call::Concluding { event, change, next, published } => {
            Some(Record::Outcome { event, change, revision: next.revision, published })
        }
        Call::Opening { event } => Some(Record::Reveal { event }),
        Call::Commitment(page) => Some(page.record()),
        _ => None,
    }
}

impl World {
    fn take(&mut self, plan: &Plan, step: Step) {
        match step {
            Step::Ingest(at) => {
                self.outcomes -= 1;
                self.nodes[at].call = Call::Deciding { floor: self.returned };
            }
            Step::Decide(at) => {
                let Call::Deciding { floor } = self.nodes[at].call else { return };
                let policy = *self.nodes[at].engine.get_or_insert(self.policy);
                self.nodes[at].call = Call::Asking(Request::Append(Decision { policy, floor }));
            }
            Step::Change(at, change) => {
                self.changes -= 1;
                let event = self.fresh();
                self.intend(plan, at, event, change);
            }
            Step::Reveal(at) => {
                self.reveals -= 1;
                let event = self.fresh();
                if self.policy.granted {
                    self.wait_for_the_sink(at, Call::Opening { event });
                }
            }
            Step::Admit(at) => {
                let Call::Revealing { event, pages } = self.nodes[at].call else { return };
                let asked_after_revocation = self.is_revoked();
                let page = Page {
                    event,
                    number: pages,
                    private: false,
                    asked_after_revocation,
                    recorded_after_revocation: false,
                };
                let allowed = self.policy.granted || !plan.has(Guard::PagePermit);
                self.nodes[at].call = if allowed { Call::Admitted(page) } else { Call::Idle };
            }
            Step::Read(at) => {
                let Call::Admitted(page) = self.nodes[at].call else { return };
                let private = self.activity.is_some_and(|decision| decision.policy.private);
                let page = Page { private, ..page };
                if !plan.has(Guard::RecordFirst) {
                    self.pages.insert(page);
                }
                self.wait_for_the_sink(at, Call::Commitment(page));
            }
            Step::Open(at) => {
                let Call::Recorded(page) = self.nodes[at].call else { return };
                let asks = plan.has(Guard::Recheck) && plan.has(Guard::PagePermit);
                if self.policy.granted || !asks {
                    self.pages.insert(page);
                } else {
                    self.refused_at_opening = true;
                }
                self.nodes[at].call = Call::Revealing { event: page.event, pages: page.number + 1 };
            }
            Step::StoreDoes(at) => {
                let Call::Asking(request) = self.nodes[at].call else { return };
                let done = self.carry_out(plan, request);
                self.store_answers(plan, at, request, if done { Published::Done } else { Published::Superseded });
            }
            Step::StoreDoesAndFails(at) => {
                let Call::Asking(request) = self.nodes[at].call else { return };
                self.carry_out(plan, request);
                self.store_answers(plan, at, request, Published::Unknown);
            }
            Step::StoreFails(at) => {
                let Call::Asking(request) = self.nodes[at].call else { return };
                self.late.get_or_insert(request);
                self.store_answers(plan, at, request, Published::Unknown);
            }
            Step::StoreDoesLate => {
                if let Some(request) = self.late.take() {
                    self.carry_out(plan, request);
                }
            }
            Step::SinkKeeps(record) => {
                self.offered.remove(&record);
                self.durable.insert(record);
            }
            Step::SinkAnswers(at) => self.sink_answers(plan, at),
            Step::SinkFails(at) => self.sink_fails(plan, at),
            Step::SinkCrashes => self.offered.clear(),
            Step::NodeCrashes(at) => {
                self.crashes -= 1;
                let published = Published::Done;
                self.crashed_after_publishing |=
                    matches!(self.nodes[at].call, Call::Concluding { published: known, .. } if known == published);
                // What it asked of the store may be carried out after its end.
                if let Call::Asking(request) = self.nodes[at].call {
                    self.late.get_or_insert(request);
                }
                self.nodes[at] = Node::STARTED;
            }
        }
    }

    fn fresh(&mut self) -> u8 {
        self.acts += 1;
        self.acts
    }

    fn wait_for_the_sink(&mut self, at: usize, call: Call) {
        self.offered.extend(offered_by(call));
        self.nodes[at].call = call;
    }

    /// One turn of `PrivacyFilter::update_policy`, up to where it waits.
    fn intend(&mut self, plan: &Plan, at: usize, event: u8, change: Change) {
        let Some(next) = change.apply(self.policy) else {
            self.nodes[at].call = Call::Idle;
            return;
        };
        if plan.has(Guard::IntentFirst) {
            self.wait_for_the_sink(at, Call::Intending { event, change, next });
        } else {
            self.nodes[at].call = Call::Asking(Request::Publish { event, change, next });
        }
    }

    /// The transaction of a store. Whether it was done; what is stored already counts as done.
    fn carry_out(&mut self, plan: &Plan, request: Request) -> bool {
        match request {
            Request::Append(decision) => {
                if plan.has(Guard::Fence) && decision.policy.revision != self.policy.revision {
                    self.refused_as_stale = true;
                    return false;
                }
                self.delivered_again |= self.activity.is_some();
                self.first_stamp.get_or_insert(decision);
                if plan.has(Guard::FirstVerdict) {
                    self.activity.get_or_insert(decision);
                } else {
                    self.activity = Some(decision);
                }
            }
            Request::Publish { event, change, next } => {
                if plan.has(Guard::CompareAndSwap) && next.revision != self.policy.revision + 1 {
                    return false;
                }
                self.policy = next;
                self.published.insert((event, change, next.revision));
            }
        }
        true
    }

    fn store_answers(&mut self, plan: &Plan, at: usize, request: Request, answer: Published) {
        match (request, answer) {
            // Stale: decides again.
            (Request::Append(decision), Published::Superseded) => {
                self.nodes[at] = Node { engine: None, call: Call::Deciding { floor: decision.floor } };
            }
            (Request::Append(_), Published::Done | Published::Unknown) => self.nodes[at].call = Call::Idle,
            (Request::Publish { event, change, next }, published) => {
                if plan.has(Guard::IntentFirst) {
                    self.wait_for_the_sink(at, Call::Concluding { event, change, next, published });
                } else {
                    self.wait_for_the_sink(at, Call::Intending { event, change, next });
                }
            }
        }
    }

    fn sink_answers(&mut self, plan: &Plan, at: usize) {
        match self.nodes[at].call {
            Call::Intending { event, change, next } if plan.has(Guard::IntentFirst) => {
                self.nodes[at].call = Call::Asking(Request::Publish { event, change, next });
            }
            Call::Opening { event } => self.nodes[at].call = Call::Revealing { event, pages: 0 },
            Call::Commitment(page) => {
                let page = Page { recorded_after_revocation: self.is_revoked(), ..page };
                self.nodes[at].call = Call::Recorded(page);
            }
            _ => self.concluded(plan, at),
        }
    }

    fn sink_fails(&mut self, plan: &Plan, at: usize) {
        match self.nodes[at].call {
            // `UpdatePolicyError::OutcomeUnrecorded` says that the change is in force; another change that came first is
            // followed by another turn all the same.
            Call::Concluding { .. } => self.concluded(plan, at),
            // The reveal goes on: its next page can be asked for.
            Call::Commitment(page) => {
                self.nodes[at].call = Call::Revealing { event: page.event, pages: page.number + 1 }
            }
            _ => self.nodes[at].call = Call::Idle,
        }
    }

    /// The end of one turn of `PrivacyFilter::update_policy`.
    fn concluded(&mut self, plan: &Plan, at: usize) {
        match self.nodes[at].call {
            Call::Concluding { change, next, published: Published::Done, .. } => self.change_returns(at, change, next),
            Call::Concluding { event, change, published: Published::Superseded, .. } => {
                self.intend(plan, at, event, change)
            }
            _ => self.nodes[at].call = Call::Idle,
        }
    }

    fn change_returns(&mut self, at: usize, change: Change, next: Policy) {
        self.returned = self.returned.max(next.revision);
        self.changes_returned.insert(change);
        self.nodes[at].call = Call::Idle;
    }
}
