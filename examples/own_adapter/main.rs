//! A store of one's own, held to its contract: writes one in two hundred lines, tries every clause out on it, and
//! shows what the conformance kit says of three that are almost right.
//!
//! `cargo run --features conformance --example own_adapter`

mod list;
#[path = "../../tests/faulty/store/mod.rs"]
#[allow(dead_code, reason = "three of many are shown here")]
mod wrong;

use std::process::ExitCode;
use std::sync::Arc;

use activity_privacy::conformance::{StoreHarness, Violation, store_clauses};

use self::list::ListStore;

/// Tells the kit where a fresh store is, how to open it once more, and what a crash leaves of it.
struct InThisProcess(Arc<ListStore>);

impl StoreHarness for InThisProcess {
    type Store = Arc<ListStore>;

    fn fresh() -> Self {
        Self(Arc::default())
    }

    fn open(&self) -> Self::Store {
        Arc::clone(&self.0)
    }

    // The list lives as long as the process does, so there is nothing else to lose. A store in files copies them here.
    fn crash(&mut self) {}
}

fn main() -> ExitCode {
    println!("A list behind a lock:");
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
    tell("One that lets the last delivery of an id win", first_violation::<wrong::Place<wrong::LastWriteWins>>());
    tell("One that cuts to the limit before it hides", first_violation::<wrong::Place<wrong::LimitBeforeHiding>>());
    tell("One that checks the policy, and then stores", first_violation::<wrong::Place<wrong::FenceBeforeCommit>>());
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn first_violation<H: StoreHarness>() -> Option<Violation> {
    store_clauses::<H>().iter().find_map(|clause| clause.check().err())
}

fn tell(which: &str, violation: Option<Violation>) {
    println!("\n{which}:");
    match violation {
        Some(violation) => println!("  {violation}"),
        None => println!("  not caught"),
    }
}
