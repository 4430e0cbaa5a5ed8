//! Crashes: a process that delivers, changes the policy and reveals is killed at a moment that nobody chose, hundreds
//! of times on the same files, and whatever it was told before has to be true afterwards (D2, D4, D5, R2, R3, G1, F2).
//!
//! The process is this very test binary, run again as a child. Whatever a call answers it writes to a pipe, one line a
//! write, so that the lines of before the kill outlive it. Then the files are opened and held against those lines.
//!
//! What this shows is that a process may end between any two of its instructions. What it does not show is a power cut:
//! whatever a killed process wrote is still in the memory of the system, whether it was synced or not. For that there
//! stand `synchronous = FULL`, which SQLite itself is tested for, and in `fencing.rs` the files copied as they lie
//! (`d4_first_verdict_wins_after_a_crash_between_storing_and_answering`).
//!
//! `ACTIVITY_PRIVACY_KILLS` says how many kills there are to be, `ACTIVITY_PRIVACY_SEED` repeats the delays of a run.
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
    pub(crate) mod life;
    pub(crate) mod round;
    pub(crate) mod summary;
    pub(crate) mod truth;
    pub(crate) mod word;
}

use std::env;

use crash::chance::Chance;
use crash::child;
use crash::life::Life;
use crash::summary::Summary;

/// How many rounds the files of one life go through: grown ones, and ones that are killed while they are made.
const LIVES: [usize; 6] = [25, 1, 1, 2, 1, 1];

/// Not a test of its own: what the process does that is killed.
#[test]
fn the_child() {
    if let Some(folder) = env::var_os(child::FOLDER) {
        child::live(folder.as_ref());
    }
}

#[test]
fn d4_g1_r3_what_was_answered_outlives_a_kill() {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let kills = number("ACTIVITY_PRIVACY_KILLS").unwrap_or(40);
    let seed = number("ACTIVITY_PRIVACY_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 16 | 1);
    println!("ACTIVITY_PRIVACY_SEED={seed}");
    let (mut chance, mut summary) = (Chance::new(seed), Summary::default());
    for rounds in LIVES.into_iter().cycle() {
        let mut life = Life::begin();
        for _ in 0..rounds {
            life.round(&mut chance, &mut summary);
            if summary.kills >= kills {
                break;
            }
        }
        life.end(&mut summary);
        if summary.kills >= kills {
            break;
        }
    }
    println!("{summary}");
    assert!(summary.has_bitten(), "hardly anything was killed: {summary}");
}
