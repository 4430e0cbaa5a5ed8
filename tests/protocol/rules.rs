//! What holds in every state, and what can happen at all.

use stateright::Property;

use super::world::{Call, Change, Page, Plan, Published, Record, World};

/// D5.
pub(super) const NO_STALE_STAMP: &str = "nothing is stored under a revision older than one that returned before";
/// D5: changes build on one another.
pub(super) const NO_CHANGE_IS_LOST: &str = "a change that returned is in force";
/// D4.
pub(super) const FIRST_VERDICT_WINS: &str = "the first verdict stays, whatever is delivered again";
/// G1.
pub(super) const INTENT_ON_RECORD: &str = "whatever is in force has its intent on record";
/// G1.
pub(super) const OUTCOMES_ARE_TRUE: &str = "what is recorded as done was done, and what as superseded was not";
/// R2 and R3.
pub(super) const RECORD_BEFORE_BYTES: &str = "whatever was shown has its durable records";
/// P2.
pub(super) const NO_PAGE_AFTER_REVOCATION: &str = "no page was asked for after a revocation returned";
/// P2.
pub(super) const REVOCATION_STOPS_PAGES: &str = "no page was shown whose record took until a revocation had returned";

pub(super) fn properties(plan: &Plan) -> Vec<Property<Plan>> {
    let mut properties = vec![
        Property::always(NO_STALE_STAMP, |_, world: &World| {
            world.activity.is_none_or(|decision| decision.policy.revision >= decision.floor)
        }),
        Property::always(NO_CHANGE_IS_LOST, |_, world: &World| {
            world.changes_returned.iter().all(|change| change.is_in(world.policy))
        }),
        Property::always(FIRST_VERDICT_WINS, |_, world: &World| world.activity == world.first_stamp),
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
            !world.pages.iter().any(|page| page.asked_after_revocation)
        }),
        Property::always(REVOCATION_STOPS_PAGES, |_, world: &World| {
            !world.pages.iter().any(|page| page.recorded_after_revocation)
        }),
        Property::sometimes("the sink keeps what nobody waits for any more", |_, world: &World| {
            let idle = world.nodes.iter().all(|node| node.call == Call::Idle);
            idle && world
                .durable
                .iter()
                .any(|record| !world.published.iter().any(|(event, ..)| *event == act_of(record)))
        }),
        Property::sometimes("a change is published and its node crashes before the outcome", |_, world: &World| {
            world.crashed_after_publishing
        }),
        Property::sometimes("a change is in force though its caller was told of an error", |_, world: &World| {
            world.durable.iter().any(|record| match *record {
                Record::Outcome { event, change, revision, published: Published::Unknown } => {
                    world.published.contains(&(event, change, revision))
                }
                _ => false,
            })
        }),
    ];
    if plan.outcomes > 0 {
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
        Property::sometimes("a stale append is refused", |_, world: &World| world.refused_as_stale),
        Property::sometimes("what was refused as stale is stored under the policy in force", |_, world: &World| {
            world.refused_as_stale && world.activity.is_some_and(|decision| decision.policy == world.policy)
        }),
        Property::sometimes("what was shown is delivered again after the group became private", |_, world: &World| {
            let shown = world.activity.is_some_and(|decision| !decision.policy.private);
            world.delivered_again && shown && world.policy.private
        }),
    ]
}

fn change_is_not_vacuous() -> [Property<Plan>; 2] {
    [
        Property::sometimes("one change comes before another, and both return", |_, world: &World| {
            [Change::MakePrivate, Change::Revoke].iter().all(|change| world.changes_returned.contains(change))
        }),
        Property::sometimes("a change is superseded and returns on top of the other", |_, world: &World| {
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
        Property::sometimes("a page that is on record is refused at its opening", |_, world: &World| {
            world.refused_at_opening
        }),
        Property::sometimes("a page is on record that nobody saw", |_, world: &World| {
            let seen = |record: &Record| world.pages.iter().any(|page| page.record() == *record);
            let pages = world.durable.iter().filter(|record| matches!(record, Record::Page { private: true, .. }));
            pages.filter(|record| !seen(record)).count() > 0
        }),
    ]
}

fn act_of(record: &Record) -> u8 {
    match *record {
        Record::Intent { event, .. }
        | Record::Outcome { event, .. }
        | Record::Reveal { event }
        | Record::Page { event, .. } => event,
    }
}
