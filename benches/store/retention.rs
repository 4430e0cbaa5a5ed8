//! Removing half of the activities while a source delivers: how fast that goes, how long the deliveries wait for it, and
//! whether the space is used again.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use activity_privacy::sqlite::SqliteStore;
use activity_privacy::{CountBy, OptionsPatch, PageSize, PolicyChange, Query, Retention, Subject};
use chrono::DateTime;

use super::activities::{Activities, Ids, Number, stream};
use super::people::{id, ranked};
use super::report::{Report, duration, grouped};
use super::service::{Service, administrator};
use super::settings::Settings;

/// A small one, as a source delivers that does not wait long.
const BATCH: usize = 100;
/// How many of these are delivered undisturbed.
const ALONE: usize = 500;
const DAY: i64 = 86_400;

pub(crate) fn measure(settings: &Settings, folder: &Path, report: &mut Report) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let path = folder.path().join("ours.db");
    let half = settings.rows / 2;
    eprintln!("retention: {} rows", 2 * half);
    let clock = Arc::new(AtomicI64::new(1_772_000_000));
    let now = Arc::clone(&clock);
    let store = SqliteStore::open(&path).unwrap();
    let ours = Service::with_clock(store, move || DateTime::from_timestamp(now.load(Ordering::SeqCst), 0).unwrap());
    let options = OptionsPatch::new().retention(Some(Retention::of_activities(Duration::from_secs(DAY as u64 / 2))));
    ours.filter.change(&administrator(), PolicyChange::SetOptions(options)).unwrap();
    let (activities, mut source) = (Activities::new(Ids::Random), stream(0..u64::MAX));
    let mut deliver = |rows: u64, batch: usize| -> Vec<Duration> {
        let mut left = rows;
        let mut times = Vec::new();
        while left > 0 {
            let numbers: Vec<Number> = source.by_ref().take((left as usize).min(batch)).collect();
            left -= numbers.len() as u64;
            times.push(ours.ingest(&activities.all(numbers), batch));
        }
        times
    };
    deliver(half, 10_000);
    clock.fetch_add(DAY, Ordering::SeqCst);
    deliver(half, 10_000);
    let full = size(&path);
    let asked = || {
        let mut times = [(); 3].map(|()| Duration::ZERO);
        let view = ours.view();
        let by = Query::all().by_actor(id(ranked(1, false)).as_str()).unwrap();
        for (time, ask) in times.iter_mut().zip([
            &(|| drop(view.page(&by, PageSize::at_most(100), None).unwrap())) as &dyn Fn(),
            &|| drop(view.counts(&Query::all(), CountBy::Day).unwrap()),
            &|| assert!(view.count(&by).unwrap().total > 0),
        ]) {
            ask();
            let begun = Instant::now();
            (0..10).for_each(|_| ask());
            *time = begun.elapsed() / 10;
        }
        times
    };
    let alone = deliver((ALONE * BATCH) as u64, BATCH);
    let asked_before = asked();

    let disturbed = |act: &(dyn Fn() + Sync), deliver: &mut dyn FnMut(u64, usize) -> Vec<Duration>| {
        thread::scope(|scope| {
            let acting = scope.spawn(|| {
                let begun = Instant::now();
                act();
                begun.elapsed()
            });
            let mut times = Vec::new();
            while !acting.is_finished() {
                times.extend(deliver(BATCH as u64, BATCH));
            }
            (acting.join().unwrap(), times)
        })
    };
    let (took, beside) = disturbed(&|| assert!(ours.filter.apply_retention().unwrap().is_some()), &mut deliver);
    let rate = half as f64 / took.as_secs_f64();
    report.fact(&format!("retention removes {}, beside ingest", grouped(half as f64)), &format!("{}/s", grouped(rate)));
    pauses(report, "the same while retention removes", "a batch of 100 alone", &alone, &beside);
    for (what, before, after) in [("a page of one user", 0, 0), ("counts by day", 1, 1), ("a count of one user", 2, 2)]
        .map(|(what, before, after)| (what, asked_before[before], asked()[after]))
    {
        let (before, after) = (before.as_secs_f64(), after.as_secs_f64());
        report.time(&format!("{what}, with half removed"), after, "before", before, after / before);
    }
    let delivered = (beside.len() * BATCH) as u64;
    deliver(half.saturating_sub(delivered + (ALONE * BATCH) as u64), 10_000);
    report.size("the file, once as much came as went", size(&path), "before", full);

    let subject = Subject::of(id(ranked(0, false)));
    let by = Query::all().by_actor(subject.id().as_str()).unwrap();
    let hers = ours.view().count(&by).unwrap().total;
    let erase = || assert!(ours.filter.erase(&administrator(), subject.clone()).is_ok());
    let (took, beside) = disturbed(&erase, &mut deliver);
    let what = format!("erasing the busiest of {}, {} activities", grouped(2.0 * half as f64), grouped(hers as f64));
    report.fact(&what, &duration(took.as_secs_f64()));
    pauses(report, "the same while a user is erased", "a batch of 100 alone", &alone, &beside);
    // Those that came in after they were looked for may be there.
    assert!(ours.view().count(&by).unwrap().total <= hers / 4);
}

/// With the log beside it, once that is in the file.
fn size(path: &Path) -> f64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    fs::metadata(path).unwrap().len() as f64
}

fn pauses(report: &mut Report, what: &str, name: &str, alone: &[Duration], beside: &[Duration]) {
    let sorted = |times: &[Duration]| {
        let mut times: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
        times.sort_by(f64::total_cmp);
        times
    };
    let (alone, beside) = (sorted(alone), sorted(beside));
    for (quantile, share) in [("median", 0.5), ("99 of 100", 0.99), ("longest", 1.0)] {
        let at = |times: &[f64]| times[((times.len() - 1) as f64 * share) as usize];
        let (alone, beside) = (at(&alone), at(&beside));
        report.time(&format!("{what}, {quantile}"), beside, &format!("{name}, {quantile}"), alone, beside / alone);
    }
}
