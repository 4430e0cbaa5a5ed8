//! Runs the conformance kit on a store of about two hundred lines, and on three faulty variants of a store.
//!
//! `cargo run --features conformance --example own_adapter`

mod faulty;
mod list;
#[path = "../shared/terminal.rs"]
mod terminal;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use activity_privacy::conformance::{Clause, OffsetsHarness, StoreHarness, Violation, offsets_clauses, store_clauses};

use self::faulty::{Faulty, FenceBeforeCommit, LastDeliveryWins, LimitBeforeHiding};
use self::list::ListStore;
use self::terminal::{Output, Result};

const USAGE: &str = "\
usage: own_adapter

Tests a store against each clause of its contract, and shows which clause three
faulty stores break. The exit code is 1 if the first store breaks a clause.";

/// Creates a fresh store for the kit, opens another handle to it, and simulates a crash.
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

/// The same list as the port of the forwarders' offsets.
impl OffsetsHarness for InThisProcess {
    type Offsets = Arc<ListStore>;

    fn fresh() -> Self {
        Self(Arc::default())
    }

    fn open(&self) -> Self::Offsets {
        Arc::clone(&self.0)
    }

    fn crash(&mut self) {}
}

fn main() -> ExitCode {
    terminal::run(|out| if !terminal::has_no_arguments(out, USAGE)? { Ok(ExitCode::SUCCESS) } else { check(out) })
}

fn check(out: &mut Output) -> Result<ExitCode> {
    writeln!(out, "A store as a list behind a lock:")?;
    let mut kept = check_all(out, &store_clauses::<InThisProcess>())?;
    writeln!(out, "\nThe same list for the offsets of forwarders:")?;
    kept &= check_all(out, &offsets_clauses::<InThisProcess>())?;
    report(out, "A store in which the last delivery of an id wins", first_violation::<Faulty<LastDeliveryWins>>())?;
    report(out, "A store that applies the limit before it hides", first_violation::<Faulty<LimitBeforeHiding>>())?;
    report(out, "A store that checks the policy before its commit", first_violation::<Faulty<FenceBeforeCommit>>())?;
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Checks each clause, and returns whether all hold.
fn check_all(out: &mut Output, clauses: &[Clause]) -> Result<bool> {
    let mut kept = true;
    for clause in clauses {
        match clause.check() {
            Ok(()) => writeln!(out, "  ok   {}", clause.name)?,
            Err(violation) => {
                kept = false;
                writeln!(out, "  FAIL {violation}")?;
            }
        }
    }
    Ok(kept)
}

fn first_violation<H: StoreHarness>() -> Option<Violation> {
    store_clauses::<H>().iter().find_map(|clause| clause.check().err())
}

fn report(out: &mut Output, store: &str, violation: Option<Violation>) -> Result<()> {
    writeln!(out, "\n{store}:")?;
    match violation {
        Some(violation) => writeln!(out, "  {violation}")?,
        None => writeln!(out, "  not detected")?,
    }
    Ok(())
}
