//! Properties that hold in every state, and states that the model must be able to reach.

use stateright::Property;

use super::world::{Call, Change, Page, Plan, Published, Record, World};

/// D5.
pub(super) const NO_STALE_DECISION: &str = "no activity is stored under a revision superseded before its ingest";
/// D5: each change builds on the change before it.
pub(super) const NO_CHANGE_IS_LOST: &str = "a change that returned is in force";
/// D4.
pub(super) const FIRST_VERDICT_WINS: &str = "the first verdict survives every redelivery";
/// G1.
pub(super) const INTENT_ON_RECORD: &str = "every published change has a durable intent";
/// G1.
pub(super) const OUTCOMES_ARE_TRUE: &str =
    "a change recorded as done was published, one recorded as superseded was not";
/// R2 and R3.
pub(super) const RECORD_BEFORE_BYTES: &str = "every page shown has its durable records";
/// P2.
pub(super) const NO_PAGE_AFTER_REVOCATION: &str = "no page was requested after a revocation returned";
/// P2.
pub(super) const REVOCATION_STOPS_PAGES: &str =
    "no page was shown if a revocation returned before its record was durable";

pub(super) fn properties(plan: &Plan) -> Vec<Property<Plan>> {
    let mut properties = vec![
        Property::always(NO_STALE_DECISION, |_, world: &World| {
            world.activity.is_none_or(|decision| decision.policy.revision >= decision.floor)
        }),
        Property::always(NO_CHANGE_IS_LOST, |_, world: &World| {
            world.changes_returned.iter().all(|change| change.is_in(world.policy))
        }),
        Property::always(FIRST_VERDICT_WINS, |_, world: &World| world.activity == world.first_decision),
        Property::always(INTENT_ON_RECORD, |_, world: &World| {
            world.published.iter().all(|(event, change, revision)| {
                world.durable.contains(&Record::Intent { event: *event, change: *change, revision: *revision })
            })
        }),
        Property::always(OUTCOMES_ARE_TRUE, |_, world: &World| {
            world.durable.iter().all(|record| match *record {
                Record::Outcome { event, change, revision, published } => {
                    let done = world.published.contains(&(event, change, revision));
                    match published {
                        Published::Done => done,
                        Published::Superseded => !done,
                        Published::Unknown => true,
                    }
                }
                _ => true,
            })
        }),
        Property::always(RECORD_BEFORE_BYTES, |_, world: &World| {
            world.pages.iter().all(|page| {
                world.durable.contains(&Record::Reveal { event: page.event }) && world.durable.contains(&page.record())
            })
        }),
        Property::always(NO_PAGE_AFTER_REVOCATION, |_, world: &World| {
            !world.pages.iter().any(|page| page.requested_after_revocation)
        }),
        Property::always(REVOCATION_STOPS_PAGES, |_, world: &World| {
            !world.pages.iter().any(|page| page.recorded_after_revocation)
        }),
        Property::sometimes("the sink stores a record that no caller waits for", |_, world: &World| {
            let idle = world.nodes.iter().all(|node| node.call == Call::Idle);
            idle && world
                .durable
                .iter()
                .any(|record| !world.published.iter().any(|(event, ..)| *event == event_of(record)))
        }),
        Property::sometimes("a change is published and its node crashes before the outcome", |_, world: &World| {
            world.crashed_after_publishing
        }),
        Property::sometimes("a change is in force although its caller got an error", |_, world: &World| {
            world.durable.iter().any(|record| match *record {
                Record::Outcome { event, change, revision, published: Published::Unknown } => {
                    world.published.contains(&(event, change, revision))
                }
                _ => false,
            })
        }),
    ];
    if plan.deliveries > 0 {
        properties.extend(ingest_is_not_vacuous());
    }
    if plan.changes > 1 {
        properties.extend(change_is_not_vacuous());
    }
    if plan.reveals > 0 {
        properties.extend(reveal_is_not_vacuous());
    }
    properties
}

fn ingest_is_not_vacuous() -> [Property<Plan>; 3] {
    [
        Property::sometimes("a stale append is rejected", |_, world: &World| world.rejected_as_stale),
        Property::sometimes("an activity rejected as stale is stored under the policy in force", |_, world: &World| {
            world.rejected_as_stale && world.activity.is_some_and(|decision| decision.policy == world.policy)
        }),
        Property::sometimes(
            "a public activity is delivered again after the group became private",
            |_, world: &World| {
                let shown = world.activity.is_some_and(|decision| !decision.policy.private);
                world.delivered_again && shown && world.policy.private
            },
        ),
    ]
}

fn change_is_not_vacuous() -> [Property<Plan>; 2] {
    [
        Property::sometimes("two changes both return", |_, world: &World| {
            [Change::MakePrivate, Change::Revoke].iter().all(|change| world.changes_returned.contains(change))
        }),
        Property::sometimes("a change is superseded and is applied on top of the other", |_, world: &World| {
            let superseded =
                |record: &Record| matches!(record, Record::Outcome { published: Published::Superseded, .. });
            world.durable.iter().any(superseded) && world.changes_returned.len() == 2
        }),
    ]
}

fn reveal_is_not_vacuous() -> [Property<Plan>; 4] {
    fn second(page: &Page) -> bool {
        page.number == 1 && page.private
    }
    [
        Property::sometimes("a reveal shows a private activity on two pages", |_, world: &World| {
            world.pages.iter().filter(|page| page.private).any(second)
        }),
        Property::sometimes("a page is shown before a revocation returns", |_, world: &World| {
            !world.pages.is_empty() && world.is_revoked()
        }),
        Property::sometimes("a recorded page is rejected when it is opened", |_, world: &World| {
            world.rejected_at_opening
        }),
        Property::sometimes("a page is recorded that was not shown", |_, world: &World| {
            let seen = |record: &Record| world.pages.iter().any(|page| page.record() == *record);
            let pages = world.durable.iter().filter(|record| matches!(record, Record::Page { private: true, .. }));
            pages.filter(|record| !seen(record)).count() > 0
        }),
    ]
}

fn event_of(record: &Record) -> u8 {
    match *record {
        Record::Intent { event, .. }
        | Record::Outcome { event, .. }
        | Record::Reveal { event }
        | Record::Page { event, .. } => event,
    }
}
