//! Concurrent callers that each wait for durability, and the number of callers that share a commit.

use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use activity_privacy::activity::Activity;
use activity_privacy::governance::{
    Commitment, Digest, Event, GovernanceSink, Initiator, Outcome, Record, RecordId, RecordQuery, RevealId, Salt,
    Subjects,
};
use activity_privacy::query::Query;
use activity_privacy::sqlite::SqliteGovernance;
use rusqlite::params;
use uuid::Uuid;

use super::activities::{Activities, Ids, stream};
use super::chance::mix;
use super::floor::connect;
use super::report::Report;
use super::service::{Service, administrator};
use super::times::Times;
use super::wal::Wal;

const CALLERS: [usize; 3] = [1, 8, 64];
const ROUNDS: usize = 10;
const BATCHES: [usize; 2] = [1, 10];
/// The number of calls per slice, over all callers.
const SLICE: [usize; 3] = [200, 800, 3_200];

pub(crate) fn measure(folder: &Path, report: &mut Report) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    eprintln!("callers: governance records");
    governance(folder.path(), report);
    for batch in BATCHES {
        eprintln!("callers: batches of {batch}");
        activities(batch, folder.path(), report);
    }
}

/// Divides the calls of a slice among concurrent callers. Returns the time from the start of the first caller to the
/// end of the last.
fn together(callers: usize, slice: usize, call: impl Fn(usize) + Sync) -> Duration {
    let (barrier, call) = (&Barrier::new(callers), &call);
    let begun = thread::scope(|scope| {
        let caller = |caller| {
            scope.spawn(move || {
                barrier.wait();
                let begun = Instant::now();
                (caller..slice).step_by(callers).for_each(call);
                begun
            })
        };
        let all: Vec<_> = (0..callers).map(caller).collect();
        all.into_iter().map(|caller| caller.join().unwrap()).min().unwrap()
    });
    begun.elapsed()
}

fn governance(folder: &Path, report: &mut Report) {
    let bare = connect(&folder.join("bare.db"));
    bare.execute_batch("CREATE TABLE record (sequence INTEGER PRIMARY KEY, record TEXT NOT NULL) STRICT").unwrap();
    let path = folder.join("records.db");
    let ours = SqliteGovernance::open(&path).unwrap();
    let log = Wal::of(&path);
    let (mut by_callers, mut appends) = ([(); 3].map(|()| Shared::default()), Times::default());
    let mut next = 0;
    for round in 0..ROUNDS {
        for turn in 0..CALLERS.len() + 1 {
            let side = (turn + round) % (CALLERS.len() + 1);
            let many = SLICE.get(side).copied().unwrap_or(SLICE[0]);
            let records: Vec<Record> = (next..next + many as u64).map(record).collect();
            next += many as u64;
            match by_callers.get_mut(side) {
                Some(shared) => {
                    shared.add(&log, many, 1, || together(CALLERS[side], many, |at| keep(&ours, &records[at])))
                }
                None => {
                    let mut insert = bare.prepare_cached("INSERT INTO record (record) VALUES (?1)").unwrap();
                    let texts: Vec<String> = records.iter().map(|one| serde_json::to_string(one).unwrap()).collect();
                    let begun = Instant::now();
                    for text in &texts {
                        insert.execute(params![text]).unwrap();
                    }
                    appends.add(texts.len(), begun.elapsed());
                }
            }
        }
    }
    let recorded = ours.records(&RecordQuery::default(), 0, usize::MAX).unwrap();
    assert_eq!(recorded.len(), ROUNDS * SLICE.iter().sum::<usize>());
    assert!(recorded.iter().map(|entry| entry.sequence).eq(1..=recorded.len() as u64));
    for (callers, shared) in CALLERS.iter().zip(&by_callers) {
        let floors = [("bare commits, one table", &appends), ("one caller", &by_callers[0].times)];
        let floors = &floors[..if *callers == 1 { 1 } else { 2 }];
        shared.report(&format!("governance, callers: {callers}"), "records", floors, report);
    }
}

fn activities(batch: usize, folder: &Path, report: &mut Report) {
    let path = folder.join(format!("activities-by-{batch}.db"));
    let ours = Service::open(&path);
    let log = Wal::of(&path);
    let activities = Activities::new(Ids::Random);
    let mut by_callers = [(); 3].map(|()| Shared::default());
    let (mut next, mut public) = (0, 0);
    for round in 0..ROUNDS {
        for turn in 0..CALLERS.len() {
            let side = (turn + round) % CALLERS.len();
            let numbers = next..next + (SLICE[side] * batch) as u64;
            next = numbers.end;
            public += stream(numbers.clone()).filter(|number| !number.hidden).count() as u64;
            let delivered = activities.all(stream(numbers));
            let batches: Vec<&[Activity]> = delivered.chunks(batch).collect();
            by_callers[side].add(&log, batches.len(), batch, || {
                together(CALLERS[side], batches.len(), |at| {
                    ours.ingest(batches[at], batch);
                })
            });
        }
    }
    assert_eq!(ours.view().count(&Query::all()).unwrap().total, public);
    for (callers, shared) in CALLERS.iter().zip(&by_callers) {
        let floors = [("one caller", &by_callers[0].times)];
        let floors = &floors[..usize::from(*callers > 1)];
        shared.report(&format!("batches of {batch}, callers: {callers}"), "activities", floors, report);
    }
}

/// The work of a number of callers, and the number of commits that it took.
#[derive(Default)]
struct Shared {
    times: Times,
    calls: usize,
    commits: u64,
    restarts: u64,
}

impl Shared {
    fn add(&mut self, log: &Wal, calls: usize, of_each: usize, event: impl FnOnce() -> Duration) {
        let before = log.written();
        self.times.add(calls * of_each, event());
        let written = log.written() - before;
        self.calls += calls;
        self.commits += written.commits;
        self.restarts += written.restarts;
    }

    fn report(&self, what: &str, unit: &str, floors: &[(&str, &Times)], report: &mut Report) {
        report.rate(what, unit, &self.times, floors);
        let per_commit = self.calls as f64 / self.commits as f64;
        // A checkpoint syncs the log and the file, and the log again when it restarts.
        let per_sync = self.calls as f64 / (self.commits + 3 * self.restarts) as f64;
        let shared = format!("{per_commit:.2} ({per_sync:.2} per sync, with {} checkpoints)", self.restarts);
        report.fact(&format!("{what}, calls per commit"), &shared);
    }
}

fn keep(sink: &SqliteGovernance, record: &Record) {
    sink.record(record).unwrap().confirm(record).unwrap();
}

/// Returns a record of a page of a reveal.
fn record(number: u64) -> Record {
    let id = |salt: u64| Uuid::from_u64_pair(mix(number ^ salt << 32), mix(!number ^ salt << 32));
    let salt = |nth| Salt::from_bytes(id(nth).into_bytes());
    let private = ["activity-1".parse().unwrap()];
    Record {
        id: RecordId(id(1)),
        at: chrono::DateTime::from_timestamp(1_772_000_000, 0).unwrap(),
        initiator: Initiator::User(administrator()),
        policy: None,
        event: Event::Page {
            reveal: RevealId(id(2)),
            activities: Commitment::new(50, salt(3)),
            private: Commitment::new(1, salt(4)),
            digest: Commitment::new(Digest::of_ids(&private), salt(5)),
            subjects: Commitment::new(Subjects::default(), salt(6)),
        },
        outcome: Outcome::Intended,
    }
}
