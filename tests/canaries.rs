//! Nothing private in any byte: rules F1, F2 and V5.
//!
//! Every activity contains a token of its own in every field. Random histories ingest activities and change the policy,
//! the directory and the forwarders. Everything that leaves is searched for tokens: what forwarders deliver in every
//! format, exports in every format, governance records of a follower, and the states of forwarders and drivers. Only
//! tokens of public activities leave, and each public activity does.
//!
//! `ACTIVITY_PRIVACY_CASES` sets the number of histories in each kind of storage (default 3), `ACTIVITY_PRIVACY_STEPS`
//! their length (default 80, and 240 for logs), and `ACTIVITY_PRIVACY_SEED` repeats a run. `ACTIVITY_PRIVACY_LOGS` names a folder of logs,
//! whose records are the activities of one more history.
#![cfg(all(feature = "export", feature = "parquet", feature = "mapped"))]
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

mod canaries {
    pub(crate) mod activities;
    pub(crate) mod destination;
    pub(crate) mod encoding;
    pub(crate) mod exports;
    pub(crate) mod history;
    pub(crate) mod logs;
    pub(crate) mod tokens;
    pub(crate) mod totals;
}

use std::env;

use canaries::activities::Invented;
use canaries::history::History;
use canaries::logs::Logs;
use canaries::totals::Totals;
use chance::Chance;
use place::PLACES;

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn seed() -> u64 {
    let seed = number("ACTIVITY_PRIVACY_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 16 | 1);
    println!("ACTIVITY_PRIVACY_SEED={seed}");
    seed
}

#[test]
fn f1_f2_v5_no_token_of_private_activity_leaves() {
    let (seed, mut totals) = (seed(), Totals::default());
    let cases = number("ACTIVITY_PRIVACY_CASES").unwrap_or(3);
    let steps = number("ACTIVITY_PRIVACY_STEPS").unwrap_or(80);
    for case in 0..cases {
        for place in PLACES {
            let chance = Chance::new(seed + case);
            totals += History::new(&place(), Invented::people(), chance).run(&mut Invented::default(), steps);
        }
    }
    println!("{totals}");
    assert!(totals.is_conclusive(), "{totals}");
}

#[test]
fn f1_f2_v5_no_token_of_private_logged_activity_leaves() {
    let Some(folder) = env::var_os("ACTIVITY_PRIVACY_LOGS") else { return };
    let (mut logs, seed) = (Logs::read(folder.as_ref()), seed());
    let people = logs.people();
    let place = PLACES[PLACES.len() - 1]();
    let totals =
        History::new(&place, people, Chance::new(seed)).run(&mut logs, number("ACTIVITY_PRIVACY_STEPS").unwrap_or(240));
    println!("{logs}\n{totals}");
    assert!(totals.is_conclusive(), "{totals}");
}
