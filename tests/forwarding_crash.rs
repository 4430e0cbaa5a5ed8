//! A process that forwards is killed at random moments, on the same files: during a delivery, during an acknowledgement, and
//! between them. Nothing public is lost, nothing private is sent, and at most one batch is repeated (F1, F2).
//!
//! The process is this test binary, run again as a child. Its destination is a file, which a kill leaves as it is.
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

#[path = "crash/chance.rs"]
mod chance;
mod fixture;
mod place;
#[path = "crash/settings.rs"]
mod settings;

mod forwarding_crash {
    pub(crate) mod child;
    pub(crate) mod truth;
}

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use chance::Chance;
use forwarding_crash::child;
use forwarding_crash::truth::Truth;
use place::folder;
use settings::Settings;

/// Not a test of its own: the process that is killed.
#[test]
fn the_child() {
    if let Some(folder) = env::var_os(child::FOLDER) {
        child::live(folder.as_ref());
    }
}

#[test]
fn f1_f2_killed_forwarder_loses_nothing_and_sends_nothing_private() {
    let Settings { kills, seed } = Settings::read(12);
    let (mut chance, folder, mut truth) = (Chance::new(seed), folder(), Truth::default());
    for round in 0..kills {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_child", "--nocapture", "--quiet"])
            .env(child::FOLDER, folder.path())
            .env(child::SEED, (seed + round).to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Read on, because a full pipe would block the child.
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let is_ready = lines.by_ref().any(|line| line.unwrap().contains(child::READY));
        assert!(is_ready, "the child ended before it was ready: {:?}", process.wait());
        thread::sleep(Duration::from_micros(chance.below(60_000)));
        process.kill().unwrap();
        let status = process.wait().unwrap();
        assert_eq!(status.code(), None, "the child ended before the kill: {status}");
        truth.check(folder.path());
    }
    truth.drain(folder.path());
    println!("{truth}");
    assert!(truth.is_conclusive(kills), "too few interruptions: {truth}");
}
