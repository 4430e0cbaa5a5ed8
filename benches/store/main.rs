//! The cost of storing activities in SQLite, compared with bare SQLite in the same run.
//!
//! `cargo bench --bench store --features sqlite` takes some minutes. The sides alternate, so that a disturbance of the
//! machine affects both:
//!
//! - `ingest`: rows per second, bytes of the log, the slowest batch, the last tenth, opening; compared with a table
//!   with the same columns and (i) an index by time, (ii) an ordinary index for each question, updated at each insert.
//! - `pages`: filtered pages over 90 days, by each key, rare and frequent; compared with an indexed hand-written query.
//! - `counts`: counts of all and of a range, by hour, day, app and actor; compared with a scan of that table.
//! - `hidden`: pages, counts and look-ups with up to 99.99 % hidden; compared with the same log and nothing hidden.
//! - `callers`: rows per second of 64 callers, and callers per commit; compared with one caller and bare commits.
//! - `timing`: whether the time of a page reveals a preceding hidden commit; compared with none and with a public one.
//! - `main`: 500,000 Microsoft 365 records read, decided and stored; compared with parsing them with serde_json.
//!
//! `STORE_PART=pages,counts` selects the parts, `STORE_ROWS=10000000` the number of rows per file,
//! `STORE_HIDDEN=5000000` the maximum number of hidden rows, `STORE_IDS=random` the ids of `ingest`, and `STORE_DIR`
//! the folder for the files, which take about 3 KB per row and are deleted at the end. All counts are checked. In the
//! report, "ratio, median" is the median of consecutive batches or answers; "ratio, total" is that of their sums, so it
//! includes the slow ones.
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
            // Both parts read the same files, which are filled once.
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
            pages::compare(&archive, &of, report);
        }
        if settings.parts.contains(&Part::Counts) {
            counts::ask(&archive, &of, report);
        }
    }
}
