//! G4 and R2: the sink's own threads. A deadlock, a wake-up that is lost or a thread that stays behind ends a run with
//! an error of shuttle's, because it waits until every thread has ended.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use activity_privacy::governance::{
    Event, GovernanceSink, Initiator, Outcome, Receipt, Record, RecordEntry, RecordId, RecordQuery, SinkError,
};
use activity_privacy::memory::MemorySink;
use activity_privacy::sinks::TimeoutSink;
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;
use uuid::Uuid;

use super::explore::explore;
use super::scene::{ANY_MOMENT, NEVER};
use crate::fixture::*;
use crate::forward::forward;

fn record(number: usize) -> Record {
    Record {
        id: RecordId(Uuid::from_u128(number as u128)),
        at: at(0),
        initiator: Initiator::System,
        policy: None,
        event: Event::ReadGovernance,
        outcome: Outcome::Observed,
    }
}

/// A gate that hangs whoever comes before it is opened.
#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        let mut is_open = self.is_open.lock().unwrap();
        while !*is_open {
            is_open = self.opened.wait(is_open).unwrap();
        }
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// Hangs for record 0 and every reading until its gate is opened, and panics at record 9 and at a reading of nothing.
#[derive(Default)]
struct Moody {
    inner: MemorySink,
    gate: Gate,
    /// How many readings are under way, and how many ever were.
    readings: AtomicUsize,
    begun: AtomicUsize,
}

impl GovernanceSink for Moody {
    fn record(&self, offered: &Record) -> Result<Receipt, SinkError> {
        if offered.id == record(0).id {
            self.gate.pass();
        }
        if offered.id == record(9).id {
            resume_unwind(Box::new("on command"));
        }
        self.inner.record(offered)
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        if limit == 0 {
            resume_unwind(Box::new("on command"));
        }
        let readings = self.readings.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(readings <= TimeoutSink::MAX_READS, "no more readings at once than there may be");
        self.gate.pass();
        self.readings.fetch_sub(1, Ordering::SeqCst);
        self.inner.records(query, after, limit)
    }

    forward! { inner: newest remove }
}

/// So many callers at once, each with records of its own; the last one to leave drops the sink.
fn callers(limit: Duration, callers: usize, records: usize) {
    let inner = Arc::new(MemorySink::new());
    let sink = Arc::new(TimeoutSink::new(Arc::clone(&inner) as Arc<dyn GovernanceSink>, limit));
    let threads: Vec<_> = (0..callers)
        .map(|caller| {
            let (sink, inner) = (Arc::clone(&sink), Arc::clone(&inner));
            thread::spawn(move || {
                for number in (0..records).map(|number| 1 + caller * records + number) {
                    match sink.record(&record(number)) {
                        Ok(receipt) => {
                            assert_eq!(receipt.record(), record(number).id, "the answer is for this very record");
                            let entries = inner.records(&RecordQuery::default(), receipt.sequence() - 1, 1).unwrap();
                            assert_eq!(entries[0].record, record(number), "which is durable by then");
                        }
                        Err(SinkError::TimedOut) => assert!(limit < NEVER, "nobody gives up before the limit"),
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    drop(sink);
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(limit < NEVER || Arc::strong_count(&inner) == 1, "whoever dropped it waited until it was released");
}

#[test]
fn g4_racing_callers_are_all_answered_and_no_thread_stays() {
    explore(|| callers(NEVER, 3, 2));
}

#[test]
fn r2_an_answer_that_races_its_limit_is_right_or_none() {
    explore(|| callers(ANY_MOMENT, 3, 2));
}

#[test]
fn g4_a_call_that_hangs_holds_up_nobody_else() {
    explore(|| {
        let moody = Arc::new(Moody::default());
        let sink = TimeoutSink::new(Arc::clone(&moody) as Arc<dyn GovernanceSink>, NEVER);
        thread::scope(|scope| {
            scope.spawn(|| sink.record(&record(0)).unwrap());
            let others = [1, 2].map(|number| {
                scope.spawn({
                    let sink = &sink;
                    move || sink.record(&record(number)).unwrap()
                })
            });
            for other in others {
                let _receipt = other.join().unwrap();
            }
            moody.gate.open();
        });
    });
}

#[test]
fn g4_a_sink_that_goes_while_calls_hang_leaves_no_thread() {
    explore(|| {
        let moody = Arc::new(Moody::default());
        let sink = Arc::new(TimeoutSink::new(Arc::clone(&moody) as Arc<dyn GovernanceSink>, ANY_MOMENT));
        let threads = [0, 1, 2].map(|number| {
            let sink = Arc::clone(&sink);
            thread::spawn(move || match sink.record(&record(number)) {
                Ok(receipt) => assert!(number != 0 && receipt.record() == record(number).id),
                Err(error) => assert!(matches!(error, SinkError::TimedOut)),
            })
        });
        drop(sink);
        for thread in threads {
            thread.join().unwrap();
        }
        // Nobody holds the sink any more, and one call of it still hangs, if it was begun.
        moody.gate.open();
    });
}

#[test]
fn g4_whoever_waits_for_a_turn_gets_it() {
    explore(|| {
        let moody = Arc::new(Moody::default());
        for number in 1..=TimeoutSink::MAX_READS + 2 {
            let _receipt = moody.inner.record(&record(number)).unwrap();
        }
        let sink = TimeoutSink::new(Arc::clone(&moody) as Arc<dyn GovernanceSink>, NEVER);
        thread::scope(|scope| {
            for number in 0..TimeoutSink::MAX_READS as u64 + 2 {
                let sink = &sink;
                scope.spawn(move || {
                    let entries = sink.records(&RecordQuery::default(), number, 1).unwrap();
                    assert_eq!(entries[0].sequence, number + 1, "the answer is for this very question");
                });
            }
            moody.gate.open();
        });
    });
}

#[test]
fn g4_whoever_gives_up_waiting_leaves_the_line() {
    explore(|| {
        let moody = Arc::new(Moody::default());
        let sink = Arc::new(TimeoutSink::new(Arc::clone(&moody) as Arc<dyn GovernanceSink>, ANY_MOMENT));
        let threads: Vec<_> = (0..TimeoutSink::MAX_READS + 1)
            .map(|_| {
                let sink = Arc::clone(&sink);
                thread::spawn(move || {
                    // All hang, and one of them never had its turn.
                    assert!(matches!(sink.records(&RecordQuery::default(), 0, 1), Err(SinkError::TimedOut)));
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        moody.gate.open();
        // Those that hung are over, and whoever comes now is answered, unless time runs out.
        match sink.records(&RecordQuery::default(), 0, 1) {
            Ok(entries) => assert!(entries.is_empty()),
            Err(error) => assert!(matches!(error, SinkError::TimedOut)),
        }
        drop(sink);
        let begun = moody.begun.load(Ordering::SeqCst);
        assert!(begun <= TimeoutSink::MAX_READS + 1, "what was given up before its turn is not begun any more");
    });
}

#[test]
fn g4_a_panic_meets_its_own_caller_and_no_other() {
    explore(|| {
        let moody = Arc::new(Moody::default());
        let sink = TimeoutSink::new(Arc::clone(&moody) as Arc<dyn GovernanceSink>, NEVER);
        thread::scope(|scope| {
            for number in [9, 1, 2] {
                let sink = &sink;
                scope.spawn(move || match sink.record(&record(number)) {
                    Ok(receipt) => assert_eq!((number != 9, receipt.record()), (true, record(number).id)),
                    Err(error) => assert!(number == 9 && matches!(error, SinkError::Panicked)),
                });
            }
        });
        assert_eq!(moody.inner.records(&RecordQuery::default(), 0, 9).unwrap().len(), 2);
    });
}

#[test]
fn g4_panics_use_up_no_threads() {
    explore(|| {
        let moody = Arc::new(Moody::default());
        moody.gate.open();
        let sink = TimeoutSink::new(Arc::clone(&moody) as Arc<dyn GovernanceSink>, NEVER);
        for _ in 0..=TimeoutSink::MAX_READS {
            assert!(matches!(sink.records(&RecordQuery::default(), 0, 0), Err(SinkError::Panicked)));
        }
        assert!(sink.records(&RecordQuery::default(), 0, 1).unwrap().is_empty());
    });
}
