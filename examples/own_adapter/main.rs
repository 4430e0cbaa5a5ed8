//! Runs the conformance kit on a store of about two hundred lines, and on three faulty variants of a store.
//!
//! `cargo run --features conformance --example own_adapter`

mod list;
#[path = "../../tests/faulty/store/mod.rs"]
#[allow(dead_code, reason = "this example shows three of many")]
mod wrong;

use std::process::ExitCode;
use std::sync::Arc;

use activity_privacy::conformance::{StoreHarness, Violation, store_clauses};

use self::list::ListStore;

/// Creates a fresh store for the kit, opens another handle on it, and simulates a crash.
struct InThisProcess(Arc<ListStore>);

impl StoreHarness for InThisProcess {
    type Store = Arc<ListStore>;

    fn fresh() -> Self {
        Self(Arc::default())
    }

    fn open(&self) -> Self::Store {
        Arc::clone(&self.0)
    }

    // The list is in memory, so a crash loses nothing else. A store in files copies them here.
    fn crash(&mut self) {}
}

fn main() -> ExitCode {
    println!("A store as a list behind a lock:");
    let mut kept = true;
    for clause in store_clauses::<InThisProcess>() {
        match clause.check() {
            Ok(()) => println!("  ok   {}", clause.name),
            Err(violation) => {
                kept = false;
                println!("  FAIL {violation}");
            }
        }
    }
    report("A store in which the last delivery of an id wins", first_violation::<wrong::Place<wrong::LastWriteWins>>());
    report(
        "A store that applies the limit before it hides",
        first_violation::<wrong::Place<wrong::LimitBeforeHiding>>(),
    );
    report(
        "A store that checks the policy before its commit",
        first_violation::<wrong::Place<wrong::FenceBeforeCommit>>(),
    );
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn first_violation<H: StoreHarness>() -> Option<Violation> {
    store_clauses::<H>().iter().find_map(|clause| clause.check().err())
}

fn report(store: &str, violation: Option<Violation>) {
    println!("\n{store}:");
    match violation {
        Some(violation) => println!("  {violation}"),
        None => println!("  not detected"),
    }
}
