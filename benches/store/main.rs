//! What it costs to store activities in SQLite, beside what bare SQLite costs in the same run.
//!
//! `cargo bench --bench store --features sqlite` takes some minutes. In turn, so that a disturbance reaches both
//! sides:
//!
//! - `ingest`: rows a second, bytes of the log, the slowest batch, the last tenth, opening; beside a table with the
//!   same columns and (i) an index by time, (ii) an ordinary index for each question, kept up at each insert.
//! - `pages`: filtered pages over 90 days, by each key, rare and frequent; beside a query by hand, with its index.
//! - `counts`: counts of all and of a range, by hour, day, app and actor; beside a scan of that table.
//! - `hidden`: pages, counts and look-ups with up to 99.99 % hidden; beside the same with nothing hidden.
//! - `callers`: 64 callers, their rows a second and how many share a commit; beside one caller and bare commits.
//! - `timing`: whether the time of a page shows a hidden commit before it; beside no commit, and a public one.
//! - `main`: 500,000 Microsoft 365 records read, decided and stored; beside parsing them with serde_json.
//!
//! `STORE_PART=pages,counts` chooses the parts, `STORE_ROWS=10000000` how many rows the files grow to,
//! `STORE_HIDDEN=5000000` how many hidden rows there are at most, `STORE_IDS=random` the ids of `ingest`, and
//! `STORE_DIR` the folder for the files, which are deleted at the end: some 3 KB of disk a row. All that is counted
//! is checked. "Times that, median" is that of batches or answers that followed each other; "of all together" is that
//! of their sums, so it contains the slow ones too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may fail"
)]

mod activities;
mod answer;
mod archive;
mod callers;
#[path = "../decide/chance.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod chance;
mod comparison;
mod counts;
mod floor;
mod frequencies;
mod hidden;
mod ingest;
mod job;
#[path = "../decide/median.rs"]
mod median;
mod opening;
mod pages;
mod people;
mod records;
mod report;
mod service;
mod settings;
mod times;
mod timing;
mod wal;

use self::activities::Spread;
use self::archive::Archive;
use self::report::Report;
use self::settings::{Part, Settings};

fn main() {
    if opening::is_asked_for() {
        return opening::answer();
    }
    let settings = Settings::from_environment();
    let folder = tempfile::Builder::new().prefix("activity-store-").tempdir_in(&settings.folder).unwrap();
    let mut report = Report::default();
    let mut read_archive = true;
    for part in &settings.parts {
        let begun = std::time::Instant::now();
        match part {
            Part::Ingest => ingest::measure(&settings, folder.path(), &mut report),
            // Both ask the same files, which are filled once.
            Part::Pages | Part::Counts if !std::mem::take(&mut read_archive) => continue,
            Part::Pages | Part::Counts => archive(&settings, folder.path(), &mut report),
            Part::Hidden => hidden::measure(&settings, folder.path(), &mut report),
            Part::Callers => callers::measure(folder.path(), &mut report),
            Part::Timing => timing::measure(&settings, folder.path(), &mut report),
            Part::Main => job::measure(&settings, folder.path(), &mut report),
        }
        eprintln!("{part:?} took {:.0} s", begun.elapsed().as_secs_f64());
    }
    println!("{report}");
}

fn archive(settings: &Settings, folder: &std::path::Path, report: &mut Report) {
    for spread in Spread::ALL {
        let folder = tempfile::tempdir_in(folder).unwrap();
        let of = format!("{}, {} rows", spread.name(), report::grouped(settings.rows as f64));
        eprintln!("pages and counts, {of}");
        let archive = Archive::fill(spread, settings.rows, folder.path());
        if settings.parts.contains(&Part::Pages) {
            pages::ask(&archive, &of, report);
        }
        if settings.parts.contains(&Part::Counts) {
            counts::ask(&archive, &of, report);
        }
    }
}
