//! Bulk ingest: every record has one outcome (B1), a run can be stopped and repeated (D4), and memory is bounded (B3).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

mod fault;
mod fixture;
mod forward;
mod place;

mod bulk_ingest {
    #[cfg(all(unix, feature = "sqlite"))]
    mod kill;
    pub(crate) mod source;
}

use std::error::Error;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use activity_privacy::activity::{Activity, Actor};
use activity_privacy::error::{Classify, ErrorKind};
use activity_privacy::filter::{BulkIngestError, BulkProgress, IngestError};
use activity_privacy::sources::m365::Reader;
use activity_privacy::store::StoreError;
use bulk_ingest::source::*;
use fault::*;
use fixture::*;
use place::*;

/// Runs a closure on a thread of its own. Fails if it takes longer than any of these tests.
fn ends<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(run()));
    receiver.recv_timeout(Duration::from_secs(120)).expect("the run ends")
}

fn all<R>(_: &activity_privacy::filter::BulkBatch<R>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn b1_outcomes_add_up_to_records_read() {
    for place in places() {
        let fixture = set_up(&place);
        let mut records: Vec<Record> = records().collect();
        records.extend([Ok(activity("a-1", "bob")), Ok(other_content("a-2")), Err(99), Ok(out_of_scope("a-2000"))]);
        let read = records.len() as u64;
        let progress = fixture.filter.bulk_ingest(records.into_iter()).max_records(7).run(all).unwrap();
        assert!(progress.is_complete());
        assert_eq!(progress.read(), read);
        assert_adds_up(&progress);
        let counts = [progress.duplicates(), progress.conflicts(), progress.not_monitored(), progress.rejected()];
        assert_eq!(counts, [1, 1, 1 + OUT_OF_SCOPE, 1 + REJECTED]);
        assert_eq!(fixture.everything().len() as u64, progress.stored());
    }
}

#[test]
fn b1_batches_contain_records_of_source_in_order() {
    for size in [1, 2, 7, 60, 1_000] {
        let fixture = set_up(&Place::in_memory());
        let mut seen = Vec::new();
        let run = fixture.filter.bulk_ingest(records()).max_records(size).run(|batch| {
            assert!((1..=size).contains(&(batch.activities().len() + batch.rejected().len())));
            assert_eq!(batch.activities().len(), batch.report().outcomes().len());
            let mut rejected = batch.rejected().iter().peekable();
            for activity in batch.activities() {
                // Rejected records are numbered by their place in the source.
                while let Some(record) = rejected.next_if(|record| **record < number(activity)) {
                    seen.push(*record);
                }
                seen.push(number(activity));
            }
            seen.extend(rejected);
            assert_eq!(batch.progress().read(), seen.len() as u64);
            ControlFlow::Continue(())
        });
        assert_eq!(run.unwrap().read(), RECORDS);
        assert!(seen.iter().copied().eq(0..RECORDS), "{seen:?}");
    }
}

#[test]
fn b1_rejections_of_reader_have_their_lines() {
    let lines: String = (0..100)
        .map(|n| match n % 10 {
            3 => "{\"Id\":1\n".to_owned(),
            _ => format!("{{\"Id\":\"{n}\",\"CreationTime\":\"2026-03-01T09:30:00\",\"Operation\":\"Op\"}}\n"),
        })
        .collect();
    let (fixture, mut found) = (Fixture::new(), Vec::new());
    let reader = Reader::new(lines.as_bytes());
    let progress = fixture.filter.bulk_ingest(reader).max_records(8).run(|batch| {
        found.extend(batch.rejected().iter().map(activity_privacy::sources::Rejected::line));
        ControlFlow::Continue(())
    });
    assert_eq!((progress.unwrap().stored(), found), (90, (0..10).map(|n| n * 10 + 4).collect()));
}

#[test]
fn d4_run_stopped_at_any_batch_and_repeated_gives_one_store() {
    for make in PLACES {
        let expected = contents(&uninterrupted(make()).0);
        for size in [1, 8, 25] {
            for stop in 1..=RECORDS.div_ceil(size) {
                for skips in [false, true] {
                    let place = make();
                    let fixture = set_up(&place);
                    let first = stopped_at(&fixture, size, stop);
                    assert_eq!((first.read(), first.is_complete()), ((stop * size).min(RECORDS), false));
                    let skip = if skips { first.read() } else { 0 };
                    // As in a new process, which has none of the state of the first.
                    let fixture = open(&place);
                    let again = fixture.filter.bulk_ingest(records()).max_records(9).skip_records(skip).run(all);
                    let again = again.unwrap();
                    assert_adds_up(&again);
                    assert_eq!((again.read(), again.skipped()), (RECORDS, skip));
                    let stored_before = if skips { 0 } else { first.stored() };
                    assert_eq!((again.duplicates(), again.conflicts()), (stored_before, 0));
                    assert_eq!(contents(&fixture), expected);
                }
            }
        }
    }
}

/// Runs until a number of batches are stored.
fn stopped_at(fixture: &Fixture, size: u64, stop: u64) -> BulkProgress {
    let mut batches = 0;
    let bulk = fixture.filter.bulk_ingest(records()).max_records(size as usize);
    let run = bulk.run(|_| {
        batches += 1;
        if batches == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    run.unwrap()
}

fn uninterrupted(place: Place) -> (Fixture, Place) {
    let fixture = set_up(&place);
    fixture.filter.bulk_ingest(records()).max_records(8).run(all).unwrap();
    (fixture, place)
}

#[test]
fn d4_run_that_fails_at_any_call_of_store_can_be_repeated() {
    let expected = contents(&uninterrupted(Place::in_memory()).0);
    for fault in [StoreFault::Fails, StoreFault::FailsLate, StoreFault::Panics, StoreFault::PanicsLate] {
        for call in 0.. {
            let place = Place::in_memory();
            drop(set_up(&place));
            let store = FaultyStore::new(Arc::clone(&place.store), &Log::default());
            let faulty = open(&Place::over(store.clone(), Arc::clone(&place.sink)));
            store.fault_in(call, fault);
            let calls = store.calls();
            let run = || faulty.filter.bulk_ingest(records()).max_records(8).run(all);
            let result = catch_unwind(AssertUnwindSafe(run));
            if store.calls() - calls <= call {
                assert!(result.unwrap().unwrap().is_complete(), "{fault:?} at {call}");
                break;
            }
            store.recover();
            let skip = match result {
                Ok(Err(error)) => {
                    assert_adds_up(error.progress());
                    assert!(!error.progress().is_complete());
                    error.progress().read()
                }
                // The fault is one that the filter survives, or a panic.
                Ok(Ok(_)) | Err(_) => 0,
            };
            let fixture = open(&place);
            let again = fixture.filter.bulk_ingest(records()).skip_records(skip).run(all).unwrap();
            assert_adds_up(&again);
            assert_eq!(contents(&fixture), expected, "{fault:?} at {call}");
        }
    }
}

#[test]
fn b1_error_names_records_that_are_done_and_its_cause() {
    let place = Place::in_memory();
    drop(set_up(&place));
    let store = FaultyStore::new(Arc::clone(&place.store), &Log::default());
    let fixture = open(&Place::over(store.clone(), Arc::clone(&place.sink)));
    let mut batches = 0;
    let run = fixture.filter.bulk_ingest(records()).max_records(10).run(|_| {
        batches += 1;
        if batches == 3 {
            (0..9).for_each(|call| store.fault_in(call, StoreFault::Fails));
        }
        ControlFlow::Continue(())
    });
    let error: BulkIngestError = run.unwrap_err();
    assert_eq!(error.progress().read(), 30);
    assert_eq!(
        error.to_string(),
        "bulk ingest stopped after 30 records; run it again from the start or behind these records"
    );
    assert!(matches!(error.ingest_error(), IngestError::Store(StoreError::Backend(_))));
    assert!(error.source().is_some());
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
}

#[test]
fn d4_batch_is_delivered_again_as_often_as_caller_wants() {
    for (fault, wanted, succeeds) in
        [(StoreFault::Fails, 3, true), (StoreFault::FailsLate, 3, true), (StoreFault::Fails, 1, false)]
    {
        let place = Place::in_memory();
        drop(set_up(&place));
        let store = FaultyStore::new(Arc::clone(&place.store), &Log::default());
        let fixture = open(&Place::over(store.clone(), Arc::clone(&place.sink)));
        let mut attempts_seen = Vec::new();
        // Two attempts fail, at one call of the store each.
        (0..2).for_each(|call| store.fault_in(call, fault));
        let bulk = fixture.filter.bulk_ingest(records()).max_records(20).retry_if(|error, attempts| {
            attempts_seen.push(attempts);
            error.is_retryable() && attempts < wanted
        });
        let result = bulk.run(all);
        assert_eq!(result.is_ok(), succeeds, "{fault:?}");
        if let Ok(progress) = result {
            assert_adds_up(&progress);
            assert_eq!(attempts_seen, [1, 2]);
        } else {
            assert_eq!(attempts_seen, [1]);
        }
    }
}

#[test]
fn b3_stopped_run_reads_at_most_batches_in_memory() {
    let given = ends(|| {
        let fixture = Fixture::new();
        let given = AtomicU64::new(0);
        let endless = (0..).map(|n| {
            given.fetch_add(1, Ordering::SeqCst);
            Ok::<_, ()>(activity(&format!("a-{n}"), "bob"))
        });
        let run = fixture.filter.bulk_ingest(endless).max_records(10).run(|batch| {
            if batch.progress().read() >= 50 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(!run.unwrap().is_complete());
        given.into_inner()
    });
    assert!((50..=80).contains(&given), "{given}");
}

#[test]
fn b3_run_holds_at_most_three_batches() {
    for (records, bytes, most) in [(10, usize::MAX, 30), (1_000_000, 10 * 1_000, 30)] {
        let fixture = Fixture::new();
        let (given, done) = (AtomicU64::new(0), AtomicU64::new(0));
        let source = (0..500).map(|n| {
            let ahead = given.fetch_add(1, Ordering::SeqCst) + 1 - done.load(Ordering::SeqCst);
            assert!(ahead <= most, "{ahead} records are in memory");
            let details = "x".repeat(1_000);
            let actor = Actor::user(alias("bob@contoso.com"));
            Ok::<_, ()>(begun(&format!("a-{n}"), actor).details(details).build().unwrap())
        });
        let bulk = fixture.filter.bulk_ingest(source).max_records(records).max_bytes(bytes);
        let progress = bulk.run(|batch| {
            // So that the source is ahead as far as it can.
            std::thread::sleep(Duration::from_millis(2));
            done.store(batch.progress().read(), Ordering::SeqCst);
            ControlFlow::Continue(())
        });
        assert_eq!(progress.unwrap().stored(), 500);
    }
}

#[test]
fn b3_panic_of_source_ends_run_after_batches_before_it() {
    for at in [0, 1, 9, 10, 35] {
        let (message, ids) = ends(move || {
            let fixture = set_up(&Place::in_memory());
            let source = (0..).map(move |n| {
                if n == at {
                    resume_unwind(Box::new("the source"));
                }
                Ok::<_, ()>(activity(&format!("a-{n}"), "bob"))
            });
            let run = || fixture.filter.bulk_ingest(source).max_records(10).run(all);
            let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            (panic.downcast_ref::<&str>().copied(), fixture.everything().len())
        });
        assert_eq!((message, ids as u64), (Some("the source"), at / 10 * 10));
    }
}

#[test]
fn b3_panic_of_caller_ends_run() {
    let message = ends(|| {
        let fixture = Fixture::new();
        let endless = (0..).map(|n| Ok::<_, ()>(activity(&format!("a-{n}"), "bob")));
        let run = || fixture.filter.bulk_ingest(endless).max_records(10).run(|_| resume_unwind(Box::new("the caller")));
        let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
        panic.downcast_ref::<&str>().copied()
    });
    assert_eq!(message, Some("the caller"));
}

#[test]
fn b1_source_without_activities_is_complete() {
    let fixture = Fixture::new();
    let nothing: [Result<Activity, ()>; 0] = [];
    let progress = fixture.filter.bulk_ingest(nothing.into_iter()).run(|_| panic!("there is no batch")).unwrap();
    assert_eq!((progress.read(), progress.is_complete()), (0, true));

    let rejected = (0..25).map(Err::<Activity, _>);
    let progress = fixture.filter.bulk_ingest(rejected).max_records(10).run(all).unwrap();
    assert_eq!((progress.read(), progress.rejected()), (25, 25));
    assert_adds_up(&progress);

    // More records than there are.
    let progress = fixture.filter.bulk_ingest(records()).skip_records(u64::MAX).run(all).unwrap();
    assert_eq!((progress.read(), progress.skipped(), progress.is_complete()), (RECORDS, RECORDS, true));
}

#[test]
fn b1_position_is_that_behind_each_batch() {
    let fixture = set_up(&Place::in_memory());
    let source = records().collect::<Vec<_>>().into_iter();
    let mut positions = Vec::new();
    let bulk = fixture.filter.bulk_ingest(source).max_records(25).position(|rest| RECORDS - rest.len() as u64);
    let progress = bulk.run(|batch| {
        positions.push(batch.progress().position());
        ControlFlow::Continue(())
    });
    assert_eq!(progress.unwrap().position(), Some(RECORDS));
    assert_eq!(positions, [25, 50, 60].map(Some));
}

#[test]
fn b2_debug_shows_counts_alone() {
    let fixture = set_up(&Place::in_memory());
    let bulk = fixture.filter.bulk_ingest(records());
    assert_eq!(format!("{bulk:?}"), "BulkIngest { .. }");
    let run = bulk.run(|batch| {
        let text = format!("{batch:?}");
        assert!(text.starts_with("BulkBatch { progress: BulkProgress {") && !text.contains("bob"), "{text}");
        ControlFlow::Continue(())
    });
    run.unwrap();
}
