//! Many callers at once, each of whom waits until what they did is durable.

use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use activity_privacy::sqlite::SqliteGovernance;
use activity_privacy::{
    Act, Activity, Digest, GovernanceSink, Initiator, Outcome, Query, Record, RecordId, RecordQuery, RevealId, Salt,
    Sealed, Subjects,
};
use rusqlite::params;
use uuid::Uuid;

use super::activities::{Activities, Ids, stream};
use super::bare::{connect, count};
use super::chance::mix;
use super::median::quantile;
use super::replay::Replay;
use super::report::Report;
use super::service::{Service, administrator};
use super::times::Times;

const CALLERS: [usize; 3] = [1, 8, 64];
const ROUNDS: usize = 10;
/// How much is done by all callers of a slice together.
const SLICE: [usize; 3] = [200, 800, 3_200];

pub(crate) fn measure(folder: &Path, report: &mut Report) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    eprintln!("callers: governance records");
    governance(folder.path(), report);
    eprintln!("callers: single activities");
    activities(folder.path(), report);
    eprintln!("callers: records while others ingest");
    beside_bulk(folder.path(), report);
}

/// Has so many callers each do a part of something, and tells how long that took since the first of them began.
fn together(callers: usize, slice: usize, act: impl Fn(usize) + Sync) -> Duration {
    let (barrier, act) = (&Barrier::new(callers), &act);
    let begun = thread::scope(|scope| {
        let caller = |caller| {
            scope.spawn(move || {
                barrier.wait();
                let begun = Instant::now();
                (caller..slice).step_by(callers).for_each(act);
                begun
            })
        };
        let all: Vec<_> = (0..callers).map(caller).collect();
        all.into_iter().map(|caller| caller.join().unwrap()).min().unwrap()
    });
    begun.elapsed()
}

fn governance(folder: &Path, report: &mut Report) {
    let file = |name: &str| folder.join(name);
    let filled = SqliteGovernance::open(file("filled.db")).unwrap();
    let floor_slice = SLICE[0];
    for number in 0..(ROUNDS * floor_slice) as u64 {
        keep(&filled, &record(number));
    }
    drop(filled);
    let mut replay = Replay::new(&file("filled.db"), &file("same.db"), (ROUNDS * floor_slice) as u64);
    let bare = connect(&file("bare.db"));
    bare.execute_batch("CREATE TABLE record (sequence INTEGER PRIMARY KEY, record TEXT NOT NULL) STRICT").unwrap();
    let ours = SqliteGovernance::open(file("ours.db")).unwrap();
    let (mut by_callers, mut same_tables, mut appends) =
        ([(); 3].map(|()| Times::default()), Times::default(), Times::default());
    let mut next = 0;
    for round in 0..ROUNDS {
        for turn in 0..CALLERS.len() + 2 {
            let slice = |side: usize| SLICE.get(side).copied().unwrap_or(floor_slice);
            let side = (turn + round) % (CALLERS.len() + 2);
            let records: Vec<Record> = (next..next + slice(side) as u64).map(record).collect();
            next += slice(side) as u64;
            match side {
                0..3 => by_callers[side].add(
                    records.len(),
                    together(CALLERS[side], records.len(), |at| {
                        keep(&ours, &records[at]);
                    }),
                ),
                3 => {
                    let prepared = replay.prepare(records.len(), 1);
                    same_tables.add(records.len(), replay.insert(&prepared));
                }
                _ => {
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
    replay.check();
    assert_eq!(count(&bare, "record"), (ROUNDS * floor_slice) as u64);
    let recorded = ours.records(&RecordQuery::default(), 0, usize::MAX).unwrap();
    assert_eq!(recorded.len(), ROUNDS * SLICE.iter().sum::<usize>());
    assert!(recorded.iter().map(|entry| entry.sequence).eq(1..=recorded.len() as u64));
    for (callers, times) in CALLERS.iter().zip(&by_callers) {
        let floors = [
            ("bare commits, one table", &appends),
            ("bare commits, same tables", &same_tables),
            ("one caller", &by_callers[0]),
        ];
        let floors = &floors[..if *callers == 1 { 2 } else { 3 }];
        report.rate(&format!("governance, callers: {callers}"), "records", times, floors);
    }
}

fn activities(folder: &Path, report: &mut Report) {
    let ours = Service::open(&folder.join("activities.db"));
    let activities = Activities::new(Ids::Random);
    let mut by_callers = [(); 3].map(|()| Times::default());
    let (mut next, mut public) = (0, 0);
    for round in 0..ROUNDS {
        for turn in 0..CALLERS.len() {
            let side = (turn + round) % CALLERS.len();
            let numbers = next..next + SLICE[side] as u64;
            next = numbers.end;
            public += stream(numbers.clone()).filter(|number| !number.hidden).count() as u64;
            let delivered = activities.all(stream(numbers));
            let took = together(CALLERS[side], delivered.len(), |at| {
                ours.ingest(&delivered[at..=at], 1);
            });
            by_callers[side].add(delivered.len(), took);
        }
    }
    assert_eq!(ours.view().count(&Query::all()).unwrap().total, public);
    for (callers, times) in CALLERS.iter().zip(&by_callers) {
        let floors = [("one caller", &by_callers[0])];
        let floors = &floors[..usize::from(*callers > 1)];
        report.rate(&format!("single random activities, callers: {callers}"), "activities", times, floors);
    }
}

/// How long a record takes while nothing else happens, and while another caller ingests in bulk.
fn beside_bulk(folder: &Path, report: &mut Report) {
    const BULK: u64 = 30_000;
    const IDLE: u64 = 500;
    let ours = Service::open(&folder.join("bulk.db"));
    let sink = SqliteGovernance::open(folder.join("bulk.governance.db")).unwrap();
    let activities = Activities::new(Ids::Random);
    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    let mut next = 0;
    let mut timed = |times: &mut Vec<f64>| {
        let record = record(next);
        next += 1;
        let begun = Instant::now();
        keep(&sink, &record);
        times.push(begun.elapsed().as_secs_f64());
    };
    for round in 0..ROUNDS as u64 {
        (0..IDLE).for_each(|_| timed(&mut idle));
        let delivered: Vec<Activity> = activities.all(stream(round * BULK..(round + 1) * BULK));
        thread::scope(|scope| {
            let ingest = scope.spawn(|| ours.ingest(&delivered, 1_000));
            while !ingest.is_finished() {
                timed(&mut busy);
            }
        });
    }
    assert_eq!(sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap().len() as u64, next);
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let [idle, busy] = [&idle, &busy].map(|times| quantile(times.clone(), share));
        report.time(&format!("a record during bulk ingest, {name}"), busy, "idle", idle, busy / idle);
    }
}

fn keep(sink: &SqliteGovernance, record: &Record) {
    sink.record(record).unwrap().confirm(record).unwrap();
}

/// What is on record when a page of a reveal is about to be handed out.
fn record(number: u64) -> Record {
    let id = |salt: u64| Uuid::from_u64_pair(mix(number ^ salt << 32), mix(!number ^ salt << 32));
    let salt = |nth| Salt::from_bytes(id(nth).into_bytes());
    let private = ["activity-1".parse().unwrap()];
    Record {
        id: RecordId(id(1)),
        at: chrono::DateTime::from_timestamp(1_772_000_000, 0).unwrap(),
        initiator: Initiator::User(administrator()),
        policy: None,
        act: Act::Page {
            reveal: RevealId(id(2)),
            activities: Sealed::new(50, salt(3)),
            private: Sealed::new(1, salt(4)),
            digest: Sealed::new(Digest::of_ids(&private), salt(5)),
            subjects: Sealed::new(Subjects::default(), salt(6)),
        },
        outcome: Outcome::Intended,
    }
}
