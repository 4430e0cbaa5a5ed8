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

use activity_privacy::strategies::{HistoryHarness, HistoryTest};
use backend::Memory;

fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// Plays as many histories as the environment variable sets.
fn run<H: HistoryHarness>(seeds: &'static str) {
    assert!(std::path::Path::new(seeds).is_file(), "no committed seed would be replayed");
    let cases = number("ACTIVITY_PRIVACY_CASES").map_or(32, |cases| u32::try_from(cases).expect("the number fits"));
    let length = number("ACTIVITY_PRIVACY_STEPS").map_or(1..=50, |length| length..=length);
    let reached = HistoryTest::new().cases(cases).length(length).seeds(seeds).run::<H>();
    println!("{cases} histories over {}:\n{reached}", std::any::type_name::<H>());
}

#[test]
fn every_rule_holds_in_random_histories_in_memory() {
    run::<Memory>("../proptest-regressions/state_machine_memory.txt");
}

#[cfg(feature = "sqlite")]
#[test]
fn every_rule_holds_in_random_histories_in_sqlite() {
    run::<backend::Files>("../proptest-regressions/state_machine_sqlite.txt");
}

/// Agreement with the model covers only the outcomes that the histories reach.
#[test]
fn model_histories_reach_every_listed_outcome() {
    let reached = HistoryTest::new().cases(300).length(40..=50).repeatable().run::<Memory>();
    for what in [
        "change denied: MayNotManage",
        "change denied: NotAdmin",
        "change invalid: AmbiguousPerson",
        "change invalid: InUpdate",
        "change invalid: MovedOn",
        "change invalid: SelfGrant",
        "change invalid in an update: LastAdministrator",
        "change invalid in an update: MayNotDisclose",
        "change invalid: NoDirectory",
        "change invalid: NotAnAdmin",
        "change invalid: Unchanged",
        "change invalid: UnknownFollower",
        "change invalid: UnknownGroup",
        "change invalid: UnknownPerson",
        "changed: AddFollower",
        "changed: AddScopeRule",
        "changed: DiscloseToFollower",
        "changed: Grant",
        "changed: MakePublic",
        "changed: RemoveAdmin",
        "changed: RemoveFollower",
        "changed: RemoveScopeRule",
        "changed: Revoke",
        "changed: SetOptions",
        "changed: UnmanageDomain",
        "changed: WithholdFromFollower",
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
        "export: omit",
        "export: redact",
        "export: redacted rows",
        "export denied",
        "step: initialize",
        "step: follow",
        "step: forward",
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
        assert!(reached.times_like(what) > 0, "never reached: {what}\n{reached}");
    }
}
