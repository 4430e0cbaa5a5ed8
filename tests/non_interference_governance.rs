//! Rules V2 and G2 for the governance log: an administrator without the permission to view private activities learns
//! nothing about them from the log.
//!
//! One run applies a random history unchanged. Another applies the same history without the activities that the first
//! stores as private, on a store whose reads and removals take another time. Everything that the administrator can get
//! is then equal byte for byte, after each commitment is replaced by the number of its first appearance. Ids come from
//! a counter, so they are equal without replacement.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "non_interference_governance/by_hand.rs"]
mod by_hand;
mod fault;
mod fixture;
mod forward;
#[path = "non_interference_governance/history.rs"]
mod history;
mod place;
#[path = "non_interference_governance/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use activity_privacy::activity::ActivityId;
use activity_privacy::governance::{Event, Outcome};
use activity_privacy::memory::MemoryDirectory;
use fault::{Fault, FaultySink, FaultyStore, Log, Meanwhile, StoreFault};
use fixture::*;
use history::*;
use place::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;
use world::*;
/// The text before a commitment, in JSON and in `Debug`, and before the salt of a justification, which every reader of
/// the log gets. The number is the length of the commitment or the salt.
const RANDOM: [(&str, usize); 3] = [(r#""sha256":""#, 64), ("sha256: Digest(", 64), (r#""salt":""#, 32)];

/// Replaces each commitment and each salt by the number of its first appearance. Other digests are kept.
fn numbered(observed: &[String]) -> Vec<String> {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut number = |text: &String| {
        let (mut out, mut rest) = (String::new(), text.as_str());
        let next =
            |rest: &str| RANDOM.iter().filter_map(|(mark, size)| Some((rest.find(mark)? + mark.len(), *size))).min();
        while let Some((begin, size)) = next(rest) {
            let (before, from) = rest.split_at(begin);
            let (random, after) = from.split_at(size);
            let number = numbers.len();
            out += &format!("{before}#{}", numbers.entry(random.to_owned()).or_insert(number));
            rest = after;
        }
        out + rest
    };
    observed.iter().map(&mut number).collect()
}

/// Describes where two texts begin to differ.
fn difference(one: &str, other: &str) -> String {
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let around = |text: &str| {
        String::from_utf8_lossy(&text.as_bytes()[same.saturating_sub(300)..text.len().min(same + 200)]).into_owned()
    };
    format!("\nwith: {}\nwithout: {}", around(one), around(other))
}

fn run(place: &Place, takes: i64, history: &[Step], left_out: &BTreeSet<ActivityId>) -> World {
    let mut world = World::new(place, takes);
    for (nth, step) in history.iter().enumerate() {
        world.take(step, left_out);
        if nth % 16 == 15 {
            world.observe_all();
        }
    }
    world.observe_all();
    world
}

fn interferes_nowhere(make: fn() -> Place, history: &[Step]) -> Result<(), TestCaseError> {
    let (with, without) = (make(), make());
    // Short enough that no reveal ends earlier because of it: the time that its page reads take adds up.
    let with = run(&with, 1, history, &BTreeSet::new());
    let without = run(&without, 0, history, &with.hidden);
    prop_assert!(without.hidden.is_empty(), "the second run stores nothing private");
    for (with, without) in numbered(&with.observed).iter().zip(&numbered(&without.observed)) {
        prop_assert!(with == without, "{}", difference(with, without));
    }
    prop_assert_eq!(with.observed.len(), without.observed.len());
    Ok(())
}

fn config(cases: u32) -> ProptestConfig {
    let cases = std::env::var("ACTIVITY_PRIVACY_CASES").map_or(cases, |cases| cases.parse().expect("a number"));
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn v2_log_in_memory_discloses_no_hidden_row(history in vec(steps(), 0..60)) {
        interferes_nowhere(Place::in_memory, &history)?;
    }
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn v2_log_in_sqlite_discloses_no_hidden_row(history in vec(steps(), 0..60)) {
        interferes_nowhere(Place::in_sqlite, &history)?;
    }
}

/// The property is meaningful only if histories show private activities, remove some, reject pages, and fail.
#[test]
fn v2_governance_histories_show_remove_reject_and_fail() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut shown, mut erased, mut approved, mut met) = (0, 0, 0, BTreeMap::new());
    for _ in 0..60 {
        let history = vec(steps(), 30..60).new_tree(&mut runner).unwrap().current();
        let world = run(&Place::in_memory(), 0, &history, &BTreeSet::new());
        (shown, erased) = (shown + world.shown, erased + world.erased);
        for record in world.sink.durable() {
            let with_approval = matches!(&record.event, Event::Reveal(summary) if summary.request.is_some());
            approved += usize::from(with_approval && record.outcome == Outcome::Intended);
            *met.entry((record.kind().to_string(), record.outcome.kind().to_string())).or_insert(0) += 1;
        }
    }
    let times = |kind: &str, outcome: &str| met.get(&(kind.to_owned(), outcome.to_owned())).copied().unwrap_or(0);
    assert!(shown > 150 && erased > 100 && approved > 0, "{shown} shown, {erased} removed, {approved} approved");
    for (kind, outcome) in [
        ("page", "intended"),
        ("page", "refused"),
        ("reveal", "done"),
        ("reveal", "refused"),
        ("reveal_request", "done"),
        ("approval", "done"),
        ("approval", "refused"),
        ("erasure", "done"),
        ("erasure", "failed"),
        ("erasure", "refused"),
        ("retention", "done"),
        ("directory", "observed"),
    ] {
        assert!(times(kind, outcome) > 0, "no {kind} {outcome}: {met:?}");
    }
}
