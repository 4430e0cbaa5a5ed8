//! G4: a sink that hangs, panics or is late blocks no caller for longer than its timeout.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use activity_privacy::filter::PrivacyFilter;
use activity_privacy::governance::{
    GovernanceSink, Receipt, Record, RecordEntry, RecordId, RecordQuery, Recorded, Removal, SinkError, WriteOnlySink,
};
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::policy::{Administrators, GroupRef, PolicyChange};
use activity_privacy::query::PageSize;
use activity_privacy::sinks::{QuorumSink, TimeoutSink};
use uuid::Uuid;

use crate::fault::*;
use crate::fixture::*;
use crate::forward::forward;
use crate::{assert_gap_free, record};

/// A sink whose calls hang until they are released.
struct Gate {
    inner: MemorySink,
    open: Mutex<bool>,
    opened: std::sync::Condvar,
    begun: AtomicUsize,
}

impl Gate {
    fn closed() -> Arc<Self> {
        Arc::new(Self {
            inner: MemorySink::new(),
            open: Mutex::new(false),
            opened: std::sync::Condvar::new(),
            begun: AtomicUsize::new(0),
        })
    }

    fn release(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

impl GovernanceSink for Gate {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        drop(self.opened.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap());
        self.inner.record(record)
    }

    forward! { inner: records newest remove }
}

#[test]
fn g4_hanging_sink_times_out() {
    let gate = Gate::closed();
    let limit = Duration::from_millis(50);
    let bounded = TimeoutSink::new(Arc::clone(&gate) as Arc<dyn GovernanceSink>, limit);
    // Many more calls than may hang at once, from several threads.
    thread::scope(|scope| {
        for number in 0..4_u128 {
            let bounded = &bounded;
            scope.spawn(move || {
                for at in 0..10 {
                    let begun = Instant::now();
                    let error = bounded.record(&record(number * 100 + at + 1)).unwrap_err();
                    assert!(matches!(error, SinkError::TimedOut), "{error:?}");
                    assert!(begun.elapsed() < limit * 10, "{:?}", begun.elapsed());
                }
            });
        }
    });
    let hung = gate.begun.load(Ordering::SeqCst);
    assert_eq!(hung, TimeoutSink::MAX_CALLS, "the number of threads is limited");
    // After the hanging calls return, the sink works again. A call that was given up before it began never begins.
    gate.release();
    let mut fresh = 1_000;
    let receipt = loop {
        fresh += 1;
        match bounded.record(&record(fresh)) {
            Ok(receipt) => break receipt,
            Err(SinkError::TimedOut) if fresh < 1_100 => {}
            Err(error) => panic!("{error:?}"),
        }
    };
    assert_eq!(receipt.record(), record(fresh).id);
    let late = || {
        let durable = gate.inner.records(&RecordQuery::default(), 0, usize::MAX).unwrap();
        durable.iter().filter(|entry| entry.record.id < record(1_000).id).count()
    };
    let begun = Instant::now();
    while late() < hung && begun.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(late(), hung, "late records may be durable, and no caller received a receipt");
}

/// A slow sink.
struct Slow(MemorySink, Duration);

impl GovernanceSink for Slow {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        thread::sleep(self.1);
        self.0.record(record)
    }

    forward! { 0: records newest remove }
}

/// Four times as many concurrent callers as slots: callers wait for a slot.
#[test]
fn g4_burst_of_callers_waits_for_slots() {
    let slow = Slow(MemorySink::new(), Duration::from_millis(20));
    let bounded = TimeoutSink::new(Arc::new(slow), Duration::from_secs(10));
    let callers = 4 * TimeoutSink::MAX_CALLS;
    let start = Barrier::new(callers);
    thread::scope(|scope| {
        for id in 0..callers as u128 {
            let (bounded, start) = (&bounded, &start);
            scope.spawn(move || {
                start.wait();
                let receipt = bounded.record(&record(id)).unwrap();
                assert_eq!(receipt.record(), record(id).id);
            });
        }
    });
    let entries = bounded.records(&RecordQuery::default(), 0, usize::MAX).unwrap();
    assert_eq!(entries.len(), callers);
    assert_gap_free(&entries);
}

#[test]
fn g4_caller_without_slot_waits_until_timeout() {
    let gate = Gate::closed();
    let limit = Duration::from_secs(1);
    let bounded = TimeoutSink::new(Arc::clone(&gate) as Arc<dyn GovernanceSink>, limit);
    let (hung, bounded) = (TimeoutSink::MAX_CALLS, &bounded);
    thread::scope(|scope| {
        for id in 0..hung as u128 {
            scope.spawn(move || assert!(matches!(bounded.record(&record(id)).unwrap_err(), SinkError::TimedOut)));
        }
        while gate.begun.load(Ordering::SeqCst) < hung {
            thread::sleep(Duration::from_millis(1));
        }
        // More callers than slots.
        let refused = (0..2 * hung as u128).map(|at| {
            scope.spawn(move || {
                let begun = Instant::now();
                let error = bounded.record(&record(100 + at)).unwrap_err();
                assert!(matches!(error, SinkError::TimedOut), "{error:?}");
                assert!(begun.elapsed() >= limit, "before the timeout: {:?}", begun.elapsed());
                assert!(begun.elapsed() < limit * 5, "long after the timeout: {:?}", begun.elapsed());
            })
        });
        refused.collect::<Vec<_>>().into_iter().for_each(|caller| caller.join().unwrap());
        // A caller that waits when the sink recovers is served.
        let waits = scope.spawn(move || bounded.record(&record(501)));
        thread::sleep(limit / 10);
        assert_eq!(gate.begun.load(Ordering::SeqCst), hung, "every slot is in use");
        gate.release();
        assert_eq!(waits.join().unwrap().unwrap().record(), record(501).id);
    });
    assert_eq!(bounded.record(&record(502)).unwrap().record(), record(502).id);
    assert_eq!(gate.begun.load(Ordering::SeqCst), hung + 2, "a call that timed out before it began never begins");
}

/// A late receipt counts neither for its own call nor for the next.
#[test]
fn g4_late_receipt_never_counts() {
    let sink = FaultySink::new(&Log::default());
    let bounded = TimeoutSink::new(Arc::clone(&sink) as Arc<dyn GovernanceSink>, LIMIT);
    sink.fault_in(0, Fault::Hangs);
    assert!(matches!(bounded.record(&record(1)).unwrap_err(), SinkError::TimedOut));
    for id in 2..20 {
        let receipt = bounded.record(&record(id)).unwrap();
        assert_eq!(receipt.record(), record(id).id);
        thread::sleep(HANG / 15);
    }
    assert!(
        sink.durable().iter().any(|record| record.id == RecordId(Uuid::from_u128(1))),
        "the late record is durable"
    );
    // Offered again, the record gets its first receipt.
    assert_eq!(bounded.record(&record(1)).unwrap().record(), record(1).id);
}

#[test]
fn g4_sink_fault_is_error_and_next_call_succeeds() {
    let sink = FaultySink::new(&Log::default());
    let bounded = TimeoutSink::new(Arc::clone(&sink) as Arc<dyn GovernanceSink>, LIMIT);
    let _first = bounded.record(&record(1_000)).unwrap();
    // More often than there are threads.
    for turn in 0..40 {
        sink.fault_in(0, Fault::Panics);
        assert!(matches!(bounded.record(&record(turn * 2)).unwrap_err(), SinkError::Panicked));
        let receipt = bounded.record(&record(turn * 2 + 1)).unwrap();
        assert_eq!(receipt.record(), record(turn * 2 + 1).id);
    }
    for fault in [Fault::AnswersForAnother, Fault::AnswersForTheLast] {
        sink.fault_in(0, fault);
        assert!(matches!(bounded.record(&record(500)).unwrap_err(), SinkError::WrongReceipt));
    }
}

/// A sink that panics with a payload that panics when it is dropped, until the test stops it.
struct PanicsTwice(AtomicUsize);

struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        if !thread::panicking() {
            std::panic::resume_unwind(Box::new("again"));
        }
    }
}

impl GovernanceSink for PanicsTwice {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        if self.0.fetch_add(1, Ordering::SeqCst) < 2 * TimeoutSink::MAX_CALLS {
            std::panic::resume_unwind(Box::new(Payload));
        }
        Ok(Receipt::assertion(record.id, 1))
    }

    fn records(&self, _: &RecordQuery, _: u64, _: usize) -> Result<Vec<RecordEntry>, SinkError> {
        Ok(Vec::new())
    }

    fn newest(&self, _: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
        Ok(None)
    }

    fn remove(&self, _: &Recorded<Removal>) -> Result<u64, SinkError> {
        Ok(0)
    }
}

#[test]
fn g4_panic_ends_no_worker_thread() {
    let bounded = TimeoutSink::new(Arc::new(PanicsTwice(AtomicUsize::new(0))), LIMIT);
    for id in 0..2 * TimeoutSink::MAX_CALLS {
        assert!(matches!(bounded.record(&record(id as u128)).unwrap_err(), SinkError::Panicked));
    }
    assert_eq!(bounded.record(&record(500)).unwrap().record(), record(500).id);
}

/// Its threads end on drop and release the inner sink.
#[test]
fn g4_dropped_timeout_sink_leaves_no_thread() {
    let sink = Arc::new(MemorySink::new());
    let bounded = TimeoutSink::new(Arc::clone(&sink) as Arc<dyn GovernanceSink>, LIMIT * 10);
    thread::scope(|scope| {
        for number in 0..8_u128 {
            let bounded = &bounded;
            scope.spawn(move || (0..20).for_each(|at| drop(bounded.record(&record(number * 20 + at)).unwrap())));
        }
    });
    assert_gap_free(&bounded.records(&RecordQuery::default(), 0, usize::MAX).unwrap());
    drop(bounded);
    assert_eq!(Arc::strong_count(&sink), 1, "no thread holds the sink");
}

/// A call that is queued without a waiting caller is recorded before the sink is released.
#[test]
fn g4_dropped_sink_finishes_queued_records() {
    let late = Arc::new(Slow(MemorySink::new(), Duration::from_millis(100)));
    let sinks = QuorumSink::with_leader("file".parse().unwrap(), Arc::new(MemorySink::new()))
        .push("late".parse().unwrap(), Arc::clone(&late) as Arc<dyn GovernanceSink>)
        .quorum(1)
        .build()
        .unwrap();
    for id in 0..40 {
        let _receipt = sinks.record(&record(id)).unwrap();
    }
    drop(sinks);
    assert_eq!(Arc::strong_count(&late), 1, "no thread holds the sink");
    assert_eq!(late.0.records(&RecordQuery::default(), 0, usize::MAX).unwrap().len(), 40);
}

#[test]
fn g4_dropped_sink_waits_for_hanging_call_until_timeout() {
    let gate = Gate::closed();
    let limit = Duration::from_millis(300);
    let bounded = TimeoutSink::new(Arc::clone(&gate) as Arc<dyn GovernanceSink>, limit);
    assert!(matches!(bounded.record(&record(1)).unwrap_err(), SinkError::TimedOut));
    let begun = Instant::now();
    drop(bounded);
    assert!(begun.elapsed() >= limit && begun.elapsed() < limit * 5, "{:?}", begun.elapsed());
    assert_eq!(Arc::strong_count(&gate), 2, "the call that hangs holds the sink");
    gate.release();
    let begun = Instant::now();
    while Arc::strong_count(&gate) > 1 {
        assert!(begun.elapsed() < Duration::from_secs(5), "a thread still holds the sink");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A sink that owns the last handle of the filter over it and drops it within a call.
#[derive(Default)]
struct DropsLast {
    inner: MemorySink,
    handle: Mutex<Option<PrivacyFilter>>,
    is_last: Mutex<bool>,
    became_last: std::sync::Condvar,
    took: Mutex<Option<Duration>>,
}

impl GovernanceSink for DropsLast {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        if let Some(filter) = self.handle.lock().unwrap().take() {
            drop(self.became_last.wait_while(self.is_last.lock().unwrap(), |is_last| !*is_last).unwrap());
            let begun = Instant::now();
            drop(filter);
            *self.took.lock().unwrap() = Some(begun.elapsed());
        }
        self.inner.record(record)
    }

    forward! { inner: records newest remove }
}

#[test]
fn g4_sink_that_drops_last_filter_does_not_deadlock() {
    let limit = Duration::from_secs(1);
    for among_several in [false, true] {
        let sink = Arc::new(DropsLast::default());
        let builder = if among_several {
            let sinks = QuorumSink::with_leader("only".parse().unwrap(), Arc::clone(&sink) as Arc<dyn GovernanceSink>);
            let sinks = sinks.quorum(1).build().unwrap();
            PrivacyFilter::builder(MemoryStore::new(), MemoryDirectory::new(), sinks)
        } else {
            PrivacyFilter::builder(MemoryStore::new(), MemoryDirectory::new(), Arc::clone(&sink))
        };
        let filter =
            builder.sink_timeout(limit).initialize(Administrators::new(user("root"), user("deputy")).unwrap()).unwrap();
        *sink.handle.lock().unwrap() = Some(filter.clone());
        let timed_out = filter.update_policy(&user("root"), PolicyChange::MakePrivate(GroupRef::Applications));
        assert!(timed_out.is_err(), "the sink still waits for the caller");
        drop(filter);
        *sink.is_last.lock().unwrap() = true;
        sink.became_last.notify_all();
        let begun = Instant::now();
        let took = loop {
            if let Some(took) = *sink.took.lock().unwrap() {
                break took;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "the sink is still dropping the filter");
            thread::sleep(Duration::from_millis(5));
        };
        assert!(took < limit / 2, "{took:?}");
    }
}

/// A sink that records fast and reads slowly.
struct SlowToRead(MemorySink);

impl GovernanceSink for SlowToRead {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        self.0.record(record)
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        std::thread::sleep(std::time::Duration::from_secs(2));
        self.0.records(query, after, limit)
    }

    forward! { 0: newest remove }
}

#[test]
fn g4_slow_reads_take_no_record_slot() {
    let limit = std::time::Duration::from_millis(100);
    let fixture = Fixture::over(Arc::new(MemoryStore::new()), Arc::new(MemorySink::new()));
    let filter =
        PrivacyFilter::builder(Arc::clone(&fixture.store), MemoryDirectory::new(), SlowToRead(MemorySink::new()))
            .sink_timeout(limit)
            .write_only_sink(WriteOnlySink::i_know_that_a_restored_store_goes_unnoticed())
            .open()
            .unwrap();
    let readers: Vec<_> = (0..TimeoutSink::MAX_CALLS)
        .map(|_| {
            let filter = filter.clone();
            std::thread::spawn(move || {
                filter.governance_records(&user("root"), &RecordQuery::default(), 0, PageSize::default()).is_err()
            })
        })
        .collect();
    for reader in readers {
        assert!(reader.join().unwrap(), "a slow read times out");
    }
    filter.update_policy(&user("root"), PolicyChange::MakePrivate(GroupRef::Applications)).unwrap();
}
