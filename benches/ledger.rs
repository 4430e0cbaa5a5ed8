//! The cost of the ledger per record, compared with the same sink without it and with bare durable commits.
//!
//! `cargo bench --bench ledger --features sqlite,ledger` takes some minutes. `LEDGER_DIR` selects the folder for the
//! files, which are deleted at the end; it should be on the disk that a service writes to. The sides alternate slice by
//! slice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench may fail"
)]

#[path = "decide/median.rs"]
mod median;
#[path = "store/report.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod report;
#[path = "store/times.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod times;

use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use activity_privacy::governance::{
    Commitment, Digest, Event, GovernanceSink, Initiator, Outcome, Record, RecordId, RevealId, Salt, Subjects,
};
use activity_privacy::identity::UserId;
use activity_privacy::ledger::{Checkpoint, FileHashes, KeyName, LedgerSink, NoteSigner};
use activity_privacy::sqlite::SqliteGovernance;
use rusqlite::{Connection, params};
use uuid::Uuid;

use self::median::median;
use self::report::Report;
use self::times::Times;

const CALLERS: [usize; 3] = [1, 8, 64];
const ROUNDS: usize = 60;
/// The number of records per slice, over all callers.
const SLICE: [usize; 3] = [200, 800, 3_200];

fn main() {
    let folder = std::env::var_os("LEDGER_DIR").map_or_else(std::env::temp_dir, Into::into);
    let folder = tempfile::Builder::new().prefix("activity-ledger-").tempdir_in(folder).unwrap();
    let mut report = Report::default();
    appends(folder.path(), &mut report);
    growth(folder.path(), &mut report);
    println!("{report}");
}

fn key() -> NoteSigner {
    NoteSigner::new(KeyName::new("example.com/governance").unwrap(), &[7; 32])
}

fn ledger(folder: &Path, name: &str) -> LedgerSink<SqliteGovernance> {
    let sink = SqliteGovernance::open(folder.join(format!("{name}.db"))).unwrap();
    LedgerSink::open(sink, FileHashes::open(folder.join(format!("{name}.hashes"))).unwrap(), key()).unwrap()
}

/// One side of the comparison: how it writes a slice of records, and which part of that is timed.
#[derive(Clone, Copy)]
enum Side {
    Bare,
    Plain(usize),
    Ledger(usize),
    /// The time includes the catch-up of the tree and the signature of a checkpoint.
    LedgerWithCheckpoint(usize),
}

fn appends(folder: &Path, report: &mut Report) {
    let bare = Connection::open(folder.join("bare.db")).unwrap();
    bare.pragma_update(None, "journal_mode", "WAL").unwrap();
    bare.pragma_update(None, "synchronous", "FULL").unwrap();
    bare.execute_batch("CREATE TABLE record (sequence INTEGER PRIMARY KEY, record TEXT NOT NULL) STRICT").unwrap();
    let plain = SqliteGovernance::open(folder.join("plain.db")).unwrap();
    let [lazy, with_checkpoints] = ["lazy", "with-checkpoints"].map(|name| ledger(folder, name));

    let sides: Vec<Side> = std::iter::once(Side::Bare)
        .chain((0..3).flat_map(|at| [Side::Plain(at), Side::Ledger(at), Side::LedgerWithCheckpoint(at)]))
        .collect();
    let mut times: Vec<Times> = sides.iter().map(|_| Times::default()).collect();
    let mut next = 0;
    for round in 0..ROUNDS {
        for turn in 0..sides.len() {
            // Alternates direction, so that compared sides are adjacent and neither is always first.
            let at = (turn + round) % sides.len();
            let at = if round % 2 == 0 { at } else { sides.len() - 1 - at };
            let count = match sides[at] {
                Side::Bare => SLICE[0],
                Side::Plain(callers) | Side::Ledger(callers) | Side::LedgerWithCheckpoint(callers) => SLICE[callers],
            };
            let records: Vec<Record> = (next..next + count as u64).map(record).collect();
            next += count as u64;
            let took = match sides[at] {
                Side::Bare => {
                    let texts: Vec<String> = records.iter().map(|one| serde_json::to_string(one).unwrap()).collect();
                    let mut insert = bare.prepare_cached("INSERT INTO record (record) VALUES (?1)").unwrap();
                    let begun = Instant::now();
                    for text in &texts {
                        insert.execute(params![text]).unwrap();
                    }
                    begun.elapsed()
                }
                Side::Plain(callers) => together(CALLERS[callers], &records, &plain),
                Side::Ledger(callers) => {
                    let took = together(CALLERS[callers], &records, &lazy);
                    lazy.catch_up().unwrap();
                    took
                }
                Side::LedgerWithCheckpoint(callers) => {
                    let took = together(CALLERS[callers], &records, &with_checkpoints);
                    let begun = Instant::now();
                    with_checkpoints.checkpoint().unwrap();
                    took + begun.elapsed()
                }
            };
            times[at].add(count, took);
        }
    }
    let all = (ROUNDS * SLICE.iter().sum::<usize>()) as u64;
    for ledger in [&lazy, &with_checkpoints] {
        let note = ledger.checkpoint().unwrap();
        let checkpoint = Checkpoint::open(note.as_bytes(), &[key().verifier().clone()]).unwrap();
        assert_eq!((checkpoint.size, ledger.audit().unwrap().size), (all, all));
    }
    let bare = &times[0];
    for (callers, of) in CALLERS.iter().zip(times[1..].chunks(3)) {
        let [plain, ledger, with_checkpoint] = of else { panic!("three sides") };
        report.rate(&format!("without ledger, callers: {callers}"), "records", plain, &[("bare commits", bare)]);
        let floors = [("bare commits", bare), ("without ledger", plain)];
        report.rate(&format!("with ledger, callers: {callers}"), "records", ledger, &floors);
        let what = format!("with ledger and a checkpoint per {}, callers: {callers}", slice_of(*callers));
        report.rate(&what, "records", with_checkpoint, &floors);
    }
}

fn slice_of(callers: usize) -> usize {
    CALLERS.iter().zip(SLICE).find(|(of, _)| **of == callers).map_or(0, |(_, slice)| slice)
}

/// Measures how fast the tree catches up, and the time to open a log and to prove a record at two lengths.
fn growth(folder: &Path, report: &mut Report) {
    const PART: u64 = 20_000;
    let name = "growth";
    let mut rates = Times::default();
    for part in 0..5 {
        let grown = ledger(folder, name);
        let records: Vec<Record> = (part * PART..(part + 1) * PART).map(|number| record(number + (1 << 40))).collect();
        together(64, &records, &grown);
        let begun = Instant::now();
        grown.catch_up().unwrap();
        rates.add(PART as usize, begun.elapsed());
        grown.checkpoint().unwrap();
        drop(grown);
        let size = (part + 1) * PART;
        if part == 0 || part == 4 {
            let opening = (0..30).map(|_| timed(|| drop(ledger(folder, name)))).collect();
            let opened = ledger(folder, name);
            let proving = (0..300).map(|at| timed(|| drop(opened.inclusion_proof(1 + at * 61).unwrap()))).collect();
            for (what, times) in [("open", opening), ("prove a record", proving)] {
                report.fact(&format!("to {what}, records: {size}"), &report::duration(median(times)));
            }
        }
    }
    report.rate("the tree catches up", "records", &rates, &[]);
}

fn timed(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}

/// Lets each caller record a part. Returns the time from the start of the first caller to the end of the last.
fn together(callers: usize, records: &[Record], sink: &dyn GovernanceSink) -> Duration {
    let barrier = &Barrier::new(callers);
    let begun = thread::scope(|scope| {
        let caller = |caller| {
            scope.spawn(move || {
                barrier.wait();
                let begun = Instant::now();
                for record in records.iter().skip(caller).step_by(callers) {
                    sink.record(record).unwrap().confirm(record).unwrap();
                }
                begun
            })
        };
        let all: Vec<_> = (0..callers).map(caller).collect();
        all.into_iter().map(|caller| caller.join().unwrap()).min().unwrap()
    });
    begun.elapsed()
}

/// Returns a record of a page of a reveal.
fn record(number: u64) -> Record {
    let id = |salt: u64| Uuid::from_u64_pair(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt, number);
    let salt = |nth| Salt::from_bytes(id(nth).into_bytes());
    let private = ["activity-1".parse().unwrap()];
    Record {
        id: RecordId(id(1)),
        at: chrono::DateTime::from_timestamp(1_772_000_000, 0).unwrap(),
        initiator: Initiator::User(UserId::new("00000000-0000-0000-0000-000000000001").unwrap()),
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
