//! The cost of exporting and forwarding a SQLite store, compared with bare SQLite and the same serializer.
//!
//! `cargo bench --bench export --features sqlite,parquet`. Each row of the report is the median of several runs that
//! alternate with the bare ones: rows per second, the ratio to bare SQLite, and the peak of the memory above that of the
//! idle process. An export is compared with one `SELECT` in the same order; forwarding with a `SELECT` of each batch and
//! a commit of its offset. `EXPORT_ROWS` sets the number of rows (1,000,000), `EXPORT_RUNS` the number of runs (3), and
//! `EXPORT_DIR` the folder for the files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may fail"
)]

mod bare;
mod log;
mod memory;

use std::env;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use activity_privacy::export::{ActivityFormat, Export};
use activity_privacy::filter::PrivacyFilter;
use activity_privacy::forward::{BatchLimit, Start};
use activity_privacy::governance::ExportFormat;
use activity_privacy::identity::UserId;
use activity_privacy::query::{PageSize, Query};
use activity_privacy::sqlite::SqliteStore;
use rusqlite::Connection;

/// A writer that counts bytes.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The rows and bytes that one run wrote.
type Written = (u64, u64);

fn export(filter: &PrivacyFilter, format: ExportFormat) -> Written {
    let mut out = Count(0);
    let view = filter.view(&UserId::new("analyst").unwrap());
    let exported = view.export(&Query::all(), Export::new(format, &mut out)).unwrap();
    assert!(exported.is_complete() && exported.bytes == out.0);
    (exported.public, out.0)
}

/// Forwards everything by 1,000, and acknowledges each batch.
fn forward(filter: &PrivacyFilter, store: &Arc<SqliteStore>) -> Written {
    let (forwarders, name) = (filter.forwarders(Arc::clone(store)), "bench".parse().unwrap());
    let feed = forwarders.create(&name, Start::Beginning).unwrap();
    let (mut out, mut rows) = (Count(0), 0);
    loop {
        let batch = feed.next_batch(BatchLimit::new(PageSize::MAX, usize::MAX)).unwrap();
        if batch.is_empty() {
            forwarders.remove(&name).unwrap();
            return (rows, out.0);
        }
        for activity in batch.items() {
            ActivityFormat::JsonLines.write(activity, &mut out).unwrap();
            rows += 1;
        }
        feed.acknowledge(&batch).unwrap();
    }
}

/// The seconds, the peak of the memory in bytes, and what was written.
fn measured(run: impl FnOnce() -> Written) -> (f64, usize, Written) {
    let idle = memory::reset_peak();
    let begun = Instant::now();
    let written = run();
    (begun.elapsed().as_secs_f64(), memory::peak().saturating_sub(idle), written)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.replace('_', "").parse().expect("a number"))
}

fn main() {
    let (rows, runs) = (number("EXPORT_ROWS", 1_000_000), number("EXPORT_RUNS", 3));
    let parent = env::var_os("EXPORT_DIR").map_or_else(env::temp_dir, Into::into);
    let folder = tempfile::Builder::new().prefix("activity-export-").tempdir_in(parent).unwrap();
    let (filter, store) = log::fill(folder.path(), rows);
    let bare = bare::fill(folder.path(), rows);

    type Job<'a> = (&'static str, Box<dyn Fn() -> Written + 'a>, fn(&Connection) -> Written);
    let mut jobs: Vec<Job<'_>> = vec![
        ("export, JSON Lines", Box::new(|| export(&filter, ExportFormat::JsonLines)), bare::select),
        ("export, CSV", Box::new(|| export(&filter, ExportFormat::Csv)), bare::select),
        ("forward by 1,000, JSON Lines", Box::new(|| forward(&filter, &store)), bare::forward),
    ];
    if cfg!(feature = "parquet") {
        jobs.push(("export, Parquet", Box::new(|| export(&filter, ExportFormat::Parquet)), bare::select));
    }
    println!("{rows} rows, median of {runs} runs; bare SQLite writes JSON Lines");
    println!("{:<30} {:>10} {:>10} {:>7} {:>10} {:>9}", "", "rows/s", "bare", "ratio", "MiB peak", "MiB out");
    for (name, job, read_bare) in jobs {
        let (mut own, mut floor, mut ratios, mut peak, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0, 0);
        for _ in 0..runs {
            let (seconds, grown, written) = measured(&job);
            let (bare_seconds, _, bare_written) = measured(|| read_bare(&bare));
            assert_eq!((written.0, bare_written.0), (rows, rows));
            if name.contains("JSON") {
                assert_eq!(written.1, bare_written.1, "both write the same");
            }
            own.push(rows as f64 / seconds);
            floor.push(rows as f64 / bare_seconds);
            ratios.push(bare_seconds / seconds);
            peak = grown.max(peak);
            bytes = written.1;
        }
        let mib = |bytes: f64| bytes / 1_048_576.0;
        println!(
            "{name:<30} {:>10.0} {:>10.0} {:>7.2} {:>10.1} {:>9.0}",
            median(own),
            median(floor),
            median(ratios),
            mib(peak as f64),
            mib(bytes as f64),
        );
    }
}
