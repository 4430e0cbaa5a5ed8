//! Whether the store goes on to be as fast as it was, with ids in no order; and how large it has become.

use std::path::Path;

use super::activities::{Activities, Ids, Number, stream};
use super::bare::{Bare, Row};
use super::opening;
use super::report::{Report, grouped};
use super::service::Service;
use super::settings::Settings;
use super::times::Times;

const BATCH: usize = 1_000;
/// It is compared tenth by tenth.
const PARTS: u64 = 10;

pub(crate) fn measure(settings: &Settings, folder: &Path, report: &mut Report) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let file = |name: &str| folder.path().join(name);
    let slice = (settings.rows / (PARTS * 5)).clamp(1_000, 50_000) / 1_000 * 1_000;
    let slices = (settings.rows / PARTS / slice).max(1);
    let rows = slice * slices * PARTS;
    eprintln!("growth: {rows} rows");
    let activities = Activities::new(Ids::Random);
    let (ours, ordered) = (Service::open(&file("ours.db")), Bare::ordered(&file("ordered.db")));
    let mut parts: Vec<[Times; 2]> = (0..PARTS).map(|_| Default::default()).collect();
    let mut public = 0;
    for nth in 0..slices * PARTS {
        let numbers: Vec<Number> = stream(nth * slice..(nth + 1) * slice).collect();
        public += numbers.iter().filter(|number| !number.hidden).count() as u64;
        let delivered = activities.all(numbers.iter().copied());
        let rows: Vec<Row> = delivered.iter().zip(&numbers).map(|(one, number)| Row::new(one, *number)).collect();
        let [our_times, bare_times] = &mut parts[(nth / slices) as usize];
        for turn in 0..2 {
            match (turn + nth) % 2 {
                0 => our_times.add(delivered.len(), ours.ingest(&delivered, BATCH)),
                _ => bare_times.add(rows.len(), ordered.insert(&rows, BATCH)),
            }
        }
    }
    assert_eq!(ours.view().count(&activity_privacy::Query::all()).unwrap().total, public);
    assert_eq!(ordered.count(), rows);
    drop((ours, ordered));

    let tenth = grouped((rows / PARTS) as f64);
    let ([first, first_bare], [last, last_bare]) = (&parts[0], &parts[PARTS as usize - 1]);
    let bare = "(b) one table, ordered";
    report.rate(&format!("random ids, first {tenth}"), "activities", first, &[(bare, first_bare)]);
    let against = [(bare, last_bare), ("first ones", first)];
    report.rate(&format!("random ids, last {tenth}"), "activities", last, &against);
    report.rate(&format!("(b), last {tenth}"), "rows", last_bare, &[("first ones", first_bare)]);
    // So the disk, which may have become slower or faster meanwhile, is out of it.
    let kept = last.over(last_bare).whole / first.over(first_bare).whole;
    report.fact("last ones to first ones, each as a share of (b)", &format!("{kept:.2}"));

    let bytes = |name: &str| std::fs::metadata(file(name)).unwrap().len() as f64 / rows as f64;
    report.size(
        &format!("bytes a row in the file, {} rows", grouped(rows as f64)),
        bytes("ours.db"),
        bare,
        bytes("ordered.db"),
    );
    drop(Service::open(&file("empty.db")));
    let (full, empty) = (opening::of(&file("ours.db"), rows), opening::of(&file("empty.db"), rows));
    for (what, full, empty) in [
        ("opening it in a process of its own", full.seconds, empty.seconds),
        ("the first batch of 1,000 after that", full.first_batch, empty.first_batch),
    ] {
        report.time(what, full, "an empty file", empty, full / empty);
    }
    match (full.resident, empty.resident) {
        (Some(full), Some(empty)) => {
            let a_row = (full - empty) / rows as f64;
            report.fact("memory that it holds then, beyond an empty file's", &format!("{a_row:.2} bytes a row"));
        }
        _ => report.fact("memory that it holds", "cannot be told here"),
    }
}
