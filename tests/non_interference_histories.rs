//! Rule V2 through whole histories: two nodes, restarts, every change of the policy, directories that vanish and come
//! back.
//!
//! One run takes a history as it is. Another takes the same history, and of every batch that was taken it leaves out
//! what the first run holds as private. A batch that the first run refused, because the policy says to
//! ([`OnUndecidable::Reject`](activity_privacy::policy::OnUndecidable::Reject)), decided nothing, so it stays as it is, and
//! is refused again. Whatever is asked without a reveal, at any step of the way, is then answered alike, byte for byte.
#![cfg(feature = "proptest")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fixture;
mod place;

#[path = "state_machine/ground.rs"]
mod ground;
#[path = "state_machine/system.rs"]
mod system;
#[path = "state_machine/tally.rs"]
mod tally;

use std::collections::BTreeSet;

use activity_privacy::activity::{Activity, ActivityId};
use activity_privacy::engine::Visibility;
use activity_privacy::filter::{IngestOutcome, PrivacyFilter};
use activity_privacy::forward::{ForwardBatch, Offset};
use activity_privacy::governance::RecordQuery;
use activity_privacy::query::{CountBy, Cursor, PageSize};
use activity_privacy::strategies::{
    CursorChoice, ExpectedAnswer, Node, Search, Step, all_activity_ids, histories, searches,
};
use fixture::user;
use ground::{Ground, Memory};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Value, json};
use system::System;

/// What becomes of a batch of which nothing is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nothing {
    /// It is delivered all the same.
    Delivered,
    /// It is not. Then every import is followed, as it should be: otherwise a delivery is what makes a node look.
    Left,
}

/// What one run came to.
#[derive(Default)]
struct Run {
    observed: Vec<String>,
    /// For each delivery, whether it was taken.
    taken: Vec<bool>,
    /// What became of each activity in it.
    delivered: Vec<Vec<(ActivityId, IngestOutcome)>>,
    /// What is stored as private in the end, or was until it was removed.
    hidden: BTreeSet<ActivityId>,
}

/// Takes a history, less what another run holds as private.
fn drive<G: Ground>(history: &[Step], asked: &[Search], less: Option<&Run>, nothing: Nothing) -> Run {
    let mut system = System::<G>::begin();
    let mut run = Run::default();
    let mut delivered: Vec<Vec<Activity>> = Vec::new();
    for step in history {
        let step = match step {
            Step::DeliverAgain { at, batch } => {
                let batch = delivered.iter().rev().cycle().nth((*batch).into()).cloned().unwrap_or_default();
                Step::Deliver { at: *at, batch }
            }
            // Of all cursors there ever were, one of a reveal could be picked: and of these there are others where less
            // is hidden, because whoever has a reveal does see what is hidden.
            Step::Page { at, viewer, search, size, cursor: CursorChoice::Any(_) } => {
                let (viewer, search) = (viewer.clone(), search.clone());
                Step::Page { at: *at, viewer, search, size: *size, cursor: CursorChoice::Last }
            }
            other => other.clone(),
        };
        match step {
            Step::Deliver { at, mut batch } => {
                delivered.push(batch.clone());
                if let Some(less) = less.filter(|less| less.taken[run.taken.len()]) {
                    let whole = batch.len();
                    batch.retain(|activity| !less.hidden.contains(activity.id()));
                    if nothing == Nothing::Left && batch.is_empty() && whole > 0 {
                        run.taken.push(true);
                        run.delivered.push(Vec::new());
                        continue;
                    }
                }
                let ids: Vec<ActivityId> = batch.iter().map(|activity| activity.id().clone()).collect();
                let answer = system.answer(&Step::Deliver { at, batch }, &ExpectedAnswer::Nothing);
                run.taken.push(matches!(answer, ExpectedAnswer::Delivered(Ok(_))));
                let ExpectedAnswer::Delivered(answer) = answer else { panic!("{answer:?}") };
                run.delivered.push(ids.into_iter().zip(answer.unwrap_or_default()).collect());
            }
            step => {
                if matches!(step, Step::Erase { .. } | Step::Retain { .. }) {
                    // What was hidden until then, though it is not stored in the end.
                    run.hidden.extend(hidden(&system));
                }
                let answer = system.answer(&step, &ExpectedAnswer::Nothing);
                match (&step, answer) {
                    (Step::Page { at, search, .. } | Step::Count { at, search, .. }, answer) => {
                        run.observed.push(format!("{answer:?}"));
                        observe(system.filter(*at), std::slice::from_ref(search), &mut run.observed);
                    }
                    (Step::LookUp { .. } | Step::Forward { .. } | Step::Change { .. } | Step::Open { .. }, answer)
                    | (Step::Erase { .. } | Step::Retain { .. }, answer) => {
                        run.observed.push(format!("{answer:?}"));
                    }
                    (Step::Governance { .. }, answer @ ExpectedAnswer::Governance(Err(_))) => {
                        run.observed.push(format!("{answer:?}"));
                    }
                    (Step::Import { .. }, _) if nothing == Nothing::Left => {
                        system.answer(&Step::Reconcile(Node::First), &ExpectedAnswer::Nothing);
                    }
                    (Step::CatchUp, _) if nothing == Nothing::Left => {
                        system.answer(&Step::Reconcile(Node::Second), &ExpectedAnswer::Nothing);
                    }
                    _ => {}
                }
            }
        }
    }
    for node in Node::BOTH {
        observe(system.filter(node), asked, &mut run.observed);
        observe_all(system.filter(node), &mut run.observed);
    }
    run.hidden.extend(hidden(&system));
    run
}

/// What is stored as private now.
fn hidden<G: Ground>(system: &System<G>) -> Vec<ActivityId> {
    let all = system.everything(Node::First).into_iter();
    let hidden = all.filter(|stored| stored.visibility() == Visibility::Private);
    hidden.map(|stored| stored.activity().id().clone()).collect()
}

/// What a few queries find.
fn observe(filter: &PrivacyFilter, asked: &[Search], observed: &mut Vec<String>) {
    let view = filter.view(&user("ann"));
    for search in asked {
        let query = search.query();
        for size in [1, 3, 1_000] {
            let mut cursor: Option<Cursor> = None;
            loop {
                let page = view.page(&query, PageSize::at_most(size), cursor.as_ref()).unwrap();
                observed.push(json!({ "page": page, "debug": format!("{page:?}") }).to_string());
                cursor = page.next().map(|next| next.to_string().parse().unwrap());
                let Some(cursor) = &cursor else { break };
                let foreign = filter.view(&user("bob")).page(&query, PageSize::MAX, Some(cursor)).unwrap_err();
                observed.push(said(&foreign));
            }
        }
        observed.push(json!(view.count(&query).unwrap()).to_string());
        for by in [CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor] {
            observed.push(json!(view.counts(&query, by).unwrap()).to_string());
        }
    }
}

/// Whatever else can be asked.
fn observe_all(filter: &PrivacyFilter, observed: &mut Vec<String>) {
    observe(filter, &[Search::default()], observed);
    let view = filter.view(&user("ann"));
    for id in all_activity_ids() {
        let found = view.activity(&id).unwrap();
        observed.push(json!({ "found": found, "debug": format!("{found:?}") }).to_string());
    }
    let mut after = Offset::START;
    loop {
        let batch = filter.forward(&after, PageSize::at_most(1)).unwrap();
        observed.push(seen(&batch));
        if batch.activities.is_empty() {
            break;
        }
        after = batch.next;
    }
    // Offsets of an adapter that counts, and such that none made.
    for start in 0..18_u64 {
        for size in [1, 4, 1_000] {
            let after = Offset::new(start.to_be_bytes()).unwrap();
            let answer = filter.forward(&after, PageSize::at_most(size));
            observed.push(answer.map_or_else(|error| said(&error), |batch| seen(&batch)));
        }
    }
    observed.push(json!({ "policy": *filter.policy().unwrap(), "debug": format!("{filter:?}") }).to_string());
    // Somebody whom no history makes an admin.
    observed.push(said(&filter.reveal(fixture::reveal_all("from elsewhere")).unwrap_err()));
    let refused = filter.governance_records(&user("from elsewhere"), &RecordQuery::default(), 0, PageSize::MAX);
    observed.push(said(&refused.unwrap_err()));
}

fn seen(batch: &ForwardBatch) -> String {
    json!({ "forwarded": batch.activities, "next": batch.next, "debug": format!("{batch:?}") }).to_string()
}

fn said(error: &dyn std::error::Error) -> String {
    let mut chain = vec![error.to_string(), format!("{error:?}")];
    let mut source = error.source();
    while let Some(error) = source {
        chain.push(error.to_string());
        source = error.source();
    }
    Value::from(chain).to_string()
}

fn interferes_nowhere<G: Ground>(history: &[Step], asked: &[Search]) -> Result<usize, TestCaseError> {
    let mut hidden = 0;
    for nothing in [Nothing::Delivered, Nothing::Left] {
        let with = drive::<G>(history, asked, None, nothing);
        let without = drive::<G>(history, asked, Some(&with), nothing);
        for (with, without) in with.observed.iter().zip(&without.observed) {
            prop_assert_eq!(with, without, "{:?}", nothing);
        }
        prop_assert_eq!(with.observed.len(), without.observed.len());
        prop_assert_eq!(&with.taken, &without.taken, "what is refused is refused in both");
        let of_others = |batch: &Vec<(ActivityId, IngestOutcome)>| -> Vec<_> {
            batch.iter().filter(|(id, _)| !with.hidden.contains(id)).cloned().collect()
        };
        let delivered: Vec<_> = with.delivered.iter().map(of_others).collect();
        prop_assert_eq!(delivered, without.delivered, "whoever delivers what is not hidden is told the same");
        prop_assert!(without.hidden.is_empty(), "the second run holds nothing private");
        hidden += with.hidden.len();
    }
    Ok(hidden)
}

fn config(seeds: &'static str, cases: u32) -> ProptestConfig {
    let cases = std::env::var("ACTIVITY_PRIVACY_CASES").map_or(cases, |cases| cases.parse().expect("a number"));
    let failure_persistence = Some(Box::new(FileFailurePersistence::Direct(seeds)) as Box<_>);
    ProptestConfig { cases, failure_persistence, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config("proptest-regressions/non_interference_memory.txt", 48))]

    #[test]
    fn v2_no_history_shows_that_something_is_hidden_in_memory(
        history in histories(0..=40),
        asked in vec(searches(), 1..3),
    ) {
        interferes_nowhere::<Memory>(&history, &asked)?;
    }
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(config("proptest-regressions/non_interference_sqlite.txt", 16))]

    #[test]
    fn v2_no_history_shows_that_something_is_hidden_in_sqlite(
        history in histories(0..=40),
        asked in vec(searches(), 1..3),
    ) {
        interferes_nowhere::<ground::Files>(&history, &asked)?;
    }
}

/// The property says something only if histories hide something, show something, and refuse a batch now and then.
#[test]
fn v2_the_histories_hide_and_show_and_refuse() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut hidden, mut refused) = (0, 0);
    tally::start();
    for _ in 0..150 {
        let history = histories(20..=40).new_tree(&mut runner).unwrap().current();
        let run = drive::<Memory>(&history, &[], None, Nothing::Delivered);
        hidden += run.hidden.len();
        refused += run.taken.iter().filter(|taken| !**taken).count();
    }
    let stored = tally::finish().times("delivered: Stored") as usize;
    assert!(hidden > 60 && stored > hidden + 60 && refused > 0, "{stored} stored, {hidden} hidden, {refused} refused");
}
