//! G4 and R2: the threads of the timeout sink. Shuttle waits until every thread has ended, so a deadlock, a lost
//! wake-up or a leaked thread fails the run.

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

/// A gate that blocks each caller until it is opened.
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

/// A sink that hangs on record 0 and on every read until its gate is opened. It panics on record 9 and on an empty
/// read.
#[derive(Default)]
struct FaultySink {
    inner: MemorySink,
    gate: Gate,
    /// How many reads are running, and how many ever began.
    reads: AtomicUsize,
    begun: AtomicUsize,
}

impl GovernanceSink for FaultySink {
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
        let reads = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(reads <= TimeoutSink::MAX_READS, "concurrent reads stay within the limit");
        self.gate.pass();
        self.reads.fetch_sub(1, Ordering::SeqCst);
        self.inner.records(query, after, limit)
    }

    forward! { inner: newest remove }
}

/// Runs concurrent callers, each with its own records. The last caller to finish drops the sink.
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
                            assert_eq!(receipt.record(), record(number).id, "the receipt is for this record");
                            let entries = inner.records(&RecordQuery::default(), receipt.sequence() - 1, 1).unwrap();
                            assert_eq!(
                                entries[0].record,
                                record(number),
                                "the record is durable when the receipt is returned"
                            );
                        }
                        Err(SinkError::TimedOut) => assert!(limit < NEVER, "no caller times out early"),
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
    assert!(limit < NEVER || Arc::strong_count(&inner) == 1, "dropping the sink waits until its threads release it");
}

#[test]
fn g4_racing_callers_are_answered_and_threads_end() {
    explore(|| callers(NEVER, 3, 2));
}

#[test]
fn r2_answer_racing_timeout_is_correct_or_error() {
    explore(|| callers(ANY_MOMENT, 3, 2));
}

#[test]
fn g4_hanging_call_blocks_no_other_caller() {
    explore(|| {
        let moody = Arc::new(FaultySink::default());
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
fn g4_sink_dropped_while_calls_hang_leaks_no_thread() {
    explore(|| {
        let moody = Arc::new(FaultySink::default());
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
        // The sink is dropped. One of its calls still hangs, if it began.
        moody.gate.open();
    });
}

#[test]
fn g4_queued_call_is_eventually_run() {
    explore(|| {
        let moody = Arc::new(FaultySink::default());
        for number in 1..=TimeoutSink::MAX_READS + 2 {
            let _receipt = moody.inner.record(&record(number)).unwrap();
        }
        let sink = TimeoutSink::new(Arc::clone(&moody) as Arc<dyn GovernanceSink>, NEVER);
        thread::scope(|scope| {
            for number in 0..TimeoutSink::MAX_READS as u64 + 2 {
                let sink = &sink;
                scope.spawn(move || {
                    let entries = sink.records(&RecordQuery::default(), number, 1).unwrap();
                    assert_eq!(entries[0].sequence, number + 1, "the answer is for this query");
                });
            }
            moody.gate.open();
        });
    });
}

#[test]
fn g4_timed_out_call_leaves_the_queue() {
    explore(|| {
        let moody = Arc::new(FaultySink::default());
        let sink = Arc::new(TimeoutSink::new(Arc::clone(&moody) as Arc<dyn GovernanceSink>, ANY_MOMENT));
        let threads: Vec<_> = (0..TimeoutSink::MAX_READS + 1)
            .map(|_| {
                let sink = Arc::clone(&sink);
                thread::spawn(move || {
                    // All of them hang, and one of them never started.
                    assert!(matches!(sink.records(&RecordQuery::default(), 0, 1), Err(SinkError::TimedOut)));
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        moody.gate.open();
        // The hanging calls ended. A new call is answered, unless it times out.
        match sink.records(&RecordQuery::default(), 0, 1) {
            Ok(entries) => assert!(entries.is_empty()),
            Err(error) => assert!(matches!(error, SinkError::TimedOut)),
        }
        drop(sink);
        let begun = moody.begun.load(Ordering::SeqCst);
        assert!(begun <= TimeoutSink::MAX_READS + 1, "a call that timed out in the queue never begins");
    });
}

#[test]
fn g4_panic_fails_only_its_own_caller() {
    explore(|| {
        let moody = Arc::new(FaultySink::default());
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
fn g4_panics_exhaust_no_threads() {
    explore(|| {
        let moody = Arc::new(FaultySink::default());
        moody.gate.open();
        let sink = TimeoutSink::new(Arc::clone(&moody) as Arc<dyn GovernanceSink>, NEVER);
        for _ in 0..=TimeoutSink::MAX_READS {
            assert!(matches!(sink.records(&RecordQuery::default(), 0, 0), Err(SinkError::Panicked)));
        }
        assert!(sink.records(&RecordQuery::default(), 0, 1).unwrap().is_empty());
    });
}
