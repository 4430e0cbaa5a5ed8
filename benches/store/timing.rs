//! Whether the time of a public page reveals a hidden commit just before it.
//!
//! The reader reads at regular intervals. In between, another handle to the same file commits hidden activities, public
//! ones, or none. A classifier learns one time threshold from every other read and is tested on the rest.

use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use activity_privacy::query::{PageSize, Query};

use super::activities::{Activities, Ids, Number, stream};
use super::chance::SplitMix64;
use super::median::median;
use super::report::Report;
use super::service::Service;
use super::settings::Settings;

/// The number of reads for each pair of cases.
const READS: usize = 2_000;
const WARMING_UP: usize = 200;
/// The interval of reads. A commit finishes within it, unless the disk is slow.
const INTERVAL: Duration = Duration::from_millis(4);
const BATCH: u64 = 10;
const MOST_ROWS: u64 = 100_000;

/// The commit before a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Hidden,
    Public,
}

/// The time of a read, and whether a hidden commit preceded it.
type Sample = (f64, bool);

pub(crate) fn measure(settings: &Settings, folder: &Path, report: &mut Report) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let path = folder.path().join("ours.db");
    let rows = settings.rows.min(MOST_ROWS);
    eprintln!("timing: {rows} rows");
    let activities = Activities::new(Ids::Random);
    let (reader, writer) = (Service::open(&path), Service::open(&path));
    for begin in (0..rows).step_by(1_000) {
        writer.ingest(&activities.all(stream(begin..begin + 1_000)), 1_000);
    }
    let times = reads(&activities, &reader, &writer, rows);
    let of = |before: Before| times.iter().filter(move |(was, _)| *was == before).map(|(_, time)| *time);
    for (what, other) in [("no commit", Before::Nothing), ("a public commit", Before::Public)] {
        let both = times.iter().filter(|(was, _)| [Before::Hidden, other].contains(was));
        let both: Vec<Sample> = both.map(|(was, time)| (*time, *was == Before::Hidden)).take(READS).collect();
        let [hidden, without] = [median(of(Before::Hidden).collect()), median(of(other).collect())];
        report.time(&format!("page after a hidden commit, of {rows}"), hidden, what, without, hidden / without);
        let right = format!("{:.1} % of {}", accuracy(&both) * 100.0, both.len());
        report.fact(&format!("  hidden commit distinguished from {what}"), &right);
    }
}

fn reads(activities: &Activities, reader: &Service, writer: &Service, rows: u64) -> Vec<(Before, f64)> {
    let (view, query, page) = (reader.view(), Query::all(), PageSize::at_most(50));
    let mut chance = SplitMix64::new(7);
    let mut times = Vec::new();
    let (ask, asked) = channel();
    let (done, is_done) = channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut next = rows;
            for before in asked {
                if before != Before::Nothing {
                    let hidden = before == Before::Hidden;
                    let numbers =
                        (next..next + BATCH).map(|number| Number { number, hidden, micros: number * 100_000 });
                    next += BATCH;
                    writer.ingest(&activities.all(numbers), BATCH as usize);
                }
                done.send(()).unwrap();
            }
        });
        // Some more than needed, because the cases are drawn at random.
        for nth in 0..WARMING_UP + READS * 8 / 5 {
            let begun = Instant::now();
            let before = [Before::Nothing, Before::Hidden, Before::Public][chance.below(3) as usize];
            ask.send(before).unwrap();
            is_done.recv().unwrap();
            thread::sleep(INTERVAL.saturating_sub(begun.elapsed()));
            let begun = Instant::now();
            let found = view.page(&query, page, None).unwrap();
            let took = begun.elapsed().as_secs_f64();
            assert_eq!(found.activities().len(), page.get());
            if nth >= WARMING_UP {
                times.push((before, took));
            }
        }
        drop(ask);
    });
    times
}

/// Learns the best threshold from every other sample. Returns the share of correct guesses among the rest.
fn accuracy(samples: &[Sample]) -> f64 {
    let half = |odd: usize| samples.iter().copied().skip(odd).step_by(2).collect::<Vec<Sample>>();
    let (mut learned, test) = (half(0), half(1));
    learned.sort_by(|one, other| one.0.total_cmp(&other.0));
    let hidden = learned.iter().filter(|(_, hidden)| *hidden).count();
    // The number of correct guesses if all samples from here on are classified as hidden.
    let (mut right, mut best) = (hidden, (0, 0.0, true));
    let mut try_at = |right: usize, threshold: f64| {
        for (right, above) in [(right, true), (learned.len() - right, false)] {
            if right > best.0 {
                best = (right, threshold, above);
            }
        }
    };
    try_at(right, f64::NEG_INFINITY);
    for (time, hidden) in &learned {
        if *hidden {
            right -= 1;
        } else {
            right += 1;
        }
        try_at(right, *time);
    }
    let (_, threshold, above) = best;
    let right = test.iter().filter(|(time, hidden)| ((*time > threshold) == above) == *hidden).count();
    right as f64 / test.len() as f64
}
