//! G4: several sinks called concurrently, whose answers race each other, the timeout, and a change of the sinks.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use activity_privacy::governance::{
    Event, GovernanceSink, Initiator, Outcome, Receipt, Record, RecordId, RecordQuery, SinkError, SinkName,
};
use activity_privacy::memory::MemorySink;
use activity_privacy::policy::PrivacyPolicy;
use activity_privacy::sinks::{QuorumSink, SinkChange};
use shuttle::thread;
use uuid::Uuid;

use super::explore::explore;
use super::scene::{ANY_MOMENT, NEVER};
use crate::fixture::*;
use crate::forward::forward;

fn record(number: u128) -> Record {
    Record {
        id: RecordId(Uuid::from_u128(number)),
        at: at(0),
        initiator: Initiator::System,
        policy: None,
        event: Event::ReadGovernance,
        outcome: Outcome::Observed,
    }
}

/// A sink that fails at one record, in one way.
#[derive(Default)]
struct FailingSink {
    inner: MemorySink,
    fails: Option<u128>,
    panics: Option<u128>,
    answers_for_another: Option<u128>,
}

impl GovernanceSink for FailingSink {
    fn record(&self, offered: &Record) -> Result<Receipt, SinkError> {
        let is = |number: Option<u128>| number.is_some_and(|number| offered.id == record(number).id);
        if is(self.fails) {
            return Err(SinkError::Backend("on command".into()));
        }
        if is(self.panics) {
            resume_unwind(Box::new("on command"));
        }
        if is(self.answers_for_another) {
            return Ok(Receipt::assertion(record(99).id, 1));
        }
        self.inner.record(offered)
    }

    forward! { inner: records newest remove }
}

fn name(text: &str) -> SinkName {
    SinkName::new(text).unwrap()
}

fn holds(sink: &impl GovernanceSink, number: u128) -> bool {
    let entries = sink.records(&RecordQuery::default(), 0, 99).unwrap();
    entries.iter().any(|entry| entry.record == record(number))
}

/// Runs two concurrent callers on a quorum of two of three sinks. Two of the sinks fail, each in its own way, so record
/// 1 has no quorum.
fn callers(limit: Duration) {
    let leading = Arc::new(MemorySink::new());
    let wrong = Arc::new(FailingSink { fails: Some(1), panics: Some(2), ..FailingSink::default() });
    let lying = Arc::new(FailingSink { answers_for_another: Some(1), ..FailingSink::default() });
    let sinks = QuorumSink::with_leader(name("a"), Arc::clone(&leading) as _)
        .push(name("b"), wrong)
        .push(name("c"), Arc::clone(&lying) as _)
        .quorum(2)
        .limit(limit)
        .build()
        .unwrap();
    let callers = [1, 2].map(|number| {
        let (sinks, leading, lying) = (sinks.clone(), Arc::clone(&leading), Arc::clone(&lying));
        thread::spawn(move || match sinks.record(&record(number)) {
            Ok(receipt) => {
                assert_eq!((number, receipt.record()), (2, record(2).id), "record 1 has no quorum");
                assert!(holds(&*leading, 2) && holds(&*lying, 2));
            }
            Err(error) => assert!(number == 1 || limit < NEVER, "{error:?}"),
        })
    });
    for caller in callers {
        caller.join().unwrap();
    }
}

#[test]
fn g4_racing_answers_count_once_and_threads_end() {
    explore(|| callers(NEVER));
}

#[test]
fn g4_answer_racing_timeout_is_correct_or_error() {
    explore(|| callers(ANY_MOMENT));
}

/// A sink is added and removed while records are written. Every answered record is in the leader and in one of the sink
/// sets.
#[test]
fn g1_sink_change_during_records_loses_none() {
    explore(|| {
        let (leading, other, third) =
            (Arc::new(MemorySink::new()), Arc::new(MemorySink::new()), Arc::new(MemorySink::new()));
        let sinks = QuorumSink::with_leader(name("a"), Arc::clone(&leading) as _)
            .push(name("b"), Arc::clone(&other) as _)
            .limit(NEVER)
            .build()
            .unwrap();
        let policy = PrivacyPolicy::initial(&admins());
        let recorder = {
            let sinks = sinks.clone();
            thread::spawn(move || [1, 2].map(|number| sinks.record(&record(number)).unwrap()))
        };
        let newcomer = Arc::clone(&third) as Arc<dyn GovernanceSink>;
        let (by, id) = (user("root"), record(10).id);
        let pending = SinkChange::add(&sinks, name("c"), newcomer, &policy, &by, id, at(0)).unwrap();
        let receipt = sinks.record(pending.record()).unwrap();
        let recorded = pending.recorded(&receipt).unwrap();
        recorded.take_effect(record(11).id, at(0)).unwrap();
        let _receipt = sinks.record(&recorded.outcome(record(12).id, at(0), None)).unwrap();
        for receipt in recorder.join().unwrap() {
            let number = receipt.record().0.as_u128();
            assert!(holds(&*leading, number) && holds(&*other, number));
        }
        let of = |sink: &MemorySink| sink.records(&RecordQuery::default(), 0, 99).unwrap();
        let last = of(&third).pop().unwrap();
        assert!(of(&third).iter().any(|entry| entry.record.id == record(11).id), "the new sink was probed");
        assert!(of(&third).iter().any(|entry| entry.record.id == record(12).id), "{last:?}");
        assert!(of(&leading).iter().all(|entry| entry.record.id != record(11).id), "the probe is only in the new sink");
    });
}
