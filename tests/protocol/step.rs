//! The steps that can happen next.

use stateright::{Model, Property};

use super::rules;
use super::world::{Call, Change, Decision, Guard, Node, Page, Plan, Policy, Published, Record, Request, World};

/// One step, of the node with this index, or of the store or the sink behind all nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The caller calls `PrivacyFilter::ingest` with the only activity.
    Ingest(usize),
    /// The policy last read, or the one in the store, decides. The node asks the store to append.
    Decide(usize),
    /// The caller calls `PrivacyFilter::update_policy`. The policy in force authorises it, and the node offers the
    /// intent to the sink.
    Change(usize, Change),
    /// The caller calls `PrivacyFilter::reveal`: `RevealRequest::authorise`. The node offers the intent to the sink.
    Reveal(usize),
    /// The caller calls `Reveal::page`: `Recorded::permit_page` with the policy in force.
    PermitPage(usize),
    /// The node reads the page (`ActivityStore::revealed_page`) and offers its record to the sink.
    Read(usize),
    /// The node calls `Recorded::open` with the policy in force. The page is returned or rejected.
    Open(usize),
    /// The store executes `ActivityStore::append` or `publish` and answers.
    StoreDoes(usize),
    /// The store executes the request, but the answer is an error: the connection broke.
    StoreDoesAndFails(usize),
    /// The store answers with an error and does not execute the request, unless `StoreDoesLate` follows.
    StoreFails(usize),
    /// The store executes a request that it had answered with an error.
    StoreDoesLate,
    /// `GovernanceSink::record` makes an offered record durable.
    SinkStores(Record),
    /// The sink answers with the receipt.
    SinkAnswers(usize),
    /// `TimeoutSink::record` times out, or the sink fails. The offered record may still become durable.
    SinkFails(usize),
    /// The sink loses every record that is not durable.
    SinkCrashes,
    /// A node loses its state, in any state.
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
                    steps.extend((world.deliveries > 0).then_some(Step::Ingest(at)));
                    if world.changes > 0 {
                        steps.extend([Change::MakePrivate, Change::Revoke].map(|change| Step::Change(at, change)));
                    }
                    steps.extend((world.reveals > 0).then_some(Step::Reveal(at)));
                }
                Call::Deciding { .. } => steps.push(Step::Decide(at)),
                Call::Asking(_) => {
                    steps.extend([Step::StoreDoes(at), Step::StoreDoesAndFails(at), Step::StoreFails(at)]);
                }
                Call::Revealing { pages, .. } => steps.extend((pages < self.pages).then_some(Step::PermitPage(at))),
                Call::Permitted(_) => steps.push(Step::Read(at)),
                Call::Recorded(_) => steps.push(Step::Open(at)),
                Call::Intending { .. } | Call::Concluding { .. } | Call::Opening { .. } | Call::Reading(_) => {}
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
        steps.extend(world.offered.iter().map(|record| Step::SinkStores(*record)));
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

/// Returns the record for which a node waits for the sink.
fn offered_by(call: Call) -> Option<Record> {
    match call {
        Call::Intending { event, change, next } => Some(Record::Intent { event, change, revision: next.revision }),
        Call::Concluding { event, change, next, published } => {
            Some(Record::Outcome { event, change, revision: next.revision, published })
        }
        Call::Opening { event } => Some(Record::Reveal { event }),
        Call::Reading(page) => Some(page.record()),
        _ => None,
    }
}

impl World {
    fn take(&mut self, plan: &Plan, step: Step) {
        match step {
            Step::Ingest(at) => {
                self.deliveries -= 1;
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
            Step::PermitPage(at) => {
                let Call::Revealing { event, pages } = self.nodes[at].call else { return };
                let requested_after_revocation = self.is_revoked();
                let page = Page {
                    event,
                    number: pages,
                    private: false,
                    requested_after_revocation,
                    recorded_after_revocation: false,
                };
                let allowed = self.policy.granted || !plan.has(Guard::PagePermit);
                self.nodes[at].call = if allowed { Call::Permitted(page) } else { Call::Idle };
            }
            Step::Read(at) => {
                let Call::Permitted(page) = self.nodes[at].call else { return };
                let private = self.activity.is_some_and(|decision| decision.policy.private);
                let page = Page { private, ..page };
                if !plan.has(Guard::RecordFirst) {
                    self.pages.insert(page);
                }
                self.wait_for_the_sink(at, Call::Reading(page));
            }
            Step::Open(at) => {
                let Call::Recorded(page) = self.nodes[at].call else { return };
                let asks = plan.has(Guard::Recheck) && plan.has(Guard::PagePermit);
                if self.policy.granted || !asks {
                    self.pages.insert(page);
                } else {
                    self.rejected_at_opening = true;
                }
                self.nodes[at].call = Call::Revealing { event: page.event, pages: page.number + 1 };
            }
            Step::StoreDoes(at) => {
                let Call::Asking(request) = self.nodes[at].call else { return };
                let done = self.execute(plan, request);
                self.store_answers(plan, at, request, if done { Published::Done } else { Published::Superseded });
            }
            Step::StoreDoesAndFails(at) => {
                let Call::Asking(request) = self.nodes[at].call else { return };
                self.execute(plan, request);
                self.store_answers(plan, at, request, Published::Unknown);
            }
            Step::StoreFails(at) => {
                let Call::Asking(request) = self.nodes[at].call else { return };
                self.late.get_or_insert(request);
                self.store_answers(plan, at, request, Published::Unknown);
            }
            Step::StoreDoesLate => {
                if let Some(request) = self.late.take() {
                    self.execute(plan, request);
                }
            }
            Step::SinkStores(record) => {
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
                // The store may execute the node's request after the crash.
                if let Call::Asking(request) = self.nodes[at].call {
                    self.late.get_or_insert(request);
                }
                self.nodes[at] = Node::STARTED;
            }
        }
    }

    fn fresh(&mut self) -> u8 {
        self.events += 1;
        self.events
    }

    fn wait_for_the_sink(&mut self, at: usize, call: Call) {
        self.offered.extend(offered_by(call));
        self.nodes[at].call = call;
    }

    /// Starts one attempt of `PrivacyFilter::update_policy`, up to its first wait.
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

    /// Runs the transaction of a store. Returns whether it was applied; an activity that is stored already counts as
    /// applied.
    fn execute(&mut self, plan: &Plan, request: Request) -> bool {
        match request {
            Request::Append(decision) => {
                if plan.has(Guard::Fence) && decision.policy.revision != self.policy.revision {
                    self.rejected_as_stale = true;
                    return false;
                }
                self.delivered_again |= self.activity.is_some();
                self.first_decision.get_or_insert(decision);
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
            // Stale: the node decides again.
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
            Call::Reading(page) => {
                let page = Page { recorded_after_revocation: self.is_revoked(), ..page };
                self.nodes[at].call = Call::Recorded(page);
            }
            _ => self.concluded(plan, at),
        }
    }

    fn sink_fails(&mut self, plan: &Plan, at: usize) {
        match self.nodes[at].call {
            // `UpdatePolicyError::OutcomeUnrecorded` reports that the change is in force. A superseded change is
            // attempted again even so.
            Call::Concluding { .. } => self.concluded(plan, at),
            // The reveal continues: its next page can be requested.
            Call::Reading(page) => self.nodes[at].call = Call::Revealing { event: page.event, pages: page.number + 1 },
            _ => self.nodes[at].call = Call::Idle,
        }
    }

    /// Ends one attempt of `PrivacyFilter::update_policy`.
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
