//! The main job: reads Microsoft 365 records from a file, decides and stores them.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use activity_privacy::activity::Activity;
use activity_privacy::engine::PolicyEngine;
use activity_privacy::sources::m365::Reader;

use super::people::directory;
use super::records;
use super::report::{grouped, table};
use super::service::Service;
use super::times::{Ratio, Times};

/// The records of a batch.
const BATCH: usize = 1_000;

/// The batches that each way of doing the job does in a turn.
const TURN: usize = 20;

/// Does the job in each way, in turns. Returns a table of the rates.
pub(crate) fn measure(records: usize) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.jsonl");
    let turns = (records / BATCH / TURN).max(1);
    let count = turns * TURN * BATCH;
    eprintln!("main job, {count} records");
    let bytes = write(count, &path) / count as f64;
    let open = || BufReader::with_capacity(1 << 20, File::open(&path).unwrap());

    let in_turn = Service::open(&folder.path().join("in-turn.db"));
    let at_once = Service::open(&folder.path().join("at-once.db"));
    let engine = PolicyEngine::new(in_turn.filter.policy().unwrap(), Ok(Arc::new(directory())));
    let (mut reader, mut bulk_reader, mut lines) = (Reader::new(open()), Reader::new(open()), open().lines());
    let [mut parsing, mut reading, mut deciding, mut ingesting, mut all, mut bulk] = [(); 6].map(|()| Times::default());
    for turn in 0..turns {
        for way in 0..3 {
            match (turn + way) % 3 {
                0 => {
                    let begun = Instant::now();
                    for line in lines.by_ref().take(TURN * BATCH) {
                        std::hint::black_box(serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap());
                    }
                    parsing.add(TURN * BATCH, begun.elapsed());
                }
                1 => {
                    let [mut read, mut decide, mut ingest] = [Duration::ZERO; 3];
                    for _ in 0..TURN {
                        let begun = Instant::now();
                        let batch: Vec<Activity> = reader.by_ref().take(BATCH).map(Result::unwrap).collect();
                        read += begun.elapsed();
                        let begun = Instant::now();
                        std::hint::black_box(engine.decide(&batch, SystemTime::now().into()).unwrap());
                        decide += begun.elapsed();
                        ingest += in_turn.ingest(&batch, BATCH);
                        let begun = Instant::now();
                        drop(batch);
                        read += begun.elapsed();
                    }
                    reading.add(TURN * BATCH, read);
                    deciding.add(TURN * BATCH, decide);
                    ingesting.add(TURN * BATCH, ingest);
                    all.add(TURN * BATCH, read + ingest);
                }
                _ => {
                    let begun = Instant::now();
                    let source = bulk_reader.by_ref().take(TURN * BATCH);
                    let progress = at_once.filter.bulk_ingest(source).max_records(BATCH);
                    let progress = progress.run(|_| ControlFlow::Continue(())).unwrap();
                    bulk.add(TURN * BATCH, begun.elapsed());
                    assert_eq!(progress.stored(), (TURN * BATCH) as u64);
                }
            }
        }
    }
    assert!(reader.next().is_none() && bulk_reader.next().is_none() && lines.next().is_none());

    let share = |part: &Times| format!("{:.0} %", all.over(part).whole * 100.0);
    let storing = 100.0 * (1.0 - all.over(&reading).whole - all.over(&deciding).whole);
    let row = |what: &str, share: String, times: &Times| {
        let Ratio { median, whole } = times.over(&parsing);
        let rate = times.rate();
        let megabytes = format!("{:.0}", rate * bytes / 1e6);
        [what.to_owned(), share, grouped(rate), megabytes, format!("{median:.2}"), format!("{whole:.2}")]
    };
    let rows = [
        row("main job, one thread", String::new(), &all),
        row("  read", share(&reading), &reading),
        row("  decide", share(&deciding), &deciding),
        row("  decide and store", share(&ingesting), &ingesting),
        row("main job, bulk ingest", String::new(), &bulk),
        row("serde_json", String::new(), &parsing),
    ];
    let header = ["what", "share", "records/s", "MB/s", "of serde_json, median", "of serde_json, total"];
    let what = format!("{} records of {bytes:.0} bytes, batches of {}", grouped(count as f64), grouped(BATCH as f64));
    format!("{what}; storing alone takes {storing:.0} %\n{}", table(&header, &rows))
}

/// Writes records. Returns their bytes.
fn write(count: usize, path: &Path) -> f64 {
    let mut file = BufWriter::new(File::create(path).unwrap());
    records::write(count as u64, &mut file);
    drop(file.into_inner().unwrap());
    std::fs::metadata(path).unwrap().len() as f64
}
