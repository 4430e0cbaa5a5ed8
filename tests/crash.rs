//! Crash tests: a process that ingests, changes the policy and reveals is killed at random moments, hundreds of times
//! on the same files. Everything that it acknowledged before must be true afterwards (D2, D4, D5, R2, R3, G1, F2).
//!
//! The process is this test binary, run again as a child. It writes each answer to a pipe, one line per write, so that
//! the lines survive the kill. Then the test opens the files and compares them with those lines.
//!
//! The test shows that a process can end between any two instructions. It does not simulate a power failure: the system
//! keeps what a killed process wrote, synced or not. Power failures are covered by `synchronous = FULL`, which SQLite
//! itself tests, and by a test in `fencing.rs` that copies the open files
//! (`d4_first_verdict_survives_crash_before_answer`).
//!
//! `ACTIVITY_PRIVACY_KILLS` sets the number of kills, and `ACTIVITY_PRIVACY_SEED` repeats the delays of a run.
#![cfg(all(unix, feature = "sqlite"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

mod fixture;
mod place;

mod crash {
    pub(crate) mod chance;
    pub(crate) mod child;
    pub(crate) mod files;
    pub(crate) mod message;
    pub(crate) mod oracle;
    pub(crate) mod round;
    pub(crate) mod scenario;
    pub(crate) mod settings;
    pub(crate) mod summary;
}

use std::env;

use crash::chance::Chance;
use crash::child;
use crash::scenario::Scenario;
use crash::settings::Settings;
use crash::summary::Summary;

/// The numbers of rounds per set of files: old files, and files that are killed while they are created.
const ROUNDS: [usize; 6] = [25, 1, 1, 2, 1, 1];

/// Not a test of its own: the process that is killed.
#[test]
fn the_child() {
    if let Some(folder) = env::var_os(child::FOLDER) {
        child::live(folder.as_ref());
    }
}

#[test]
fn d4_g1_r3_acknowledged_writes_survive_kill() {
    let Settings { kills, seed } = Settings::read(40);
    let (mut chance, mut summary) = (Chance::new(seed), Summary::default());
    for rounds in ROUNDS.into_iter().cycle() {
        let mut scenario = Scenario::new();
        for _ in 0..rounds {
            scenario.round(&mut chance, &mut summary);
            if summary.kills >= kills {
                break;
            }
        }
        scenario.end(&mut summary);
        if summary.kills >= kills {
            break;
        }
    }
    println!("{summary}");
    assert!(summary.is_conclusive(), "too few operations were interrupted: {summary}");
}
