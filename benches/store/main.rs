//! What it costs to keep activities in SQLite, beside what bare SQLite costs.
//!
//! `cargo bench --bench store --features sqlite` takes some minutes. `STORE_ROWS=1000000` chooses how many rows the files
//! grow to, `STORE_BATCHES=100,1000` the batches, `STORE_PART=ingest,growth,pages,callers,retention` the parts, `STORE_HIDDEN=5000000`
//! how many hidden rows there are at most, `STORE_IDS=random` the ids of `ingest`, `STORE_DIR` the folder for the files,
//! which are deleted at the end: `ingest` needs some 3 KB of disk a row, `growth` a little more than 1 KB. All that is
//! counted is checked. Where a commit waits long for the disk, whatever is small is slow on both sides.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may fail"
)]

mod activities;
mod bare;
mod callers;
#[path = "../decide/chance.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod chance;
mod growth;
mod ingest;
#[path = "../decide/median.rs"]
mod median;
mod opening;
mod pages;
mod people;
mod replay;
mod report;
mod retention;
mod service;
mod settings;
mod times;

use self::report::Report;
use self::settings::{Part, Settings};

fn main() {
    if opening::is_asked_for() {
        return opening::answer();
    }
    let settings = Settings::from_environment();
    let folder = tempfile::Builder::new().prefix("activity-store-").tempdir_in(&settings.folder).unwrap();
    let mut report = Report::default();
    for part in &settings.parts {
        let begun = std::time::Instant::now();
        match part {
            Part::Ingest => ingest::measure(&settings, folder.path(), &mut report),
            Part::Growth => growth::measure(&settings, folder.path(), &mut report),
            Part::Pages => pages::measure(&settings, folder.path(), &mut report),
            Part::Callers => callers::measure(folder.path(), &mut report),
            Part::Retention => retention::measure(&settings, folder.path(), &mut report),
        }
        eprintln!("{part:?} took {:.0} s", begun.elapsed().as_secs_f64());
    }
    println!("{report}");
}
