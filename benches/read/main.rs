//! The speed of the readers, compared with `serde_json::Value` over the same records in the same run, and the main job:
//! read, decide and store.
//!
//! `cargo bench --bench read` takes a minute. `--features sqlite` adds the main job, and `-- --records 500000` sets the
//! number of records for each source and for the job (default: 100,000). `-- --job` measures only the job.
//!
//! The readers parse generated records in the forms of their sources, from memory. Both sides take turns, twenty
//! records at a time, so that a disturbance of the machine affects both. "ratio, median" is the median of the turns;
//! "ratio, total" is that of their sums. The job reads a file and stores in SQLite files in the folder for temporary
//! files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may fail"
)]

mod arguments;
#[path = "../decide/chance.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod chance;
#[cfg(feature = "sqlite")]
mod job;
#[path = "../decide/median.rs"]
mod median;
#[path = "../store/people.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod people;
#[path = "../store/records.rs"]
mod records;
mod report;
#[path = "../../examples/shared/sample/mod.rs"]
mod sample;
mod samples;
#[cfg(feature = "sqlite")]
#[path = "../store/service.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod service;
mod source;
#[path = "../store/times.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod times;

use self::arguments::Arguments;
use self::report::Report;

fn main() -> Result<(), lexopt::Error> {
    let Arguments { records, job_only } = arguments::read()?;
    if !job_only {
        let mut report = Report::default();
        for source in source::all() {
            eprintln!("{}", source.name);
            let (ours, theirs) = source.measure(records);
            report.source(&source, &ours, &theirs);
        }
        println!("{report}");
    }
    #[cfg(feature = "sqlite")]
    println!("{}", job::measure(records));
    #[cfg(not(feature = "sqlite"))]
    println!("the main job needs `--features sqlite`");
    Ok(())
}
