//! The main job: reads Microsoft 365 records from a file, decides and stores them, and measures each part.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter};
use std::path::Path;
use std::time::{Duration, Instant};

use activity_privacy::activity::Activity;
use activity_privacy::query::Query;
use activity_privacy::sources::m365::Reader;

use super::records;
use super::report::{Report, grouped};
use super::service::Service;
use super::settings::Settings;
use super::times::Times;

const MOST_RECORDS: u64 = 500_000;
const BATCH: usize = 1_000;

pub(crate) fn measure(settings: &Settings, folder: &Path, report: &mut Report) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let path = folder.path().join("records.jsonl");
    let count = settings.rows.min(MOST_RECORDS) / BATCH as u64 * BATCH as u64;
    eprintln!("main: {count} records");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    records::write(count, &mut file);
    drop(file.into_inner().unwrap());
    let bytes = std::fs::metadata(&path).unwrap().len() as f64 / count as f64;
    let open = || BufReader::with_capacity(1 << 20, File::open(&path).unwrap());

    let ours = Service::open(&folder.path().join("ours.db"));
    let (mut records, mut lines) = (Reader::new(open()), open().lines());
    let [mut reading, mut ingesting, mut both, mut parsing] = [(); 4].map(|()| Times::default());
    for nth in 0..count / BATCH as u64 {
        for turn in 0..2 {
            if (nth + turn).is_multiple_of(2) {
                let begun = Instant::now();
                let batch: Vec<Activity> = records.by_ref().take(BATCH).map(Result::unwrap).collect();
                let read = begun.elapsed();
                let ingested = ours.ingest(&batch, BATCH);
                reading.add(BATCH, read);
                ingesting.add(BATCH, ingested);
                both.add(BATCH, read + ingested);
            } else {
                parsing.add(BATCH, parse(lines.by_ref().take(BATCH)));
            }
        }
    }
    assert!(records.next().is_none() && lines.next().is_none());
    let public = ours.view().count(&Query::all()).unwrap().total;
    let what = format!("main job, {} records of {bytes:.0} bytes", grouped(count as f64));
    report.rate(&what, "records", &both, &[("serde_json parses them", &parsing)]);
    for (part, times) in [("reading", &reading), ("ingest", &ingesting)] {
        let share = both.over(times).whole;
        report.rate(&format!("  {part}, {:.0} % of the time", share * 100.0), "records", times, &[]);
    }
    report.fact("  of these are public", &format!("{:.1} %", public as f64 / count as f64 * 100.0));
}

/// Parses lines and discards the values. Returns the time.
fn parse(lines: impl Iterator<Item = std::io::Result<String>>) -> Duration {
    let begun = Instant::now();
    for line in lines {
        std::hint::black_box(serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap());
    }
    begun.elapsed()
}
