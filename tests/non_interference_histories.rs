//! Rule V2 over whole histories: two nodes, restarts, every policy change, and directories that are unavailable for a
//! time.
//!
//! One run applies a history unchanged. Another applies the same history, but leaves out of each accepted batch the
//! activities that the first run stores as private. A batch that the first run rejected under
//! [`OnUndecidable::Reject`](activity_privacy::policy::OnUndecidable::Reject) decided nothing, so it stays unchanged
//! and is rejected again. Every answer without a reveal, after each step, is then equal byte for byte.
#![cfg(feature = "proptest")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fixture;
mod place;

#[path = "state_machine/backend.rs"]
mod backend;

use std::collections::BTreeSet;

use activity_privacy::activity::{Activity, ActivityId};
use activity_privacy::engine::Visibility;
use activity_privacy::filter::{IngestOutcome, PrivacyFilter};
use activity_privacy::forward::{ForwardBatch, Offset};
use activity_privacy::governance::RecordQuery;
use activity_privacy::query::{CountBy, Cursor, PageSize};
use activity_privacy::strategies::{
    Coverage, CursorChoice, ExpectedAnswer, HistoryHarness, Node, Nodes, Search, Step, all_activity_ids, histories,
    searches,
};
use backend::Memory;
use fixture::user;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Value, json};

/// How the second run handles a batch that has no activities left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EmptyBatch {
    /// It delivers the empty batch.
    Delivered,
    /// It skips the batch. Every import is then reconciled, because otherwise a delivery triggers the node's read.
    Left,
}

/// The results of a run.
#[derive(Default)]
struct Run {
    observed: Vec<String>,
    /// For each delivery, whether it was accepted.
    taken: Vec<bool>,
    /// The outcome of each activity of a delivery.
    delivered: Vec<Vec<(ActivityId, IngestOutcome)>>,
    /// The activities stored as private at the end, or until they were removed.
    hidden: BTreeSet<ActivityId>,
}

/// Applies a history, without the activities that another run stores as private.
fn drive<H: HistoryHarness>(history: &[Step], asked: &[Search], less: Option<&Run>, nothing: EmptyBatch) -> Run {
    let mut nodes = Nodes::<H>::new();
    let mut run = Run::default();
    let mut delivered: Vec<Vec<Activity>> = Vec::new();
    for step in history {
        let step = match step {
            Step::DeliverAgain { at, batch } => {
                let batch = delivered.iter().rev().cycle().nth((*batch).into()).cloned().unwrap_or_default();
                Step::Deliver { at: *at, batch }
            }
            // The index could pick a cursor of a reveal. A reveal does show private activities, so the number of its
            // cursors depends on them.
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
                    if nothing == EmptyBatch::Left && batch.is_empty() && whole > 0 {
                        run.taken.push(true);
                        run.delivered.push(Vec::new());
                        continue;
                    }
                }
                let ids: Vec<ActivityId> = batch.iter().map(|activity| activity.id().clone()).collect();
                let answer = nodes.answer(&Step::Deliver { at, batch }, &ExpectedAnswer::Nothing);
                run.taken.push(matches!(answer, ExpectedAnswer::Delivered(Ok(_))));
                let ExpectedAnswer::Delivered(answer) = answer else { panic!("{answer:?}") };
                run.delivered.push(ids.into_iter().zip(answer.unwrap_or_default()).collect());
            }
            step => {
                if matches!(step, Step::Erase { .. } | Step::Retain { .. }) {
                    // Activities that were hidden so far, even if they are not stored at the end.
                    run.hidden.extend(hidden(&nodes));
                }
                let answer = nodes.answer(&step, &ExpectedAnswer::Nothing);
                match (&step, answer) {
                    (Step::Page { at, search, .. } | Step::Count { at, search, .. }, answer) => {
                        run.observed.push(format!("{answer:?}"));
                        observe(nodes.filter(*at), std::slice::from_ref(search), &mut run.observed);
                    }
                    (Step::LookUp { .. } | Step::Forward { .. } | Step::Change { .. } | Step::Open { .. }, answer)
                    | (Step::Erase { .. } | Step::Retain { .. }, answer) => {
                        run.observed.push(format!("{answer:?}"));
                    }
                    (Step::Governance { .. }, answer @ ExpectedAnswer::Governance(Err(_))) => {
                        run.observed.push(format!("{answer:?}"));
                    }
                    (Step::Import { .. }, _) if nothing == EmptyBatch::Left => {
                        nodes.answer(&Step::Reconcile(Node::First), &ExpectedAnswer::Nothing);
                    }
                    (Step::CatchUp, _) if nothing == EmptyBatch::Left => {
                        nodes.answer(&Step::Reconcile(Node::Second), &ExpectedAnswer::Nothing);
                    }
                    _ => {}
                }
            }
        }
    }
    for node in Node::BOTH {
        observe(nodes.filter(node), asked, &mut run.observed);
        observe_all(nodes.filter(node), &mut run.observed);
    }
    run.hidden.extend(hidden(&nodes));
    run
}

/// Returns the activities that are now stored as private.
fn hidden<H: HistoryHarness>(nodes: &Nodes<H>) -> Vec<ActivityId> {
    let all = nodes.everything(Node::First).into_iter();
    let hidden = all.filter(|stored| stored.visibility() == Visibility::Private);
    hidden.map(|stored| stored.activity().id().clone()).collect()
}

/// Records the results of some queries.
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
                observed.push(error_text(&foreign));
            }
        }
        observed.push(json!(view.count(&query).unwrap()).to_string());
        for by in [CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor] {
            observed.push(json!(view.counts(&query, by).unwrap()).to_string());
        }
    }
}

/// Records the answers of all other calls.
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
    // Offsets of an adapter that counts rows, and offsets that no adapter made.
    for start in 0..18_u64 {
        for size in [1, 4, 1_000] {
            let after = Offset::new(start.to_be_bytes()).unwrap();
            let answer = filter.forward(&after, PageSize::at_most(size));
            observed.push(answer.map_or_else(|error| error_text(&error), |batch| seen(&batch)));
        }
    }
    observed.push(json!({ "policy": *filter.policy().unwrap(), "debug": format!("{filter:?}") }).to_string());
    // A user whom no history makes an administrator.
    observed.push(error_text(&filter.reveal(fixture::reveal_all("from elsewhere")).unwrap_err()));
    let refused = filter.governance_records(&user("from elsewhere"), &RecordQuery::default(), 0, PageSize::MAX);
    observed.push(error_text(&refused.unwrap_err()));
}

fn seen(batch: &ForwardBatch) -> String {
    json!({ "forwarded": batch.activities, "next": batch.next, "debug": format!("{batch:?}") }).to_string()
}

fn error_text(error: &dyn std::error::Error) -> String {
    let mut chain = vec![error.to_string(), format!("{error:?}")];
    let mut source = error.source();
    while let Some(error) = source {
        chain.push(error.to_string());
        source = error.source();
    }
    Value::from(chain).to_string()
}

fn interferes_nowhere<H: HistoryHarness>(history: &[Step], asked: &[Search]) -> Result<usize, TestCaseError> {
    let mut hidden = 0;
    for nothing in [EmptyBatch::Delivered, EmptyBatch::Left] {
        let with = drive::<H>(history, asked, None, nothing);
        let without = drive::<H>(history, asked, Some(&with), nothing);
        for (with, without) in with.observed.iter().zip(&without.observed) {
            prop_assert_eq!(with, without, "{:?}", nothing);
        }
        prop_assert_eq!(with.observed.len(), without.observed.len());
        prop_assert_eq!(&with.taken, &without.taken, "both runs reject the same batches");
        let of_others = |batch: &Vec<(ActivityId, IngestOutcome)>| -> Vec<_> {
            batch.iter().filter(|(id, _)| !with.hidden.contains(id)).cloned().collect()
        };
        let delivered: Vec<_> = with.delivered.iter().map(of_others).collect();
        prop_assert_eq!(delivered, without.delivered, "outcomes of public activities are equal");
        prop_assert!(without.hidden.is_empty(), "the second run stores nothing private");
        hidden += with.hidden.len();
    }
    Ok(hidden)
}

fn config(seeds: &'static str, cases: u32) -> ProptestConfig {
    let cases = std::env::var("ACTIVITY_PRIVACY_CASES").map_or(cases, |cases| cases.parse().expect("a number"));
    assert!(std::path::Path::new(seeds).is_file(), "no committed seed would be replayed");
    let failure_persistence = Some(Box::new(FileFailurePersistence::Direct(seeds)) as Box<_>);
    ProptestConfig { cases, failure_persistence, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config("../proptest-regressions/non_interference_memory.txt", 48))]

    #[test]
    fn v2_no_memory_history_discloses_hidden_activities(
        history in histories(0..=40),
        asked in vec(searches(), 1..3),
    ) {
        interferes_nowhere::<Memory>(&history, &asked)?;
    }
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(config("../proptest-regressions/non_interference_sqlite.txt", 16))]

    #[test]
    fn v2_no_sqlite_history_discloses_hidden_activities(
        history in histories(0..=40),
        asked in vec(searches(), 1..3),
    ) {
        interferes_nowhere::<backend::Files>(&history, &asked)?;
    }
}

/// The property is meaningful only if histories store private and public activities, and reject some batches.
#[test]
fn v2_histories_hide_show_and_reject() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut hidden, mut refused, mut histories_played) = (0, 0, 0);
    let ((), reached) = Coverage::during(|| {
        // A rejected batch is rare.
        while histories_played < 150 || (refused == 0 && histories_played < 1_500) {
            histories_played += 1;
            let history = histories(20..=40).new_tree(&mut runner).unwrap().current();
            let run = drive::<Memory>(&history, &[], None, EmptyBatch::Delivered);
            hidden += run.hidden.len();
            refused += run.taken.iter().filter(|taken| !**taken).count();
        }
    });
    let stored = reached.times("delivered: Stored") as usize;
    assert!(hidden > 60 && stored > hidden + 60 && refused > 0, "{stored} stored, {hidden} hidden, {refused} refused");
}
