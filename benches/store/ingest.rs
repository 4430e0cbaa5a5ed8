//! Bulk ingest compared with bare SQLite on the same rows, alternating batch by batch: the rate, its decline with size,
//! the bytes written to the log, the slowest batch, and the size of the file.

use std::path::Path;
use std::time::Instant;

use activity_privacy::query::Query;

use super::activities::{Activities, Ids, Number, stream};
use super::floor::{Floor, Row};
use super::opening;
use super::report::{Report, duration, grouped};
use super::service::Service;
use super::settings::Settings;
use super::times::Times;
use super::wal::Wal;

const BATCH: u64 = 1_000;
/// The last tenth is compared with the first.
const PARTS: usize = 10;
/// The table with ordinary indexes is measured up to this size, because it slows down as it grows.
const INDEXED_ROWS: u64 = 1_000_000;
const BARE: &str = "(i) bare, index by time";
const INDEXED: &str = "(ii) indexes kept up";

pub(crate) fn measure(settings: &Settings, folder: &Path, report: &mut Report) {
    for ids in settings.ids.iter().copied() {
        let folder = tempfile::tempdir_in(folder).unwrap();
        race(ids, settings.rows / BATCH, folder.path(), report);
    }
}

fn race(ids: Ids, batches: u64, folder: &Path, report: &mut Report) {
    let (name, rows) = (ids.name(), batches * BATCH);
    eprintln!("ingest, {name}: {rows} rows");
    let file = |name: &str| folder.join(name);
    let files = [file("ours.db"), file("bare.db"), file("indexed.db")];
    let activities = Activities::new(ids);
    let (ours, bare, indexed) = (Service::open(&files[0]), Floor::bare(&files[1]), Floor::indexed(&files[2]));
    let logs = [0, 1, 2].map(|side| Wal::of(&files[side]));
    let before = [0, 1, 2].map(|side| logs[side].written());
    let mut times = [(); 3].map(|()| Times::default());
    let mut public = 0;
    for nth in 0..batches {
        let numbers: Vec<Number> = stream(nth * BATCH..(nth + 1) * BATCH).collect();
        public += numbers.iter().filter(|number| !number.hidden).count() as u64;
        let delivered = activities.all(numbers.iter().copied());
        let rows = Row::all(&delivered, &numbers);
        for turn in 0..3 {
            let side = (turn + nth as usize) % 3;
            let took = match side {
                0 => ours.ingest(&delivered, BATCH as usize),
                1 => bare.insert(&rows),
                _ if nth * BATCH < INDEXED_ROWS => indexed.insert(&rows),
                _ => continue,
            };
            times[side].add(rows.len(), took);
        }
    }
    let [ours_wrote, bare_wrote, indexed_wrote] =
        [0, 1, 2].map(|side| (logs[side].written() - before[side]).bytes as f64);
    assert_eq!(ours.view().count(&Query::all()).unwrap().total, public);
    assert_eq!((bare.count(), indexed.count()), (rows, rows.min(INDEXED_ROWS)));
    drop(logs);
    let begun = Instant::now();
    drop(ours);
    let closing = begun.elapsed();
    drop((bare, indexed));

    let [ours, bare, indexed] = &times;
    let with_indexes = rows.min(INDEXED_ROWS);
    let all = format!("ingest, {name}, {}", grouped(rows as f64));
    match rows > INDEXED_ROWS {
        true => {
            let [first, first_bare] = [ours, bare].map(|times| times.part(0..(INDEXED_ROWS / BATCH) as usize));
            let what = format!("ingest, {name}, first {}", grouped(INDEXED_ROWS as f64));
            report.rate(&what, "rows", &first, &[(BARE, &first_bare), (INDEXED, indexed)]);
            report.rate(&all, "rows", ours, &[(BARE, bare)]);
        }
        false => report.rate(&all, "rows", ours, &[(BARE, bare), (INDEXED, indexed)]),
    }
    let part = batches as usize / PARTS;
    let tenth = |times: &Times, nth: usize| times.part(nth * part..(nth + 1) * part);
    let [first, last] = [0, PARTS - 1].map(|nth| tenth(ours, nth));
    let [first_bare, last_bare] = [0, PARTS - 1].map(|nth| tenth(bare, nth));
    report.rate("  the last tenth", "rows", &last, &[("the first tenth", &first), (BARE, &last_bare)]);
    report.rate("  the last tenth of (i)", "rows", &last_bare, &[("the first tenth", &first_bare)]);
    report.size("  log written per row", ours_wrote / rows as f64, BARE, bare_wrote / rows as f64);
    report.size("  log written per row", ours_wrote / rows as f64, INDEXED, indexed_wrote / with_indexes as f64);
    report.time("  the slowest batch", ours.slowest(), BARE, bare.slowest(), ours.slowest() / bare.slowest());
    report.fact("  closing the file", &duration(closing.as_secs_f64()));
    let bytes = |path: &Path| std::fs::metadata(path).unwrap().len() as f64;
    report.size("  file size per row", bytes(&files[0]) / rows as f64, BARE, bytes(&files[1]) / rows as f64);
    open(folder, &files[0], rows, report);
}

fn open(folder: &Path, full: &Path, rows: u64, report: &mut Report) {
    let empty = folder.join("empty.db");
    drop(Service::open(&empty));
    let (full, empty) = (opening::of(full, rows), opening::of(&empty, rows));
    for (what, full, empty) in [
        ("  opening it in a separate process", full.seconds, empty.seconds),
        ("  the first batch of 1,000 after that", full.first_batch, empty.first_batch),
    ] {
        report.time(what, full, "an empty file", empty, full / empty);
    }
    match (full.resident, empty.resident) {
        (Some(full), Some(empty)) => {
            let a_row = (full - empty) / rows as f64;
            report.fact("  resident memory then, above that of an empty file", &format!("{a_row:.2} bytes per row"));
        }
        _ => report.fact("  resident memory", "unknown on this system"),
    }
}
